//! Serve: starts a server that answers like the cluster of a recording, or of a copied `/etc/pve`.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_model::{Answers, Unreadable};
use proxmox_mpc_twin::credentials::CredentialsError;
use proxmox_mpc_twin::etc_pve::{self, EtcPveError};
use proxmox_mpc_twin::recording::RecordingError;
use proxmox_mpc_twin::server::{self, AgentPolicy, Options, Twin, TwinError};
use proxmox_mpc_twin::{Credentials, Empty, Recording};
use schemars::JsonSchema;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use crate::operation::report::ReportType;
use crate::operation::{Cancel, Context, Effect, Failure, Fault, FaultKind, Message, Request, Service};
use crate::workbench::NO_SSH;

/// Request to serve a twin on this machine until it is cancelled.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServeRequest {
    /// The recording: a folder, or a `.tar.zst` archive of one.
    pub recording: Option<PathBuf>,
    /// A copy of `/etc/pve` to answer from instead.
    pub etc_pve: Option<PathBuf>,
    /// The version of Proxmox VE that the copy comes from.
    pub pve_version: String,
    /// Leave out what code can create: guests, pools, users, jobs and other configuration of the cluster.
    pub empty: bool,
    /// The loopback address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// The file of those who may log in; without it, a token is made up.
    pub credentials: Option<PathBuf>,
    /// The time that every answer takes at least, in milliseconds.
    pub delay: u64,
    /// The folder that keeps changes by clients.
    pub state: Option<PathBuf>,
    /// The time that each task is reported as running, in seconds.
    pub task_duration: u64,
    /// The delay of the status of guests in lists of the whole cluster, in seconds.
    pub broadcast_interval: u64,
}

impl Default for ServeRequest {
    fn default() -> Self {
        Self {
            recording: None,
            etc_pve: None,
            pve_version: "9.1.9".to_owned(),
            empty: false,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8006)),
            credentials: None,
            delay: 0,
            state: None,
            task_duration: 0,
            broadcast_interval: 1,
        }
    }
}

/// Report of a twin that is being served: everything that a client needs to know.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ServeReport {
    /// The URL of the twin.
    pub endpoint: String,
    /// The SHA-256 fingerprint of its certificate.
    pub fingerprint: String,
    /// The logins that it accepts: `root@pam!iac` with a token, `alice@pve` with a password.
    pub logins: Vec<String>,
    /// The token, if it was made up. Tokens from a file of logins are not repeated.
    pub token: Option<String>,
    /// The SOCKS5 proxy that SSH is to use, so that no connection leaves this machine. Nothing listens there.
    pub ssh_socks5_server: String,
    /// Parts of the copy of `/etc/pve` that Proxmox itself would not read, with the reasons.
    pub left_out: Vec<String>,
    #[serde(skip)]
    running: RunningTwin,
}

/// The server, until [`Report::service`] takes it.
#[derive(Default)]
struct RunningTwin(Option<(Twin, Cancel)>);

impl fmt::Debug for RunningTwin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.0.is_some() { "Running" } else { "Stopped" })
    }
}

impl ReportType for ServeReport {
    const KIND: &'static str = "twin";

    fn service(&mut self) -> Option<Service> {
        let (twin, cancel) = self.running.0.take()?;
        Some(Box::pin(async move {
            cancel.wait().await;
            twin.stop().await;
        }))
    }
}

/// The twin could not be served.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("the twin has no answers to serve")]
    Recording(#[from] RecordingError),
    #[error("the twin has no answers to serve")]
    EtcPve(#[from] EtcPveError),
    #[error("the twin has no answers to serve")]
    Unreadable(#[from] Unreadable),
    #[error("the file of logins cannot be used")]
    Credentials(#[from] CredentialsError),
    #[error("the twin could not start")]
    Twin(#[from] TwinError),
}

impl Fault for ServeError {
    fn kind(&self) -> FaultKind {
        match self {
            Self::Twin(TwinError::NotLoopback(_)) => FaultKind::Usage,
            _ => FaultKind::Failed,
        }
    }

    fn hints(&self) -> Vec<String> {
        match self {
            Self::Twin(TwinError::Listen { .. }) => {
                vec!["Choose another port, or any free one with `--listen 127.0.0.1:0`.".to_owned()]
            }
            Self::Recording(_) => vec!["Make a recording with `proxmox-mpc import … --record DIR`.".to_owned()],
            Self::EtcPve(EtcPveError::TooLarge { .. }) => {
                vec!["Name a folder that has nothing but the copy of /etc/pve in it.".to_owned()]
            }
            Self::EtcPve(_) => vec![
                "Name the folder that has storage.cfg, user.cfg and nodes/ in it, as `scp -r root@pve:/etc/pve copy` makes it."
                    .to_owned(),
            ],
            _ => Vec::new(),
        }
    }
}

impl Request for ServeRequest {
    const NAME: &'static str = "twin serve";
    const EFFECT: Effect = Effect::WritesElsewhere;
    type Report = ServeReport;

    async fn run(self, context: Context) -> Result<ServeReport, Failure> {
        let inside = context.clone();
        Ok(context.unless_cancelled(context.compute(move || self.serve(&inside))).await??)
    }
}

impl ServeRequest {
    fn serve(self, context: &Context) -> Result<ServeReport, ServeError> {
        let (answers, left_out) = self.answers(context)?;
        let answers = self.without_code(answers)?;
        let (credentials, token) = self.logins()?;
        let logins = credentials.names().map(str::to_owned).collect();
        // The disks of new guests have no operating system: clients must not wait for agents in them.
        let agent = if self.empty { AgentPolicy::RefuseUnlessUsable } else { AgentPolicy::AsRecorded };
        let options = Options {
            listen: self.listen,
            delay: Duration::from_millis(self.delay),
            agent,
            state: self.state,
            task_duration: Duration::from_secs(self.task_duration),
            broadcast_interval: Duration::from_secs(self.broadcast_interval),
            ..Options::new(credentials)
        };
        let twin = {
            let _inside = context.runtime().enter();
            server::serve(answers, options)?
        };
        Ok(ServeReport {
            endpoint: twin.endpoint(),
            fingerprint: twin.fingerprint().to_owned(),
            logins,
            token,
            ssh_socks5_server: NO_SSH.to_owned(),
            left_out,
            running: RunningTwin(Some((twin, context.cancel().clone()))),
        })
    }

    /// The answers of the twin, and the parts of a copy of `/etc/pve` that were left out.
    fn answers(&self, context: &Context) -> Result<(Arc<dyn Answers + Send + Sync>, Vec<String>), ServeError> {
        let Some(folder) = &self.etc_pve else {
            let recording = self.recording.as_deref().unwrap_or(Path::new("."));
            return Ok((Arc::new(Recording::open(recording)?), Vec::new()));
        };
        let loaded = etc_pve::load(folder, &self.pve_version)?;
        let (guests, nodes, version) = (loaded.guests, loaded.nodes, &self.pve_version);
        context.message(Message::EtcPveRead { guests, nodes, version: version.clone() });
        Ok((Arc::new(loaded.answers), loaded.warnings))
    }

    /// The answers, without what code can create if the request says so.
    fn without_code(
        &self,
        answers: Arc<dyn Answers + Send + Sync>,
    ) -> Result<Arc<dyn Answers + Send + Sync>, ServeError> {
        Ok(if self.empty { Arc::new(Empty::of(answers)?) } else { answers })
    }

    /// The logins, and the token if it was made up.
    fn logins(&self) -> Result<(Credentials, Option<String>), ServeError> {
        if let Some(file) = &self.credentials {
            return Ok((Credentials::read(file)?, None));
        }
        let made_up = Credentials::fresh();
        let token = made_up.token().map(|token| token.expose_secret().to_owned());
        Ok((made_up, token))
    }
}
