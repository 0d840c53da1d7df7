//! A server that answers like a Proxmox cluster, loaded from a recording.

pub mod credentials;
pub mod etc_pve;
pub mod recording;
pub mod server;
pub mod synth;

pub use credentials::Credentials;
pub use recording::Recording;
