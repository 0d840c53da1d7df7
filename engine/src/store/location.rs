//! Location: the file or the server that holds a state store. The URL of a server may hold a password, and is never shown.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::AnyConnectOptions;
use sqlx::{AnyConnection, ConnectOptions as _, Executor as _};
use tokio::time::timeout;

use super::StoreError;
use crate::workspace::Workspace;

/// The file or the server that holds a state store.
#[derive(Clone, Debug)]
pub struct Location(pub(super) Kind);

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// SQLite, in a file of a workspace.
    File(Workspace),
    /// PostgreSQL.
    Server {
        url: SecretString,
        /// The host and the database, as messages show them.
        shown: String,
    },
}

/// The time that a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The parameters of a URL. sqlx logs others with their values, which may be secrets with a misspelt name.
const PARAMETERS: [&str; 15] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "user",
];

/// Characters of a path that stand for themselves in a URL.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Patience with another process that writes, in milliseconds; and a commit that survives the end of the process, but not
/// always a power cut: git has what would be lost then.
const OF_SQLITE: &str = "PRAGMA busy_timeout = 10000; PRAGMA synchronous = NORMAL;";

/// The tables have a schema of their own, beside those of other programs.
const OF_POSTGRESQL: &str = "SET search_path TO proxmox_mpc; SET lock_timeout TO '10s';";

impl Location {
    /// The file of a workspace.
    pub fn file(workspace: &Workspace) -> Self {
        Self(Kind::File(workspace.clone()))
    }

    /// A PostgreSQL server: `postgres://user:password@host:5432/database`.
    pub fn server(url: SecretString) -> Result<Self, StoreError> {
        let options: AnyConnectOptions = url.expose_secret().parse().map_err(|_| StoreError::Url)?;
        let parsed = &options.database_url;
        if !matches!(parsed.scheme(), "postgres" | "postgresql") {
            return Err(StoreError::Url);
        }
        let known = |name: &str| PARAMETERS.contains(&name) || name.starts_with("options[");
        if let Some((name, _)) = parsed.query_pairs().find(|(name, _)| !known(name)) {
            return Err(StoreError::Parameter { name: name.into_owned() });
        }
        let parameter = |wanted: &str| parsed.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| value);
        let host = parameter("host").or_else(|| parsed.host_str().map(Into::into)).unwrap_or("localhost".into());
        let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
        let database = parameter("dbname").unwrap_or_else(|| parsed.path().trim_start_matches('/').into());
        let shown = format!("{host}{port}/{database}");
        Ok(Self(Kind::Server { url, shown }))
    }

    /// Connects to the server, or to the file of the workspace, which has to be there.
    pub(super) async fn connect(&self) -> Result<AnyConnection, StoreError> {
        match &self.0 {
            Kind::File(workspace) => self.connect_to(&workspace.state()).await,
            Kind::Server { url, .. } => self.connect_by(url.expose_secret(), OF_POSTGRESQL).await,
        }
    }

    /// Connects to a SQLite file, which has to be there.
    pub(super) async fn connect_to(&self, file: &std::path::Path) -> Result<AnyConnection, StoreError> {
        // Without `..` and `.`, which a URL would take out whatever links lead to.
        let file: PathBuf = file.canonicalize().map_err(|source| StoreError::io("open", file, source))?;
        let url = format!("sqlite://{}", percent_encode(file.as_os_str().as_encoded_bytes(), PATH));
        self.connect_by(&url, OF_SQLITE).await
    }

    async fn connect_by(&self, url: &str, preparation: &'static str) -> Result<AnyConnection, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = |error| StoreError::database(self, error);
        // Statements are not logged: nobody who reads the log knows them.
        let options = url.parse::<AnyConnectOptions>().map_err(failed)?.disable_statement_logging();
        let connecting = async {
            let mut connection = options.connect().await?;
            connection.execute(preparation).await?;
            Ok(connection)
        };
        match timeout(PATIENCE, connecting).await {
            Ok(connected) => connected.map_err(failed),
            Err(_) => Err(StoreError::Silent { store: self.to_string() }),
        }
    }
}

/// The file's path, or the server's host and database.
impl fmt::Display for Location {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::File(workspace) => write!(formatter, "{}", workspace.state().display()),
            Kind::Server { shown, .. } => formatter.write_str(shown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::fault::Fault as _;

    #[test]
    fn urls_are_of_postgresql_and_shown_without_a_password() {
        let check = |url: &str, expected: Result<&str, &str>| {
            let location = Location::server(url.into());
            let shown = location.as_ref().map(ToString::to_string).map_err(ToString::to_string);
            assert_eq!(shown.as_deref().map_err(String::as_str), expected);
            let hints = location.as_ref().err().map(crate::operation::Fault::hints);
            assert!(!format!("{location:?} {location:#?} {hints:?}").contains("CANARY"), "{location:?}");
        };
        check("postgres://lab:CANARY@db.example/state", Ok("db.example/state"));
        check("postgresql://db.example:5433/state?password=CANARY&sslmode=verify-full", Ok("db.example:5433/state"));
        check("postgres:///?host=/run/postgresql&dbname=lab", Ok("/run/postgresql/lab"));
        let url = Err("the URL of the state store is not one of a PostgreSQL database");
        check("mysql://lab:CANARY@db.example/state", url);
        check("sqlite:///CANARY", url);
        check("CANARY", url);
        let parameter = Err("the URL of the state store has the parameter `passwd`, which is not known");
        check("postgres://db.example/state?passwd=CANARY", parameter);
        assert!(!Location::server("x".into()).unwrap_err().hints().is_empty());
    }
}
