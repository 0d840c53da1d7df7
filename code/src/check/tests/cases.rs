//! Each rule beside code that it finds something in, and beside code that is like it and right.

use super::{checked, cluster, files, lines};
use crate::check::{CheckInput, CheckOptions, Level, RULES, check as check_code, rule};

/// The findings of a text, without the cluster and with it.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    let all = lines(&checked(text, Some(&cluster())));
    let own: Vec<&String> = all.iter().filter(|line| !line.contains(" PVE601 ")).collect();
    assert_eq!(own, expected, "{text}");
}

fn vm(name: &str, body: &str) -> String {
    format!("resource \"proxmox_virtual_environment_vm\" \"{name}\" {{\n  node_name = \"pve\"\n  {body}\n}}\n")
}

#[test]
fn each_rule_finds_its_own_case() {
    let cluster = cluster();
    for rule in RULES {
        let text = if rule.code == "PVE301" { format!("=== main.tf\n{}", rule.case) } else { rule.case.to_owned() };
        let checked = checked(&text, Some(&cluster));
        let codes: Vec<&str> = checked.findings.iter().map(|finding| finding.rule.as_str()).collect();
        assert!(codes.contains(&rule.code), "{}: {codes:?}", rule.code);
        let others = codes.iter().filter(|code| **code != rule.code && **code != "PVE601" && **code != "PVE004");
        assert_eq!(others.count(), 0, "{}: {codes:?}", rule.code);
    }
}

#[test]
fn codes_and_names_are_unique_and_in_order() {
    assert!(RULES.windows(2).all(|pair| pair[0].code < pair[1].code));
    for own in RULES {
        assert_eq!(RULES.iter().filter(|other| other.is_named(own.name) || other.is_named(own.code)).count(), 1);
        assert_eq!(rule(&own.code.to_lowercase()).map(|rule| rule.name), Some(own.name));
    }
}

#[test]
fn duplicates_are_found_where_they_are_written() {
    check(
        &format!("{}{}", vm("a", "vm_id = 100"), vm("b", "vm_id = \"100\"")),
        &["main.tf:7:11 PVE101 VMID 100 is taken: `proxmox_virtual_environment_vm.a` has it"],
    );
    // The place is the literal, wherever the value goes through.
    check(
        &format!(
            "locals {{\n  vms = {{\n    a = {{ id = 101 }}\n    b = {{ id = 101 }}\n  }}\n}}\n{}",
            vm("this", "for_each = local.vms\n  vm_id = each.value.id")
        ),
        &["main.tf:4:16 PVE101 VMID 101 is taken: `proxmox_virtual_environment_vm.this[\"a\"]` has it"],
    );
    check(&vm("a", "count = 2\n  vm_id = 110 + count.index"), &[]);
    // Two clusters have VMIDs of their own.
    check(&format!("{}{}", vm("a", "vm_id = 100"), vm("b", "vm_id = 100\n  provider = proxmox.other")), &[]);
    check(
        &vm("a", "vm_id = 200"),
        &["main.tf:3:11 PVE101 VMID 200 is taken: the cluster has the container `dns` with it"],
    );
    // Unknown values are not compared.
    check(&format!("variable \"id\" {{}}\n{}{}", vm("a", "vm_id = var.id"), vm("b", "vm_id = var.id")), &[]);
    // Other VLANs and bridges have addresses of their own.
    let guest = |name: &str, device: &str| {
        vm(
            name,
            &format!(
                "network_device {{\n    {device}\n  }}\n  initialization {{\n    ip_config {{\n      ipv4 {{\n        address = \"10.0.0.5/24\"\n      }}\n    }}\n  }}"
            ),
        )
    };
    check(&format!("{}{}", guest("a", "vlan_id = 10"), guest("b", "vlan_id = 20")), &[]);
    check(
        &format!("{}{}", guest("a", "vlan_id = 10"), guest("b", "vlan_id = 10")),
        &["main.tf:22:19 PVE103 IP address 10.0.0.5 is taken: `proxmox_virtual_environment_vm.a` has it"],
    );
    let node = guest("a", "bridge = \"vmbr0\"").replace("10.0.0.5", "10.0.0.2");
    check(&node, &["main.tf:9:19 PVE103 IP address 10.0.0.2 is taken: node `pve` has it on `vmbr0`"]);
    check(&guest("a", "bridge = \"lab\"").replace("10.0.0.5", "10.0.0.2"), &[]);
    check(
        "=== a.tf\nlocals {\n  x = 1\n}\n=== b.tf\nlocals {\n  x = 2\n}\n=== c_override.tf\nlocals {\n  x = 3\n}\n",
        &["b.tf:2:3 PVE104 `local.x` is declared twice"],
    );
}

#[test]
fn references_are_compared_with_code_and_cluster() {
    let disk =
        |storage: &str| vm("a", &format!("disk {{\n    interface = \"scsi0\"\n    datastore_id = \"{storage}\"\n  }}"));
    check(&disk("local-lvm"), &[]);
    check(&disk("fast"), &["main.tf:5:20 PVE202 storage `fast` is not on node `pve`"]);
    check(&disk("local-lmv"), &["main.tf:5:20 PVE202 the cluster has no storage `local-lmv`, and the code makes none"]);
    check(
        &disk("local"),
        &["main.tf:5:20 PVE210 storage `local` takes no `images`, only import, iso, snippets, vztmpl"],
    );
    let bridge = vm("a", "network_device {\n    bridge = \"vmbr7\"\n  }");
    check(&bridge, &["main.tf:4:14 PVE203 node `pve` has no bridge or VNet `vmbr7`, and the code makes none"]);
    let made = "resource \"proxmox_virtual_environment_network_linux_bridge\" \"b\" {\n  node_name = \"pve\"\n  name = \"vmbr7\"\n}\n";
    check(&format!("{bridge}{made}"), &[]);
    // A name that only Terraform knows may be this one, and so may a module from elsewhere make it.
    check(&format!("variable \"n\" {{}}\n{bridge}{}", made.replace("\"vmbr7\"", "var.n")), &[]);
    check(&format!("{bridge}module \"net\" {{\n  source = \"example/net/proxmox\"\n}}\n"), &[]);
    // Without a recording nothing is known of the cluster.
    assert_eq!(lines(&checked(&bridge, None)), Vec::<String>::new());
    check(&vm("a", "clone {\n    vm_id = 9000\n  }"), &[]);
    check(
        &vm("a", "cdrom {\n    file_id = \"local:iso/debian-11.iso\"\n  }"),
        &["main.tf:4:15 PVE205 storage `local` has no volume `local:iso/debian-11.iso`"],
    );
    check(&vm("a", "cdrom {\n    file_id = \"none\"\n  }"), &[]);
}

#[test]
fn attributes_are_those_of_the_provider() {
    check(&vm("a", "memmory {\n    dedicated = 1\n  }"), &["main.tf:3:3 PVE302 there is no block `memmory` here"]);
    check(&vm("a", "cpu {\n    core = 1\n  }"), &["main.tf:4:5 PVE302 there is no attribute `core` here"]);
    check(
        &vm("a", "network_device {\n    brigde = \"vmbr0\"\n  }"),
        &["main.tf:4:5 PVE302 there is no attribute `brigde` here"],
    );
    check(&vm("a", "disk {\n  }"), &["main.tf:3:3 PVE304 `interface` is missing"]);
    check(&vm("a", "cpu {\n  }\n  cpu {\n  }"), &["main.tf:5:3 PVE305 2 blocks `cpu`: there may be 1"]);
    check(&vm("a", "cpu = { cores = 1 }"), &["main.tf:3:3 PVE305 `cpu` is a block, not an attribute"]);
    check(&vm("a", "tags = \"x\""), &["main.tf:3:10 PVE305 `tags` has to be a list"]);
    check(&vm("a", "tags = [\"x\", 1, null]\n  started = \"true\"\n  vm_id = \"120\""), &[]);
    check(
        "resource \"proxmox_hardware_mapping_usb\" \"a\" {\n  name = \"zb\"\n  map = [{ node = \"pve\", nonsense = 1 }]\n}\n",
        &["main.tf:3:10 PVE304 `id` is missing", "main.tf:3:26 PVE302 there is no attribute `nonsense` here"],
    );
    // Types of other providers are none of ours.
    check("resource \"proxmox_vm_qemu\" \"a\" {\n  target_node = \"pve\"\n}\nresource \"random_id\" \"b\" {}\n", &[]);
    // JSON syntax has objects where there are blocks.
    check(
        "=== main.tf.json\n{\"resource\": {\"proxmox_virtual_environment_vm\": {\"a\": {\"node_name\": \"pve\", \"cpu\": {\"cores\": 2}, \"disk\": [{\"interface\": \"scsi0\"}]}}}}\n",
        &[],
    );
    check(
        "=== main.tf.json\n{\"resource\": {\"proxmox_virtual_environment_vm\": {\"a\": {\"cpu\": {\"cores\": 2}}}}}\n",
        &["main.tf.json:1:50 PVE304 `node_name` is missing"],
    );
    // A `dynamic` block whose number nobody knows may be there.
    check(
        "variable \"x\" {}\nresource \"proxmox_hardware_mapping_dir\" \"a\" {\n  name = \"a1\"\n  map = var.x\n}\n",
        &[],
    );
}

#[test]
fn values_are_those_that_proxmox_takes() {
    check(
        &vm("a", "vm_id = 42"),
        &["main.tf:3:11 PVE401 Proxmox refuses `42` as vm_id: value does not look like a valid VM ID"],
    );
    check(
        &vm("a", "network_device {\n    mac_address = \"01:02:03:04:05:06\"\n  }"),
        &[
            "main.tf:4:19 PVE401 Proxmox refuses `01:02:03:04:05:06` as network_device.mac_address: value does not look like a valid unicast MAC address",
        ],
    );
    check(
        &vm(
            "a",
            "initialization {\n    ip_config {\n      ipv4 {\n        address = \"10.0.0.5\"\n      }\n    }\n  }",
        ),
        &[
            "main.tf:6:19 PVE401 Proxmox refuses `10.0.0.5` as initialization.ip_config.ipv4.address: value does not look like a valid IPv4 network",
        ],
    );
    let role = "resource \"proxmox_virtual_environment_role\" \"a\" {\n  role_id = \"ops\"\n  privileges = [\"VM.Audit\", \"VM.Monitor\"]\n}\n";
    assert_eq!(lines(&checked(role, None)), Vec::<String>::new(), "Proxmox VE 8 has it");
    check(role, &["main.tf:3:29 PVE401 Proxmox refuses `VM.Monitor` as privileges: invalid privilege 'VM.Monitor'"]);
    check(
        &vm("a", "network_device {\n    model = \"virtoi\"\n  }\n  cpu {\n    cores = \"many\"\n  }"),
        &[
            "main.tf:4:13 PVE401 Proxmox refuses `virtoi` as network_device.model: it has to be one of e1000, e1000-82540em, e1000-82544gc, e1000-82545em, e1000e, i82551, i82557b, i82559er, ne2k_isa, ne2k_pci, pcnet, rtl8139, virtio, vmxnet3",
            "main.tf:7:13 PVE305 `cores` has to be a number",
        ],
    );
    check(&vm("a", "keyboard_layout = \"\"\n  bios = \"ovmf\"\n  scsi_hardware = \"virtio-scsi-single\""), &[]);
}

#[test]
fn secrets_are_found_and_not_shown() {
    let uuid = "3f1c2a9e-8d47-4b60-9a15-c0ffee123456";
    let text = format!(
        "provider \"proxmox\" {{\n  api_token = \"root@pam!tf={uuid}\"\n  ssh {{\n    password = \"hunter2\"\n  }}\n}}\n\
         variable \"pw\" {{\n  sensitive = true\n  default = \"letmein\"\n}}\n\
         resource \"proxmox_virtual_environment_user\" \"a\" {{\n  user_id = \"a@pve\"\n  password = var.pw\n}}\n"
    );
    let checked = checked(&text, None);
    assert_eq!(
        lines(&checked),
        [
            "main.tf:2:15 PVE501 `api_token` of the provider is written in the code",
            "main.tf:4:16 PVE501 `password` of the provider is written in the code",
            "main.tf:9:13 PVE501 the secret `password` is written in the code",
        ]
    );
    let shown = serde_json::to_string(&checked.findings).unwrap();
    for secret in [uuid, "hunter2", "letmein"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let misplaced = super::checked(&vm("a", "password = \"hunter2\""), None);
    assert_eq!(misplaced.findings.len(), 2);
    assert!(misplaced.findings.iter().all(|finding| !finding.place.source.contains("hunter2")));
    check(
        "variable \"pw\" {\n  sensitive = true\n  default = \"\"\n}\n# root@pam!tf=00000000-0000-0000-0000-000000000000\n",
        &[],
    );
}

#[test]
fn comments_hide_findings_and_have_reasons() {
    let with = |comment: &str| vm("a", &format!("vm_id = 42 # proxmox-mpc:ignore {comment}"));
    check(&with("PVE401 an old guest"), &[]);
    check(&with("refused-value until 2026-12-31 an old guest"), &[]);
    check(&with("PVE401"), &["main.tf:3:14 PVE002 this ignore comment gives no reason"]);
    check(&with("PVE401,PVE102 why"), &["main.tf:3:14 PVE004 this comment hides no finding of PVE102 (duplicate-mac)"]);
    check(
        &with("PVE401 until 2026-11-30 why"),
        &[
            "main.tf:3:11 PVE401 Proxmox refuses `42` as vm_id: value does not look like a valid VM ID",
            "main.tf:3:14 PVE005 the end date of this ignore comment has passed",
        ],
    );
    check(&with("nonsense why").replace("42", "142"), &["main.tf:3:15 PVE003 there is no rule `nonsense`"]);
    let above = format!("// proxmox-mpc:ignore PVE304 later\n\n# more\n{}", vm("a", "").replace("node_name", "name"));
    check(&above, &[]);
}

#[test]
fn settings_choose_levels() {
    let text = vm("a", "vm_id = 42\n  disk {\n    interface = \"scsi0\"\n  }");
    let files = files(&text);
    let with = |levels: &[(&str, Level)]| {
        let levels = levels.iter().map(|(word, level)| ((*word).to_owned(), *level)).collect();
        let options = CheckOptions { levels, today: None };
        let checked = check_code(CheckInput {
            files: &files,
            root: "",
            generated: &[],
            provider: None,
            recorded: None,
            options: &options,
        });
        checked.findings.iter().map(|finding| format!("{} {}", finding.rule, finding.severity)).collect::<Vec<_>>()
    };
    assert_eq!(with(&[]), ["PVE601 note", "PVE401 error"]);
    assert_eq!(with(&[("no-prevent-destroy", Level::Off), ("PVE401", Level::Warning)]), ["PVE401 warning"]);
}

#[test]
fn roots_are_the_folders_that_nobody_calls() {
    let files = files(
        "=== env/prod/main.tf\nmodule \"a\" {\n  source = \"../../modules/a\"\n}\n=== modules/a/x.tf\nmodule \"b\" {\n  source=\"./b\"\n}\n\
         === modules/a/b/x.tf\nlocals {}\n=== env/lab/main.tf.json\n{\"module\": {\"a\": {\"source\": \"../../modules/a\"}}}\n=== docs/x.tfvars\n",
    );
    assert_eq!(crate::check::roots(&files), ["env/lab", "env/prod"]);
}

#[test]
fn generated_blocks_are_what_the_cluster_has() {
    let (one, other) = (vm("a", "vm_id = 100"), vm("b", "vm_id = 100"));
    let text = format!("{one}{other}");
    let count = |text: &str, generated: &str| {
        let (files, generated) = (files(text), [files(generated)]);
        let options = CheckOptions::default();
        let input = CheckInput {
            files: &files,
            root: "",
            generated: &generated,
            provider: None,
            recorded: None,
            options: &options,
        };
        check_code(input).findings.len()
    };
    assert_eq!(count(&text, &text), 0);
    // Another place in the file, and other comments, are no edit of the block.
    assert_eq!(count(&format!("# mine\n{other}{one}"), &text), 0);
    // One of the two is a person's.
    assert_eq!(count(&text, &one), 1);
    assert_eq!(count(&text, &other), 1);
    let secret = "provider \"proxmox\" {\n  password = \"hunter2\"\n}\n";
    assert_eq!(count(secret, secret), 1);
}

#[test]
fn another_version_of_the_provider_may_have_other_attributes() {
    let files = files(&vm("a", "nonsense = 1"));
    let options = CheckOptions::default();
    let with = |provider| {
        let input = CheckInput { files: &files, root: "", generated: &[], provider, recorded: None, options: &options };
        let finding = check_code(input).findings.remove(0);
        (finding.severity.word(), finding.help)
    };
    assert_eq!(with(None), ("error", Vec::new()));
    assert_eq!(with(Some("0.111.1")), ("error", Vec::new()));
    let help = "The table is of version 0.111.1, and the lock file has 0.112.0.".to_owned();
    assert_eq!(with(Some("0.112.0")), ("warning", vec![help]));
}
