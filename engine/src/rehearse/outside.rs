//! What a plan would do outside of the twin: a rehearsal does none of it, and says what it is.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::toolchain::terraform::Planned;

/// The end of the source of the one provider that speaks to the twin.
const OURS: &str = "/bpg/proxmox";
/// Providers that only make values.
const HARMLESS: [&str; 5] =
    ["terraform.io/builtin/terraform", "/hashicorp/random", "/hashicorp/tls", "/hashicorp/time", "/hashicorp/null"];

/// Something that an apply would really do, somewhere else than on the twin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outside {
    /// A resource of another provider.
    Resource { address: String, provider: String },
    /// A program that an apply starts.
    Provisioner { address: String },
    /// A block of the provider that leads elsewhere.
    Provider { name: String },
}

/// What the plan would do elsewhere than at `endpoint`, given the one line of `show -json` and what was read from it.
pub(super) fn find(json: &str, planned: &[Planned], endpoint: &str) -> Result<Vec<Outside>, serde_json::Error> {
    let shown: Value = serde_json::from_str(json)?;
    let mut found: Vec<Outside> = planned
        .iter()
        .filter(|planned| planned.action.is_some())
        .filter(|planned| !planned.provider.ends_with(OURS))
        .filter(|planned| !HARMLESS.iter().any(|harmless| planned.provider.ends_with(harmless)))
        .map(|planned| Outside::Resource { address: planned.address.clone(), provider: planned.provider.clone() })
        .collect();
    let configuration = &shown["configuration"];
    for (name, provider) in configuration["provider_config"].as_object().into_iter().flatten() {
        let ours = provider["full_name"].as_str().is_some_and(|name| name.ends_with(OURS));
        let here = provider["expressions"]["endpoint"]["constant_value"] == endpoint;
        if ours && !here {
            found.push(Outside::Provider { name: name.clone() });
        }
    }
    let touched: BTreeSet<&str> = planned
        .iter()
        .filter(|planned| planned.action.is_some())
        .map(|planned| planned.address.split('[').next().unwrap_or_default())
        .collect();
    provisioners("", &configuration["root_module"], &touched, &mut found);
    Ok(found)
}

/// The resources of a module and of those that it calls that start programs, where the plan touches them.
fn provisioners(prefix: &str, module: &Value, touched: &BTreeSet<&str>, found: &mut Vec<Outside>) {
    for resource in module["resources"].as_array().into_iter().flatten() {
        let address = format!("{prefix}{}", resource["address"].as_str().unwrap_or_default());
        let starts = resource["provisioners"].as_array().is_some_and(|list| !list.is_empty());
        // A module that is called more than once has keys in its addresses: then any of it counts.
        if starts && (touched.contains(address.as_str()) || !prefix.is_empty()) {
            found.push(Outside::Provisioner { address });
        }
    }
    for (name, call) in module["module_calls"].as_object().into_iter().flatten() {
        provisioners(&format!("{prefix}module.{name}."), &call["module"], touched, found);
    }
}

impl std::fmt::Display for Outside {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource { address, provider } => write!(formatter, "{address} belongs to {provider}"),
            Self::Provisioner { address } => write!(formatter, "{address} starts programs (`provisioner`)"),
            Self::Provider { name } => write!(formatter, "provider {name} cannot be led to the twin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::toolchain::terraform::planned;

    #[test]
    fn what_leads_elsewhere_is_found() {
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
        let found = find(&shown, &planned(&shown).unwrap(), "https://twin/").unwrap();
        let told: Vec<String> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "b.file belongs to registry.terraform.io/hashicorp/local",
                "provider m:proxmox cannot be led to the twin",
                "a.vm starts programs (`provisioner`)",
                "module.m.n.x starts programs (`provisioner`)",
            ]
        );
    }
}
