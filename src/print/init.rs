//! Set-up of a workspace for people: the cluster, what the login may do, the files, and what comes next.

use proxmox_mpc_engine::init::{FileResult, InitReport, Purpose, PurposeReport, RepositoryReport, TrustReport};
use proxmox_mpc_engine::settings::SecretSource;

use super::Printed;
use crate::page::Page;

impl Printed for InitReport {
    fn brief(&self, page: &mut Page) {
        page.good(format!("{} is a workspace for {}", self.workspace.display(), self.endpoints.join(", ")));
    }

    fn page(&self, page: &mut Page) {
        let version = self.pve_version.as_ref().map(|version| format!(", Proxmox VE {version}")).unwrap_or_default();
        page.line(format!("cluster      {}{version}", self.endpoints.join(", ")));
        page.line(format!("certificate  {}", trust(&self.trust)));
        page.line(format!("login        {}, {}", self.login, secret(&self.secret)));
        permissions(self, page);
        page.heading("files");
        for file in &self.files {
            let result = match file.result {
                FileResult::Written => "written",
                FileResult::Changed => "changed",
                FileResult::Kept => "stays as it is",
            };
            page.line(format!("  {:<17} {result}", file.path));
        }
        page.line(match &self.repository {
            RepositoryReport::Created { .. } => {
                "  a git repository was made, with these files as its first commit".to_owned()
            }
            RepositoryReport::Existing { folder } => {
                format!("  in the git repository {}; nothing was committed", folder.display())
            }
            RepositoryReport::None => "  no git repository was made".to_owned(),
        });
        if !self.notices.is_empty() {
            page.heading("good to know");
            self.notices.iter().for_each(|notice| page.line(format!("  {notice}")));
        }
        page.blank();
        self.brief(page);
        if let Some(sync) = &self.first_sync {
            page.blank();
            sync.page(page);
        }
        self.next.iter().for_each(|command| page.line(format!("next: {command}")));
    }
}

fn permissions(report: &InitReport, page: &mut Page) {
    page.heading("what the login may do");
    // A purpose lacks what those before it lack, and more.
    let mut named: Vec<&String> = Vec::new();
    for purpose in &report.permissions {
        let name = name(purpose.purpose);
        let more: Vec<&str> =
            purpose.missing.iter().filter(|missing| !named.contains(missing)).map(String::as_str).collect();
        let also = if named.is_empty() { "lacks" } else { "lacks these and" };
        page.line(match (purpose.missing.is_empty(), more.is_empty()) {
            (true, _) => format!("  {name:<7} everything"),
            (false, true) => format!("  {name:<7} lacks the same"),
            (false, false) => format!("  {name:<7} {also} {}", more.join(", ")),
        });
        named.extend(&purpose.missing);
    }
    // The last purpose has the lines of all: each role is shown once, by the first that needs it.
    let mut shown: Vec<&String> = Vec::new();
    for purpose in &report.permissions {
        let lines: Vec<&String> = purpose.grant.iter().filter(|line| !shown.contains(line)).collect();
        if !lines.is_empty() {
            page.line(format!("  to {}, run on a node as root:", what_for(purpose)));
            for line in &lines {
                page.line(format!("    {line}"));
            }
        }
        shown.extend(lines);
    }
}

fn name(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Import => "import",
        Purpose::Plan => "plan",
        Purpose::Apply => "apply",
    }
}

fn what_for(purpose: &PurposeReport) -> &'static str {
    match purpose.purpose {
        Purpose::Import => "import everything",
        Purpose::Plan => "plan against the cluster as well",
        Purpose::Apply => "apply changes of guests, storages and pools as well",
    }
}

fn trust(trust: &TrustReport) -> String {
    match trust {
        TrustReport::System => "trusted by this computer".to_owned(),
        TrustReport::Pinned { fingerprints, first_use } => {
            let how = if *first_use { "pinned as the node showed it" } else { "pinned" };
            format!("{how}: {}", fingerprints.join(", "))
        }
        TrustReport::Authorities { file } => format!("signed by an authority in {}", file.display()),
        TrustReport::Unchecked => "not checked".to_owned(),
    }
}

fn secret(secret: &SecretSource) -> String {
    match secret {
        SecretSource::Environment { variable } => format!("with the secret in {variable}"),
        SecretSource::File { path } => format!("with the secret in {}", path.display()),
        SecretSource::Command => "with the secret that a command prints".to_owned(),
    }
}
