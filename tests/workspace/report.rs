//! Report at the end of an import.

use super::Lab;

#[test]
fn the_next_command_is_named() {
    let lab = Lab::new();
    let next = format!("next: proxmox-mpc verify {}", lab.word("lab"));
    for output in [lab.import(&[]).done(), lab.import(&[]).done()] {
        assert_eq!(output.lines().last(), Some(next.as_str()), "{output}");
    }
    let output = lab.import(&["--dry-run"]).done();
    assert!(!output.contains("next:"), "{output}");
}

#[test]
fn who_wants_quiet_gets_two_lines() {
    let lab = Lab::new();
    let output = lab.import(&["--quiet", "--exclude", "kind=user"]).done();
    let lines: Vec<&str> = output.lines().collect();
    let [objects, files] = lines[..] else { panic!("{output}") };
    for words in [" objects: ", " in Terraform, ", " in Ansible, ", " not importable, ", " not read, ", "6 excluded, "]
    {
        assert!(objects.contains(words), "{words}: {output}");
    }
    assert!(files.ends_with(" files written"), "{output}");
    let output = lab.import(&["--quiet"]).done();
    assert!(output.ends_with(" written, 1 changed\n") || output.contains("changed"), "{output}");
}

/// The table has only columns with content, and no word that a reader would have to look up.
#[test]
fn the_table_is_plain() {
    let lab = Lab::new();
    let output = lab.import(&["--only", "kind=pool"]).done();
    let head = output.lines().find(|line| line.starts_with("KIND")).unwrap();
    assert_eq!(head.split_whitespace().collect::<Vec<_>>(), ["KIND", "FOUND", "TERRAFORM", "EXCLUDED", "KEYS"]);
    for words in ["AS IT CAME", "SET ASIDE", "UNREAD", "LEFT OUT", "and so for each", "anew"] {
        assert!(!output.contains(words), "{words}: {output}");
    }
}
