//! Verify: proves that the code is the cluster. The real Terraform with the real provider plans the code, and the plan must
//! have nothing to do but imports.
//!
//! Neither a cluster nor a state is ever written to.

mod answers;
mod changed;
mod comparison;
mod explain;
mod judgement;
mod known_causes;
mod missing_privileges;
mod proof;
mod record;
mod records;
mod request;
mod surroundings;
mod values;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc_code::{Parts, RootModule};
use proxmox_mpc_generators::{Manifest, bpg};
use proxmox_mpc_model::Cluster;
use proxmox_mpc_twin::Recording;

pub use changed::{Chosen, Why};
pub use explain::root;
pub use proof::{Against, AnswerCounts, ExplainedDifference, ExplainedError, Explanation, LiveRefusal, Proof};
pub use record::{Mismatch, ProofRecord, RecordError, digest, generated};
pub use request::VerifyRequest;
pub use values::sides;

pub use crate::workbench::{WorkbenchError as VerifyError, manifest};

use crate::operation::event::{Diagnostic, Message};
use crate::operation::{Context, Step, StepKind};
use crate::rights::{self, roles};
use crate::toolchain::terraform::{self, Environment, Plan, Session, Tool, provider_version};
use crate::workbench::{Bench, Scratch, root_module};
use crate::workspace::Workspace;
use answers::Watched;
use comparison::Comparison;
use explain::Explainer;
use judgement::PlanRun;

/// Proves the code of `workspace` against a twin of `recording`, on a copy of the code without state, backend and
/// variables of the user. It blocks for as long as Terraform runs (`Context::block`).
pub fn against_twin(
    workspace: &Workspace,
    recording: &Arc<Recording>,
    tool: &Tool,
    context: &Context,
) -> Result<Proof, VerifyError> {
    on_twin(workspace, recording, Watched::new(Arc::clone(recording)), None, tool, context)
}

/// The same, of a selection of the code if there is one: the code in parts, and the keys of the selected ones.
fn on_twin(
    workspace: &Workspace,
    recording: &Arc<Recording>,
    answers: Arc<Watched>,
    selection: Option<(&Parts, &BTreeSet<&str>)>,
    tool: &Tool,
    context: &Context,
) -> Result<Proof, VerifyError> {
    let code = root_module(workspace)?;
    let manifest = manifest(workspace)?;
    let live_refusals = live_refusals(recording)?;
    let login = recording.about().login.clone();
    let bench = Bench::for_proof(answers, context)?;
    let scratch = Scratch::new()?;
    scratch.copy(&workspace.terraform())?;
    if let Some((parts, keys)) = selection {
        scratch.select(&parts.files(keys.iter().copied()))?;
    }
    scratch.point_at(&bench.twin.endpoint(), &code)?;
    let is_selected =
        |address: &str| selection.is_none_or(|(_, keys)| keys.contains(&*proxmox_mpc_code::parts::base(address)));
    let objects = manifest.in_code().filter(|(_, address, _)| is_selected(address));
    let missing_imports: Vec<(&str, &str)> = objects
        .filter(|(_, address, object)| !code.imports.contains(*address) && !object.import_id.is_empty())
        // An `import` block whose resource block was removed would be another error.
        .filter(|(_, address, _)| code.resources.contains(*address))
        .map(|(_, address, object)| (address, object.import_id.as_str()))
        .collect();
    scratch.import(&missing_imports)?;
    let pinned = pinned(&manifest);
    let mut expected = expected(&manifest, &code);
    expected.retain(|address| is_selected(address));
    let compare = || Comparison::new(workspace, manifest.clone(), recording).map(Some);
    let session = Session {
        tool,
        folder: scratch.code(),
        data: Some(scratch.data()),
        environment: Environment::Clean,
        token: bench.token.clone(),
        variables: code.variables.iter().map(|variable| (variable.name.clone(), variable.placeholder())).collect(),
        context,
    };
    session.init(&scratch.data())?;
    let expected = Expected { addresses: &expected, blocks: &code.resources };
    let mut proof = prove(&session, Against::Twin, &scratch.plan(), expected, &compare)?;
    proof.pinned = pinned;
    let counts = bench.twin.counts();
    bench.stop();
    proof.answers = Some(AnswerCounts { recorded: counts.recorded, derived: counts.derived, unknown: counts.unknown });
    let missing: BTreeSet<String> = live_refusals.iter().map(|refusal| refusal.privilege.clone()).collect();
    if !missing.is_empty() {
        proof.grants = roles::grant(login.as_deref().unwrap_or(ANYBODY), &missing);
    }
    proof.live_refusals = live_refusals;
    Ok(proof)
}

/// Proves the code of `workspace` against the cluster, with the user's own state, credentials and variables.
///
/// If there is a `recording`, it warns of guests whose agent Terraform would wait for.
pub fn live(
    workspace: &Workspace,
    recording: Option<&Recording>,
    tool: &Tool,
    context: &Context,
) -> Result<Proof, VerifyError> {
    let folder = workspace.terraform();
    let code = root_module(workspace)?;
    let manifest = manifest(workspace)?;
    let pinned = pinned(&manifest);
    let expected = expected(&manifest, &code);
    if let Some(recording) = recording {
        warn_of_agents(recording, context)?;
    }
    let scratch = Scratch::new()?;
    // An initialized folder knows the user's backend and workspace. One that is not is initialized in the scratch folder.
    let initialised = folder.join(".terraform").is_dir();
    let session = Session {
        tool,
        folder: folder.clone(),
        data: (!initialised).then(|| scratch.data()),
        environment: Environment::Users,
        token: None,
        variables: Vec::new(),
        context,
    };
    let _lock_file = LockFile::watch(&folder);
    if !initialised {
        session.init(&scratch.data())?;
    }
    let compare = || recording.map(|recording| Comparison::new(workspace, manifest.clone(), recording)).transpose();
    let expected = Expected { addresses: &expected, blocks: &code.resources };
    let mut proof = prove(&session, Against::Cluster, &scratch.plan(), expected, &compare)?;
    proof.pinned = pinned;
    let diagnostics: Vec<Diagnostic> = proof.errors.iter().map(|error| error.diagnostic.clone()).collect();
    let missing = missing_privileges::missing(&diagnostics);
    if !missing.is_empty() {
        proof.grants = roles::grant(&login(context), &missing);
    }
    Ok(proof)
}

/// The addresses that a plan should import or have in its state: those of the manifest, and those of `import` blocks.
fn expected(manifest: &Manifest, code: &RootModule) -> BTreeSet<String> {
    let objects = manifest.in_code().map(|(_, address, _)| address.to_owned());
    code.imports.iter().cloned().chain(objects).collect()
}

/// The version of the provider that the workspace pins.
fn pinned(manifest: &Manifest) -> Option<String> {
    manifest.provider.strip_prefix(bpg::SOURCE).map(|version| version.trim().to_owned())
}

/// The placeholder for an unknown login.
const ANYBODY: &str = "USER@REALM";

/// The login of the provider, from its variables.
fn login(context: &Context) -> String {
    let variable = |name| context.sources().variable(name).map(str::to_owned);
    let token = variable("PROXMOX_VE_API_TOKEN").and_then(|token| Some(token.split_once('!')?.0.to_owned()));
    token.or_else(|| variable("PROXMOX_VE_USERNAME")).unwrap_or_else(|| ANYBODY.to_owned())
}

/// Objects that the plan should contain.
#[derive(Clone, Copy)]
struct Expected<'e> {
    addresses: &'e BTreeSet<String>,
    /// The blocks in the code.
    blocks: &'e BTreeSet<String>,
}

/// Plans, and makes the proof. The code is compared with a new import only if there is something to explain.
fn prove(
    session: &Session<'_>,
    against: Against,
    out: &Path,
    expected: Expected<'_>,
    compare: &dyn Fn() -> Result<Option<Comparison>, VerifyError>,
) -> Result<Proof, VerifyError> {
    let (ended, plan) = session.plan(out, u64::try_from(expected.addresses.len()).ok())?;
    let differences = if only_imports(&plan) || !out.exists() {
        Vec::new()
    } else {
        let _step = Step::start(session.context, StepKind::ReadDifferences);
        session.show(Some(out), terraform::differences)?
    };
    let imports = plan.changes.values().filter(|change| change.importing.is_some());
    let all = imports.filter(|change| expected.addresses.contains(&change.address)).count() == expected.addresses.len();
    let comparison = if all && differences.is_empty() && !plan.errored() { None } else { compare()? };
    let explainer = Explainer { against, comparison: comparison.as_ref() };
    let run = PlanRun { against, code: ended.code, plan: &plan, expected: expected.addresses, blocks: expected.blocks };
    let mut proof = run.proof(differences, &explainer);
    proof.tool = session.tool.to_string();
    proof.provider = provider_version(&session.folder);
    Ok(proof)
}

/// Reports whether Terraform's messages show that only imports are planned. Then the plan file, which takes a while to read,
/// is not needed.
fn only_imports(plan: &Plan) -> bool {
    plan.counts.is_some_and(terraform::Counts::changes_nothing)
        && plan.changes.values().all(|change| change.action == "import")
}

/// Removes the lock file that `init` leaves in the user's folder if there was none.
struct LockFile(Option<PathBuf>);

impl LockFile {
    fn watch(folder: &Path) -> Self {
        let path = folder.join(".terraform.lock.hcl");
        Self((!path.exists()).then_some(path))
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        let Some(path) = &self.0 else { return };
        if let Err(error) = fs::remove_file(path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "could not be removed");
        }
    }
}

fn live_refusals(recording: &Recording) -> Result<Vec<LiveRefusal>, VerifyError> {
    let refusals = rights::refusals(&Cluster::read(recording)?)?;
    Ok(refusals
        .into_iter()
        .map(|refusal| LiveRefusal {
            identity: refusal.identity.to_string(),
            privilege: refusal.privilege.to_owned(),
            path: refusal.path,
        })
        .collect())
}

fn warn_of_agents(recording: &Recording, context: &Context) -> Result<(), VerifyError> {
    let agents = rights::agents(&Cluster::read(recording)?)?;
    if !agents.is_empty() {
        let guests: Vec<String> = agents.iter().map(ToString::to_string).collect();
        context.message(Message::AgentsAsked { guests });
    }
    Ok(())
}
