//! Side effects of a plan outside of the twin: a rehearsal finds them and refuses to apply the plan.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toolchain::terraform::PlannedResource;

/// The end of the source of the provider that uses the twin.
const OURS: &str = "/bpg/proxmox";
/// Providers that only generate values.
const HARMLESS: [&str; 5] =
    ["terraform.io/builtin/terraform", "/hashicorp/random", "/hashicorp/tls", "/hashicorp/time", "/hashicorp/null"];

/// Side effect of an apply outside of the twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SideEffect {
    /// A resource of another provider.
    Resource { address: String, provider: String },
    /// A program that a resource starts.
    Provisioner { address: String },
    /// A provider block that does not use the twin.
    Provider { name: String },
}

/// Finds the side effects of a plan outside of the twin at `endpoint`. `json` is the output of `show -json`, and `planned` was
/// read from it.
pub(super) fn find(
    json: &str,
    planned: &[PlannedResource],
    endpoint: &str,
) -> Result<Vec<SideEffect>, serde_json::Error> {
    let shown: Value = serde_json::from_str(json)?;
    let mut effects: Vec<SideEffect> = planned
        .iter()
        .filter(|planned| planned.action.is_some())
        .filter(|planned| !planned.provider.ends_with(OURS))
        .filter(|planned| !HARMLESS.iter().any(|harmless| planned.provider.ends_with(harmless)))
        .map(|planned| SideEffect::Resource { address: planned.address.clone(), provider: planned.provider.clone() })
        .collect();
    let configuration = &shown["configuration"];
    for (name, provider) in configuration["provider_config"].as_object().into_iter().flatten() {
        let ours = provider["full_name"].as_str().is_some_and(|name| name.ends_with(OURS));
        let here = provider["expressions"]["endpoint"]["constant_value"] == endpoint;
        if ours && !here {
            effects.push(SideEffect::Provider { name: name.clone() });
        }
    }
    let touched: BTreeSet<&str> = planned
        .iter()
        .filter(|planned| planned.action.is_some())
        .map(|planned| planned.address.split('[').next().unwrap_or_default())
        .collect();
    provisioners("", &configuration["root_module"], &touched, &mut effects);
    Ok(effects)
}

/// Adds the resources of a module, and of those that it calls, that start programs and are changed by the plan.
fn provisioners(prefix: &str, module: &Value, touched: &BTreeSet<&str>, effects: &mut Vec<SideEffect>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        let address = format!("{prefix}{}", resource["address"].as_str().unwrap_or_default());
        let starts = resource["provisioners"].as_array().is_some_and(|list| !list.is_empty());
        // Every such resource of a module counts: addresses in modules may have keys, which the configuration does not show.
        if starts && (touched.contains(address.as_str()) || !prefix.is_empty()) {
            effects.push(SideEffect::Provisioner { address });
        }
    }
    for (name, call) in module["module_calls"].as_object().into_iter().flatten() {
        provisioners(&format!("{prefix}module.{name}."), &call["module"], touched, effects);
    }
}

impl std::fmt::Display for SideEffect {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource { address, provider } => write!(formatter, "{address} belongs to {provider}"),
            Self::Provisioner { address } => write!(formatter, "{address} starts programs (`provisioner`)"),
            Self::Provider { name } => write!(formatter, "provider {name} cannot be pointed at the twin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::toolchain::terraform::planned;

    #[test]
    fn side_effects_are_found() {
        let change = |address: &str, provider: &str, action: &str| {
            json!({"address": address, "type": "t", "mode": "managed",
                   "provider_name": format!("registry.terraform.io/{provider}"), "change": {"actions": [action]}})
        };
        let shown = json!({
            "resource_changes": [
                change("a.vm", "bpg/proxmox", "update"), change("b.file", "hashicorp/local", "create"),
                change("c.id", "hashicorp/random", "create"), change("d.file", "hashicorp/local", "no-op"),
            ],
            "configuration": {
                "provider_config": {
                    "proxmox": {"full_name": "registry.terraform.io/bpg/proxmox", "expressions": {"endpoint": {"constant_value": "https://twin/"}}},
                    "m:proxmox": {"full_name": "registry.terraform.io/bpg/proxmox", "expressions": {"endpoint": {"references": ["var.x"]}}},
                    "local": {"full_name": "registry.terraform.io/hashicorp/local"},
                },
                "root_module": {
                    "resources": [{"address": "a.vm", "provisioners": [{"type": "local-exec"}]},
                                  {"address": "z.vm", "provisioners": [{"type": "local-exec"}]}],
                    "module_calls": {"m": {"module": {"resources": [{"address": "n.x", "provisioners": [{}]}]}}},
                },
            },
        })
        .to_string();
        let effects = find(&shown, &planned(&shown).unwrap(), "https://twin/").unwrap();
        let sentences: Vec<String> = effects.iter().map(ToString::to_string).collect();
        assert_eq!(
            sentences,
            [
                "b.file belongs to registry.terraform.io/hashicorp/local",
                "provider m:proxmox cannot be pointed at the twin",
                "a.vm starts programs (`provisioner`)",
                "module.m.n.x starts programs (`provisioner`)",
            ]
        );
    }
}
