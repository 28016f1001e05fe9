//! `EventBridge`, `EventBridge` Scheduler and the queues they deliver to, on one port:
//! `cargo run -p cloud-events --example serve_events -- 4578 [STATE_DIR]`.

use std::error::Error;
use std::sync::Arc;

use cloud_core::{Clock, Deliver, Place, Request, Service, State};
use cloud_events::Events;
use cloud_queues::{Outgoing, Queues};
use futures::future::BoxFuture;

struct ToQueues(Arc<Queues>);

impl Deliver for ToQueues {
    fn deliver(&self, arn: String, body: String, group: Option<String>) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let name = arn.rsplit(':').next().unwrap_or_default();
            let message = Outgoing { group, ..Outgoing::text(body) };
            self.0.send(name, message).map(|_| ()).map_err(|e| e.to_string())
        })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().map_or(Ok(4578), |port| port.parse())?;
    let state = args.next().map_or(State::Memory, |dir| State::Dir(dir.into()));
    let place = Place {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
    };
    let clock = Clock::default();
    let queues = Queues::open(&state, place.clone(), clock.clone())?;
    let events = Events::open(&state, place, clock, Arc::new(ToQueues(Arc::clone(&queues))))?;
    let running = Arc::clone(&events);
    let app = axum::Router::new().fallback(move |request: Request| {
        let (queues, events) = (Arc::clone(&queues), Arc::clone(&events));
        async move {
            let (parts, body) = request.into_parts();
            let service = cloud_core::signed_service(&parts);
            let request = Request::from_parts(parts, body);
            match service.as_deref() {
                Some("sqs") => queues.call(request).await,
                _ => events.call(request).await,
            }
        }
    });
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    tokio::select! {
        () = running.run() => Ok(()),
        ended = async { axum::serve(listener, app).await } => Ok(ended?),
    }
}
