//! Run of an import from end to end: reads answers, generates code, and updates the workspace.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proxmox_mpc_generators::adopt::{self, Adoption, Instance};
use proxmox_mpc_generators::{FileSet, Generated, Manifest, Options, Previous, Selection};
use proxmox_mpc_model::kinds::{KINDS, Kind};
use proxmox_mpc_model::{Answers as _, Cluster};
use proxmox_mpc_twin::recording::{Recording, RecordingWriter};

use super::ImportError;
use super::fetch::{FetchOptions, Fetched};
use super::reading::{self, Input, ScratchFolder, Source, generate_code};
use super::removal::{self, RemovalLimits};
use super::report::ImportReport;
use crate::operation::{Cancel, Context};
use crate::workspace::{self, Changes, Edits, Workspace, WorkspaceError};

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
    let _lock = if job.dry_run { None } else { Some(reading::lock(&workspace, job.wait, &job.now, context).await?) };
    let previous = previous(&workspace)?;
    let kinds: Vec<&'static Kind> = KINDS
        .iter()
        .copied()
        .filter(|kind| job.selection.may_include_kind(kind) || needed(kind, &previous.manifest))
        .collect();
    let scratch = ScratchFolder::beside(&workspace, job.dry_run)?;
    let options =
        FetchOptions { concurrency: job.concurrency, ask_guests: job.ask_guests, recorded_at: job.now.clone() };
    let fetched = reading::read(&source, &kinds, &scratch, &options, context).await?;
    let permissions = Cluster::read(&fetched.recording)?.permissions;
    let mut options = Options { selection: job.selection.clone(), provider: job.provider, ..Options::default() };
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
    if job.adopt.is_some() {
        generated.files.extend(adopt::files(&adoption.resources));
    } else {
        // The files of an earlier adoption stay: their user may still need them, and deletes them.
        let files = previous.files.iter().filter(|(path, _)| adopted(path));
        generated.files.extend(files.map(|(path, text)| (path.clone(), text.clone())));
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
