//! Classification of what differs: drift by object, code that is ahead, and drift that somebody does not want to be told of.

use std::collections::{BTreeMap, BTreeSet};

use proxmox_mpc_code::lines;
use proxmox_mpc_code::merge::{Notice, NoticeKind, Owner};
use proxmox_mpc_generators::coverage::{Fate, ObjectCoverage, Outcome};
use proxmox_mpc_model::observation::{AttributeChange, Event, ObjectChange};
use proxmox_mpc_model::{Identity, kinds};

use super::accepted::Accepted;
use super::comparison::Comparison;
use super::report::{CodeDifference, Drift, DriftKind, DriftReport, Silenced, Watch};
use super::rules::Rules;
use super::severity::{self, Severity};
use super::{DriftError, consequences};
use crate::timeline::code;
use crate::timeline::generated_tree::GeneratedTree;

/// The report of a comparison.
pub(super) fn report(comparison: &Comparison, rules: &Rules, accepted: &Accepted) -> DriftReport {
    let code = CodeDrift::of(comparison);
    let (mut drift, mut silenced) = (Vec::new(), Vec::new());
    for change in &comparison.changes.objects {
        let Some(mut object) = code.drift(change) else { continue };
        let identity = object.identity.clone();
        if let Some(rule) = rules.ignore(&mut object) {
            silenced.push(Silenced { identity, reason: Some(rule.reason.clone()) });
        } else if accepted.has(&object, comparison) {
            silenced.push(Silenced { identity, reason: None });
        } else {
            object.severity = severity::of_drift(&object);
            object.revert = consequences::of_revert(&object, comparison);
            drift.push(object);
        }
    }
    drift.sort_by(|one, other| other.severity.cmp(&one.severity).then_with(|| one.identity.cmp(&other.identity)));
    let ahead = comparison.edited.objects.iter().filter(|change| change.state != code::CodeState::Moved);
    DriftReport {
        workspace: comparison.workspace.root().to_owned(),
        since: comparison.since,
        time: comparison.time,
        ahead: ahead.map(|change| change.identity.clone()).filter(|identity| !code.is_settled(identity)).collect(),
        drift,
        silenced,
        expired: rules.expired.clone(),
        without_code: without_code(comparison),
        coverage: comparison.coverage.total().percent(),
        not_read: comparison.not_read,
        watch: Watch::default(),
    }
}

/// The drift that somebody named: by identity, by name or VMID of a guest; all of it without a name.
pub(super) fn choose<'d>(drift: &'d [Drift], words: &[String]) -> Result<Vec<&'d Drift>, DriftError> {
    if words.is_empty() {
        return Ok(drift.iter().collect());
    }
    let mut chosen = Vec::new();
    for word in words {
        let is_meant = |drift: &&Drift| {
            let is_guest = matches!(drift.identity.prefix(), "qemu" | "lxc");
            drift.identity.as_str() == word
                || is_guest && (drift.identity.id() == word || drift.name.as_deref() == Some(word))
        };
        let before = chosen.len();
        chosen.extend(drift.iter().filter(is_meant));
        if chosen.len() == before {
            return Err(DriftError::NoDrift { word: word.clone() });
        }
    }
    chosen.sort_by(|one, other| one.identity.cmp(&other.identity));
    chosen.dedup_by(|one, other| one.identity == other.identity);
    Ok(chosen)
}

/// The objects that exist, are settings that people make, and have no code.
fn without_code(comparison: &Comparison) -> Vec<Identity> {
    let has_none = |(identity, object): &(&Identity, &ObjectCoverage)| {
        let is_absent =
            comparison.merge.places.get(identity.as_str()).is_some_and(|place| place.owner == Owner::Absent);
        matches!(object.outcome, Outcome::NotImportable { .. } | Outcome::Excluded) || is_absent
    };
    comparison.coverage.objects.iter().filter(has_none).map(|(identity, _)| identity.clone()).collect()
}

/// What the code says other than the cluster, by object.
struct CodeDrift<'c> {
    comparison: &'c Comparison,
    /// Differences that the merge found in files that somebody has edited.
    merged: BTreeMap<&'c str, Vec<CodeDifference>>,
    /// Files that are as they were generated.
    pristine: BTreeSet<&'c str>,
}

impl<'c> CodeDrift<'c> {
    fn of(comparison: &'c Comparison) -> Self {
        let Comparison { base, ours, merge, .. } = comparison;
        let mut merged: BTreeMap<&str, Vec<CodeDifference>> = BTreeMap::new();
        for edit in &merge.edits {
            let text = |text: &String| (!text.is_empty()).then(|| text.clone());
            merged.entry(&edit.object).or_default().push(CodeDifference {
                attribute: edit.attribute.clone(),
                file: edit.file.clone(),
                line: Some(edit.line),
                code: text(&edit.before),
                cluster: text(&edit.after),
                is_conflict: false,
                only_told: None,
            });
        }
        for conflict in &merge.conflicts {
            merged.entry(&conflict.object).or_default().push(CodeDifference {
                attribute: conflict.attribute.clone(),
                file: conflict.file.clone(),
                line: None,
                code: conflict.ours.clone(),
                cluster: conflict.theirs.clone(),
                is_conflict: true,
                only_told: None,
            });
        }
        for notice in merge.notices.iter().filter(|notice| notice.kind == NoticeKind::Drift) {
            let place = merge.places.get(&notice.object);
            merged.entry(&notice.object).or_default().push(CodeDifference {
                attribute: notice.attribute.clone(),
                file: place.map(|place| place.file.clone()).unwrap_or_default(),
                line: None,
                code: None,
                cluster: None,
                is_conflict: false,
                only_told: Some(notice.text.clone()),
            });
        }
        let is_pristine = |(path, text): &(&'c String, &'c String)| base.files.get(*path) == Some(*text);
        let pristine = ours.iter().filter(is_pristine).map(|(path, _)| path.as_str()).collect();
        Self { comparison, merged, pristine }
    }

    /// The drift of an object that changed in the cluster; `None` if the code says what the cluster says.
    fn drift(&self, change: &ObjectChange) -> Option<Drift> {
        let identity = &change.identity;
        let place = self.comparison.merge.places.get(identity.as_str());
        if place.is_some_and(|place| place.owner == Owner::Absent) {
            // Somebody took it out of the code: what becomes of it is no business of the code.
            return None;
        }
        let code = self.code(identity);
        let base = self.comparison.base.manifest.objects.get(identity).filter(|entry| !entry.skip);
        let kind = match change.event {
            Event::Gone if self.is_still_code(identity) || self.is_in_ansible(identity) => DriftKind::Gone,
            Event::Gone => return None,
            Event::New | Event::FirstRead if self.is_in_code(identity) => return None,
            Event::New | Event::FirstRead if self.is_plain_fact(identity) => return None,
            Event::New | Event::FirstRead => DriftKind::New,
            Event::Changed => {
                let (only_moved, uncovered) = (only_moved(change), self.uncovered(change));
                if code.is_empty() && !uncovered && !self.is_in_ansible(identity) {
                    return None;
                }
                if only_moved { DriftKind::Moved } else { DriftKind::Changed }
            }
        };
        let address = place.map(|place| place.address.clone()).filter(|address| !address.is_empty());
        Some(Drift {
            identity: identity.clone(),
            name: change.name.clone(),
            kind,
            address: address.or_else(|| base.map(|entry| entry.address.clone())).filter(|_| kind != DriftKind::New),
            renamed: change.renamed.clone(),
            moved: change.moved.clone(),
            settings: change.attributes.clone(),
            code,
            severity: Severity::Low,
            revert: None,
            origin: change.origin.clone(),
        })
    }

    /// The places in the code that say something else of an object.
    fn code(&self, identity: &Identity) -> Vec<CodeDifference> {
        if let Some(differences) = self.merged.get(identity.as_str()) {
            return differences.clone();
        }
        let Comparison { base, theirs, .. } = self.comparison;
        let Some(before) = base.block(identity).filter(|block| self.pristine.contains(block.file)) else {
            return Vec::new();
        };
        let after = theirs.block(identity);
        let differences = code::differences(before.text, after.as_ref().map_or("", |block| block.text));
        let difference = |attribute: code::CodeAttribute| CodeDifference {
            attribute: attribute.path,
            file: before.file.to_owned(),
            line: None,
            code: attribute.generated,
            cluster: attribute.workspace,
            is_conflict: false,
            only_told: None,
        };
        differences.into_iter().map(difference).collect()
    }

    /// Reports whether the code has an object that is gone from the cluster.
    fn is_still_code(&self, identity: &Identity) -> bool {
        let Comparison { base, merge, .. } = self.comparison;
        let is_kept = |notice: &Notice| notice.kind == NoticeKind::Gone && notice.object == identity.as_str();
        self.merged.contains_key(identity.as_str())
            || merge.notices.iter().any(is_kept)
            || base.block(identity).is_some_and(|block| self.pristine.contains(block.file))
    }

    /// Reports whether the code has an object that is new in the cluster.
    fn is_in_code(&self, identity: &Identity) -> bool {
        let Comparison { merge, ours, coverage, .. } = self.comparison;
        let Some(place) = merge.places.get(identity.as_str()) else {
            let in_ansible = |object: &ObjectCoverage| matches!(object.outcome, Outcome::Ansible { .. });
            return coverage.objects.get(identity).is_some_and(in_ansible) && !self.is_in_ansible(identity);
        };
        let has_block = |text: &String| lines::resource_addresses(text).any(|address| address == place.address);
        place.owner == Owner::Person && self.is_persons(identity) || ours.get(&place.file).is_some_and(has_block)
    }

    /// Reports whether a person wrote an object's code, so that the merge adds none.
    fn is_persons(&self, identity: &Identity) -> bool {
        let merge = &self.comparison.merge;
        !merge.edits.iter().any(|edit| edit.object == identity.as_str() && edit.before.is_empty())
    }

    /// Reports whether an object is none that code could have: a snapshot, a volume, what comes with Proxmox.
    fn is_plain_fact(&self, identity: &Identity) -> bool {
        let coverage = self.comparison.coverage.objects.get(identity);
        coverage.is_some_and(|object| matches!(object.outcome, Outcome::Fact | Outcome::BuiltIn))
    }

    /// Reports whether the tasks of Ansible that keep the object lack what changed.
    fn is_in_ansible(&self, identity: &Identity) -> bool {
        let Comparison { base, theirs, ours, .. } = self.comparison;
        if base.manifest.tasks.get(identity) == theirs.manifest.tasks.get(identity) {
            return false;
        }
        let tasks = |text: Option<&String>| -> Vec<String> {
            let all = text.map(|text| lines::tasks(text)).unwrap_or_default().into_iter();
            all.filter(|(name, _)| *name == identity.as_str()).map(|(_, text)| text.trim_end().to_owned()).collect()
        };
        let paths = base.files.keys().chain(theirs.files.keys()).filter(|path| path.ends_with("/tasks/main.yml"));
        paths.into_iter().any(|path| tasks(theirs.files.get(path)) != tasks(ours.get(path)))
    }

    /// Reports whether a setting changed that no code keeps, and that is not back at its default.
    fn uncovered(&self, change: &ObjectChange) -> bool {
        let fates = self.comparison.coverage.objects.get(&change.identity).map(|object| &object.keys);
        let kind = kinds::of(&change.identity);
        let is_uncovered = |setting: &AttributeChange| {
            let key = |name: &str| fates.and_then(|fates| fates.get(name));
            let property = setting.property.as_ref().and_then(|property| key(&format!("{}.{property}", setting.key)));
            match property.or_else(|| key(&setting.key)) {
                Some(Fate::NotExpressible(_) | Fate::NotCovered | Fate::Excluded) => true,
                Some(Fate::Terraform | Fate::Ansible(_) | Fate::Default | Fate::Volatile) => false,
                None => {
                    let default = kind.and_then(|kind| kind.key(&setting.key)).and_then(|key| key.default);
                    setting.before.as_deref() != default && !self.is_settled_by_code(&change.identity)
                }
            }
        };
        change.attributes.iter().any(is_uncovered)
    }

    /// Reports whether the generated code of an object changed: what is in code is decided there.
    fn is_settled_by_code(&self, identity: &Identity) -> bool {
        let Comparison { base, theirs, .. } = self.comparison;
        let block = |tree: &GeneratedTree| tree.block(identity).map(|block| block.text.to_owned());
        block(base) != block(theirs)
    }

    /// Reports whether an object's code says what the cluster says, whoever changed it.
    fn is_settled(&self, identity: &Identity) -> bool {
        self.is_settled_by_code(identity) && self.code(identity).is_empty()
    }
}

/// Reports whether nothing but its node changed.
fn only_moved(change: &ObjectChange) -> bool {
    change.moved.is_some() && change.renamed.is_none() && change.attributes.is_empty()
}
