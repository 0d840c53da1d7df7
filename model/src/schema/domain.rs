//! Domains of parameters, for tests that invent values.

use std::collections::BTreeMap;

use super::description::{Format, Method, Parameter, Schema};

/// Values that Proxmox accepts for a parameter, or for one key of a property string.
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
    /// Texts that this Perl pattern matches.
    Pattern(&'s str),
    /// Texts of this format: `pve-volume-id`.
    Format(&'s str),
    /// A property string of these keys.
    Properties(BTreeMap<&'s str, &'s Parameter>),
    /// Any text.
    Text,
}

impl Schema {
    /// The domain of a parameter. The narrowest description wins: its words, then its keys, its pattern, its format.
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
    /// Reports whether it is required.
    pub fn is_required(&self) -> bool {
        self.optional != 1 && self.alias.is_none()
    }

    /// Reports whether this is the key of a property string whose value may stand without the key.
    pub fn stands_alone(&self) -> bool {
        self.default_key == 1
    }

    /// The key of which this key of a property string is another name.
    pub fn alias(&self) -> Option<&str> {
        self.alias.as_deref()
    }

    /// The key whose value this key of a property string is (`virtio=MAC` is `model=virtio,macaddr=MAC`).
    pub fn key_alias(&self) -> Option<&str> {
        self.key_alias.as_deref()
    }
}
