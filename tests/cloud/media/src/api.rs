//! The REST calls (`/2017-08-29/…`).

use axum::body::Body;
use cloud_core::{Protocol, Request, Response, WireError};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::job::{Job, Status};
use crate::jobs::{Cancelled, Created, Filter};
use crate::media::Media;
use crate::probe;
use crate::probe_answer::probe_result;
use crate::s3_url::S3Url;
use crate::settings;

/// Largest request body; real settings are a few hundred kilobytes at most.
const BODY_LIMIT_BYTES: usize = 4 * 1024 * 1024;
/// The API's largest and default page of a list.
const PAGE: usize = 20;

type Answer = Result<(StatusCode, Value), WireError>;

impl Media {
    pub(crate) async fn answer(&self, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        let answer = match axum::body::to_bytes(body, BODY_LIMIT_BYTES).await {
            Ok(body) => self.route(&parts, &body).await,
            Err(_) => Err(bad_request("the body is too large or broke off")),
        };
        match answer {
            Ok((status, value)) => {
                let mut response = http::Response::new(Body::from(value.to_string()));
                *response.status_mut() = status;
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            Err(error) => error.response(Protocol::RestJson),
        }
    }

    async fn route(&self, parts: &http::request::Parts, body: &[u8]) -> Answer {
        let path = parts.uri.path().trim_end_matches('/');
        let query = parts.uri.query().unwrap_or_default();
        let Some(path) = path.strip_prefix("/2017-08-29/") else { return Err(no_such_route(path)) };
        let (collection, id) = path.split_once('/').map_or((path, None), |(c, id)| (c, Some(id)));
        match (&parts.method, collection, id) {
            (&Method::POST, "jobs", None) => self.create_job(body),
            (&Method::GET, "jobs", None) => self.list_jobs(query),
            (&Method::GET, "jobs", Some(id)) => {
                let job = self.jobs.get(id).map_err(internal)?.ok_or_else(|| not_found("job", id))?;
                Ok((StatusCode::OK, json!({"job": job.show(&self.place)})))
            }
            (&Method::DELETE, "jobs", Some(id)) => self.cancel_job(id),
            (&Method::POST, "endpoints", None) => {
                Ok((StatusCode::OK, json!({"endpoints": [{"url": self.place.endpoint}]})))
            }
            (&Method::POST, "probe", None) => self.probe(body).await,
            (&Method::GET, "queues", None) => {
                Ok((StatusCode::OK, json!({"queues": [self.default_queue()?]})))
            }
            (&Method::GET, "queues", Some("Default")) => {
                Ok((StatusCode::OK, json!({"queue": self.default_queue()?})))
            }
            (&Method::GET, "presets", None) => Ok((StatusCode::OK, json!({"presets": []}))),
            (&Method::GET, "jobTemplates", None) => Ok((StatusCode::OK, json!({"jobTemplates": []}))),
            (&Method::GET, "queues" | "presets" | "jobTemplates", Some(id)) => Err(not_found(collection, id)),
            _ => Err(no_such_route(path)),
        }
    }

    fn create_job(&self, body: &[u8]) -> Answer {
        let request = object(body)?;
        let text = |name: &str| request.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let role = text("role").ok_or_else(|| bad_request("role is a required property"))?;
        if !role.starts_with("arn:") {
            return Err(bad_request(
                "/role: Invalid role ARN format. Please check the role ARN and try again.",
            ));
        }
        if text("jobTemplate").is_some() {
            return Err(bad_request(
                "/jobTemplate: there are no job templates here; give the settings themselves",
            ));
        }
        if text("clientRequestToken").is_some_and(|token| token.len() > 64 || !token.is_ascii()) {
            return Err(bad_request("/clientRequestToken: Should be up to 64 ASCII characters"));
        }
        check_metadata(request.get("userMetadata"))?;
        if text("statusUpdateInterval").is_some_and(|interval| !INTERVALS.contains(&interval)) {
            return Err(bad_request("/statusUpdateInterval: is not one of SECONDS_10 to SECONDS_600"));
        }
        let priority =
            request.get("priority").map_or(Some(0), Value::as_i64).filter(|p| (-50..=50).contains(p));
        let priority = priority.ok_or_else(|| bad_request("/priority: Should be between -50 and 50"))?;
        let settings =
            request.get("settings").ok_or_else(|| bad_request("settings is a required property"))?;
        settings::read(settings).map_err(bad_request)?;
        let queue = match text("queue") {
            Some(arn) if arn.starts_with("arn:") => arn.to_owned(),
            name => self.queue_arn(name.unwrap_or("Default")),
        };
        let id = job_id(self.clock.now_ms());
        match self.jobs.create(&id, &queue, priority, &request).map_err(internal)? {
            Created::New(job) => {
                self.submitted.notify_one();
                Ok((StatusCode::CREATED, json!({"job": job.show(&self.place)})))
            }
            Created::Known(job) => Ok((StatusCode::CREATED, json!({"job": job.show(&self.place)}))),
            Created::TokenTaken => Err(WireError::bad_request(
                "ConflictException",
                "The client request token was already used for a job with other settings.",
            )
            .with_status(StatusCode::CONFLICT)),
        }
    }

    fn list_jobs(&self, query: &str) -> Answer {
        let mut filter = Filter { limit: PAGE, ..Filter::default() };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "status" => {
                    let status =
                        Status::parse(&value).ok_or_else(|| bad_request("/status: is not a job status"))?;
                    filter.status = Some(status);
                }
                "queue" if value.starts_with("arn:") => filter.queue = Some(value.into_owned()),
                "queue" => filter.queue = Some(self.queue_arn(&value)),
                "order" => filter.oldest_first = value == "ASCENDING",
                "maxResults" => {
                    let limit = value.parse().ok().filter(|n| (1..=PAGE).contains(n));
                    filter.limit =
                        limit.ok_or_else(|| bad_request("/maxResults: Should be between 1 and 20"))?;
                }
                "nextToken" => {
                    filter.offset =
                        value.parse().map_err(|_| bad_request("/nextToken: is not a token of ours"))?;
                }
                _ => {}
            }
        }
        let page = filter.limit;
        // One more than asked for tells whether there is a next page.
        filter.limit += 1;
        let jobs = self.jobs.list(&filter).map_err(internal)?;
        let shown: Vec<Value> = jobs.iter().take(page).map(|job: &Job| job.show(&self.place)).collect();
        let mut answer = json!({"jobs": shown});
        if let (true, Some(fields)) = (jobs.len() > page, answer.as_object_mut()) {
            fields.insert("nextToken".into(), (filter.offset + page).to_string().into());
        }
        Ok((StatusCode::OK, answer))
    }

    fn cancel_job(&self, id: &str) -> Answer {
        match self.jobs.cancel(id).map_err(internal)? {
            Cancelled::Done => {
                self.running.stop(id);
                self.news.notify_one();
                Ok((StatusCode::ACCEPTED, json!({})))
            }
            Cancelled::NotFound => Err(not_found("job", id)),
            Cancelled::Ended(status) => Err(WireError::bad_request(
                "ConflictException",
                format!("Job [{id}] is in state [{}] and cannot be canceled.", status.name()),
            )
            .with_status(StatusCode::CONFLICT)),
        }
    }

    async fn probe(&self, body: &[u8]) -> Answer {
        let request = object(body)?;
        let files = request.get("inputFiles").and_then(Value::as_array).filter(|files| files.len() == 1);
        let url = files.and_then(|files| files.first()?.get("fileUrl")?.as_str());
        let url =
            url.ok_or_else(|| bad_request("/inputFiles: Should have exactly 1 element with a fileUrl"))?;
        let input = S3Url::parse(url).ok_or_else(|| {
            bad_request(format!("/inputFiles/0/fileUrl: \"{url}\" is not of the form s3://bucket/key"))
        })?;
        let path = self.files.path(&input.bucket, &input.key).await;
        let path = path.ok_or_else(|| not_found("file", url))?;
        let info = probe::probe(&path, &input).await.map_err(|failure| {
            let status = if failure.code == 1999 { None } else { Some(StatusCode::UNPROCESSABLE_ENTITY) };
            match status {
                Some(status) => WireError::bad_request("UnprocessableEntityException", failure.message)
                    .with_status(status),
                None => internal(failure.message),
            }
        })?;
        let modified = tokio::fs::metadata(&path).await.and_then(|m| m.modified()).ok();
        let modified =
            modified.and_then(|m| m.duration_since(std::time::UNIX_EPOCH).ok()).map(|d| d.as_secs());
        Ok((StatusCode::OK, json!({"probeResults": [probe_result(&info, modified)]})))
    }

    fn queue_arn(&self, name: &str) -> String {
        self.place.arn("mediaconvert", &format!("queues/{name}"))
    }

    fn default_queue(&self) -> Result<Value, WireError> {
        Ok(json!({
            "arn": self.queue_arn("Default"),
            "name": "Default",
            "type": "SYSTEM",
            "status": "ACTIVE",
            "pricingPlan": "ON_DEMAND",
            "submittedJobsCount": self.jobs.count(Status::Submitted).map_err(internal)?,
            "progressingJobsCount": self.jobs.count(Status::Progressing).map_err(internal)?,
        }))
    }
}

/// `StatusUpdateInterval`; checked and kept, though updates come about every second here.
const INTERVALS: [&str; 15] = [
    "SECONDS_10",
    "SECONDS_12",
    "SECONDS_15",
    "SECONDS_20",
    "SECONDS_30",
    "SECONDS_60",
    "SECONDS_120",
    "SECONDS_180",
    "SECONDS_240",
    "SECONDS_300",
    "SECONDS_360",
    "SECONDS_420",
    "SECONDS_480",
    "SECONDS_540",
    "SECONDS_600",
];

/// Up to ten pairs of text.
fn check_metadata(metadata: Option<&Value>) -> Result<(), WireError> {
    match metadata {
        None => Ok(()),
        Some(Value::Object(pairs)) if pairs.len() <= 10 && pairs.values().all(Value::is_string) => Ok(()),
        Some(_) => Err(bad_request("/userMetadata: Should be at most 10 pairs of strings")),
    }
}

/// `{milliseconds}-{six letters or digits}`, as in AWS.
fn job_id(now_ms: i64) -> String {
    const LETTERS: [char; 32] = [
        'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't',
        'u', 'v', 'w', 'x', 'y', 'z', '2', '3', '4', '5', '6', '7',
    ];
    let bits = rand::random::<u32>();
    let suffix = (0..6).filter_map(|i| LETTERS.get((bits >> (5 * i)) as usize & 31));
    format!("{now_ms}-{}", suffix.collect::<String>())
}

fn object(body: &[u8]) -> Result<Map<String, Value>, WireError> {
    serde_json::from_slice(body).map_err(|e| bad_request(format!("the body is not a JSON object: {e}")))
}

fn bad_request(message: impl Into<String>) -> WireError {
    WireError::bad_request("BadRequestException", message)
}

fn not_found(what: &str, id: &str) -> WireError {
    WireError::bad_request("NotFoundException", format!("The requested {what} [{id}] does not exist."))
        .with_status(StatusCode::NOT_FOUND)
}

fn no_such_route(path: &str) -> WireError {
    WireError::bad_request("NotFoundException", format!("{path} is not an operation of this service."))
        .with_status(StatusCode::NOT_FOUND)
}

fn internal(error: impl std::fmt::Display) -> WireError {
    tracing::error!(%error, "MediaConvert");
    WireError::bad_request("InternalServerErrorException", "Internal server error")
        .with_status(StatusCode::INTERNAL_SERVER_ERROR)
}
