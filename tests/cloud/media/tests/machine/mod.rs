//! A `MediaConvert` with a folder for an object store and a list for a bus.

// Each test file uses some of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Body;
use cloud_core::{Bus, BusEvent, Clock, Place, Service as _, State};
use cloud_media::{Files, Media};
use futures::future::BoxFuture;
use serde_json::{Value, json};

/// Objects are files: `{root}/{bucket}/{key}`.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn object(&self, bucket: &str, key: &str) -> PathBuf {
        self.0.join(bucket).join(key)
    }

    /// All keys of a bucket, sorted.
    pub fn keys(&self, bucket: &str) -> Vec<String> {
        fn walk(root: &Path, folder: &Path, keys: &mut Vec<String>) {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.path().is_dir() {
                    walk(root, &entry.path(), keys);
                } else {
                    keys.push(entry.path().strip_prefix(root).unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let root = self.0.join(bucket);
        let mut keys = Vec::new();
        walk(&root, &root, &mut keys);
        keys.sort();
        keys
    }

    pub fn text(&self, bucket: &str, key: &str) -> String {
        std::fs::read_to_string(self.object(bucket, key)).unwrap()
    }
}

impl Files for Folder {
    fn path<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        let path = self.object(bucket, key);
        Box::pin(async move { path.is_file().then_some(path) })
    }

    fn store<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        path: &'a Path,
        _content_type: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            if key.contains("unwritable") {
                return Err("Access Denied".to_owned());
            }
            let object = self.object(bucket, key);
            std::fs::create_dir_all(object.parent().unwrap()).map_err(|e| e.to_string())?;
            std::fs::copy(path, object).map(|_| ()).map_err(|e| e.to_string())
        })
    }

    fn remove<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let _ = std::fs::remove_file(self.object(bucket, key));
            Ok(())
        })
    }
}

#[derive(Default)]
pub struct Events(pub Mutex<Vec<BusEvent>>);

impl Bus for Events {
    fn put(&self, event: BusEvent) -> BoxFuture<'_, Result<(), String>> {
        self.0.lock().unwrap().push(event);
        Box::pin(async { Ok(()) })
    }
}

/// One `MediaConvert` with what is around it.
pub struct Machine {
    pub media: Arc<Media>,
    pub files: Arc<Folder>,
    pub events: Arc<Events>,
    pub clock: Clock,
    root: PathBuf,
    state: State,
}

impl Machine {
    /// With state in files; `name` keeps tests apart.
    pub fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("cloud-media-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("s3/in")).unwrap();
        let files = Arc::new(Folder(root.join("s3")));
        let (events, clock) = (Arc::new(Events::default()), Clock::default());
        let state = State::Dir(root.join("state"));
        let media = open(&state, &clock, &files, &events);
        Self { media, files, events, clock, root, state }
    }

    /// As after the process was killed and started again.
    pub fn reopen(&mut self) {
        self.media = open(&self.state, &self.clock, &self.files, &self.events);
    }

    pub async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let request = http::Request::builder().method(method).uri(format!("/2017-08-29/{path}"));
        let response = self.media.call(request.body(Body::from(body.to_string())).unwrap()).await;
        let status = response.status().as_u16();
        let code = response.headers().get("x-amzn-errortype").map(|v| v.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let mut answer: Value = serde_json::from_slice(&bytes).unwrap();
        if let Some(code) = code {
            answer["code"] = code.into();
        }
        (status, answer)
    }

    /// Submits a job and returns its id.
    pub async fn submit(&self, settings: Value) -> String {
        let body = json!({"role": "arn:aws:iam::000000000000:role/mc", "settings": settings, "userMetadata": {"video": "v1"}});
        let (status, answer) = self.call("POST", "jobs", &body).await;
        assert_eq!(status, 201, "{answer}");
        answer["job"]["id"].as_str().unwrap().to_owned()
    }

    pub async fn job(&self, id: &str) -> Value {
        self.call("GET", &format!("jobs/{id}"), &Value::Null).await.1["job"].clone()
    }

    /// Works until nothing is left to do.
    pub async fn drain(&self) {
        let running = tokio::spawn(Arc::clone(&self.media).run());
        let start = Instant::now();
        while self.media.active() > 0 {
            assert!(start.elapsed() < Duration::from_mins(2), "not done after two minutes");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        running.abort();
    }

    /// Submits a job, does it, and returns it.
    pub async fn transcode(&self, settings: Value) -> Value {
        let id = self.submit(settings).await;
        self.drain().await;
        self.job(&id).await
    }

    /// Details of the job's events, in order.
    pub fn events_of(&self, job: &str) -> Vec<Value> {
        let events = self.events.0.lock().unwrap();
        events.iter().map(|e| e.detail.clone()).filter(|d| d["jobId"] == job).collect()
    }

    /// Makes `s3://in/{key}` with ffmpeg.
    pub fn clip(&self, key: &str, args: &str) {
        ffmpeg(args, &self.files.object("in", key));
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

fn open(state: &State, clock: &Clock, files: &Arc<Folder>, events: &Arc<Events>) -> Arc<Media> {
    let place = Place {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        endpoint: "http://127.0.0.1:4566".into(),
    };
    let (files, events) = (Arc::clone(files) as Arc<dyn Files>, Arc::clone(events) as Arc<dyn Bus>);
    Media::open(state, place, clock.clone(), files, events).unwrap()
}

pub fn ffmpeg(args: &str, file: &Path) {
    let run =
        Command::new("ffmpeg").args(["-v", "error", "-y"]).args(args.split_whitespace()).arg(file).output();
    let run = run.unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
}

/// ffprobe's report on a file.
pub fn ffprobe(file: &Path) -> Value {
    let run = Command::new("ffprobe")
        .args(["-v", "error", "-print_format", "json", "-show_format", "-show_streams"])
        .arg(file)
        .output()
        .unwrap();
    serde_json::from_slice(&run.stdout).unwrap()
}

/// Picture and sound; `-bf 0` and small, so that it is made in a moment.
pub fn synthetic(size: &str, rate: &str, seconds: u32) -> String {
    format!(
        "-f lavfi -i testsrc2=size={size}:rate={rate}:duration={seconds} \
         -f lavfi -i sine=frequency=440:sample_rate=44100:duration={seconds} \
         -c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac -movflags +faststart"
    )
}

/// Settings of an HLS group `s3://out/v/` with these outputs.
#[allow(clippy::needless_pass_by_value)]
pub fn hls(input: &str, outputs: Value) -> Value {
    json!({
        "inputs": [{"fileInput": input, "audioSelectors": {"a": {"defaultSelection": "DEFAULT"}},
                    "videoSelector": {"rotate": "AUTO"}}],
        "outputGroups": [{
            "outputGroupSettings": {
                "type": "HLS_GROUP_SETTINGS",
                "hlsGroupSettings": {"destination": "s3://out/v/", "segmentLength": 6, "minSegmentLength": 0},
            },
            "outputs": outputs,
        }],
    })
}

/// One HLS output, by height.
pub fn rendition(height: u32, max_bitrate: u32) -> Value {
    json!({
        "nameModifier": format!("_{height}p"),
        "containerSettings": {"container": "M3U8"},
        "videoDescription": {"height": height, "codecSettings": {"codec": "H_264", "h264Settings": {
            "rateControlMode": "QVBR", "maxBitrate": max_bitrate, "gopSize": 2.0, "gopSizeUnits": "SECONDS"}}},
        "audioDescriptions": [{"codecSettings": {"codec": "AAC", "aacSettings": {
            "bitrate": 96000, "sampleRate": 48000, "codingMode": "CODING_MODE_2_0"}}}],
    })
}
