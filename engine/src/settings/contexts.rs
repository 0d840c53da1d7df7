//! Contexts: commands that list clusters by name, show one, and choose one.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::choice::StoredChoice;
use super::context::{Active, ContextReason, Contexts};
use super::section::ContextSection;
use super::table::ENDPOINTS;
use super::{Connection, Layers, SettingsError, World, config::SettingsScope, in_world};
use crate::operation::report::ReportType;
use crate::operation::{Context, Effect, Failure, Request};
use crate::workspace::Workspace;

/// Request for all contexts.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContextListRequest {}

/// Request for the context that counts.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ContextShowRequest {}

/// Request to choose a context for the commands to come.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContextUseRequest {
    /// The name; `-` for the one that was chosen before.
    pub name: String,
}

/// A context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContextReport {
    /// The name.
    pub name: String,
    /// The kind of file that names it.
    pub scope: SettingsScope,
    /// The file that names it.
    pub file: PathBuf,
    /// The folder of its code, if it has one.
    pub workspace: Option<PathBuf>,
    /// The nodes that its own keys name. The file of its folder may name some as well.
    pub endpoints: Vec<String>,
    /// The reason why it is the one that counts here; none if it is not.
    pub reason: Option<ContextReason>,
}

/// Report of all contexts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ContextsReport {
    /// The contexts, sorted by name.
    pub contexts: Vec<ContextReport>,
}

impl ReportType for ContextsReport {
    const KIND: &'static str = "contexts";
}

/// Report of the context that counts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct CurrentContext {
    /// The context; none if settings come from the files alone.
    pub context: Option<ContextReport>,
    /// The nodes of the cluster, from whichever source names them first; none if no source does.
    pub endpoints: Vec<String>,
    /// The workspace that commands mean by the current folder.
    pub workspace: PathBuf,
}

impl ReportType for CurrentContext {
    const KIND: &'static str = "context";
}

/// Report of a choice.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct ContextChoice {
    /// The context that was chosen.
    pub context: ContextReport,
    /// The one that was chosen before it.
    pub previous: Option<String>,
    /// The file that keeps the choice.
    pub kept_in: PathBuf,
    /// True if commands in the current folder follow the choice. A workspace that is not the context's has settings of its own.
    pub counts_here: bool,
}

impl ReportType for ContextChoice {
    const KIND: &'static str = "context_choice";
}

impl Request for ContextListRequest {
    const NAME: &'static str = "context list";
    const EFFECT: Effect = Effect::Reads;
    type Report = ContextsReport;

    async fn run(self, context: Context) -> Result<ContextsReport, Failure> {
        Ok(in_world(&context, |world| {
            let workspace = Workspace::around(Path::new("."));
            let contexts = Contexts::read(Some(&workspace), world)?;
            let active = current(&contexts, &workspace, world)?;
            let mut reports: Vec<ContextReport> = contexts
                .sections
                .iter()
                .map(|section| {
                    let active = active.as_ref().filter(|active| std::ptr::eq(active.section, section));
                    report(section, active.map(|active| active.reason.clone()))
                })
                .collect();
            reports.sort_by(|one, other| one.name.cmp(&other.name));
            Ok::<_, SettingsError>(ContextsReport { contexts: reports })
        })?)
    }
}

/// The context that counts in the current folder, and why. A choice that leads nowhere any more counts as none.
fn current<'c>(
    contexts: &'c Contexts,
    workspace: &Workspace,
    world: &World<'_>,
) -> Result<Option<Active<'c>>, SettingsError> {
    match contexts.active(Some(workspace), world) {
        Err(SettingsError::NoContext { .. } | SettingsError::OtherContext { .. }) if world.context.is_none() => {
            Ok(None)
        }
        active => active,
    }
}

impl Request for ContextShowRequest {
    const NAME: &'static str = "context show";
    const EFFECT: Effect = Effect::Reads;
    type Report = CurrentContext;

    async fn run(self, context: Context) -> Result<CurrentContext, Failure> {
        let workspace = super::workspace(&context, Path::new("."))?;
        Ok(in_world(&context, |world| {
            let contexts = Contexts::read(Some(&workspace), world)?;
            let active = contexts.active(Some(&workspace), world)?;
            let context = active.map(|active| report(active.section, Some(active.reason)));
            let endpoints = match Layers::read(Connection::default(), Some(&workspace), world)?.endpoints() {
                Err(SettingsError::NoEndpoint { .. }) => Vec::new(),
                endpoints => endpoints?.iter().map(ToString::to_string).collect(),
            };
            Ok::<_, SettingsError>(CurrentContext { context, endpoints, workspace: workspace.root().to_owned() })
        })?)
    }
}

impl Request for ContextUseRequest {
    const NAME: &'static str = "context use";
    const EFFECT: Effect = Effect::WritesElsewhere;
    type Report = ContextChoice;

    async fn run(self, context: Context) -> Result<ContextChoice, Failure> {
        Ok(in_world(&context, |world| {
            let workspace = Workspace::around(Path::new("."));
            let contexts = Contexts::read(Some(&workspace), world)?;
            let name = match self.name.as_str() {
                "-" => previous(&contexts, world)?,
                name => name.to_owned(),
            };
            let section = contexts.get(&name)?;
            let (kept_in, before) = match &contexts.holder {
                Some(holder) if !section.is_of_user() => {
                    let failed = |error: crate::workspace::WorkspaceError| SettingsError::Unwritable {
                        path: StoredChoice::workspace_path(holder),
                        source: std::io::Error::other(error),
                    };
                    holder.make_private().map_err(failed)?;
                    (StoredChoice::workspace_path(holder), StoredChoice::of_workspace(holder, world)?)
                }
                _ => (StoredChoice::user_path(world).ok_or(SettingsError::NoHome)?, StoredChoice::of_user(world)?),
            };
            let after = before.then(&name);
            after.write(&kept_in)?;
            let active = current(&contexts, &workspace, world)?;
            let counts_here = active.is_some_and(|active| std::ptr::eq(active.section, section));
            let context = report(section, None);
            Ok::<_, SettingsError>(ContextChoice { context, previous: after.previous, kept_in, counts_here })
        })?)
    }
}

/// The context before the one that is chosen now: among those of the workspace, else among those of the user.
fn previous(contexts: &Contexts, world: &World<'_>) -> Result<String, SettingsError> {
    let of_workspace = contexts.holder.as_ref().map(|holder| StoredChoice::of_workspace(holder, world)).transpose()?;
    let previous = match of_workspace.and_then(|choice| choice.previous) {
        Some(previous) => Some(previous),
        None => StoredChoice::of_user(world)?.previous,
    };
    previous.ok_or(SettingsError::NoPrevious)
}

fn report(section: &ContextSection, reason: Option<ContextReason>) -> ContextReport {
    ContextReport {
        name: section.name.clone(),
        scope: if section.is_of_user() { SettingsScope::User } else { SettingsScope::Workspace },
        file: section.layer.origin.path().to_owned(),
        workspace: section.folder.clone(),
        endpoints: section.layer.list(&ENDPOINTS).unwrap_or_default().to_vec(),
        reason,
    }
}
