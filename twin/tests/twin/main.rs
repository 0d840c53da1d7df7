//! The twin from outside: recordings on disk, and a server that is asked over TLS.

#![expect(clippy::unwrap_used, reason = "a panic here is a failed test")]

mod apt;
mod containers;
mod cpu_models;
mod empty;
mod etc_pve;
mod guests;
mod log;
mod missing;
mod moving;
mod network;
mod options;
mod realms;
mod recording;
mod replay;
mod rights;
mod rooms;
mod root;
mod sdn;
mod server;
mod services;
mod state;
mod stopping;
mod support;
mod synth;
mod tasks;
mod writes;
