//! Run of an import from end to end: reads answers, generates code, and updates the workspace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use proxmox_mpc_generators::adopt::{self, Adoption, Instance};
use proxmox_mpc_generators::{FileSet, Generated, Manifest, Options, Previous, Selection, generate};
use proxmox_mpc_model::kinds::{KINDS, Kind};
use proxmox_mpc_model::{Answers as _, Cluster};
use proxmox_mpc_twin::recording::{Recording, RecordingWriter};

use super::fetch::{self, FetchOptions, Fetched, FetchedAnswers};
use super::removal::{self, RemovalLimits};
use super::report::ImportReport;
use super::{ImportError, copy};
use crate::client::Client;
use crate::operation::{Cancel, Context, Message, Step, StepKind};
use crate::workspace::lock::{self, Attempt, Holder, Lock};
use crate::workspace::{self, Changes, Edits, Workspace, WorkspaceError};

/// Source of the answers.
pub enum Source {
    /// A running cluster.
    Cluster(Box<Client>),
    /// A recording of a cluster.
    Recording(Recording),
}

/// An import that is ready to run: its request with all files read.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct ImportJob {
    /// The workspace. It need not exist yet, but its parent must.
    pub out: PathBuf,
    /// The objects to import.
    pub selection: Selection,
    /// The user's own addresses, and the objects to skip.
    pub mapping: Option<Mapping>,
    /// The version of the provider to pin; `None` for the one that the workspace pins.
    pub provider: Option<&'static str>,
    /// The resources of a Terraform state to take addresses from.
    pub adopt: Option<Vec<Instance>>,
    /// A second place for the recording: a folder, or a file whose name ends in `.tar.zst`.
    pub record: Option<PathBuf>,
    /// The number of requests that may be sent at once.
    pub concurrency: usize,
    /// Ask running guests for their addresses.
    pub ask_guests: bool,
    /// Write nothing; report what would be imported under which address.
    pub dry_run: bool,
    /// Overwrite generated files that somebody has edited, and keep copies of them.
    pub force: bool,
    /// Wait for another import of the workspace to end.
    pub wait: bool,
    /// The limits of what may be removed from the code.
    pub removal: RemovalLimits,
    /// The time of the run: `2026-11-23T00:50:00Z`.
    pub now: String,
}

impl ImportJob {
    /// The import of everything into a folder, with default limits.
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
            removal: RemovalLimits::default(),
            now,
        }
    }
}

/// A file of the user with addresses, and with objects to skip.
#[derive(Clone, Debug)]
pub struct Mapping {
    /// The file.
    pub path: PathBuf,
    /// Its content.
    pub manifest: Manifest,
}

/// Runs an import, and returns its report.
///
/// Nothing in the workspace changes before everything is read and all code is generated. A workspace that does not exist
/// yet appears complete. Dropping the future leaves nothing behind.
pub async fn run(source: Source, job: &ImportJob, context: &Context) -> Result<ImportReport, ImportError> {
    // A dry run writes nothing, so that it needs no lock.
    let workspace = Workspace::at(&job.out);
    let _lock = if job.dry_run { None } else { Some(lock(&workspace, job, context).await?) };
    let previous = previous(&workspace)?;
    let kinds: Vec<&'static Kind> = KINDS
        .iter()
        .copied()
        .filter(|kind| job.selection.may_include_kind(kind) || needed(kind, &previous.manifest))
        .collect();
    let scratch = ScratchFolder::beside(&workspace, job.dry_run)?;
    let fetched = read(source, &kinds, &scratch, job, context).await?;
    let permissions = Cluster::read(&fetched.recording)?.permissions;
    if permissions.is_empty() {
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
            (input, generated) = generate_code(input, context).await?;
            adoption(instances, &generated, &input)
        }
    };
    if !adoption.addresses.objects.is_empty() {
        let mapping = input.options.mapping.get_or_insert_default();
        mapping.objects.extend(adoption.addresses.objects);
    }
    let (Input { fetched, previous, .. }, mut generated) = generate_code(input, context).await?;
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
        // The files of an earlier adoption stay: their user may still need them, and deletes them.
        None => {
            let files = previous.files.iter().filter(|(path, _)| adopted(path));
            generated.files.extend(files.map(|(path, text)| (path.clone(), text.clone())));
        }
    }
    leave_foreign(&workspace, &mut generated.files, &previous.manifest);
    if job.dry_run {
        // The manifest is shown as a mapping: with addresses, and without hashes of generated text.
        generated.manifest.objects.values_mut().for_each(|object| object.block = None);
        generated.manifest.tasks.clear();
    } else {
        generated.manifest.files = file_hashes(&generated, &previous);
    }
    let Previous { manifest: before, files, .. } = previous;
    drop(files); // Frees memory: the workspace is compared file by file.
    let fetched = match &job.record {
        Some(path) if !job.dry_run => copy_to(fetched, path.clone(), context).await?,
        _ => fetched,
    };
    // `write` moves the recording into the workspace: nothing is read from it after that.
    let changes = if job.dry_run { None } else { Some(write(&workspace, job, &generated, &before, &scratch)?) };
    Ok(ImportReport::new(job, &permissions, &fetched, generated, &before, changes).adopted(adoption.resources))
}

/// Input of the generators.
struct Input {
    fetched: Fetched,
    options: Options,
    previous: Previous,
}

/// Generates the code on a thread of its own: for a large cluster this takes a while, and the user may cancel it.
async fn generate_code(input: Input, context: &Context) -> Result<(Input, Generated), ImportError> {
    let _step = Step::start(context, StepKind::GenerateCode);
    let work = context.compute(move || {
        let Input { fetched, options, previous } = &input;
        let generated = generate(&FetchedAnswers::from(fetched), options, previous);
        generated.map(|generated| (input, generated))
    });
    Ok(work.await?)
}

/// Matches the resources of a state with the objects that an import without it would generate.
fn adoption(instances: &[Instance], generated: &Generated, input: &Input) -> Adoption {
    let Generated { manifest, coverage, .. } = generated;
    let (before, mapping) = (&input.previous.manifest, input.options.mapping.as_ref());
    adopt::adopt(instances, adopt::Baseline { made: manifest, coverage, before, mapping })
}

/// Reports whether a file is one for the old Terraform configuration, which an adopted state comes from.
fn adopted(path: &str) -> bool {
    path.starts_with("adopted/")
}

/// Reports whether a kind is read although nothing of it is selected. Selected objects refer to pools and storages, which
/// cost one request each. Kinds that have code in the workspace are proved with the rest, for which the recording must
/// have their answers.
fn needed(kind: &Kind, known: &Manifest) -> bool {
    matches!(kind.id, "pool" | "storage") || known.objects.keys().any(|identity| identity.prefix() == kind.prefix)
}

async fn read(
    source: Source,
    kinds: &[&'static Kind],
    scratch: &ScratchFolder,
    job: &ImportJob,
    context: &Context,
) -> Result<Fetched, ImportError> {
    let writer = RecordingWriter::create(&scratch.recording())?;
    match source {
        Source::Cluster(client) => {
            let options =
                FetchOptions { concurrency: job.concurrency, ask_guests: job.ask_guests, recorded_at: job.now.clone() };
            fetch::record(&client, kinds, writer, &options, context).await
        }
        Source::Recording(recording) => {
            let about = recording.about().clone();
            let copied = copy::copy(&recording, kinds, writer, about, context).await?;
            Ok(Fetched { recording: copied.recording, asked: copied.answers, sent: 0, failures: Vec::new() })
        }
    }
}

/// Reads the manifest of a workspace; `None` if it has none yet.
pub fn manifest(workspace: &Workspace) -> Result<Option<Manifest>, ImportError> {
    let path = workspace.manifest();
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(ImportError::Read { path, source }),
    };
    Manifest::parse(&text).map(Some).map_err(|source| ImportError::Manifest { path, source })
}

/// The interval at which a waiting import tries to lock the workspace.
const RETRY: Duration = Duration::from_millis(200);

/// Locks the workspace, and removes what killed imports left there.
async fn lock(workspace: &Workspace, job: &ImportJob, context: &Context) -> Result<Lock, ImportError> {
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
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

/// Reads the state of the workspace before the import: its manifest, and the generated code as it is now.
pub(super) fn previous(workspace: &Workspace) -> Result<Previous, ImportError> {
    let out = workspace.root();
    workspace::check_links(out)?;
    if out.exists() && !out.is_dir() {
        return Err(WorkspaceError::NotAFolder { path: out.to_owned() }.into());
    }
    let Some(manifest) = manifest(workspace)? else { return Ok(Previous::default()) };
    let mut files = FileSet::new();
    let folders = ["terraform/", "ansible/roles/", "ansible/inventory/"];
    let code = |name: &&String| folders.iter().any(|folder| name.starts_with(folder)) || adopted(name);
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

/// Returns the hash of every generated file. A file with kept code that somebody has edited keeps its old hash, so that
/// the import that generates this code again still finds the edit.
pub(super) fn file_hashes(generated: &Generated, previous: &Previous) -> workspace::Hashes {
    let mut hashes = workspace::hashes(&generated.files);
    for (path, hash) in &mut hashes {
        let edited = generated.edited.contains(path) || (adopted(path) && previous.touched.contains(path));
        if let Some(known) = previous.manifest.files.get(path).filter(|_| edited) {
            hash.clone_from(known);
        }
    }
    hashes
}

/// Drops generated files that would replace the user's: a `.gitignore` that no import wrote, and a `README.md` that no
/// import wrote or that was edited since. Neither is needed, and people often have their own.
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
    job: &ImportJob,
    generated: &Generated,
    before: &Manifest,
    scratch: &ScratchFolder,
) -> Result<Changes, ImportError> {
    let manifest = generated.manifest.render();
    let changes = workspace::plan(workspace, &generated.files, &manifest, &before.files)?;
    let backup = job.now.replace(':', "-");
    let edits = if job.force { Edits::Overwrite { backup: &backup } } else { Edits::Stop };
    workspace::apply(workspace, &generated.files, &manifest, &changes, edits)?;
    scratch.move_recording(&workspace.recording())?;
    Ok(changes)
}

/// Writes a second copy of the recording.
async fn copy_to(fetched: Fetched, path: PathBuf, context: &Context) -> Result<Fetched, ImportError> {
    let work = move |inside: &Context| copy_recording(&fetched.recording, &path, inside.cancel()).map(|()| fetched);
    context.block(work).await
}

fn copy_recording(recording: &Recording, path: &Path, cancel: &Cancel) -> Result<(), ImportError> {
    let writer = RecordingWriter::create(path)?;
    for path in recording.paths()?.take_while(|_| !cancel.requested()) {
        if let Some(answer) = recording.get(&path)? {
            writer.put(&path, &answer)?;
        }
    }
    writer.finish_unless(recording.about(), &|| cancel.requested())?;
    Ok(())
}

/// Temporary folder that the recording is written to before the workspace is changed.
struct ScratchFolder {
    folder: tempfile::TempDir,
}

impl ScratchFolder {
    /// Creates the folder beside the workspace, so that the recording can be renamed into it. `anywhere` is for an import
    /// that does not keep its recording.
    fn beside(workspace: &Workspace, anywhere: bool) -> Result<Self, ImportError> {
        let failed = |source| ImportError::Write { path: workspace.root().to_owned(), source };
        let folder = if anywhere { tempfile::tempdir().map_err(failed)? } else { workspace.unfinished()? };
        Ok(Self { folder })
    }

    fn recording(&self) -> PathBuf {
        self.folder.path().join("recording")
    }

    /// Moves the recording into the workspace, where it replaces the one before.
    fn move_recording(&self, path: &Path) -> Result<(), ImportError> {
        let failed = |source| ImportError::Write { path: path.to_owned(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        match fs::rename(path, self.folder.path().join("before")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        fs::rename(self.recording(), path).map_err(failed)
    }
}
