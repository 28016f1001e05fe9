//! Flows of several stages, and what they must survive: [`survives`] runs one as it is meant to go, then with every
//! fault that the platform has in store, and expects the same end each time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use local::faults::{Kind, Plan, Rule};
use reqwest::RequestBuilder;
use serde_json::{Value, json};

use crate::{Answer, Stack};

/// A flow: something is asked for, functions and queues work it off, the end can be looked at.
pub trait Flow {
    /// Whom and what a run is about.
    type Subject;

    /// The functions that take part. Each is killed before and after every AWS call that it makes.
    fn stages(&self) -> &'static [&'static str];

    /// What must be there first. Runs without faults.
    fn prepare(&self, stack: &Stack) -> impl Future<Output = Self::Subject>;

    /// Sets the flow going, as a client that repeats what was not answered ([`Stack::insist`]).
    fn start(&self, stack: &Stack, subject: &mut Self::Subject) -> impl Future<Output = ()>;

    /// The end: everything that must be the same however the run went, without ids and times.
    fn state(&self, stack: &Stack, subject: &Self::Subject) -> impl Future<Output = Value>;
}

/// A fault, as a rule without conditions.
#[must_use]
pub fn fault(kind: Kind) -> Rule {
    Rule {
        kind,
        target: None,
        function: None,
        call: None,
        probability: None,
        times: None,
        delay_ms: None,
        copies: None,
    }
}

/// Most runs of a stage that are killed one after the other at the same call: fewer than any queue delivers.
const KILLS_MAX: u32 = 3;
/// Seeds of the runs in which faults are drawn.
const SEEDS: [u64; 2] = [1, 2];

/// Runs the flow without faults, then with each: messages delivered twice, 20-fold and out of order; every stage killed
/// before and after each of its AWS calls, once and on several deliveries; calls throttled, in conflict with other
/// transactions, and with their answers lost.
///
/// # Panics
/// When a run ends otherwise than the first, or leaves something in a queue or a dead-letter queue.
pub async fn survives(flow: &impl Flow) {
    let mut first = Course::begin(flow).await;
    let expected = first.run("as it is meant to go", Plan::default()).await;
    // Once more: what is done for the first time only (reading keys and parameters) is over.
    assert_eq!(first.run("once more", Plan::default()).await, expected, "another end when it is run again");
    let plans = Mutex::new(plans(&first.stages()));
    let next = || plans.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let course = async |mut course: Course<'_, _>| {
        while let Some((what, plan)) = next() {
            assert_eq!(course.run(&what, plan).await, expected, "another end after: {what}");
        }
        course.stack.finish().await;
    };
    let others = (1..STACKS).map(async |_| course(Course::begin(flow).await).await);
    futures::join!(course(first), futures::future::join_all(others));
}

/// Stacks that share the runs of a flow: most of a run is waiting.
const STACKS: usize = 3;

/// Everything that befalls a flow.
fn plans(stages: &BTreeMap<String, (u32, u32)>) -> Vec<(String, Plan)> {
    let mut plans = Vec::new();
    for copies in [1, 19] {
        let twice = Rule { copies: Some(copies), ..fault(Kind::Duplicate) };
        plans.push((format!("{copies} copies"), Plan { seed: 0, rules: vec![twice.clone()] }));
        let late = Rule { probability: Some(0.5), delay_ms: Some(2_000), ..fault(Kind::Delay) };
        let rules = vec![twice, fault(Kind::Reorder), late];
        plans.push((format!("{copies} copies, out of order"), Plan { seed: 7, rules }));
    }
    for (function, (calls, invocations)) in stages {
        for call in 1..=*calls {
            for kind in [Kind::KillBefore, Kind::KillAfter] {
                let several = (*invocations > 1).then_some(KILLS_MAX.min(*invocations));
                for times in [Some(1), several].into_iter().flatten() {
                    let rule = Rule { function: Some(function.clone()), call: Some(call), ..fault(kind) };
                    let rules = vec![Rule { times: Some(times), ..rule }];
                    plans.push((
                        format!("{function}: {kind:?} {call}, {times} times"),
                        Plan { seed: 0, rules },
                    ));
                }
            }
        }
    }
    for kind in [Kind::Throttle, Kind::Conflict, Kind::DropAnswer] {
        for seed in SEEDS {
            let rules = vec![Rule { probability: Some(0.3), times: Some(12), ..fault(kind) }];
            plans.push((format!("{kind:?}, seed {seed}"), Plan { seed, rules }));
        }
    }
    plans
}

/// The runs of one flow on one stack.
struct Course<'a, F> {
    stack: Stack,
    flow: &'a F,
    runs: u32,
    /// Lines that the log had when the latest run was set going.
    before: usize,
}

impl<'a, F: Flow> Course<'a, F> {
    async fn begin(flow: &'a F) -> Self {
        let stack = Stack::start().await;
        stack.expect_failures();
        Self { stack, flow, runs: 0, before: 0 }
    }

    async fn run(&mut self, what: &str, plan: Plan) -> Value {
        // SES knows no tokens: a mail goes out again when its sender dies, or loses the answer, behind SES.
        let twice = |r: &Rule| {
            r.kind == Kind::DropAnswer || r.function.as_deref() == Some("notifications-send-email")
        };
        let mails_may_repeat = plan.rules.iter().any(twice);
        if self.runs > 0 {
            self.stack.local.reset().await.unwrap_or_else(|e| panic!("reset: {e}"));
        }
        self.runs += 1;
        let mut subject = self.flow.prepare(&self.stack).await;
        self.stack.recover(what).await;
        self.before = self.stack.local.logs.last(None, usize::MAX).len();
        let calm = plan.rules.is_empty();
        self.stack.local.set_faults(&plan);
        self.flow.start(&self.stack, &mut subject).await;
        self.stack.recover(what).await;
        let struck =
            self.stack.local.faults.rules().iter().all(|(rule, times)| rule.is_delivery() || *times > 0);
        assert!(calm || struck || plan.seed > 0, "nothing struck: {what}");
        self.stack.local.set_faults(&Plan::default());
        self.stack.recover(what).await;
        for queue in self.stack.local.queue_list() {
            for pointer in ["/visible", "/in_flight", "/delayed", "/dlq/visible"] {
                assert_eq!(
                    queue.pointer(pointer).and_then(Value::as_u64).unwrap_or(0),
                    0,
                    "left after {what}: {queue}"
                );
            }
        }
        let mails: Vec<String> = self
            .stack
            .mails_of_all()
            .iter()
            .map(|m| format!("{} {} {}", m["to"], m["subject"], m["text"]))
            .collect();
        let different: BTreeSet<&String> = mails.iter().collect();
        assert!(mails_may_repeat || different.len() == mails.len(), "a mail went out twice: {what}");
        self.flow.state(&self.stack, &subject).await
    }

    /// How many AWS calls each stage made in the latest run for one event, and how often it was invoked. (For several events at a time it makes more; the first calls are the same.)
    fn stages(&self) -> BTreeMap<String, (u32, u32)> {
        let lines: Vec<Value> =
            self.stack.local.logs.last(None, usize::MAX).into_iter().skip(self.before).collect();
        let mut stages = BTreeMap::new();
        for name in self.flow.stages() {
            let of_it: Vec<&Value> = lines.iter().filter(|l| l["service"] == *name).collect();
            let number =
                |line: &Value| u32::try_from(line["AwsCalls"].as_u64().unwrap_or(0)).unwrap_or(u32::MAX);
            let single = of_it.iter().filter(|l| l["metadata"]["records"].as_u64().is_none_or(|n| n == 1));
            let calls = single
                .map(|l| number(l))
                .max()
                .or_else(|| of_it.iter().map(|l| number(l)).max())
                .unwrap_or(0);
            assert!(calls > 0, "{name} takes no part in the flow");
            stages.insert((*name).to_owned(), (calls, u32::try_from(of_it.len()).unwrap_or(u32::MAX)));
        }
        stages
    }
}

/// The words of a key, without the ids in it.
fn words(key: &str) -> String {
    let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    key.split('#').filter(word).collect::<Vec<_>>().join("#")
}

/// What works by itself, as [`local::Local::idle`] names it.
const WORKS: [&str; 5] = ["batches in hand", "transcoding jobs", "events", "stream of", "notifications of"];
/// How far the clock goes on when all that is left waits for its time.
const STEP: Duration = Duration::from_secs(10);

impl Stack {
    /// Waits until nothing is in hand; what waits for its time (the next delivery, a claim that lapses) gets it.
    ///
    /// # Panics
    /// When the work does not come to an end.
    pub async fn recover(&self, what: &str) {
        for _ in 0..600 {
            let Err(left) = self.local.idle(Duration::from_millis(150)).await else { return };
            let works = |l: &String| WORKS.iter().any(|w| l.starts_with(w));
            // Nothing begins between this look and the jump: a claim must not lapse under whoever holds it.
            let soon = self.local.clock.now_ms() + 500;
            let queues = self.local.queues.stats();
            let begins = queues.iter().any(|q| q.visible > 0 || q.next_due_ms.is_some_and(|due| due <= soon));
            if !left.iter().any(works) && !begins {
                self.local.advance(STEP).await.unwrap_or_else(|e| panic!("clock: {e}"));
            }
        }
        panic!("work is left after {what}: {:?}", self.local.idle(Duration::ZERO).await);
    }

    fn mails_of_all(&self) -> Vec<Value> {
        let mails = self.local.mail.mails(None).unwrap_or_else(|e| panic!("mails: {e}"));
        mails.into_iter().filter_map(|m| serde_json::to_value(m).ok()).collect()
    }

    /// How many rows of each kind the tables hold: what a flow did twice shows here.
    ///
    /// # Panics
    /// When a table cannot be read.
    pub async fn rows(&self) -> BTreeMap<String, u64> {
        let mut rows = BTreeMap::new();
        let tables = self
            .local
            .tables
            .invoke("ListTables", &json!({}))
            .await
            .unwrap_or_else(|e| panic!("tables: {e}"));
        for table in tables["TableNames"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut request = json!({"TableName": table});
            loop {
                let page = self
                    .local
                    .tables
                    .invoke("Scan", &request)
                    .await
                    .unwrap_or_else(|e| panic!("{table}: {e}"));
                for item in page["Items"].as_array().into_iter().flatten() {
                    let kind = |key: &str| words(item[key]["S"].as_str().unwrap_or_default());
                    *rows.entry(format!("{table}: {} {}", kind("pk"), kind("sk"))).or_default() += 1;
                }
                match page.get("LastEvaluatedKey") {
                    Some(key) if !key.is_null() => request["ExclusiveStartKey"] = key.clone(),
                    _ => break,
                }
            }
        }
        // What the product notes on its own work.
        rows.retain(|kind: &String, _| !kind.starts_with("local-platform"));
        rows
    }

    /// Sends a request until it is answered, as a client does: an error of the server and a call still in progress are
    /// tried again, under the same idempotency key.
    ///
    /// # Panics
    /// When it never is.
    pub async fn insist(&self, request: RequestBuilder) -> Answer {
        for _ in 0..20 {
            let Some(copy) = request.try_clone() else { panic!("a request that cannot be repeated") };
            let answer = self.send(copy).await;
            let in_progress = answer.json["code"] == "IDEMPOTENCY_IN_PROGRESS";
            if !answer.status.is_server_error() && !in_progress {
                return answer;
            }
            if in_progress {
                self.local.advance(STEP).await.unwrap_or_else(|e| panic!("clock: {e}"));
            }
        }
        panic!("no answer after many tries");
    }
}
