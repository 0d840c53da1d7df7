//! Keys of a draft: they are taken as code, and given another fate where the provider cannot express them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use proxmox_mpc_model::kinds::{self, Class};
use proxmox_mpc_model::{boolean, object};
use serde_json::Value as Json;

use super::{Draft, PropertyOptions, is_default};
use crate::ansible::AnsibleKey;
use crate::coverage::Fate;

impl<'a> Draft<'a> {
    /// Takes the value of a key.
    pub fn take(&mut self, key: &str) -> Option<&'a Json> {
        let value = self.object.keys.get(key)?;
        self.fates.entry(key.to_owned()).or_insert(Fate::Terraform);
        Some(value)
    }

    /// Takes the value of a key as text.
    pub fn text(&mut self, key: &str) -> Option<String> {
        self.take(key).and_then(object::text)
    }

    /// Takes the value of a key as a whole number; `None` for anything else.
    pub fn integer(&mut self, key: &str) -> Option<i64> {
        self.text(key)?.parse().ok()
    }

    /// Takes the value of a 0/1 key as the provider decodes it: only a bare 1 is true, a quoted one is false
    /// (docs/provider.md, T41). An absent key has Proxmox's default.
    pub fn flag(&mut self, key: &str) -> bool {
        match self.take(key) {
            Some(value) => value.as_u64() == Some(1) || value.as_bool() == Some(true),
            None => self.kind.key(key).and_then(|key| key.default).and_then(boolean::parse) == Some(true),
        }
    }

    /// Takes the values of a family of keys (`net`), by index.
    pub fn family(&mut self, stem: &str) -> BTreeMap<u32, String> {
        let values: BTreeMap<u32, String> = self.values(stem).collect();
        for index in values.keys() {
            self.fates.entry(format!("{stem}{index}")).or_insert(Fate::Terraform);
        }
        values
    }

    /// Values of a family of keys that another row takes, by index.
    pub fn values(&self, stem: &str) -> impl Iterator<Item = (u32, String)> {
        let keys = self.object.keys.iter();
        keys.filter_map(move |(key, value)| Some((kinds::index(stem, key)?, object::text(value)?)))
    }

    /// Takes the options of a key whose value is a JSON object.
    pub fn map(&mut self, key: &str) -> Option<PropertyOptions> {
        let options = self.take(key)?.as_object()?.iter();
        let rest = options.filter_map(|(name, value)| Some((Some(name.clone()), object::text(value)?))).collect();
        Some(PropertyOptions::of(key, rest))
    }

    /// Takes the options of a key whose value is a property string.
    pub fn options(&mut self, key: &str) -> Option<PropertyOptions> {
        let text = self.text(key)?;
        Some(PropertyOptions::new(key, &text))
    }

    /// Sets the fate of a key (`scsi1`) or of an option in its value (`scsi1.wwn`), if the object has the key.
    pub fn set_fate(&mut self, key: &str, fate: Fate) {
        if self.object.keys.contains_key(key.split('.').next().unwrap_or(key)) {
            self.fates.insert(key.to_owned(), fate);
        }
    }

    /// True if the key has Proxmox's default.
    pub(crate) fn is_default(&self, key: &str) -> bool {
        is_default(self.kind, self.object, key)
    }

    /// Marks a key as having its default, so that no code is needed.
    pub fn set_default(&mut self, key: &str) {
        self.set_fate(key, Fate::Default);
    }

    /// Gives a key to Ansible, because the provider cannot express it.
    pub fn keep_in_ansible(&mut self, key: &str, reason: impl Into<Cow<'static, str>>) {
        let reason = reason.into();
        let Some(value) = self.object.keys.get(key) else { return };
        let (key, value) = (key.to_owned(), value.clone());
        self.entrusted.retain(|one| one.part.is_some() || one.key != key);
        let why = reason.to_string();
        self.entrusted.push(AnsibleKey { part: None, key: key.clone(), option: None, value, reason: why });
        self.fates.insert(key, Fate::Ansible(reason));
    }

    /// Gives an option of a part to Ansible: `icmp-type` of `rule3`.
    pub fn keep_option_in_ansible(&mut self, part: &str, option: &str, reason: impl Into<Cow<'static, str>>) {
        let reason = reason.into();
        let Some(value) = self.object.keys.get(part).and_then(|part| part.get(option)) else { return };
        let (key, value, why) = (option.to_owned(), value.clone(), reason.to_string());
        self.entrusted.push(AnsibleKey { part: Some(part.to_owned()), key, option: None, value, reason: why });
        self.fates.insert(format!("{part}.{option}"), Fate::Ansible(reason));
    }

    /// Gives options of a value to Ansible (`wwn` of `scsi1`), because the provider does not know them and drops them when it
    /// writes the value. Ansible puts each into the value as it is at that time. Options that are not in the table are treated
    /// as by [`Draft::explain_remaining`].
    pub fn keep_options_in_ansible(&mut self, options: &PropertyOptions, table: &[(&str, &'static str)]) {
        let mut rest = options.clone();
        let whole = matches!(self.fates.get(&options.key), Some(Fate::Ansible(_)));
        for (option, reason) in table.iter().filter(|_| self.ansible && !whole) {
            let Some(value) = rest.take_raw(option) else { continue };
            self.entrusted.push(AnsibleKey {
                part: None,
                key: options.key.clone(),
                option: Some((*option).to_owned()),
                value: value.into(),
                reason: (*reason).to_owned(),
            });
            self.fates.insert(format!("{}.{option}", options.key), Fate::Ansible((*reason).into()));
        }
        self.explain_remaining(&rest, table);
    }

    /// Marks a key (`migrate_speed`) or an option in its value (`scsi1.wwn`) as unknown to the provider. A whole key goes to
    /// Ansible if that can set it; an option alone is not expressible.
    pub fn not_in_provider(&mut self, key: &str, reason: impl Into<Cow<'static, str>>) {
        let taken = self.kind.key(key).is_none_or(|key| !matches!(key.class, Class::Fixed | Class::Shown));
        if self.ansible && taken && !key.contains('.') {
            self.keep_in_ansible(key, reason);
        } else {
            self.not_expressible(key, reason);
        }
    }

    /// Marks a key as configuration that no code can express.
    pub fn not_expressible(&mut self, key: &str, reason: impl Into<Cow<'static, str>>) {
        self.set_fate(key, Fate::NotExpressible(reason.into()));
    }

    /// Sets the fates of the options that were not taken: not expressible for the reason in the table, otherwise not covered.
    pub fn explain_remaining(&mut self, options: &PropertyOptions, table: &[(&str, &'static str)]) {
        const SKIPPED: &str = "the provider skips a value with a second `=` in it";
        if !options.misread.is_empty() {
            self.misread.push(options.clone());
        }
        for (name, value) in &options.rest {
            let skipped = name.is_some() && value.contains('=');
            let name = name.as_deref().unwrap_or("(first)");
            let known = table.iter().find(|(known, _)| *known == name).map(|(_, reason)| *reason);
            let reason = known.or(skipped.then_some(SKIPPED));
            let fate = reason.map_or(Fate::NotCovered, |reason| Fate::NotExpressible(reason.into()));
            self.set_fate(&format!("{}.{name}", options.key), fate);
        }
    }
}
