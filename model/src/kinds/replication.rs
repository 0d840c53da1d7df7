//! Replication jobs (`replication.cfg`), Proxmox's half.

use super::key::{Form, Key};
use super::kind::Kind;
use super::source::{Listed, Shape, Source};
use super::write::Writing;
use crate::rows::RowId;

/// A job that copies a guest's volumes to another node. Its id is the VMID and the number of the job: `101-0`.
pub(super) static KIND: Kind = Kind {
    id: "replication",
    prefix: "replication",
    title: "replication job",
    keys: &[
        Key::new("comment", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable", Form::Boolean),
        // The guest and the number are in the id, and the source is where the guest is.
        Key::new("guest", Form::Integer).volatile(),
        Key::new("id", Form::Text).fixed(),
        Key::new("jobnum", Form::Integer).volatile(),
        Key::new("rate", Form::Number),
        // Set while it is being removed.
        Key::new("remove_job", Form::Text).volatile(),
        Key::new("schedule", Form::Text).default("*/15"),
        Key::new("source", Form::Text).volatile(),
        Key::new("target", Form::Text).fixed(),
        Key::new("type", Form::Text).fixed(),
    ],
    source: Source::Listed(Listed::cluster("replication", Shape::Rows(RowId::Key("id"))).audit("/vms", "VM.Audit")),
    writing: Writing::WhereRead { always: &[] },
};
