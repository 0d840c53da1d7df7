//! ACME plugins as `proxmox_acme_dns_plugin`.

use proxmox_mpc_model::Object;

use super::{Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::draft::{Draft, Obstacle, RowResult, Variable, VariableDefault};
use crate::row::Row;

/// Translation of ACME plugins.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "acme_plugin",
    file: "acme_plugins.tf",
    word: "plugin",
    data: false,
    namespace: Namespace::Own("acme_plugin"),
    destination: |object, _| destination(object),
    name: |entry| entry.name.clone(),
    rows: &[
        Row::custom(&["plugin", "type"], |draft| {
            draft.take("type");
            guard::verbatim(draft, "plugin", "plugin");
        }),
        Row::custom(&["api"], |draft| guard::verbatim(draft, "api", "api")),
        Row::custom(&["data"], data),
        Row::checked(&["validation-delay"], delay),
        Row::ansible(&["disable", "nodes"], "the provider does not read it (provider rule J16)"),
        Row::volatile(&["digest"]),
    ],
    role: Some(|_| Role::cluster("acme")),
};

fn destination(object: &Object) -> Result<Destination, Obstacle> {
    let id = object.entry.identity.id();
    match object.text("type").as_deref() {
        Some("dns") if object.keys.contains_key("api") => {
            Ok(Destination::Resource("proxmox_acme_dns_plugin", id.to_owned()))
        }
        Some("standalone")
            if id == "standalone" && !["disable", "nodes"].iter().any(|key| object.keys.contains_key(*key)) =>
        {
            Ok(Destination::BuiltIn)
        }
        _ => {
            Err(Obstacle::new("the provider has no resource for plugins other than those for DNS (provider rule J16)"))
        }
    }
}

/// Writes a variable for the credentials, ignored. Proxmox shows them in clear text.
fn data(draft: &mut Draft<'_>) {
    if draft.take("data").is_none() {
        return;
    }
    let id = draft.object.entry.identity.id();
    let description =
        format!("Credentials of ACME plugin {id}, as {{ NAME = \"value\" }}; used only when it is created anew");
    let name = format!("{}_acme_data", draft.label());
    let value = draft.variable(name, Variable { description, default: VariableDefault::Map, sensitive: true });
    draft.set("data", value);
    draft.ignore(&["data"], "they are credentials, which stand in no file: without this the plan removes them");
}

/// Writes the validation delay. The provider reads 0 for an absent key, and its default is Proxmox's 30.
fn delay(draft: &mut Draft<'_>) -> RowResult {
    if draft.object.keys.contains_key("validation-delay") {
        return guard::whole(draft, "validation-delay", "validation_delay", &(0..=172_800));
    }
    draft.set("validation_delay", 0_i64);
    Ok(())
}
