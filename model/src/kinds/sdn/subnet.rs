//! Subnets of virtual networks (`sdn/subnets.cfg`), Proxmox's half.

use super::super::key::{Form, Key};
use super::super::kind::Kind;
use super::super::source::{Listed, Scope, Shape, Source};
use super::super::write::{Create, Write, Writing};
use crate::rows::RowId;
use crate::{ApiPath, Object};

/// A subnet, named for its zone and its network: `lan-10.20.0.0-24`. Two more keys repeat the network.
pub(in super::super) static KIND: Kind = Kind {
    id: "sdn_subnet",
    prefix: "sdn-subnet",
    title: "subnet",
    keys: &[
        Key::new("cidr", Form::Text).volatile(),
        Key::new("dhcp-dns-server", Form::Text),
        Key::new("dhcp-range", Form::Structure),
        Key::new("digest", Form::Text).volatile(),
        Key::new("dnszoneprefix", Form::Text),
        Key::new("gateway", Form::Text),
        Key::new("id", Form::Text).volatile(),
        Key::new("mask", Form::Text).volatile(),
        Key::new("network", Form::Text).volatile(),
        Key::new("snat", Form::Boolean),
        Key::new("subnet", Form::Text).fixed(),
        Key::new("type", Form::Text).fixed(),
        Key::new("vnet", Form::Text).fixed(),
        Key::new("zone", Form::Text).volatile(),
    ],
    source: Source::Listed(Listed::cluster("subnets", Shape::Rows(RowId::Key("subnet"))).at(&[Scope::Vnet]).adjust(
        |keys| {
            // A subnet without ranges shows an empty list.
            keys.retain(|_, value| value.as_array().is_none_or(|ranges| !ranges.is_empty()));
            true
        },
    )),
    writing: Writing::Own(|_, object| write(object)),
};

/// The way in which it is written: a creation takes the network, and the path of a change has the id.
fn write(object: &Object) -> Option<Write> {
    let (vnet, subnet) = object.entry.identity.id().split_once('/')?;
    let list = ["cluster", "sdn", "vnets", vnet, "subnets"];
    let values = vec![("subnet".to_owned(), object.text("cidr")?), ("type".to_owned(), "subnet".to_owned())];
    Some(Write {
        create: Some(Create { path: ApiPath::new(list), values }),
        ..Write::at(ApiPath::new(list.into_iter().chain([subnet])))
    })
}
