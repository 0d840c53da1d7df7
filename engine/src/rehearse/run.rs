//! Run of a rehearsal, from the temporary copy of the code to the report.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proxmox_mpc_code::RootModule;
use proxmox_mpc_generators::adopt::{self, Instance};
use proxmox_mpc_generators::{Manifest, Options, Previous, generate};
use proxmox_mpc_model::{Answers, Cluster, Identity};

use crate::operation::event::{Diagnostic, Severity};
use crate::operation::{Context, Step, StepKind};
use crate::rehearse::objects::Snapshot;
use crate::rehearse::observations::{Observations, ReportOrigin};
use crate::rehearse::playbooks::{self, PlaybookResult, Stage};
use crate::rehearse::report::{ProtectedResource, Reached, RecordingUsed, Rehearsal};
use crate::rehearse::side_effects::{self, SideEffect};
use crate::rehearse::state::{State, StateUsed};
use crate::rehearse::{RehearsalJob, RehearseError, protection, recording_age};
use crate::rights;
use crate::toolchain::process;
use crate::toolchain::terraform::{
    self, Action, ApplyReader, ApplyResult, Difference, Environment, PlannedResource, Session, TerraformError,
    provider_version,
};
use crate::workbench::{Bench, NO_SSH, Scratch, WorkbenchError, manifest, root_module};

/// Rehearses the apply, or the destroy, of a workspace on a twin. Only the twin and a temporary copy of the code are written
/// to, and both are removed when this returns. It blocks for as long as Terraform runs (`Context::block`).
pub fn rehearse(job: &RehearsalJob, context: &Context) -> Result<Rehearsal, RehearseError> {
    if job.ansible.is_some() {
        playbooks::check(&job.workspace)?;
    }
    let code = root_module(&job.workspace)?;
    let manifest = manifest(&job.workspace)?;
    let state = State::pull(&job.tool, &job.workspace.terraform(), job.selected.clone(), context)?;
    let bench = Bench::for_rehearsal(Arc::clone(&job.recording), &job.login, context)?;
    let scratch = Scratch::new()?;
    let protected = prepare(job, &code, &manifest, &state, &scratch, &bench.twin.endpoint())?;
    let has_value = |name: &String| job.given.contains(name);
    let variables = code.variables.iter().filter(|variable| !has_value(&variable.name));
    let session = Session {
        tool: &job.tool,
        folder: scratch.code(),
        data: Some(scratch.data()),
        environment: Environment::Rehearsal,
        token: bench.token.clone(),
        variables: variables.map(|variable| (variable.name.clone(), variable.placeholder())).collect(),
        context,
    };
    session.init(&scratch.data())?;
    // After `init`, which would ask whether to migrate a state that it finds.
    state.copy(&scratch).map_err(WorkbenchError::Scratch)?;
    let running =
        RunningRehearsal { job, bench: &bench, scratch: &scratch, state: &state, session, manifest, protected };
    let rehearsal = running.run();
    bench.stop();
    rehearsal
}

/// Prepares the copy of the code. Returns the addresses of protected resources.
fn prepare(
    job: &RehearsalJob,
    code: &RootModule,
    manifest: &Manifest,
    state: &State,
    scratch: &Scratch,
    endpoint: &str,
) -> Result<BTreeSet<String>, WorkbenchError> {
    let folder = job.workspace.terraform();
    scratch.copy(&folder)?;
    protection::copy_values(scratch, &folder)?;
    let protected = protection::disable(scratch)?;
    scratch.point_at(endpoint, code)?;
    if state.is_unknown() {
        // With a backend, the imports were most likely applied, and their blocks may have been removed since.
        let objects = manifest.in_code().filter(|(_, _, object)| !object.import_id.is_empty());
        let objects = objects.filter(|(_, address, _)| !code.imports.contains(*address));
        let imports: Vec<_> = objects.map(|(_, address, object)| (address, object.import_id.as_str())).collect();
        scratch.import(&imports)?;
    }
    Ok(protected)
}

/// Texts of errors that come from the limits of a rehearsal, not from the cluster: calls that the twin cannot do or has no
/// answer for, and SSH, whose connections are refused here.
const LIMITS: [&str; 3] = [proxmox_mpc_twin::call::CANNOT, proxmox_mpc_model::answer::NO_ANSWER, NO_SSH];

/// A running rehearsal.
struct RunningRehearsal<'a> {
    job: &'a RehearsalJob,
    bench: &'a Bench,
    scratch: &'a Scratch,
    state: &'a State,
    session: Session<'a>,
    manifest: Manifest,
    protected: BTreeSet<String>,
}

/// Result of a plan.
#[derive(Default)]
struct PlanResult {
    planned: Vec<PlannedResource>,
    plan: Vec<Difference>,
    diagnostics: Vec<Diagnostic>,
    side_effects: Vec<SideEffect>,
    failed: bool,
}

impl PlanResult {
    /// Reports whether the plan has anything to do.
    fn has_actions(&self) -> bool {
        self.planned.iter().any(|planned| planned.action.is_some())
    }
}

impl RunningRehearsal<'_> {
    fn run(&self) -> Result<Rehearsal, RehearseError> {
        let import_errors = self.apply_imports_first()?;
        let start = self.bench.twin.writes().len();
        let before = self.bench.twin.moment();
        let mut addresses = self.addresses(&before)?;
        let plan = self.plan(self.job.destroy, StepKind::Plan)?;
        let (mut reached, mut errors) = (Reached::Nothing, errors(&plan.diagnostics));
        let failed = plan.failed || !import_errors.is_empty();
        errors.extend(import_errors);
        let (mut again, mut steps) = (Vec::new(), Vec::new());
        if failed {
            reached = Reached::NoPlan;
        } else if plan.has_actions() || self.job.ansible.is_some() {
            let applied = self.apply(StepKind::RehearseApply, &plan)?;
            errors.extend(self::errors(&applied.diagnostics));
            steps = applied.steps;
            reached = reach(&errors);
            if plan.has_actions() && errors.is_empty() && !self.job.destroy {
                again = self.plan(false, StepKind::PlanAgain)?.plan;
            }
        }
        let terraform = self.bench.twin.writes().len() - start;
        let playbooks = if reached == Reached::NoPlan { None } else { self.run_playbooks()? };
        let writes = self.bench.twin.writes().split_off(start);
        let after = self.bench.twin.moment();
        addresses.extend(self.addresses(&after)?);
        let (planned, plan) = (plan.planned, plan.plan);
        let silent = rights::silent_agents(&Cluster::read(&*self.job.recording)?)?;
        let observations = Observations {
            planned,
            plan,
            steps,
            writes,
            terraform,
            addresses,
            errors,
            again,
            reached,
            playbooks,
            silent,
        };
        let _step = Step::start(self.session.context, StepKind::CompareTwin);
        let (before, after) = (Snapshot::read(&before)?, Snapshot::read(&after)?);
        Ok(self.report(observations, &before, &after))
    }

    /// Applies the imports before a rehearsed destroy, which would otherwise have nothing to destroy. Returns the errors.
    fn apply_imports_first(&self) -> Result<Vec<Diagnostic>, RehearseError> {
        if !self.job.destroy || matches!(self.state.used, StateUsed::Copy { .. }) {
            return Ok(Vec::new());
        }
        let plan = self.plan(false, StepKind::PlanImports)?;
        if plan.failed {
            return Ok(errors(&plan.diagnostics));
        }
        Ok(errors(&self.apply(StepKind::ApplyImports, &plan)?.diagnostics))
    }

    /// Makes the report.
    fn report(&self, observations: Observations, before: &Snapshot, after: &Snapshot) -> Rehearsal {
        let about = self.job.recording.about();
        let origin = ReportOrigin {
            destroy: self.job.destroy,
            state: self.state.used.clone(),
            recording: RecordingUsed {
                recorded_at: about.recorded_at.clone(),
                age: recording_age::age(&about.recorded_at, &self.job.now),
                live: self.job.live,
                unknown: self.bench.twin.counts().unknown,
            },
            tool: self.job.tool.to_string(),
            provider: provider_version(&self.session.folder),
        };
        let protected = self.protected_resources(&observations.planned);
        observations.report(before, after, protected, origin)
    }

    /// Plans, and reads the plan back.
    fn plan(&self, destroy: bool, what: StepKind) -> Result<PlanResult, RehearseError> {
        let out = self.scratch.plan();
        let (tool, session) = (&self.job.tool, &self.session);
        let mut invocation = terraform::plan(tool, &session.folder, session.data.as_deref(), &out, session.environment);
        for file in &self.job.var_files {
            let file = std::path::absolute(file).map_err(|source| WorkbenchError::read(file, source))?;
            let mut argument = std::ffi::OsString::from("-var-file=");
            argument.push(file);
            invocation = invocation.arg(argument);
        }
        if destroy {
            invocation = invocation.arg("-destroy");
        }
        let expected = u64::try_from(self.manifest.objects.len()).ok();
        let (ended, plan) = session.run(invocation, what, expected)?;
        let failed = !matches!(ended.code, Some(0 | 2)) || plan.errored() || !out.exists();
        let mut result = PlanResult { diagnostics: plan.diagnostics, failed, ..PlanResult::default() };
        if failed {
            return Ok(result);
        }
        let endpoint = self.bench.twin.endpoint();
        (result.planned, result.plan, result.side_effects) = session.show(Some(&out), |json| {
            let planned = terraform::planned(json)?;
            let side_effects = side_effects::find(json, &planned, &endpoint)?;
            Ok((planned, terraform::differences(json)?, side_effects))
        })?;
        Ok(result)
    }

    /// Applies the last plan, if it has no side effects outside of the twin.
    fn apply(&self, what: StepKind, plan: &PlanResult) -> Result<ApplyResult, RehearseError> {
        if !plan.side_effects.is_empty() {
            return Err(RehearseError::Outside { what: plan.side_effects.iter().map(ToString::to_string).collect() });
        }
        let (tool, session) = (&self.job.tool, &self.session);
        let data = self.scratch.data();
        let invocation = terraform::apply(tool, &session.folder, &data, &self.scratch.plan(), session.environment);
        let invocation = session.with_environment(invocation);
        let steps = plan.planned.iter().filter(|planned| planned.action.is_some()).count();
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let mut reader = ApplyReader::new(&invocation.name(), what, steps, session.context);
        let ended =
            process::run(&invocation, session.context, |_, line| reader.line(&line)).map_err(TerraformError::from)?;
        let mut applied = reader.finish();
        if ended.code != Some(0) && errors(&applied.diagnostics).is_empty() {
            let summary = format!("{} ended with code {:?} and printed no error", invocation.name(), ended.code);
            let silent = Diagnostic { severity: Severity::Error, summary, detail: String::new(), address: None };
            applied.diagnostics.push(silent);
        }
        Ok(applied)
    }

    fn run_playbooks(&self) -> Result<Option<PlaybookResult>, RehearseError> {
        let Some(program) = &self.job.ansible else { return Ok(None) };
        let stage = Stage {
            program,
            workspace: &self.job.workspace,
            scratch: &self.scratch.folder(),
            endpoint: &self.bench.twin.endpoint(),
            certificate: self.bench.twin.certificate_pem(),
            token: self.bench.token.clone(),
        };
        playbooks::run(&stage, self.session.context).map(Some)
    }

    /// The Terraform address of each object, from the manifest and the state.
    fn addresses(&self, answers: &dyn Answers) -> Result<BTreeMap<Identity, String>, RehearseError> {
        let objects = self.manifest.in_code();
        let mut addresses: BTreeMap<Identity, String> =
            objects.map(|(identity, address, _)| (identity.clone(), address.to_owned())).collect();
        let instances = self.instances()?;
        if !instances.is_empty() {
            let manifest = generate(answers, &Options::default(), &Previous::default())?.manifest;
            addresses.extend(adopt::addresses(&instances, &manifest));
        }
        Ok(addresses)
    }

    fn instances(&self) -> Result<Vec<Instance>, RehearseError> {
        let text = self.state.now(self.scratch).map_err(WorkbenchError::Scratch)?;
        // A state without resources of Proxmox has no addresses.
        Ok(text.and_then(|text| adopt::parse(&text).ok()).unwrap_or_default())
    }

    /// The resources that the plan would destroy, and that `prevent_destroy` protects.
    fn protected_resources(&self, planned: &[PlannedResource]) -> Vec<ProtectedResource> {
        let is_protected = |planned: &&PlannedResource| {
            planned.destroys() && self.protected.contains(protection::block_address(&planned.address))
        };
        let protected = planned.iter().filter(is_protected).map(|planned| {
            let action = planned.action.unwrap_or(Action::Destroy);
            ProtectedResource { address: planned.address.clone(), action }
        });
        protected.collect()
    }
}

/// The extent of an apply that ended with these errors.
fn reach(errors: &[Diagnostic]) -> Reached {
    let says = |error: &Diagnostic, words: &str| error.summary.contains(words) || error.detail.contains(words);
    let is_limit = |error: &Diagnostic| LIMITS.iter().any(|words| says(error, words));
    match errors {
        [] => Reached::Applied,
        errors if errors.iter().all(is_limit) => Reached::Limit,
        _ => Reached::Failed,
    }
}

/// The errors, each once: Terraform repeats some for every object.
fn errors(diagnostics: &[Diagnostic]) -> Vec<Diagnostic> {
    let mut errors: Vec<Diagnostic> = Vec::new();
    for error in diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error) {
        if !errors.contains(error) {
            errors.push(error.clone());
        }
    }
    errors
}
