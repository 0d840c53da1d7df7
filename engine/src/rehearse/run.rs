//! The run of a rehearsal, from the scratch copy to what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proxmox_mpc_code::RootModule;
use proxmox_mpc_generators::adopt::{self, Instance};
use proxmox_mpc_generators::{Manifest, Options, Previous, generate};
use proxmox_mpc_model::{Answers, Cluster, Identity};

use crate::operation::event::{Diagnostic, Severity};
use crate::operation::{Context, Step, StepKind};
use crate::rehearse::found::{Found, Origin};
use crate::rehearse::objects::Snapshot;
use crate::rehearse::outside::{self, Outside};
use crate::rehearse::playbooks::{self, Played, Stage};
use crate::rehearse::report::{Protected, Reached, RecordingUsed, Rehearsal};
use crate::rehearse::state::{State, StateUsed};
use crate::rehearse::{Job, RehearseError, age, lifted};
use crate::rights;
use crate::toolchain::process;
use crate::toolchain::terraform::{
    self, Action, Applied, ApplyReader, Difference, Environment, Planned, Session, TerraformError, provider_version,
};
use crate::workbench::{Bench, CODE, NO_SSH, Scratch, WorkbenchError, manifest, root_module};

/// Rehearses the apply, or the destroy, of a workspace on a twin. Nothing is written but to the twin and to a scratch
/// copy, and both are gone when this returns. It blocks for as long as Terraform runs (`Context::block`).
pub fn rehearse(job: &Job, context: &Context) -> Result<Rehearsal, RehearseError> {
    if job.ansible.is_some() {
        playbooks::check(&job.workspace)?;
    }
    let code = root_module(&job.workspace)?;
    let manifest = manifest(&job.workspace)?;
    let state = State::pull(&job.tool, &job.workspace.join(CODE), job.selected.clone(), context)?;
    let bench = Bench::for_rehearsal(Arc::clone(&job.recording), &job.login, context)?;
    let scratch = Scratch::new()?;
    let protected = prepare(job, &code, &manifest, &state, &scratch, &bench.twin.endpoint())?;
    let given = |name: &String| job.given.contains(name);
    let variables = code.variables.iter().filter(|variable| !given(&variable.name));
    let session = Session {
        tool: &job.tool,
        folder: scratch.code(),
        data: Some(scratch.data()),
        environment: Environment::Rehearsal,
        token: bench.token.clone(),
        variables: variables.map(|found| (found.name.clone(), found.placeholder())).collect(),
        context,
    };
    session.init(&scratch.data())?;
    // Terraform would ask whether a state that it finds while it sets the folder up is to move.
    state.copy(&scratch).map_err(WorkbenchError::Scratch)?;
    let rehearsing = Rehearsing { job, bench: &bench, scratch: &scratch, state: &state, session, manifest, protected };
    let rehearsal = rehearsing.run();
    bench.stop();
    rehearsal
}

/// Makes the scratch copy what is rehearsed, and says which resources are protected.
fn prepare(
    job: &Job,
    code: &RootModule,
    manifest: &Manifest,
    state: &State,
    scratch: &Scratch,
    endpoint: &str,
) -> Result<BTreeSet<String>, WorkbenchError> {
    let folder = job.workspace.join(CODE);
    scratch.copy(&folder)?;
    lifted::copy_values(scratch, &folder)?;
    let protected = lifted::lift(scratch)?;
    scratch.point_at(endpoint, code)?;
    if state.is_unknown() {
        // Whoever has a backend has most likely applied the imports, and may have taken their blocks out since.
        let placed = manifest.objects.values().filter(|place| !place.skip && !place.import_id.is_empty());
        let placed = placed.filter(|place| !code.imports.contains(&place.address));
        let imports: Vec<_> = placed.map(|place| (place.address.as_str(), place.import_id.as_str())).collect();
        scratch.import(&imports)?;
    }
    Ok(protected)
}

/// How an error says that it is the rehearsal's limit and not the cluster's: what the twin cannot do or does not know, and
/// SSH, which leads nowhere.
const LIMITS: [&str; 3] = [proxmox_mpc_twin::call::CANNOT, proxmox_mpc_model::answer::NO_ANSWER, NO_SSH];

/// A rehearsal under way.
struct Rehearsing<'a> {
    job: &'a Job,
    bench: &'a Bench,
    scratch: &'a Scratch,
    state: &'a State,
    session: Session<'a>,
    manifest: Manifest,
    protected: BTreeSet<String>,
}

/// What Terraform meant and said.
#[derive(Default)]
struct Meant {
    planned: Vec<Planned>,
    plan: Vec<Difference>,
    diagnostics: Vec<Diagnostic>,
    outside: Vec<Outside>,
    failed: bool,
}

impl Meant {
    /// Whether anything is to be done.
    fn does(&self) -> bool {
        self.planned.iter().any(|planned| planned.action.is_some())
    }
}

impl Rehearsing<'_> {
    fn run(&self) -> Result<Rehearsal, RehearseError> {
        let hindered = self.adopt_first()?;
        let start = self.bench.twin.writes().len();
        let before = self.bench.twin.moment();
        let mut addresses = self.addresses(&before)?;
        let meant = self.plan(self.job.destroy, StepKind::Plan)?;
        let (mut reached, mut errors) = (Reached::Nothing, errors(&meant.diagnostics));
        let failed = meant.failed || !hindered.is_empty();
        errors.extend(hindered);
        let (mut again, mut steps) = (Vec::new(), Vec::new());
        if failed {
            reached = Reached::NoPlan;
        } else if meant.does() || self.job.ansible.is_some() {
            let applied = self.apply(StepKind::RehearseApply, &meant)?;
            errors.extend(self::errors(&applied.diagnostics));
            steps = applied.steps;
            reached = reach(&errors);
            if meant.does() && errors.is_empty() && !self.job.destroy {
                again = self.plan(false, StepKind::PlanAgain)?.plan;
            }
        }
        let terraform = self.bench.twin.writes().len() - start;
        let played = if reached == Reached::NoPlan { None } else { self.play()? };
        let writes = self.bench.twin.writes().split_off(start);
        let after = self.bench.twin.moment();
        addresses.extend(self.addresses(&after)?);
        let (planned, plan) = (meant.planned, meant.plan);
        let silent = rights::silent_agents(&Cluster::read(&*self.job.recording)?)?;
        let found =
            Found { planned, plan, steps, writes, terraform, addresses, errors, again, reached, played, silent };
        let _step = Step::start(self.session.context, StepKind::CompareTwin);
        let (before, after) = (Snapshot::read(&before)?, Snapshot::read(&after)?);
        Ok(self.report(found, &before, &after))
    }

    /// Applies the imports where there is nothing to destroy before that; says what kept it from that.
    fn adopt_first(&self) -> Result<Vec<Diagnostic>, RehearseError> {
        if !self.job.destroy || matches!(self.state.used, StateUsed::Copy { .. }) {
            return Ok(Vec::new());
        }
        let adopting = self.plan(false, StepKind::PlanImports)?;
        if adopting.failed {
            return Ok(errors(&adopting.diagnostics));
        }
        Ok(errors(&self.apply(StepKind::ApplyImports, &adopting)?.diagnostics))
    }

    /// What was found, with where it comes from.
    fn report(&self, found: Found, before: &Snapshot, after: &Snapshot) -> Rehearsal {
        let about = self.job.recording.about();
        let origin = Origin {
            destroy: self.job.destroy,
            state: self.state.used.clone(),
            recording: RecordingUsed {
                recorded_at: about.recorded_at.clone(),
                age: age::age(&about.recorded_at, &self.job.now),
                live: self.job.live,
                unknown: self.bench.twin.counts().unknown,
            },
            tool: self.job.tool.to_string(),
            provider: provider_version(&self.session.folder),
        };
        let protected = self.hits(&found.planned);
        found.judge(before, after, protected, origin)
    }

    /// Plans, and reads the plan back.
    fn plan(&self, destroy: bool, what: StepKind) -> Result<Meant, RehearseError> {
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
        let mut meant = Meant { diagnostics: plan.diagnostics, failed, ..Meant::default() };
        if failed {
            return Ok(meant);
        }
        let endpoint = self.bench.twin.endpoint();
        (meant.planned, meant.plan, meant.outside) = session.show(Some(&out), |json| {
            let planned = terraform::planned(json)?;
            let outside = outside::find(json, &planned, &endpoint)?;
            Ok((planned, terraform::differences(json)?, outside))
        })?;
        Ok(meant)
    }

    /// Does what was planned last, if that stays on the twin.
    fn apply(&self, what: StepKind, meant: &Meant) -> Result<Applied, RehearseError> {
        if !meant.outside.is_empty() {
            return Err(RehearseError::Outside { what: meant.outside.iter().map(ToString::to_string).collect() });
        }
        let (tool, session) = (&self.job.tool, &self.session);
        let data = self.scratch.data();
        let invocation = terraform::apply(tool, &session.folder, &data, &self.scratch.plan(), session.environment);
        let invocation = session.dressed(invocation);
        let steps = meant.planned.iter().filter(|planned| planned.action.is_some()).count();
        let steps = u64::try_from(steps).unwrap_or(u64::MAX);
        let mut reader = ApplyReader::new(&invocation.name(), what, steps, session.context);
        let ended =
            process::run(&invocation, session.context, |_, line| reader.line(&line)).map_err(TerraformError::from)?;
        let mut applied = reader.finish();
        if ended.code != Some(0) && errors(&applied.diagnostics).is_empty() {
            let summary = format!("{} ended with code {:?} and did not say why", invocation.name(), ended.code);
            let silent = Diagnostic { severity: Severity::Error, summary, detail: String::new(), address: None };
            applied.diagnostics.push(silent);
        }
        Ok(applied)
    }

    fn play(&self) -> Result<Option<Played>, RehearseError> {
        let Some(program) = &self.job.ansible else { return Ok(None) };
        let stage = Stage {
            program,
            workspace: &self.job.workspace,
            scratch: &self.scratch.beside(),
            endpoint: &self.bench.twin.endpoint(),
            certificate: self.bench.twin.certificate_pem(),
            token: self.bench.token.clone(),
        };
        playbooks::play(&stage, self.session.context).map(Some)
    }

    /// The Terraform address of each object, as far as the manifest and the state tell.
    fn addresses(&self, answers: &dyn Answers) -> Result<BTreeMap<Identity, String>, RehearseError> {
        let placed = self.manifest.objects.iter().filter(|(_, place)| !place.skip);
        let mut addresses: BTreeMap<Identity, String> =
            placed.map(|(identity, place)| (identity.clone(), place.address.clone())).collect();
        let instances = self.instances()?;
        if !instances.is_empty() {
            let made = generate(answers, &Options::default(), &Previous::default())?.manifest;
            addresses.extend(adopt::addresses(&instances, &made));
        }
        Ok(addresses)
    }

    fn instances(&self) -> Result<Vec<Instance>, RehearseError> {
        let text = self.state.now(self.scratch).map_err(WorkbenchError::Scratch)?;
        // A state without a resource of ours tells no address.
        Ok(text.and_then(|text| adopt::parse(&text).ok()).unwrap_or_default())
    }

    /// What `prevent_destroy` would keep Terraform from.
    fn hits(&self, planned: &[Planned]) -> Vec<Protected> {
        let hit =
            |planned: &&Planned| planned.destroys() && self.protected.contains(lifted::written_as(&planned.address));
        let hits = planned.iter().filter(hit);
        hits.map(|hit| Protected { address: hit.address.clone(), action: hit.action.unwrap_or(Action::Destroy) })
            .collect()
    }
}

/// How far an apply came that ended with these errors.
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
