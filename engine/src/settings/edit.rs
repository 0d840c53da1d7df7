//! Editor of a settings file: it changes single keys, and keeps comments, order and everything else.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use toml_edit::{Array, DocumentMut, Item, Table};

use super::file;
use super::layer::{Origin, Value};
use super::{SettingsError, World};

/// A settings file that is being edited.
#[derive(Debug)]
pub(crate) struct SettingsEditor {
    origin: Origin,
    document: DocumentMut,
    /// The text as it is on disk; `None` where there is no file yet.
    before: Option<String>,
}

impl SettingsEditor {
    /// Opens the settings file of a workspace, which need not be there yet.
    pub(crate) fn of_workspace(path: PathBuf, world: &World<'_>) -> Result<Self, SettingsError> {
        Self::open(Origin::Workspace(path), world)
    }

    /// Opens the user's settings file, which need not be there yet.
    pub(crate) fn of_user(world: &World<'_>) -> Result<Self, SettingsError> {
        Self::open(Origin::User(file::user(world).ok_or(SettingsError::NoHome)?), world)
    }

    fn open(origin: Origin, world: &World<'_>) -> Result<Self, SettingsError> {
        let path = origin.path();
        let before = match (world.read)(path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(SettingsError::File { path: path.to_owned(), source }),
        };
        let text = before.as_deref().unwrap_or_default();
        // What is wrong with the file is said in the words of whoever reads settings.
        file::parse(&origin, text)?;
        let document = text.parse().map_err(|error: toml_edit::TomlError| SettingsError::Toml {
            path: path.to_owned(),
            line: 1,
            problem: error.message().to_owned(),
        })?;
        Ok(Self { origin, document, before })
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        self.origin.path()
    }

    /// Reports whether the file is there.
    pub(crate) fn is_there(&self) -> bool {
        self.before.is_some()
    }

    /// Reports whether there is something to write.
    pub(crate) fn is_changed(&self) -> bool {
        self.before.as_deref().unwrap_or_default() != self.text()
    }

    /// The text as it would be written.
    pub(crate) fn text(&self) -> String {
        self.document.to_string()
    }

    /// Reports whether the file has the key, given with the tables that it is in.
    pub(crate) fn has(&self, keys: &[&str]) -> bool {
        let mut item = self.document.as_item();
        keys.iter().all(|key| match item.get(key) {
            Some(inner) => {
                item = inner;
                true
            }
            None => false,
        })
    }

    /// The texts of a list at the top; none where there is no such list.
    pub(crate) fn texts(&self, key: &str) -> Vec<String> {
        let array = self.document.get(key).and_then(Item::as_array);
        array.into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
    }

    /// Reports whether the key has this value.
    pub(crate) fn is(&self, keys: &[&str], value: &Value) -> bool {
        let mut item = self.document.as_item();
        for key in keys {
            match item.get(key) {
                Some(inner) => item = inner,
                None => return false,
            }
        }
        item.as_value().is_some_and(|old| old.to_string().trim() == written(value).to_string().trim())
    }

    /// Gives a key its value, unless it has it. A value that it had is replaced where it stands, and comments stay.
    pub(crate) fn set(&mut self, keys: &[&str], value: &Value) {
        if self.is(keys, value) {
            return;
        }
        let Some((key, tables)) = keys.split_last() else { return };
        let mut table = self.document.as_table_mut();
        for name in tables {
            let inner = table.entry(name).or_insert_with(|| {
                let mut table = Table::new();
                table.set_implicit(true);
                Item::Table(table)
            });
            if !inner.is_table() {
                // `contexts.prod = { … }`, in one line: it is a table of its own from now on.
                let inline = std::mem::take(inner).into_table().unwrap_or_default();
                *inner = Item::Table(inline);
            }
            let Some(inner) = inner.as_table_mut() else { return };
            table = inner;
        }
        let mut new = written(value);
        match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(old) => {
                *new.decor_mut() = old.decor().clone();
                *old = new;
            }
            None => drop(table.insert(key, Item::Value(new))),
        }
        if !tables.is_empty() {
            table.set_implicit(false);
        }
    }

    /// Puts a comment above a key that was added.
    pub(crate) fn comment(&mut self, key: &str, comment: &str) {
        if let Some(mut key) = self.document.key_mut(key) {
            key.leaf_decor_mut().set_prefix(comment);
        }
    }

    /// Removes a key; a context without keys goes with its last one. Reports whether it was there.
    pub(crate) fn remove(&mut self, keys: &[&str]) -> bool {
        let Some((key, tables)) = keys.split_last() else { return false };
        let mut table: &mut dyn toml_edit::TableLike = self.document.as_table_mut();
        for name in tables {
            match table.get_mut(name).and_then(Item::as_table_like_mut) {
                Some(inner) => table = inner,
                None => return false,
            }
        }
        let removed = table.remove(key).is_some();
        if removed && table.is_empty() && !tables.is_empty() {
            self.remove(tables);
        }
        removed
    }

    /// Checks the new text as if it were read, and writes it.
    pub(crate) fn save(&self) -> Result<(), SettingsError> {
        let text = self.text();
        file::parse(&self.origin, &text)?;
        let path = self.path();
        let failed = |source| SettingsError::Unwritable { path: path.to_owned(), source };
        fs::create_dir_all(self.origin.folder()).map_err(failed)?;
        write_whole(path, &text).map_err(failed)
    }
}

/// Writes a file whole or not at all. A link stays a link; the file keeps its mode.
pub(super) fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    let mode = fs::metadata(&path).map(|metadata| metadata.permissions());
    // Less the user's mask, as for any new file.
    builder.permissions(mode.unwrap_or_else(|_| std::os::unix::fs::PermissionsExt::from_mode(0o666)));
    let mut file = builder.prefix(".proxmox-mpc-").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    Ok(())
}

fn written(value: &Value) -> toml_edit::Value {
    match value {
        Value::Switch(switch) => (*switch).into(),
        Value::Number(number) => i64::try_from(*number).unwrap_or(i64::MAX).into(),
        Value::Text(text) => text.as_str().into(),
        Value::Path(path) => path.display().to_string().into(),
        Value::List(texts) => texts.iter().map(String::as_str).collect::<Array>().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(before: &str, edit: impl FnOnce(&mut SettingsEditor)) -> String {
        let world = World {
            context: None,
            variable: &|_| None,
            read: &|_| Ok(before.to_owned()),
            run: &|_| Err("no programs".into()),
        };
        let mut editor = SettingsEditor::of_workspace("/lab/proxmox-mpc.toml".into(), &world).unwrap();
        edit(&mut editor);
        editor.text()
    }

    #[test]
    fn a_key_changes_and_everything_else_stays() {
        let text = |text: &str| Value::Text(text.to_owned());
        let check = |before: &str, keys: &[&str], value: &Value, expected: &str| {
            assert_eq!(edited(before, |editor| editor.set(keys, value)), expected);
        };
        let before = "# ours\nmin_tls = '1.2'   # old nodes\n\ntimeout=5\n";
        check(before, &["min_tls"], &text("1.3"), "# ours\nmin_tls = \"1.3\"   # old nodes\n\ntimeout=5\n");
        check(before, &["timeout"], &Value::Number(9), "# ours\nmin_tls = '1.2'   # old nodes\n\ntimeout=9\n");
        let endpoints = Value::List(vec!["a".to_owned(), "b".to_owned()]);
        check("", &["endpoints"], &endpoints, "endpoints = [\"a\", \"b\"]\n");
        check(
            "timeout = 5",
            &["contexts", "x", "timeout"],
            &Value::Number(7),
            "timeout = 5\n\n[contexts.x]\ntimeout = 7\n",
        );
        let context = "[contexts.x]\n# why\ntimeout = 7\n";
        check(
            context,
            &["contexts", "y", "timeout"],
            &Value::Number(8),
            &format!("{context}\n[contexts.y]\ntimeout = 8\n"),
        );
        let inline = "contexts = { x = { timeout = 7 } }\n";
        let after = edited(inline, |editor| editor.set(&["contexts", "x", "min_tls"], &text("1.2")));
        assert!(after.contains("timeout = 7") && after.contains("min_tls = \"1.2\""), "{after}");
    }

    #[test]
    fn a_key_goes_and_an_empty_context_with_it() {
        let check = |before: &str, keys: &[&str], expected: &str| {
            assert_eq!(edited(before, |editor| assert!(editor.remove(keys))), expected);
        };
        check("# a\ntimeout = 5\nmin_tls = '1.2' # b\n", &["timeout"], "min_tls = '1.2' # b\n");
        check("timeout = 5\n[contexts.x]\nmin_tls = '1.2'\n", &["contexts", "x", "min_tls"], "timeout = 5\n");
        check(
            "[contexts.x]\nmin_tls = '1.2'\ntimeout = 1\n",
            &["contexts", "x", "timeout"],
            "[contexts.x]\nmin_tls = '1.2'\n",
        );
    }
}
