//! How the services of the one-machine cloud reach each other: a message for an ARN goes to its queue, function or
//! bus. The services are built one after the other, so what is behind an ARN is filled in when it is there.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use cloud_core::{Bus, BusEvent, Deliver};
use cloud_events::Events;
use cloud_media::Files;
use cloud_objects::Objects;
use cloud_queues::{Outgoing, Queues};
use futures::future::BoxFuture;

use crate::functions::Functions;

/// Delivers to queues and functions.
#[derive(Default)]
pub(crate) struct Courier {
    pub(crate) queues: OnceLock<Arc<Queues>>,
    pub(crate) functions: OnceLock<Arc<Functions>>,
    pub(crate) events: OnceLock<Arc<Events>>,
    pub(crate) objects: OnceLock<Arc<Objects>>,
}

impl Deliver for Courier {
    fn deliver(&self, arn: String, body: String, group: Option<String>) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let (service, name) =
                (arn.split(':').nth(2).unwrap_or_default(), arn.rsplit(':').next().unwrap_or_default());
            match service {
                "sqs" => {
                    let queues = self.queues.get().ok_or("the queues are not there yet")?;
                    queues
                        .send(name, Outgoing { group, ..Outgoing::text(body) })
                        .map(drop)
                        .map_err(|e| e.to_string())
                }
                "lambda" => {
                    let functions = self.functions.get().ok_or("the functions are not there yet")?;
                    let payload = serde_json::from_str(&body).map_err(|e| e.to_string())?;
                    functions.invoke(name, payload, None).await.map(drop).map_err(|e| e.to_string())
                }
                other => Err(format!("nothing delivers to {other}: {arn}")),
            }
        })
    }
}

impl Bus for Courier {
    fn put(&self, event: BusEvent) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let events = self.events.get().ok_or("the bus is not there yet")?;
            events.put(event).await
        })
    }
}

/// MediaConvert reads and writes objects through the same store as everyone.
impl Files for Courier {
    fn path<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Option<PathBuf>> {
        Box::pin(async move { self.objects.get()?.file(bucket, key).ok().flatten().map(|o| o.path) })
    }

    fn store<'a>(
        &'a self,
        bucket: &'a str,
        key: &'a str,
        path: &'a Path,
        content_type: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let objects = self.objects.get().ok_or("the objects are not there yet")?;
            objects.store_file(bucket, key, path, content_type).await.map(drop).map_err(|e| e.to_string())
        })
    }

    fn remove<'a>(&'a self, bucket: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let objects = self.objects.get().ok_or("the objects are not there yet")?;
            objects.delete(bucket, key).map_err(|e| e.to_string())
        })
    }
}
