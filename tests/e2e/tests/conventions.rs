//! What holds at every endpoint: problems, bodies, lists, caching, headers, repeated calls, limits.

#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::io::Read as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use e2e::{Answer, PASSWORD, Stack};
use futures::future::join_all;
use local::Options;
use local::faults::{Kind, Rule};
use reqwest::Method;
use serde_json::{Value, json};

fn wrong_fields(problem: &Value) -> BTreeSet<(String, String)> {
    let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors in {problem}"));
    errors
        .iter()
        .map(|e| {
            assert!(e["message"].as_str().is_some_and(|m| !m.is_empty()), "{e}");
            (e["field"].as_str().unwrap().to_owned(), e["code"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn fields(wanted: &[(&str, &str)]) -> BTreeSet<(String, String)> {
    wanted.iter().map(|(f, c)| ((*f).to_owned(), (*c).to_owned())).collect()
}

async fn raw(stack: &Stack, path: &str, body: impl Into<reqwest::Body>) -> Answer {
    stack.send(stack.request(Method::POST, path).header("content-type", "application/json").body(body)).await
}

// --- problems ---

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_speaks_the_five_languages_and_japanese_to_everybody_else() {
    let stack = Stack::start().await;
    let ask = |header: Option<&'static str>| {
        let mut request = stack.request(Method::GET, "/auth/me");
        if let Some(header) = header {
            request = request.header("accept-language", header);
        }
        let stack = &stack;
        async move {
            let answer = stack.send(request).await;
            let language = answer.header("content-language").to_owned();
            (language, answer.refused(401, "UNAUTHENTICATED")["detail"].as_str().unwrap().to_owned())
        }
    };
    let mut details = BTreeSet::new();
    for language in ["ja", "en", "ko", "zh", "vi"] {
        let (told, detail) = ask(Some(language)).await;
        assert_eq!(told, language);
        details.insert(detail);
    }
    assert_eq!(details.len(), 5, "{details:?}");
    let (_, japanese) = ask(Some("ja")).await;
    for other in
        [None, Some("fr"), Some("fr-CA, de;q=0.9"), Some(""), Some("*"), Some("en;q=0"), Some("x;;q=,,")]
    {
        assert_eq!(ask(other).await, ("ja".to_owned(), japanese.clone()), "{other:?}");
    }
    assert_eq!(ask(Some("fr, ko;q=0.5, en-GB;q=0.8")).await.0, "en");
    assert_eq!(ask(Some("zh-Hant-TW")).await.0, "zh");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fields_of_a_problem_are_told_in_the_callers_language() {
    let stack = Stack::start().await;
    let mut messages = BTreeSet::new();
    for language in ["ja", "en", "ko", "zh", "vi"] {
        let request =
            stack.request(Method::POST, "/auth/login").header("accept-language", language).json(&json!({}));
        let told = stack.send(request).await.refused(400, "VALIDATION_FAILED");
        messages.insert(told["errors"][0]["message"].as_str().unwrap().to_owned());
    }
    assert_eq!(messages.len(), 5, "{messages:?}");
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_path_and_a_wrong_method_are_no_route() {
    let stack = Stack::start().await;
    let admin = stack.admin().await;
    for (method, path) in [
        (Method::GET, "/nothing/here"),
        (Method::GET, "/"),
        (Method::POST, "/health"),
        (Method::GET, "/auth/login"),
        (Method::PUT, "/auth/login"),
        (Method::DELETE, "/api/videos"),
        (Method::PATCH, "/notifications"),
        (Method::GET, "/auth/me/"),
        (Method::GET, "/AUTH/ME"),
    ] {
        // The start page of the one-machine product is not the API's.
        if path == "/" {
            continue;
        }
        for token in [None, Some(admin.token.as_str())] {
            let mut request = stack.request(method.clone(), path);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let told = stack.send(request).await.refused(404, "ROUTE_NOT_FOUND");
            assert_eq!(told["instance"], path);
        }
    }
    stack.finish().await;
}

// --- bodies ---

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_json_is_malformed() {
    let stack = Stack::start().await;
    let deep = "[".repeat(100_000);
    for body in [
        "{",
        "{\"email\":",
        "nonsense",
        "{\"email\":\"a@b.co\"} x",
        "{'email':1}",
        "\u{feff}{}",
        deep.as_str(),
    ] {
        let shown: String = body.chars().take(20).collect();
        let answer = raw(&stack, "/auth/login", body.to_owned()).await;
        assert_eq!(answer.json["code"], "MALFORMED_JSON", "{shown}: {}", answer.json);
        answer.refused(400, "MALFORMED_JSON");
    }
    for bytes in
        [&b"\xff\xfe{}"[..], &b"{\"email\":\"\xff\"}"[..], &b"{\"email\":\"\\ud800\",\"password\":\"x\"}"[..]]
    {
        raw(&stack, "/auth/login", bytes.to_vec()).await.refused(400, "MALFORMED_JSON");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_body_names_every_field_that_is_missing_or_of_the_wrong_kind() {
    let stack = Stack::start().await;
    let required = [("email", "REQUIRED"), ("username", "REQUIRED"), ("password", "REQUIRED")];
    for empty in ["{}", ""] {
        let told = raw(&stack, "/auth/register", empty).await.refused(400, "VALIDATION_FAILED");
        assert_eq!(wrong_fields(&told), fields(&required));
    }
    let body =
        json!({"email": 5, "username": ["x"], "password": null, "language": "fr", "display_name": {"a": 1}});
    let told = stack.post("/auth/register", None, &body).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(
        wrong_fields(&told),
        fields(&[
            ("email", "INVALID_TYPE"),
            ("username", "INVALID_TYPE"),
            ("password", "INVALID_TYPE"),
            ("language", "UNKNOWN_VALUE"),
            ("display_name", "INVALID_TYPE"),
        ])
    );
    for body in ["[]", "null", "5", "\"text\"", "true"] {
        raw(&stack, "/auth/login", body).await.refused(400, "VALIDATION_FAILED");
    }
    // Inside lists too.
    let admin = stack.admin().await;
    let path = "/api/admin/users/0192d3a4-5b6c-7d8e-9f01-23456789abcd/roles";
    let told = stack
        .put(path, &*admin.token, &json!({"roles": ["user", 7, {}]}))
        .await
        .refused(400, "VALIDATION_FAILED");
    assert_eq!(wrong_fields(&told), fields(&[("roles[1]", "INVALID_TYPE"), ("roles[2]", "INVALID_TYPE")]));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_value_is_refused_and_an_unknown_field_ignored() {
    let stack = Stack::start().await;
    let mut body =
        json!({"email": "a@example.org", "username": "somebody", "password": PASSWORD, "language": "fr"});
    let told = stack.post("/auth/register", None, &body).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(wrong_fields(&told), fields(&[("language", "UNKNOWN_VALUE")]));
    body["language"] = json!("vi");
    body["roles"] = json!(["admin"]);
    body["is_verified"] = json!(true);
    body["something"] = json!({"else": [1, 2]});
    let made = stack.post("/auth/register", None, &body).await.expect(201);
    assert_eq!(
        (&made["user"]["roles"], &made["user"]["is_verified"]),
        (&json!(["user", "creator"]), &json!(false))
    );
    stack.get("/api/videos?unknown=1", None).await.expect(200);
    let told = stack.get("/api/videos?kind=film", None).await.refused(400, "VALIDATION_FAILED");
    assert_eq!(wrong_fields(&told), fields(&[("kind", "UNKNOWN_VALUE")]));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_256_kb_and_captions_have_two_megabytes() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let padded = |size: usize| {
        let bare = json!({"email": "a@example.org", "padding": ""}).to_string();
        bare.replace("\"padding\":\"\"", &format!("\"padding\":\"{}\"", "x".repeat(size - bare.len())))
    };
    assert_eq!(padded(262_144).len(), 262_144);
    raw(&stack, "/auth/password/forgot", padded(262_144)).await.expect(202);
    let told = raw(&stack, "/auth/password/forgot", padded(262_145)).await.refused(413, "BODY_TOO_LARGE");
    assert_eq!(told["limit_bytes"], 262_144);
    raw(&stack, "/auth/password/forgot", "x".repeat(5 << 20)).await.refused(413, "BODY_TOO_LARGE");

    let path = "/api/videos/0192d3a4-5b6c-7d8e-9f01-23456789abcd/captions";
    let captions = |size: usize| json!({"language": "en", "format": "vtt", "content": "x".repeat(size)});
    let answer = stack.post(path, &*person.token, &captions(1 << 20)).await;
    assert!([400, 404].contains(&answer.status.as_u16()), "{answer:?}");
    stack.post(path, &*person.token, &captions(4 << 20)).await.refused(413, "BODY_TOO_LARGE");
    stack.finish().await;
}

// --- lists ---

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_outside_1_to_100_is_refused() {
    let stack = Stack::start().await;
    let admin = stack.admin().await;
    for list in ["/api/videos", "/auth/sessions", "/notifications", "/api/admin/users"] {
        for limit in ["0", "101", "-1", "4294967296", "ten", "1.5", "1e1", "%20", "%00"] {
            let answer = stack.get(&format!("{list}?limit={limit}"), &*admin.token).await;
            let told = answer.refused(400, "VALIDATION_FAILED");
            assert_eq!(wrong_fields(&told).first().unwrap().0, "limit", "{list} {limit}");
        }
        for limit in ["1", "100"] {
            stack.get(&format!("{list}?limit={limit}"), &*admin.token).await.expect(200);
        }
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_was_tampered_with_or_belongs_elsewhere_is_refused() {
    let stack = Stack::start().await;
    let (admin, other) = (stack.admin().await, stack.register("taro").await);
    for _ in 0..2 {
        let body = json!({"email": other.email, "password": PASSWORD});
        stack.post("/auth/login", None, &body).await.expect(200);
    }
    let page = stack.get("/auth/sessions?limit=1", &*other.token).await.expect(200);
    let foreign = page["next_cursor"].as_str().unwrap().to_owned();
    let of = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let own = format!("USER#{}", admin.id);
    let made_up = [
        "x".to_owned(),
        "%%25".to_owned(),
        "e30".to_owned(),
        "bnVsbA".to_owned(),
        foreign.clone(),
        foreign[..foreign.len() / 2].to_owned(),
        "A".repeat(3000),
        of(&json!({"pk": own})),
        of(&json!({"pk": own, "sk": ["1"]})),
        of(&json!({"pk": own, "sk": "SESSION#a", "more": "x"})),
        of(&json!({"pk": [own], "sk": "a"})),
        of(&json!({"gsi1pk": "USERS", "gsi1sk": "a", "pk": ["1"], "sk": ["2"]})),
        of(&json!({"gsi1pk": "USERS", "pk": "a", "sk": "b"})),
        of(&json!({"gsi1pk": "USERS", "gsi1sk": ["5"], "pk": "a", "sk": "b"})),
        of(&json!({"pk": own, "sk": "x".repeat(1500)})),
        of(&json!({"pk": own, "sk": ""})),
    ];
    for list in ["/auth/sessions", "/notifications", "/api/admin/users", "/api/videos"] {
        for cursor in &made_up {
            let answer = stack.get(&format!("{list}?cursor={cursor}"), &*admin.token).await;
            assert_eq!(answer.status, 400, "{list} {cursor}: {}", answer.json);
            let told = answer.refused(400, "VALIDATION_FAILED");
            assert_eq!(wrong_fields(&told).first().unwrap().0, "cursor");
        }
    }
    stack.get(&format!("/auth/sessions?cursor={foreign}"), &*other.token).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_are_all_that_is_answered_and_a_list_can_still_be_paged() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let me = stack.get("/auth/me?fields=id,mfa.enabled,nothing", &*person.token).await.expect(200);
    assert_eq!(me, json!({"id": person.id, "mfa": {"enabled": false}}));
    stack.post("/auth/login", None, &json!({"email": person.email, "password": PASSWORD})).await.expect(200);
    let page = stack.get("/auth/sessions?limit=1&fields=id", &*person.token).await.expect(200);
    assert_eq!(page["items"][0].as_object().unwrap().len(), 1);
    assert!(page["next_cursor"].is_string());
    // A problem is told whole.
    let told = stack.get("/auth/me?fields=id", None).await.refused(401, "UNAUTHENTICATED");
    assert!(told.get("detail").is_some());
    let all = stack.get("/auth/me?fields=", &*person.token).await.expect(200);
    assert_eq!(all["username"], "hanako");
    stack.finish().await;
}

// --- compression, caching, headers ---

async fn with_header(stack: &Stack, path: &str, name: &str, value: &str) -> Answer {
    stack.send(stack.request(Method::GET, path).header(name, value)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_over_a_kilobyte_is_compressed_for_those_who_take_it() {
    let stack = Stack::start().await;
    let plain = stack.get("/openapi.json", None).await;
    assert_eq!((plain.status.as_u16(), plain.header("content-encoding")), (200, ""));
    assert!(plain.bytes.len() > 1024);
    let zipped = with_header(&stack, "/openapi.json", "accept-encoding", "br;q=1, gzip;q=0.5").await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    assert!(zipped.header("vary").contains("Accept-Encoding"));
    assert!(zipped.bytes.len() * 3 < plain.bytes.len());
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(zipped.bytes.as_slice()).read_to_end(&mut unzipped).unwrap();
    assert_eq!(unzipped, plain.bytes);
    let refused = with_header(&stack, "/openapi.json", "accept-encoding", "gzip;q=0").await;
    assert_eq!(refused.header("content-encoding"), "");
    let small = with_header(&stack, "/health", "accept-encoding", "gzip").await;
    assert_eq!((small.status.as_u16(), small.header("content-encoding")), (200, ""));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_answer_has_a_tag_and_is_not_sent_again_until_it_changes() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let path = format!("/users/{}", person.id);
    let first = stack.get(&path, None).await;
    assert_eq!(first.header("cache-control"), "public, max-age=60");
    let tag = first.header("etag").to_owned();
    assert!(tag.starts_with("W/\""), "{tag}");
    for known in [tag.clone(), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = with_header(&stack, &path, "if-none-match", &known).await;
        assert_eq!((again.status.as_u16(), again.bytes.len(), again.header("etag")), (304, 0, tag.as_str()));
        assert_eq!(again.header("x-content-type-options"), "nosniff");
    }
    stack.patch("/auth/me", &*person.token, &json!({"display_name": "Another"})).await.expect(200);
    let changed = with_header(&stack, &path, "if-none-match", &tag).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), tag);
    // What is private is not kept by anybody.
    let own = stack.get("/auth/me", &*person.token).await;
    assert_eq!((own.header("cache-control"), own.header("etag")), ("no-store", ""));
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_the_security_headers_and_its_request_id() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let mut answers = vec![
        stack.get("/health", None).await,
        stack.get("/nothing", None).await,
        stack.get("/auth/me", None).await,
        stack.get("/auth/me", &*person.token).await,
        stack.post("/auth/login", None, &json!({})).await,
        raw(&stack, "/auth/login", "{").await,
        stack.get("/auth/oauth/google/start", None).await,
        stack.get("/openapi.json", None).await,
        stack.get("/docs", None).await,
        stack.post("/auth/logout", &*person.token, &json!({})).await,
    ];
    let mut ids = BTreeSet::new();
    let docs = answers.remove(8);
    assert!(docs.header("content-security-policy").contains("default-src"), "{docs:?}");
    for answer in answers {
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("content-security-policy", "default-src 'self'"),
            ("x-frame-options", "DENY"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "strict-origin-when-cross-origin"),
        ] {
            assert_eq!(answer.header(name), value, "{name}: {answer:?}");
        }
        assert!(ids.insert(answer.header("x-request-id").to_owned()), "{answer:?}");
    }
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preflight_is_answered_for_the_origins_of_the_list_alone() {
    let stack = Stack::start().await;
    let ask = |origin: &str| {
        stack.send(
            stack
                .request(Method::OPTIONS, "/auth/login")
                .header("origin", origin)
                .header("access-control-request-method", "POST")
                .header("access-control-request-headers", "content-type, idempotency-key"),
        )
    };
    let answer = ask("http://localhost:5173").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "http://localhost:5173");
    assert_eq!(answer.header("access-control-allow-credentials"), "true");
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        assert!(answer.header("access-control-allow-methods").contains(method), "{answer:?}");
    }
    for name in
        ["authorization", "content-type", "idempotency-key", "x-tenant-id", "x-order-token", "x-queue-token"]
    {
        assert!(answer.header("access-control-allow-headers").contains(name), "{name}");
    }
    assert_eq!(ask("https://evil.example").await.header("access-control-allow-origin"), "");
    assert_eq!(ask("https://localhost.evil.example").await.header("access-control-allow-origin"), "");

    let real = with_header(&stack, "/health", "origin", "http://localhost:5173").await;
    assert_eq!(real.header("access-control-allow-origin"), "http://localhost:5173");
    for name in
        ["location", "etag", "retry-after", "idempotency-replayed", "x-request-id", "x-ratelimit-remaining"]
    {
        assert!(real.header("access-control-expose-headers").contains(name), "{name}");
    }
    stack.finish().await;
}

// --- repeated calls ---

async fn keyed(stack: &Stack, path: &str, token: Option<&str>, key: &str, body: &Value) -> Answer {
    let mut request = stack.request(Method::POST, path).header("idempotency-key", key).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    stack.send(request).await
}

fn upload(title: &str) -> Value {
    json!({"filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 1000, "kind": "video", "title": title})
}

const UPLOAD: &str = "/api/upload/initiate";

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_gets_the_first_answer_and_has_no_second_effect() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let token = Some(person.token.as_str());
    let first = keyed(&stack, UPLOAD, token, "k", &upload("One")).await;
    assert_eq!(first.header("idempotency-replayed"), "");
    let location = first.header("location").to_owned();
    let first = first.expect(201);
    // The same members in another order are the same body.
    let text = upload("One").to_string();
    let reordered: serde_json::Map<String, Value> =
        upload("One").as_object().unwrap().iter().rev().map(|(n, v)| (n.clone(), v.clone())).collect();
    let reordered = Value::Object(reordered);
    assert_ne!(text, reordered.to_string());
    let again = keyed(&stack, UPLOAD, token, "k", &reordered).await;
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!(again.header("location"), location);
    assert_eq!(again.expect(201), first);
    // A day later the key is free.
    stack.advance(Duration::from_mins(1441)).await;
    let token = stack.token(Some(&person.id), &["creator"]).await;
    let later = keyed(&stack, UPLOAD, Some(&token), "k", &upload("One")).await.expect(201);
    assert_ne!(later["video_id"], first["video_id"]);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_belongs_to_one_request_of_one_caller() {
    let stack = Stack::start().await;
    let (person, other) = (stack.register("hanako").await, stack.register("taro").await);
    let token = Some(person.token.as_str());
    let first = keyed(&stack, UPLOAD, token, "k", &upload("One")).await.expect(201);
    keyed(&stack, UPLOAD, token, "k", &upload("Two")).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    // Over all routes.
    keyed(&stack, "/auth/me/export", token, "k", &upload("One")).await.refused(422, "IDEMPOTENCY_KEY_REUSED");
    let others = keyed(&stack, UPLOAD, Some(&other.token), "k", &upload("One")).await;
    assert_eq!(others.header("idempotency-replayed"), "");
    assert_ne!(others.expect(201)["video_id"], first["video_id"]);
    // Nor does somebody without an account see it.
    keyed(&stack, UPLOAD, None, "k", &upload("One")).await.refused(401, "UNAUTHENTICATED");
    for bad in ["", &"k".repeat(256)] {
        keyed(&stack, UPLOAD, token, bad, &upload("One")).await.refused(400, "IDEMPOTENCY_KEY_INVALID");
    }
    keyed(&stack, UPLOAD, token, &"k".repeat(255), &upload("One")).await.expect(201);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_frees_the_key() {
    let stack = Stack::start().await;
    stack.register("taken").await;
    let mut body = json!({"email": "new@example.org", "username": "taken", "password": PASSWORD});
    keyed(&stack, "/auth/register", None, "k", &body).await.refused(409, "USERNAME_TAKEN");
    keyed(&stack, "/auth/register", None, "k", &json!({})).await.refused(400, "VALIDATION_FAILED");
    body["username"] = json!("free-name");
    let made = keyed(&stack, "/auth/register", None, "k", &body).await.expect(201);
    let again = keyed(&stack, "/auth/register", None, "k", &body).await;
    // The cookie comes along a second time too.
    assert!(again.header("set-cookie").contains(made["refresh_token"].as_str().unwrap()));
    assert_eq!(again.expect(201), made);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_still_runs_holds_its_key() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let token = Some(person.token.as_str());
    keyed(&stack, UPLOAD, token, "warm", &upload("Warm")).await.expect(201);
    // The first call of the invocation opens the key's record; the second waits.
    let slow = Rule {
        kind: Kind::Delay,
        target: None,
        function: Some("videos-initiate-upload".into()),
        call: Some(2),
        probability: None,
        times: Some(1),
        delay_ms: Some(1500),
        copies: None,
    };
    stack.faults(1, vec![slow]);
    let body = upload("One");
    let first = keyed(&stack, UPLOAD, token, "k", &body);
    let second = async {
        while stack.local.faults.rules()[0].1 == 0 {
            tokio::task::yield_now().await;
        }
        keyed(&stack, UPLOAD, token, "k", &body).await
    };
    let (first, second) = futures::future::join(first, second).await;
    let wait: u64 = second.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    second.refused(409, "IDEMPOTENCY_IN_PROGRESS");
    let first = first.expect(201);
    assert_eq!(keyed(&stack, UPLOAD, token, "k", &body).await.expect(201), first);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_calls_with_one_key_at_once_one_has_the_effect() {
    let stack = Stack::start().await;
    let person = stack.register("hanako").await;
    let token = Some(person.token.as_str());
    let body = upload("One");
    let answers = join_all((0..10).map(|_| keyed(&stack, UPLOAD, token, "k", &body))).await;
    let mut ids = BTreeSet::new();
    for answer in answers {
        match answer.status.as_u16() {
            201 => ids.insert(answer.json["video_id"].to_string()),
            _ => answer.refused(409, "IDEMPOTENCY_IN_PROGRESS").is_null(),
        };
    }
    assert_eq!(ids.len(), 1, "{ids:?}");
    let own = stack.get("/api/videos?owner_id=me", token).await.expect(200);
    assert_eq!(own["items"].as_array().unwrap().len(), 1, "{own}");
    stack.finish().await;
}

// --- limits ---

/// The product with its limits on, early in a window of so many seconds.
async fn limited(window_s: i64, needs_s: i64) -> Stack {
    let stack = Stack::with(Options { rate_limits: "on".into(), ..Options::for_tests() }).await;
    let left = window_s - stack.local.clock.now_s().rem_euclid(window_s);
    if left < needs_s {
        stack.advance(Duration::from_secs(u64::try_from(left).unwrap())).await;
    }
    stack
}

fn standing(answer: &Answer) -> (i64, i64, i64) {
    let number = |name: &str| answer.header(name).parse().unwrap_or_else(|_| panic!("{name}: {answer:?}"));
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), number("x-ratelimit-reset"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_has_ten_calls_a_minute_at_auth() {
    let stack = limited(60, 45).await;
    let from = |address: &'static str| {
        let request = stack.request(Method::POST, "/auth/password/forgot").header("x-forwarded-for", address);
        stack.send(request.json(&json!({"email": "nobody@example.org"})))
    };
    for n in 1..=10 {
        let answer = from("192.0.2.1").await;
        let (limit, remaining, reset) = standing(&answer);
        let now = stack.local.clock.now_s();
        assert_eq!((limit, remaining), (10, 10 - n));
        assert!((now..=now + 60).contains(&reset), "{reset} {now}");
        answer.expect(202);
    }
    let answer = from("192.0.2.1").await;
    assert_eq!((standing(&answer).0, standing(&answer).1), (10, 0));
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait), "{wait}");
    answer.refused(429, "RATE_LIMITED");
    // Other calls at `/auth` share the limit, other addresses have their own.
    let login = stack.request(Method::POST, "/auth/login").header("x-forwarded-for", "192.0.2.1");
    stack.send(login.json(&json!({"email": "a@b.co", "password": "x"}))).await.refused(429, "RATE_LIMITED");
    from("192.0.2.2").await.expect(202);
    stack.advance(Duration::from_secs(wait)).await;
    from("192.0.2.1").await.expect(202);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_without_account_has_a_hundred_calls_an_hour_and_health_has_no_limit() {
    let stack = limited(3600, 300).await;
    for n in 0..100 {
        let answer = stack.get("/api/videos", None).await;
        assert_eq!(standing(&answer).0, 100);
        assert_eq!(answer.status, 200, "{n}");
    }
    let answer = stack.get("/api/videos", None).await;
    let wait: u64 = answer.header("retry-after").parse().unwrap();
    assert!((1..=3600).contains(&wait), "{wait}");
    answer.refused(429, "RATE_LIMITED");
    for path in ["/health", "/openapi.json", "/.well-known/jwks.json"] {
        let answer = stack.get(path, None).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-ratelimit-limit")), (200, ""), "{path}");
    }
    let token = stack.token(None, &["user"]).await;
    stack.get("/api/videos", &*token).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_have_limits_of_their_own_for_reads_writes_and_uploads_and_premium_has_more() {
    let stack = limited(3600, 300).await;
    let user = stack.token(None, &["user", "creator"]).await;
    let premium = stack.token(None, &["user", "creator", "premium"]).await;
    for (token, limit) in [(&user, 1000), (&premium, 5000)] {
        assert_eq!(standing(&stack.get("/notifications", token.as_str()).await).0, limit);
    }
    for (token, limit) in [(&user, 10), (&premium, 50)] {
        for n in 1..=limit {
            let answer = stack.post(UPLOAD, token.as_str(), &upload("One")).await;
            assert_eq!((standing(&answer).0, standing(&answer).1), (limit, limit - n));
            answer.expect(201);
        }
        stack.post(UPLOAD, token.as_str(), &upload("One")).await.refused(429, "RATE_LIMITED");
    }
    for n in 1..=100 {
        let answer = stack.put("/notifications/read", &*user, &json!({})).await;
        assert_eq!((standing(&answer).0, standing(&answer).1), (100, 100 - n));
        answer.expect(200);
    }
    stack.put("/notifications/read", &*user, &json!({})).await.refused(429, "RATE_LIMITED");
    stack.put("/notifications/read", &*premium, &json!({})).await.expect(200);
    // Reads go on.
    stack.get("/notifications", &*user).await.expect(200);
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_at_once_are_not_let_in_beyond_the_limit() {
    let stack = limited(60, 45).await;
    let body = json!({"email": "a@example.org"});
    let answers = join_all((0..30).map(|_| stack.post("/auth/password/forgot", None, &body))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 202).count(), 10);
    assert!(answers.iter().all(|a| a.status == 202 || a.status == 429));
    stack.finish().await;
}
