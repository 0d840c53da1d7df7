//! Answers about a guest: its configuration with and without pending changes, and its snapshots.

use serde_json::{Value, json};

use super::guest::Configuration;
use super::sheet::{Row, Sheet, row, rows, with};
use crate::ApiPath;
use crate::guest::GuestType;

/// Guest with its node and its configuration.
#[derive(Clone, Debug)]
pub(super) struct ConfiguredGuest {
    /// The type: virtual machine or container.
    pub(super) kind: GuestType,
    /// The VMID.
    pub(super) vmid: u32,
    /// The node that it is on.
    pub(super) node: String,
    /// The checksum of its file.
    pub(super) digest: String,
    /// The contents of its file.
    pub(super) configuration: Configuration,
}

/// Mask of a password.
const HIDDEN: &str = "**********";

impl ConfiguredGuest {
    /// A path below the guest: `config`.
    pub(super) fn path(&self, what: &str) -> ApiPath {
        let (word, vmid) = (self.kind.word(), self.vmid.to_string());
        let place = ["nodes", &self.node, word, &vmid];
        ApiPath::new(place.into_iter().chain(what.split('/')))
    }

    /// The configuration with its pending changes, as `config` shows it.
    pub(super) fn planned(&self) -> Row {
        let mut planned = self.configuration.current.clone();
        planned.extend(self.configuration.pending.clone());
        for key in self.configuration.removed.keys() {
            // An option whose value is false for Perl is not removed (`PVE::AbstractConfig::load_current_config`).
            if planned.get(key).is_some_and(counts) {
                planned.remove(key);
            }
        }
        planned
    }

    /// Answers every request that the file alone can answer.
    pub(super) fn answer(&self, sheet: &mut Sheet) {
        let digest = json!(self.digest);
        let current = self.path("config").with_query("current", "1");
        sheet.put_at(self.path("config"), with(hidden(self.planned()), "digest", digest.clone()));
        sheet.put_at(current, with(hidden(self.configuration.current.clone()), "digest", digest.clone()));
        sheet.put_at(self.path("pending"), self.pending());
        sheet.put_at(self.path("snapshot"), rows(self.snapshots()));
        for (name, snapshot) in &self.configuration.snapshots {
            let (vmid, word) = (self.vmid.to_string(), self.kind.word());
            let place = ApiPath::new(["nodes", &self.node, word, &vmid, "snapshot", name]);
            sheet.put_at(place, json!([{ "cmd": "rollback" }, { "cmd": "config" }]));
            let place = ApiPath::new(["nodes", &self.node, word, &vmid, "snapshot", name, "config"]);
            sheet.put_at(place, hidden(snapshot.clone()));
            let query = self.path("config").with_query("snapshot", name);
            sheet.put_at(query, with(hidden(snapshot.clone()), "digest", digest.clone()));
        }
        // The list shows the configuration in force as a snapshot, but it is none.
        let message = "snapshot 'current' does not exist";
        sheet.put_at(self.path("snapshot/current"), json!([{ "cmd": "rollback" }, { "cmd": "config" }]));
        sheet.refuse(self.path("snapshot/current/config"), message);
        sheet.refuse(self.path("config").with_query("snapshot", "current"), message);
    }

    /// The keys with their values in force and their pending values (`PVE::GuestHelpers::config_with_pending_array`).
    fn pending(&self) -> Value {
        let Configuration { current, pending, removed, .. } = &self.configuration;
        let (current, pending) = (hidden(current.clone()), hidden(pending.clone()));
        let forced = |force: bool| json!(if force { 2 } else { 1 });
        let mut items = vec![row([("key", json!("digest")), ("value", json!(self.digest))])];
        for (key, value) in current.iter().filter(|(_, value)| !value.is_array()) {
            let mut item = row([("key", json!(key)), ("value", value.clone())]);
            item.extend(pending.get(key).map(|value| ("pending".to_owned(), value.clone())));
            item.extend(removed.get(key).map(|force| ("delete".to_owned(), forced(*force))));
            items.push(item);
        }
        for (key, value) in pending.iter().filter(|(key, value)| !value.is_array() && !current.contains_key(*key)) {
            items.push(row([("key", json!(key)), ("pending", value.clone())]));
        }
        // Proxmox does not check whether such a removal is forced.
        for key in removed.keys().filter(|key| !current.contains_key(*key)) {
            items.push(row([("key", json!(key)), ("delete", json!(2))]));
        }
        rows(items)
    }

    fn snapshots(&self) -> Vec<Row> {
        let text = |row: &Row, key: &str| row.get(key).filter(|value| counts(value)).cloned();
        let mut snapshots: Vec<Row> = Vec::new();
        for (name, snapshot) in &self.configuration.snapshots {
            let mut item = row([
                ("name", json!(name)),
                ("snaptime", text(snapshot, "snaptime").unwrap_or(json!(0))),
                ("description", text(snapshot, "description").unwrap_or(json!(""))),
            ]);
            if self.kind == GuestType::Qemu {
                item.insert("vmstate".to_owned(), json!(u8::from(snapshot.contains_key("vmstate"))));
            }
            for key in ["parent", "snapstate"] {
                item.extend(text(snapshot, key).map(|value| (key.to_owned(), value)));
            }
            snapshots.push(item);
        }
        let mut here = row([
            ("name", json!("current")),
            ("digest", json!(self.digest)),
            ("running", json!(0)),
            ("description", json!("You are here!")),
        ]);
        here.extend(text(&self.configuration.current, "parent").map(|parent| ("parent".to_owned(), parent)));
        snapshots.push(here);
        snapshots
    }
}

/// Reports whether the value is true for Perl.
fn counts(value: &Value) -> bool {
    !matches!(value, Value::Null) && *value != json!(0) && *value != json!("0") && *value != json!("")
}

/// The configuration with its password masked.
fn hidden(mut row: Row) -> Row {
    if let Some(password) = row.get_mut("cipassword") {
        *password = json!(HIDDEN);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pending_changes_are_shown_applied_and_waiting() {
        let mut sheet = Sheet::default();
        let text =
            "cores: 1\nonboot: 0\nvga: std\ncipassword: x\n[PENDING]\ncores: 2\nname: a\ndelete: vga,!onboot,tags\n";
        let configuration = super::super::guest::parse("100.conf", text, GuestType::Qemu, &mut sheet);
        let digest = "d".to_owned();
        ConfiguredGuest { kind: GuestType::Qemu, vmid: 100, node: "a".to_owned(), digest, configuration }
            .answer(&mut sheet);
        let data = |path: &str| sheet.answers[&ApiPath::parse(&format!("nodes/a/qemu/100/{path}"))].data().cloned();
        let planned = json!({"cores": 2, "onboot": 0, "name": "a", "cipassword": HIDDEN, "digest": "d"});
        assert_eq!(data("config"), Some(planned));
        let current = json!({"cores": 1, "onboot": 0, "vga": "std", "cipassword": HIDDEN, "digest": "d"});
        assert_eq!(data("config?current=1"), Some(current));
        let pending = json!([
            {"key": "digest", "value": "d"},
            {"key": "cipassword", "value": HIDDEN},
            {"key": "cores", "value": 1, "pending": 2},
            {"key": "onboot", "value": 0, "delete": 2},
            {"key": "vga", "value": "std", "delete": 1},
            {"key": "name", "pending": "a"},
            {"key": "tags", "delete": 2},
        ]);
        assert_eq!(data("pending"), Some(pending));
    }
}
