//! Imports of a copied `/etc/pve` through a twin give the code that the cluster itself gives.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_engine::settings::{Credentials, Trust};
use proxmox_mpc_twin::etc_pve;
use proxmox_mpc_twin::recording::Recording;
use proxmox_mpc_twin::server::{Options, serve};

use super::import;
use crate::client::{LIMITS, client};
use crate::support;
use crate::support::clusters;

/// The Terraform code of an import through a twin of a copied tree.
async fn of_the_copy(cluster: &str, folder: &Path) -> BTreeMap<String, String> {
    let loaded = etc_pve::load(&clusters::place(&format!("{cluster}.etc-pve.tar.zst")), "9.1.9").unwrap();
    let logins = clusters::place(&format!("{cluster}.credentials.json"));
    let credentials = proxmox_mpc_twin::credentials::Credentials::read(&logins).unwrap();
    let options = Options { refusal_delay: Duration::from_millis(20), ..Options::new(credentials) };
    let twin = serve(Arc::new(loaded.answers), options).unwrap();
    let token = Credentials::token(&"root@pam!iac=11111111-2222-3333-4444-555555555555".into()).unwrap();
    let trust = Trust::Pinned(vec![twin.fingerprint().parse().unwrap()]);
    let client = client(&[twin.endpoint().parse().unwrap()], trust, token, LIMITS);
    let place = folder.join(cluster);
    import(&client, &place, 4, &support::context()).await.unwrap();
    twin.stop().await;
    code(&clusters::read(&Recording::open(&place).unwrap()))
}

/// Code for guests, pools and storages, without the state of guests and the interfaces of nodes: a copy has neither.
fn code(answers: &clusters::Memory) -> BTreeMap<String, String> {
    let mut answers = answers.clone();
    answers.retain(|path, _| !(path.as_str().starts_with("nodes/") && path.as_str().ends_with("/network")));
    let generated = clusters::generated(&answers);
    let files = ["virtual_machines", "containers", "pools", "pool_memberships", "storages"]
        .map(|name| format!("terraform/{name}.tf"));
    let lines = |text: &str| {
        let kept = text.lines().filter(|line| !line.trim_start().starts_with("started "));
        kept.collect::<Vec<_>>().join("\n")
    };
    let code = clusters::terraform(&generated.files).filter(|(path, _)| files.contains(path));
    code.map(|(path, text)| (path.clone(), lines(text))).collect()
}

#[tokio::test]
async fn a_copy_gives_the_same_code_as_the_cluster() {
    let folder = tempfile::tempdir().unwrap();
    for (cluster, least) in [("pve-9.1", 4), ("homelab", 4)] {
        let expected = code(&clusters::asked(&clusters::fixture(cluster)));
        assert!(expected.len() >= least, "{cluster}: {:?}", expected.keys());
        assert_eq!(of_the_copy(cluster, folder.path()).await, expected, "{cluster}");
    }
}
