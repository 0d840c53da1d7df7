//! Runs and decisions: the operations on a workspace, and what people decided meanwhile.

use sqlx::AnyConnection;

use super::rows::{Cell, insert};
use super::{Decision, Run, RunEnd, RunOutcome, RunRecord, Store, StoreError};

impl Store {
    /// Records that an operation has begun. One that is already recorded stays as it is.
    pub async fn record_run(&self, run: &Run) -> Result<(), StoreError> {
        let Run { operation, command, actor, started } = run;
        let [operation, command, actor, started] = [operation, command, actor, started].map(|text| Cell::Text(text));
        let row = [Cell::Number(self.workspace), operation, command, actor, started];
        let mut connection = self.connection().await;
        let into = "runs (workspace, operation, command, actor, started)";
        insert(&mut connection, into, &[row], "ON CONFLICT DO NOTHING").await.map_err(|error| self.failed(error))
    }

    /// Records the end of an operation whose beginning is recorded.
    pub async fn record_run_end(&self, operation: &str, end: &RunEnd) -> Result<(), StoreError> {
        let query = sqlx::query(
            "UPDATE runs SET ended = $3, outcome = $4, summary = $5 WHERE workspace = $1 AND operation = $2",
        );
        let query = query.bind(self.workspace).bind(operation).bind(&end.time);
        let query = query.bind(word(end.outcome)).bind(end.summary.to_string());
        query.execute(&mut *self.connection().await).await.map_err(|error| self.failed(error))?;
        Ok(())
    }

    /// The last operations, latest first.
    pub async fn runs(&self, limit: u32) -> Result<Vec<RunRecord>, StoreError> {
        let query = sqlx::query_as(
            "SELECT operation, command, actor, started, ended, outcome, summary FROM runs WHERE workspace = $1 \
             ORDER BY started DESC, operation DESC LIMIT $2",
        );
        let query = query.bind(self.workspace).bind(i64::from(limit));
        let rows: Vec<RunRow> =
            query.fetch_all(&mut *self.connection().await).await.map_err(|error| self.failed(error))?;
        rows.into_iter().map(record).collect::<Result<_, _>>().map_err(|error| self.failed(error))
    }

    /// Records a decision.
    pub async fn record_decision(&self, decision: &Decision) -> Result<(), StoreError> {
        let mut connection = self.connection().await;
        let mut transaction = self.write(&mut connection).await?;
        let number = self.next(&mut transaction, "decisions").await.map_err(|error| self.failed(error))?;
        let Decision { object, decision, actor, time, reason } = decision;
        let [object, decision, actor, time, reason] =
            [object, decision, actor, time, reason].map(|text| Cell::Text(text));
        let row = [Cell::Number(self.workspace), Cell::Number(number), object, decision, actor, time, reason];
        let into = "decisions (workspace, number, object, decision, actor, time, reason)";
        insert(&mut transaction, into, &[row], "").await.map_err(|error| self.failed(error))?;
        transaction.commit().await.map_err(|error| self.failed(error))
    }

    /// The decisions about an object, or all of them; latest first.
    pub async fn decisions(&self, object: Option<&str>) -> Result<Vec<Decision>, StoreError> {
        let query = match object {
            Some(object) => sqlx::query_as(
                "SELECT object, decision, actor, time, reason FROM decisions WHERE workspace = $1 AND object = $2 \
                 ORDER BY number DESC",
            )
            .bind(self.workspace)
            .bind(object),
            None => sqlx::query_as(
                "SELECT object, decision, actor, time, reason FROM decisions WHERE workspace = $1 ORDER BY number DESC",
            )
            .bind(self.workspace),
        };
        let rows: Vec<(String, String, String, String, String)> =
            query.fetch_all(&mut *self.connection().await).await.map_err(|error| self.failed(error))?;
        let decision = |(object, decision, actor, time, reason)| Decision { object, decision, actor, time, reason };
        Ok(rows.into_iter().map(decision).collect())
    }

    /// The next number of a table. Only within a transaction that writes.
    pub(super) async fn next(&self, connection: &mut AnyConnection, table: &str) -> Result<i64, sqlx::Error> {
        let statement = format!("SELECT COALESCE(MAX(number), 0) + 1 FROM {table} WHERE workspace = $1");
        sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).bind(self.workspace).fetch_one(connection).await
    }
}

/// A row of the operations: operation, command, actor, started, ended, outcome, summary.
type RunRow = (String, String, String, String, Option<String>, Option<String>, Option<String>);

fn record((operation, command, actor, started, ended, outcome, summary): RunRow) -> Result<RunRecord, sqlx::Error> {
    let end = match (ended, outcome, summary) {
        (Some(time), Some(outcome), Some(summary)) => {
            let decode = |error: serde_json::Error| sqlx::Error::Decode(error.into());
            let outcome = serde_json::from_value(outcome.into()).map_err(decode)?;
            Some(RunEnd { time, outcome, summary: serde_json::from_str(&summary).map_err(decode)? })
        }
        _ => None,
    };
    Ok(RunRecord { run: Run { operation, command, actor, started }, end })
}

/// The word of an outcome, as in reports.
fn word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Done => "done",
        RunOutcome::Failed => "failed",
        RunOutcome::Usage => "usage",
        RunOutcome::Differences => "differences",
        RunOutcome::Interrupted => "interrupted",
        RunOutcome::Bug => "bug",
    }
}
