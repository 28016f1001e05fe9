//! `MediaConvert` alone on a port, over a folder: `cargo run -p cloud-media --example serve_media -- PORT FOLDER`.
//! `s3://bucket/key` is `FOLDER/bucket/key`; events are printed, one JSON document a line.

#![allow(clippy::print_stdout)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloud_core::{Bus, BusEvent, Clock, Place, Service as _, State};
use cloud_media::{Files, Media};
use futures::future::BoxFuture;

struct Folder(PathBuf);

impl Files for Folder {
    fn path<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        let path = self.0.join(bucket).join(key);
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
            let object = self.0.join(bucket).join(key);
            let folder = object.parent().unwrap_or(&self.0);
            tokio::fs::create_dir_all(folder).await.map_err(|e| e.to_string())?;
            tokio::fs::copy(path, &object).await.map(|_| ()).map_err(|e| e.to_string())
        })
    }

    fn remove<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let _ = tokio::fs::remove_file(self.0.join(bucket).join(key)).await;
            Ok(())
        })
    }
}

struct Printed;

impl Bus for Printed {
    fn put(&self, event: BusEvent) -> BoxFuture<'_, Result<(), String>> {
        println!("{}", event.detail);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let port = args.next().unwrap_or_else(|| "4566".into());
    let folder = PathBuf::from(args.next().unwrap_or_else(|| ".".into()));
    let place = Place {
        account: "000000000000".into(),
        region: "us-east-1".into(),
        endpoint: format!("http://127.0.0.1:{port}"),
    };
    let state = State::Dir(folder.join(".state"));
    let media = Media::open(&state, place, Clock::default(), Arc::new(Folder(folder)), Arc::new(Printed))?;
    tokio::spawn(Arc::clone(&media).run());
    let app = axum::Router::new().fallback(move |request: cloud_core::Request| {
        let media = Arc::clone(&media);
        async move { media.call(request).await }
    });
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
