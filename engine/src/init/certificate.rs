//! Certificate: reaches each node without a login, and finds out which certificates to trust.

use crate::client::{ClientError, Limits, probe};
use crate::operation::{Failure, Prompt, Step, StepKind};
use crate::settings::{Connection, Endpoint, Fingerprint, MinimumTls, Trust, in_world};
use crate::workspace::Workspace;

use super::request::TrustReport;
use super::{InitError, Interview, layers};

/// The trust in the nodes of a cluster, after it was tried.
pub(super) struct Trusted {
    pub(super) trust: Trust,
    pub(super) min_tls: MinimumTls,
    /// True if nobody compared the fingerprints.
    first_use: bool,
}

impl Trusted {
    pub(super) fn report(&self) -> TrustReport {
        match &self.trust {
            Trust::System => TrustReport::System,
            Trust::Pinned(fingerprints) => TrustReport::Pinned {
                fingerprints: fingerprints.iter().map(ToString::to_string).collect(),
                first_use: self.first_use,
            },
            Trust::Authorities { file, .. } => TrustReport::Authorities { file: file.clone() },
            Trust::Insecure => TrustReport::Unchecked,
        }
    }
}

/// The time for a connection: a person waits, and the node is near.
fn limits() -> Limits {
    Limits { tries: 1, ..Limits::default() }
}

/// Reaches the nodes. A certificate that neither the settings nor the system trust is pinned, if somebody says that it is the
/// node's, or with `--yes`.
pub(super) async fn trust(
    endpoints: &[Endpoint],
    connection: &Connection,
    workspace: &Workspace,
    interview: &Interview,
    notices: &mut Vec<String>,
) -> Result<Trusted, Failure> {
    let context = &interview.context;
    let layers = layers(connection, workspace, context).await?;
    let (trust, min_tls) = (in_world(context, |world| layers.trust(world))?, layers.min_tls()?);
    let mut reached = Vec::new();
    let mut failure = None;
    for endpoint in endpoints {
        let step = Step::start(context, StepKind::TestConnection);
        let outcome = context.unless_cancelled(probe(endpoint.clone(), &trust, min_tls, limits())).await?;
        drop(step);
        match outcome {
            Err(error) if error.is_unreachable() && endpoints.len() > 1 => {
                notices.push(format!("{endpoint} was not reached: {error}"));
                failure.get_or_insert(error);
            }
            Err(ClientError::UntrustedCertificate { presented, .. }) if trust == Trust::System => {
                reached.push((endpoint, Some(presented)));
            }
            outcome => {
                outcome?;
                reached.push((endpoint, None));
            }
        }
    }
    if let (true, Some(error)) = (reached.is_empty(), failure) {
        return Err(error.into());
    }
    if trust == Trust::Insecure {
        notices.push(
            "certificates are not checked: anybody on the network path can read the login. No settings file of a workspace \
             turns the check off, so that each command needs `--insecure`"
                .to_owned(),
        );
    }
    if reached.iter().all(|(_, presented)| presented.is_none()) {
        return Ok(Trusted { trust, min_tls, first_use: false });
    }
    let (mut pins, mut tried) = (Vec::new(), Vec::new());
    for (endpoint, presented) in reached {
        tried.push(endpoint.clone());
        let presented = match presented {
            Some(presented) => presented,
            // Where fingerprints are pinned, nothing else counts: the others need theirs as well.
            None => fingerprint(endpoint, min_tls, interview).await?,
        };
        confirm(endpoint, presented, interview).await?;
        if !pins.contains(&presented) {
            pins.push(presented);
        }
    }
    // Before the login is sent there: it is a Proxmox node, and has this certificate.
    let trust = Trust::Pinned(pins);
    for endpoint in tried {
        context.unless_cancelled(probe(endpoint, &trust, min_tls, limits())).await??;
    }
    if interview.yes {
        notices.push(
            "nobody compared the fingerprint: `pvenode cert info` on the node shows the right one, and `proxmox-mpc config get \
             fingerprints` the pinned one"
                .to_owned(),
        );
    }
    Ok(Trusted { trust, min_tls, first_use: interview.yes })
}

/// The fingerprint of the certificate that a node shows.
async fn fingerprint(endpoint: &Endpoint, min_tls: MinimumTls, interview: &Interview) -> Result<Fingerprint, Failure> {
    let nothing = Trust::Pinned(Vec::new());
    let answer = probe(endpoint.clone(), &nothing, min_tls, limits());
    match interview.context.unless_cancelled(answer).await? {
        Err(ClientError::UnpinnedCertificate { presented, .. }) => Ok(presented),
        Err(error) => Err(error.into()),
        Ok(()) => {
            Err(ClientError::UnpinnedCertificate { endpoint: endpoint.to_string(), presented: Fingerprint::of(&[]) }
                .into())
        }
    }
}

/// Asks whether this is the node's certificate.
async fn confirm(endpoint: &Endpoint, presented: Fingerprint, interview: &Interview) -> Result<(), Failure> {
    let distrusted = || InitError::Distrusted { endpoint: endpoint.to_string(), fingerprint: presented.to_string() };
    if interview.yes {
        return Ok(());
    }
    if !interview.is_attended() {
        return Err(distrusted().into());
    }
    let prompt = Prompt::new("Is it the same", "`--fingerprint`")
        .note(format!("No authority that this computer trusts signed the certificate of {endpoint}"))
        .note("Most nodes sign their own. Its SHA-256 fingerprint is")
        .note(format!("  {presented}"))
        .note("Compare it with `pvenode cert info` in the node's shell, or with System > Certificates in the web interface.");
    if !interview.ask(move |person, cancel| person.agreement(&prompt, None, cancel)).await? {
        return Err(distrusted().into());
    }
    Ok(())
}
