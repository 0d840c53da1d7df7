//! What an import says at its end.

use super::Lab;

#[test]
fn the_next_command_is_named() {
    let lab = Lab::new();
    let next = format!("next: proxmox-mpc verify {}", lab.word("lab"));
    for said in [lab.import(&[]).done(), lab.import(&[]).done()] {
        assert_eq!(said.lines().last(), Some(next.as_str()), "{said}");
    }
    let said = lab.import(&["--dry-run"]).done();
    assert!(!said.contains("next:"), "{said}");
}

#[test]
fn who_wants_quiet_gets_two_lines() {
    let lab = Lab::new();
    let said = lab.import(&["--quiet", "--exclude", "kind=user"]).done();
    let lines: Vec<&str> = said.lines().collect();
    let [objects, files] = lines[..] else { panic!("{said}") };
    for words in [" objects: ", " in Terraform, ", " in Ansible, ", " not importable, ", " not read, ", "6 excluded, "]
    {
        assert!(objects.contains(words), "{words}: {said}");
    }
    assert!(files.ends_with(" files written"), "{said}");
    let said = lab.import(&["--quiet"]).done();
    assert!(said.ends_with(" written, 1 changed\n") || said.contains("changed"), "{said}");
}

/// Only columns that say something are there, and no word that a reader would have to look up.
#[test]
fn the_table_is_plain() {
    let lab = Lab::new();
    let said = lab.import(&["--only", "kind=pool"]).done();
    let head = said.lines().find(|line| line.starts_with("KIND")).unwrap();
    assert_eq!(head.split_whitespace().collect::<Vec<_>>(), ["KIND", "FOUND", "TERRAFORM", "EXCLUDED", "KEYS"]);
    for words in ["AS IT CAME", "SET ASIDE", "UNREAD", "LEFT OUT", "and so for each", "anew"] {
        assert!(!said.contains(words), "{words}: {said}");
    }
}
