//! One page of a listing: prefix, delimiter, and a cursor that any listing understands.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Result;

/// S3 lists at most this many entries a page.
const MOST: usize = 1000;
/// Sorts behind every key that starts with what it is appended to.
const LAST: char = '\u{10FFFF}';

/// A place in a listing ordered by key, and within a key by a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub key: String,
    pub tie: i64,
}

impl Cursor {
    /// Behind everything of `key` itself.
    pub(crate) fn after(key: &str) -> Self {
        Self { key: key.to_owned(), tie: i64::MAX }
    }

    fn before(key: &str) -> Self {
        Self { key: key.to_owned(), tie: i64::MIN }
    }

    fn behind_group(group: &str) -> Self {
        Self::after(&format!("{group}{LAST}"))
    }

    /// Opaque, for `NextContinuationToken`.
    pub(crate) fn token(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.tie, self.key))
    }

    pub(crate) fn from_token(token: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        let (tie, key) = text.split_once(':')?;
        Some(Self { key: key.to_owned(), tie: tie.parse().ok()? })
    }

    fn max(self, other: Self) -> Self {
        if (&other.key, other.tie) > (&self.key, self.tie) { other } else { self }
    }
}

/// What the client asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paging {
    pub prefix: String,
    /// Empty for none.
    pub delimiter: String,
    pub most: Option<i32>,
    pub after: Option<Cursor>,
}

impl Paging {
    /// Entries on a page.
    pub(crate) fn limit(&self) -> usize {
        self.most.and_then(|n| usize::try_from(n).ok()).map_or(MOST, |n| n.min(MOST))
    }

    /// A marker that a person may write: behind that key, and when it is a common prefix, behind all it stands for.
    pub(crate) fn marker(&self, marker: &str) -> Cursor {
        match self.group(marker) {
            Some(group) if group == marker => Cursor::behind_group(group),
            _ => Cursor::after(marker),
        }
    }

    /// The common prefix that a key is rolled up into.
    fn group<'a>(&self, key: &'a str) -> Option<&'a str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let end = rest.find(self.delimiter.as_str())? + self.delimiter.len();
        key.get(..self.prefix.len() + end)
    }
}

/// One page.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub entries: Vec<T>,
    pub groups: Vec<String>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Cursor>,
    /// The last key or group on this page, for `NextMarker`.
    pub last: Option<String>,
}

/// Fills a page from `fetch`, which returns up to so many rows behind a cursor, in order.
pub(crate) fn page<T>(
    paging: &Paging,
    mut fetch: impl FnMut(&Cursor, usize) -> Result<Vec<(Cursor, T)>>,
) -> Result<Page<T>> {
    let limit = paging.limit();
    let mut result = Page { entries: Vec::new(), groups: Vec::new(), next: None, last: None };
    let mut cursor = Cursor::before(&paging.prefix);
    if let Some(after) = &paging.after {
        cursor = cursor.max(after.clone());
    }
    if limit == 0 {
        return Ok(result);
    }
    'rows: loop {
        // One more than fits, to learn whether there is more.
        let want = limit + 1 - result.entries.len() - result.groups.len();
        let rows = fetch(&cursor, want)?;
        let fetched = rows.len();
        for (at, row) in rows {
            if !at.key.starts_with(&paging.prefix) {
                return Ok(result);
            }
            if result.entries.len() + result.groups.len() == limit {
                result.next = Some(cursor);
                return Ok(result);
            }
            if let Some(group) = paging.group(&at.key) {
                // Everything of the group is one entry: go on behind it.
                cursor = Cursor::behind_group(group);
                result.last = Some(group.to_owned());
                result.groups.push(group.to_owned());
                continue 'rows;
            }
            result.last = Some(at.key.clone());
            result.entries.push(row);
            cursor = at;
        }
        if fetched < want {
            return Ok(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(keys: &[&str], paging: &Paging) -> Page<String> {
        let mut keys: Vec<String> = keys.iter().map(|k| (*k).to_owned()).collect();
        keys.sort();
        page(paging, |after, limit| {
            let behind = keys.iter().filter(|k| (k.as_str(), 0) > (after.key.as_str(), after.tie));
            Ok(behind.take(limit).map(|k| (Cursor { key: k.clone(), tie: 0 }, k.clone())).collect())
        })
        .unwrap()
    }

    #[test]
    fn pages_of_any_size_together_list_every_key_and_group_once() {
        let keys = ["a", "b/1", "b/2", "b0", "c/x/1", "c/x/2", "c/y", "d", "é/1", "é/2"];
        for size in 1..=12_u16 {
            let mut paging = Paging { delimiter: "/".into(), most: Some(size.into()), ..Paging::default() };
            let (mut entries, mut groups) = (Vec::new(), Vec::new());
            loop {
                let page = list(&keys, &paging);
                assert!(page.entries.len() + page.groups.len() <= usize::from(size));
                entries.extend(page.entries);
                groups.extend(page.groups);
                let Some(next) = page.next else { break };
                paging.after = Cursor::from_token(&next.token());
            }
            assert_eq!(entries, ["a", "b0", "d"], "page size {size}");
            assert_eq!(groups, ["b/", "c/", "é/"], "page size {size}");
        }
    }

    #[test]
    fn a_group_as_marker_skips_the_whole_group() {
        let paging = Paging { delimiter: "/".into(), ..Paging::default() };
        let paging = Paging { after: Some(paging.marker("b/")), ..paging };
        assert_eq!(list(&["a", "b/1", "b/2", "c"], &paging).entries, ["c"]);
    }

    #[test]
    fn a_page_that_just_fits_is_the_last() {
        let paging = Paging { most: Some(2), ..Paging::default() };
        assert_eq!(list(&["a", "b"], &paging).next, None);
        assert!(list(&["a", "b", "c"], &paging).next.is_some());
    }
}
