//! Sentences: the words of events for people.

use proxmox_mpc_engine::operation::event::{Message, StepKind};
use proxmox_mpc_engine::settings::Caution;
use proxmox_mpc_engine::workspace::WorkspaceError;

/// The name of a step: `reading the cluster`.
pub(super) fn step(what: StepKind) -> &'static str {
    match what {
        StepKind::ReadCluster => "reading the cluster",
        StepKind::ReadRecording => "reading the recording",
        StepKind::GenerateCode => "writing the code",
        StepKind::Synthesize => "making up the cluster",
        StepKind::InstallProvider => "installing the provider",
        StepKind::ReadState => "reading the state",
        StepKind::Plan => "planning",
        StepKind::ReadDifferences => "reading the differences",
        StepKind::PlanImports => "planning the imports",
        StepKind::ApplyImports => "applying the imports",
        StepKind::RehearseApply => "rehearsing the apply",
        StepKind::PlanAgain => "planning once more",
        StepKind::RehearsePlaybooks => "rehearsing the playbooks",
        StepKind::CompareTwin => "comparing the twin with what it was",
    }
}

/// A message as a sentence without a full stop.
pub(super) fn message(message: &Message) -> String {
    match message {
        Message::TwinStarted { endpoint } => format!("a twin of a recorded cluster answers at {endpoint}"),
        Message::EtcPveRead { guests, nodes, version } => {
            let nodes = nodes.join(", ");
            format!("{guests} guests on {nodes}, all of them stopped; read as Proxmox VE {version}")
        }
        Message::WaitingForProgram { program, kills: true } => {
            format!("waiting for {program} to stop; press Ctrl-C again to kill it")
        }
        Message::WaitingForProgram { program, kills: false } => format!("waiting for {program} to stop"),
        Message::WaitingForLock { folder, holder } => {
            let busy = WorkspaceError::Busy { folder: folder.clone(), holder: holder.clone() };
            format!("{busy}: waiting for it")
        }
        Message::AgentsAsked { guests } => format!(
            "Terraform asks the guest agents of {}, and waits 15 minutes for each that is silent; a token whose role lacks \
             VM.GuestAgent.Audit (VM.Monitor on PVE 8) is not kept waiting",
            guests.join(", ")
        ),
        Message::Caution(caution) => self::caution(caution),
    }
}

fn caution(caution: &Caution) -> String {
    match caution {
        Caution::UncheckedCertificate => {
            "warning: no certificate is checked (`--insecure`, PROXMOX_VE_INSECURE): whoever is on the line to the cluster can \
             read the login and change what is answered; `--fingerprint` (PROXMOX_MPC_FINGERPRINT) pins the right one"
                .to_owned()
        }
        Caution::UncheckedByProvider => {
            "warning: Terraform's provider checks no certificate (PROXMOX_VE_INSECURE): whoever is on the line to the cluster \
             can read the login and change what is answered; it knows no fingerprint, but takes an authority that the system \
             trusts (SSL_CERT_FILE with the cluster's /etc/pve/pve-root-ca.pem)"
                .to_owned()
        }
        Caution::UnusedProxy { variable, host } => format!(
            "warning: {variable} is set and not used: nodes are connected to directly. Terraform's provider does use it; \
             `NO_PROXY={host}` makes both direct"
        ),
    }
}
