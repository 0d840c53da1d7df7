//! Sources of the answers, and recordings of them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use proxmox_mpc_engine::toolchain::invocation::Invocation;
use proxmox_mpc_twin::Recording;
use proxmox_mpc_twin::credentials::Credentials;
use proxmox_mpc_twin::server::{Options, serve};

use super::{Lab, files};
use crate::support::clusters::{FIXTURES, place, read};
use crate::support::program::{PROGRAM, ran, ran_in};

const TOKEN: &str = "11111111-2222-4333-8444-555555555555";

/// Imports of a cluster and of a recording of it are the same, to the byte.
#[test]
fn a_twin_and_its_recording_give_the_same_code() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _inside = runtime.enter();
    let folder = tempfile::tempdir().unwrap();
    let logins = folder.path().join("credentials.json");
    fs::write(&logins, format!(r#"{{"tokens": {{"root@pam!iac": "{TOKEN}"}}}}"#)).unwrap();
    for (name, file) in FIXTURES {
        let credentials = Credentials::read(&logins).unwrap();
        let options = Options { refusal_delay: Duration::ZERO, enforced: false, ..Options::new(credentials) };
        let twin = serve(Arc::new(Recording::open(&place(file)).unwrap()), options).unwrap();
        let at = |kind: &str| folder.path().join(format!("{name}-{kind}"));
        let program = Invocation::new(PROGRAM).withhold("PROXMOX_VE_");
        let program = program.env("PROXMOX_VE_API_TOKEN", format!("root@pam!iac={TOKEN}"));
        let (live, recorded) = (at("live"), at("recorded"));
        let endpoint = twin.endpoint();
        let words = ["import", &endpoint, "--fingerprint", twin.fingerprint(), "--out", live.to_str().unwrap()];
        let imported = ran_in(program, &words);
        assert_eq!(imported.code, Some(0), "{name}: {}", imported.errors);
        let words =
            ["import", "--from", place(file).to_str().unwrap(), "--out", recorded.to_str().unwrap()].map(str::to_owned);
        let imported = ran(&words.each_ref().map(String::as_str));
        assert_eq!(imported.code, Some(0), "{name}: {}", imported.errors);
        let code = |folder: &std::path::Path| {
            let mut files = files(folder);
            files.retain(|path, _| !path.starts_with(".proxmox-mpc/"));
            files
        };
        assert_eq!(code(&live), code(&recorded), "{name}");
        runtime.block_on(twin.stop());
    }
}

/// A kept recording is imported to the same files, as a folder and packed.
#[test]
fn what_is_recorded_can_be_imported_again() {
    let lab = Lab::new();
    let (folder, packed) = (lab.word("kept"), lab.word("kept.tar.zst"));
    lab.import(&["--record", &folder]).done();
    lab.import(&["--record", &packed]).done();
    let one = read(&Recording::open(lab.at("kept").as_path()).unwrap());
    assert_eq!(one, read(&Recording::open(lab.at("kept.tar.zst").as_path()).unwrap()));
    assert_eq!(one, read(&Recording::open(&lab.at("lab/.proxmox-mpc/recordings/latest")).unwrap()));
    for from in [&folder, &packed] {
        let out = lab.word("other");
        let imported = ran(&["import", "--from", from, "--out", &out]);
        assert_eq!(imported.code, Some(0), "{}", imported.errors);
        let mut files = files(&lab.at("other"));
        files.retain(|path, _| !path.starts_with(".proxmox-mpc/"));
        assert_eq!(files, lab.files());
        fs::remove_dir_all(lab.at("other")).unwrap();
    }
}

/// Other users of the machine may not read the recorded answers.
#[test]
fn recordings_are_private() {
    let lab = Lab::imported();
    let mut folders = vec![lab.at("lab/.proxmox-mpc/recordings/latest")];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700, "{}", folder.display());
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(mode(&path), 0o600, "{}", path.display());
                seen += 1;
            }
        }
    }
    assert!(seen > 20);
}

#[test]
fn strict_fails_where_anything_is_missing_and_writes_all_the_same() {
    let lab = Lab::new();
    let imported = lab.import(&["--strict"]);
    // Nobody asked for the package repositories when this was recorded.
    assert_eq!(imported.code, Some(1), "{}", imported.errors);
    assert!(imported.output.contains("not read"), "{}", imported.output);
    assert_eq!(lab.files(), Lab::imported().files());
    lab.import(&["--only", "kind=vm", "--only", "kind=pool", "--strict"]).done();
}

#[test]
fn a_recording_that_is_none_is_refused() {
    let lab = Lab::new();
    let out = lab.word("lab");
    let check = |from: &str, expected: &str| {
        let imported = ran(&["import", "--from", from, "--out", &out]);
        assert_eq!(imported.code, Some(1));
        assert!(imported.errors.contains(expected) && imported.errors.contains("hint: "), "{}", imported.errors);
        assert!(!lab.at("lab").exists());
    };
    check(&lab.word("nothing"), "nothing");
    check(lab.folder.path().to_str().unwrap(), "recording");
    fs::write(lab.at("cut.tar.zst"), &fs::read(place("pve-9.1.tar.zst")).unwrap()[..9000]).unwrap();
    check(&lab.word("cut.tar.zst"), "cut.tar.zst");
    let imported = ran(&["import", "--from", &lab.word("nothing"), "--out", &lab.word("no/such/folder")]);
    assert_eq!(imported.code, Some(1));
}
