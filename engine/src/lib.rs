//! Engine: every operation on clusters, workspaces, code and twins. It prints nothing and knows no terminal; faces (the
//! command line, later a console, servers) give it requests, follow its events and show its reports.

pub mod check;
pub mod client;
pub mod commands;
pub mod coverage;
pub mod demo;
pub mod drift;
pub mod explain;
pub mod extract;
pub mod history;
pub mod hooks;
pub mod import;
pub mod init;
pub mod operation;
pub mod rehearse;
pub mod rights;
pub mod settings;
pub mod store;
pub mod sync;
pub mod timeline;
pub mod toolchain;
pub mod twins;
pub mod verify;
pub mod version;
pub mod workbench;
pub mod workspace;
