//! Proof of what changed: parts of the code whose text or whose answers are as in their last proof are not planned again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use proxmox_mpc_code::lock_file;
use proxmox_mpc_code::parts::{Part, Parts, base};
use proxmox_mpc_generators::Manifest;
use proxmox_mpc_twin::Recording;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::answers::{AnswerDigests, Topics, Watched, topics};
use super::records::{LastProof, PartRecord, Records};
use super::surroundings::{self, Stamp};
use super::{Proof, RecordError, VerifyError, expected, manifest, on_twin, pinned};
use crate::operation::Context;
use crate::toolchain::terraform;
use crate::workbench::{files, root_module};
use crate::workspace::{Workspace, hexadecimal};

/// A part of the code that was planned, and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Chosen {
    /// Its address: `proxmox_virtual_environment_vm.web`, `local.bridge`.
    pub address: String,
    /// The reason.
    pub why: Why,
}

/// Reason why a part of the code was planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No earlier proof covers it.
    New,
    /// Its code, or the code of something that it refers to, has changed.
    Code,
    /// The answers that the provider reads for it have changed.
    Answers,
    /// The programs, or Terraform's settings, have changed.
    Programs,
    /// This expression may have another value each time.
    Open(String),
}

/// The code in parts, with what decides the proof of each.
struct Known {
    parts: Parts,
    manifest: Manifest,
    /// The ids in the manifest by which instances of a block are imported.
    ids: BTreeMap<String, Vec<String>>,
    expected: BTreeSet<String>,
    answers: AnswerDigests,
    /// The lock file.
    lock: String,
}

/// Proves what changed since the last proof, or `all` of the code, against a twin of `recording`, which was opened from
/// `path`. `choice` is the program to run, if there is a choice. It blocks for as long as Terraform runs.
pub(super) fn prove(
    workspace: &Workspace,
    (path, recording): (&Path, &Arc<Recording>),
    choice: Option<&Path>,
    all: bool,
    context: &Context,
) -> Result<Proof, VerifyError> {
    let programs = surroundings::programs(choice, context)?;
    let stamp = surroundings::recording(path).ok();
    // A folder that cannot be read is an error later, after that of a program that is not there.
    let inputs = surroundings::inputs(workspace).unwrap_or_default();
    let mut records = if all { Records::default() } else { Records::read(workspace) };
    let whole_inputs = inputs.as_ref().zip(programs.as_ref()).map(|(inputs, programs)| format!("{inputs}{programs}"));
    if let (Some(last), Some(stamp), Some(inputs)) = (&records.last, &stamp, &whole_inputs)
        && last.recording == stamp.digest
        && &last.inputs == inputs
    {
        return Ok(Proof::unchanged(last.objects, last.tool.clone(), last.provider.clone(), last.pinned.clone()));
    }
    let tool = terraform::find(choice, context)?;
    let known = match (&programs, &inputs) {
        (None, _) => Err("the programs may change without a trace".to_owned()),
        (_, None) => Err("its code is not only in `.tf` files".to_owned()),
        _ => Known::read(workspace, recording)?,
    };
    let known = match known {
        Ok(known) => known,
        Err(why) => {
            let watched = Watched::new(Arc::clone(recording));
            let mut proof = on_twin(workspace, recording, watched, None, &tool, context)?;
            proof.whole = (!all).then_some(why);
            return Ok(proof);
        }
    };
    let programs = programs.unwrap_or_default();
    let chosen = known.chosen(&records, &programs);
    if chosen.is_empty() {
        let proof = Proof::unchanged(known.expected.len(), tool.to_string(), known.provider(), pinned(&known.manifest));
        records.last = last(&proof, stamp.as_ref(), whole_inputs);
        records.write(workspace);
        return Ok(proof);
    }
    let is_whole = chosen.len() == known.parts.keys().count();
    let mut planned = known.needed(&chosen);
    let watched = Watched::new(Arc::clone(recording));
    let selection = (!is_whole).then_some((&known.parts, &planned));
    let mut proof = on_twin(workspace, recording, Arc::clone(&watched), selection, &tool, context)?;
    let mut is_whole = is_whole;
    if !is_whole && !proof.complete {
        // Terraform's complaint may be about the selection. The whole code decides.
        is_whole = true;
        proof = on_twin(workspace, recording, Arc::clone(&watched), None, &tool, context)?;
    }
    if is_whole {
        planned = known.parts.keys().collect();
    }
    proof.unchanged = known.expected.iter().filter(|address| !planned.contains(&*base(address))).count();
    proof.expected = known.expected.len();
    proof.proved = proof.expected - proof.unchanged;
    // A recording or code that was changed meanwhile is not what was proved.
    let same = surroundings::recording(path).ok().map(|after| after.digest)
        == stamp.as_ref().map(|stamp| stamp.digest.clone())
        && surroundings::inputs(workspace).unwrap_or_default() == inputs;
    if same {
        let common = watched.others(&known.topics_of_all(&planned));
        records.keep(&known, &planned, &programs, common, &proof);
        let remains = proof.clean && known.chosen(&records, &programs).is_empty();
        records.last = if remains { last(&proof, stamp.as_ref(), whole_inputs) } else { None };
        records.write(workspace);
    }
    proof.chosen = if all { Vec::new() } else { chosen };
    Ok(proof)
}

/// The record of a proof after which nothing is left to prove; none for a recording that is too young for its stamp to be
/// trusted.
fn last(proof: &Proof, stamp: Option<&Stamp>, inputs: Option<String>) -> Option<LastProof> {
    let stamp = stamp.filter(|stamp| stamp.settled)?;
    Some(LastProof {
        inputs: inputs?,
        recording: stamp.digest.clone(),
        objects: proof.expected,
        tool: proof.tool.clone(),
        provider: proof.provider.clone(),
        pinned: proof.pinned.clone(),
    })
}

impl Records {
    /// Keeps the records of the planned parts that are proved, and forgets the others of them.
    fn keep(
        &mut self,
        known: &Known,
        planned: &BTreeSet<&str>,
        programs: &str,
        common: BTreeSet<String>,
        proof: &Proof,
    ) {
        if self.surroundings != programs {
            *self =
                Self { surroundings: programs.to_owned(), common: std::mem::take(&mut self.common), ..Self::default() };
        }
        self.common.extend(common);
        self.parts.retain(|key, _| known.parts.get(key).is_some());
        let differences = proof.differences.iter().map(|difference| base(&difference.difference.address));
        let failed: BTreeSet<String> = differences.chain(proof.missing.iter().map(|address| base(address))).collect();
        for key in planned {
            let closure = known.parts.closure(key);
            let touched = closure.parts.iter().any(|part| failed.contains(*part));
            if !proof.complete || touched || closure.open.is_some() {
                self.parts.remove(*key);
            } else {
                self.parts.insert((*key).to_owned(), known.record(key, &self.common));
            }
        }
    }
}

impl Known {
    /// Reads the code in parts; the inner error says why that cannot be done.
    fn read(workspace: &Workspace, recording: &Arc<Recording>) -> Result<Result<Self, String>, VerifyError> {
        let parts = match Parts::read(&files(&workspace.terraform())?) {
            Ok(parts) => parts,
            Err(inseparable) => return Ok(Err(inseparable.0)),
        };
        let lock = workspace.terraform().join(".terraform.lock.hcl");
        let lock = std::fs::read_to_string(lock).unwrap_or_default();
        if !parts.is_pinned() && lock_file::version(&lock, "/bpg/proxmox").is_none() {
            return Ok(Err("the code takes any new version of the provider".to_owned()));
        }
        let (manifest, code) = (manifest(workspace)?, root_module(workspace)?);
        let expected = expected(&manifest, &code);
        if let Some(missing) = expected.iter().find(|address| !parts.get(&base(address)).is_some_and(Part::is_defined))
        {
            return Ok(Err(format!("`{missing}` has no block in the code")));
        }
        let paths = recording.paths().map_err(RecordError::from);
        let answers = paths.and_then(|paths| Ok(AnswerDigests::read(&**recording, paths)?));
        let answers = match answers {
            Ok(answers) => answers,
            Err(RecordError::Answer(error)) => return Err(error.into()),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let mut ids: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (_, address, object) in manifest.in_code().filter(|(_, _, object)| !object.import_id.is_empty()) {
            ids.entry(base(address)).or_default().push(object.import_id.clone());
        }
        Ok(Ok(Self { parts, manifest, ids, expected, answers, lock }))
    }

    fn provider(&self) -> Option<String> {
        lock_file::version(&self.lock, "/bpg/proxmox").or_else(|| pinned(&self.manifest))
    }

    /// The parts without a valid record, in the order of their keys.
    fn chosen(&self, records: &Records, programs: &str) -> Vec<Chosen> {
        let why = |key: &str| {
            if let Some(open) = self.parts.closure(key).open {
                return Some(Why::Open(open.to_owned()));
            }
            let Some(record) = records.parts.get(key) else { return Some(Why::New) };
            if records.surroundings != programs {
                return Some(Why::Programs);
            }
            let now = self.record(key, &records.common);
            if record.code != now.code {
                return Some(Why::Code);
            }
            (record.answers != now.answers).then_some(Why::Answers)
        };
        self.parts.keys().filter_map(|key| Some(Chosen { address: key.to_owned(), why: why(key)? })).collect()
    }

    /// The keys of chosen parts and of everything that they refer to.
    fn needed<'k>(&'k self, chosen: &'k [Chosen]) -> BTreeSet<&'k str> {
        chosen.iter().flat_map(|part| self.parts.closure(&part.address).parts).collect()
    }

    /// The digests that a record of a part has.
    fn record(&self, key: &str, common: &BTreeSet<String>) -> PartRecord {
        let closure = self.parts.closure(key);
        let mut code = Sha256::new();
        let mut add = |text: &str| {
            code.update(text.len().to_le_bytes());
            code.update(text);
        };
        self.parts.header().for_each(&mut add);
        add(&self.lock);
        for part in &closure.parts {
            add(part);
            self.parts.texts(part).for_each(&mut add);
            self.ids(part).for_each(&mut add);
        }
        closure.undefined.iter().for_each(|key| add(key));
        let mut topics = Topics::Of(common.clone());
        closure.read.iter().for_each(|key| topics.extend(self.topics(key)));
        PartRecord { code: hexadecimal(&code.finalize()), answers: self.answers.of(&topics) }
    }

    /// The topics of the answers that are read for a resource.
    fn topics(&self, key: &str) -> Topics {
        let resource = key.split('.').next().unwrap_or_default();
        let imports = self.parts.get(key).map(|part| part.imports.as_slice()).unwrap_or_default();
        let ids: Vec<Option<&str>> = imports.iter().map(Option::as_deref).chain(self.ids(key).map(Some)).collect();
        if ids.is_empty() {
            return Topics::All;
        }
        let mut all = Topics::Of(BTreeSet::new());
        for id in ids {
            all.extend(topics(resource, id));
        }
        all
    }

    fn topics_of_all(&self, keys: &BTreeSet<&str>) -> Topics {
        let mut all = Topics::Of(BTreeSet::new());
        let resources = keys.iter().filter(|key| self.parts.get(key).is_some_and(Part::is_defined));
        resources.for_each(|key| all.extend(self.topics(key)));
        all
    }

    fn ids(&self, key: &str) -> impl Iterator<Item = &str> {
        self.ids.get(key).into_iter().flatten().map(String::as_str)
    }
}
