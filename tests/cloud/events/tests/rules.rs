//! The rules that senders, targets and schedules rely on.
#![allow(clippy::unwrap_used)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use cloud_core::{Bus, BusEvent, Clock, Deliver, Place, Request, Service, State};
use cloud_events::{DeadLetterConfig, Events, RetryPolicy, RuleSpec, ScheduleSpec, SqsParameters, Target};
use futures::future::BoxFuture;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);

/// Targets that note what they get; those named `broken` refuse.
#[derive(Default)]
struct Noted(Mutex<Vec<(String, String, Option<String>)>>);

impl Deliver for Noted {
    fn deliver(&self, arn: String, body: String, group: Option<String>) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let refused = arn.ends_with("broken");
            self.0.lock().unwrap().push((arn, body, group));
            if refused { Err("broken".to_owned()) } else { Ok(()) }
        })
    }
}

impl Noted {
    fn to(&self, name: &str) -> Vec<String> {
        let all = self.0.lock().unwrap();
        all.iter().filter(|(arn, ..)| arn.ends_with(name)).map(|(_, body, _)| body.clone()).collect()
    }
}

struct Stack {
    events: Arc<Events>,
    noted: Arc<Noted>,
    clock: Clock,
}

impl Stack {
    fn open(state: &State, clock: &Clock) -> Self {
        let place = Place {
            account: "000000000000".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: "http://127.0.0.1:4566".to_owned(),
        };
        let noted = Arc::new(Noted::default());
        let events = Events::open(state, place, clock.clone(), Arc::<Noted>::clone(&noted)).unwrap();
        Self { events, noted, clock: clock.clone() }
    }

    fn memory() -> Self {
        Self::open(&State::Memory, &Clock::default())
    }

    /// With its loop running, until the stack is dropped.
    fn running(self) -> (Self, tokio::task::JoinHandle<()>) {
        let events = Arc::clone(&self.events);
        (self, tokio::spawn(async move { events.run().await }))
    }

    async fn drained(&self) {
        for _ in 0..200 {
            if self.events.pending().unwrap().idle() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(self.events.pending().unwrap().idle(), "not drained: {:?}", self.events.pending().unwrap());
    }

    /// Advances and lets the loop work.
    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }

    async fn put(&self, source: &str, detail: Value) {
        let event = BusEvent {
            source: source.to_owned(),
            detail_type: "t".to_owned(),
            detail,
            resources: vec!["arn:thing".to_owned()],
        };
        self.events.put(event).await.unwrap();
    }

    async fn call(&self, action: &str, body: Value) -> (u16, Value) {
        let request = http::Request::post("/").header("x-amz-target", format!("AWSEvents.{action}"));
        self.answer(request.body(axum::body::Body::from(body.to_string())).unwrap()).await
    }

    async fn rest(&self, method: &str, path: &str, body: Value) -> (u16, Value) {
        let request = http::Request::builder().method(method).uri(path);
        self.answer(request.body(axum::body::Body::from(body.to_string())).unwrap()).await
    }

    async fn answer(&self, request: Request) -> (u16, Value) {
        let response = self.events.call(request).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}

fn queue(name: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{name}")
}

fn rule(pattern: Value, targets: Vec<Target>) -> RuleSpec {
    RuleSpec { pattern: Some(pattern), targets, enabled: true, ..RuleSpec::default() }
}

fn every(expression: &str, target: &str) -> RuleSpec {
    let targets = vec![Target { input: Some("\"tick\"".to_owned()), ..Target::new("1", queue(target)) }];
    RuleSpec { schedule: Some(expression.to_owned()), targets, enabled: true, ..RuleSpec::default() }
}

#[tokio::test]
async fn an_event_reaches_every_target_of_every_rule_that_matches_in_its_envelope() {
    let (stack, _loop) = Stack::memory().running();
    let fifo = Target {
        sqs_parameters: Some(SqsParameters { message_group_id: Some("g".to_owned()) }),
        ..Target::new("2", queue("b.fifo"))
    };
    let targets = vec![Target::new("1", queue("a")), fifo];
    stack.events.ensure_rule("wanted", rule(json!({"source": ["app"]}), targets)).unwrap();
    stack
        .events
        .ensure_rule("other", rule(json!({"source": ["x"]}), vec![Target::new("1", queue("c"))]))
        .unwrap();
    stack.put("app", json!({"n": 1})).await;
    stack.drained().await;
    assert_eq!(
        (stack.noted.to("a").len(), stack.noted.to("b.fifo").len(), stack.noted.to("c").len()),
        (1, 1, 0)
    );
    let group = stack.noted.0.lock().unwrap().iter().find_map(|(_, _, group)| group.clone());
    assert_eq!(group.as_deref(), Some("g"));
    let event: Value = serde_json::from_str(&stack.noted.to("a")[0]).unwrap();
    assert_eq!(event["version"], "0");
    assert_eq!((&event["source"], &event["detail-type"]), (&json!("app"), &json!("t")));
    assert_eq!((&event["account"], &event["region"]), (&json!("000000000000"), &json!("us-east-1")));
    assert_eq!((&event["resources"], &event["detail"]), (&json!(["arn:thing"]), &json!({"n": 1})));
    assert_eq!(event["id"].as_str().unwrap().len(), 36);
    assert!(event["time"].as_str().unwrap().ends_with('Z') && event["time"].as_str().unwrap().len() == 20);
}

#[tokio::test]
async fn what_was_accepted_is_delivered_after_a_restart() {
    let dir = std::env::temp_dir().join(format!("cloud-events-restart-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    let state = State::Dir(dir.clone());
    let clock = Clock::default();
    {
        let stack = Stack::open(&state, &clock);
        stack
            .events
            .ensure_rule("r", rule(json!({"source": ["app"]}), vec![Target::new("1", queue("a"))]))
            .unwrap();
        stack.events.ensure_rule("hourly", every("rate(1 hour)", "ticks")).unwrap();
        stack.put("app", json!({})).await;
        // Gone before anything was delivered, as by `kill -9`.
    }
    clock.advance(Duration::from_mins(90));
    let (stack, running) = Stack::open(&state, &clock).running();
    tokio::time::sleep(Duration::from_millis(50)).await;
    stack.drained().await;
    assert_eq!(stack.noted.to("a").len(), 1);
    // What fell due while nothing ran, runs once, and the rhythm goes on.
    assert_eq!(stack.noted.to("ticks"), ["\"tick\""]);
    stack.advance(Duration::from_secs(1801)).await;
    assert_eq!(stack.noted.to("ticks").len(), 2);
    running.abort();
    let _ = std::fs::remove_dir_all(&dir);
}

#[tokio::test]
async fn a_jump_runs_each_schedule_that_fell_due_once() {
    let (stack, _loop) = Stack::memory().running();
    stack.events.ensure_rule("minutely", every("rate(1 minute)", "minutely")).unwrap();
    stack.events.ensure_rule("daily", every("rate(1 day)", "daily")).unwrap();
    stack.events.ensure_rule("yearly", every("rate(365 days)", "yearly")).unwrap();
    let asleep = RuleSpec { enabled: false, ..every("rate(1 minute)", "asleep") };
    stack.events.ensure_rule("asleep", asleep).unwrap();
    stack.advance(10 * 24 * 60 * MINUTE).await;
    let counts = || ["minutely", "daily", "yearly", "asleep"].map(|name| stack.noted.to(name).len());
    assert_eq!(counts(), [1, 1, 0, 0]);
    stack.advance(MINUTE).await;
    assert_eq!(counts(), [2, 1, 0, 0]);
    let due_ms = stack.events.pending().unwrap().next_due_ms.unwrap();
    assert!(due_ms > stack.clock.now_ms() && due_ms <= stack.clock.now_ms() + 60_000);
}

#[tokio::test]
async fn stating_a_rule_again_keeps_the_rhythm_of_its_schedule() {
    let (stack, _loop) = Stack::memory().running();
    stack.events.ensure_rule("r", every("rate(10 minutes)", "a")).unwrap();
    stack.advance(9 * MINUTE).await;
    stack.events.ensure_rule("r", every("rate(10 minutes)", "b")).unwrap();
    stack.advance(MINUTE).await;
    assert_eq!((stack.noted.to("a").len(), stack.noted.to("b").len()), (0, 1));
}

#[tokio::test]
async fn a_schedule_runs_now_when_told_to() {
    let (stack, _loop) = Stack::memory().running();
    stack.events.ensure_rule("r", every("cron(0 0 1 1 ? *)", "a")).unwrap();
    let target = Target::new("", queue("b"));
    let spec = ScheduleSpec { expression: "rate(5 days)".to_owned(), target, ..ScheduleSpec::default() };
    stack.events.ensure_schedule("s", spec).unwrap();
    stack.events.run_schedule_now("r").unwrap();
    stack.events.run_schedule_now("s").unwrap();
    assert!(stack.events.run_schedule_now("nothing").is_err());
    stack.drained().await;
    assert_eq!(stack.noted.to("a"), ["\"tick\""]);
    let event: Value = serde_json::from_str(&stack.noted.to("b")[0]).unwrap();
    assert_eq!((&event["source"], &event["detail"]), (&json!("aws.scheduler"), &json!("{}")));
}

#[tokio::test]
async fn a_target_that_refuses_is_tried_again_and_then_dead_lettered() {
    let (stack, _loop) = Stack::memory().running();
    let target = Target {
        retry_policy: Some(RetryPolicy { maximum_retry_attempts: Some(2), ..RetryPolicy::default() }),
        dead_letter_config: Some(DeadLetterConfig { arn: Some(queue("dead")) }),
        ..Target::new("1", queue("broken"))
    };
    stack.events.ensure_rule("r", rule(json!({"source": ["app"]}), vec![target])).unwrap();
    stack.put("app", json!({})).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(stack.noted.to("broken").len(), 1);
    assert!(stack.events.pending().unwrap().next_retry_ms.is_some());
    for _ in 0..2 {
        stack.advance(MINUTE).await;
    }
    stack.drained().await;
    assert_eq!(stack.noted.to("broken").len(), 3);
    assert_eq!(stack.noted.to("dead"), stack.noted.to("broken")[..1]);
}

#[tokio::test]
async fn a_bus_forwards_to_a_second_bus_and_not_to_a_third() {
    let (stack, _loop) = Stack::memory().running();
    let bus = |name: &str| format!("arn:aws:events:us-east-1:000000000000:event-bus/{name}");
    for name in ["second", "third"] {
        assert_eq!(stack.call("CreateEventBus", json!({"Name": name})).await.0, 200);
    }
    let all = json!({"source": [{"exists": true}]});
    let on = |name: &str, targets| RuleSpec { bus: Some(name.to_owned()), ..rule(all.clone(), targets) };
    stack.events.ensure_rule("r", on("default", vec![Target::new("1", bus("second"))])).unwrap();
    let both = vec![Target::new("1", queue("at-second")), Target::new("2", bus("third"))];
    stack.events.ensure_rule("r", on("second", both)).unwrap();
    stack.events.ensure_rule("r", on("third", vec![Target::new("1", queue("at-third"))])).unwrap();
    stack.put("app", json!({})).await;
    stack.drained().await;
    assert_eq!((stack.noted.to("at-second").len(), stack.noted.to("at-third").len()), (1, 0));
}

#[tokio::test]
async fn refused_entries_are_told_apart_from_accepted_ones() {
    let stack = Stack::memory();
    let entry = |source: &str, detail: &str| json!({"Source": source, "DetailType": "t", "Detail": detail});
    let entries = [entry("app", "{}"), entry("app", "no"), entry("aws.s3", "{}"), entry("", "{}")];
    let (status, answer) = stack.call("PutEvents", json!({"Entries": entries})).await;
    assert_eq!((status, &answer["FailedEntryCount"]), (200, &json!(3)));
    assert!(answer["Entries"][0]["EventId"].is_string());
    let codes: Vec<&Value> = (1..4).map(|n| &answer["Entries"][n]["ErrorCode"]).collect();
    assert_eq!(codes, ["MalformedDetail", "NotAuthorizedForSourceException", "InvalidArgument"]);
    let (status, answer) = stack.call("PutEvents", json!({"Entries": []})).await;
    assert_eq!((status, &answer["__type"]), (400, &json!("ValidationException")));
}

#[tokio::test]
async fn rules_and_targets_over_the_wire() {
    let stack = Stack::memory();
    let call = |action, body| stack.call(action, body);
    let (_, answer) = call("PutRule", json!({"Name": "r", "EventPattern": "{\"source\":[\"a\"]}"})).await;
    assert_eq!(answer["RuleArn"], "arn:aws:events:us-east-1:000000000000:rule/r");
    let (_, answer) = call("PutRule", json!({"Name": "x", "EventPattern": "{\"source\":\"a\"}"})).await;
    assert_eq!(answer["__type"], "InvalidEventPatternException");
    let (_, answer) = call("PutRule", json!({"Name": "x", "ScheduleExpression": "rate(1 minutes)"})).await;
    assert_eq!(answer["__type"], "ValidationException");
    let target = json!({"Id": "1", "Arn": queue("q"), "EcsParameters": {"TaskCount": 1}});
    call("PutTargets", json!({"Rule": "r", "Targets": [target]})).await;
    let (_, answer) = call("ListTargetsByRule", json!({"Rule": "r"})).await;
    assert_eq!(answer["Targets"], json!([target]));
    let (_, answer) =
        call("PutTargets", json!({"Rule": "r", "Targets": [{"Id": "2", "Arn": queue("q.fifo")}]})).await;
    assert_eq!(answer["__type"], "ValidationException");
    let (_, answer) = call("ListRuleNamesByTarget", json!({"TargetArn": queue("q")})).await;
    assert_eq!(answer["RuleNames"], json!(["r"]));
    assert_eq!(call("DeleteRule", json!({"Name": "r"})).await.1["__type"], "ValidationException");
    call("DisableRule", json!({"Name": "r"})).await;
    assert_eq!(call("DescribeRule", json!({"Name": "r"})).await.1["State"], "DISABLED");
    call("RemoveTargets", json!({"Rule": "r", "Ids": ["1"]})).await;
    assert_eq!(call("DeleteRule", json!({"Name": "r"})).await.0, 200);
    let (_, answer) = call("DescribeRule", json!({"Name": "r"})).await;
    assert_eq!(answer["__type"], "ResourceNotFoundException");
    let event = json!({"id": "1", "account": "0", "source": "a", "time": "t", "region": "r", "resources": [],
        "detail-type": "t", "detail": {"x": 1}});
    let test = json!({"EventPattern": "{\"detail\":{\"x\":[1]}}", "Event": event.to_string()});
    assert_eq!(call("TestEventPattern", test).await.1, json!({"Result": true}));
}

#[tokio::test]
async fn a_one_time_schedule_runs_once_and_deletes_itself() {
    let (stack, _loop) = Stack::memory().running();
    let at = jiff_text(stack.clock.now_s() + 3600);
    let body = json!({
        "ScheduleExpression": format!("at({at})"), "FlexibleTimeWindow": {"Mode": "OFF"},
        "ActionAfterCompletion": "DELETE",
        "Target": {"Arn": queue("q"), "RoleArn": "arn:aws:iam::000000000000:role/x", "Input": "{\"hi\":1}"},
    });
    let (status, answer) = stack.rest("POST", "/schedules/once", body.clone()).await;
    assert_eq!(status, 200);
    assert_eq!(answer["ScheduleArn"], "arn:aws:scheduler:us-east-1:000000000000:schedule/default/once");
    assert_eq!(stack.rest("POST", "/schedules/once", body).await.0, 409);
    stack.advance(59 * MINUTE).await;
    assert!(stack.noted.to("q").is_empty());
    assert_eq!(stack.rest("GET", "/schedules/once", json!({})).await.1["Target"]["Input"], "{\"hi\":1}");
    stack.advance(2 * MINUTE).await;
    assert_eq!(stack.noted.to("q"), ["{\"hi\":1}"]);
    assert_eq!(stack.rest("GET", "/schedules/once", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_schedule_keeps_within_its_start_and_end() {
    let (stack, _loop) = Stack::memory().running();
    let start = stack.clock.now_s() + 600;
    let body = json!({
        "ScheduleExpression": "rate(1 hour)", "FlexibleTimeWindow": {"Mode": "OFF"},
        "StartDate": start, "EndDate": start + 3600, "Target": {"Arn": queue("q"), "Input": "x"},
    });
    assert_eq!(stack.rest("POST", "/schedules/s?x=y", body).await.0, 200);
    let mut counts = Vec::new();
    for minutes in [5, 6, 60, 60, 60] {
        stack.advance(minutes * MINUTE).await;
        counts.push(stack.noted.to("q").len());
    }
    assert_eq!(counts, [0, 1, 2, 2, 2]);
}

#[tokio::test]
async fn groups_hold_schedules_and_take_them_along() {
    let stack = Stack::memory();
    let body = json!({
        "GroupName": "g", "ScheduleExpression": "cron(0 9 ? * MON-FRI *)", "State": "DISABLED",
        "ScheduleExpressionTimezone": "Asia/Seoul", "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": queue("q"), "RoleArn": "r"},
    });
    assert_eq!(stack.rest("POST", "/schedules/s", body.clone()).await.0, 404);
    assert_eq!(stack.rest("POST", "/schedule-groups/g", json!({})).await.0, 200);
    assert_eq!(stack.rest("POST", "/schedules/s", body.clone()).await.0, 200);
    let mut nowhere = body;
    nowhere["ScheduleExpressionTimezone"] = json!("Asia/Nowhere");
    assert_eq!(stack.rest("PUT", "/schedules/s", nowhere).await.0, 400);
    let (_, answer) = stack.rest("GET", "/schedules?ScheduleGroup=g", json!({})).await;
    assert_eq!(answer["Schedules"][0]["Name"], "s");
    assert_eq!(stack.rest("GET", "/schedules/s?groupName=g", json!({})).await.0, 200);
    assert_eq!(stack.rest("DELETE", "/schedule-groups/g", json!({})).await.0, 200);
    assert_eq!(stack.rest("GET", "/schedules/s?groupName=g", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_reset_leaves_the_default_bus_and_nothing_else() {
    let stack = Stack::memory();
    stack.events.ensure_rule("r", every("rate(1 minute)", "q")).unwrap();
    stack.events.run_schedule_now("r").unwrap();
    stack.events.reset().unwrap();
    assert!(stack.events.schedules().is_empty() && stack.events.pending().unwrap().idle());
    let (_, answer) = stack.call("ListEventBuses", json!({})).await;
    assert_eq!(answer["EventBuses"][0]["Name"], "default");
}

/// `yyyy-mm-ddThh:mm:ss` in UTC.
fn jiff_text(second: i64) -> String {
    jiff::Timestamp::from_second(second).unwrap().to_string().trim_end_matches('Z').to_owned()
}
