//! Virtual networks of the SDN (`sdn/vnets.cfg`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::Writing;
use crate::rows::RowId;

/// A virtual network, read as it is configured, which is also how Terraform's provider reads it.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_vnet",
    prefix: "sdn-vnet",
    title: "vnet",
    keys: &[
        Key::new("alias", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("isolate-ports", Form::Boolean),
        Key::new("tag", Form::Integer),
        Key::new("type", Form::Text).fixed(),
        Key::new("vlanaware", Form::Boolean),
        Key::new("vnet", Form::Text).fixed(),
        Key::new("zone", Form::Text),
    ],
    source: Source::Listed(Listed::cluster("sdn/vnets", Shape::Rows(RowId::Key("vnet"))).audit("/sdn", "SDN.Audit")),
    writing: Writing::WhereRead { always: &[] },
};
