use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, Stack};

/// Bucket that takes files in.
pub const UPLOADS: &str = "local-uploads-000000000000";
/// Bucket of what is played.
pub const MEDIA: &str = "local-media-000000000000";

impl Stack {
    /// Announces an upload: an MP4 of this size, unless `more` says otherwise.
    pub async fn announce(&self, token: &str, size_bytes: usize, more: Value) -> Value {
        let mut body = json!({
            "filename": "clip.mp4", "content_type": "video/mp4", "size_bytes": size_bytes, "kind": "video", "title": "Sea",
        });
        if let (Some(body), Value::Object(more)) = (body.as_object_mut(), more) {
            body.extend(more);
        }
        self.post("/api/upload/initiate", token, &body).await.expect(201)
    }

    /// Sends a file to where its announcement says, in one PUT.
    pub async fn send_file(&self, upload: &Value, bytes: Vec<u8>) -> Answer {
        let url = upload["url"].as_str().unwrap_or_else(|| panic!("no URL: {upload}"));
        let kind =
            upload["headers"]["Content-Type"].as_str().unwrap_or_else(|| panic!("no headers: {upload}"));
        self.send(self.request(Method::PUT, url).header("content-type", kind).body(bytes)).await
    }

    /// Announces and sends a file; answers the video's id.
    pub async fn upload(&self, token: &str, file: &Path, more: Value) -> String {
        let bytes = std::fs::read(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        let upload = self.announce(token, bytes.len(), more).await;
        self.send_file(&upload, bytes).await.expect(200);
        id_of(&upload)
    }

    /// A video that is ready.
    pub async fn video(&self, token: &str, file: &Path, more: Value) -> String {
        let id = self.upload(token, file, more).await;
        self.settle().await;
        let status = self.status(token, &id).await;
        assert_eq!(status["status"], "ready", "{status}");
        id
    }

    /// A video that is out.
    pub async fn published(&self, token: &str, file: &Path, more: Value) -> String {
        let id = self.video(token, file, more).await;
        self.publish(token, &id, &json!({})).await;
        id
    }

    /// Publishes a video.
    pub async fn publish(&self, token: &str, id: &str, how: &Value) -> Value {
        self.post(&format!("/api/videos/{id}/publish"), token, how).await.expect(200)
    }

    /// How far a video has come.
    pub async fn status(&self, token: &str, id: &str) -> Value {
        self.get(&format!("/api/videos/{id}/status"), token).await.expect(200)
    }

    /// Leave to watch a video.
    pub async fn stream(&self, id: &str, token: impl Into<Option<&str>>) -> Value {
        self.get(&format!("/api/videos/{id}/stream"), token).await.expect(200)
    }

    /// Everything that lies in the buckets of videos: objects, and uploads in parts that are open.
    pub fn stored(&self) -> Vec<String> {
        let mut all = Vec::new();
        for bucket in [UPLOADS, MEDIA] {
            let objects = self.local.objects.list(bucket, "").unwrap_or_else(|e| panic!("{bucket}: {e}"));
            all.extend(objects.into_iter().map(|o| format!("{bucket}/{}", o.key)));
            let open = self.local.objects.open_uploads(bucket).unwrap_or_else(|e| panic!("{bucket}: {e}"));
            all.extend(open.into_iter().map(|key| format!("{bucket}/{key} (parts)")));
        }
        all
    }

    /// What waits in queues, dead-letter queues included.
    pub fn waiting(&self) -> Vec<Value> {
        let holds = |q: &Value| {
            ["/visible", "/in_flight", "/delayed", "/dlq/visible"]
                .iter()
                .any(|p| q.pointer(p).is_some_and(|n| n != 0))
        };
        self.local.queue_list().into_iter().filter(holds).collect()
    }
}

/// The video of an announced upload.
///
/// # Panics
/// When it is none.
#[must_use]
pub fn id_of(upload: &Value) -> String {
    upload["video_id"].as_str().unwrap_or_else(|| panic!("no video: {upload}")).to_owned()
}
