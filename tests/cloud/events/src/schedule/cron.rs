//! The six fields `minutes hours day-of-month month day-of-week year`.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html#eb-cron-expressions>

use cloud_core::Millis;
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use super::{ScheduleError, error};

const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
const YEAR_MIN: i16 = 1970;
const YEAR_MAX: i16 = 2199;

/// When a cron expression is due.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cron {
    minutes: Vec<i8>,
    hours: Vec<i8>,
    days: Days,
    months: Vec<i8>,
    years: Vec<i16>,
}

#[derive(Clone, Debug, PartialEq)]
enum Days {
    OfMonth(Vec<MonthDay>),
    OfWeek(Vec<WeekDay>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MonthDay {
    On(i8),
    /// `L`, or `L-3` for three days before.
    Last {
        before: i8,
    },
    /// `15W`: the weekday nearest to the 15th, within the month.
    NearestWeekday(i8),
    /// `LW`.
    LastWeekday,
}

/// Days of the week count from 1 for Sunday.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WeekDay {
    Every(i8),
    /// `6L`: the last Friday.
    Last(i8),
    /// `3#2`: the second Tuesday.
    Nth(i8, i8),
}

impl Cron {
    pub fn parse(text: &str) -> Result<Self, ScheduleError> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, month_days, months, week_days, years] = fields[..] else {
            return Err(error("cron() takes six fields"));
        };
        let days = match (month_days, week_days) {
            ("?", "?") => return Err(error("only one of day-of-month and day-of-week can be ?")),
            (_, "?") => Days::OfMonth(list(month_days, month_day)?),
            ("?", _) => Days::OfWeek(list(week_days, week_day)?),
            _ => return Err(error("one of day-of-month and day-of-week must be ?")),
        };
        if matches!(&days, Days::OfWeek(list) if list.len() > 1 && week_days.contains('#')) {
            return Err(error("# allows one expression in day-of-week only"));
        }
        Ok(Self {
            minutes: small(minutes, 0, 59, &[])?,
            hours: small(hours, 0, 23, &[])?,
            days,
            months: small(months, 1, 12, &MONTHS)?,
            years: numbers(years, YEAR_MIN, YEAR_MAX, &[])?,
        })
    }

    /// The first moment after `after`. A local time that a change of the clocks skips is skipped, one that comes
    /// twice is due the first time.
    pub fn next_after(&self, after: Millis, zone: &TimeZone) -> Option<Millis> {
        let start = Timestamp::from_millisecond(after).ok()?.to_zoned(zone.clone()).date();
        let last = Date::new(YEAR_MAX, 12, 31).ok()?;
        let mut date = start;
        while date <= last {
            if !self.years.contains(&date.year()) {
                let next = self.years.iter().find(|year| **year > date.year())?;
                date = Date::new(*next, 1, 1).ok()?;
            } else if !self.months.contains(&date.month()) {
                date = date.last_of_month().checked_add(1.day()).ok()?;
            } else {
                let due = self.days.include(date).then(|| self.on(date, after, zone)).flatten();
                if due.is_some() {
                    return due;
                }
                date = date.checked_add(1.day()).ok()?;
            }
        }
        None
    }

    /// The first moment of this day after `after`.
    fn on(&self, date: Date, after: Millis, zone: &TimeZone) -> Option<Millis> {
        self.hours
            .iter()
            .flat_map(|hour| self.minutes.iter().map(move |minute| date.at(*hour, *minute, 0, 0)))
            .filter_map(|local| moment(local, zone))
            .find(|moment| *moment > after)
    }
}

fn moment(local: DateTime, zone: &TimeZone) -> Option<Millis> {
    let ambiguous = zone.to_ambiguous_timestamp(local);
    match ambiguous.offset() {
        AmbiguousOffset::Gap { .. } => None,
        _ => ambiguous.earlier().ok().map(Timestamp::as_millisecond),
    }
}

impl Days {
    fn include(&self, date: Date) -> bool {
        match self {
            Self::OfMonth(days) => days.iter().any(|day| day.is(date)),
            Self::OfWeek(days) => days.iter().any(|day| day.is(date)),
        }
    }
}

impl MonthDay {
    fn is(self, date: Date) -> bool {
        let len = date.days_in_month();
        match self {
            Self::On(day) => date.day() == day,
            Self::Last { before } => date.day() == len - before,
            Self::NearestWeekday(day) => day <= len && nearest_weekday(date, day) == Some(date.day()),
            Self::LastWeekday => nearest_weekday(date, len) == Some(date.day()),
        }
    }
}

/// The weekday nearest to a day of the month that `date` is in, without leaving the month.
fn nearest_weekday(date: Date, day: i8) -> Option<i8> {
    let target = Date::new(date.year(), date.month(), day).ok()?;
    let len = date.days_in_month();
    Some(match target.weekday() {
        jiff::civil::Weekday::Saturday if day == 1 => 3,
        jiff::civil::Weekday::Saturday => day - 1,
        jiff::civil::Weekday::Sunday if day == len => day - 2,
        jiff::civil::Weekday::Sunday => day + 1,
        _ => day,
    })
}

impl WeekDay {
    fn is(self, date: Date) -> bool {
        let today = date.weekday().to_sunday_one_offset();
        match self {
            Self::Every(day) => today == day,
            Self::Last(day) => today == day && date.day() > date.days_in_month() - 7,
            Self::Nth(day, nth) => today == day && (date.day() - 1) / 7 + 1 == nth,
        }
    }
}

/// A list separated by commas, each part read by `one`.
fn list<T>(
    field: &str,
    one: impl Fn(&str) -> Result<Vec<T>, ScheduleError>,
) -> Result<Vec<T>, ScheduleError> {
    let mut all = Vec::new();
    for part in field.split(',') {
        all.extend(one(part)?);
    }
    Ok(all)
}

fn month_day(part: &str) -> Result<Vec<MonthDay>, ScheduleError> {
    let day = |text: &str| {
        text.parse::<i8>().ok().filter(|d| (1..=31).contains(d)).ok_or_else(|| error("day-of-month is 1-31"))
    };
    let special = match part {
        "L" => MonthDay::Last { before: 0 },
        "LW" => MonthDay::LastWeekday,
        _ => match (part.strip_prefix("L-"), part.strip_suffix('W')) {
            (Some(before), _) => MonthDay::Last { before: day(before)? },
            (_, Some(near)) => MonthDay::NearestWeekday(day(near)?),
            _ => return Ok(small(part, 1, 31, &[])?.into_iter().map(MonthDay::On).collect()),
        },
    };
    Ok(vec![special])
}

fn week_day(part: &str) -> Result<Vec<WeekDay>, ScheduleError> {
    let day = |text: &str| single(text, 1, 7, &DAYS);
    // Alone, L is the last day of the week.
    if part == "L" {
        return Ok(vec![WeekDay::Every(7)]);
    }
    if let Some(last) = part.strip_suffix('L') {
        return Ok(vec![WeekDay::Last(day(last)?)]);
    }
    if let Some((weekday, nth)) = part.split_once('#') {
        let nth = nth.parse().ok().filter(|n| (1..=5).contains(n)).ok_or_else(|| error("# takes 1-5"))?;
        return Ok(vec![WeekDay::Nth(day(weekday)?, nth)]);
    }
    Ok(small(part, 1, 7, &DAYS)?.into_iter().map(WeekDay::Every).collect())
}

fn small(field: &str, min: i8, max: i8, names: &[&str]) -> Result<Vec<i8>, ScheduleError> {
    let wide = numbers(field, i16::from(min), i16::from(max), names)?;
    Ok(wide.into_iter().filter_map(|n| i8::try_from(n).ok()).collect())
}

fn single(text: &str, min: i8, max: i8, names: &[&str]) -> Result<i8, ScheduleError> {
    match small(text, min, max, names)?[..] {
        [one] => Ok(one),
        _ => Err(error("expected one value")),
    }
}

/// The sorted values of a field: `*`, `7`, `1-5`, `0/15`, `*/2`, `10-40/5`, names, and lists of these.
fn numbers(field: &str, min: i16, max: i16, names: &[&str]) -> Result<Vec<i16>, ScheduleError> {
    let value = |text: &str| {
        let place = names.iter().position(|name| name.eq_ignore_ascii_case(text));
        let number = match place {
            Some(place) => i16::try_from(place).ok().map(|place| place + min),
            None => text.parse().ok(),
        };
        number
            .filter(|n| (min..=max).contains(n))
            .ok_or_else(|| error(&format!("{text} is not within {min}-{max}")))
    };
    let mut all = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => {
                let step = step.parse::<i16>().ok().filter(|s| *s > 0);
                (range, Some(step.ok_or_else(|| error("the step after / must be positive"))?))
            }
            None => (part, None),
        };
        let (from, to) = match (range, range.split_once('-')) {
            ("*", _) => (min, max),
            (_, Some((from, to))) => (value(from)?, value(to)?),
            // `5/10` runs to the end of the field, `5` does not.
            (single, None) => (value(single)?, if step.is_some() { max } else { value(single)? }),
        };
        let step = usize::try_from(step.unwrap_or(1)).unwrap_or(1);
        if from <= to {
            all.extend((from..=to).step_by(step));
        } else {
            // FRI-MON goes around the end.
            all.extend((from..=max).chain(min..=to).step_by(step));
        }
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}
