//! Continuous backups (point-in-time recovery): the settings, as the API tells them. Nothing is restored locally.

use dynoxide::DynoxideError;
use rusqlite::{OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::Session;
use crate::error::Error;

pub(crate) const SCHEMA: &str = r#"CREATE TABLE IF NOT EXISTS "cloud:backups" (
    table_name TEXT PRIMARY KEY,
    enabled_at INTEGER NOT NULL,
    days INTEGER NOT NULL
)"#;

/// Days that AWS keeps when none are asked for, and the most that can be asked for.
const MOST_DAYS: i64 = 35;
/// AWS can restore to any second up to "typically five minutes" ago.
const LAG_S: i64 = 5 * 60;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateRequest {
    table_name: String,
    point_in_time_recovery_specification: Specification,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Specification {
    point_in_time_recovery_enabled: bool,
    recovery_period_in_days: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeRequest {
    table_name: String,
}

pub(crate) fn update(session: &mut Session, request: UpdateRequest) -> Result<Value, Error> {
    require_table(session, &request.table_name)?;
    let wanted = request.point_in_time_recovery_specification;
    let days = wanted.recovery_period_in_days.unwrap_or(MOST_DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(DynoxideError::ValidationException(format!(
            "1 validation error detected: Value '{days}' at 'pointInTimeRecoverySpecification.recoveryPeriodInDays' failed to satisfy constraint: Member must be between 1 and {MOST_DAYS}"
        ))
        .into());
    }
    let connection = session.storage.conn();
    if wanted.point_in_time_recovery_enabled {
        connection.execute(
            r#"INSERT INTO "cloud:backups" VALUES (?1, ?2, ?3) ON CONFLICT (table_name) DO UPDATE SET days = excluded.days"#,
            params![request.table_name, session.clock.now_s(), days],
        )?;
    } else {
        connection
            .execute(r#"DELETE FROM "cloud:backups" WHERE table_name = ?1"#, params![request.table_name])?;
    }
    describe(session, &DescribeRequest { table_name: request.table_name })
}

pub(crate) fn describe(session: &mut Session, request: &DescribeRequest) -> Result<Value, Error> {
    require_table(session, &request.table_name)?;
    let enabled: Option<(i64, i64)> = session
        .storage
        .conn()
        .query_row(
            r#"SELECT enabled_at, days FROM "cloud:backups" WHERE table_name = ?1"#,
            params![request.table_name],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let recovery = match enabled {
        None => json!({"PointInTimeRecoveryStatus": "DISABLED"}),
        Some((since, days)) => {
            let now = session.clock.now_s();
            let earliest = since.max(now - days * 24 * 3600);
            json!({
                "PointInTimeRecoveryStatus": "ENABLED",
                "RecoveryPeriodInDays": days,
                "EarliestRestorableDateTime": earliest,
                "LatestRestorableDateTime": earliest.max(now - LAG_S),
            })
        }
    };
    Ok(json!({"ContinuousBackupsDescription": {
        "ContinuousBackupsStatus": "ENABLED",
        "PointInTimeRecoveryDescription": recovery,
    }}))
}

fn require_table(session: &Session, table: &str) -> Result<(), Error> {
    if session.storage.table_exists(table)? {
        return Ok(());
    }
    Err(Error::TableNotFound(table.to_owned()))
}
