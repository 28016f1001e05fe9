//! SQS alone on a port: `cargo run -p cloud-queues --example serve_queues -- 4577 [STATE_DIR]`.

use std::error::Error;
use std::sync::Arc;

use cloud_core::{Clock, Place, Request, Service, State};
use cloud_queues::Queues;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let port: u16 = args.next().map_or(Ok(4577), |port| port.parse())?;
    let state = args.next().map_or(State::Memory, |dir| State::Dir(dir.into()));
    let place = Place {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
    };
    let queues: Arc<Queues> = Queues::open(&state, place, Clock::default())?;
    let app = axum::Router::new().fallback(move |request: Request| {
        let queues = Arc::clone(&queues);
        async move { queues.call(request).await }
    });
    axum::serve(tokio::net::TcpListener::bind(("127.0.0.1", port)).await?, app).await?;
    Ok(())
}
