//! Commits on the branch of a person: hooks, as `git merge` runs them, and signatures.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use super::journal::oid;
use super::program::{in_repository, output_of, run};
use super::{HistoryError, HistoryNotice, MergeCommit, Oid, Repository};
use crate::operation::{Context, EventKind};
use crate::toolchain::invocation::Invocation;

/// The end of a hook.
pub(super) struct HookEnd {
    /// True if it passed, or is not there.
    pub(super) passed: bool,
    /// True if it is there and has run.
    pub(super) ran: bool,
    lines: Vec<String>,
}

/// The hooks that `git merge` runs before the commit, in its order.
const HOOKS: [&str; 3] = ["pre-merge-commit", "prepare-commit-msg", "commit-msg"];

impl Repository {
    /// Runs the hooks of a merge, and returns the tree and the message that they leave.
    pub(super) fn run_hooks(
        &self,
        tree: Oid,
        merge: &MergeCommit,
        program: bool,
        notices: &mut Vec<HistoryNotice>,
        context: &Context,
    ) -> Result<(Oid, String), HistoryError> {
        if !program {
            let hooks = HOOKS.into_iter().filter(|hook| self.hook_path(hook).is_some());
            let hooks: Vec<String> = hooks.map(str::to_owned).collect();
            if !hooks.is_empty() {
                notices.push(HistoryNotice::HooksNotRun { hooks });
            }
            return Ok((tree, merge.message.clone()));
        }
        let file = self.git.path().join("MERGE_MSG");
        if !file.exists() {
            // The first commit of a branch is announced by no files.
            self.write(&file, merge.message.as_bytes())?;
        }
        let name = file.to_string_lossy();
        let mut ran = false;
        for hook in HOOKS {
            if !merge.verify && hook != "prepare-commit-msg" {
                continue; // As with `--no-verify`.
            }
            let arguments: &[&str] = match hook {
                "pre-merge-commit" => &[],
                "prepare-commit-msg" => &[&name, "merge"],
                _ => &[&name],
            };
            let end = self.hook(hook, arguments, context)?;
            if !end.passed {
                return Err(HistoryError::Hook { hook: hook.to_owned(), lines: end.lines });
            }
            ran |= end.ran;
        }
        if !ran {
            return Ok((tree, merge.message.clone()));
        }
        let message = fs::read_to_string(&file).map_err(HistoryError::io("read", &file))?;
        let message = git2::message_prettify(message, None).map_err(HistoryError::git("read the message"))?;
        Ok((self.staged_tree(&self.places().index, true, context)?, message))
    }

    /// Runs a hook in the work tree, if it is there.
    pub(super) fn hook(&self, name: &str, arguments: &[&str], context: &Context) -> Result<HookEnd, HistoryError> {
        let Some(path) = self.hook_path(name) else {
            return Ok(HookEnd { passed: true, ran: false, lines: Vec::new() });
        };
        let invocation = in_repository(Invocation::new(path), &self.root)
            .env("GIT_INDEX_FILE", self.places().index.to_string_lossy())
            .env("GIT_EDITOR", ":"); // An editor would hang: stdin is null.
        let invocation = arguments.iter().fold(invocation, |invocation, argument| invocation.arg(*argument));
        let answer = run(&invocation, context)?;
        let lines: Vec<String> = answer.lines.into_iter().chain(answer.errors).collect();
        for line in &lines {
            context.event(EventKind::Text { program: name.to_owned(), line: line.clone() });
        }
        Ok(HookEnd { passed: answer.code == Some(0), ran: true, lines })
    }

    /// The folder of the hooks, which need not be there.
    pub fn hooks_folder(&self) -> Result<PathBuf, HistoryError> {
        let config = self.git.config().map_err(HistoryError::git("read the configuration of git"))?;
        Ok(match config.get_path("core.hooksPath") {
            Ok(path) => self.root.join(path),
            Err(_) => self.git.commondir().join("hooks"),
        })
    }

    /// The file of a hook; `None` where there is none, or it may not be run, which is how git switches a hook off.
    fn hook_path(&self, name: &str) -> Option<PathBuf> {
        let path = self.hooks_folder().ok()?.join(name);
        let metadata = fs::metadata(&path).ok()?;
        (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some(path)
    }

    /// Writes a commit, with a signature where `commit.gpgsign` asks for one. No branch is moved.
    #[expect(clippy::too_many_arguments, reason = "the parts of a commit, and what it takes to sign it")]
    pub(super) fn commit(
        &self,
        tree: Oid,
        parents: &[Oid],
        message: &str,
        time: i64,
        program: bool,
        notices: &mut Vec<HistoryNotice>,
        context: &Context,
    ) -> Result<Oid, HistoryError> {
        let signs = self.git.config().and_then(|config| config.get_bool("commit.gpgsign")).unwrap_or(false);
        let message = format!("{}\n", message.trim_end());
        if signs && program {
            return self.signed_commit(tree, parents, &message, time, context);
        }
        if signs {
            notices.push(HistoryNotice::NotSigned);
        }
        let failed = HistoryError::git("write the commit");
        let author = self.signature(time)?;
        let tree = self.git.find_tree(tree).map_err(&failed)?;
        let parents: Result<Vec<_>, _> = parents.iter().map(|parent| self.git.find_commit(*parent)).collect();
        let parents = parents.map_err(&failed)?;
        let parents: Vec<_> = parents.iter().collect();
        self.git.commit(None, &author, &author, &message, &tree, &parents).map_err(&failed)
    }

    /// Lets the `git` program write the commit, which knows GPG, SSH and X.509.
    fn signed_commit(
        &self,
        tree: Oid,
        parents: &[Oid],
        message: &str,
        time: i64,
        context: &Context,
    ) -> Result<Oid, HistoryError> {
        let mut invocation = self.with_identity(self.command(&["commit-tree", "-S"]), time).arg(tree.to_string());
        for parent in parents {
            invocation = invocation.arg("-p").arg(parent.to_string());
        }
        let file = self.places().git.join("message"); // It may be longer than an argument can be.
        self.write(&file, message.as_bytes())?;
        let lines = output_of(&invocation.arg("-F").arg(file), context)?;
        oid(lines.first().map_or("", String::as_str))
    }

    /// Gives the `git` program the identity and the time of a commit.
    pub(super) fn with_identity(&self, invocation: Invocation, time: i64) -> Invocation {
        let identity = self.identity();
        let date = format!("{time} +0000");
        invocation
            .env("GIT_AUTHOR_NAME", identity.name.as_str())
            .env("GIT_AUTHOR_EMAIL", identity.email.as_str())
            .env("GIT_AUTHOR_DATE", date.as_str())
            .env("GIT_COMMITTER_NAME", identity.name.as_str())
            .env("GIT_COMMITTER_EMAIL", identity.email.as_str())
            .env("GIT_COMMITTER_DATE", date.as_str())
    }
}
