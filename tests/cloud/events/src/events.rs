use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cloud_core::{Bus as BusPort, BusEvent, Clock, Deliver, Millis, Place, State};
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::core::{Core, check_targets};
use crate::envelope::{Envelope, random_id};
use crate::error::EventsError;
use crate::model::{DEFAULT_BUS, DEFAULT_GROUP, DISABLED, Rule, RuleSpec, Schedule, ScheduleSpec, state};
use crate::storage::Storage;

/// `EventBridge` and `EventBridge` Scheduler.
pub struct Events {
    core: Mutex<Core>,
    pub(crate) storage: Storage,
    pub(crate) clock: Clock,
    pub(crate) deliver: Arc<dyn Deliver>,
    /// Wakes the loop of `run`.
    pub(crate) work: Notify,
}

/// What is still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Deliveries accepted and not yet made.
    pub undelivered: usize,
    /// When the first of those that failed is tried again.
    pub next_retry_ms: Option<Millis>,
    /// When the next schedule runs.
    pub next_due_ms: Option<Millis>,
    /// Name of the rule or schedule that this is.
    pub next_due: Option<String>,
}

impl Pending {
    /// Whether every accepted event has arrived; schedules of the future do not count.
    #[must_use]
    pub fn idle(&self) -> bool {
        self.undelivered == 0
    }
}

/// A rule or schedule that runs by time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleInfo {
    /// Name, without bus or group.
    pub name: String,
    /// `rate(…)`, `cron(…)` or `at(…)`.
    pub expression: String,
    /// Whether it works.
    pub enabled: bool,
    /// When it runs next.
    pub next_due_ms: Option<Millis>,
}

impl Events {
    /// Opens the buses, rules, schedules and undelivered events of this state. Nothing moves until [`Self::run`].
    ///
    /// # Errors
    /// When the database cannot be opened or read.
    pub fn open(
        state: &State,
        place: Place,
        clock: Clock,
        deliver: Arc<dyn Deliver>,
    ) -> Result<Arc<Self>, EventsError> {
        let storage = Storage::open(state)?;
        let core = Core::open(place, storage.clone(), clock.now_ms())?;
        Ok(Arc::new(Self { core: Mutex::new(core), storage, clock, deliver, work: Notify::new() }))
    }

    /// Creates the rule, or makes the existing one exactly this. A schedule that stays the same keeps its rhythm.
    ///
    /// # Errors
    /// `Pattern`, `Schedule`, `Validation`, `Limit` (targets), `NotFound` (bus), `Storage`.
    pub fn ensure_rule(&self, name: &str, spec: RuleSpec) -> Result<String, EventsError> {
        check_targets(&spec.targets)?;
        let now = self.clock.now_ms();
        let mut core = self.lock();
        let bus = core.bus_named(spec.bus.as_deref())?;
        let rule = Rule {
            bus: bus.clone(),
            name: name.to_owned(),
            description: None,
            role_arn: None,
            event_pattern: spec.pattern.map(|pattern| pattern.to_string()),
            schedule_expression: spec.schedule,
            state: state(spec.enabled),
            targets: spec.targets,
            anchor_ms: now,
            next_due_ms: None,
            pattern: None,
            expression: None,
        };
        core.set_rule(rule, now)?;
        let arn = core.rule_arn(&bus, name);
        drop(core);
        self.work.notify_one();
        Ok(arn)
    }

    /// Creates the schedule in the default group, or makes the existing one exactly this.
    ///
    /// # Errors
    /// `Schedule`, `Validation` (time zone), `Storage`.
    pub fn ensure_schedule(&self, name: &str, spec: ScheduleSpec) -> Result<String, EventsError> {
        let now = self.clock.now_ms();
        let schedule = Schedule {
            group: DEFAULT_GROUP.to_owned(),
            name: name.to_owned(),
            description: None,
            expression_text: spec.expression,
            timezone: spec.timezone.unwrap_or_else(|| "UTC".to_owned()),
            start_ms: None,
            end_ms: None,
            state: state(spec.enabled),
            window: json!({"Mode": "OFF"}),
            target: spec.target,
            delete_when_over: false,
            kms_key_arn: None,
            created_ms: now,
            modified_ms: now,
            anchor_ms: now,
            next_due_ms: None,
            compiled: None,
        };
        let mut core = self.lock();
        core.set_schedule(schedule, now)?;
        let arn = core.schedule_arn(DEFAULT_GROUP, name);
        drop(core);
        self.work.notify_one();
        Ok(arn)
    }

    /// Runs a scheduled rule of the default bus, or a schedule of the default group, now and besides its rhythm,
    /// even when it is disabled.
    ///
    /// # Errors
    /// `NotFound`; `Validation` when the rule has no schedule; `Storage`.
    pub fn run_schedule_now(&self, name: &str) -> Result<(), EventsError> {
        let now = self.clock.now_ms();
        let core = self.lock();
        let changes = match core.rule(DEFAULT_BUS, name) {
            Ok(rule) if rule.schedule_expression.is_some() => core.run_rule(rule, now),
            Ok(_) => return Err(EventsError::Validation(format!("Rule {name} has no schedule."))),
            Err(_) => core.run_schedule(core.schedule(DEFAULT_GROUP, name)?, now),
        };
        core.storage.commit(&changes)?;
        drop(core);
        self.work.notify_one();
        Ok(())
    }

    /// What is still to come.
    ///
    /// # Errors
    /// `Storage`.
    pub fn pending(&self) -> Result<Pending, EventsError> {
        let now = self.clock.now_ms();
        let core = self.lock();
        let next = core.next_due();
        Ok(Pending {
            undelivered: self.storage.undelivered()?,
            next_retry_ms: self.storage.next_try_ms(now)?,
            next_due_ms: next.map(|(due, _)| due),
            next_due: next.map(|(_, name)| name.to_owned()),
        })
    }

    /// All rules and schedules that run by time, those of rules first.
    #[must_use]
    pub fn schedules(&self) -> Vec<ScheduleInfo> {
        let core = self.lock();
        let rules = core.rules.values().filter_map(|rule| {
            Some(ScheduleInfo {
                name: rule.name.clone(),
                expression: rule.schedule_expression.clone()?,
                enabled: rule.enabled(),
                next_due_ms: rule.next_due_ms,
            })
        });
        let schedules = core.schedules.values().map(|schedule| ScheduleInfo {
            name: schedule.name.clone(),
            expression: schedule.expression_text.clone(),
            enabled: schedule.state != DISABLED,
            next_due_ms: schedule.next_due_ms,
        });
        rules.chain(schedules).collect()
    }

    /// Empties everything: only the default bus and the default group are left.
    ///
    /// # Errors
    /// `Storage`.
    pub fn reset(&self) -> Result<(), EventsError> {
        self.lock().reset(self.clock.now_ms())?;
        self.work.notify_one();
        Ok(())
    }

    /// Accepts events for buses in one step: afterwards all of them are on disk for every target, or none.
    pub(crate) fn accept(&self, events: &[(String, Value)]) -> Result<(), EventsError> {
        let now = self.clock.now_ms();
        let core = self.lock();
        let changes: Vec<_> = events.iter().flat_map(|(bus, event)| core.route(bus, event, now)).collect();
        core.storage.commit(&changes)?;
        drop(core);
        self.work.notify_one();
        Ok(())
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Core> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl BusPort for Events {
    fn put(&self, event: BusEvent) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let envelope = Envelope {
                source: event.source,
                detail_type: event.detail_type,
                detail: event.detail,
                resources: event.resources,
                time_ms: self.clock.now_ms(),
            };
            let place = self.lock().place.clone();
            let event = envelope.event(&random_id(), &place);
            self.accept(&[(DEFAULT_BUS.to_owned(), event)]).map_err(|e| e.to_string())
        })
    }
}

impl Core {
    /// Checks and stores a rule. One whose schedule stays as it was keeps its rhythm.
    pub(crate) fn set_rule(&mut self, mut rule: Rule, now: Millis) -> Result<(), EventsError> {
        rule.compile()?;
        if rule.pattern.is_none() && rule.expression.is_none() {
            return Err(EventsError::Validation(
                "Parameter(s) EventPattern or ScheduleExpression must be specified.".to_owned(),
            ));
        }
        if rule.expression.is_some() && rule.bus != DEFAULT_BUS {
            return Err(EventsError::Validation(
                "ScheduleExpression is supported only on the default event bus.".to_owned(),
            ));
        }
        let same = self.rule(&rule.bus, &rule.name).ok().filter(|old| {
            old.schedule_expression == rule.schedule_expression && old.enabled() == rule.enabled()
        });
        (rule.anchor_ms, rule.next_due_ms) = if let Some(old) = same {
            (old.anchor_ms, old.next_due_ms)
        } else {
            rule.anchor_ms = now;
            (now, rule.due_after(now))
        };
        self.save_rule(rule)
    }

    /// Checks and stores a schedule. One whose times stay as they were keeps its rhythm.
    pub(crate) fn set_schedule(&mut self, mut schedule: Schedule, now: Millis) -> Result<(), EventsError> {
        schedule.compile()?;
        if schedule.target.arn.is_empty() {
            return Err(EventsError::Validation("A schedule needs the Arn of a target.".to_owned()));
        }
        let old = self.schedule(&schedule.group, &schedule.name).ok();
        let same_times = |old: &&Schedule| {
            old.expression_text == schedule.expression_text
                && old.timezone == schedule.timezone
                && old.start_ms == schedule.start_ms
                && old.end_ms == schedule.end_ms
                && old.state == schedule.state
        };
        if let Some(old) = old {
            schedule.created_ms = old.created_ms;
        }
        match old.filter(same_times) {
            Some(old) => (schedule.anchor_ms, schedule.next_due_ms) = (old.anchor_ms, old.next_due_ms),
            None => schedule.start(now),
        }
        self.save_schedule(schedule)
    }
}
