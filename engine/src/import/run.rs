//! One import from end to end: answers, code, and the workspace brought up to date.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxmox_mpc_generators::adopt::{self, Adoption, Instance};
use proxmox_mpc_generators::{FileSet, Generated, Manifest, Options, Previous, Selection, generate};
use proxmox_mpc_model::kinds::{KINDS, Kind};
use proxmox_mpc_model::{Answers as _, Cluster};
use proxmox_mpc_twin::recording::{Recording, RecordingWriter};

use super::fetch::{self, Failure, Fetched, Heard};
use super::removal::{self, Limits};
use super::report::ImportReport;
use super::{ImportError, copy};
use crate::client::Client;
use crate::operation::{Cancel, Context, Message, Step, StepKind};
use crate::workspace::lock::{self, Attempt, Holder, Lock};
use crate::workspace::{self, Changes, Edits, Workspace, WorkspaceError};

/// Where the answers come from.
pub enum Source {
    /// A cluster.
    Cluster(Box<Client>),
    /// What a cluster answered earlier.
    Recording(Recording),
}

/// What to import, and where to.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Job {
    /// The workspace; it need not be there yet, but its parent must.
    pub out: PathBuf,
    /// Which objects.
    pub selection: Selection,
    /// The user's own addresses and omissions.
    pub mapping: Option<Mapping>,
    /// The version of the provider that the code is to pin; that of the workspace where there is none.
    pub provider: Option<&'static str>,
    /// A Terraform state whose addresses are taken.
    pub adopt: Option<Vec<Instance>>,
    /// Where to keep the recording as well: a folder, or a file that ends with `.tar.zst`.
    pub record: Option<PathBuf>,
    /// How many requests may be on their way at once.
    pub concurrency: usize,
    /// Whether running guests are asked for their addresses.
    pub ask_guests: bool,
    /// Write nothing; say what would be imported under which address.
    pub dry_run: bool,
    /// Overwrite generated files that somebody has edited, and keep copies of them.
    pub force: bool,
    /// Wait for another import of the workspace to finish.
    pub wait: bool,
    /// How much of the code may be taken out.
    pub removal: Limits,
    /// The time of the run: `2026-11-23T00:50:00Z`.
    pub now: String,
}

impl Job {
    /// The import of everything into a folder, with the usual limits.
    pub fn new(out: PathBuf, now: String) -> Self {
        Self {
            out,
            selection: Selection::default(),
            mapping: None,
            provider: None,
            adopt: None,
            record: None,
            concurrency: 16,
            ask_guests: true,
            dry_run: false,
            force: false,
            wait: false,
            removal: Limits::default(),
            now,
        }
    }
}

/// An edited list of addresses and omissions.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// Where it was read.
    pub path: PathBuf,
    /// What it says.
    pub manifest: Manifest,
}

/// Imports, and says what came of it.
///
/// Nothing in the workspace changes before everything is read and every text is made; a folder that is not there yet
/// appears whole. Dropping the future leaves nothing behind.
pub async fn run(source: Source, job: &Job, context: &Context) -> Result<ImportReport, ImportError> {
    // A dry run writes nothing, so nobody needs to wait for it.
    let workspace = Workspace::at(&job.out);
    let _lock = if job.dry_run { None } else { Some(lock(&workspace, job, context).await?) };
    let previous = previous(&workspace)?;
    let kinds: Vec<&'static Kind> = KINDS
        .iter()
        .copied()
        .filter(|kind| job.selection.may_include_kind(kind) || needed(kind, &previous.manifest))
        .collect();
    let aside = Aside::beside(&workspace, job.dry_run)?;
    let fetched = read(source, &kinds, &aside, job, context).await?;
    let permissions = Cluster::read(&fetched.recording)?.permissions;
    if permissions.nothing() {
        let login = fetched.recording.about().login.clone().unwrap_or_default();
        return Err(ImportError::Blind { login });
    }
    let mut options = Options { selection: job.selection.clone(), mapping: None, provider: job.provider };
    options.mapping = job.mapping.as_ref().map(|mapping| mapping.manifest.clone());
    let mut input = Input { fetched, options, previous };
    let adoption = match &job.adopt {
        None => Adoption::default(),
        Some(instances) => {
            let generated;
            (input, generated) = made(input, context).await?;
            adoption(instances, &generated, &input)
        }
    };
    if !adoption.addresses.objects.is_empty() {
        let mapping = input.options.mapping.get_or_insert_default();
        mapping.objects.extend(adoption.addresses.objects);
    }
    let (Input { fetched, previous, .. }, mut generated) = made(input, context).await?;
    if !job.selection.is_everything() && generated.survey.included == 0 {
        return Err(ImportError::NothingSelected { unmatched: generated.survey.unmatched, unread: generated.unread });
    }
    let removals = removal::brake(&generated, job.removal);
    if !job.dry_run && !removals.is_empty() {
        return Err(ImportError::Removal { removals });
    }
    if let Some(Mapping { path, manifest }) = &job.mapping {
        let refused = |source| ImportError::Manifest { path: path.clone(), source };
        manifest.check(&previous.manifest, &generated.manifest).map_err(refused)?;
    }
    match job.adopt {
        Some(_) => generated.files.extend(adopt::files(&adoption.resources)),
        // What an earlier run wrote there is its user's to use and to delete.
        None => generated.files.extend(previous.files.iter().filter(|(path, _)| adopted(path)).map(owned)),
    }
    leave_foreign(&workspace, &mut generated.files, &previous.manifest);
    if job.dry_run {
        // What is shown is the form of a mapping: addresses, and nothing of texts.
        generated.manifest.objects.values_mut().for_each(|place| place.block = None);
        generated.manifest.tasks.clear();
    } else {
        generated.manifest.files = written(&generated, &previous);
    }
    let Previous { manifest: before, files, .. } = previous;
    drop(files); // They make room: the workspace is compared file by file.
    let fetched = match &job.record {
        Some(place) if !job.dry_run => kept(fetched, place.clone(), context).await?,
        _ => fetched,
    };
    // From here on the recording has its place in the workspace: nothing more is read from it.
    let changes = if job.dry_run { None } else { Some(write(&workspace, job, &generated, &before, &aside)?) };
    Ok(ImportReport::new(job, &permissions, &fetched, generated, &before, changes).adopted(adoption.resources))
}

/// What code is made from.
struct Input {
    fetched: Fetched,
    options: Options,
    previous: Previous,
}

/// The code, made aside: of a large cluster it takes a while, in which the user may want to stop.
async fn made(input: Input, context: &Context) -> Result<(Input, Generated), ImportError> {
    let _step = Step::start(context, StepKind::GenerateCode);
    let made = context.compute(move || {
        let Input { fetched, options, previous } = &input;
        let generated = generate(&Heard::from(fetched), options, previous);
        generated.map(|generated| (input, generated))
    });
    Ok(made.await?)
}

/// What the state that is to be adopted has to say about the objects that an import without it would make.
fn adoption(instances: &[Instance], generated: &Generated, input: &Input) -> Adoption {
    let Generated { manifest, coverage, .. } = generated;
    let (before, mapping) = (&input.previous.manifest, input.options.mapping.as_ref());
    adopt::adopt(instances, adopt::Baseline { made: manifest, coverage, before, mapping })
}

/// Whether a file is for the root that an adopted state is of.
fn adopted(path: &str) -> bool {
    path.starts_with("adopted/")
}

fn owned((path, text): (&String, &String)) -> (String, String) {
    (path.clone(), text.clone())
}

/// Pools and storages are referred to by what is selected, and cost one request each. What has code in the workspace
/// already keeps it, and is to be proved with the rest: the recording has to answer for it.
fn needed(kind: &Kind, known: &Manifest) -> bool {
    matches!(kind.id, "pool" | "storage") || known.objects.keys().any(|identity| identity.prefix() == kind.prefix)
}

async fn read(
    source: Source,
    kinds: &[&'static Kind],
    aside: &Aside,
    job: &Job,
    context: &Context,
) -> Result<Fetched, ImportError> {
    let writer = RecordingWriter::create(&aside.recording())?;
    match source {
        Source::Cluster(client) => {
            let options = fetch::Options {
                concurrency: job.concurrency,
                ask_guests: job.ask_guests,
                recorded_at: job.now.clone(),
            };
            fetch::record(&client, kinds, writer, &options, context).await
        }
        Source::Recording(recording) => {
            let about = recording.about().clone();
            let copied = copy::copy(&recording, kinds, writer, about, context).await?;
            Ok(Fetched { recording: copied.recording, asked: copied.answers, sent: 0, failures: Vec::<Failure>::new() })
        }
    }
}

/// The manifest of a workspace; `None` where there is none yet.
pub fn manifest(workspace: &Workspace) -> Result<Option<Manifest>, ImportError> {
    let path = workspace.manifest();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ImportError::Read { path, source }),
    };
    Manifest::parse(&text).map(Some).map_err(|source| ImportError::Manifest { path, source })
}

/// How often a run that waits looks whether the other has finished.
const AGAIN: Duration = Duration::from_millis(200);

/// Locks the workspace, and removes what runs left there that were killed.
async fn lock(workspace: &Workspace, job: &Job, context: &Context) -> Result<Lock, ImportError> {
    let (us, mut announced) = (Holder::new(context.actor().name.clone(), job.now.clone()), false);
    loop {
        match lock::attempt(workspace, &us)? {
            Attempt::Locked(lock) => {
                workspace.clean()?;
                return Ok(lock);
            }
            Attempt::Busy(holder) if !job.wait => {
                return Err(WorkspaceError::Busy { folder: job.out.clone(), holder }.into());
            }
            Attempt::Busy(holder) => {
                if !std::mem::replace(&mut announced, true) {
                    context.message(Message::WaitingForLock { folder: job.out.clone(), holder });
                }
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// What the workspace holds already: its manifest, and the generated code as it stands.
pub(super) fn previous(workspace: &Workspace) -> Result<Previous, ImportError> {
    let out = workspace.root();
    workspace::check_links(out)?;
    if out.exists() && !out.is_dir() {
        return Err(WorkspaceError::NotAFolder { path: out.to_owned() }.into());
    }
    let Some(manifest) = manifest(workspace)? else { return Ok(Previous::default()) };
    let mut files = FileSet::new();
    let kept = ["terraform/", "ansible/roles/", "ansible/inventory/"];
    let code = |name: &&String| kept.iter().any(|folder| name.starts_with(folder)) || adopted(name);
    for name in manifest.files.keys().filter(code) {
        let path = out.join(name);
        match fs::read_to_string(&path) {
            Ok(text) => drop(files.insert(name.clone(), text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(ImportError::Read { path, source }),
        }
    }
    let touched = workspace::touched(workspace, &files, &manifest.files)?;
    Ok(Previous { manifest, files, touched })
}

/// The hash of every file that we write. A file that holds code which stays as it is, and which somebody has edited, keeps
/// the hash that it had: whoever makes that code anew has to see that it is not ours.
pub(super) fn written(generated: &Generated, previous: &Previous) -> workspace::Hashes {
    let mut hashes = workspace::hashes(&generated.files);
    for (path, hash) in &mut hashes {
        let theirs = generated.edited.contains(path) || (adopted(path) && previous.touched.contains(path));
        if let Some(known) = previous.manifest.files.get(path).filter(|_| theirs) {
            hash.clone_from(known);
        }
    }
    hashes
}

/// A `.gitignore` that was there before us is its owner's, and does its work without our lines or with them. So is a
/// `README.md`; and one that somebody has changed since is theirs from then on.
fn leave_foreign(workspace: &Workspace, files: &mut FileSet, manifest: &Manifest) {
    files.retain(|path, text| {
        let known = manifest.files.get(path);
        let ours = |current: &str| match path.as_str() {
            "README.md" => known.is_some_and(|known| *known == workspace::hash(current.as_bytes())),
            path => known.is_some() || !path.ends_with(".gitignore"),
        };
        fs::read_to_string(workspace.root().join(path)).map_or(true, |current| current == *text || ours(&current))
    });
}

fn write(
    workspace: &Workspace,
    job: &Job,
    generated: &Generated,
    before: &Manifest,
    aside: &Aside,
) -> Result<Changes, ImportError> {
    let manifest = generated.manifest.render();
    let changes = workspace::plan(workspace, &generated.files, &manifest, &before.files)?;
    let backup = job.now.replace(':', "-");
    let edits = if job.force { Edits::Overwrite { backup: &backup } } else { Edits::Stop };
    workspace::apply(workspace, &generated.files, &manifest, &changes, edits)?;
    aside.settle(&workspace.recording())?;
    Ok(changes)
}

/// Keeps the recording at a place of the user's choice as well.
async fn kept(fetched: Fetched, place: PathBuf, context: &Context) -> Result<Fetched, ImportError> {
    let keeping = move |inside: &Context| keep(&fetched.recording, &place, inside.cancel()).map(|()| fetched);
    context.block(keeping).await
}

fn keep(recording: &Recording, place: &Path, cancel: &Cancel) -> Result<(), ImportError> {
    let writer = RecordingWriter::create(place)?;
    for path in recording.paths()?.take_while(|_| !cancel.requested()) {
        if let Some(answer) = recording.get(&path)? {
            writer.put(&path, &answer)?;
        }
    }
    writer.finish_unless(recording.about(), &|| cancel.requested())?;
    Ok(())
}

/// A folder beside the workspace where the recording is written before the workspace is touched.
struct Aside {
    folder: tempfile::TempDir,
}

impl Aside {
    /// On the disk of the workspace; anywhere for a run that keeps nothing.
    fn beside(workspace: &Workspace, anywhere: bool) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Write { path: workspace.root().to_owned(), source };
        let folder = if anywhere { tempfile::tempdir().map_err(failed)? } else { workspace.unfinished()? };
        Ok(Self { folder })
    }

    fn recording(&self) -> PathBuf {
        self.folder.path().join("recording")
    }

    /// Gives the recording its place in the workspace, instead of the one before.
    fn settle(&self, place: &Path) -> Result<(), ImportError> {
        let failed = |source| ImportError::Write { path: place.to_owned(), source };
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        match fs::rename(place, self.folder.path().join("before")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::rename(self.recording(), place).map_err(failed)
    }
}
