//! Start of a sync: the repository, the generated tree of the last sync, and the base of the merge.

use proxmox_mpc_code::configuration::StateInstance;
use proxmox_mpc_generators::{Manifest, Options, Previous, generate};
use proxmox_mpc_model::observation::{FOLDER, Observation};
use proxmox_mpc_twin::recording::Recording;

use super::observing::Earlier;
use super::{SyncError, merging};
use crate::history::{Commit, HistoryError, HistoryNotice, Oid, Repository};
use crate::operation::{Context, clock};
use crate::settings;
use crate::timeline::generated_tree::GeneratedTree;
use crate::workspace::{self, FileSet, Workspace};

/// What a sync begins with.
pub(crate) struct Start {
    /// The repository around the workspace.
    pub(crate) repository: Repository,
    /// The generated branch.
    pub(crate) branch: String,
    /// Its tip; `None` before the first sync.
    pub(crate) tip: Option<Commit>,
    /// The generated tree of the last sync; before the first, that of an import whose files are at HEAD.
    pub(crate) previous: GeneratedTree,
    /// The observation of the last sync or import.
    pub(super) earlier: Earlier,
    /// The time of that observation in seconds since 1970.
    pub(super) time: Option<i64>,
    /// Facts about git that the person should know.
    pub(super) notices: Vec<HistoryNotice>,
    /// The workspace.
    workspace: Workspace,
    /// The manifest at HEAD.
    manifest: Option<Manifest>,
}

/// The trailer of the commit that has the tree of an import made before the first sync: the base of the first merge.
const IMPORT_TRAILER: &str = "Proxmox-MPC-Import";

impl Start {
    /// Reads the repository. An operation that was interrupted is finished or undone first, if something may be written.
    /// `check` refuses changes that are not committed before anything is asked of the cluster.
    pub(crate) fn read(workspace: Workspace, writes: bool, check: bool, context: &Context) -> Result<Self, SyncError> {
        let Some(repository) = Repository::discover(&workspace)? else {
            return Err(SyncError::NoRepository { folder: workspace.root().to_owned() });
        };
        let branch = settings::generated_branch(context, &workspace)?;
        let notices = if writes { repository.recover(context)? } else { Vec::new() };
        if check {
            if let Some(operation) = repository.operation() {
                return Err(HistoryError::UnderWay { operation }.into());
            }
            // Other files of the repository are nobody's business here.
            let dirty = repository.dirty(context)?.into_iter().filter(|file| file.inside);
            let paths: Vec<String> = dirty.map(|file| file.path).collect();
            if !paths.is_empty() {
                return Err(HistoryError::Dirty { paths }.into());
            }
        }
        let tip = repository.generated(&branch)?;
        let manifest = repository.head_files(|path| path == Workspace::MANIFEST)?.remove(Workspace::MANIFEST);
        let manifest = manifest.map(|text| Manifest::parse(&text)).transpose().map_err(SyncError::Manifest)?;
        let mut start = Self {
            previous: GeneratedTree::default(),
            earlier: Earlier::None,
            time: None,
            workspace,
            repository,
            branch,
            tip,
            notices,
            manifest,
        };
        match tip {
            Some(tip) => {
                start.previous = GeneratedTree::at(&start.repository, tip.id)?;
                start.earlier = Earlier::Sync(start.repository.blobs(tip.id, FOLDER)?);
                start.time = Some(tip.time);
            }
            None => start.read_import()?,
        }
        Ok(start)
    }

    /// Reads what an import wrote before the first sync: as its recording would give it again, without the edits that people
    /// have made since; without a recording, which no clone has, the files as they were committed before those edits.
    fn read_import(&mut self) -> Result<(), SyncError> {
        let Some(manifest) = self.manifest.clone() else { return Ok(()) };
        let Ok(recording) = Recording::open(&self.workspace.recording()) else {
            let is_generated =
                |path: &str, text: &str| manifest.files.get(path) == Some(&workspace::hash(text.as_bytes()));
            let files = self.repository.latest_files(manifest.files.keys(), is_generated)?;
            self.previous = GeneratedTree::new(files, manifest);
            return Ok(());
        };
        let files = self.repository.head_files(|path| manifest.files.contains_key(path))?;
        let previous = Previous { manifest, files, ..Previous::default() };
        let mut generated = generate(&recording, &Options::default(), &previous)?;
        generated.manifest.files = workspace::hashes(&generated.files);
        self.previous = GeneratedTree::new(generated.files, generated.manifest);
        self.earlier = Earlier::Import(Box::new(Observation::read(&recording)?));
        self.time = Some(clock::unix(&recording.about().recorded_at));
        Ok(())
    }

    /// Commits the tree of an earlier import as the beginning of the generated branch.
    pub(super) fn commit_import(&mut self) -> Result<(), SyncError> {
        let (Earlier::Import(observation), Some(time)) = (&self.earlier, self.time) else { return Ok(()) };
        let mut files: FileSet = self.previous.files.clone();
        files.extend(observation.files());
        let cluster = observation.cluster.as_deref().unwrap_or("the cluster");
        let message = format!("import of {cluster}, before the first sync\n\n{IMPORT_TRAILER}: yes\n");
        let commit = self.repository.write_generated(&self.branch, &files, &message, time, None)?;
        self.repository.advance(&self.branch, None, commit.id)?;
        self.tip = Some(commit);
        Ok(())
    }

    /// The generated commit that HEAD has. `merged` is the last one in its history. A merge request that was squashed, or a branch
    /// that was rebased, has the files of a later one without its history: the manifest at HEAD tells.
    pub(crate) fn contained(&self, merged: Option<Oid>) -> Result<Option<Oid>, SyncError> {
        let manifest = self.manifest.as_ref().filter(|manifest| !manifest.files.is_empty());
        let Some(manifest) = manifest.filter(|_| merged != self.tip.map(|tip| tip.id)) else { return Ok(merged) };
        for commit in self.repository.log(&self.branch, None, None)? {
            let id = id(&commit.id)?;
            if merged == Some(id) {
                break;
            }
            let text = self.repository.file(id, Workspace::MANIFEST)?.unwrap_or_default();
            if Manifest::parse(&text).is_ok_and(|generated| generated.files == manifest.files) {
                return Ok(Some(id));
            }
        }
        Ok(merged)
    }

    /// The base of the merge. `merged` is the last generated commit in the history of HEAD.
    pub(super) fn base(&self, merged: Option<Commit>) -> Result<GeneratedTree, SyncError> {
        if let Some(commit) = self.contained(merged.map(|commit| commit.id))? {
            return Ok(GeneratedTree::at(&self.repository, commit)?);
        }
        if self.manifest.is_none() {
            return Ok(GeneratedTree::default());
        }
        if self.tip.is_none() {
            return Ok(self.previous.clone());
        }
        // The first commit of the branch is that of the import whose files are at HEAD.
        let first = self.repository.log(&self.branch, None, None)?.pop();
        let import = first.filter(|commit| commit.trailers.iter().any(|(name, _)| name == IMPORT_TRAILER));
        let Some(import) = import else { return Ok(GeneratedTree::default()) };
        Ok(GeneratedTree::at(&self.repository, id(&import.id)?)?)
    }

    /// The objects that somebody excludes in the manifest.
    pub(crate) fn skipped(&self) -> Manifest {
        let mut manifest = Manifest::default();
        let entries = self.manifest.iter().flat_map(|manifest| &manifest.objects).filter(|(_, entry)| entry.skip);
        manifest.objects = entries.map(|(identity, entry)| (identity.clone(), entry.clone())).collect();
        manifest
    }

    /// The instances of a state file in the folder of the code, where Terraform keeps it without a backend.
    pub(super) fn local_state(&self) -> Result<Vec<StateInstance>, SyncError> {
        let path = self.workspace.terraform().join("terraform.tfstate");
        Ok(if path.is_file() { merging::state(&path).or_else(merging::empty)? } else { Vec::new() })
    }
}

fn id(text: &str) -> Result<Oid, SyncError> {
    text.parse().map_err(|_| HistoryError::Revision { text: text.to_owned() }.into())
}
