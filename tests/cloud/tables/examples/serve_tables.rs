//! Serves DynamoDB and DynamoDB Streams alone, for the referee: `serve [PORT] [FOLDER]`.

use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::State as Extract;
use cloud_core::{Clock, Place, Request, Response, Service, State};
use cloud_tables::Tables;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let port = arguments.next().unwrap_or_else(|| "4566".to_owned());
    let state = arguments.next().map_or(State::Memory, |folder| State::Dir(PathBuf::from(folder)));
    let place = Place {
        account: "000000000000".to_owned(),
        region: "us-east-1".to_owned(),
        endpoint: format!("http://127.0.0.1:{port}"),
    };
    let tables = Tables::open(&state, place, Clock::default())?;
    tokio::spawn(Arc::clone(&tables).run());
    let router = Router::new().fallback(answer).with_state(tables);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, router).await?;
    Ok(())
}

async fn answer(Extract(tables): Extract<Arc<Tables>>, request: Request) -> Response {
    tables.call(request).await
}
