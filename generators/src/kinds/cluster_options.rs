//! Datacenter options as `proxmox_cluster_options`.

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::bpg;
use crate::draft::{Draft, Obstacle, RowResult, Variable, VariableDefault};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of datacenter options. Each attribute is written if its key is present.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "cluster_options",
    file: "cluster.tf",
    word: "options",
    data: false,
    namespace: Namespace::Own("cluster_options"),
    destination: |_, _| Ok(Destination::Resource("proxmox_cluster_options", "cluster".to_owned())),
    name: |_| Some("datacenter".to_owned()),
    rows: &[
        Row::checked(&[], readable),
        Row::custom(&["email_from", "mac_prefix", "http_proxy", "description"], texts),
        Row::custom(&["keyboard", "language", "console"], |draft| {
            guard::worded(draft, "keyboard", "keyboard", bpg::KEYBOARDS, "J2");
            guard::worded(draft, "language", "language", bpg::LANGUAGES, "J2");
            guard::worded(draft, "console", "console", bpg::CONSOLES, "J2");
        }),
        Row::custom(&["max_workers"], |draft| match draft.text("max_workers").map(|text| text.parse::<i64>()) {
            Some(Ok(number)) => draft.set("max_workers", number),
            Some(Err(_)) => guard::refuse(draft, "max_workers", "max_workers", "J2"),
            None => {}
        }),
        Row::checked(&["bwlimit"], bandwidth),
        Row::custom(&["ha"], |draft| options(draft, "ha", HA)),
        Row::custom(&["migration"], |draft| options(draft, "migration", MIGRATION)),
        Row::custom(&["crs"], |draft| options(draft, "crs", CRS)),
        Row::custom(&["next-id"], |draft| nested(draft, "next-id", "next_id", NEXT_ID)),
        Row::custom(&["notify"], |draft| nested(draft, "notify", "notify", NOTIFY)),
        Row::volatile(&["allowed-tags", "digest"]),
        Row::ansible(
            &[
                "consent-text",
                "fencing",
                "location",
                "migration_unsecure",
                "registered-tags",
                "replication",
                "tag-style",
                "u2f",
                "user-tag-access",
                "webauthn",
            ],
            "the provider has no attribute for it (provider rule J1)",
        ),
    ],
    role: Some(|_| Role::cluster("datacenter")),
};

/// Option of a key: its name, the attribute, and the allowed values.
type OptionRule = (&'static str, &'static str, AllowedValue);

/// Values that an attribute accepts.
#[derive(Clone, Copy)]
enum AllowedValue {
    /// One of these words.
    Words(&'static [&'static str]),
    /// A text that passes a check.
    Text(fn(&str) -> bool),
    /// A whole number of this range.
    Whole(i64, i64),
    /// A switch.
    Switch,
}

const HA: &[OptionRule] = &[("shutdown_policy", "ha_shutdown_policy", AllowedValue::Words(bpg::SHUTDOWN_POLICIES))];

const MIGRATION: &[OptionRule] = &[
    ("type", "migration_type", AllowedValue::Words(bpg::MIGRATIONS)),
    ("network", "migration_cidr", AllowedValue::Text(bpg::cidr)),
];

const CRS: &[OptionRule] = &[
    ("ha", "crs_ha", AllowedValue::Words(bpg::SCHEDULERS)),
    ("ha-rebalance-on-start", "crs_ha_rebalance_on_start", AllowedValue::Switch),
    ("ha-auto-rebalance", "crs_ha_auto_rebalance", AllowedValue::Switch),
    ("ha-auto-rebalance-hold-duration", "crs_ha_auto_rebalance_hold_duration", AllowedValue::Whole(0, i64::MAX)),
    ("ha-auto-rebalance-margin", "crs_ha_auto_rebalance_margin", AllowedValue::Whole(0, 100)),
    ("ha-auto-rebalance-method", "crs_ha_auto_rebalance_method", AllowedValue::Words(bpg::BALANCERS)),
    ("ha-auto-rebalance-threshold", "crs_ha_auto_rebalance_threshold", AllowedValue::Whole(0, 100)),
];

const NEXT_ID: &[OptionRule] = &[
    ("lower", "lower", AllowedValue::Whole(100, i64::MAX)),
    ("upper", "upper", AllowedValue::Whole(i64::MIN, 999_999_999)),
];

const NOTIFY: &[OptionRule] = &[
    ("fencing", "ha_fencing_mode", AllowedValue::Words(bpg::NOTIFICATIONS)),
    ("target-fencing", "ha_fencing_target", AllowedValue::Text(bpg::comment)),
    ("package-updates", "package_updates", AllowedValue::Words(bpg::UPDATE_NOTIFICATIONS)),
    ("target-package-updates", "package_updates_target", AllowedValue::Text(bpg::comment)),
    ("replication", "replication", AllowedValue::Words(bpg::NOTIFICATIONS)),
    ("target-replication", "replication_target", AllowedValue::Text(bpg::comment)),
];

/// Checks that the keys have the JSON types that the provider reads, even if it has no attribute for them.
fn readable(draft: &mut Draft<'_>) -> RowResult {
    let objects = ["crs", "ha", "tag-style", "migration", "webauthn", "next-id", "notify", "user-tag-access"];
    guard::objects(draft, &objects)?;
    guard::texts(draft, &["bwlimit"])
}

fn texts(draft: &mut Draft<'_>) {
    guard::verbatim(draft, "email_from", "email_from");
    guard::verbatim(draft, "mac_prefix", "mac_prefix");
    match draft.text("http_proxy") {
        Some(proxy) if proxy.contains('@') => {
            let description = "Proxy of the cluster with its password, as http://user:password@host:port/".to_owned();
            let variable = Variable { description, default: VariableDefault::Text(String::new()), sensitive: true };
            let value = draft.variable("cluster_http_proxy".to_owned(), variable);
            draft.set("http_proxy", value);
            draft.ignore(&["http_proxy"], "it has a password in it, which stands in no file");
        }
        proxy => draft.set_some("http_proxy", proxy),
    }
    match draft.text("description") {
        Some(text) if text.is_empty() => draft.set_default("description"),
        text => draft.set_some("description", text),
    }
}

/// Writes the limits in KiB/s. The provider cannot read the options if one has a fraction.
fn bandwidth(draft: &mut Draft<'_>) -> RowResult {
    let Some(mut limits) = draft.options("bwlimit") else { return Ok(()) };
    for option in ["clone", "default", "migration", "move", "restore"] {
        let Some(limit) = limits.take(option) else { continue };
        let Ok(limit) = limit.parse::<i64>() else {
            return Err(Obstacle::new("the provider cannot read a limit with a fraction (provider rule J3)").into());
        };
        draft.set(&format!("bandwidth_limit_{option}"), limit);
    }
    if !limits.names().is_empty() {
        draft.not_in_provider("bwlimit", "the provider does not know all of its limits (provider rule J1)");
    }
    Ok(())
}

/// Value of an option, which is `inner` for a switch; `None` if the provider would refuse it.
fn value(allowed: AllowedValue, text: String, inner: Option<bool>) -> Option<Value> {
    Some(match allowed {
        AllowedValue::Words(words) => words.contains(&&*text).then(|| text.into())?,
        AllowedValue::Text(passes) => passes(&text).then(|| text.into())?,
        AllowedValue::Whole(least, most) => {
            text.parse().ok().filter(|number| (least..=most).contains(number)).map(Value::Integer)?
        }
        AllowedValue::Switch => Value::Boolean(inner.unwrap_or_default()),
    })
}

/// Writes options that are attributes of the resource itself.
fn options(draft: &mut Draft<'_>, key: &str, known: &[OptionRule]) {
    let Some(mut options) = draft.map(key) else { return };
    for (option, attribute, allowed) in known {
        let Some(text) = options.take_raw(option) else { continue };
        let inner = guard::inner_switch(draft, key, option);
        match value(*allowed, text, inner) {
            Some(value) => draft.set(attribute, value),
            None => guard::refuse(draft, key, attribute, "J2"),
        }
    }
    keep_unknown_options(draft, key, &options.names());
}

/// Writes options that form one attribute, which is ignored if the provider refuses one of them.
fn nested(draft: &mut Draft<'_>, key: &str, attribute: &str, known: &[OptionRule]) {
    let Some(mut options) = draft.map(key) else { return };
    let mut pairs = Vec::new();
    for (option, name, allowed) in known {
        let Some(text) = options.take_raw(option) else { continue };
        let inner = guard::inner_switch(draft, key, option);
        match value(*allowed, text, inner) {
            Some(value) => pairs.push(((*name).to_owned(), value)),
            None => return guard::refuse(draft, key, attribute, "J2"),
        }
    }
    draft.set(attribute, Value::Map(pairs));
    keep_unknown_options(draft, key, &options.names());
}

/// Gives the whole key to Ansible if it has options that the provider does not know.
fn keep_unknown_options(draft: &mut Draft<'_>, key: &str, names: &[String]) {
    if !names.is_empty() {
        draft.not_in_provider(
            key,
            format!("the provider does not know `{}` in it (provider rule J1)", names.join("`, `")),
        );
    }
}
