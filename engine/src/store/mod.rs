//! State store: what was observed of a cluster, what changed, which operations ran and what people decided, in SQLite or
//! PostgreSQL.
//!
//! The store is an index, not the truth: observations and changes are in git as well, and [`Store::rebuild`] takes them from
//! there. It holds no secret, since nothing that comes here does.
//!
//! Both databases are spoken to through sqlx's `Any` driver, in SQL that both take: one statement, one decoding and one
//! error path for each query, where two typed pools would have every method twice or generic over six traits. The price is
//! that columns are texts and `BIGINT`s only. A store is one connection: a command asks one thing after the other, and a
//! server opens a store for each operation.

use std::fmt;

use sqlx::{Any, AnyConnection, Connection as _, Transaction};
use tokio::sync::{Mutex, MutexGuard};

mod error;
mod location;
mod observations;
mod records;
mod rows;
mod runs;
mod schema;

pub use error::{StoreError, StoreProblem};
pub use location::Location;
pub use records::{
    Change, CommitRecord, Decision, HistoryEntry, LatestObservation, Observation, Owner, Run, RunEnd, RunOutcome,
    RunRecord,
};

use crate::operation::Context;
use crate::settings;
use crate::workspace::Workspace;

/// The state store of one workspace.
pub struct Store {
    location: Location,
    /// The number of the workspace in the store.
    workspace: i64,
    connection: Mutex<AnyConnection>,
}

impl fmt::Debug for Store {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Store").field("location", &self.location).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store that the settings name: the server of `state_url`, or the file of the workspace.
    pub async fn of(context: &Context, workspace: &Workspace, owner: &Owner) -> Result<Self, StoreError> {
        let inner = workspace.clone();
        let url = context.block(move |context| settings::state_url(context, Some(&inner))).await?;
        let location = match url {
            Some(url) => Location::server(url)?,
            None => Location::file(workspace),
        };
        Self::open(&location, owner).await
    }

    /// Opens a store, and makes it or brings its schema up to date where that is necessary. The folder of the workspace has
    /// to be there.
    pub async fn open(location: &Location, owner: &Owner) -> Result<Self, StoreError> {
        let mut connection = schema::open(location).await?;
        let workspace = schema::enrol(&mut connection, location, owner).await?;
        Ok(Self { location: location.clone(), workspace, connection: Mutex::new(connection) })
    }

    /// Closes the store. One that is dropped is closed as well, but a little later.
    pub async fn close(self) -> Result<(), StoreError> {
        let Self { location, connection, .. } = self;
        connection.into_inner().close().await.map_err(|error| StoreError::database(&location, error))
    }

    async fn connection(&self) -> MutexGuard<'_, AnyConnection> {
        self.connection.lock().await
    }

    /// Begins to write. Nobody else writes to this workspace's part until the transaction ends: its first statement takes the
    /// row of the workspace on PostgreSQL, and the whole file on SQLite.
    async fn write<'c>(&self, connection: &'c mut AnyConnection) -> Result<Transaction<'c, Any>, StoreError> {
        let mut transaction = connection.begin().await.map_err(|error| self.failed(error))?;
        let taken = sqlx::query("UPDATE workspaces SET name = name WHERE id = $1").bind(self.workspace);
        let taken = taken.execute(&mut *transaction).await.map_err(|error| self.failed(error))?;
        if taken.rows_affected() == 0 {
            return Err(StoreError::Gone { store: self.location.to_string() });
        }
        Ok(transaction)
    }

    fn failed(&self, error: sqlx::Error) -> StoreError {
        StoreError::database(&self.location, error)
    }
}
