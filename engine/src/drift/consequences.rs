//! Consequences: what putting the cluster back would do to a guest, by the provider's impact table.

use std::collections::BTreeMap;

use proxmox_mpc_code::outline::outline;
use proxmox_mpc_code::quote::unquote;
use proxmox_mpc_generators::bpg::impact::{self, Change, Effect, Guest, Impact};
use proxmox_mpc_model::observation::ObjectState;

use super::comparison::Comparison;
use super::{Drift, DriftKind};

/// A guest as the cluster has it, and as its code has it.
struct Seen<'c> {
    state: &'c ObjectState,
    /// The generated code of the guest now.
    code: BTreeMap<String, String>,
}

impl Guest for Seen<'_> {
    fn runs(&self) -> bool {
        self.written("started") == Some(true)
    }

    fn key(&self, name: &str) -> Option<String> {
        self.state.keys.get(name)?.as_str().map(str::to_owned)
    }

    fn keys(&self) -> Vec<String> {
        self.state.keys.keys().cloned().collect()
    }

    fn written(&self, attribute: &str) -> Option<bool> {
        match self.code.get(attribute)?.as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}

/// The impact of an apply that puts an object back as its code has it; `None` where no code has it.
pub(super) fn of_revert(drift: &Drift, comparison: &Comparison) -> Option<Impact> {
    if drift.kind == DriftKind::Gone {
        let note = "created anew, with new and empty disks where it has any".to_owned();
        return Some(Impact {
            effect: Effect::Replace,
            is_clean: None,
            note,
            attribute: String::new(),
            evidence: None,
        });
    }
    let resource_type = drift.address.as_deref()?.rsplit('.').nth(1)?.split('[').next()?;
    let block = comparison.theirs.block(&drift.identity)?;
    let code = outline(block.text).ok()?;
    let state = comparison.observation.objects.get(&drift.identity)?;
    let seen = Seen { state, code };
    let plain = |text: &Option<String>| text.as_deref().map(unquote);
    let values: Vec<_> = drift
        .code
        .iter()
        .filter(|difference| !difference.attribute.is_empty())
        .map(|difference| (&difference.attribute, plain(&difference.cluster), plain(&difference.code)))
        .collect();
    let changes: Vec<Change<'_>> = values
        .iter()
        .map(|(path, before, after)| Change { resource_type, path, before: before.as_deref(), after: after.as_deref() })
        .collect();
    impact::of_object(&changes, Some(&seen))
}
