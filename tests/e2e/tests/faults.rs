//! Every flow of several stages ends the same, whatever is delivered twice, dies or is refused on the way.

#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;

use e2e::{Clip, Flow, PASSWORD, Person, Stack, clip, survives};
use reqwest::Method;
use serde_json::{Value, json};

async fn register(stack: &Stack, name: &str) -> Person {
    let body = json!({"email": format!("{name}@example.org"), "username": name, "password": PASSWORD, "language": "en"});
    let request = stack.request(Method::POST, "/auth/register").header("idempotency-key", name).json(&body);
    Person::of(&stack.insist(request).await.expect(201))
}

/// Subjects of somebody's mails, each mail once.
fn subjects(stack: &Stack, email: &str) -> Vec<String> {
    let mails: BTreeSet<(String, String)> = stack
        .mails(email)
        .iter()
        .map(|m| (m["subject"].as_str().unwrap().to_owned(), m["text"].as_str().unwrap().to_owned()))
        .collect();
    mails.into_iter().map(|(subject, _)| subject).collect()
}

/// Titles of somebody's notifications.
async fn notices(stack: &Stack, person: &Person) -> Vec<String> {
    let inbox = stack.get("/notifications", person.token.as_str()).await.expect(200);
    let mut titles: Vec<String> =
        inbox["items"].as_array().unwrap().iter().map(|n| format!("{} {}", n["kind"], n["title"])).collect();
    titles.sort();
    titles
}

/// Names of the files in a bucket, without ids.
fn files(stack: &Stack, bucket: &str, ids: &[&str]) -> Vec<String> {
    let objects = stack.local.objects.list(&format!("local-{bucket}-000000000000"), "").unwrap();
    let mut names: Vec<String> =
        objects.iter().map(|o| ids.iter().fold(o.key.clone(), |name, id| name.replace(id, "ID"))).collect();
    names.sort();
    names
}

struct Registration;

impl Flow for Registration {
    type Subject = Option<Person>;

    fn stages(&self) -> &'static [&'static str] {
        &["identity-register", "platform-relay-outbox", "notifications-send-email"]
    }

    async fn prepare(&self, _: &Stack) -> Self::Subject {
        None
    }

    async fn start(&self, stack: &Stack, subject: &mut Self::Subject) {
        *subject = Some(register(stack, "mia").await);
    }

    async fn state(&self, stack: &Stack, subject: &Self::Subject) -> Value {
        let mia = subject.as_ref().unwrap();
        let me = stack.get("/auth/me", mia.token.as_str()).await.expect(200);
        json!({
            "me": [me["email"], me["username"], me["is_verified"], me["roles"]],
            "mails": subjects(stack, &mia.email),
            "rows": stack.rows().await,
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_ends_in_one_account_and_one_mail() {
    survives(&Registration).await;
}

struct Transcoding;

impl Flow for Transcoding {
    type Subject = (Person, String);

    fn stages(&self) -> &'static [&'static str] {
        &[
            "videos-initiate-upload",
            "videos-start-transcode",
            "videos-finish-transcode",
            "platform-relay-outbox",
            "notifications-dispatch",
            "notifications-send-email",
        ]
    }

    async fn prepare(&self, stack: &Stack) -> Self::Subject {
        (register(stack, "mia").await, String::new())
    }

    async fn start(&self, stack: &Stack, (mia, video): &mut Self::Subject) {
        *video = upload(stack, mia).await;
    }

    async fn state(&self, stack: &Stack, (mia, video): &Self::Subject) -> Value {
        let told = stack.get(&format!("/api/videos/{video}"), mia.token.as_str()).await.expect(200);
        let upload = stack.local.objects.list("local-uploads-000000000000", "").unwrap();
        let upload =
            upload[0].key.split('/').find(|part| part.len() == 36 && part != video).unwrap_or("-").to_owned();
        json!({
            "video": [told["status"], told["progress_percent"], told["duration_seconds"], told["width"], told["height"]],
            "media": files(stack, "media", &[video]),
            "uploads": files(stack, "uploads", &[video, &upload, &mia.id]),
            "notices": notices(stack, mia).await,
            "mails": subjects(stack, &mia.email),
            "rows": stack.rows().await,
        })
    }
}

async fn upload(stack: &Stack, owner: &Person) -> String {
    let bytes = std::fs::read(clip(Clip { width: 64, height: 64, seconds: 1, sound: false })).unwrap();
    let body = json!({
        "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": bytes.len(), "kind": "video", "title": "First",
    });
    let request = stack.request(Method::POST, "/api/upload/initiate").bearer_auth(&owner.token);
    let upload = stack.insist(request.header("idempotency-key", "upload").json(&body)).await.expect(201);
    let put = stack
        .request(Method::PUT, upload["url"].as_str().unwrap())
        .header("content-type", "video/mp4")
        .body(bytes);
    stack.insist(put).await.expect(200);
    upload["video_id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_ends_in_one_ready_video_one_notice_and_one_mail() {
    survives(&Transcoding).await;
}

struct Erasure;

impl Flow for Erasure {
    type Subject = Person;

    fn stages(&self) -> &'static [&'static str] {
        &[
            "identity-delete-me",
            "platform-relay-outbox",
            "identity-erase-user",
            "videos-finish-transcode",
            "notifications-send-email",
        ]
    }

    async fn prepare(&self, stack: &Stack) -> Person {
        let mia = register(stack, "mia").await;
        upload(stack, &mia).await;
        stack.settle().await;
        // And one that waits for its file.
        let body = json!({
            "filename": "a.mp4", "content_type": "video/mp4", "size_bytes": 200 << 20, "kind": "video", "title": "First",
        });
        stack.post("/api/upload/initiate", mia.token.as_str(), &body).await.expect(201);
        mia
    }

    async fn start(&self, stack: &Stack, mia: &mut Person) {
        let request = stack.request(Method::DELETE, "/auth/me").bearer_auth(&mia.token);
        let answer = stack.insist(request.json(&json!({"password": PASSWORD}))).await;
        // A repeated request finds the account closed.
        assert!([204, 401].contains(&answer.status.as_u16()), "{}", answer.json);
    }

    async fn state(&self, stack: &Stack, mia: &Person) -> Value {
        stack.get(&format!("/users/{}", mia.id), None).await.expect(404);
        let login = json!({"email": mia.email, "password": PASSWORD});
        stack.post("/auth/login", None, &login).await.refused(401, "INVALID_CREDENTIALS");
        let uploads = stack.local.objects.open_uploads("local-uploads-000000000000").unwrap();
        assert!(uploads.is_empty(), "an upload is left open: {uploads:?}");
        json!({
            "mails": subjects(stack, &mia.email),
            "files": [files(stack, "uploads", &[]), files(stack, "media", &[])],
            "rows": stack.rows().await,
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_ends_with_nothing_left_and_one_mail() {
    survives(&Erasure).await;
}

struct Export;

impl Flow for Export {
    type Subject = Person;

    fn stages(&self) -> &'static [&'static str] {
        &[
            "identity-request-export",
            "platform-relay-outbox",
            "identity-export-data",
            "notifications-send-email",
        ]
    }

    async fn prepare(&self, stack: &Stack) -> Person {
        register(stack, "mia").await
    }

    async fn start(&self, stack: &Stack, mia: &mut Person) {
        let request = stack.request(Method::POST, "/auth/me/export").bearer_auth(&mia.token);
        stack.insist(request.header("idempotency-key", "export").json(&json!({}))).await.expect(202);
    }

    async fn state(&self, stack: &Stack, mia: &Person) -> Value {
        let mail = stack.mails(&mia.email);
        let mail =
            mail.iter().find(|m| m["text"].as_str().unwrap().contains("my-data.zip")).expect("no link");
        let link =
            mail["text"].as_str().unwrap().split_whitespace().find(|w| w.contains("my-data.zip")).unwrap();
        let archive = stack.get(link, None).await;
        assert_eq!(archive.status.as_u16(), 200);
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(archive.bytes)).unwrap();
        let mut names: Vec<String> = archive.file_names().map(|n| n.unwrap().into_owned()).collect();
        names.sort();
        let account: Value = serde_json::from_reader(archive.by_name("account.json").unwrap()).unwrap();
        json!({
            "of": account["profile"]["email"],
            "files": names,
            "archives": files(stack, "exports", &[]).len(),
            "mails": subjects(stack, &mia.email),
            "rows": stack.rows().await,
        })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_ends_in_one_archive_and_one_mail() {
    survives(&Export).await;
}
