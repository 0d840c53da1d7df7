//! The table of collections.

use proxmox_mpc_model::ApiPath;
use proxmox_mpc_model::object::text;

use super::Said::{Failed, Nothing, Parameter, Status};
use super::{Collection, Shape, Words};
use crate::state::{Row, Transaction};
use crate::writes::digest::Form;
use crate::writes::{Call, Refusal};

/// What most collections are.
const PLAIN: Collection = Collection {
    list: "",
    single: "",
    create: "",
    key: "id",
    parameter: "id",
    shape: Shape::Whole,
    digest: Some(Form::Sha1),
    unseen: &[],
    words: Words { exists: Nothing, missing: Nothing, gone: Nothing, update: "" },
    settle: |_, _, _, _| Ok(()),
    part: |_, _, _| Ok(()),
};

const fn mapping(list: &'static str, single: &'static str, exists: &'static str) -> Collection {
    let (missing, gone) = (Failed("mapping '{}' not found"), Nothing);
    Collection {
        list,
        single,
        create: list,
        words: Words { exists: Failed(exists), missing, gone, update: "" },
        settle: |_, call, row, _| {
            let kind = call.segments.get(2).cloned().unwrap_or_default();
            row.insert("type".to_owned(), kind.into());
            Ok(())
        },
        ..PLAIN
    }
}

/// A thing of `notifications.cfg`; all of them share their names.
const fn notification(list: &'static str, single: &'static str, missing: &'static str) -> Collection {
    let exists = Status(400, "Cannot create '{}', an entity with the same name already exists");
    Collection {
        list,
        single,
        create: list,
        key: "name",
        parameter: "name",
        digest: Some(Form::Sha256),
        unseen: &["token", "password", "secret"],
        words: Words { exists, missing: Status(404, missing), gone: Status(404, missing), update: "" },
        settle: settle_notification,
        ..PLAIN
    }
}

/// The collections that the twin takes writes to.
pub(super) static COLLECTIONS: &[Collection] = &[
    mapping("/cluster/mapping/pci", "/cluster/mapping/pci/{id}", "PCI ID '{}' already defined"),
    mapping("/cluster/mapping/usb", "/cluster/mapping/usb/{id}", "USB ID '{}' already defined"),
    mapping("/cluster/mapping/dir", "/cluster/mapping/dir/{id}", "DIR ID '{}' already defined"),
    notification(
        "/cluster/notifications/endpoints/gotify",
        "/cluster/notifications/endpoints/gotify/{name}",
        "endpoint '{}' not found",
    ),
    notification(
        "/cluster/notifications/endpoints/sendmail",
        "/cluster/notifications/endpoints/sendmail/{name}",
        "endpoint '{}' not found",
    ),
    notification(
        "/cluster/notifications/endpoints/smtp",
        "/cluster/notifications/endpoints/smtp/{name}",
        "endpoint '{}' not found",
    ),
    notification(
        "/cluster/notifications/endpoints/webhook",
        "/cluster/notifications/endpoints/webhook/{name}",
        "endpoint '{}' not found",
    ),
    notification("/cluster/notifications/matchers", "/cluster/notifications/matchers/{name}", "matcher '{}' not found"),
    Collection {
        list: "/cluster/metrics/server",
        single: "/cluster/metrics/server/{id}",
        create: "/cluster/metrics/server/{id}",
        shape: Shape::Part(&["disable", "port", "server", "type"]),
        digest: None,
        unseen: &["token"],
        words: Words {
            exists: Failed("Metric server '{}' already exists"),
            missing: Failed("no such server '{}'"),
            gone: Nothing,
            update: "",
        },
        ..PLAIN
    },
    Collection {
        list: "/cluster/ha/rules",
        single: "/cluster/ha/rules/{rule}",
        create: "/cluster/ha/rules",
        key: "rule",
        parameter: "rule",
        words: Words {
            exists: Failed("create ha rule failed: HA rule '{}' already defined"),
            missing: Failed("update ha rules failed: HA rule '{}' does not exist"),
            gone: Failed("delete ha rule failed: HA rule '{}' is not defined"),
            update: "update ha rules failed",
        },
        settle: settle_ha_rule,
        ..PLAIN
    },
    Collection {
        list: "/cluster/backup",
        single: "/cluster/backup/{id}",
        create: "/cluster/backup",
        digest: None,
        words: Words {
            exists: Failed("Job '{}' already exists"),
            missing: Failed("no such vzdump job"),
            gone: Parameter("id", "No such job '{}'"),
            update: "",
        },
        settle: settle_backup,
        ..PLAIN
    },
    Collection {
        list: "/access/roles",
        single: "/access/roles/{roleid}",
        create: "/access/roles",
        key: "roleid",
        parameter: "roleid",
        digest: None,
        unseen: &["append"],
        words: Words {
            exists: Failed("create role failed: role '{}' already exists"),
            missing: Failed("update role failed: role '{}' does not exist"),
            gone: Failed("delete role failed: role '{}' does not exist"),
            update: "update role failed",
        },
        settle: settle_role,
        part: |_, _, row| {
            let name = row.get("roleid").and_then(text).unwrap_or_default();
            let special = row.get("special").and_then(text).as_deref() == Some("1");
            if special {
                Err(Refusal::failed(format!("auto-generated role '{name}' cannot be deleted")))
            } else {
                Ok(())
            }
        },
        ..PLAIN
    },
];

/// Endpoints and matchers share one space of names.
fn settle_notification(
    transaction: &Transaction,
    call: &Call,
    row: &mut Row,
    before: Option<&Row>,
) -> Result<(), Refusal> {
    let Some(before) = before else {
        row.insert("origin".to_owned(), "user-created".into());
        let name = call.required("name")?;
        for list in ["endpoints/gotify", "endpoints/sendmail", "endpoints/smtp", "endpoints/webhook", "matchers"] {
            let rows = transaction.rows(&ApiPath::parse(&format!("cluster/notifications/{list}")))?;
            if rows.iter().any(|row| row.get("name").is_some_and(|own| *own == name)) {
                let text = format!("Cannot create '{name}', an entity with the same name already exists");
                return Err(Refusal::Message { status: 400, text });
            }
        }
        return Ok(());
    };
    if before.get("origin").is_some_and(|origin| origin == "builtin") {
        row.insert("origin".to_owned(), "modified-builtin".into());
    }
    Ok(())
}

fn settle_ha_rule(transaction: &Transaction, call: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    let context = if before.is_some() { "update ha rules failed" } else { "create ha rule failed" };
    let managed = transaction.rows(&ApiPath::parse("cluster/ha/resources"))?;
    let is_managed = |sid: &String| managed.iter().any(|row| row.get("sid").is_some_and(|own| own == sid));
    let unmanaged: Vec<String> = call.list("resources").into_iter().filter(|sid| !is_managed(sid)).collect();
    if !unmanaged.is_empty() {
        return Err(Refusal::failed(format!("{context}: cannot use unmanaged resource(s) {}.", unmanaged.join(", "))));
    }
    if before.is_none() {
        let rules = transaction.rows(&ApiPath::parse("cluster/ha/rules"))?;
        row.insert("order".to_owned(), (rules.len() + 1).into());
    }
    Ok(())
}

/// `PVE::API2::Backup` checks the selection itself.
fn settle_backup(transaction: &Transaction, call: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    if before.is_none() {
        if call.text("schedule").is_none() && call.text("starttime").is_none() {
            return Err(Refusal::parameter("schedule", "neither 'starttime' nor 'schedule' were set"));
        }
        if !row.contains_key("id") {
            row.insert("id".to_owned(), transaction.made_up_uuid().into());
        }
        row.insert("type".to_owned(), "vzdump".into());
        row.entry("enabled").or_insert(1.into());
    }
    let chosen = |key: &str| row.get(key).and_then(text).is_some_and(|value| value != "0");
    for (first, second) in [("all", "vmid"), ("all", "pool"), ("vmid", "pool"), ("exclude", "vmid")] {
        if chosen(first) && chosen(second) {
            return Err(Refusal::nested("", first, &format!("option conflicts with option '{second}'")));
        }
    }
    if !["all", "vmid", "pool"].iter().any(|key| chosen(key)) {
        return Err(Refusal::nested("", "vmid", "property is missing"));
    }
    Ok(())
}

/// Privileges are a sorted set, to which a change may add.
fn settle_role(_: &Transaction, call: &Call, row: &mut Row, before: Option<&Row>) -> Result<(), Refusal> {
    let id = call.required("roleid")?;
    if before.is_none() && id.to_lowercase().starts_with("pve") {
        let why = "cannot use role ID starting with the (case-insensitive) 'PVE' namespace";
        return Err(Refusal::parameter("roleid", why));
    }
    if before.is_some_and(|before| before.get("special").and_then(text).as_deref() == Some("1")) {
        return Err(Refusal::failed(format!("auto-generated role '{id}' cannot be modified")));
    }
    let mut privileges = call.list("privs");
    if call.flag("append")
        && let Some(own) = before.and_then(|before| before.get("privs")).and_then(text)
    {
        privileges.extend(own.split(',').filter(|word| !word.is_empty()).map(str::to_owned));
    }
    if call.text("privs").is_some() || before.is_none() {
        privileges.sort();
        privileges.dedup();
        row.insert("privs".to_owned(), privileges.join(",").into());
    }
    row.entry("special").or_insert(0.into());
    Ok(())
}
