//! Consequences: what putting the cluster back would do to a guest, by the provider's impact table.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_code::Document;
use proxmox_mpc_code::outline::outline;
use proxmox_mpc_code::quote::unquote;
use proxmox_mpc_generators::bpg::impact::{self, Change, Effect, Guest, Impact};
use proxmox_mpc_model::observation::ObjectState;

use super::comparison::Comparison;
use super::{Drift, DriftKind};

/// A guest as the cluster has it, and as its code has it.
struct Seen<'c> {
    state: &'c ObjectState,
    runs: bool,
    /// The attributes of its code, by path.
    code: &'c BTreeMap<String, String>,
}

impl Guest for Seen<'_> {
    fn runs(&self) -> bool {
        self.runs
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
    let cluster = outline(comparison.theirs.block(&drift.identity)?.text).ok()?;
    let code = written(drift, comparison).unwrap_or_else(|| cluster.clone());
    let state = comparison.observation.objects.get(&drift.identity)?;
    let runs = cluster.get("started").is_none_or(|started| started == "true");
    let seen = Seen { state, runs, code: &code };
    let plain = |text: &Option<String>| text.as_deref().map(unquote);
    let values: Vec<_> = drift
        .code
        .iter()
        .filter(|difference| !difference.attribute.is_empty())
        .map(|difference| (&difference.attribute, plain(&difference.cluster), plain(&difference.code)))
        .collect();
    let mut changes: Vec<Change<'_>> = values
        .iter()
        .map(|(path, before, after)| Change { resource_type, path, before: before.as_deref(), after: after.as_deref() })
        .collect();
    // Some blocks count as a whole: one that is added or removed replaces the object.
    let blocks = |outline: &BTreeMap<String, String>| -> BTreeSet<String> {
        outline.keys().filter_map(|path| Some(path.split_once(']')?.0.to_owned())).collect()
    };
    let (before, after) = (blocks(&cluster), blocks(&code));
    changes.extend(before.symmetric_difference(&after).map(|path| Change {
        resource_type,
        path,
        before: before.contains(path).then_some(""),
        after: after.contains(path).then_some(""),
    }));
    impact::of_object(&changes, Some(&seen))
}

/// The attributes of an object's own block, where it has one.
fn written(drift: &Drift, comparison: &Comparison) -> Option<BTreeMap<String, String>> {
    let place = comparison.merge.places.get(drift.identity.as_str())?;
    let text = comparison.ours.get(&place.file)?;
    let document = Document::parse(text).ok()?;
    let block = document.resource(&place.address)?;
    outline(text.get(block.range())?).ok()
}
