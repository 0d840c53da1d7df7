//! Contexts for people: a table of them, the one that counts, and a choice.

use proxmox_mpc_engine::settings::config::SettingsScope;
use proxmox_mpc_engine::settings::contexts::{ContextChoice, ContextReport, ContextsReport, CurrentContext};

use super::Printed;
use crate::page::{Page, Table};

impl Printed for ContextsReport {
    fn page(&self, page: &mut Page) {
        if self.contexts.is_empty() {
            page.line("no settings file names a context");
            page.line("`proxmox-mpc config set --user contexts.NAME.endpoints pve.example` makes one");
            return;
        }
        let mut table = Table::new(["", "CONTEXT", "ENDPOINTS", "FOLDER", "NAMED IN"]);
        for context in &self.contexts {
            let mark = if context.reason.is_some() { "*" } else { "" };
            let folder = context.workspace.as_ref().map(|path| path.display().to_string()).unwrap_or_default();
            table.row([mark.to_owned(), context.name.clone(), context.endpoints.join(", "), folder, named_in(context)]);
        }
        page.table(&table);
    }
}

impl Printed for CurrentContext {
    fn page(&self, page: &mut Page) {
        match &self.context {
            Some(context) => {
                let reason = context.reason.as_ref().map(|reason| format!(" ({})", reason.words())).unwrap_or_default();
                page.line(format!("context    {}{reason}", context.name));
                page.line(format!("named in   {}", context.file.display()));
            }
            None => page.line("context    none: the settings files alone count here"),
        }
        if !self.endpoints.is_empty() {
            page.line(format!("endpoints  {}", self.endpoints.join(", ")));
        }
        page.line(format!("workspace  {}", self.workspace.display()));
    }
}

impl Printed for ContextChoice {
    fn page(&self, page: &mut Page) {
        let name = &self.context.name;
        page.good(format!("context {name} is chosen"));
        if !self.counts_here {
            page.line("  it does not count in this folder: a workspace has settings of its own");
        }
        if let Some(previous) = &self.previous {
            page.line(format!("  `proxmox-mpc context use -` goes back to {previous}"));
        }
    }
}

fn named_in(context: &ContextReport) -> String {
    match context.scope {
        SettingsScope::Workspace => "workspace file".to_owned(),
        SettingsScope::User => "your file".to_owned(),
    }
}
