//! Log: commits of the generated branch, which are the history of the cluster, and revisions named by a text.

use std::collections::BTreeSet;

use git2::{ErrorCode, Sort};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use time::{Date, Duration, Month, OffsetDateTime, Time};

use super::{HistoryError, Oid, Repository, generated};
use crate::workspace::FileSet;

/// A commit as a person reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CommitInfo {
    /// The commit.
    pub id: String,
    /// The time of the author in seconds since 1970.
    pub time: i64,
    /// The name of the author.
    pub author: String,
    /// The e-mail address of the author.
    pub email: String,
    /// The first paragraph of the message, on one line.
    pub subject: String,
    /// The rest of the message, without its trailers.
    pub body: String,
    /// The trailers in their order: name and value.
    pub trailers: Vec<(String, String)>,
}

impl Repository {
    /// The commits of the generated branch, newest first; none where the branch is not there.
    ///
    /// With `path`, relative to the workspace, only those that changed this file or something below this folder. With `since`,
    /// in seconds since 1970, only those from then on.
    pub fn log(&self, branch: &str, path: Option<&str>, since: Option<i64>) -> Result<Vec<CommitInfo>, HistoryError> {
        let Some(tip) = self.generated(branch)? else { return Ok(Vec::new()) };
        let failed = HistoryError::git("read the history");
        let path = path.map(|path| self.path_in_repository(path.trim_end_matches('/')));
        let mut list = Vec::new();
        for id in self.walk(tip.id)? {
            let commit = self.git.find_commit(id.map_err(&failed)?).map_err(&failed)?;
            if since.is_some_and(|since| commit.author().when().seconds() < since) {
                break;
            }
            if let Some(path) = &path {
                let before = commit.parent_id(0).ok().map(|parent| self.node(parent, path)).transpose()?.flatten();
                if before == self.node(commit.id(), path)? {
                    continue;
                }
            }
            list.push(info(&commit));
        }
        Ok(list)
    }

    /// The latest text in the history of HEAD that passes, of each of these files of the workspace; files without any are left out.
    pub fn latest_files<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p String>,
        passes: impl Fn(&str, &str) -> bool,
    ) -> Result<FileSet, HistoryError> {
        let (mut files, mut seen) = (FileSet::new(), BTreeSet::new());
        let mut missing: Vec<&String> = paths.into_iter().collect();
        let Some(head) = self.head()? else { return Ok(files) };
        let failed = HistoryError::git("read the history");
        let mut walk = self.git.revwalk().map_err(&failed)?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).and_then(|()| walk.push(head)).map_err(&failed)?;
        for commit in walk {
            if missing.is_empty() {
                break;
            }
            let tree = self.tree_of(commit.map_err(&failed)?)?;
            let mut still_missing = Vec::new();
            for path in missing {
                let blob = self.entry(tree, &self.path_in_repository(path))?.map(|(blob, _)| blob);
                let new = blob.filter(|blob| seen.insert((path, *blob)));
                match new.map(|blob| self.text(blob)).transpose()?.flatten().filter(|text| passes(path, text)) {
                    Some(text) => drop(files.insert(path.clone(), text)),
                    None => still_missing.push(path),
                }
            }
            missing = still_missing;
        }
        Ok(files)
    }

    /// The commit of the generated branch that a text names; `None` where the branch is not there.
    ///
    /// A revision (`HEAD~3`, a commit, a tag) names the generated commit that was merged into it. A time names the last commit
    /// up to it: `2026-11-01` (the end of that day), `2026-11-01T08:30`, `yesterday`, `3 days ago`, each also as `@{…}`. Times
    /// are in UTC; `now` is in seconds since 1970.
    pub fn resolve(&self, branch: &str, text: &str, now: i64) -> Result<Option<Oid>, HistoryError> {
        let Some(tip) = self.generated(branch)? else { return Ok(None) };
        let unknown = || HistoryError::Revision { text: text.to_owned() };
        let inner = text.strip_prefix("@{").and_then(|text| text.strip_suffix('}')).unwrap_or(text);
        if let Some(time) = moment(inner, now) {
            return self.at(tip.id, time)?.map(Some).ok_or_else(unknown);
        }
        let commit =
            self.git.revparse_single(text).and_then(|object| object.peel_to_commit()).map_err(|_| unknown())?;
        match self.git.merge_base(commit.id(), tip.id) {
            Ok(base) => Ok(Some(base)),
            Err(error) if error.code() == ErrorCode::NotFound => Err(unknown()),
            Err(source) => Err(HistoryError::Git { action: "find the common history", source }),
        }
    }

    /// The newest commit that is not younger than `time`.
    fn at(&self, tip: Oid, time: i64) -> Result<Option<Oid>, HistoryError> {
        let failed = HistoryError::git("read the history");
        for id in self.walk(tip)? {
            let id = id.map_err(&failed)?;
            if self.git.find_commit(id).map_err(&failed)?.author().when().seconds() <= time {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    fn walk(&self, tip: Oid) -> Result<git2::Revwalk<'_>, HistoryError> {
        let walk = || {
            let mut walk = self.git.revwalk()?;
            walk.set_sorting(Sort::TOPOLOGICAL)?;
            walk.simplify_first_parent()?;
            walk.push(tip)?;
            Ok(walk)
        };
        walk().map_err(HistoryError::git("read the history"))
    }

    /// The blob or the tree at a path of the repository.
    fn node(&self, commit: Oid, path: &str) -> Result<Option<Oid>, HistoryError> {
        let tree = self.git.find_tree(self.tree_of(commit)?).map_err(HistoryError::git("read a tree"))?;
        Ok(tree.get_path(std::path::Path::new(path)).ok().map(|entry| entry.id()))
    }
}

fn info(commit: &git2::Commit<'_>) -> CommitInfo {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let message = text(commit.message_bytes());
    let trailers = generated::trailers(&message);
    let body = text(commit.body_bytes().unwrap_or_default());
    let body = match body.trim_end().rsplit_once("\n\n") {
        _ if trailers.is_empty() => body.trim_end(),
        Some((body, _)) => body,
        None => "",
    };
    let author = commit.author();
    CommitInfo {
        id: commit.id().to_string(),
        time: author.when().seconds(),
        author: text(author.name_bytes()),
        email: text(author.email_bytes()),
        subject: text(commit.summary_bytes().unwrap_or_default()),
        body: body.to_owned(),
        trailers,
    }
}

/// The time that a text names, in seconds since 1970; `None` where it names none.
fn moment(text: &str, now: i64) -> Option<i64> {
    let text = text.trim();
    if let Some(words) = relative(text) {
        return Some(now - words);
    }
    let (date, clock) = match text.split_once(['T', ' ']) {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts.as_slice() else { return None };
    let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
    let date =
        Date::from_calendar_date(year.parse().ok().filter(|_| year.len() == 4)?, month, day.parse().ok()?).ok()?;
    let Some(clock) = clock else {
        let end = OffsetDateTime::new_utc(date, Time::MIDNIGHT).checked_add(Duration::days(1))?;
        return Some(end.unix_timestamp() - 1);
    };
    let mut fields = clock.trim_end_matches('Z').split(':').map(|field| field.parse::<u8>().ok());
    let (hour, minute) = (fields.next()??, fields.next()??);
    let second = fields.next().map_or(Some(0), |second| second)?;
    let time = Time::from_hms(hour, minute, second).ok().filter(|_| fields.next().is_none())?;
    Some(OffsetDateTime::new_utc(date, time).unix_timestamp())
}

/// The seconds back from now of `yesterday`, `3 days ago`.
fn relative(text: &str) -> Option<i64> {
    const DAY: i64 = 24 * 60 * 60;
    match text {
        "now" => return Some(0),
        "yesterday" => return Some(DAY),
        _ => {}
    }
    let words: Vec<&str> = text.split([' ', '.']).filter(|word| !word.is_empty()).collect();
    let [count, unit, "ago"] = words.as_slice() else { return None };
    let unit = match unit.trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 60 * 60,
        "day" => DAY,
        "week" => 7 * DAY,
        "month" => 30 * DAY,
        "year" => 365 * DAY,
        _ => return None,
    };
    count.parse::<i64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_names_a_time() {
        // 2026-11-23T00:50:00Z
        let now = 1_795_395_000;
        let check = |text: &str, expected: Option<i64>| assert_eq!(moment(text, now), expected, "{text}");
        check("2026-11-23", Some(now - 50 * 60 + 24 * 60 * 60 - 1));
        check("2026-11-23T00:50", Some(now));
        check("2026-11-23T00:50:00Z", Some(now));
        check("2026-11-23 00:49:59", Some(now - 1));
        check("yesterday", Some(now - 86_400));
        check("3 days ago", Some(now - 3 * 86_400));
        check("1.hour.ago", Some(now - 3_600));
        check("2026-13-01", None);
        check("2026-02-30", None);
        check("2026-11-23T25:00", None);
        check("HEAD~3", None);
        check("main", None);
        check("26-11-23", None);
    }
}
