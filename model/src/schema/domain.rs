//! What values a parameter takes, for whoever makes some up.

use std::collections::BTreeMap;

use super::description::{Format, Method, Parameter, Schema};

/// The values that Proxmox takes for a parameter, or for one key of a property string.
#[derive(Debug)]
pub enum Domain<'s> {
    /// `1`, `on`, `yes`, `true` and their opposites; over HTTP `1` and `0` only.
    Boolean,
    /// Whole numbers between these, where there are limits.
    Integer(Option<f64>, Option<f64>),
    /// Numbers between these, where there are limits.
    Number(Option<f64>, Option<f64>),
    /// One of these words.
    Words(&'s [String]),
    /// What this pattern of Perl's fits.
    Pattern(&'s str),
    /// What this format takes: `pve-volume-id`.
    Format(&'s str),
    /// A property string of these keys.
    Properties(BTreeMap<&'s str, &'s Parameter>),
    /// Any text.
    Text,
}

impl Schema {
    /// What a parameter takes. The narrowest description wins: its words, then its keys, its pattern, its format.
    pub fn domain<'s>(&'s self, parameter: &'s Parameter) -> Domain<'s> {
        let limits = (parameter.minimum, parameter.maximum);
        match parameter.kind.as_deref() {
            Some("boolean") => return Domain::Boolean,
            Some("integer") => return Domain::Integer(limits.0, limits.1),
            Some("number") => return Domain::Number(limits.0, limits.1),
            _ => {}
        }
        if !parameter.words.is_empty() {
            return Domain::Words(&parameter.words);
        }
        match (&parameter.format, &parameter.pattern) {
            (Some(Format::Properties(number)), _) => {
                let keys = self.formats.get(*number).into_iter().flatten();
                Domain::Properties(
                    keys.filter_map(|(key, number)| Some((key.as_str(), self.parameters.get(*number)?))).collect(),
                )
            }
            (Some(Format::Named(name)), _) if self.named.contains_key(name) => {
                Domain::Properties(self.named[name].iter().map(|(key, parameter)| (key.as_str(), parameter)).collect())
            }
            (_, Some(pattern)) => Domain::Pattern(pattern),
            (Some(Format::Named(name)), None) => Domain::Format(name),
            (None, None) => Domain::Text,
        }
    }

    /// Each parameter of a method by its name, families as `net[n]`.
    pub fn parameters<'s>(&'s self, method: &'s Method) -> impl Iterator<Item = (&'s str, &'s Parameter)> {
        let known = method.parameters.iter();
        known.filter_map(|(name, number)| Some((name.as_str(), self.parameters.get(*number)?)))
    }
}

impl Parameter {
    /// Whether it has to be given.
    pub fn is_required(&self) -> bool {
        self.optional != 1 && self.alias.is_none()
    }

    /// Of a key of a property string: whether its value may stand without the key.
    pub fn stands_alone(&self) -> bool {
        self.default_key == 1
    }

    /// Of a key of a property string: the key that it is another name of.
    pub fn alias(&self) -> Option<&str> {
        self.alias.as_deref()
    }

    /// Of a key of a property string: the key whose value this key is (`virtio=MAC` is `model=virtio,macaddr=MAC`).
    pub fn key_alias(&self) -> Option<&str> {
        self.key_alias.as_deref()
    }
}
