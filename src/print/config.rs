//! Settings for people: a table with sources, one value, or a change of a file.

use proxmox_mpc_engine::settings::config::{SettingChange, SettingReport, SettingsReport};
use proxmox_mpc_engine::settings::{Source, Value};

use super::Printed;
use crate::page::{Page, Table};

impl Printed for SettingsReport {
    fn page(&self, page: &mut Page) {
        let mut table = Table::new(["SETTING", "VALUE", "SOURCE"]);
        for setting in &self.settings {
            table.row([setting.name.clone(), shown(setting), source(&setting.source)]);
        }
        page.table(&table);
        page.blank();
        if let Some(context) = &self.context {
            page.line(format!("context         {context}"));
        }
        let files = [("workspace file", &self.workspace_file), ("your file", &self.user_file)];
        for (name, path) in files.into_iter().filter_map(|(name, path)| Some((name, path.as_ref()?))) {
            page.line(format!("{name:<15} {}", path.display()));
        }
    }
}

impl Printed for SettingReport {
    /// Writes the value alone, for scripts: of a list a line for each element.
    fn page(&self, page: &mut Page) {
        match &self.value {
            Some(Value::List(texts)) => texts.iter().for_each(|text| page.line(text)),
            Some(value) => page.line(self::value(value)),
            None => page.line(shown(self)),
        }
    }
}

impl Printed for SettingChange {
    fn page(&self, page: &mut Page) {
        let (key, file) = (&self.key, self.file.display());
        match &self.value {
            _ if !self.changed => page.line(format!("{file} was not changed")),
            Some(value) => page.good(format!("{file}: {key} = {}", self::value(value))),
            None => page.good(format!("{file}: {key} was removed")),
        }
        if let Some(source) = &self.overridden {
            page.line(format!("  it has no effect here: {key} comes from {}", self::source(source)));
        }
    }
}

fn shown(setting: &SettingReport) -> String {
    match (&setting.value, setting.set) {
        (Some(value), _) => self::value(value),
        (None, true) => "set".to_owned(),
        (None, false) => "not set".to_owned(),
    }
}

fn value(value: &Value) -> String {
    match value {
        Value::Switch(switch) => switch.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Path(path) => path.display().to_string(),
        Value::List(texts) => texts.join(", "),
    }
}

fn source(source: &Source) -> String {
    match source {
        Source::Option => "option".to_owned(),
        Source::Environment { variable } => variable.clone(),
        Source::Context { context, .. } => format!("context {context}"),
        Source::Workspace { .. } => "workspace file".to_owned(),
        Source::User { .. } => "your file".to_owned(),
        Source::Default => "default".to_owned(),
        Source::Unset => String::new(),
    }
}
