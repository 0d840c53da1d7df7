//! Backup jobs as `proxmox_backup_job`.

use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Object, kinds};
use serde_json::Value as Json;

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle, RowResult};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of backup jobs. Each attribute is written if its key is present.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "backup_job",
    file: "backup.tf",
    word: "job",
    data: false,
    namespace: Namespace::Own("backup_job"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["id", "schedule", "starttime"], |draft| {
            guard::verbatim(draft, "id", "id");
            guard::verbatim(draft, "schedule", "schedule");
            guard::verbatim(draft, "starttime", "starttime");
        }),
        Row::custom(&["storage", "node"], |draft| {
            let storage = draft.text("storage").unwrap_or_default();
            let storage = guard::referred(draft, "storage", &storage, "id");
            draft.set("storage", storage);
            guard::verbatim(draft, "node", "node");
        }),
        Row::custom(&["enabled", "remove", "protected", "repeat-missed", "stdexcludes"], |draft| {
            for key in ["enabled", "remove", "protected", "repeat-missed", "stdexcludes"] {
                guard::switch(draft, key, &key.replace('-', "_"));
            }
        }),
        Row::custom(&["all", "pool", "vmid"], guests),
        Row::custom(&["mode", "compress", "mailnotification", "pbs-change-detection-mode"], |draft| {
            guard::worded(draft, "mode", "mode", bpg::BACKUP_MODES, "J2");
            guard::worded(draft, "compress", "compress", bpg::COMPRESSIONS, "J2");
            guard::worded(draft, "mailnotification", "mailnotification", bpg::MAIL_NOTIFICATIONS, "J2");
            let words = bpg::CHANGE_DETECTIONS;
            guard::worded(draft, "pbs-change-detection-mode", "pbs_change_detection_mode", words, "J2");
        }),
        Row::custom(&["mailto", "notes-template", "script", "tmpdir"], |draft| {
            list(draft, "mailto", "mailto");
            guard::verbatim(draft, "notes-template", "notes_template");
            guard::verbatim(draft, "script", "script");
            guard::verbatim(draft, "tmpdir", "tmpdir");
        }),
        Row::checked(NUMBERS, |draft| {
            for key in NUMBERS {
                let range = if *key == "ionice" { 0..=8 } else { i64::MIN..=i64::MAX };
                guard::whole(draft, key, key, &range)?;
            }
            Ok(())
        }),
        Row::checked(&["exclude-path"], |draft| {
            guard::texts(draft, &["exclude-path"])?;
            list(draft, "exclude-path", "exclude_path");
            Ok(())
        }),
        Row::custom(&["prune-backups"], retention),
        Row::checked(&["fleecing", "performance"], objects),
        Row::volatile(&["digest", "next-run", "type"]),
        Row::ansible(
            &[
                "comment",
                "dow",
                "dumpdir",
                "exclude",
                "notification-mode",
                "notification-policy",
                "notification-target",
                "quiet",
                "size",
                "stop",
            ],
            "the provider has no attribute for it (provider rule J5)",
        ),
    ],
    role: Some(|_| Role::cluster("backup")),
};

const NUMBERS: &[&str] = &["bwlimit", "ionice", "lockwait", "maxfiles", "pigz", "stopwait", "zstd"];

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    if kinds::of_cron(object) {
        // An import would show it as disabled, and its id changes with every change.
        let reason = "it is a line of /etc/pve/vzdump.cron, which the provider reads wrongly (provider rule J7)";
        let remedy = "make a job of it (Datacenter / Backup, or pvesh create /cluster/backup) and delete the line";
        return Err(Obstacle::new(reason).remedy(remedy));
    }
    if let Some(key) = ["schedule", "storage"].into_iter().find(|key| object.text(key).is_none()) {
        let reason =
            format!("the provider requires a storage and a schedule, and it has no `{key}` (provider rule J8)");
        return Err(Obstacle::new(reason));
    }
    Ok(Destination::Resource("proxmox_backup_job", object.entry.identity.id().to_owned()))
}

/// Writes the guests: all, a pool or a list. The provider accepts one of the three, and refuses `all = false` with another, which
/// is Proxmox's assumption.
fn guests(draft: &mut Draft<'_>) {
    let is_set = |draft: &Draft<'_>, key: &str| draft.object.text(key).is_some_and(|text| !text.is_empty());
    let first = ["pool", "vmid"].into_iter().find(|key| is_set(draft, key));
    match first {
        Some("pool") => {
            let pool = draft.text("pool").unwrap_or_default();
            let pool = guard::referred(draft, "pool", &pool, "pool_id");
            draft.set("pool", pool);
        }
        Some(_) => {
            let text = draft.text("vmid").unwrap_or_default();
            let vmids = text.split(',').map(str::trim);
            let guests = vmids.map(|vmid| guard::guest(draft, vmid).unwrap_or_else(|| vmid.into())).collect();
            draft.set("vmid", Value::List(guests));
        }
        None if draft.flag("all") => draft.set("all", true),
        None => {}
    }
    if first.is_some() {
        if draft.flag("all") {
            draft.not_in_provider("all", ONE);
        } else {
            draft.set_default("all");
        }
    } else if !draft.flag("all") {
        draft.set_default("all");
    }
    for key in ["pool", "vmid"] {
        if first != Some(key) && draft.object.keys.contains_key(key) {
            if is_set(draft, key) {
                draft.not_in_provider(key, ONE);
                draft.ignore(&[key], ONE);
            } else {
                draft.set_default(key);
            }
        }
    }
}

const ONE: &str = "the provider takes either all guests, or a pool, or a list of guests (provider rule J6)";

/// Writes a text as a list; the provider splits it at commas. An empty text is no list.
fn list(draft: &mut Draft<'_>, key: &str, attribute: &str) {
    match draft.text(key) {
        Some(text) if text.is_empty() && key != "exclude-path" => draft.set_default(key),
        Some(text) => {
            let trim = |word: &str| Value::from(if key == "exclude-path" { word } else { word.trim() });
            draft.set(attribute, Value::List(text.split(',').map(trim).collect()));
        }
        None => {}
    }
}

/// Writes the retention as a map of texts.
fn retention(draft: &mut Draft<'_>) {
    let pairs: Vec<(String, Value)> = match draft.take("prune-backups") {
        Some(Json::Object(options)) => {
            let pair = |(name, value): (&String, &Json)| Some((name.clone(), text(value)?.into()));
            options.iter().filter_map(pair).collect()
        }
        Some(Json::String(text)) => {
            let pairs = text.split(',').filter_map(|pair| pair.trim().split_once('='));
            pairs.map(|(name, value)| (name.to_owned(), value.into())).collect()
        }
        _ => return,
    };
    if pairs.is_empty() {
        draft.set_default("prune-backups");
        return;
    }
    let mut pairs = pairs;
    pairs.sort_by(|(one, _), (other, _)| one.cmp(other));
    draft.set("prune_backups", Value::Map(pairs));
}

fn objects(draft: &mut Draft<'_>) -> RowResult {
    guard::objects(draft, &["fleecing", "performance"])?;
    if let Some(mut options) = draft.map("fleecing") {
        let mut pairs = Vec::new();
        options.take_raw("enabled");
        let enabled = guard::inner_switch(draft, "fleecing", "enabled");
        pairs.extend(enabled.map(|on| ("enabled".to_owned(), Value::Boolean(on))));
        let storage = options.take_raw("storage");
        let storage = storage.map(|id| ("storage".to_owned(), guard::referred(draft, "storage", &id, "id")));
        pairs.extend(storage);
        draft.set("fleecing", Value::Map(pairs));
        if !options.names().is_empty() {
            draft.not_in_provider("fleecing", "the provider does not know all of its options (provider rule J5)");
        }
    }
    if let Some(mut options) = draft.map("performance") {
        let mut pairs = Vec::new();
        for (option, attribute) in [("max-workers", "max_workers"), ("pbs-entries-max", "pbs_entries_max")] {
            pairs.extend(options.integer(option).map(|number| (attribute.to_owned(), Value::Integer(number))));
        }
        draft.set("performance", Value::Map(pairs));
        if !options.names().is_empty() {
            draft.not_in_provider("performance", "the provider does not know all of its options (provider rule J5)");
        }
    }
    Ok(())
}
