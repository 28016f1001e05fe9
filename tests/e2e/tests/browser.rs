//! A real browser plays what was published: the page `/_local/studio` in headless Chromium, driven over its
//! `DevTools` protocol.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::process::Stdio;
use std::time::Duration;

use e2e::{Clip, Stack, clip};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Debian's package and program.
const CHROMIUM: &str = "chromium";
/// How long a page may take; only a broken one does.
const PATIENCE: Duration = Duration::from_secs(45);

/// Chromium with one page.
struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Option<String>,
    calls: u64,
    /// What the page logged, and requests that failed: told when the test fails.
    heard: Vec<String>,
    // Dropped in this order: the process ends before its folder goes.
    process: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Opens the page.
    async fn open(url: &str) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new(CHROMIUM)
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--mute-audio",
            ])
            .args([
                "--no-first-run",
                "--disable-extensions",
                "--disable-background-networking",
                "--disable-sync",
            ])
            .args(["--autoplay-policy=no-user-gesture-required", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|e| panic!("{CHROMIUM}: {e}"));
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(address) = line.strip_prefix("DevTools listening on ") {
                    return address.to_owned();
                }
            }
            panic!("{CHROMIUM} ended before it listened");
        };
        let address = tokio::time::timeout(PATIENCE, address).await.unwrap();
        // What it says further is of no interest, but has to go somewhere.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (socket, _) = tokio_tungstenite::connect_async(&address).await.unwrap();
        let mut browser =
            Self { socket, session: None, calls: 0, heard: Vec::new(), process, _profile: profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let session = browser.call("Target.attachToTarget", attach).await;
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Runtime", "Log", "Network", "Page"] {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser.call("Page.navigate", json!({"url": url})).await;
        browser
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(message.to_string())).await.unwrap();
        let answer = async {
            loop {
                let Message::Text(text) = self.socket.next().await.unwrap().unwrap() else { continue };
                let told: Value = serde_json::from_str(&text).unwrap();
                match told["method"].as_str() {
                    None if told["id"] == id => return told,
                    Some("Runtime.exceptionThrown" | "Log.entryAdded" | "Network.loadingFailed") => {
                        self.heard.push(told["params"].to_string());
                    }
                    _ => {}
                }
            }
        };
        let answer =
            tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| panic!("{method}: no answer"));
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].clone()
    }

    /// What an expression comes to in the page.
    async fn evaluate(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", params).await;
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until the expression comes to something that `is_it`.
    async fn until(&mut self, expression: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let end = tokio::time::Instant::now() + PATIENCE;
        loop {
            let value = self.evaluate(expression).await;
            if is_it(&value) {
                return value;
            }
            assert!(tokio::time::Instant::now() < end, "{expression} stays {value}; {:#?}", self.heard);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn close(mut self) {
        self.process.kill().await.unwrap();
    }
}

/// How far the player has come.
const PLAYER: &str = "(() => { const v = document.querySelector('#player'); return v && { \
    time: v.currentTime, frames: v.getVideoPlaybackQuality().totalVideoFrames, width: v.videoWidth, height: v.videoHeight, \
    error: v.error && v.error.message, said: document.querySelector('#playing').textContent, \
    bad: document.querySelector('#playing').className }; })()";

#[tokio::test(flavor = "multi_thread")]
async fn chromium_plays_a_published_video_until_frames_advance() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let file = clip(Clip { width: 640, height: 360, seconds: 8, sound: true });
    let id = stack.published(&creator.token, &file, json!({})).await;
    let mut browser = Browser::open(&format!("{}/_local/studio?video={id}", stack.local.api())).await;

    let first = browser.until(PLAYER, |p| p["frames"].as_u64().is_some_and(|n| n > 0)).await;
    let playing = |p: &Value| {
        let frames = p["frames"].as_u64().unwrap();
        p["time"].as_f64().unwrap() > 1.0 && frames > first["frames"].as_u64().unwrap()
    };
    let later = browser.until(PLAYER, playing).await;
    assert_eq!((&later["width"], &later["height"]), (&json!(640), &json!(360)), "{later}");
    assert_eq!((&later["error"], &later["bad"]), (&Value::Null, &json!("")), "{later}");
    assert!(later["said"].as_str().unwrap().contains("360p 640×360"), "{later}");
    // Over the end of a segment, to the end of the video.
    let end = "(() => { const v = document.querySelector('#player'); v.currentTime = 5.5; return true; })()";
    browser.evaluate(end).await;
    browser.until(PLAYER, |p| p["time"].as_f64().unwrap() > 7.0).await;
    browser.until("document.querySelector('#player').ended", |ended| *ended == json!(true)).await;
    browser.close().await;
    stack.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_is_told_why_a_video_does_not_play() {
    let stack = Stack::start().await;
    let creator = stack.register("mina").await;
    let file = clip(Clip { width: 160, height: 120, seconds: 1, sound: false });
    let id = stack.published(&creator.token, &file, json!({})).await;
    stack
        .put(&format!("/api/videos/{id}"), creator.token.as_str(), &json!({"is_adult": true}))
        .await
        .expect(200);
    let mut browser = Browser::open(&format!("{}/_local/studio?video={id}", stack.local.api())).await;
    let told = browser.until(PLAYER, |p| p["bad"] == "bad").await;
    let said = told["said"].as_str().unwrap();
    assert_eq!(said, "AGE_VERIFICATION_REQUIRED: Watching this video needs a verified age.");
    assert_eq!(told["frames"], 0);
    browser.close().await;
    stack.finish().await;
}
