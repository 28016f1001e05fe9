//! Uploads from HTML forms (POST Object). s3s would gather such a file in memory; here it streams to disk.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTForms.html>

mod policy;

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use axum::body::Body;
use axum::extract::multipart::Field;
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart};
use cloud_core::{Request, Response};
use futures::StreamExt as _;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use http::{HeaderValue, StatusCode};

use crate::admission::{Keys, check_date, seconds};
use crate::core::{Core, MOST_BYTES_AT_ONCE};
use crate::error::Error;
use crate::index::{NewVersion, Result, WriteConditions};
use crate::notify::Change;
use crate::object::Attributes;
use policy::Policy;

/// All fields before the file together.
const MOST_FIELD_BYTES: usize = 20 * 1024;
/// What a refused file is read on for, so that the client gets to read the refusal.
const MOST_DRAINED_BYTES: u64 = 256 << 20;

/// The fields before `file`, names in lower case.
type Fields = BTreeMap<String, String>;

/// Whether this request is an upload from a form.
pub(crate) fn is_form(request: &Request) -> bool {
    let kind = request.headers().get(CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    request.method() == http::Method::POST
        && kind.trim_start().get(..19).is_some_and(|k| k.eq_ignore_ascii_case("multipart/form-data"))
}

/// Takes the upload in, or says why not.
pub(crate) async fn post_object(
    core: &Core,
    keys: &Keys,
    bucket: &str,
    mut request: Request,
) -> Result<Response> {
    core.index.bucket(bucket)?;
    DefaultBodyLimit::disable().apply(&mut request);
    let malformed = |cause: &dyn std::fmt::Display| {
        Error::MalformedPostRequest(format!(
            "The body of your POST request is not well-formed multipart/form-data: {cause}"
        ))
    };
    let mut form = Multipart::from_request(request, &()).await.map_err(|e| malformed(&e))?;
    let mut fields = Fields::new();
    let mut bytes = 0;
    loop {
        let Some(field) = form.next_field().await.map_err(|e| malformed(&e))? else {
            return Err(Error::InvalidArgument(
                "POST requires exactly one file upload per request.".to_owned(),
            ));
        };
        let name = field.name().unwrap_or_default().to_ascii_lowercase();
        if name == "file" {
            return store(core, keys, bucket, fields, field).await;
        }
        let value = field.text().await.map_err(|e| malformed(&e))?;
        bytes += name.len() + value.len();
        if bytes > MOST_FIELD_BYTES {
            return Err(Error::MalformedPostRequest(
                "Your POST request fields preceding the upload file were too large.".to_owned(),
            ));
        }
        fields.insert(name, value);
    }
}

async fn store(
    core: &Core,
    keys: &Keys,
    bucket: &str,
    mut fields: Fields,
    mut file: Field<'_>,
) -> Result<Response> {
    let name = file.file_name().map(|name| name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned());
    // Conditions are on what the variable stands for.
    for value in fields.values_mut() {
        *value = value.replace("${filename}", name.as_deref().unwrap_or_default());
    }
    let admitted = admit(core, keys, bucket, &fields);
    let (attributes, range) = match admitted.and_then(|range| Ok((attributes(&fields)?, range))) {
        Ok(admitted) => admitted,
        Err(refusal) => {
            drain(&mut file).await;
            return Err(refusal);
        }
    };
    let key = fields.get("key").filter(|key| !key.is_empty() && key.len() <= 1024);
    let key = key
        .ok_or_else(|| Error::InvalidArgument("Bucket POST must contain a field named 'key'.".to_owned()))?;
    let most = range.map_or(MOST_BYTES_AT_ONCE, |(_, most)| most.min(MOST_BYTES_AT_ONCE));
    let written = core.blobs.write(&mut file, None, Some(most)).await;
    if matches!(written, Err(Error::EntityTooLarge)) {
        drain(&mut file).await;
    }
    let written = written?;
    if range.is_some_and(|(least, _)| written.size < least) {
        return Err(Error::EntityTooSmall);
    }
    let tag = written.etag();
    let blob = written.blob.name().to_owned();
    core.commit(
        written.blob,
        &NewVersion {
            bucket,
            key,
            blob: &blob,
            size: written.size,
            etag: &tag,
            attributes: &attributes,
            change: Change::Post,
            conditions: &WriteConditions::default(),
            completes: None,
        },
    )?;
    Ok(answer(core, bucket, key, &tag, &fields))
}

/// Verifies signature, expiry and conditions; returns the bytes the file may have.
fn admit(core: &Core, keys: &Keys, bucket: &str, fields: &Fields) -> Result<Option<(u64, u64)>> {
    let field = |name: &str| {
        fields.get(name).map(String::as_str).ok_or_else(|| {
            Error::InvalidArgument(format!("Bucket POST must contain a field named '{name}'.  If it is specified, please check the order of the fields."))
        })
    };
    let Some(document) = fields.get("policy") else {
        // Without a policy the upload is anonymous, and nobody may write anonymously.
        return Err(Error::AccessDenied("Access Denied".to_owned()));
    };
    if field("x-amz-algorithm")? != "AWS4-HMAC-SHA256" {
        return Err(Error::InvalidArgument("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"".to_owned()));
    }
    let date = field("x-amz-date")?;
    let signed_at = seconds(date)
        .ok_or_else(|| Error::InvalidArgument("X-Amz-Date must be in the ISO8601 format".to_owned()))?;
    let scope: Vec<&str> = field("x-amz-credential")?.rsplitn(5, '/').collect();
    let ["aws4_request", "s3", region, day, key_id] = scope.as_slice() else {
        return Err(Error::InvalidArgument("The Credential is mal-formed".to_owned()));
    };
    if !date.starts_with(day) {
        return Err(Error::SignatureDoesNotMatch);
    }
    let secret = keys.secret(key_id).ok_or(Error::InvalidAccessKeyId)?;
    let signature = hex::decode(field("x-amz-signature")?).map_err(|_| Error::SignatureDoesNotMatch)?;
    let key = signing_key(&secret, day, region);
    // Compares in constant time.
    hmac::verify(&key, document.as_bytes(), &signature).map_err(|_| Error::SignatureDoesNotMatch)?;

    let policy = Policy::parse(document)?;
    let now = core.clock.now_ms();
    if now >= policy.expires_ms {
        return Err(Error::AccessDenied("Invalid according to Policy: Policy expired.".to_owned()));
    }
    // The policy limits how long the form lives; its date only must not lie in the future.
    if signed_at * 1000 > now {
        check_date(signed_at, &core.clock)?;
    }
    policy.check(bucket, fields)?;
    Ok(policy.length)
}

/// The key of Signature Version 4 for one day, region and S3.
fn signing_key(secret: &str, day: &str, region: &str) -> hmac::Key {
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
    for step in [day, region, "s3", "aws4_request"] {
        let tag = hmac::sign(&key, step.as_bytes());
        key = hmac::Key::new(hmac::HMAC_SHA256, tag.as_ref());
    }
    key
}

fn attributes(fields: &Fields) -> Result<Attributes> {
    let field = |name: &str| fields.get(name).cloned();
    let metadata = fields
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix("x-amz-meta-")?.to_owned(), value.clone())))
        .collect();
    Ok(Attributes {
        content_type: field("content-type"),
        cache_control: field("cache-control"),
        content_disposition: field("content-disposition"),
        content_encoding: field("content-encoding"),
        storage_class: field("x-amz-storage-class"),
        website_redirect: field("x-amz-website-redirect-location"),
        metadata,
        tags: policy::tags(fields.get("tagging").map(String::as_str))?,
        ..Attributes::default()
    })
}

async fn drain(file: &mut Field<'_>) {
    let mut bytes = 0;
    while let Some(Ok(chunk)) = file.next().await {
        bytes += chunk.len() as u64;
        if bytes > MOST_DRAINED_BYTES {
            return;
        }
    }
}

/// 204, or what `success_action_status` and `success_action_redirect` ask for.
fn answer(core: &Core, bucket: &str, key: &str, etag: &str, fields: &Fields) -> Response {
    let location = format!("{}/{bucket}/{}", core.place.endpoint, crate::notify::url_encoded(key));
    let mut response = http::Response::new(Body::empty());
    let redirect = fields
        .get("success_action_redirect")
        .or_else(|| fields.get("redirect"))
        .and_then(|to| url::Url::parse(to).ok());
    let mut to = location.clone();
    *response.status_mut() = match (redirect, fields.get("success_action_status").map(String::as_str)) {
        (Some(mut url), _) => {
            url.query_pairs_mut()
                .append_pair("bucket", bucket)
                .append_pair("key", key)
                .append_pair("etag", &format!("\"{etag}\""));
            to = url.into();
            StatusCode::SEE_OTHER
        }
        (None, Some("200")) => StatusCode::OK,
        (None, Some("201")) => {
            let escaped = key.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            *response.body_mut() = Body::from(format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<PostResponse><Location>{location}</Location><Bucket>{bucket}</Bucket><Key>{escaped}</Key><ETag>\"{etag}\"</ETag></PostResponse>"
            ));
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/xml"));
            StatusCode::CREATED
        }
        _ => StatusCode::NO_CONTENT,
    };
    if let Ok(value) = HeaderValue::from_str(&to) {
        response.headers_mut().insert(LOCATION, value);
    }
    if let Ok(value) = HeaderValue::from_str(&format!("\"{etag}\"")) {
        response.headers_mut().insert(ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_key_is_that_of_the_documentation() {
        // https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-post-example.html
        let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiLA0KICAiY29uZGl0aW9ucyI6IFsNCiAgICB7ImJ1Y2tldCI6ICJzaWd2NGV4YW1wbGVidWNrZXQifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRrZXkiLCAidXNlci91c2VyMS8iXSwNCiAgICB7ImFjbCI6ICJwdWJsaWMtcmVhZCJ9LA0KICAgIHsic3VjY2Vzc19hY3Rpb25fcmVkaXJlY3QiOiAiaHR0cDovL3NpZ3Y0ZXhhbXBsZWJ1Y2tldC5zMy5hbWF6b25hd3MuY29tL3N1Y2Nlc3NmdWxfdXBsb2FkLmh0bWwifSwNCiAgICBbInN0YXJ0cy13aXRoIiwgIiRDb250ZW50LVR5cGUiLCAiaW1hZ2UvIl0sDQogICAgeyJ4LWFtei1tZXRhLXV1aWQiOiAiMTQzNjUxMjM2NTEyNzQifSwNCiAgICB7IngtYW16LXNlcnZlci1zaWRlLWVuY3J5cHRpb24iOiAiQUVTMjU2In0sDQogICAgWyJzdGFydHMtd2l0aCIsICIkeC1hbXotbWV0YS10YWciLCAiIl0sDQoNCiAgICB7IngtYW16LWNyZWRlbnRpYWwiOiAiQUtJQUlPU0ZPRE5ON0VYQU1QTEUvMjAxNTEyMjkvdXMtZWFzdC0xL3MzL2F3czRfcmVxdWVzdCJ9LA0KICAgIHsieC1hbXotYWxnb3JpdGhtIjogIkFXUzQtSE1BQy1TSEEyNTYifSwNCiAgICB7IngtYW16LWRhdGUiOiAiMjAxNTEyMjlUMDAwMDAwWiIgfQ0KICBdDQp9";
        let key = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "20151229", "us-east-1");
        let signature = hex::encode(hmac::sign(&key, policy.as_bytes()));
        assert_eq!(signature, "8afdbf4008c03f22c2cd3cdb72e4afbb1f6a588f3255ac628749a66d7f09699e");
    }
}
