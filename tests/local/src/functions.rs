//! Lambda: functions with the environment, timeout and role that the template gives them, run in this process.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cloud_core::Clock;
use cloud_template::{Function as FunctionSpec, Statement};
use platform::{Context, Env, Function, Invocation as Event, LogSink, SystemRandom};
use serde_json::Value;
use tokio::sync::OnceCell;

use crate::connector::InProcess;
use crate::invocation::{CURRENT, Invocation};
use crate::process::Processes;

/// Why an invocation gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// There is no such function.
    #[error("no function {0}")]
    Unknown(String),
    /// Its configuration is incomplete.
    #[error("{0}")]
    Start(String),
    /// It answered with an error.
    #[error("{0}")]
    Error(String),
    /// It ran longer than it may.
    #[error("timed out after {0} s")]
    TimedOut(u32),
    /// It was killed on purpose.
    #[error("killed")]
    Killed,
}

type Ready = Arc<
    dyn Fn(Event) -> platform::BoxFuture<'static, Result<Value, platform::InvocationFailed>> + Send + Sync,
>;

/// A function as deployed.
pub struct Deployed {
    /// What the template says.
    pub spec: FunctionSpec,
    /// What the code says.
    pub function: Function,
    statements: Arc<[Statement]>,
    ready: OnceCell<Ready>,
}

/// All functions.
pub struct Functions {
    by_name: BTreeMap<String, Arc<Deployed>>,
    clock: Clock,
    http: InProcess,
    log: LogSink,
    common: BTreeMap<String, String>,
    processes: Option<Processes>,
}

struct LocalClock(Clock);

impl platform::Clock for LocalClock {
    fn now_ms(&self) -> i64 {
        self.0.now_ms()
    }
}

impl Functions {
    /// The functions of the template, each with its code. `common` is the environment that Lambda itself sets.
    ///
    /// # Errors
    /// Names of functions that the template has and the code has not, or the other way round.
    pub(crate) fn new(
        specs: Vec<FunctionSpec>,
        clock: Clock,
        http: InProcess,
        log: LogSink,
        common: BTreeMap<String, String>,
        processes: Option<Processes>,
    ) -> Result<Self, String> {
        let mut code: BTreeMap<&str, Function> =
            product::functions().into_iter().map(|f| (f.name, f)).collect();
        let mut by_name = BTreeMap::new();
        for spec in specs {
            let name = spec.name.split_once('-').map_or("", |(_, name)| name).to_owned();
            let function = code
                .remove(name.as_str())
                .ok_or_else(|| format!("the template has {}, the code has not", spec.name))?;
            let statements = spec.statements.clone().into();
            by_name.insert(name, Arc::new(Deployed { spec, function, statements, ready: OnceCell::new() }));
        }
        match code.keys().next() {
            Some(name) => Err(format!("the code has {name}, the template has not")),
            None => Ok(Self { by_name, clock, http, log, common, processes }),
        }
    }

    /// All functions, by name without the stage.
    pub fn all(&self) -> impl Iterator<Item = (&str, &Arc<Deployed>)> {
        self.by_name.iter().map(|(name, deployed)| (name.as_str(), deployed))
    }

    /// The function of this name, with or without the stage.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Deployed>> {
        self.by_name.get(name).or_else(|| self.by_name.get(name.split_once('-')?.1))
    }

    /// Runs a function with an event.
    ///
    /// # Errors
    /// [`Failed`]: what Lambda would report to the event's source.
    pub async fn invoke(&self, name: &str, payload: Value, trace: Option<&str>) -> Result<Value, Failed> {
        let deployed = self.find(name).ok_or_else(|| Failed::Unknown(name.to_owned()))?;
        if let Some(processes) = &self.processes {
            return processes
                .invoke(deployed.function.name, &self.environment(deployed), &deployed.spec, payload)
                .await;
        }
        let ready = deployed.ready.get_or_try_init(|| async { self.start(deployed) }).await?.clone();
        let timeout_s = deployed.spec.timeout_s;
        let request_id = request_id();
        let clock = Arc::new(LocalClock(self.clock.clone()));
        let mut context =
            Context::new(clock, Arc::new(SystemRandom), &request_id, i64::from(timeout_s) * 1000);
        context.trace = trace.map(Into::into);
        let invocation = Arc::new(Invocation::new(deployed.function.name, deployed.statements.clone()));
        let work = CURRENT.scope(invocation.clone(), async move { ready(Event { payload, context }).await });
        // A task of its own: a panic costs the invocation, a kill drops it wherever it stands.
        let mut task = AbortOnDrop(spawn(work));
        tokio::select! {
            done = &mut task.0 => match done {
                Ok(Ok(answer)) => Ok(answer),
                Ok(Err(failed)) => Err(Failed::Error(failed.0)),
                Err(panicked) => Err(Failed::Error(panicked.to_string())),
            },
            () = invocation.until_killed() => Err(Failed::Killed),
            () = tokio::time::sleep(Duration::from_secs(u64::from(timeout_s))) => Err(Failed::TimedOut(timeout_s)),
        }
    }

    /// Reads every function's environment, so that an incomplete one shows at the start.
    ///
    /// # Errors
    /// The first function that cannot start, with everything it lacks.
    pub(crate) fn check(&self) -> Result<(), Failed> {
        self.by_name.values().try_for_each(|d| self.start(d).map(drop))
    }

    /// The environment that a function gets, for seeding through its domain.
    ///
    /// # Errors
    /// When there is no such function.
    pub(crate) fn env_of(&self, name: &str) -> Result<Env, Failed> {
        let deployed = self.find(name).ok_or_else(|| Failed::Unknown(name.to_owned()))?;
        Ok(self.env(deployed))
    }

    /// The variables that a function gets.
    pub(crate) fn environment(&self, deployed: &Deployed) -> BTreeMap<String, String> {
        let mut vars = self.common.clone();
        vars.extend(deployed.spec.environment.clone());
        vars
    }

    fn env(&self, deployed: &Deployed) -> Env {
        let http = aws_smithy_runtime_api::client::http::SharedHttpClient::new(self.http.clone());
        let clock = Arc::new(LocalClock(self.clock.clone()));
        Env::with(self.environment(deployed), http, clock, Arc::new(SystemRandom), self.log.clone())
    }

    fn start(&self, deployed: &Deployed) -> Result<Ready, Failed> {
        let name = deployed.function.name;
        deployed.function.start(&self.env(deployed)).map_err(|e| Failed::Start(format!("{name}: {e}")))
    }
}

struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

// The one-machine product is a server: its tasks are its own.
#[allow(clippy::disallowed_methods)]
pub(crate) fn spawn<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(work)
}

#[allow(clippy::disallowed_methods)]
pub(crate) fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}
