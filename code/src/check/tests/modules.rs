//! Code as people publish it for the provider: each finding is one that an expert would accept.

use super::{checked, cluster, lines};

/// Checks a module against the cluster, the rule about `prevent_destroy` apart, which most public code does not heed.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let all = lines(&checked(text, Some(&cluster())));
    let own: Vec<&String> = all.iter().filter(|line| !line.contains(" PVE601 ")).collect();
    assert_eq!(own, expected);
}

#[test]
fn a_module_of_the_usual_shape_has_no_findings() {
    for text in [
        include_str!("modules/cloud-init.txt"),
        include_str!("modules/talos.txt"),
        include_str!("modules/k3s.txt"),
        include_str!("modules/containers.txt"),
        include_str!("modules/sdn.txt"),
        include_str!("modules/permissions.txt"),
        include_str!("modules/firewall.txt"),
        include_str!("modules/storage.txt"),
        include_str!("modules/pools.txt"),
        include_str!("modules/nodes.txt"),
    ] {
        check(text, &[]);
    }
}
