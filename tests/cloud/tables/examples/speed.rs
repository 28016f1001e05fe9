//! Requests a second through `call()`: `speed [FOLDER]`, in memory without a folder. Measures the wire path from a
//! request's bytes to an answer's bytes, without a socket.

use std::error::Error;
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, to_bytes};
use cloud_core::{Clock, Place, Service, State};
use cloud_tables::{KeyAttribute, KeyKind, StreamView, TableSpec, Tables};
use http::Request;
use serde_json::{Value, json};

/// The n-th request of an operation.
type MakeRequest = Box<dyn Fn(u64) -> Value>;

const SPAN: Duration = Duration::from_secs(2);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let state = std::env::args().nth(1).map_or(State::Memory, |folder| State::Dir(PathBuf::from(folder)));
    let place =
        Place { account: "000000000000".to_owned(), region: "us-east-1".to_owned(), endpoint: String::new() };
    let tables = Tables::open(&state, place, Clock::default())?;
    let key = |name: &str| KeyAttribute { name: name.to_owned(), kind: KeyKind::String };
    for (name, stream) in [("plain", None), ("streamed", Some(StreamView::NewAndOldImages))] {
        let spec = TableSpec {
            name: name.to_owned(),
            partition_key: key("pk"),
            sort_key: Some(key("sk")),
            indexes: Vec::new(),
            stream,
            ttl_attribute: stream.map(|_| "expires_at".to_owned()),
        };
        tables.ensure_table(&spec).await?;
    }
    for i in 0..200 {
        tables.invoke("PutItem", &json!({"TableName": "plain", "Item": item(i)})).await?;
    }
    let row = |i: u64| json!({"pk": {"S": format!("user#{}", i % 200)}, "sk": {"S": "profile"}});
    let operations: [(&str, MakeRequest); 5] = [
        ("GetItem", Box::new(move |i| json!({"TableName": "plain", "Key": row(i)}))),
        (
            "Query",
            Box::new(|i| {
                json!({
                    "TableName": "plain", "KeyConditionExpression": "pk = :p",
                    "ExpressionAttributeValues": {":p": {"S": format!("user#{}", i % 200)}},
                })
            }),
        ),
        ("PutItem", Box::new(|i| json!({"TableName": "plain", "Item": item(i)}))),
        ("PutItem", Box::new(|i| json!({"TableName": "streamed", "Item": item(i)}))),
        (
            "TransactWriteItems",
            Box::new(|i| {
                let put = |offset| json!({"Put": {"TableName": "streamed", "Item": item(i * 3 + offset)}});
                json!({"TransactItems": [put(0), put(1), put(2)]})
            }),
        ),
    ];
    for (operation, request) in &operations {
        let bodies: Arc<Vec<String>> = Arc::new((0..500).map(|i| request(i).to_string()).collect());
        for clients in [1_u64, 16] {
            let started = Instant::now();
            let work = (0..clients).map(|c| {
                tokio::spawn(client(Arc::clone(&tables), operation.to_string(), Arc::clone(&bodies), c))
            });
            let mut done = 0.0;
            for worker in work.collect::<Vec<_>>() {
                done += f64::from(worker.await?);
            }
            let table =
                if bodies.first().is_some_and(|b| b.contains("streamed")) { "streamed" } else { "plain" };
            let rate = done / started.elapsed().as_secs_f64();
            writeln!(std::io::stdout(), "{operation:20} {table:9} {clients:3} clients {rate:8.0}/s")?;
        }
    }
    Ok(())
}

fn item(i: u64) -> Value {
    json!({
        "pk": {"S": format!("user#{}", i % 200)}, "sk": {"S": "profile"}, "name": {"S": "Somebody Else"},
        "balance": {"N": i.to_string()}, "roles": {"L": [{"S": "viewer"}, {"S": "creator"}]},
        "text": {"S": "x".repeat(300)}, "expires_at": {"N": "4000000000"},
    })
}

async fn client(tables: Arc<Tables>, operation: String, bodies: Arc<Vec<String>>, offset: u64) -> u32 {
    let started = Instant::now();
    let mut done = 0;
    for body in bodies.iter().cycle().skip(usize::try_from(offset * 31).unwrap_or(0)) {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.0")
            .header("x-amz-date", "20260101T000000Z")
            .header(
                "authorization",
                "AWS4-HMAC-SHA256 Credential=a/b/c/dynamodb/aws4_request, SignedHeaders=host, Signature=00",
            )
            .header("x-amz-target", format!("DynamoDB_20120810.{operation}"))
            .body(Body::from(body.clone()));
        let Ok(request) = request else { break };
        let answer = tables.call(request).await;
        if !answer.status().is_success() || to_bytes(answer.into_body(), usize::MAX).await.is_err() {
            break;
        }
        done += 1;
        if started.elapsed() > SPAN {
            break;
        }
        // A socket would let others run here.
        tokio::task::yield_now().await;
    }
    done
}
