use std::process::ExitCode;
use std::sync::Arc;

use kernel::{Context, Env};
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

use crate::function::{Function, Invocation, InvocationFailed};

/// Runs one function under the Lambda runtime. The environment is read and clients are built before the first event;
/// a function whose configuration is incomplete says everything that is missing and does not start.
#[must_use]
pub fn main(function: &Function) -> ExitCode {
    let env = Env::lambda();
    let ready = match function.start(&env) {
        Ok(ready) => ready,
        Err(error) => {
            (env.log)(
                &json!({"level": "ERROR", "service": function.name, "message": error.to_string()})
                    .to_string(),
            );
            return ExitCode::FAILURE;
        }
    };
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return ExitCode::FAILURE;
    };
    let served = runtime.block_on(lambda_runtime::run(service_fn(|event: LambdaEvent<Value>| {
        let mut context = Context::new(env.clock.clone(), env.random.clone(), &event.context.request_id, 0);
        context.deadline = kernel::Time::from_ms(i64::try_from(event.context.deadline).unwrap_or(i64::MAX));
        context.trace = event.context.xray_trace_id.as_deref().map(Arc::from);
        ready(Invocation { payload: event.payload, context })
    })));
    if served.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl From<InvocationFailed> for lambda_runtime::Diagnostic {
    fn from(failed: InvocationFailed) -> Self {
        Self { error_type: "InvocationFailed".into(), error_message: failed.0 }
    }
}
