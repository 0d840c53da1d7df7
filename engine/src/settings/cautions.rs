//! Cautions: what a user should know of settings that are used as they are, such as a certificate that nobody checks.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::layer::boolean;
use super::table::{ENDPOINTS, INSECURE};
use super::{Endpoint, Layers, Settings, Source, Trust, World};

/// The variables that name a proxy for HTTPS, in the order in which programs look at them.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// A setting that is used as it is, although it is risky or has no effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "caution", rename_all = "snake_case")]
pub enum Caution {
    /// No certificate is checked.
    UncheckedCertificate,
    /// Terraform's provider checks no certificate.
    UncheckedByProvider,
    /// Other users of the computer may read the file of a secret.
    ReadableSecret {
        /// The file.
        path: PathBuf,
    },
    /// The environment says which cluster it is, whatever the context says.
    ContextOverridden {
        /// The context.
        context: String,
        /// The variable.
        variable: String,
    },
    /// A proxy is set and not used.
    UnusedProxy {
        /// The variable that names it: `HTTPS_PROXY`.
        variable: String,
        /// The node that is connected to directly.
        host: String,
    },
}

/// The cautions of these settings.
pub fn cautions(settings: &Settings, world: &World<'_>) -> Vec<Caution> {
    [unchecked(settings), proxy(settings, world)].into_iter().flatten().collect()
}

/// The cautions of where these settings come from.
pub(super) fn of_layers(layers: &Layers) -> Vec<Caution> {
    let others = |path: &PathBuf| fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    let readable = layers.secret_file().filter(|path| others(path)).cloned();
    let source = layers.holder(&ENDPOINTS).map(|layer| layer.source(&ENDPOINTS));
    let overridden = match (layers.context(), source) {
        (Some(context), Some(Source::Environment { variable })) => {
            Some(Caution::ContextOverridden { context: context.to_owned(), variable })
        }
        _ => None,
    };
    readable.map(|path| Caution::ReadableSecret { path }).into_iter().chain(overridden).collect()
}

/// The caution of Terraform's provider, which reads the environment by itself.
pub fn provider_caution(variable: &dyn Fn(&str) -> Option<String>) -> Option<Caution> {
    let name = INSECURE.variable?;
    let unchecked = variable(name).is_some_and(|text| boolean(name, &text).unwrap_or_default());
    unchecked.then_some(Caution::UncheckedByProvider)
}

fn unchecked(settings: &Settings) -> Option<Caution> {
    (settings.trust == Trust::Insecure).then_some(Caution::UncheckedCertificate)
}

/// Nodes are connected to directly: they are seldom on the far side of a proxy, which would hold up hundreds of requests.
fn proxy(settings: &Settings, world: &World<'_>) -> Option<Caution> {
    let set = |name: &&str| (world.variable)(name).is_some_and(|value| !value.is_empty());
    let name = PROXIES.into_iter().find(|name| set(name))?;
    let direct = ["NO_PROXY", "no_proxy"].into_iter().find_map(|name| (world.variable)(name)).unwrap_or_default();
    let endpoint = settings.endpoints.iter().find(|endpoint| !is_direct(endpoint, &direct))?;
    let host = endpoint.host().trim_matches(['[', ']']).to_owned();
    Some(Caution::UnusedProxy { variable: name.to_owned(), host })
}

/// Reports whether programs connect to this node without a proxy: it is this computer, or `NO_PROXY` names it.
fn is_direct(endpoint: &Endpoint, names: &str) -> bool {
    let host = endpoint.host().trim_matches(['[', ']']).to_lowercase();
    let address = host.parse::<IpAddr>().ok();
    if host == "localhost" || address.is_some_and(|address| address.is_loopback()) {
        return true;
    }
    names.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()).any(|name| {
        let name = name.to_lowercase();
        let name = name.strip_suffix(&format!(":{}", endpoint.port())).unwrap_or(&name);
        let domain = name.trim_start_matches('*').trim_start_matches('.');
        let below = |domain: &str| host.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        name == "*"
            || (!domain.is_empty() && below(domain))
            || address.is_some_and(|address| name.split_once('/').is_some_and(|network| within(address, network)))
    })
}

/// Reports whether the address is in a network such as `10.0.0.0/8`.
fn within(address: IpAddr, (network, length): (&str, &str)) -> bool {
    let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse::<u32>()) else { return false };
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    };
    let ((address, bits), (network, other)) = (number(address), number(network));
    let rest = bits - length.min(bits);
    bits == other && address.checked_shr(rest).unwrap_or(0) == network.checked_shr(rest).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;

    use super::*;
    use crate::settings::{Credentials, MinimumTls};

    fn found(endpoint: &str, trust: Trust, variables: &[(&str, &str)]) -> Vec<Caution> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        let settings = Settings {
            endpoints: vec![endpoint.parse().unwrap()],
            credentials: Credentials::token(&"root@pam!iac=11111111-2222-3333-4444-555555555555".into()).unwrap(),
            trust,
            min_tls: MinimumTls::V13,
            timeout: None,
        };
        let world = World {
            context: None,
            variable: &|name| variables.get(name).map(|value| (*value).to_owned()),
            read: &|_| Err(io::ErrorKind::NotFound.into()),
            run: &|_| Err("there is no program".into()),
        };
        cautions(&settings, &world)
    }

    #[test]
    fn an_unchecked_certificate_is_told() {
        let check = |trust: Trust, expected: bool| assert_eq!(!found("pve", trust, &[]).is_empty(), expected);
        check(Trust::Insecure, true);
        check(Trust::System, false);
        check(Trust::Pinned(Vec::new()), false);
    }

    #[test]
    fn a_proxy_that_is_not_used_is_told() {
        let check = |endpoint: &str, variables: &[(&str, &str)], expected: Option<&str>| {
            let unused = |caution: Caution| match caution {
                Caution::UnusedProxy { variable, .. } => variable,
                other => panic!("{other:?}"),
            };
            let variables_unused: Vec<String> =
                found(endpoint, Trust::System, variables).into_iter().map(unused).collect();
            assert_eq!(variables_unused, Vec::from_iter(expected), "{endpoint} {variables:?}");
        };
        let https = ("HTTPS_PROXY", "http://proxy:3128");
        check("pve.example", &[], None);
        check("pve.example", &[("HTTP_PROXY", "http://proxy:3128")], None);
        check("pve.example", &[("HTTPS_PROXY", "")], None);
        check("pve.example", &[https], Some("HTTPS_PROXY"));
        check("pve.example", &[("https_proxy", "http://proxy:3128")], Some("https_proxy"));
        check("pve.example", &[("ALL_PROXY", "socks5://proxy")], Some("ALL_PROXY"));
        check("localhost", &[https], None);
        check("127.0.0.1", &[https], None);
        check("[::1]:8006", &[https], None);
        check("pve.example", &[https, ("NO_PROXY", "*")], None);
        check("pve.example", &[https, ("NO_PROXY", "other, pve.example")], None);
        check("pve.example", &[https, ("no_proxy", ".example")], None);
        check("pve.example", &[https, ("no_proxy", "example:8006")], None);
        check("pve.example", &[https, ("no_proxy", "ample")], Some("HTTPS_PROXY"));
        check("10.1.2.3", &[https, ("no_proxy", "10.0.0.0/8")], None);
        check("10.1.2.3", &[https, ("no_proxy", "10.2.0.0/16,fd00::/8")], Some("HTTPS_PROXY"));
    }
}
