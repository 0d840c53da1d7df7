//! A server that answers like a Proxmox cluster, loaded from a recording.

pub mod recording;
