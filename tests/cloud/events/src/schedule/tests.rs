use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Dialect, Expression};

#[track_caller]
fn next(expression: &str, zone: &str, after: &str, count: usize) -> Vec<String> {
    let expression = Expression::parse(expression, Dialect::Scheduler).unwrap();
    let zone = TimeZone::get(zone).unwrap();
    let mut at = after.parse::<Timestamp>().unwrap().as_millisecond();
    let mut all = Vec::new();
    while all.len() < count {
        let Some(due) = expression.next_after(at, 0, &zone) else { break };
        all.push(Timestamp::from_millisecond(due).unwrap().to_string());
        at = due;
    }
    all
}

#[test]
fn every_minute_is_strictly_after() {
    assert_eq!(
        next("cron(* * * * ? *)", "UTC", "2026-11-20T04:00:00Z", 2),
        ["2026-11-20T04:01:00Z", "2026-11-20T04:02:00Z"]
    );
}

#[test]
fn steps_ranges_lists_and_names() {
    assert_eq!(
        next("cron(0/20 9-10 ? * MON-FRI *)", "UTC", "2026-11-20T10:20:00Z", 2),
        ["2026-11-20T10:40:00Z", "2026-11-23T09:00:00Z"]
    );
    assert_eq!(
        next("cron(5 0 1 JAN,JUL ? 2027-2028)", "UTC", "2026-11-20T00:00:00Z", 9),
        ["2027-01-01T00:05:00Z", "2027-07-01T00:05:00Z", "2028-01-01T00:05:00Z", "2028-07-01T00:05:00Z"]
    );
}

#[test]
fn the_day_of_the_week_counts_from_sunday() {
    assert_eq!(next("cron(0 0 ? * 1 *)", "UTC", "2026-11-20T00:00:00Z", 1), ["2026-11-22T00:00:00Z"]);
    assert_eq!(next("cron(0 0 ? * L *)", "UTC", "2026-11-20T00:00:00Z", 1), ["2026-11-21T00:00:00Z"]);
}

#[test]
fn last_nearest_and_nth_days() {
    let after = "2026-01-31T12:00:00Z";
    assert_eq!(next("cron(0 0 L * ? *)", "UTC", after, 2), ["2026-02-28T00:00:00Z", "2026-03-31T00:00:00Z"]);
    assert_eq!(next("cron(0 0 L-2 * ? *)", "UTC", after, 1), ["2026-02-26T00:00:00Z"]);
    // The last Friday of February 2026; the second Tuesday.
    assert_eq!(next("cron(0 0 ? * 6L *)", "UTC", after, 1), ["2026-02-27T00:00:00Z"]);
    assert_eq!(next("cron(0 0 ? * 3#2 *)", "UTC", after, 1), ["2026-02-10T00:00:00Z"]);
    // 15 February 2026 is a Sunday, 1 February too, 28 February a Saturday.
    assert_eq!(next("cron(0 0 15W * ? *)", "UTC", after, 1), ["2026-02-16T00:00:00Z"]);
    assert_eq!(next("cron(0 0 1W * ? *)", "UTC", after, 1), ["2026-02-02T00:00:00Z"]);
    assert_eq!(next("cron(0 0 LW * ? *)", "UTC", after, 1), ["2026-02-27T00:00:00Z"]);
}

#[test]
fn a_skipped_local_time_is_skipped_and_a_repeated_one_runs_once() {
    // New York: 2026-03-08 02:30 does not exist, 2026-11-01 01:30 comes twice.
    let zone = "America/New_York";
    assert_eq!(next("cron(30 2 * * ? *)", zone, "2026-03-07T12:00:00Z", 1), ["2026-03-09T06:30:00Z"]);
    assert_eq!(
        next("cron(30 1 * * ? *)", zone, "2026-10-31T12:00:00Z", 2),
        ["2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"]
    );
}

#[test]
fn one_time_schedules_are_local_and_come_once() {
    assert_eq!(
        next("at(2026-11-20T13:00:00)", "Asia/Seoul", "2026-11-19T00:00:00Z", 3),
        ["2026-11-20T04:00:00Z"]
    );
}

#[test]
fn a_rate_counts_from_its_anchor() {
    let hourly = Expression::parse("rate(1 hour)", Dialect::Rule).unwrap();
    let next = |after| hourly.next_after(after, 1000, &TimeZone::UTC);
    assert_eq!(next(0), Some(1000));
    assert_eq!(next(1000), Some(3_601_000));
    // However much was missed, one step brings it past.
    assert_eq!(next(36_000_999), Some(36_001_000));
}

#[test]
fn what_aws_refuses_is_refused() {
    for wrong in [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(5 seconds)",
        "rate(5)",
        "cron(* * * * * *)",
        "cron(* * ? * ? *)",
        "cron(* * * * ?)",
        "cron(60 * * * ? *)",
        "cron(0 0 32 * ? *)",
        "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * 3#6 *)",
        "cron(0 0 ? * 3#1,6#3 *)",
        "cron(0/0 * * * ? *)",
        "cron(0 0 * * ? 1969)",
        "at(2026-11-20T13:00:00)",
        "every day",
    ] {
        assert!(Expression::parse(wrong, Dialect::Rule).is_err(), "{wrong} was taken");
    }
    assert!(Expression::parse("at(tomorrow)", Dialect::Scheduler).is_err());
}
