//! Recordings are written, packed, read back and, where they are damaged, refused with a sentence that helps.

use std::fs;
use std::path::Path;

use proxmox_mpc_model::{Answer, Answers, ApiPath};
use proxmox_mpc_twin::recording::{About, Recording, RecordingWriter, pack, unpack};
use serde_json::json;

use crate::support::fixture;

/// A copy of a fixture made by the writer, unpacked or packed as the name says.
fn copy(from: &Recording, to: &Path) -> Recording {
    let writer = RecordingWriter::create(to).unwrap();
    let paths: Vec<ApiPath> = from.paths().unwrap().collect();
    std::thread::scope(|scope| {
        for part in paths.chunks(100) {
            scope.spawn(|| part.iter().for_each(|path| writer.put(path, &from.get(path).unwrap().unwrap()).unwrap()));
        }
    });
    writer.finish(from.about()).unwrap()
}

fn same_answers(one: &Recording, other: &Recording) {
    let paths: Vec<ApiPath> = one.paths().unwrap().collect();
    assert!(paths.len() > 600 && paths.is_sorted());
    assert_eq!(paths, other.paths().unwrap().collect::<Vec<_>>());
    for path in paths {
        let answer = one.get(&path).unwrap().unwrap();
        assert_eq!(Some(&answer), other.get(&path).unwrap().as_ref(), "{path}");
        let text = other.text(&path).unwrap().unwrap();
        assert_eq!(answer.body, serde_json::from_str::<serde_json::Value>(&text.body).unwrap());
        assert_eq!((answer.status, answer.reason), (text.status, text.reason));
    }
}

#[test]
fn every_form_holds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let original = Recording::open(&fixture("homelab.tar.zst")).unwrap();
    assert_eq!(original.about().nodes, ["pve"]);
    let unpacked = copy(&original, &at("unpacked"));
    same_answers(&original, &unpacked);
    same_answers(&original, &copy(&original, &at("written.tar.zst")));
    pack(&at("unpacked"), &at("packed.tar.zst")).unwrap();
    assert_eq!(fs::read(at("packed.tar.zst")).unwrap(), fs::read(at("written.tar.zst")).unwrap());
    unpack(&at("packed.tar.zst"), &at("again")).unwrap();
    same_answers(&unpacked, &Recording::open(&at("again")).unwrap());
    // A second time, over the first: the same bytes, and nothing is left beside it.
    copy(&original, &at("again"));
    pack(&at("again"), &at("second.tar.zst")).unwrap();
    assert_eq!(fs::read(at("packed.tar.zst")).unwrap(), fs::read(at("second.tar.zst")).unwrap());
    let mut names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["again", "packed.tar.zst", "second.tar.zst", "unpacked", "written.tar.zst"]);
}
#[test]
fn only_the_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let recording = Recording::open(&fixture("homelab.tar.zst")).unwrap();
    copy(&recording, &folder.path().join("open"));
    copy(&recording, &folder.path().join("packed.tar.zst"));
    let open = folder.path().join("open");
    for (path, expected) in [
        (open.clone(), 0o700),
        (open.join("api2/json/nodes"), 0o700),
        (open.join("recording.json"), 0o600),
        (open.join("api2/json/nodes/pve/qemu/100/config.json"), 0o600),
        (folder.path().join("packed.tar.zst"), 0o600),
    ] {
        assert_eq!(mode(&path), expected, "{}", path.display());
    }
}

fn about() -> About {
    serde_json::from_value(json!({"format": 1, "recorded_at": "2026-11-23T00:50:00Z"})).unwrap()
}

/// An archive with these entries, packed like a recording.
fn packed(path: &Path, entries: &[(&str, &str)]) {
    let mut builder = tar::Builder::new(zstd::Encoder::new(fs::File::create(path).unwrap(), 1).unwrap());
    for (name, content) in entries {
        let mut header = tar::Header::new_old();
        // Written raw, since the library would refuse the names that are tried here.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap();
}

#[test]
fn what_is_no_recording_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = |name: &str, text: &str| {
        fs::create_dir_all(at(name)).unwrap();
        fs::write(at(name).join("recording.json"), text).unwrap();
    };
    let check = |name: &str, expected: &str| {
        let error = Recording::open(&at(name)).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
    };
    check("nowhere", "there is no recording at");
    fs::create_dir(at("empty")).unwrap();
    check("empty", "is not a recording");
    fs::write(at("text"), "hello").unwrap();
    check("text", "is not a recording");
    text("newer", r#"{"format": 2, "recorded": {}}"#);
    check("newer", "has format 2, and this version reads format 1");
    text("cut", r#"{"format": 1, "reco"#);
    check("cut", "`recording.json` of the recording at");
    let whole = fs::read(fixture("homelab.tar.zst")).unwrap();
    fs::write(at("cut.tar.zst"), &whole[..whole.len() - 5]).unwrap();
    check("cut.tar.zst", "`cut.tar.zst` of the recording at");
    let first = ("recording.json", r#"{"format": 1, "recorded_at": "now"}"#);
    packed(&at("fine.tar.zst"), &[first, ("./api2/json/version.json", "{}")]);
    assert_eq!(Recording::open(&at("fine.tar.zst")).unwrap().paths().unwrap().count(), 1);
    packed(&at("no-about.tar.zst"), &[("api2/json/version.json", "{}")]);
    check("no-about.tar.zst", "is not a recording");
    packed(&at("out.tar.zst"), &[first, ("../api2/json/version.json", "{}")]);
    check("out.tar.zst", "`../api2/json/version.json` cannot be in a recording: it leads out of the recording");
    packed(&at("absolute.tar.zst"), &[first, ("/etc/shadow", "")]);
    check("absolute.tar.zst", "`/etc/shadow` cannot be in a recording");
    packed(&at("twice.tar.zst"), &[first, first]);
    check("twice.tar.zst", "`recording.json` cannot be in a recording: it is there twice");
}

/// An entry that says it holds this many zeros, and does.
fn zeros(builder: &mut tar::Builder<impl std::io::Write>, name: &str, kind: tar::EntryType, size: u64) {
    let mut header = tar::Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    builder.append(&header, std::io::Read::take(std::io::repeat(0), size)).unwrap();
}

/// Recordings that unpack to far more than they are, made on the fly.
#[test]
fn what_unpacks_to_too_much_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("bomb.tar.zst");
    let check = |make: &dyn Fn(&mut tar::Builder<zstd::Encoder<'_, fs::File>>), expected: &str| {
        let mut builder = tar::Builder::new(zstd::Encoder::new(fs::File::create(&place).unwrap(), 1).unwrap());
        make(&mut builder);
        builder.into_inner().unwrap().finish().unwrap();
        assert!(fs::metadata(&place).unwrap().len() < 1 << 20);
        let error = Recording::open(&place).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let error = unpack(&place, &folder.path().join("unpacked")).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(!folder.path().join("unpacked").exists());
    };
    let regular = tar::EntryType::Regular;
    check(
        &|builder| zeros(builder, "api2/json/version.json", regular, 129 << 20),
        "`api2/json/version.json` has 129 MiB, and the limit is 128 MiB",
    );
    check(
        &|builder| (0..5).for_each(|number| zeros(builder, &format!("api2/json/{number}.json"), regular, 110 << 20)),
        "unpacks to more than 512 MiB",
    );
    check(&|builder| zeros(builder, "x", tar::EntryType::GNULongName, 1 << 20), "the name of an entry has 1 MiB");
    check(&|builder| zeros(builder, "x", tar::EntryType::XHeader, 1 << 20), "the name of an entry has 1 MiB");
    for kind in [tar::EntryType::Symlink, tar::EntryType::Link, tar::EntryType::Char, tar::EntryType::Fifo] {
        check(&|builder| zeros(builder, "api2/json/version.json", kind, 0), "it is neither a file nor a folder");
    }
    // What stands behind the end of the archive.
    let behind = |builder: &mut tar::Builder<zstd::Encoder<'_, fs::File>>| {
        zeros(builder, "recording.json", regular, 0);
        let end = std::io::Read::take(std::io::repeat(0), 1200 << 20);
        std::io::copy(&mut { end }, builder.get_mut()).unwrap();
    };
    check(&behind, "unpacks to more than 512 MiB");
}

/// More memory than a frame may ask for.
#[test]
fn a_window_beyond_the_bound_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("wide.tar.zst");
    // A frame's head (RFC 8878, 3.1.1): the magic, no content size, a window of 2^31 bytes, and an empty last block.
    fs::write(&place, [0x28, 0xb5, 0x2f, 0xfd, 0x00, (31 - 10) << 3, 0x01, 0x00, 0x00]).unwrap();
    let error = Recording::open(&place).unwrap_err().to_string();
    assert!(error.contains("is cut or damaged") && error.contains("memory"), "{error}");
}

/// A folder is a stranger's as well: neither links nor endless files are read.
#[test]
fn links_and_giants_in_a_folder_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("recording");
    let recording = RecordingWriter::create(&place).unwrap().finish(&about()).unwrap();
    let path = ApiPath::parse("version");
    let file = place.join(path.file());
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let check = |expected: &str| {
        let error = recording.get(&path).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        fs::remove_file(&file).unwrap();
    };
    fs::write(folder.path().join("elsewhere"), r#"{"body": {}, "reason": "OK", "status": 200}"#).unwrap();
    std::os::unix::fs::symlink(folder.path().join("elsewhere"), &file).unwrap();
    check("a link or a device, and not a file");
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    check("a link or a device, and not a file");
    fs::File::create(&file).unwrap().set_len(20 << 30).unwrap();
    check("has 20 GiB, and the limit is 128 MiB");
    fs::remove_file(place.join("recording.json")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", place.join("recording.json")).unwrap();
    assert!(Recording::open(&place).is_err());
}

#[test]
fn a_damaged_answer_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("recording");
    let writer = RecordingWriter::create(&place).unwrap();
    let path = ApiPath::parse("nodes/pve1/qemu/100/config");
    writer.put(&path, &Answer::ok(json!({"memory": "2048"}))).unwrap();
    assert_eq!(writer.get(&path).unwrap(), Some(Answer::ok(json!({"memory": "2048"}))));
    let recording = writer.finish(&about()).unwrap();
    assert_eq!(recording.get(&ApiPath::parse("nodes/pve1/qemu/101/config")).unwrap(), None);
    assert_eq!(recording.get(&ApiPath::parse("nodes/pve1/qemu/100/config/more")).unwrap(), None);
    fs::write(place.join(path.file()), "{\"body\": {\"da").unwrap();
    for error in [recording.get(&path).unwrap_err(), recording.text(&path).unwrap_err()] {
        let message = error.to_string();
        assert!(message.contains("api2/json/nodes/pve1/qemu/100/config.json is cut or damaged"), "{message}");
    }
}

#[test]
fn nothing_leads_out_of_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let recording = RecordingWriter::create(&folder.path().join("inner")).unwrap().finish(&about()).unwrap();
    fs::write(folder.path().join("secret.json"), r#"{"body": {}, "reason": "OK", "status": 200}"#).unwrap();
    let path = ApiPath::parse("../../../secret");
    assert_eq!(recording.get(&path).unwrap(), None);
    let writer = RecordingWriter::create(&folder.path().join("inner")).unwrap();
    let error = writer.put(&path, &Answer::ok(json!(null))).unwrap_err().to_string();
    assert_eq!(error, "`../../../secret` cannot be in a recording: it leads out of the recording");
}

#[test]
fn a_recording_replaces_only_a_recording() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("photos")).unwrap();
    fs::write(at("photos").join("cat.jpeg"), "").unwrap();
    fs::write(at("file"), "").unwrap();
    for name in ["photos", "file", ""] {
        let error = RecordingWriter::create(&at(name)).unwrap_err().to_string();
        assert!(error.contains("is not a recording, so a recording does not replace it"), "{error}");
    }
    fs::create_dir(at("empty")).unwrap();
    RecordingWriter::create(&at("empty")).unwrap().finish(&about()).unwrap();
    let kept = RecordingWriter::create(&at("empty")).unwrap();
    kept.put(&ApiPath::parse("version"), &Answer::ok(json!({}))).unwrap();
    drop(kept);
    assert_eq!(Recording::open(&at("empty")).unwrap().paths().unwrap().count(), 0);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
}
