//! PostgreSQL for tests: a real server on a private socket, shared by the tests that run at once and stopped after the last.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, Weak};

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_judges::tools::{Missing, Tool};
use rustix::process::geteuid;
use tempfile::TempDir;

use super::program::{Ran, ran_in};

/// A server that listens to no network. Dropping it stops it.
pub(crate) struct Server {
    /// The socket, the data and the log.
    folder: TempDir,
    programs: PathBuf,
    databases: AtomicU32,
}

/// The user that may log in without a password, and owns everything.
const OWNER: &str = "owner";

/// The user that needs the password `right`, and may make no schema.
pub(crate) const GUEST: &str = "guest";

/// Starts a server, or takes the one that another test has started.
pub(crate) fn server() -> Result<Arc<Server>, Missing> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(server) = shared.upgrade() {
        return Ok(server);
    }
    let server = Arc::new(Server::start()?);
    *shared = Arc::downgrade(&server);
    Ok(server)
}

impl Server {
    fn start() -> Result<Self, Missing> {
        let programs = programs().ok_or_else(|| Missing::new(Tool::Postgresql, "initdb is not installed"))?;
        let server = Self { folder: tempfile::tempdir().unwrap(), programs, databases: AtomicU32::new(0) };
        if geteuid().is_root() {
            let uid = ran_in(Invocation::new("id"), &["-u", "postgres"]);
            let missing = || Missing::new(Tool::Postgresql, "there is no user `postgres` to run it as");
            let uid = uid.output.trim().parse().map_err(|_| missing())?;
            chown(server.folder.path(), Some(uid), None).unwrap();
        }
        let data = server.path("data");
        let owner = format!("--username={OWNER}");
        server.run("initdb", &["-D", &data, &owner, "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]);
        let access = format!("local all {GUEST} scram-sha-256\nlocal all all trust\n");
        fs::write(server.folder.path().join("data/pg_hba.conf"), access).unwrap();
        let options = format!("-c listen_addresses='' -c unix_socket_directories='{}' -c fsync=off", server.path(""));
        server.run("pg_ctl", &["-D", &data, "-l", &server.path("log"), "-o", &options, "-w", "start"]);
        server.sql("postgres", &format!("CREATE ROLE {GUEST} LOGIN PASSWORD 'right'"));
        Ok(server)
    }

    /// Makes an empty database, and gives its name.
    pub(crate) fn database(&self) -> String {
        let name = format!("state_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        name
    }

    /// The URL of a database for a user: `owner`, or `guest:password`.
    pub(crate) fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@localhost/{database}?host={}", self.folder.path().display())
    }

    /// The URL of a new database for its owner.
    pub(crate) fn new_url(&self) -> String {
        self.url(OWNER, &self.database())
    }

    fn sql(&self, database: &str, statement: &str) {
        self.run("psql", &["-q", "-h", &self.path(""), "-U", OWNER, "-d", database, "-c", statement]);
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string().trim_end_matches('/').to_owned()
    }

    /// Runs a program of PostgreSQL. They refuse to run as root.
    fn run(&self, program: &str, arguments: &[&str]) -> Ran {
        let program = self.programs.join(program);
        let invocation = if geteuid().is_root() {
            let user = ["--reuid=postgres", "--regid=postgres", "--clear-groups", "--"];
            user.into_iter().fold(Invocation::new("setpriv"), Invocation::arg).arg(program)
        } else {
            Invocation::new(program)
        };
        let ran = ran_in(invocation.folder(self.folder.path()).withhold("PG"), arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}{}", ran.output, ran.errors);
        ran
    }
}

impl Drop for Server {
    /// By the process id that the data folder holds.
    fn drop(&mut self) {
        if self.folder.path().join("data/postmaster.pid").exists() {
            self.run("pg_ctl", &["-D", &self.path("data"), "-m", "immediate", "-w", "stop"]);
        }
    }
}

/// The folder of PostgreSQL's programs. Debian keeps them out of `PATH`, one folder for each version.
fn programs() -> Option<PathBuf> {
    let path = super::variable("PATH").unwrap_or_default();
    let debian =
        fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let mut folders: Vec<PathBuf> = debian.collect();
    folders.sort();
    let folders = folders.into_iter().rev().chain(path.split(':').map(PathBuf::from));
    let has = |folder: &Path, program: &str| folder.join(program).is_file();
    folders.into_iter().find(|folder| ["initdb", "pg_ctl", "psql"].into_iter().all(|program| has(folder, program)))
}
