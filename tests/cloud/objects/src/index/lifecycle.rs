//! Lifecycle rules, applied: expiration, expiration of noncurrent versions, and of uploads nobody finished.
//!
//! AWS looks once a day and rounds up to the next midnight; here a rule takes effect at exactly its number of days,
//! so that a test that advances the clock sees it.

use cloud_core::Millis;
use rusqlite::{Transaction, params};
use s3s::dto::{LifecycleRule, LifecycleRuleFilter, Tag, Timestamp};

use super::buckets::{Bucket, Versioning};
use super::versions::version;
use super::{Index, Result, buckets, uploads};
use crate::notify::Change;
use crate::object::Version;

const DAY_MS: Millis = 24 * 60 * 60 * 1000;

impl Index {
    /// Applies every rule of every bucket by now; returns the files that no row names any more.
    pub(crate) fn apply_lifecycle(&self) -> Result<Vec<String>> {
        let mut removed = Vec::new();
        for bucket in self.buckets()? {
            let rules =
                bucket.lifecycle.iter().flat_map(|l| &l.rules).filter(|r| r.status.as_str() == "Enabled");
            for rule in rules {
                // One transaction a rule: short enough for others to get in between.
                removed.extend(self.change(|tx| {
                    let bucket = buckets::find(tx, &bucket.name)?;
                    self.apply(tx, &bucket, rule)
                })?);
            }
        }
        Ok(removed)
    }

    fn apply(&self, tx: &Transaction<'_>, bucket: &Bucket, rule: &LifecycleRule) -> Result<Vec<String>> {
        let now = self.clock.now_ms();
        let scope = Scope::of(rule);
        let mut removed = Vec::new();
        if let Some(expiration) = &rule.expiration {
            let by_days = expiration.days.map(|days| now - Millis::from(days) * DAY_MS);
            let by_date = expiration.date.as_ref().filter(|date| millis(date) <= now).map(|_| now);
            if let Some(until) = by_days.or(by_date) {
                for old in
                    select(tx, bucket, "latest = 1 AND marker = 0 AND modified_ms <= ?2", until, &scope)?
                {
                    let done =
                        self.delete_latest(tx, bucket, &old.key, Change::Expire, Change::ExpireToMarker)?;
                    removed.extend(done.removed);
                }
            }
            if expiration.expired_object_delete_marker == Some(true) {
                let alone = "latest = 1 AND marker = 1 AND ?2 >= 0 AND NOT EXISTS (SELECT 1 FROM versions AS other
                    WHERE other.bucket = versions.bucket AND other.key = versions.key AND other.seq <> versions.seq)";
                for marker in select(tx, bucket, alone, now, &scope)? {
                    self.delete_version(tx, bucket, &marker.key, &marker.version, Change::Expire)?;
                }
            }
        }
        if bucket.versioning != Versioning::Never
            && let Some(expiration) = &rule.noncurrent_version_expiration
            && let Some(days) = expiration.noncurrent_days
        {
            let until = now - Millis::from(days) * DAY_MS;
            let keep = usize::try_from(expiration.newer_noncurrent_versions.unwrap_or(0)).unwrap_or(0);
            let newer = "latest = 0 AND superseded_ms <= ?2";
            for old in select(tx, bucket, newer, until, &scope)? {
                let between: i64 = tx.query_row(
                    "SELECT count(*) FROM versions WHERE bucket = ?1 AND key = ?2 AND latest = 0 AND seq > ?3",
                    params![bucket.name, old.key, old.seq],
                    |row| row.get(0),
                )?;
                if usize::try_from(between).unwrap_or(0) >= keep {
                    removed.extend(
                        self.delete_version(tx, bucket, &old.key, &old.version, Change::Expire)?.removed,
                    );
                }
            }
        }
        if let Some(days) =
            rule.abort_incomplete_multipart_upload.as_ref().and_then(|a| a.days_after_initiation)
        {
            let until = now - Millis::from(days) * DAY_MS;
            let ids: Vec<String> = tx
                .prepare(
                    "SELECT id FROM uploads WHERE bucket = ?1 AND initiated_ms <= ?2 AND substr(key, 1, length(?3)) = ?3",
                )?
                .query_map(params![bucket.name, until, scope.prefix], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for id in ids {
                removed.extend(uploads::end(tx, &id)?);
            }
        }
        Ok(removed)
    }
}

/// What a rule's filter selects.
struct Scope<'a> {
    prefix: &'a str,
    tags: Vec<&'a Tag>,
    larger_than: Option<i64>,
    smaller_than: Option<i64>,
}

impl<'a> Scope<'a> {
    fn of(rule: &'a LifecycleRule) -> Self {
        let filter = rule.filter.as_ref();
        let and = filter.and_then(|f| f.and.as_ref());
        let either = |alone: fn(&LifecycleRuleFilter) -> Option<i64>, both: Option<i64>| {
            filter.and_then(alone).or(both)
        };
        let prefix = filter
            .and_then(|f| f.prefix.as_deref())
            .or_else(|| and.and_then(|a| a.prefix.as_deref()))
            .or(rule.prefix.as_deref());
        let tags = filter
            .and_then(|f| f.tag.as_ref())
            .into_iter()
            .chain(and.and_then(|a| a.tags.as_ref()).into_iter().flatten())
            .collect();
        Self {
            prefix: prefix.unwrap_or_default(),
            tags,
            larger_than: either(|f| f.object_size_greater_than, and.and_then(|a| a.object_size_greater_than)),
            smaller_than: either(|f| f.object_size_less_than, and.and_then(|a| a.object_size_less_than)),
        }
    }

    fn covers(&self, version: &Version) -> bool {
        let size = super::signed(version.size);
        self.larger_than.is_none_or(|least| size > least)
            && self.smaller_than.is_none_or(|most| size < most)
            && self.tags.iter().all(|tag| {
                tag.key.as_ref().is_some_and(|key| version.attributes.tags.get(key) == tag.value.as_ref())
            })
    }
}

/// The versions in scope for which `condition` holds; `?2` in it is `until`.
fn select(
    tx: &Transaction<'_>,
    bucket: &Bucket,
    condition: &str,
    until: Millis,
    scope: &Scope<'_>,
) -> Result<Vec<Version>> {
    let mut statement = tx.prepare(&format!(
        "SELECT seq, key, version, latest, marker, blob, size, etag, modified_ms, attributes FROM versions
         WHERE bucket = ?1 AND {condition} AND substr(key, 1, length(?3)) = ?3 ORDER BY seq"
    ))?;
    let rows = statement.query_map(params![bucket.name, until, scope.prefix], version)?;
    let mut found = Vec::new();
    for row in rows {
        let row = row?;
        if scope.covers(&row) {
            found.push(row);
        }
    }
    Ok(found)
}

fn millis(date: &Timestamp) -> Millis {
    crate::protocol::time::millis(date)
}
