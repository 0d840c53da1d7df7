//! The one integration binary: a module per subject, what they share in `support`.

#![expect(clippy::unwrap_used, reason = "what cannot go on in a test has failed it")]

mod ansible;
mod cancel;
mod cli;
mod client;
mod coverage;
mod documents;
mod import;
mod laws;
mod pages;
mod process;
mod rehearse;
mod server;
mod support;
mod verify;
mod workspace;
