//! Schema: makes a state store, brings an old one up to date, and refuses one that is not ours or newer than this program.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::LazyLock;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, Connection as _, Executor as _, SqlSafeStr as _};

use super::location::Kind;
use super::{Location, Owner, StoreError};
use crate::workspace::Workspace;

/// The mark of our files in SQLite's header (`PRAGMA application_id`): "PMPC".
const APPLICATION: i64 = 0x504D_5043;

/// PostgreSQL's schema for our tables.
const NAMESPACE: &str = "proxmox_mpc";

/// The steps of the schema, oldest first. A step that was released never changes; a new one goes to the end.
const STEPS: [(i64, &str, &str); 2] = [
    (1, "observations", include_str!("migrations/0001_observations.sql")),
    (2, "runs", include_str!("migrations/0002_runs.sql")),
];

/// The steps as sqlx runs them. Its macro `migrate!` would build both drivers a second time, for the compiler.
static MIGRATIONS: LazyLock<Migrator> = LazyLock::new(|| {
    let steps = STEPS.map(|(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(steps.into());
    migrator.dangerous_set_table_name("migrations");
    migrator
});

/// The version of the schema that this program writes.
fn known() -> i64 {
    MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or_default()
}

/// Connects to a store whose schema is this program's.
pub(super) async fn open(location: &Location) -> Result<AnyConnection, StoreError> {
    match &location.0 {
        Kind::File(workspace) => open_file(location, workspace).await,
        Kind::Server { .. } => open_server(location).await,
    }
}

async fn open_file(location: &Location, workspace: &Workspace) -> Result<AnyConnection, StoreError> {
    let path = workspace.state();
    match fs::symlink_metadata(&path) {
        // A link that came with somebody else's repository must not lead us to another file.
        Ok(metadata) if !metadata.is_file() => return Err(StoreError::NotAFile { path }),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => make_file(location, workspace, &path).await?,
        Err(source) => return Err(StoreError::io("open", &path, source)),
    }
    let mut connection = location.connect().await?;
    let failed = |error| StoreError::database(location, error);
    let mark: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut connection).await.map_err(failed)?;
    if mark != APPLICATION {
        return Err(StoreError::Foreign { path });
    }
    if is_current(&mut connection, location).await? {
        return Ok(connection);
    }
    // SQLite's driver takes no lock for its migrations. Within this transaction each step is a savepoint.
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    if !is_current(&mut transaction, location).await? {
        MIGRATIONS.run_direct(None, &mut *transaction, false).await.map_err(|error| location.migration(error))?;
    }
    transaction.commit().await.map_err(failed)?;
    Ok(connection)
}

/// Makes the file aside and gives it its name when it is complete: nobody ever opens half of one, and of two processes
/// that make it at once, the second takes what the first has made.
async fn make_file(location: &Location, workspace: &Workspace, path: &Path) -> Result<(), StoreError> {
    let aside = workspace.unfinished()?;
    let file = aside.path().join("state.db");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .map_err(|source| StoreError::io("make", &file, source))?;
    let mut connection = location.connect_to(&file).await?;
    let failed = |error| StoreError::database(location, error);
    // The journal of this kind lets others read while somebody writes. It is a property of the file.
    connection.execute("PRAGMA journal_mode = WAL").await.map_err(failed)?;
    let mark = format!("PRAGMA application_id = {APPLICATION}");
    connection.execute(sqlx::AssertSqlSafe(mark)).await.map_err(failed)?;
    MIGRATIONS.run_direct(None, &mut connection, false).await.map_err(|error| location.migration(error))?;
    // Closing moves everything from the journal into the file.
    connection.close().await.map_err(failed)?;
    let made = tempfile::TempPath::try_from_path(&file).map_err(|source| StoreError::io("make", &file, source))?;
    match made.persist_noclobber(path) {
        Ok(()) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::io("make", path, error.error)),
    }
}

async fn open_server(location: &Location) -> Result<AnyConnection, StoreError> {
    let mut connection = location.connect().await?;
    if is_current(&mut connection, location).await? {
        return Ok(connection);
    }
    let failed = |error| StoreError::database(location, error);
    // Whoever may not make schemas can work with one that somebody else has made.
    let there: Option<String> = sqlx::query_scalar("SELECT to_regnamespace($1)::text")
        .bind(NAMESPACE)
        .fetch_one(&mut connection)
        .await
        .map_err(failed)?;
    if there.is_none() {
        let made = connection.execute("CREATE SCHEMA IF NOT EXISTS proxmox_mpc").await;
        // PostgreSQL says so to the second of two that make it at once.
        if let Err(error) = made
            && !error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
        {
            return Err(failed(error));
        }
    }
    // PostgreSQL's driver takes a lock for its migrations, and looks again when it has it.
    MIGRATIONS.run_direct(None, &mut connection, false).await.map_err(|error| location.migration(error))?;
    Ok(connection)
}

/// Reports whether the schema is this program's; a newer one is an error.
async fn is_current(connection: &mut AnyConnection, location: &Location) -> Result<bool, StoreError> {
    let failed = |error| StoreError::database(location, error);
    let table = match &location.0 {
        Kind::File(_) => "SELECT name FROM sqlite_schema WHERE name = 'migrations'",
        Kind::Server { .. } => "SELECT to_regclass('proxmox_mpc.migrations')::text",
    };
    let table: Option<Option<String>> =
        sqlx::query_scalar(table).fetch_optional(&mut *connection).await.map_err(failed)?;
    if table.flatten().is_none() {
        return Ok(false);
    }
    let schema: Option<i64> =
        sqlx::query_scalar("SELECT MAX(version) FROM migrations").fetch_one(connection).await.map_err(failed)?;
    match schema {
        Some(schema) if schema > known() => Err(location.newer(schema)),
        schema => Ok(schema == Some(known())),
    }
}

impl Location {
    fn newer(&self, schema: i64) -> StoreError {
        StoreError::Newer { schema, known: known(), store: self.to_string(), is_file: matches!(self.0, Kind::File(_)) }
    }

    fn migration(&self, error: sqlx::migrate::MigrateError) -> StoreError {
        use sqlx::migrate::MigrateError;
        match error {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
                StoreError::database(self, error)
            }
            MigrateError::VersionMissing(schema) if schema > known() => self.newer(schema),
            source => StoreError::Migration { store: self.to_string(), source },
        }
    }
}

/// Finds the number of a workspace in the store, and enters the workspace where it is new.
pub(super) async fn enrol(
    connection: &mut AnyConnection,
    location: &Location,
    owner: &Owner,
) -> Result<i64, StoreError> {
    let failed = |error| StoreError::database(location, error);
    loop {
        let row: Option<(i64, Option<String>)> = sqlx::query_as("SELECT id, cluster FROM workspaces WHERE name = $1")
            .bind(&owner.workspace)
            .fetch_optional(&mut *connection)
            .await
            .map_err(failed)?;
        let enrolment = match (row, &owner.cluster) {
            (Some((_, Some(other))), Some(cluster)) if other != *cluster => {
                return Err(StoreError::OtherCluster { cluster: cluster.clone(), other, store: location.to_string() });
            }
            (Some((id, None)), Some(cluster)) => {
                sqlx::query("UPDATE workspaces SET cluster = $1 WHERE id = $2 AND cluster IS NULL")
                    .bind(cluster)
                    .bind(id)
            }
            (Some((id, _)), _) => return Ok(id),
            // Of two that take the same number at once the second takes the next one, in the next round.
            (None, cluster) => sqlx::query(
                "INSERT INTO workspaces (id, name, cluster) \
                 SELECT COALESCE(MAX(id), 0) + 1, $1, $2 FROM workspaces WHERE TRUE ON CONFLICT DO NOTHING",
            )
            .bind(&owner.workspace)
            .bind(cluster),
        };
        enrolment.execute(&mut *connection).await.map_err(failed)?;
    }
}
