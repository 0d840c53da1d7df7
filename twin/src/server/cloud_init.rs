//! Cloud-init data of a virtual machine, made from its configuration: as it would be written now, and the part that the
//! guest has not read yet.

use proxmox_mpc_model::cloud_init::{CloudInit, OPTIONS};
use proxmox_mpc_model::derived::Deriver;
use proxmox_mpc_model::object::text;
use proxmox_mpc_model::{Answer, Answers, ApiPath, Unreadable, list};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::{Value, json};

use crate::hexadecimal::hexadecimal;
use crate::state::{Row, View};

/// The answer to a GET of cloud-init's that is not on record; `None` for other requests, and for virtual machines that
/// are not there.
pub(super) fn answer<A: Answers>(
    view: &View,
    deriver: &Deriver<A>,
    path: &ApiPath,
) -> Result<Option<Answer>, Unreadable> {
    let owned = path.segments();
    let segments: Vec<&str> = owned.iter().map(String::as_str).collect();
    let ["nodes", node, "qemu", vmid, "cloudinit", rest @ ..] = &segments[..] else { return Ok(None) };
    let object = |path: &ApiPath| -> Result<Option<Row>, Unreadable> {
        let answer = match view.get(path)? {
            Some(answer) => Some(answer),
            None => deriver.derive(path)?,
        };
        Ok(answer.and_then(|answer| answer.data()?.as_object().cloned()))
    };
    let config = ApiPath::new(["nodes", node, "qemu", vmid, "config"]);
    let here = view.indexed(&ApiPath::parse("cluster/resources"), "id")?;
    let here = here.and_then(|rows| rows.get(&format!("qemu/{vmid}")).cloned());
    if here.is_none_or(|row| row.get("node").is_none_or(|own| own != node)) {
        return Ok(None);
    }
    let in_force = object(&config.clone().with_query("current", "1"))?;
    let Some(configuration) = (match in_force {
        Some(configuration) => Some(configuration),
        None => object(&config)?,
    }) else {
        return Ok(None);
    };
    match rest {
        [] => Ok(Some(Answer::ok(pending(view, vmid, &configuration)))),
        ["dump"] => {
            let resolver = object(&ApiPath::new(["nodes", node, "dns"]))?.unwrap_or_default();
            let machine = CloudInit { vmid, configuration: &configuration, resolver: &resolver };
            let password = configuration.contains_key("cipassword").then(|| password(view, node, vmid)).transpose()?;
            Ok(dump(&machine, password.as_deref(), path).map(|data| Answer::ok(data.into())))
        }
        _ => Ok(None),
    }
}

/// One of the three parts of the data.
fn dump(machine: &CloudInit<'_>, password: Option<&str>, path: &ApiPath) -> Option<String> {
    let query = path.query();
    match query.iter().find(|(key, _)| key == "type")?.1.as_str() {
        "user" => Some(machine.user(password)),
        "network" => Some(machine.network()),
        "meta" => {
            let both = format!("{}{}", machine.user(password), machine.network());
            let sum = digest(&SHA1_FOR_LEGACY_USE_ONLY, both.as_bytes());
            Some(machine.meta(&hexadecimal(sum.as_ref())))
        }
        _ => None,
    }
}

/// The hash of a password that a client set, or that is on record; stars where neither is known.
fn password(view: &View, node: &str, vmid: &str) -> Result<String, Unreadable> {
    if let Some(own) = view.recall(&format!("secret/cipassword/{vmid}")).as_deref().and_then(Value::as_str) {
        return Ok(own.to_owned());
    }
    let dump = ApiPath::new(["nodes", node, "qemu", vmid, "cloudinit", "dump"]).with_query("type", "user");
    let recorded = view.recorded().get(&dump)?.and_then(|answer| answer.data()?.as_str().map(str::to_owned));
    let line = recorded.as_ref().and_then(|text| text.lines().find_map(|line| line.strip_prefix("password: ")));
    Ok(line.unwrap_or("**********").to_owned())
}

/// Cloud-init's options, with what they were when the drive was written last (`cloudinit_pending` of `qemu-server`).
fn pending(view: &View, vmid: &str, configuration: &Row) -> Value {
    let written = view.recall(&format!("cloudinit/{vmid}"));
    let written = written.as_deref().and_then(Value::as_object).cloned().unwrap_or_default();
    let added = written.get("added").and_then(text).unwrap_or_default();
    let added: Vec<&str> = list::items(&added).collect();
    let mut items: Vec<Value> =
        added.iter().map(|key| json!({ "key": key, "pending": configuration.get(*key) })).collect();
    let is_set =
        |key: &str| configuration.get(key).and_then(text).is_some_and(|value| value != "0" && !value.is_empty());
    for key in OPTIONS.into_iter().filter(|key| is_set(key) && !added.contains(key)) {
        items.push(match written.get(key) {
            Some(old) => json!({ "key": key, "value": old, "pending": configuration[key] }),
            None => json!({ "key": key, "value": configuration[key] }),
        });
    }
    let gone = written.keys().filter(|key| *key != "added" && !is_set(key));
    items.extend(gone.map(|key| json!({ "key": key, "delete": 1 })));
    items.into()
}
