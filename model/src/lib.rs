//! Proxmox's terms as types: what its API says, parsed once and printed back unchanged.
//!
//! Nothing here touches the world: no file, clock, network or environment.

pub mod address;
pub mod agent;
mod agreement;
pub mod answer;
pub mod api;
pub mod boolean;
pub mod cloud_init;
pub mod cluster;
pub mod derived;
pub mod drive;
pub mod etc_pve;
pub mod features;
pub mod firewall;
pub mod guest;
pub mod interfaces;
pub mod key_names;
pub mod kinds;
pub mod list;
pub mod mac;
pub mod machine;
pub mod moment;
pub mod names;
pub mod not_read;
pub mod object;
pub mod observation;
mod overview;
pub mod permissions;
pub mod processors;
pub mod property;
pub mod ranges;
pub mod redact;
mod refusals;
pub mod rows;
pub mod schema;
mod shape;
pub mod size;
pub mod storage_types;
mod tags;
pub mod upid;
pub mod vmid;
pub mod volume;
pub mod volume_name;

pub use answer::{Answer, AnswerText, Answers, Indexed, Unreadable};
pub use api::ApiPath;
pub use cluster::Cluster;
pub use moment::Moment;
pub use not_read::{MissingPrivilege, NotRead, Reasons};
pub use object::{Entry, Identity, Listing, Object, Unread};
pub use vmid::VmId;
