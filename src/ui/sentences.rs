//! Sentences: the text of events for people.

use proxmox_mpc_engine::operation::event::{Message, StepKind};
use proxmox_mpc_engine::settings::Caution;
use proxmox_mpc_engine::workspace::WorkspaceError;

/// The name of a step: `reading the cluster`.
pub(super) fn step(what: StepKind) -> &'static str {
    match what {
        StepKind::TestConnection => "testing the connection",
        StepKind::ReadCluster => "reading the cluster",
        StepKind::ReadRecording => "reading the recording",
        StepKind::GenerateCode => "generating the code",
        StepKind::Synthesize => "making up the recording",
        StepKind::InstallProvider => "installing the provider",
        StepKind::ReadState => "reading the state",
        StepKind::Plan => "planning",
        StepKind::ReadDifferences => "reading the differences",
        StepKind::PlanImports => "planning the imports",
        StepKind::ApplyImports => "applying the imports",
        StepKind::RehearseApply => "rehearsing the apply",
        StepKind::PlanAgain => "planning again",
        StepKind::RehearsePlaybooks => "rehearsing the playbooks",
        StepKind::CompareTwin => "comparing the twin before and after",
    }
}

/// A message as a sentence without a full stop.
pub(super) fn message(message: &Message) -> String {
    match message {
        Message::TwinStarted { endpoint } => format!("a twin of a recorded cluster is listening on {endpoint}"),
        Message::EtcPveRead { guests, nodes, version } => {
            let nodes = nodes.join(", ");
            format!("read {guests} guests on {nodes}, all of them stopped; serving them as Proxmox VE {version}")
        }
        Message::WaitingForProgram { program, kills: true } => {
            format!("waiting for {program} to stop; press Ctrl-C again to kill it")
        }
        Message::WaitingForProgram { program, kills: false } => format!("waiting for {program} to stop"),
        Message::WaitingForLock { folder, holder } => {
            let busy = WorkspaceError::Busy { folder: folder.clone(), holder: holder.clone() };
            format!("{busy}; waiting for it to end")
        }
        Message::AgentsAsked { guests } => format!(
            "Terraform will ask the guest agents of {}, and wait 15 minutes for each one that does not answer; with a token whose \
             role lacks VM.GuestAgent.Audit (VM.Monitor on PVE 8) it does not wait",
            guests.join(", ")
        ),
        Message::Drifted { lines, .. } => format!("drift: {}", lines.join("; ")),
        Message::DriftCleared { object } => format!("{object}: its drift has cleared"),
        Message::WatchFailed { error } => format!("the cluster could not be looked at this time: {error}"),
        Message::Caution(caution) => self::caution(caution),
    }
}

fn caution(caution: &Caution) -> String {
    match caution {
        Caution::UncheckedCertificate => {
            "warning: certificates are not checked (`--insecure`, PROXMOX_VE_INSECURE): anybody on the network path to the cluster \
             can read the login and change the answers; `--fingerprint` (PROXMOX_MPC_FINGERPRINT) pins the right certificate"
                .to_owned()
        }
        Caution::UncheckedByProvider => {
            "warning: Terraform's provider does not check certificates (PROXMOX_VE_INSECURE): anybody on the network path to the \
             cluster can read the login and change the answers; the provider cannot pin a fingerprint, but accepts authorities \
             that the system trusts (SSL_CERT_FILE with the cluster's /etc/pve/pve-root-ca.pem)"
                .to_owned()
        }
        Caution::ReadableSecret { path } => format!(
            "warning: other users of this computer may read the secret in {0}: `chmod 600 {0}` prevents that",
            path.display()
        ),
        Caution::ContextOverridden { context, variable } => format!(
            "warning: {variable} is set, and says which cluster it is instead of the context `{context}`"
        ),
        Caution::UnusedProxy { variable, host } => format!(
            "warning: {variable} is set, but this program connects to the nodes directly. Terraform's provider uses the proxy; \
             set `NO_PROXY={host}` to make both connect directly"
        ),
    }
}
