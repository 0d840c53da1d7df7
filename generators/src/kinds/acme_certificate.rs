//! ACME certificates of nodes as `proxmox_acme_certificate`.

use proxmox_mpc_model::{ApiPath, Object, kinds};

use super::{Context, Destination, Namespace, Translation, guard};
use crate::ansible::Role;
use crate::draft::{Draft, Obstacle};
use crate::hcl::Value;
use crate::row::Row;

/// Translation of ACME certificates.
pub(super) static TRANSLATION: Translation = Translation {
    kind: "acme_certificate",
    file: "acme_certificates.tf",
    word: "certificate",
    data: false,
    namespace: Namespace::Own("acme_certificate"),
    destination,
    name: |entry| entry.node.clone(),
    rows: &[
        Row::custom(&[], |draft| {
            let node = draft.object.entry.identity.id().to_owned();
            draft.set("node_name", node);
        }),
        Row::custom(&["acme", "acmedomain[n]"], order),
    ],
    role: Some(|_| Role::nodes("node_acme")),
};

/// A domain, with its plugin and its alias if there are any.
type Domain = (String, Option<String>, Option<String>);

/// Parses the account and the domains as the provider does: those of `acme`, then `acmedomain0` to `acmedomain4`. `None` if it
/// cannot read them.
fn read(object: &Object) -> Option<(String, Vec<Domain>)> {
    let (mut account, mut domains) = (None, Vec::new());
    for pair in object.text("acme")?.split(',') {
        match pair.split_once('=').filter(|(_, value)| !value.contains('='))? {
            ("account", name) => account = Some(name.to_owned()),
            ("domains", list) => domains.extend(list.split(';').map(|domain| (domain.to_owned(), None, None))),
            _ => return None,
        }
    }
    for index in 0..=5 {
        let Some(text) = object.text(&format!("acmedomain{index}")) else { continue };
        let domain = domain(&text)?;
        if index < 5 {
            domains.push(domain);
        }
    }
    Some((account.filter(|account| !account.is_empty())?, domains)).filter(|(_, domains)| !domains.is_empty())
}

fn domain(text: &str) -> Option<Domain> {
    let mut read = (String::new(), None, None);
    for part in text.split(',') {
        match part.split_once('=') {
            None => part.clone_into(&mut read.0),
            Some((_, value)) if value.contains('=') => return None,
            Some(("domain", value)) => value.clone_into(&mut read.0),
            Some(("plugin", value)) => read.1 = Some(value.to_owned()),
            Some(("alias", value)) => read.2 = Some(value.to_owned()),
            Some(_) => return None,
        }
    }
    Some(read)
}

fn destination(object: &Object, context: &Context<'_>) -> Result<Destination, Obstacle> {
    let certificates = ApiPath::new(["nodes", object.entry.identity.id(), "certificates", "info"]);
    let answer = context.cluster.get(&certificates).ok().flatten();
    if answer.as_ref().is_none_or(|answer| answer.data().is_none()) {
        let why =
            answer.map_or_else(|| "not on record".to_owned(), |answer| answer.not_read(&certificates).of_object());
        let reason =
            format!("the provider reads `{certificates}` as well, which was not answered: {why} (provider rule J17)");
        return Err(
            Obstacle::new(reason).remedy("import from the cluster itself, with a login that may read that path")
        );
    }
    if read(object).is_none() {
        return Err(Obstacle::new("the provider requires an account and a domain in `acme` (provider rule J17)"));
    }
    Ok(Destination::Resource("proxmox_acme_certificate", object.entry.identity.id().to_owned()))
}

fn order(draft: &mut Draft<'_>) {
    let Some((account, domains)) = read(draft.object) else { return };
    draft.take("acme");
    let account = guard::referred(draft, "acme-account", &account, "name");
    draft.set("account", account);
    let domain = |(domain, plugin, alias): Domain| {
        let mut pairs = vec![("domain".to_owned(), Value::from(domain))];
        let plugin = plugin.map(|plugin| guard::referred(draft, "acme-plugin", &plugin, "plugin"));
        pairs.extend(plugin.map(|plugin| ("plugin".to_owned(), plugin)));
        pairs.extend(alias.map(|alias| ("alias".to_owned(), alias.into())));
        Value::Map(pairs)
    };
    let domains = domains.into_iter().map(domain).collect();
    draft.set("domains", Value::List(domains));
    let keys: Vec<String> = draft.object.keys.keys().cloned().collect();
    for key in keys {
        match kinds::index("acmedomain", &key) {
            Some(index) if index < 5 => _ = draft.take(&key),
            Some(_) => draft.not_in_provider(&key, "the provider reads five domains (provider rule J17)"),
            None => {}
        }
    }
}
