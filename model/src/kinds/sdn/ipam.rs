//! Address managers of the SDN (`sdn/ipams.cfg`), Proxmox's half.

use super::super::{Form, Id, Key, Kind, Listed, Shape, Source, Writing};

/// An address manager. `pve` comes with Proxmox. The token of others is shown to everyone who may audit the SDN.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_ipam",
    prefix: "sdn-ipam",
    title: "SDN IPAM",
    keys: &[
        Key::new("digest", Form::Text).volatile(),
        Key::new("fingerprint", Form::Text),
        Key::new("ipam", Form::Text).fixed(),
        Key::new("section", Form::Integer),
        Key::new("token", Form::Text).secret(),
        Key::new("type", Form::Text).fixed(),
        Key::new("url", Form::Text),
    ],
    source: Source::Listed(Listed::cluster("sdn/ipams", Shape::Rows(Id::Key("ipam"))).audit("/sdn", "SDN.Audit")),
    writing: Writing::WhereRead { always: &[] },
};
