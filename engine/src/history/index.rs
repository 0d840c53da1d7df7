//! The index of the repository: the files as the next commit will have them.

use std::path::Path;

use git2::Index;

use super::{HistoryError, Repository};
use crate::workspace::FileSet;

/// Bits of the flags of an entry that say which side of a conflict it is.
const STAGE: u16 = 0x3000;

impl Repository {
    /// The text files of the workspace in the index whose paths relative to the workspace pass. Of a file with a conflict, that
    /// is our side.
    ///
    /// `index` is the file that git names to a hook in `GIT_INDEX_FILE`, where that is another one than the repository's: of
    /// `git commit -a` and `git commit FILE`.
    pub fn index_files(&self, index: Option<&str>, wanted: impl Fn(&str) -> bool) -> Result<FileSet, HistoryError> {
        let failed = HistoryError::git("read the index");
        let index = if let Some(path) = index {
            Index::open(&self.root().join(Path::new(path))).map_err(&failed)?
        } else {
            let mut index = self.git.index().map_err(&failed)?;
            index.read(false).map_err(&failed)?;
            index
        };
        let beginning = self.path_in_repository("");
        let mut files = FileSet::new();
        for entry in index.iter() {
            // Stage 0 is no conflict, 2 is our side.
            let is_ours = matches!((entry.flags & STAGE) >> 12, 0 | 2);
            let is_file = entry.mode & 0o170_000 == 0o100_000;
            let Ok(path) = std::str::from_utf8(&entry.path) else { continue };
            let Some(path) = path.strip_prefix(&beginning) else { continue };
            if is_ours
                && is_file
                && wanted(path)
                && let Some(text) = self.text(entry.id)?
            {
                files.insert(path.to_owned(), text);
            }
        }
        Ok(files)
    }
}
