//! Observations: the commits of the generated branch with the objects that changed in each, and their history.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use sqlx::AnyConnection;

use super::rows::{Cell, insert};
use super::{Change, CommitRecord, HistoryEntry, LatestObservation, Store, StoreError};

/// A row of the changes of an object: number of the commit, key, before, after, time, actor.
type ChangeRow = (i64, String, Option<String>, Option<String>, Option<String>, Option<String>);

/// A row of the latest observations: object, digest, commit, since, seen.
type LatestRow = (String, Option<String>, String, String, Option<String>);

/// A row of the history of an object: number of the commit, its id, time, author, digest.
type EntryRow = (i64, String, String, String, Option<String>);

impl Store {
    /// Records a commit of the generated branch, whole or not at all. One that is already recorded stays as it is.
    pub async fn record_commit(&self, commit: &CommitRecord) -> Result<(), StoreError> {
        let mut connection = self.connection().await;
        let mut transaction = self.write(&mut connection).await?;
        let is_recorded = self.is_recorded(&mut transaction, &commit.id).await.map_err(|error| self.failed(error))?;
        if !is_recorded {
            let number = self.next(&mut transaction, "commits").await.map_err(|error| self.failed(error))?;
            self.add(&mut transaction, number, commit).await.map_err(|error| self.failed(error))?;
        }
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// Records that these objects were read at a time, whether or not they have changed.
    pub async fn record_sightings<'o>(
        &self,
        time: &str,
        objects: impl IntoIterator<Item = &'o str>,
    ) -> Result<(), StoreError> {
        let objects: BTreeSet<&str> = objects.into_iter().collect();
        let row = |object: &&'o str| [Cell::Number(self.workspace), Cell::Text(object), Cell::Text(time)];
        let rows: Vec<[Cell<'_>; 3]> = objects.iter().map(row).collect();
        let mut connection = self.connection().await;
        let mut transaction = self.write(&mut connection).await?;
        let later = "ON CONFLICT (workspace, object) DO UPDATE SET time = excluded.time \
                     WHERE sightings.time < excluded.time";
        insert(&mut transaction, "sightings (workspace, object, time)", &rows, later)
            .await
            .map_err(|error| self.failed(error))?;
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// Takes all commits, observations and changes anew from these, oldest first. Until the end the former ones count; runs,
    /// decisions and sightings stay, since git does not have them.
    pub async fn rebuild<C>(&self, commits: C) -> Result<(), StoreError>
    where
        C: IntoIterator<Item = CommitRecord>,
        C::IntoIter: Send,
    {
        let commits = commits.into_iter();
        let mut connection = self.connection().await;
        let mut transaction = self.write(&mut connection).await?;
        // Observations and changes go with their commits.
        for statement in ["DELETE FROM commits WHERE workspace = $1", "DELETE FROM contents WHERE workspace = $1"] {
            let deletion = sqlx::query(statement).bind(self.workspace).execute(&mut *transaction);
            deletion.await.map_err(|error| self.failed(error))?;
        }
        let mut number = 0;
        for commit in commits {
            number += 1;
            self.add(&mut transaction, number, &commit).await.map_err(|error| self.failed(error))?;
        }
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// The id of the last commit that is recorded. Where it is not the tip of the generated branch, a rebuild is due.
    pub async fn tip(&self) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT id FROM commits WHERE workspace = $1 ORDER BY number DESC LIMIT 1");
        let tip = query.bind(self.workspace).fetch_optional(&mut *self.connection().await).await;
        tip.map_err(|error| self.failed(error))
    }

    /// The latest observation of each object, those included that are gone; sorted by object.
    pub async fn latest(&self) -> Result<Vec<LatestObservation>, StoreError> {
        let query = sqlx::query_as(
            "SELECT o.object, o.digest, c.id, c.time, s.time \
             FROM (SELECT object, MAX(number) AS number FROM observations WHERE workspace = $1 GROUP BY object) AS last \
             JOIN observations AS o ON o.workspace = $1 AND o.object = last.object AND o.number = last.number \
             JOIN commits AS c ON c.workspace = $1 AND c.number = last.number \
             LEFT JOIN sightings AS s ON s.workspace = $1 AND s.object = last.object",
        );
        let rows: Vec<LatestRow> = query
            .bind(self.workspace)
            .fetch_all(&mut *self.connection().await)
            .await
            .map_err(|error| self.failed(error))?;
        let observation =
            |(object, digest, commit, since, seen)| LatestObservation { object, digest, commit, since, seen };
        let mut observations: Vec<LatestObservation> = rows.into_iter().map(observation).collect();
        // Databases sort texts each in their own way.
        observations.sort_by(|one, other| one.object.cmp(&other.object));
        Ok(observations)
    }

    /// The content with this digest.
    pub async fn content(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let query = sqlx::query_scalar("SELECT content FROM contents WHERE workspace = $1 AND digest = $2");
        let content = query.bind(self.workspace).bind(digest).fetch_optional(&mut *self.connection().await).await;
        content.map_err(|error| self.failed(error))
    }

    /// The history of an object, latest first.
    pub async fn history(&self, object: &str) -> Result<Vec<HistoryEntry>, StoreError> {
        let mut connection = self.connection().await;
        let changes = sqlx::query_as(
            "SELECT number, key, before, after, time, actor FROM changes WHERE workspace = $1 AND object = $2",
        );
        let changes: Vec<ChangeRow> = changes
            .bind(self.workspace)
            .bind(object)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        let mut by_commit: BTreeMap<i64, Vec<Change>> = BTreeMap::new();
        for (number, key, before, after, time, actor) in changes {
            by_commit.entry(number).or_default().push(Change { key, before, after, time, actor });
        }
        let commits = sqlx::query_as(
            "SELECT o.number, c.id, c.time, c.author, o.digest FROM observations AS o \
             JOIN commits AS c ON c.workspace = o.workspace AND c.number = o.number \
             WHERE o.workspace = $1 AND o.object = $2 ORDER BY o.number DESC",
        );
        let commits: Vec<EntryRow> = commits
            .bind(self.workspace)
            .bind(object)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| self.failed(error))?;
        let entry = |(number, commit, time, author, digest)| {
            let mut changes = by_commit.remove(&number).unwrap_or_default();
            changes.sort_by(|one, other| one.key.cmp(&other.key));
            HistoryEntry { commit, time, author, digest, changes }
        };
        Ok(commits.into_iter().map(entry).collect())
    }

    async fn is_recorded(&self, connection: &mut AnyConnection, commit: &str) -> Result<bool, sqlx::Error> {
        let query = sqlx::query("SELECT number FROM commits WHERE workspace = $1 AND id = $2");
        Ok(query.bind(self.workspace).bind(commit).fetch_optional(connection).await?.is_some())
    }

    /// Adds a commit that is not there yet.
    async fn add(&self, connection: &mut AnyConnection, number: i64, commit: &CommitRecord) -> Result<(), sqlx::Error> {
        let (workspace, number) = (Cell::Number(self.workspace), Cell::Number(number));
        let CommitRecord { id, time, author, observations } = commit;
        let row = [workspace, number, Cell::Text(id), Cell::Text(time), Cell::Text(author)];
        insert(connection, "commits (workspace, number, id, time, author)", &[row], "").await?;
        let contents: Vec<(String, &str)> = observations
            .iter()
            .filter_map(|observation| observation.content.as_deref())
            .map(|content| (digest(content), content))
            .collect();
        // In the order of the key, which is the order in which a database likes to get them.
        let by_digest: BTreeMap<&str, &str> = contents.iter().map(|(digest, content)| (&**digest, *content)).collect();
        let rows: Vec<[Cell<'_>; 3]> =
            by_digest.iter().map(|(digest, text)| [workspace, Cell::Text(digest), Cell::Text(text)]).collect();
        insert(connection, "contents (workspace, digest, content)", &rows, "ON CONFLICT DO NOTHING").await?;
        let mut digests = contents.iter().map(|(digest, _)| Cell::Text(digest));
        let mut rows: Vec<[Cell<'_>; 4]> = Vec::with_capacity(observations.len());
        for observation in observations {
            let digest = observation.content.as_ref().and_then(|_| digests.next()).unwrap_or(Cell::Null);
            rows.push([workspace, Cell::Text(&observation.object), number, digest]);
        }
        insert(connection, "observations (workspace, object, number, digest)", &rows, "").await?;
        let rows: Vec<[Cell<'_>; 8]> = observations
            .iter()
            .flat_map(|observation| observation.changes.iter().map(|change| (&observation.object, change)))
            .map(|(object, change)| {
                let Change { key, before, after, time, actor } = change;
                let [before, after, time, actor] =
                    [before, after, time, actor].map(|text| Cell::optional(text.as_ref()));
                [workspace, Cell::Text(object), number, Cell::Text(key), before, after, time, actor]
            })
            .collect();
        let into = "changes (workspace, object, number, key, before, after, time, actor)";
        insert(connection, into, &rows, "").await
    }
}

/// The SHA-256 digest of a content, in hexadecimal digits.
fn digest(content: &str) -> String {
    use std::fmt::Write as _;
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(content) {
        write!(digits, "{byte:02x}").expect("writing to a string cannot fail");
    }
    digits
}
