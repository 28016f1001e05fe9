//! From events and due schedules to deliveries.

use cloud_core::Millis;
use serde_json::{Value, json};

use crate::core::{Core, bus_of_arn};
use crate::envelope::{Envelope, instant, random_id};
use crate::error::EventsError;
use crate::input::{self, Matched};
use crate::model::{Rule, Schedule, Target};
use crate::storage::{Change, Delivery};

/// Retries of one delivery when its target sets no limit.
const RETRIES: u32 = 185;
/// Age in seconds up to which a delivery is tried when its target sets no limit: a day.
const AGE_S: u32 = 86_400;

/// How an event came to a bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    /// From its source.
    First,
    /// From another bus; it goes to no third one.
    Forwarded,
}

impl Core {
    /// The deliveries of an event to everything that wants it on this bus.
    pub fn route(&self, bus: &str, event: &Value, now: Millis) -> Vec<Change> {
        let mut deliveries = Vec::new();
        self.route_on(bus, event, now, Hop::First, &mut deliveries);
        deliveries
    }

    fn route_on(&self, bus: &str, event: &Value, now: Millis, hop: Hop, out: &mut Vec<Change>) {
        let matching = self.rules.values().filter(|rule| {
            rule.bus == bus && rule.enabled() && rule.pattern.as_ref().is_some_and(|p| p.matches(event))
        });
        for rule in matching {
            self.to_targets(rule, event, now, hop, out);
        }
    }

    fn to_targets(&self, rule: &Rule, event: &Value, now: Millis, hop: Hop, out: &mut Vec<Change>) {
        let rule_arn = self.rule_arn(&rule.bus, &rule.name);
        let matched = Matched { rule_arn: &rule_arn, rule_name: &rule.name, ingested_ms: now };
        for target in &rule.targets {
            match (bus_of_arn(&target.arn), hop) {
                (Some(next), Hop::First) => self.route_on(next, event, now, Hop::Forwarded, out),
                (Some(_), Hop::Forwarded) => {}
                (None, _) => {
                    let body = input::body(target, event, &matched);
                    out.push(Change::Send(delivery(target, body, rule_arn.clone(), now)));
                }
            }
        }
    }

    /// Runs every rule and schedule that fell due by `now`, each once however often it was missed. What they send
    /// and when they are due next becomes durable in one step.
    pub fn run_due(&mut self, now: Millis) -> Result<usize, EventsError> {
        let is_due = |due: Option<Millis>| due.is_some_and(|due| due <= now);
        let rules: Vec<Rule> = self.rules.values().filter(|r| is_due(r.next_due_ms)).cloned().collect();
        let schedules: Vec<Schedule> =
            self.schedules.values().filter(|s| is_due(s.next_due_ms)).cloned().collect();
        let run = rules.len() + schedules.len();
        if run == 0 {
            return Ok(0);
        }
        let mut changes = Vec::new();
        let rules: Vec<Rule> = rules
            .into_iter()
            .map(|mut rule| {
                changes.extend(self.run_rule(&rule, now));
                rule.next_due_ms = rule.due_after(now);
                changes.push(Self::put_rule(&rule));
                rule
            })
            .collect();
        let (mut kept, mut over) = (Vec::new(), Vec::new());
        for mut schedule in schedules {
            changes.extend(self.run_schedule(&schedule, now));
            schedule.next_due_ms = if schedule.one_time() { None } else { schedule.due_after(now) };
            if schedule.next_due_ms.is_none() && schedule.delete_when_over {
                changes.push(Self::drop_schedule(&schedule));
                over.push((schedule.group, schedule.name));
            } else {
                changes.push(Self::put_schedule(&schedule));
                kept.push(schedule);
            }
        }
        self.storage.commit(&changes)?;
        self.rules.extend(rules.into_iter().map(|rule| ((rule.bus.clone(), rule.name.clone()), rule)));
        self.schedules.extend(kept.into_iter().map(|s| ((s.group.clone(), s.name.clone()), s)));
        for scoped in over {
            self.schedules.remove(&scoped);
        }
        Ok(run)
    }

    /// When the next rule or schedule is due, and which that is.
    pub fn next_due(&self) -> Option<(Millis, &str)> {
        let rules = self.rules.values().filter_map(|r| Some((r.next_due_ms?, r.name.as_str())));
        let schedules = self.schedules.values().filter_map(|s| Some((s.next_due_ms?, s.name.as_str())));
        rules.chain(schedules).min()
    }

    /// What a scheduled rule sends when it runs.
    pub fn run_rule(&self, rule: &Rule, now: Millis) -> Vec<Change> {
        let envelope = Envelope {
            source: "aws.events".to_owned(),
            detail_type: "Scheduled Event".to_owned(),
            detail: json!({}),
            resources: vec![self.rule_arn(&rule.bus, &rule.name)],
            time_ms: now,
        };
        let event = envelope.event(&random_id(), &self.place);
        let mut deliveries = Vec::new();
        self.to_targets(rule, &event, now, Hop::First, &mut deliveries);
        deliveries
    }

    /// What a schedule sends when it runs.
    pub fn run_schedule(&self, schedule: &Schedule, now: Millis) -> Vec<Change> {
        let arn = self.schedule_arn(&schedule.group, &schedule.name);
        let target = &schedule.target;
        let id = random_id();
        let body = if let Some(input) = &target.input {
            // https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
            input
                .replace("<aws.scheduler.schedule-arn>", &arn)
                .replace("<aws.scheduler.scheduled-time>", &instant(schedule.next_due_ms.unwrap_or(now)))
                .replace("<aws.scheduler.execution-id>", &id)
                .replace("<aws.scheduler.attempt-number>", "1")
        } else {
            let envelope = Envelope {
                source: "aws.scheduler".to_owned(),
                detail_type: "Scheduled Event".to_owned(),
                // EventBridge Scheduler writes the empty detail as a text.
                detail: Value::from("{}"),
                resources: vec![arn.clone()],
                time_ms: now,
            };
            envelope.event(&id, &self.place).to_string()
        };
        match (bus_of_arn(&target.arn), &target.event_bridge_parameters) {
            (Some(bus), Some(parameters)) => {
                let envelope = Envelope {
                    source: parameters.source.clone(),
                    detail_type: parameters.detail_type.clone(),
                    detail: serde_json::from_str(&body).unwrap_or_else(|_| json!({})),
                    resources: vec![arn],
                    time_ms: now,
                };
                self.route(bus, &envelope.event(&id, &self.place), now)
            }
            _ => vec![Change::Send(delivery(target, body, arn, now))],
        }
    }
}

fn delivery(target: &Target, body: String, origin: String, now: Millis) -> Delivery {
    let policy = target.retry_policy.unwrap_or_default();
    Delivery {
        id: 0,
        arn: target.arn.clone(),
        body,
        group: target.group().map(str::to_owned),
        origin,
        created_ms: now,
        attempts: 0,
        next_try_ms: now,
        retries_max: policy.maximum_retry_attempts.unwrap_or(RETRIES),
        age_s_max: policy.maximum_event_age_in_seconds.unwrap_or(AGE_S),
        dead_letter_arn: target.dead_letter_config.as_ref().and_then(|config| config.arn.clone()),
    }
}
