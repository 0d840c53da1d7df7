//! The proof: the real Terraform with the real provider plans the code, and nothing may be left to do.
//!
//! Neither a cluster nor a state is ever written to.

mod comparison;
mod explain;
mod known;
mod proof;
mod record;
mod refused;
mod request;
mod values;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use proxmox_mpc_generators::{Manifest, bpg};
use proxmox_mpc_model::Cluster;
use proxmox_mpc_twin::Recording;

pub use explain::{Explanation, root};
pub use proof::{Against, AnswerCounts, ExplainedDifference, ExplainedError, LiveRefusal, Proof};
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
use comparison::Comparison;
use explain::Explainer;
use proof::Run;

/// Proves the code of `workspace` against a twin of `recording`, on a copy of the code without state, backend and
/// variables of the user. It blocks for as long as Terraform runs (`Context::block`).
pub fn against_twin(
    workspace: &Workspace,
    recording: Arc<Recording>,
    tool: &Tool,
    context: &Context,
) -> Result<Proof, VerifyError> {
    let code = root_module(workspace)?;
    let manifest = manifest(workspace)?;
    let live_refusals = live_refusals(&recording)?;
    let login = recording.about().login.clone();
    let answers = Arc::clone(&recording);
    let bench = Bench::for_proof(recording, context)?;
    let scratch = Scratch::new()?;
    scratch.copy(&workspace.terraform())?;
    scratch.point_at(&bench.twin.endpoint(), &code)?;
    let placed = manifest.objects.values().filter(|place| !place.skip);
    let without_block: Vec<(&str, &str)> = placed
        .clone()
        .filter(|place| !code.imports.contains(&place.address) && !place.import_id.is_empty())
        // An `import` block for what has no block any more would be an error of its own.
        .filter(|place| code.resources.contains(&place.address))
        .map(|place| (place.address.as_str(), place.import_id.as_str()))
        .collect();
    scratch.import(&without_block)?;
    let pinned = pinned(&manifest);
    let mut expected = code.imports.clone();
    expected.extend(placed.map(|place| place.address.clone()));
    let compare = || Comparison::new(workspace, manifest.clone(), &answers).map(Some);
    let session = Session {
        tool,
        folder: scratch.code(),
        data: Some(scratch.data()),
        environment: Environment::Clean,
        token: bench.token.clone(),
        variables: code.variables.iter().map(|found| (found.name.clone(), found.placeholder())).collect(),
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
/// With the last `recording` at hand it warns of guests whose agent Terraform would wait for.
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
    let mut expected = code.imports;
    expected.extend(manifest.objects.values().filter(|place| !place.skip).map(|place| place.address.clone()));
    if let Some(recording) = recording {
        warn_of_agents(recording, context)?;
    }
    let scratch = Scratch::new()?;
    // What the user has set up already knows their backend and workspace. Where nothing is, it is set up aside.
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
    let missing = refused::missing(&diagnostics);
    if !missing.is_empty() {
        proof.grants = roles::grant(&login(context), &missing);
    }
    Ok(proof)
}

/// The version of the provider that the workspace was made for.
fn pinned(manifest: &Manifest) -> Option<String> {
    manifest.provider.strip_prefix(bpg::SOURCE).map(|version| version.trim().to_owned())
}

/// Who is meant where nobody is named.
const ANYBODY: &str = "USER@REALM";

/// As whom the provider logs in, by its variables.
fn login(context: &Context) -> String {
    let variable = |name| context.sources().variable(name).map(str::to_owned);
    let token = variable("PROXMOX_VE_API_TOKEN").and_then(|token| Some(token.split_once('!')?.0.to_owned()));
    token.or_else(|| variable("PROXMOX_VE_USERNAME")).unwrap_or_else(|| ANYBODY.to_owned())
}

/// What the plan should speak of.
#[derive(Clone, Copy)]
struct Expected<'e> {
    addresses: &'e BTreeSet<String>,
    /// The blocks in the code.
    blocks: &'e BTreeSet<String>,
}

/// Plans, and judges what came of it. The code is compared with what an import would write only where something is to
/// be explained.
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
    let run = Run { against, code: ended.code, plan: &plan, expected: expected.addresses, blocks: expected.blocks };
    let mut proof = run.judge(differences, &explainer);
    proof.tool = session.tool.to_string();
    proof.provider = provider_version(&session.folder);
    Ok(proof)
}

/// Whether the messages alone say that nothing but imports is planned: reading the file back takes a while.
fn only_imports(plan: &Plan) -> bool {
    plan.counts.is_some_and(terraform::Counts::changes_nothing)
        && plan.changes.values().all(|change| change.action == "import")
}

/// The lock file of the user's folder, which `init` would leave behind where there was none.
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
