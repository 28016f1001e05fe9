//! Prints what a template declares: `show template.yaml [NAME=VALUE …]`.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use cloud_core::Place;
use cloud_template::{DynamicReference, Endpoints, Options, read};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which template?")?;
    let parameters = arguments.filter_map(|a| a.split_once('=').map(|(k, v)| (k.to_owned(), v.to_owned())));
    // Nothing here knows the values; each reference stands for itself.
    let dynamic = |reference: &DynamicReference| Some(format!("<{}:{}>", reference.service, reference.key));
    let options = Options {
        stack_name: "local".to_owned(),
        place: Place {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        },
        endpoints: Endpoints {
            http: "http://127.0.0.1:3000".to_owned(),
            websocket: "ws://127.0.0.1:3000".to_owned(),
            connections: "http://127.0.0.1:4566".to_owned(),
            cdn: "http://127.0.0.1:3001".to_owned(),
        },
        parameters: parameters.collect(),
        dynamic: &dynamic,
    };
    let product = read(Path::new(&file), &options)?;
    let mut out = std::io::stdout().lock();
    for stack in &product.stacks {
        writeln!(out, "{}: {} resources after SAM", stack.name, stack.expanded_resources)?;
    }
    for function in &product.functions {
        writeln!(out, "{} ({} s, {} MiB)", function.name, function.timeout_s, function.memory_mb)?;
        for (name, value) in &function.environment {
            writeln!(out, "    {name}={value}")?;
        }
        for source in &function.events {
            writeln!(out, "    {source:?}")?;
        }
        for statement in &function.statements {
            writeln!(out, "    {:?} {:?} {:?}", statement.effect, statement.actions, statement.resources)?;
        }
    }
    for route in &product.routes {
        let Some(api) = product.apis.iter().find(|a| a.logical_id == route.api) else { continue };
        writeln!(
            out,
            "{} {:?} -> {} {}",
            api.id,
            route.key,
            route.function,
            if route.permitted { "" } else { "NOT PERMITTED" }
        )?;
    }
    for queue in &product.queues {
        writeln!(out, "{} {:?}", queue.url, queue.redrive)?;
    }
    for table in &product.tables {
        writeln!(out, "{} {:?} {:?}", table.name, table.stream, table.ttl_attribute)?;
    }
    for rule in &product.rules {
        writeln!(out, "{} {:?} {:?} -> {:?}", rule.name, rule.pattern, rule.schedule, rule.targets)?;
    }
    Ok(())
}
