//! The table of collections.

use proxmox_mpc_model::object::text;
use serde_json::Value;

use super::collection::Message::{Failed, Nothing, Parameter, Status};
use super::collection::{Collection, Messages, Shape};
use super::{acme, backup, ha, ha_rules, networks, notifications, realms, storages};
use crate::call::{Call, Refusal};
use crate::state::{Row, Transaction};
use crate::writes::access;
use crate::writes::digest::DigestForm;
use crate::writes::guests::ha_requests;

/// Defaults of a collection: what most of them are.
const PLAIN: Collection = Collection {
    list: "",
    single: "",
    create: "",
    key: "id",
    parameter: "id",
    shape: Shape::Whole,
    digest: Some(DigestForm::Sha1),
    unseen: &[],
    words: Messages { exists: Nothing, missing: Nothing, gone: Nothing, update: "" },
    open: |_, _| Ok(()),
    id: |_, id| Ok(id.to_owned()),
    settle: |_, _, _, _| Ok(()),
    fit: |_, _, _, _| Ok(()),
    answer: |_| Value::Null,
    written: |_, _, _| Ok(()),
    part: |_, _, _| Ok(()),
    removed: |_, _, _| Ok(()),
};

const fn mapping(
    list: &'static str,
    single: &'static str,
    exists: &'static str,
    missing: &'static str,
    update: &'static str,
) -> Collection {
    Collection {
        list,
        single,
        create: list,
        words: Messages { exists: Failed(exists), missing: Failed(missing), gone: Nothing, update },
        settle: |_, call, row, _| {
            let kind = call.segments.get(2).cloned().unwrap_or_default();
            row.insert("type".to_owned(), kind.into());
            Ok(())
        },
        ..PLAIN
    }
}

/// The name of a custom CPU model, with the prefix that tells it from those of QEMU.
fn custom(name: &str) -> String {
    if name.starts_with("custom-") { name.to_owned() } else { format!("custom-{name}") }
}

/// Collection of `notifications.cfg`; all of them share their names.
const fn notification(list: &'static str, single: &'static str, missing: &'static str) -> Collection {
    let exists = Status(400, "Cannot create '{}', an entity with the same name already exists");
    Collection {
        list,
        single,
        create: list,
        key: "name",
        parameter: "name",
        digest: Some(DigestForm::Sha256),
        unseen: &["token", "password", "secret"],
        words: Messages { exists, missing: Status(404, missing), gone: Status(404, missing), update: "" },
        settle: notifications::settle,
        part: notifications::part,
        ..PLAIN
    }
}

/// The collections that the twin takes writes to.
pub(super) static COLLECTIONS: &[Collection] = &[
    // From 9.2 on. The list shows each name with `custom-`, which a call may leave out.
    Collection {
        list: "/cluster/qemu/custom-cpu-models",
        single: "/cluster/qemu/custom-cpu-models/{cputype}",
        create: "/cluster/qemu/custom-cpu-models",
        key: "cputype",
        parameter: "cputype",
        words: Messages {
            exists: Failed("custom CPU model '{}' already exists"),
            missing: Failed("Custom cputype '{}' not found"),
            gone: Failed("Custom cputype '{}' not found"),
            update: "",
        },
        id: |_, id| Ok(custom(id)),
        settle: |_, _, row, _| {
            if let Some(name) = row.get("cputype").and_then(text) {
                row.insert("cputype".to_owned(), custom(&name).into());
            }
            Ok(())
        },
        ..PLAIN
    },
    mapping(
        "/cluster/mapping/pci",
        "/cluster/mapping/pci/{id}",
        "create hardware mapping failed: pci ID '{}' already defined",
        "update hardware mapping failed: pci ID '{}' does not exist",
        "update hardware mapping failed",
    ),
    mapping(
        "/cluster/mapping/usb",
        "/cluster/mapping/usb/{id}",
        "create hardware mapping failed: usb ID '{}' already defined",
        "update hardware mapping failed: usb ID '{}' does not exist",
        "update hardware mapping failed",
    ),
    mapping(
        "/cluster/mapping/dir",
        "/cluster/mapping/dir/{id}",
        "create dir mapping failed: dir ID '{}' already defined",
        "update dir mapping failed: dir ID '{}' does not exist",
        "update dir mapping failed",
    ),
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
        words: Messages {
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
        words: Messages {
            exists: Failed("create ha rule failed: HA rule '{}' already defined"),
            missing: Failed("update ha rule failed: HA rule '{}' does not exist"),
            gone: Nothing,
            update: "update ha rule failed",
        },
        open: ha::after_migration,
        settle: ha_rules::settle,
        fit: ha_rules::fit,
        ..PLAIN
    },
    Collection {
        list: "/cluster/ha/groups",
        single: "/cluster/ha/groups/{group}",
        create: "/cluster/ha/groups",
        key: "group",
        parameter: "group",
        words: Messages {
            exists: Failed("create ha group failed: ha group ID '{}' already defined"),
            missing: Failed("update ha group failed: no such ha group '{}'"),
            gone: Failed("delete ha group failed: no such ha group '{}'"),
            update: "update ha group failed",
        },
        open: ha::before_migration,
        settle: |_, _, row, _| {
            row.insert("type".to_owned(), "group".into());
            Ok(())
        },
        part: ha::part_group,
        ..PLAIN
    },
    Collection {
        list: "/cluster/ha/resources",
        single: "/cluster/ha/resources/{sid}",
        create: "/cluster/ha/resources",
        key: "sid",
        parameter: "sid",
        unseen: &["purge"],
        words: Messages {
            exists: Failed("create resource failed: resource ID '{}' already defined"),
            missing: Failed("update resource failed: no such resource '{}'"),
            gone: Failed("cannot delete service '{}', not HA managed!"),
            update: "update resource failed",
        },
        id: ha_requests::sid,
        settle: ha::settle_resource,
        written: |transaction, _, row| {
            ha::wake_manager(transaction, row);
            Ok(())
        },
        removed: ha::purge,
        ..PLAIN
    },
    Collection {
        list: "/cluster/backup",
        single: "/cluster/backup/{id}",
        create: "/cluster/backup",
        digest: None,
        words: Messages {
            exists: Failed("Job '{}' already exists"),
            missing: Parameter("id", "No such job '{}'"),
            gone: Parameter("id", "No such job '{}'"),
            update: "",
        },
        settle: backup::settle,
        ..PLAIN
    },
    Collection {
        list: "/cluster/sdn/zones",
        single: "/cluster/sdn/zones/{zone}",
        create: "/cluster/sdn/zones",
        key: "zone",
        parameter: "zone",
        unseen: &["lock-token"],
        words: Messages {
            exists: Failed("create sdn zone object failed: sdn zone object ID '{}' already defined"),
            missing: Failed("update sdn zone object failed: sdn zone '{}' does not exist"),
            gone: Failed("delete sdn zone object failed: sdn zone '{}' does not exist"),
            update: "update sdn zone object failed",
        },
        settle: networks::settle_zone,
        fit: networks::fit_zone,
        part: networks::part_zone,
        ..PLAIN
    },
    Collection {
        list: "/cluster/sdn/vnets",
        single: "/cluster/sdn/vnets/{vnet}",
        create: "/cluster/sdn/vnets",
        key: "vnet",
        parameter: "vnet",
        unseen: &["lock-token"],
        words: Messages {
            exists: Failed("create sdn vnet object failed: sdn vnet object ID '{}' already defined"),
            missing: Failed("update sdn vnet object failed: sdn vnet '{}' does not exist"),
            gone: Failed("delete sdn vnet object failed: sdn vnet '{}' does not exist"),
            update: "update sdn vnet object failed",
        },
        fit: networks::fit_vnet,
        part: networks::part_vnet,
        ..PLAIN
    },
    Collection {
        list: "/cluster/sdn/vnets/{vnet}/subnets",
        single: "/cluster/sdn/vnets/{vnet}/subnets/{subnet}",
        create: "/cluster/sdn/vnets/{vnet}/subnets",
        key: "subnet",
        parameter: "subnet",
        unseen: &["lock-token"],
        words: Messages {
            exists: Failed("create sdn subnet object failed: sdn subnet object ID '{}' already defined"),
            missing: Failed("update sdn subnet object failed: sdn subnet '{}' does not exist"),
            gone: Failed("delete sdn subnet object failed: sdn subnet '{}' does not exist"),
            update: "update sdn subnet object failed",
        },
        settle: networks::settle_subnet,
        ..PLAIN
    },
    Collection {
        list: "/cluster/sdn/controllers",
        single: "/cluster/sdn/controllers/{controller}",
        create: "/cluster/sdn/controllers",
        key: "controller",
        parameter: "controller",
        unseen: &["lock-token"],
        words: Messages {
            exists: Failed("create sdn controller object failed: sdn controller object ID '{}' already defined"),
            missing: Failed("update sdn controller object failed: sdn controller '{}' does not exist"),
            gone: Failed("delete sdn controller object failed: sdn controller '{}' does not exist"),
            update: "update sdn controller object failed",
        },
        fit: networks::fit_controller,
        part: networks::part_controller,
        ..PLAIN
    },
    Collection {
        list: "/cluster/sdn/dns",
        single: "/cluster/sdn/dns/{dns}",
        create: "/cluster/sdn/dns",
        key: "dns",
        parameter: "dns",
        unseen: &["lock-token"],
        words: Messages {
            exists: Failed("create sdn dns object failed: sdn dns object ID '{}' already defined"),
            missing: Failed("update sdn dns object failed: sdn dns '{}' does not exist"),
            gone: Failed("delete sdn dns object failed: sdn dns '{}' does not exist"),
            update: "update sdn dns object failed",
        },
        ..PLAIN
    },
    Collection {
        list: "/cluster/sdn/ipams",
        single: "/cluster/sdn/ipams/{ipam}",
        create: "/cluster/sdn/ipams",
        key: "ipam",
        parameter: "ipam",
        unseen: &["lock-token"],
        words: Messages {
            exists: Failed("create sdn ipam object failed: sdn ipam object ID '{}' already defined"),
            missing: Failed("update sdn ipam object failed: sdn ipam '{}' does not exist"),
            gone: Failed("delete sdn ipam object failed: sdn ipam '{}' does not exist"),
            update: "update sdn ipam object failed",
        },
        ..PLAIN
    },
    Collection {
        list: "/storage",
        single: "/storage/{storage}",
        create: "/storage",
        key: "storage",
        parameter: "storage",
        unseen: &["password", "keyring"],
        words: Messages {
            exists: Failed("create storage failed: storage ID '{}' already defined"),
            missing: Failed("update storage failed: storage '{}' does not exist"),
            gone: Failed("delete storage failed: storage '{}' does not exist"),
            update: "update storage failed",
        },
        settle: storages::settle,
        fit: storages::fit,
        answer: storages::answer,
        written: storages::written,
        part: storages::part,
        removed: storages::removed,
        ..PLAIN
    },
    Collection {
        list: "/cluster/acme/plugins",
        single: "/cluster/acme/plugins/{id}",
        create: "/cluster/acme/plugins",
        key: "plugin",
        parameter: "id",
        words: Messages {
            exists: Failed("ACME plugin ID '{}' already exists"),
            missing: Failed("ACME plugin '{}' not defined"),
            gone: Nothing,
            update: "",
        },
        settle: acme::settle,
        ..PLAIN
    },
    Collection {
        list: "/access/domains",
        single: "/access/domains/{realm}",
        create: "/access/domains",
        key: "realm",
        parameter: "realm",
        shape: Shape::Part(&["comment", "default", "tfa", "type"]),
        unseen: &["password", "check-connection"],
        words: Messages {
            exists: Failed("add auth server failed: domain '{}' already exists"),
            missing: Failed("update auth server failed: domain '{}' does not exist"),
            gone: Failed("delete auth server failed: authentication domain '{}' does not exist"),
            update: "update auth server failed",
        },
        fit: realms::fit,
        written: realms::written,
        removed: realms::removed,
        ..PLAIN
    },
    Collection {
        list: "/cluster/jobs/realm-sync",
        single: "/cluster/jobs/realm-sync/{id}",
        create: "/cluster/jobs/realm-sync/{id}",
        digest: None,
        words: Messages {
            exists: Failed("Job '{}' already exists"),
            missing: Failed("no such realm-sync job"),
            gone: Failed("400 Parameter verification failed.\nid: No such job '{}'"),
            update: "",
        },
        fit: realms::fit_job,
        ..PLAIN
    },
    Collection {
        list: "/access/groups",
        single: "/access/groups/{groupid}",
        create: "/access/groups",
        key: "groupid",
        parameter: "groupid",
        digest: None,
        words: Messages {
            exists: Failed("create group failed: group '{}' already exists"),
            missing: Failed("update group failed: group '{}' does not exist"),
            gone: Failed("delete group failed: group '{}' does not exist"),
            update: "update group failed",
        },
        settle: |_, _, row, _| {
            row.entry("users").or_insert_with(|| "".into());
            if row.get("comment").is_some_and(|comment| comment == "") {
                row.remove("comment");
            }
            Ok(())
        },
        removed: |transaction, _, group| access::without_group(transaction, group),
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
        words: Messages {
            exists: Failed("create role failed: role '{}' already exists"),
            missing: Failed("update role failed: role '{}' does not exist"),
            gone: Failed("delete role failed: role '{}' does not exist"),
            update: "update role failed",
        },
        settle: settle_role,
        removed: |transaction, _, role| access::without_role(transaction, role),
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

/// Sorts the privileges of a role; a change may add to those that are there.
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
    privileges.sort();
    privileges.dedup();
    row.insert("privs".to_owned(), privileges.join(",").into());
    row.entry("special").or_insert(0.into());
    Ok(())
}
