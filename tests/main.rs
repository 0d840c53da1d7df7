//! The one integration binary: a module for each subject, and `support` for all of them.

#![expect(clippy::unwrap_used, reason = "what cannot go on in a test has failed it")]

mod ansible;
mod cancel;
mod check;
mod cli;
mod client;
mod contexts;
mod coverage;
mod documents;
mod drift;
mod extract;
mod hooks;
mod import;
mod init;
mod laws;
mod pages;
mod process;
mod rehearse;
mod server;
mod settings;
mod store;
mod support;
mod sync;
mod timeline;
mod verify;
mod workspace;
