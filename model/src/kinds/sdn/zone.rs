//! SDN zones (`sdn/zones.cfg`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Shape, Source};
use super::super::write::{Create, Write, Writing};
use super::{configured, stays};
use crate::object::text;
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// A zone of any type. Read from the list with `pending=1`: a single zone needs SDN.Allocate, and pending changes
/// decide what Terraform's provider reads.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_zone",
    prefix: "sdn-zone",
    title: "SDN zone",
    keys: &[
        Key::new("advertise-subnets", Form::Boolean),
        Key::new("bridge", Form::Text),
        Key::new("bridge-disable-mac-learning", Form::Boolean),
        Key::new("controller", Form::Text),
        Key::new("dhcp", Form::Text),
        Key::new("digest", Form::Text).volatile(),
        Key::new("disable-arp-nd-suppression", Form::Boolean),
        Key::new("dns", Form::Text),
        Key::new("dnszone", Form::Text),
        Key::new("dp-id", Form::Integer),
        Key::new("exitnodes", Form::Set(',')),
        Key::new("exitnodes-local-routing", Form::Boolean),
        Key::new("exitnodes-primary", Form::Text),
        Key::new("fabric", Form::Text),
        Key::new("ipam", Form::Text),
        Key::new("mac", Form::Text),
        Key::new("mtu", Form::Integer),
        Key::new("nodes", Form::Set(',')),
        Key::new("peers", Form::Set(',')),
        Key::new("pending", Form::Structure).volatile(),
        Key::new("reversedns", Form::Text),
        Key::new("rt-import", Form::Set(',')),
        Key::new("secondary-controllers", Form::Set(',')),
        Key::new("state", Form::Text).volatile(),
        Key::new("tag", Form::Integer),
        Key::new("type", Form::Text).fixed(),
        Key::new("vlan-protocol", Form::Text).default("802.1q"),
        Key::new("vrf-vxlan", Form::Integer),
        Key::new("vxlan-port", Form::Integer).default("4789"),
        Key::new("zone", Form::Text).fixed(),
    ],
    source: Source::Listed(
        Listed::cluster("sdn/zones", Shape::Rows(RowId::Key("zone")))
            .query("pending", "1")
            .audit("/sdn", "SDN.Audit")
            .adjust(configured),
    ),
    writing: Writing::Own(|_, object| stays(object).then(|| write(object, "zones", "zone"))),
};

/// The way in which an object of this list is written: its id and its type are set when it is created.
pub(super) fn write(object: &Object, list: &str, id: &str) -> Write {
    let list = ["cluster", "sdn", list];
    let values = ["type", id].into_iter();
    let values = values.filter_map(|key| Some((key.to_owned(), object.keys.get(key).and_then(text)?))).collect();
    Write {
        create: Some(Create { path: ApiPath::new(list), values }),
        ..Write::at(ApiPath::new(list.into_iter().chain([object.entry.identity.id()])))
    }
}
