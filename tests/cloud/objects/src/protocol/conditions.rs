//! Conditional requests, in the order of RFC 9110 section 13.2.2.

use s3s::dto::{ETagCondition, Timestamp};

use super::time::same_or_before;
use crate::error::Error;
use crate::index::{Condition, Result, WriteConditions};
use crate::object::Version;

/// The four headers of a read, or the four `x-amz-copy-source-if-*` of a copy.
pub(super) struct ReadConditions<'a> {
    pub matches: Option<&'a ETagCondition>,
    pub matches_none: Option<&'a ETagCondition>,
    pub modified_since: Option<&'a Timestamp>,
    pub unmodified_since: Option<&'a Timestamp>,
}

impl ReadConditions<'_> {
    /// For a read: what has not changed is a 304.
    pub(super) fn check(&self, version: &Version) -> Result<()> {
        self.check_unchanged(version)?;
        if self.is_known(version) {
            return Err(Error::NotModified { etag: version.etag.clone() });
        }
        Ok(())
    }

    /// For a copy, which has no 304.
    pub(super) fn check_copy(&self, version: &Version) -> Result<()> {
        self.check_unchanged(version)?;
        if self.is_known(version) { Err(Error::PreconditionFailed) } else { Ok(()) }
    }

    fn check_unchanged(&self, version: &Version) -> Result<()> {
        let unchanged = match (self.matches, self.unmodified_since) {
            (Some(condition), _) => holds(condition, version),
            (None, Some(since)) => same_or_before(version.modified_ms, since),
            (None, None) => true,
        };
        if unchanged { Ok(()) } else { Err(Error::PreconditionFailed) }
    }

    fn is_known(&self, version: &Version) -> bool {
        match (self.matches_none, self.modified_since) {
            (Some(condition), _) => holds(condition, version),
            (None, Some(since)) => same_or_before(version.modified_ms, since),
            (None, None) => false,
        }
    }
}

fn holds(condition: &ETagCondition, version: &Version) -> bool {
    match condition {
        ETagCondition::Any => true,
        ETagCondition::ETag(etag) => etag.value() == version.etag,
    }
}

/// `If-Match` and `If-None-Match` of a write.
pub(super) fn of_write(
    matches: Option<ETagCondition>,
    matches_none: Option<ETagCondition>,
) -> WriteConditions {
    let condition = |given: ETagCondition| match given {
        ETagCondition::Any => Condition::Any,
        ETagCondition::ETag(etag) => Condition::Etag(etag.into_value()),
    };
    WriteConditions { matches: matches.map(condition), matches_none: matches_none.map(condition) }
}
