//! What a call costs. One scenario makes every function do its usual work on a warm container; what it used of AWS —
//! calls, read units, write units — is held against `tests/units.tsv`, from which `docs/costs.md` is written.
//! `UPDATE_UNITS=1` writes both anew.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]
#![allow(clippy::disallowed_methods, clippy::cast_possible_truncation, clippy::cast_sign_loss)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use e2e::{Clip, PASSWORD, Person, Stack, clip};
use reqwest::Method;
use serde_json::json;

/// Calls, read units, write units.
type Used = (u64, f64, f64);

/// One warm call of every function.
async fn scenario(stack: &Stack, round: u32) {
    let admin = stack.admin().await;
    let mia = stack.register(&format!("mia{round}")).await;
    let ben = stack.register(&format!("ben{round}")).await;
    identity(stack, round, &admin).await;
    let video = upload(stack, &mia).await;
    videos(stack, &mia, &ben, &video).await;
    for path in ["/health", "/health/ready", "/openapi.json", "/docs", "/.well-known/jwks.json"] {
        stack.get(path, None).await.expect(200);
    }
    let inbox = stack.get("/notifications", mia.token.as_str()).await.expect(200);
    let first = inbox["items"][0]["id"].as_str().unwrap();
    stack.put(&format!("/notifications/{first}/read"), mia.token.as_str(), &json!({})).await.expect(200);
    stack.put("/notifications/read", mia.token.as_str(), &json!({})).await.expect(200);
    stack.advance(Duration::from_mins(1)).await;
}

async fn identity(stack: &Stack, round: u32, admin: &Person) {
    let person = stack.register(&format!("eve{round}")).await;
    let token = person.token.as_str();
    stack.settle().await;
    let mailed = mailed_token(stack, &person.email);
    stack.post("/auth/email/confirm", None, &json!({"token": mailed})).await.expect(200);
    stack.get("/auth/me", token).await.expect(200);
    stack.patch("/auth/me", token, &json!({"bio": "Hello", "display_name": "Eve"})).await.expect(200);
    stack.get("/auth/sessions", token).await.expect(200);
    let refreshed =
        stack.post("/auth/refresh", None, &json!({"refresh_token": person.refresh})).await.expect(200);
    let token = refreshed["access_token"].as_str().unwrap();
    stack.get(&format!("/users/{}", person.id), None).await.expect(200);
    stack.get("/api/admin/users?limit=5", admin.token.as_str()).await.expect(200);
    let roles = json!({"roles": ["user", "creator", "premium"]});
    stack
        .put(&format!("/api/admin/users/{}/roles", person.id), admin.token.as_str(), &roles)
        .await
        .expect(200);
    stack
        .put(
            "/auth/password",
            token,
            &json!({"current_password": PASSWORD, "new_password": "another good one"}),
        )
        .await
        .expect(204);
    stack.post("/auth/password/forgot", None, &json!({"email": person.email})).await.expect(202);
    stack.settle().await;
    let reset = mailed_token(stack, &person.email);
    stack
        .post("/auth/password/reset", None, &json!({"token": reset, "new_password": PASSWORD}))
        .await
        .expect(204);
    let login = json!({"email": person.email, "password": PASSWORD});
    let person = Person::of(&stack.post("/auth/login", None, &login).await.expect(200));
    let token = person.token.as_str();
    let other = Person::of(&stack.post("/auth/login", None, &login).await.expect(200));
    let sessions = stack.get("/auth/sessions", token).await.expect(200);
    let foreign = sessions["items"].as_array().unwrap().iter().find(|s| s["current"] == false).unwrap();
    stack.delete(&format!("/auth/sessions/{}", foreign["id"].as_str().unwrap()), token).await.expect(204);
    drop(other);

    let enrolled = stack.post("/auth/mfa/totp", token, &json!({})).await.expect(200);
    let totp = totp_rs::Totp::from_url(enrolled["otpauth_uri"].as_str().unwrap()).unwrap();
    let now = || u64::try_from(stack.local.clock.now_s()).unwrap();
    stack
        .post("/auth/mfa/totp/confirm", token, &json!({"code": totp.generate(now()).to_string()}))
        .await
        .expect(200);
    let challenged = stack.post("/auth/login", None, &login).await.expect(200);
    let mfa = challenged["mfa_token"].as_str().unwrap();
    stack.post("/auth/mfa/challenge", None, &json!({"mfa_token": mfa, "method": "email"})).await.expect(202);
    stack.advance(Duration::from_secs(31)).await;
    let code = totp.generate(now()).to_string();
    let body = json!({"mfa_token": mfa, "method": "totp", "code": code});
    let person = Person::of(&stack.post("/auth/mfa/verify", None, &body).await.expect(200));
    let token = person.token.as_str();
    stack.advance(Duration::from_secs(31)).await;
    let off = stack.request(Method::DELETE, "/auth/mfa/totp").bearer_auth(token);
    let off = off.json(&json!({"password": PASSWORD, "code": totp.generate(now()).to_string()}));
    stack.send(off).await.expect(204);

    let again = stack.register(&format!("ivy{round}")).await;
    stack.post("/auth/email/verify", again.token.as_str(), &json!({})).await.expect(202);
    stack.post("/auth/me/export", token, &json!({})).await.expect(202);
    stack.settle().await;
    oauth(stack, round).await;
    stack.post("/auth/logout", again.token.as_str(), &json!({})).await.expect(204);
    let erase =
        stack.request(Method::DELETE, "/auth/me").bearer_auth(token).json(&json!({"password": PASSWORD}));
    stack.send(erase).await.expect(204);
    stack.settle().await;
}

async fn oauth(stack: &Stack, round: u32) {
    let start = stack.request(Method::GET, "/auth/oauth/google/start").header("accept", "application/json");
    let start = stack.send(start).await.expect(200);
    let url = format!("{}&approve=ann{round}@example.org", start["authorize_url"].as_str().unwrap());
    let back = stack.get(&url, None).await;
    let callback = back.header("location").to_owned();
    stack.get(&callback, None).await.expect(200);
}

/// The token in the newest mail to an address.
fn mailed_token(stack: &Stack, email: &str) -> String {
    let mails = stack.mails(email);
    let text = mails[0]["text"].as_str().unwrap();
    let token = text.lines().find(|l| l.len() == 43 && !l.contains(' '));
    token.unwrap_or_else(|| panic!("no token in {text}")).to_owned()
}

async fn upload(stack: &Stack, owner: &Person) -> String {
    let path = clip(Clip { width: 320, height: 240, seconds: 2, sound: true });
    let bytes = std::fs::read(path).unwrap();
    let token = owner.token.as_str();
    let body = json!({
        "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": bytes.len(), "kind": "video", "title": "Units",
    });
    let upload = stack.post("/api/upload/initiate", token, &body).await.expect(201);
    let put = stack
        .request(Method::PUT, upload["url"].as_str().unwrap())
        .header("content-type", "video/mp4")
        .body(bytes);
    stack.send(put).await.expect(200);
    stack.settle().await;

    let large = json!({
        "filename": "b.mp4", "content_type": "video/mp4", "size_bytes": 200 << 20, "kind": "video", "title": "Large",
    });
    let large = stack.post("/api/upload/initiate", token, &large).await.expect(201);
    let id = large["upload_id"].as_str().unwrap();
    stack.post(&format!("/api/upload/{id}/parts"), token, &json!({"part_numbers": [1, 2]})).await.expect(200);
    stack.get(&format!("/api/upload/{id}"), token).await.expect(200);
    stack.delete(&format!("/api/upload/{id}"), token).await.expect(204);
    let done = format!("/api/upload/{}/complete", upload["upload_id"].as_str().unwrap());
    stack.post(&done, token, &json!({})).await.expect(202);
    upload["video_id"].as_str().unwrap().to_owned()
}

async fn videos(stack: &Stack, owner: &Person, viewer: &Person, video: &str) {
    let (owner, viewer) = (owner.token.as_str(), viewer.token.as_str());
    let at = |rest: &str| format!("/api/videos/{video}{rest}");
    stack.get(&at("/status"), owner).await.expect(200);
    stack.put(&at(""), owner, &json!({"title": "New title", "tags": ["a"]})).await.expect(200);
    stack.post(&at("/publish"), owner, &json!({})).await.expect(200);
    stack.get("/api/videos?limit=20", None).await.expect(200);
    stack.get(&at(""), None).await.expect(200);
    let vtt = "WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n";
    stack
        .post(&at("/captions"), owner, &json!({"language": "en", "format": "vtt", "content": vtt}))
        .await
        .expect(201);
    let stream = stack.get(&at("/stream"), viewer).await.expect(200);
    let manifest = stack.get(stream["manifest_url"].as_str().unwrap(), None).await;
    assert_eq!(manifest.status.as_u16(), 200);
    stack
        .post(&at("/view"), viewer, &json!({"position_seconds": 2.0, "watched_seconds": 2.0}))
        .await
        .expect(200);
    stack.post(&at("/like"), viewer, &json!({})).await.expect(200);
    stack.delete(&at("/like"), viewer).await.expect(204);
    let comment = stack.post(&at("/comments"), viewer, &json!({"content": "Nice"})).await.expect(201);
    let comment = format!("/comments/{}", comment["id"].as_str().unwrap());
    stack.get(&at("/comments"), None).await.expect(200);
    stack.put(&at(&comment), viewer, &json!({"content": "Very nice"})).await.expect(200);
    stack.delete(&at(&comment), viewer).await.expect(204);
    stack.delete(&at(""), owner).await.expect(204);
    stack.settle().await;
}

fn table() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../units.tsv"))
}

/// The most that a good invocation of each function used, after the first `skip` lines of the log; a job's by record.
fn used(stack: &Stack, skip: usize) -> BTreeMap<String, Used> {
    let mut used: BTreeMap<String, Used> = BTreeMap::new();
    for line in stack.local.logs.last(None, usize::MAX).into_iter().skip(skip) {
        if line["status"].as_u64().is_some_and(|s| s >= 400) || line["Errors"] != 0 {
            continue;
        }
        let records = line["metadata"]["records"].as_f64().unwrap_or(1.0).max(1.0);
        let units = |name: &str| (line[name].as_f64().unwrap_or(0.0) / records * 10.0).ceil() / 10.0;
        let calls = line["AwsCalls"].as_u64().unwrap_or(0).div_ceil(records as u64);
        let most = used.entry(line["service"].as_str().unwrap_or_default().to_owned()).or_default();
        *most = (most.0.max(calls), most.1.max(units("ReadUnits")), most.2.max(units("WriteUnits")));
    }
    used
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_uses_no_more_of_aws_than_the_cost_table_says() {
    let stack = Stack::start().await;
    // The first round warms keys and parameters; the second is what a running container does.
    scenario(&stack, 1).await;
    let first = stack.local.logs.last(None, usize::MAX).len();
    scenario(&stack, 2).await;
    let used = used(&stack, first);
    if std::env::var("UPDATE_UNITS").is_ok() {
        write(&used);
    }
    let told = read();
    for function in product::functions() {
        let Some(is) = used.get(function.name) else {
            assert!(told.contains_key(function.name), "{} was not exercised", function.name);
            continue;
        };
        let may =
            told.get(function.name).unwrap_or_else(|| panic!("{} is not in the cost table", function.name));
        assert!(
            is.0 <= may.0 && is.1 <= may.1 && is.2 <= may.2,
            "{} used {is:?} (calls, read units, write units), the table says {may:?}",
            function.name
        );
    }
    assert_eq!(read().get("videos-get-video"), Some(&(1, 0.5, 0.0)), "reading a video is one read");
    stack.finish().await;
}

fn read() -> BTreeMap<String, Used> {
    let text = std::fs::read_to_string(table()).unwrap_or_default();
    let rows = text.lines().filter(|l| !l.starts_with('#') && !l.is_empty()).map(|line| {
        let cells: Vec<&str> = line.split('\t').collect();
        (
            cells[0].to_owned(),
            (cells[1].parse().unwrap(), cells[2].parse().unwrap(), cells[3].parse().unwrap()),
        )
    });
    rows.collect()
}

/// Keeps what an earlier run measured higher: how messages fall into batches differs from run to run.
fn write(measured: &BTreeMap<String, Used>) {
    let mut used = read();
    for (name, now) in measured {
        let most = used.entry(name.clone()).or_default();
        *most = (most.0.max(now.0), most.1.max(now.1), most.2.max(now.2));
    }
    let used = &used;
    let mut text =
        "# function\tAWS calls\tread units\twrite units (most that one warm invocation uses)\n".to_owned();
    for (name, (calls, reads, writes)) in used {
        let _ = writeln!(text, "{name}\t{calls}\t{reads}\t{writes}");
    }
    std::fs::write(table(), text).unwrap();
    std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/costs.md"), costs(used)).unwrap();
}

/// Dollars per million calls, us-east-1, on demand.
mod price {
    /// DynamoDB read request unit.
    pub const READ: f64 = 0.125;
    /// DynamoDB write request unit.
    pub const WRITE: f64 = 0.625;
    /// API Gateway HTTP API, first 300 million.
    pub const GATEWAY: f64 = 1.0;
    /// Lambda request.
    pub const REQUEST: f64 = 0.20;
    /// Lambda GB-second, arm64, times a million calls of 256 MB and 10 ms.
    pub const COMPUTE_10_MS: f64 = 0.000_013_333_4 * 0.25 * 0.010 * 1e6;
    /// SQS request.
    pub const QUEUE: f64 = 0.40;
}

fn costs(used: &BTreeMap<String, Used>) -> String {
    let mut page = String::from(
        "# Costs\n\nWhat one warm invocation uses of AWS (a job: for each message), and the dollars of a million such calls: DynamoDB units at on-demand \
         prices ($0.125 a million reads, $0.625 a million writes), API Gateway ($1.00) or SQS ($0.40 a request) in front, \
         Lambda at 256 MB on arm64 for 10 ms. us-east-1; transfer, storage, MediaConvert and CloudFront come on top. \
         Written by the test that asserts the figures (`UPDATE_UNITS=1`); request limits were off: they add one write unit \
         to a write, and to one read in twenty. An `Idempotency-Key` adds two write units.\n\nA transaction's item costs \
         two write units per KB, and one more for each index that carries it.\n\n\
         | function | AWS calls | read units | write units | $ per million |\n|---|---|---|---|---|\n",
    );
    for (name, (calls, reads, writes)) in used {
        let endpoint = product::functions().iter().any(|f| f.name == name && f.served.is_some());
        let front = if endpoint { price::GATEWAY } else { price::QUEUE };
        let dollars =
            front + price::REQUEST + price::COMPUTE_10_MS + reads * price::READ + writes * price::WRITE;
        let _ = writeln!(page, "| `{name}` | {calls} | {reads} | {writes} | {dollars:.2} |");
    }
    page
}
