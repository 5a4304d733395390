use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::state::AccountId;
use crate::store::Store;

/// Opens the database, and closes it: what the writing thread does to the files at its end is over.
fn make_database(places: &Places) {
    let Store { writer, reader, .. } = Store::open(&places.data, AccountId::main(), 1).unwrap();
    drop((writer.batches, reader));
    writer.thread.join().unwrap();
}

/// A gateway's folders, with a database and a session.
fn gateway() -> (TempDir, Places) {
    let base = tempfile::tempdir().unwrap();
    let places = Places { data: base.path().join("data"), session: base.path().join("session") };
    make_database(&places);
    fs::create_dir_all(places.session.join("state")).unwrap();
    fs::write(places.session.join("state/CURRENT"), "MANIFEST-000001\n").unwrap();
    fs::write(places.session.join("state/LOCK"), "").unwrap();
    (base, places)
}

fn backed_up() -> (TempDir, Places, PathBuf) {
    let (base, places) = gateway();
    let file = base.path().join("backup.tar");
    let manifest = write(&places, &file, Clock::start()).unwrap();
    assert_eq!((manifest.format, manifest.session_files), (FORMAT, 1));
    (base, places, file)
}

fn elsewhere(base: &TempDir) -> Places {
    Places { data: base.path().join("other/data"), session: base.path().join("other/session") }
}

#[test]
fn a_backup_is_the_owners_alone_and_is_restored_whole() {
    let (base, _, file) = backed_up();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let other = elsewhere(&base);
    restore(&other, &file, false).unwrap();
    assert_eq!(fs::read_to_string(other.session.join("state/CURRENT")).unwrap(), "MANIFEST-000001\n");
    assert_eq!(session::list(&other.session).unwrap().len(), 1, "nothing is left of the unpacking");
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(other.data.join(DATABASE)), 0o600);
    assert_eq!(mode(other.session.join("state")), 0o700);
    assert_eq!(mode(other.session.join("state/CURRENT")), 0o600);
    make_database(&other);
    assert_eq!(fs::read_dir(base.path()).unwrap().count(), 4, "nothing is left of the packing");
}

#[test]
fn tokens_and_changed_settings_come_along_and_those_that_are_there_stay() {
    let (base, places) = gateway();
    for (name, text) in FILES.into_iter().zip(["{}", "[]", "pilothouse_1"]) {
        fs::write(places.data.join(name), text).unwrap();
    }
    let file = base.path().join("backup.tar");
    write(&places, &file, Clock::start()).unwrap();
    let other = elsewhere(&base);
    fs::create_dir_all(&other.data).unwrap();
    fs::write(other.data.join("token"), "pilothouse_2").unwrap();
    restore(&other, &file, false).unwrap();
    let read = |name: &str| fs::read_to_string(other.data.join(name)).unwrap();
    assert_eq!(FILES.map(read), ["{}", "[]", "pilothouse_2"]);
    assert_eq!(fs::metadata(other.data.join("tokens.json")).unwrap().permissions().mode() & 0o777, 0o600);
    restore(&other, &file, true).unwrap();
    assert_eq!(read("token"), "pilothouse_1");
}

#[test]
fn a_backup_replaces_no_file_and_needs_a_database() {
    let (base, mut places, file) = backed_up();
    let error = write(&places, &file, Clock::start()).unwrap_err().to_string();
    assert!(error.contains("backup.tar") && error.contains("exists"), "{error}");
    places.data = base.path().join("nowhere");
    let error = write(&places, &base.path().join("2.tar"), Clock::start()).unwrap_err().to_string();
    assert!(error.contains("there is no database") && error.contains("--data-dir"), "{error}");
    assert!(!base.path().join("2.tar").exists());
}

#[test]
fn a_restore_needs_empty_folders_or_force_and_no_gateway_that_runs() {
    let (_base, places, file) = backed_up();
    let error = restore(&places, &file, false).unwrap_err().to_string();
    assert!(error.contains("--force"), "{error}");
    fs::remove_file(places.data.join(DATABASE)).unwrap();
    let error = restore(&places, &file, false).unwrap_err().to_string();
    assert!(error.contains("session") && error.contains("--force"), "{error}");
    fs::write(places.session.join("state/older"), "to be replaced").unwrap();
    restore(&places, &file, true).unwrap();
    assert!(!places.session.join("state/older").exists());
    let _running = Store::open(&places.data, AccountId::main(), 1).unwrap();
    let error = restore(&places, &file, true).unwrap_err().to_string();
    assert!(error.contains("another pilothouse"), "{error}");
}

#[test]
fn what_is_not_a_whole_backup_changes_nothing() {
    let (base, places, file) = backed_up();
    let whole = fs::read(&file).unwrap();
    let tar = |entries: &[(&str, &[u8])]| {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, content) in entries {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            // Not `set_path`, which refuses what a hostile file would hold.
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_cksum();
            tar.append(&header, *content).unwrap();
        }
        tar.into_inner().unwrap()
    };
    let manifest = br#"{"format":1,"pilothouse":"0.1.0","made_at":"2026-01-01T00:00:00Z","session_files":0}"#;
    let later = br#"{"format":2,"pilothouse":"9.0.0","made_at":"2026-01-01T00:00:00Z","session_files":0}"#;
    let cases = [
        ("empty", vec![]),
        ("garbage", vec![0x5a; 4096]),
        ("cut", whole[..whole.len() / 2].to_vec()),
        ("no manifest", tar(&[(DATABASE, b"x")])),
        ("no database", tar(&[(MANIFEST, manifest)])),
        ("a later form", tar(&[(MANIFEST, later)])),
        ("damaged", tar(&[(MANIFEST, manifest), (DATABASE, &[0x5a; 4096])])),
        ("a way out", tar(&[(MANIFEST, manifest), ("session/../../out", b"x")])),
        ("from the root", tar(&[(MANIFEST, manifest), ("/tmp/pilothouse-out", b"x")])),
        ("a stranger", tar(&[(MANIFEST, manifest), ("stranger", b"x")])),
    ];
    let before = (fs::read(places.data.join(DATABASE)).unwrap(), session::list(&places.session).unwrap());
    for (name, bytes) in cases {
        let bad = base.path().join("bad.tar");
        fs::write(&bad, bytes).unwrap();
        let error = restore(&places, &bad, true).unwrap_err().to_string();
        assert!(error.contains("not a backup") || error.contains("is damaged"), "{name}: {error}");
        let after = (fs::read(places.data.join(DATABASE)).unwrap(), session::list(&places.session).unwrap());
        assert!(after == before, "{name}");
        assert_eq!(fs::read_dir(base.path()).unwrap().count(), 4, "{name}");
    }
}
