//! A server that answers like a Proxmox cluster, loaded from a recording.

#[cfg(not(unix))]
compile_error!("Proxmox-MPC needs Linux or macOS; on Windows, build and run it in WSL");

pub mod call;
pub mod credentials;
mod crypt;
pub mod empty;
pub mod etc_pve;
mod hexadecimal;
mod query;
pub mod recording;
mod rights;
pub mod server;
pub mod state;
pub mod synth;
pub mod writes;

pub use credentials::Credentials;
pub use empty::Empty;
pub use recording::Recording;
pub use state::State;
