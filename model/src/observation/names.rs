//! Words for objects and kinds in sentences about changes.

use super::harmless::plain;
use crate::Identity;
use crate::guest::GuestType;
use crate::kinds::{self, Class, Form, Kind, Parts, Shape, Source};

/// Longest name in a sentence, in characters.
const NAME: usize = 40;

/// Reports whether the object is a guest.
pub(super) fn is_guest(identity: &Identity) -> bool {
    [GuestType::Qemu, GuestType::Lxc].iter().any(|guest| guest.word() == identity.prefix())
}

/// An object with its name: `qemu/101 web`.
pub(super) fn object(identity: &Identity, name: Option<&str>) -> String {
    let identity = plain(identity.as_str(), 2 * NAME);
    match name {
        Some(name) => format!("{identity} {}", plain(name, NAME)),
        None => identity,
    }
}

/// A number of guests or of other objects: `2 guests`, `1 other object`.
pub(super) fn count(number: usize, guests: bool) -> String {
    let (singular, plural) = if guests { ("guest", "guests") } else { ("other object", "other objects") };
    format!("{number} {}", if number == 1 { singular } else { plural })
}

/// The parts of which a kind's objects consist, where they do: rules, addresses.
pub(super) fn parts(kind: &Kind) -> Option<Parts> {
    match &kind.source {
        Source::Listed(listed) => match listed.shape {
            Shape::Parts(parts) | Shape::EachParts(_, parts) => Some(parts),
            _ => None,
        },
        Source::Own { .. } => None,
    }
}

/// The form of a key of the object; text for one that is in no table.
pub(super) fn form(identity: &Identity, key: &str) -> Form {
    kinds::of(identity).and_then(|kind| kind.key(key)).map_or(Form::Text, |key| key.form)
}

/// Reports whether the key holds a secret, so that its value is not told.
pub(super) fn is_secret(identity: &Identity, key: &str) -> bool {
    kinds::of(identity).and_then(|kind| kind.key(key)).is_some_and(|key| key.class == Class::Secret)
}
