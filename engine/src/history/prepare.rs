//! Preparation of a merge: trees, index and files are written aside, so that only renames are left to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{FileMode, IndexEntry, IndexTime};

use super::journal::{Journal, JournalFile, digest, keep, oid};
use super::objects::Entry;
use super::{HistoryError, MergeCommit, Oid, Repository};
use crate::operation::Context;

/// A merge that is prepared.
pub(super) struct Prepared {
    pub(super) journal: Journal,
    /// The tree of the merge commit, if no hook changes it. With conflicts, it has the texts with markers.
    pub(super) tree: Oid,
}

impl Repository {
    /// Writes everything of a merge aside. Nothing that is visible changes. `program` is true if the `git` program is there.
    pub(super) fn prepare(
        &self,
        merge: &MergeCommit,
        program: bool,
        context: &Context,
    ) -> Result<Prepared, HistoryError> {
        self.workspace.make_private()?;
        self.clean()?;
        let places = self.places();
        for folder in [&places.after, &places.before, &places.git] {
            fs::create_dir_all(folder).map_err(HistoryError::io("write", folder))?;
        }
        if places.lock.exists() {
            return Err(HistoryError::Locked { lock: places.lock });
        }
        let index_before = digest(&places.index)?;
        if index_before.is_some() {
            keep(&places.index, &places.index_before)?;
            fs::copy(&places.index, &places.index_after).map_err(HistoryError::io("write", &places.index_after))?;
        }
        let head = self.head()?;
        let old = match head {
            Some(head) => self.tree_of(head)?,
            None => self.staged_tree(&places.index_after, program, context)?,
        };
        let entries = self.entries(old, merge)?;
        let tree = self.updated_tree(Some(old), &entries)?;
        if program {
            self.read_tree(old, tree, context)?;
        } else {
            self.read_tree_without_program(tree, &entries)?;
        }
        self.stage_conflicts(merge, &entries)?;
        let files = self.journal_files(merge, &entries)?;
        let lock = format!("proxmox-mpc {}\n", context.operation());
        fs::write(&places.lock_aside, &lock).map_err(HistoryError::io("write", &places.lock_aside))?;
        let journal = Journal {
            branch: merge.branch.clone(),
            tip: merge.tip.map(|tip| tip.to_string()),
            generated: merge.generated.to_string(),
            target: self.head_reference()?,
            head: head.map(|head| head.to_string()),
            conflicts: !merge.conflicts.is_empty(),
            files,
            index_before,
            index_after: digest(&places.index_after)?.unwrap_or_default(),
            lock,
        };
        Ok(Prepared { journal, tree })
    }

    /// The entries that the merge changes, by path relative to the root. A file keeps its mode.
    pub(super) fn entries(&self, old: Oid, merge: &MergeCommit) -> Result<BTreeMap<String, Entry>, HistoryError> {
        let conflicts = merge.conflicts.iter().map(|conflict| (&conflict.path, &conflict.text));
        let mut entries = BTreeMap::new();
        for (path, text) in merge.files.iter().chain(conflicts) {
            let path = self.path_in_repository(path);
            self.check_plain(old, &path)?;
            let mode = self.entry(old, &path)?.map_or(i32::from(FileMode::Blob), |(_, mode)| mode);
            let blob = text.as_ref().map(|text| self.blob(text)).transpose()?;
            entries.insert(path, blob.map(|blob| (blob, mode)));
        }
        Ok(entries)
    }

    /// Refuses links, folders and submodules at the path of a file, and links on the way to it.
    fn check_plain(&self, old: Oid, path: &str) -> Result<(), HistoryError> {
        let refused = || HistoryError::NotAFile { path: path.to_owned() };
        let plain = Path::new(path).components().all(|part| matches!(part, std::path::Component::Normal(_)));
        if !plain || self.entry(old, path)?.is_some_and(|(_, mode)| mode == i32::from(FileMode::Link)) {
            return Err(refused());
        }
        let file = self.root.join(path);
        if fs::symlink_metadata(&file).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(refused());
        }
        let folders = file.ancestors().skip(1).take_while(|folder| *folder != self.root);
        for folder in folders {
            if fs::symlink_metadata(folder).is_ok_and(|metadata| !metadata.is_dir()) {
                return Err(refused());
            }
        }
        Ok(())
    }

    /// The tree of an index.
    pub(super) fn staged_tree(&self, index: &Path, program: bool, context: &Context) -> Result<Oid, HistoryError> {
        if program {
            let command = self.command(&["write-tree"]).env("GIT_INDEX_FILE", index.to_string_lossy());
            let lines = self.run(&command, context)?;
            return oid(lines.first().map_or("", String::as_str));
        }
        let failed = HistoryError::git("write the tree of the index");
        let mut index = git2::Index::open(index).map_err(&failed)?;
        index.write_tree_to(&self.git).map_err(&failed)
    }

    /// Brings the index that is aside from one tree to another, and writes the files that differ aside, as a checkout would:
    /// with filters and line ends, and without what a sparse checkout excludes.
    fn read_tree(&self, old: Oid, new: Oid, context: &Context) -> Result<(), HistoryError> {
        let places = self.places();
        let (mut git, mut work) = (std::ffi::OsString::from("--git-dir="), std::ffi::OsString::from("--work-tree="));
        git.push(self.git.path());
        work.push(&places.after);
        let invocation = super::program::in_repository(
            crate::toolchain::invocation::Invocation::new(&self.program),
            &self.root,
        );
        let invocation = invocation
            .env("GIT_INDEX_FILE", places.index_after.to_string_lossy())
            .env("LC_ALL", "C")
            .arg(git)
            .arg(work)
            .arg("-c")
            .arg("core.fsmonitor=false") // It watches the real work tree.
            .arg("-c")
            .arg("index.sparse=false") // libgit2 reads whole indexes only, to add conflicts.
            .arg("-c")
            .arg("core.splitIndex=false")
            .arg("read-tree")
            .arg("-m")
            .arg("-u")
            .arg(old.to_string())
            .arg(new.to_string());
        self.run(&invocation, context).map(drop)
    }

    /// The same by libgit2, which knows line ends and no other filters.
    fn read_tree_without_program(&self, tree: Oid, entries: &BTreeMap<String, Entry>) -> Result<(), HistoryError> {
        let failed = HistoryError::git("prepare the files of the merge");
        let places = self.places();
        let mut checkout = CheckoutBuilder::new();
        checkout.force().update_index(false).disable_pathspec_match(true).target_dir(&places.after);
        let mut index = git2::Index::open(&places.index_after).map_err(&failed)?;
        for (path, entry) in entries {
            match entry {
                Some((blob, mode)) => {
                    checkout.path(path.as_str());
                    index.add(&index_entry(path, *blob, *mode, 0)).map_err(&failed)?;
                }
                None => index.remove_path(path.as_ref()).map_err(&failed)?,
            }
        }
        index.write().map_err(&failed)?;
        if entries.values().any(Option::is_some) {
            let tree = self.git.find_object(tree, None).map_err(&failed)?;
            self.git.checkout_tree(&tree, Some(&mut checkout)).map_err(&failed)?;
        }
        Ok(())
    }

    /// Gives the conflicts their stages in the index that is aside: 1 for the base, 2 for ours, 3 for theirs.
    fn stage_conflicts(&self, merge: &MergeCommit, entries: &BTreeMap<String, Entry>) -> Result<(), HistoryError> {
        if merge.conflicts.is_empty() {
            return Ok(());
        }
        let failed = HistoryError::git("write the conflicts into the index");
        let places = self.places();
        let mut index = git2::Index::open(&places.index_after).map_err(&failed)?;
        for conflict in &merge.conflicts {
            let path = self.path_in_repository(&conflict.path);
            let mode = entries.get(&path).copied().flatten().map_or(i32::from(FileMode::Blob), |(_, mode)| mode);
            index.remove_path(path.as_ref()).map_err(&failed)?;
            for (stage, text) in [(1, &conflict.base), (2, &conflict.ours), (3, &conflict.theirs)] {
                if let Some(text) = text {
                    index.add(&index_entry(&path, self.blob(text)?, mode, stage)).map_err(&failed)?;
                }
            }
            // A sparse checkout may exclude the file, but a conflict has to be seen.
            let file = places.after.join(&path);
            if let Some(text) = &conflict.text
                && !file.exists()
            {
                if let Some(parent) = file.parent() {
                    fs::create_dir_all(parent).map_err(HistoryError::io("write", parent))?;
                }
                fs::write(&file, text).map_err(HistoryError::io("write", &file))?;
            }
        }
        index.write().map_err(&failed)
    }

    /// The files of the work tree that the merge changes; each old one is kept aside.
    fn journal_files(
        &self,
        merge: &MergeCommit,
        entries: &BTreeMap<String, Entry>,
    ) -> Result<Vec<JournalFile>, HistoryError> {
        let places = self.places();
        let conflicts: BTreeSet<String> =
            merge.conflicts.iter().map(|conflict| self.path_in_repository(&conflict.path)).collect();
        let mut files = Vec::new();
        for (path, entry) in entries {
            let file = self.root.join(path);
            let (before, after) = (digest(&file)?, digest(&places.after.join(path))?);
            // Without a file aside, the text is as it was, or a sparse checkout excludes it.
            if before == after || (entry.is_some() && after.is_none() && !conflicts.contains(path)) {
                continue;
            }
            if before.is_some() {
                keep(&file, &places.before.join(path))?;
            }
            files.push(JournalFile { path: path.clone(), before, after });
        }
        Ok(files)
    }
}

fn index_entry(path: &str, id: Oid, mode: i32, stage: u16) -> IndexEntry {
    let time = IndexTime::new(0, 0); // Unknown: git compares the text and fills it in.
    IndexEntry {
        ctime: time,
        mtime: time,
        dev: 0,
        ino: 0,
        mode: mode.unsigned_abs(),
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: stage << 12, // `GIT_INDEX_ENTRY_STAGESHIFT` of libgit2.
        flags_extended: 0,
        path: path.as_bytes().to_vec(),
    }
}
