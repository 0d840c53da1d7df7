//! Init: sets up a workspace. It finds the cluster, the certificate to trust and the login, tests all three, and writes the
//! files that a workspace begins with.

mod certificate;
mod error;
mod files;
mod login;
mod permissions;
mod repository;
mod request;
mod typed_secret;

use std::path::{Path, PathBuf};

pub use error::InitError;
pub use request::{
    FileResult, InitFile, InitReport, InitRequest, Purpose, PurposeReport, RepositoryReport, TrustReport,
};

use crate::history::Repository;
use crate::operation::prompt::Nobody;
use crate::operation::{Cancel, Context, Effect, Failure, Person, Prompt, PromptError, Request};
use crate::settings::{Connection, Endpoint, Layers, SecretSource, SettingsError, in_world};
use crate::sync::SyncRequest;
use crate::workspace::{Workspace, check_links};

impl Request for InitRequest {
    const NAME: &'static str = "init";
    const EFFECT: Effect = Effect::EditsCode;
    type Report = InitReport;

    async fn run(self, context: Context) -> Result<InitReport, Failure> {
        let workspace = Workspace::at(&self.folder);
        let interview = Interview { context: context.clone(), yes: self.yes };
        check_links(workspace.root())?;
        files::check_writable(workspace.root())?;
        self.check_content(&workspace, &interview).await?;
        let mut connection = self.connection.clone();
        let endpoints = endpoints(&mut connection, &workspace, &interview).await?;
        let mut notices = Vec::new();
        let trust = certificate::trust(&endpoints, &connection, &workspace, &interview, &mut notices).await?;
        let login = login::login(&endpoints, &trust, &mut connection, &workspace, &interview).await?;
        let permissions = permissions::purposes(&login.permissions, &login.name);
        let plan = files::Plan {
            endpoints: endpoints.iter().map(ToString::to_string).collect(),
            trust: trust.report(),
            connection,
            typed: login.typed,
        };
        // From here on nothing waits: all files are written, or the error names the one that could not be.
        let git = self.git;
        let (folder, author) = (workspace.clone(), context.actor().name.clone());
        let (files, secret, repository, mut more) = context
            .block(move |context| {
                let written = in_world(context, |world| plan.write(&folder, world))?;
                let names = written.files.iter().filter(|file| file.result != FileResult::Kept);
                let names: Vec<String> = names.map(|file| file.path.clone()).collect();
                let repository =
                    if git { repository::found_or_made(&folder, &names, &author)? } else { RepositoryReport::None };
                Ok::<_, Failure>((written.files, written.secret, repository, written.notices))
            })
            .await?;
        notices.append(&mut more);
        let mut report = InitReport {
            workspace: workspace.root().to_owned(),
            endpoints: endpoints.iter().map(ToString::to_string).collect(),
            pve_version: login.pve_version,
            login: login.name,
            secret: secret.unwrap_or(login.secret),
            trust: trust.report(),
            permissions,
            files,
            repository,
            notices,
            first_sync: None,
            next: Vec::new(),
        };
        report.next = next(&report);
        // In a repository that was there before, a person commits the files first.
        if matches!(report.repository, RepositoryReport::Created { .. }) && interview.wants_first_sync().await? {
            let workspace = workspace.root().to_owned();
            let sync = SyncRequest { workspace, ..SyncRequest::default() };
            report.first_sync = Some(Box::new(Box::pin(sync.run(context)).await?));
            report.next = vec![format!("proxmox-mpc verify {}", quoted(&report.workspace))];
        }
        Ok(report)
    }
}

impl InitRequest {
    /// Looks at what is in the folder already, and asks before anything of it is changed.
    async fn check_content(&self, workspace: &Workspace, interview: &Interview) -> Result<(), Failure> {
        let names = files::content(workspace.root())?;
        if workspace.is_marked() {
            if self.yes {
                return Ok(());
            }
            let prompt = Prompt::new(format!("Change the workspace in {}", workspace.root().display()), "`--yes`")
                .note(format!("{} is a workspace already: {}.", workspace.root().display(), names.join(", ")))
                .note("Its settings file keeps its comments and every key that is not asked for here.");
            if !interview.ask(move |person, cancel| person.agreement(&prompt, Some(true), cancel)).await? {
                return Err(InitError::Declined.into());
            }
        } else if !names.is_empty() && !self.force && Repository::discover(workspace)?.is_none() {
            if !interview.is_attended() {
                return Err(InitError::NotEmpty { folder: workspace.root().to_owned(), names }.into());
            }
            let prompt = Prompt::new("Set up the workspace here all the same", "`--force`")
                .note(format!("{} has files already: {}.", workspace.root().display(), names.join(", ")))
                .note("They stay as they are.");
            if !interview.ask(move |person, cancel| person.agreement(&prompt, Some(false), cancel)).await? {
                return Err(InitError::Declined.into());
            }
        }
        Ok(())
    }
}

/// Questions of one set-up.
#[derive(Clone)]
struct Interview {
    context: Context,
    yes: bool,
}

impl Interview {
    /// Reports whether questions are answered.
    fn is_attended(&self) -> bool {
        !self.yes && self.context.person().is_there()
    }

    /// Asks something; where nothing may be asked, the answer is an error that names the option.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&dyn Person, &Cancel) -> Result<T, PromptError> + Send + 'static,
    ) -> Result<T, PromptError> {
        let yes = self.yes;
        self.context
            .block(move |context| question(if yes { &Nobody } else { context.person() }, context.cancel()))
            .await
    }

    /// Says something to whoever answers.
    fn tell(&self, line: &str) {
        if self.is_attended() {
            self.context.person().tell(line);
        }
    }

    /// Asks for the first sync, where there is such a command.
    async fn wants_first_sync(&self) -> Result<bool, PromptError> {
        if !self.is_attended() {
            return Ok(false);
        }
        let prompt = Prompt::new("Read the cluster and write its code now", "`proxmox-mpc sync`");
        self.ask(move |person, cancel| person.agreement(&prompt, Some(true), cancel)).await
    }
}

/// The settings as they are now, with what is known of the connection.
async fn layers(connection: &Connection, workspace: &Workspace, context: &Context) -> Result<Layers, SettingsError> {
    let (connection, workspace) = (connection.clone(), workspace.clone());
    context.block(move |context| in_world(context, |world| Layers::read(connection, Some(&workspace), world))).await
}

/// The nodes of the cluster: those of the settings, or those that a person names.
async fn endpoints(
    connection: &mut Connection,
    workspace: &Workspace,
    interview: &Interview,
) -> Result<Vec<Endpoint>, Failure> {
    match layers(connection, workspace, &interview.context).await?.endpoints() {
        Err(SettingsError::NoEndpoint { .. }) if interview.is_attended() => {}
        Err(error) => return Err(error.into()),
        Ok(endpoints) => {
            let names: Vec<String> = endpoints.iter().map(ToString::to_string).collect();
            interview.tell(&format!("The cluster is {}.", names.join(", ")));
            return Ok(endpoints);
        }
    }
    let endpoint = interview
        .ask(|person, cancel| {
            let prompt = Prompt::new("Address of a node, as in pve.example or 10.0.0.1", "`--endpoint`");
            loop {
                let text = person.text(&prompt, None, cancel)?;
                match text.parse::<Endpoint>() {
                    Ok(endpoint) => return Ok(endpoint),
                    Err(error) => person.tell(&format!("`{}` cannot be used: {error}.", login::without_login(&text))),
                }
            }
        })
        .await?;
    connection.endpoints = vec![endpoint.to_string()];
    Ok(vec![endpoint])
}

/// The commands that come next.
fn next(report: &InitReport) -> Vec<String> {
    let folder = quoted(&report.workspace);
    let mut next = Vec::new();
    if let (SecretSource::Environment { variable }, true) = (&report.secret, report.login.contains('!')) {
        next.push(format!("export {variable}='{}=…'", report.login));
    }
    if let RepositoryReport::Existing { .. } = report.repository {
        let written = report.files.iter().filter(|file| file.result != FileResult::Kept && !file.path.starts_with('.'));
        let names: Vec<&str> = written.map(|file| file.path.as_str()).collect();
        if !names.is_empty() {
            next.push(format!("git -C {folder} add .gitignore {}", names.join(" ")));
            next.push(format!("git -C {folder} commit -m 'Begin a workspace for the cluster'"));
        }
    }
    next.push(match report.repository {
        RepositoryReport::None => format!("proxmox-mpc import --out {folder}"),
        _ => format!("proxmox-mpc sync {folder}"),
    });
    next
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let path = path.display().to_string();
    shlex::try_quote(&path).map_or_else(|_| path.clone(), std::borrow::Cow::into_owned)
}

/// A path as a settings file in this folder names it: relative to the folder where it is inside, absolute elsewhere.
fn relative(path: &Path, folder: &Path) -> PathBuf {
    let real = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (path, folder) = match (std::fs::canonicalize(path), std::fs::canonicalize(folder)) {
        (Ok(path), Ok(folder)) => (path, folder),
        _ => (real(path), real(folder)),
    };
    path.strip_prefix(&folder).map_or_else(|_| path.clone(), Path::to_owned)
}
