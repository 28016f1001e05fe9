//! `MediaConvert Job State Change` (user guide, `mediaconvert_event_list`), kept with the jobs until the bus has them.

use cloud_core::{BusEvent, Millis, Place};
use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value, json};

use crate::job::{self, Phase};

pub(crate) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS events (
        seq    INTEGER PRIMARY KEY AUTOINCREMENT,
        job    TEXT NOT NULL,
        detail TEXT NOT NULL
    );
";

/// Writes an event about the job; part of the transaction that changes it. `more` is the status's own content.
///
/// Timestamps of one job's events are all different and grow, also within a millisecond.
pub(crate) fn announce(
    connection: &Connection,
    place: &Place,
    now: Millis,
    job: &str,
    status: &str,
    more: Value,
) -> rusqlite::Result<()> {
    let (request, queue, last): (String, String, Millis) = connection.query_row(
        "SELECT request, queue, last_event_ms FROM jobs WHERE id = ?1",
        [job],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let request: Map<String, Value> = serde_json::from_str(&request).unwrap_or_default();
    let timestamp = now.max(last + 1);
    let mut detail = json!({
        "timestamp": timestamp,
        "accountId": place.account,
        "queue": queue,
        "jobId": job,
        "status": status,
        "userMetadata": request.get("userMetadata").cloned().unwrap_or_else(|| json!({})),
    });
    if let (Some(detail), Value::Object(more)) = (detail.as_object_mut(), more) {
        detail.extend(more);
    }
    connection.execute("UPDATE jobs SET last_event_ms = ?2 WHERE id = ?1", params![job, timestamp])?;
    connection
        .execute("INSERT INTO events (job, detail) VALUES (?1, ?2)", params![job, detail.to_string()])?;
    Ok(())
}

/// The content of a `STATUS_UPDATE`.
pub(crate) fn job_progress(
    phase: Phase,
    phase_percent: u8,
    percent: Option<u8>,
    frames: u64,
    retries: i64,
) -> Value {
    let phases = Phase::ALL.map(|one| {
        let (status, percent) = match one.partial_cmp(&phase) {
            Some(std::cmp::Ordering::Less) => ("COMPLETE", 100),
            Some(std::cmp::Ordering::Equal) => ("PROGRESSING", phase_percent),
            _ => ("PENDING", 0),
        };
        (one.name().to_owned(), json!({"status": status, "percentComplete": percent}))
    });
    let mut progress = json!({
        "phaseProgress": Map::from_iter(phases),
        "currentPhase": phase.name(),
        "retryCount": retries,
    });
    if let (Some(percent), Some(progress)) = (percent, progress.as_object_mut()) {
        progress.insert("jobPercentComplete".into(), percent.into());
    }
    json!({"framesDecoded": frames, "jobProgress": progress})
}

/// The oldest event that the bus does not have yet, with its number.
pub(crate) fn oldest(connection: &Connection, place: &Place) -> rusqlite::Result<Option<(i64, BusEvent)>> {
    let query = "SELECT seq, job, detail FROM events ORDER BY seq LIMIT 1";
    let row = connection.query_row(query, [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    });
    Ok(row.optional()?.map(|(seq, job, detail)| {
        let event = BusEvent {
            source: "aws.mediaconvert".into(),
            detail_type: "MediaConvert Job State Change".into(),
            detail: serde_json::from_str(&detail).unwrap_or_default(),
            resources: vec![job::arn(place, &job)],
        };
        (seq, event)
    }))
}

/// The bus has it.
pub(crate) fn sent(connection: &Connection, seq: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM events WHERE seq = ?1", [seq]).map(|_| ())
}
