//! Patch: changes of the files of a workspace, as a unified difference that `git apply` takes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use similar::TextDiff;

use crate::workspace::FileSet;

/// The patch from these texts to those, for `git apply`. `prefix` is the path of the workspace in the repository.
pub fn patch(ours: &FileSet, merged: &BTreeMap<String, Option<String>>, prefix: &str) -> String {
    let mut patch = String::new();
    for (path, text) in merged {
        let name = if prefix.is_empty() { path.clone() } else { format!("{prefix}/{path}") };
        let (before, after) = (ours.get(path).map_or("", String::as_str), text.as_deref().unwrap_or_default());
        let (from, to) = (format!("a/{name}"), format!("b/{name}"));
        writeln!(patch, "diff --git {from} {to}").expect("writing to a string cannot fail");
        let none = || "/dev/null".to_owned();
        let (from, to) = match (ours.contains_key(path), text.is_some()) {
            (false, _) => {
                patch += "new file mode 100644\n";
                (none(), to)
            }
            (true, false) => {
                patch += "deleted file mode 100644\n";
                (from, none())
            }
            (true, true) => (from, to),
        };
        patch += &TextDiff::from_lines(before, after).unified_diff().header(&from, &to).to_string();
    }
    patch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_names_files_as_git_does() {
        let ours = FileSet::from([("a.tf".to_owned(), "x\ny\n".to_owned()), ("b.tf".to_owned(), "b\n".to_owned())]);
        let merged = BTreeMap::from([
            ("a.tf".to_owned(), Some("x\nz\n".to_owned())),
            ("b.tf".to_owned(), None),
            ("c.tf".to_owned(), Some("c\n".to_owned())),
        ]);
        let expected = "diff --git a/lab/a.tf b/lab/a.tf\n--- a/lab/a.tf\n+++ b/lab/a.tf\n@@ -1,2 +1,2 @@\n x\n-y\n+z\n\
                        diff --git a/lab/b.tf b/lab/b.tf\ndeleted file mode 100644\n--- a/lab/b.tf\n+++ /dev/null\n@@ -1 +0,0 @@\n-b\n\
                        diff --git a/lab/c.tf b/lab/c.tf\nnew file mode 100644\n--- /dev/null\n+++ b/lab/c.tf\n@@ -0,0 +1 @@\n+c\n";
        assert_eq!(patch(&ours, &merged, "lab"), expected);
    }
}
