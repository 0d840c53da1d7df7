//! Certificates: those that Proxmox creates and renews are facts; an uploaded one is not importable.

use proxmox_mpc_model::{Answer, ApiPath, Object};

use super::{Context, Destination, Namespace, Translation};
use crate::draft::Obstacle;

/// Translation of certificates.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "certificate",
    file: "",
    word: "certificate",
    data: false,
    namespace: Namespace::Own("certificate"),
    destination,
    name: |entry| entry.name.clone(),
    rows: &[],
    role: None,
};

/// File of a certificate that replaces the cluster's own.
const CUSTOM: &str = "pveproxy-ssl.pem";

fn destination(object: &Object, context: &Context<'_>) -> Result<Destination, Obstacle> {
    if object.text("filename").as_deref() != Some(CUSTOM) || ordered(object, context) {
        return Ok(Destination::Fact);
    }
    let reason = "it was uploaded, its key is never shown, and the provider imports no certificate (provider rule H10)";
    Err(Obstacle::new(reason).remedy("keep its key where you keep secrets, or order it with ACME"))
}

/// True if the node orders its certificate with ACME.
fn ordered(object: &Object, context: &Context<'_>) -> bool {
    let path = ApiPath::new(["nodes", object.entry.node.as_deref().unwrap_or_default(), "config"]);
    let answer = context.cluster.get(&path).ok().flatten();
    let keys = answer.as_ref().and_then(Answer::data).and_then(|data| data.as_object());
    keys.is_some_and(|keys| keys.keys().any(|key| key.starts_with("acme")))
}
