//! Ansible's tasks follow the rules of Terraform's code: the task of an object that could not be read stays.

use proxmox_mpc_model::{Answer, ApiPath};

use super::Lab;

const MATCHERS: &str = "ansible/roles/notifications/tasks/main.yml";
const LIST: &str = "cluster/notifications/matchers";

fn refuse(lab: &mut Lab) {
    let refusal = Answer::refusal(403, "Permission check failed (/mapping/notifications, Mapping.Audit)");
    lab.answers.insert(ApiPath::parse(LIST), refusal);
}

#[test]
fn tasks_of_what_was_refused_or_left_out_stay() {
    let check = |change: fn(&mut Lab), filters: &[&str]| {
        let mut lab = Lab::imported();
        let before = lab.files();
        change(&mut lab);
        let output = lab.import(filters).done();
        assert_eq!(lab.read(MATCHERS), before[MATCHERS]);
        assert!(output.contains("kept as it is"), "{output}");
    };
    check(refuse, &[]);
    check(|_| {}, &["--exclude", "kind=notification_matcher"]);
    check(|_| {}, &["--only", "kind=vm"]);
}

#[test]
fn tasks_of_what_is_gone_go() {
    let mut lab = Lab::imported();
    assert!(lab.read(MATCHERS).contains("# notification-matcher/errors\n"));
    lab.data(LIST).as_array_mut().unwrap().retain(|row| row["name"] != "errors");
    let output = lab.import(&["--allow-removal", "1"]).done();
    assert!(output.contains(&format!("{MATCHERS} (notification-matcher/errors)")), "{output}");
    assert!(!lab.files().get(MATCHERS).is_some_and(|text| text.contains("notification-matcher/errors")));
}

/// An edited task stops the import like any edited file.
#[test]
fn an_edited_role_stops_the_import() {
    let mut lab = Lab::imported();
    let edited = lab.read(MATCHERS).replace("mode: any", "mode: all");
    lab.write(MATCHERS, &edited);
    lab.data(LIST)[0]["comment"] = "changed".into();
    assert!(lab.import(&[]).failed().contains(MATCHERS));
    assert_eq!(lab.read(MATCHERS), edited);
}

/// An object that Terraform can import again leaves its role, and vice versa.
#[test]
fn an_object_is_in_one_place() {
    const GUESTS: &str = "ansible/roles/guests/tasks/main.yml";
    let whole =
        |lab: &Lab| lab.read(GUESTS).split("\n\n").any(|task| task.contains("# qemu/102\n") && task.contains("net0:"));
    let mut lab = Lab::imported();
    assert!(whole(&lab) && lab.code("proxmox_virtual_environment_vm.win11_gpu").is_empty());
    lab.data("nodes/pve2/qemu/102/config")["memory"] = "16384".into();
    lab.import(&[]).done();
    assert!(!whole(&lab) && !lab.code("proxmox_virtual_environment_vm.win11_gpu").is_empty());
    // Now Terraform has it: its code stays there.
    lab.data("nodes/pve2/qemu/102/config")["memory"] = "current=16384".into();
    lab.import(&[]).done();
    assert!(!whole(&lab) && !lab.code("proxmox_virtual_environment_vm.win11_gpu").is_empty());
}
