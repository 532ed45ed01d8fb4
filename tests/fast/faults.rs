//! What goes wrong while files are written leaves the tree as it was, or new; and the same run again finishes the work.

use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_prodify::apply::apply;
use cargo_prodify::plan::{Disk, OnDisk, Plan, plan};
use cargo_prodify::tree::{Class, File, RelPath, Tree};
use tempfile::tempdir;

use crate::support::{command, listing, prodify, said};

fn tree(files: &[(&str, &str)]) -> Tree {
    let file = |text: &str| File {
        text: text.to_owned(),
        executable: text.starts_with("#!"),
        class: Class::Shared,
        component: "c".to_owned(),
    };
    files
        .iter()
        .map(|(path, text)| (RelPath::new(*path).unwrap(), file(text)))
        .collect()
}

fn plan_for(base: &[(&str, &str)], ours: &[(&str, &str)], theirs: &[(&str, &str)]) -> Plan {
    let disk: Disk = tree(ours)
        .into_iter()
        .map(|(path, file)| (path, OnDisk::Text(file.text)))
        .collect();
    plan(&tree(base), disk, tree(theirs))
}

fn contents(root: &Path) -> Vec<(String, Vec<u8>)> {
    let read = |path: String| {
        let bytes = fs::read(root.join(&path)).unwrap_or_default();
        (path, bytes)
    };
    listing(root).into_iter().map(read).collect()
}

#[test]
fn creates_updates_and_deletes() {
    let dir = tempdir().unwrap();
    let before = [("a/old", "old"), ("gone", "gone")];
    apply(dir.path(), &plan_for(&[], &[], &before), &[]).unwrap();
    apply(
        dir.path(),
        &plan_for(
            &before,
            &before,
            &[("a/old", "new"), ("b/c/run", "#!/bin/sh\n")],
        ),
        &[],
    )
    .unwrap();
    assert_eq!(listing(dir.path()), ["a", "a/old", "b", "b/c", "b/c/run"]);
    assert_eq!(fs::read_to_string(dir.path().join("a/old")).unwrap(), "new");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = |path: &str| {
            fs::metadata(dir.path().join(path))
                .unwrap()
                .permissions()
                .mode()
                & 0o111
        };
        assert_eq!((mode("a/old"), mode("b/c/run")), (0, 0o111));
    }
}

/// A directory in the way of each file in turn makes putting it in its place fail, after everything before it was done.
#[test]
fn a_failure_at_any_file_takes_everything_back() {
    let base = [("a", "1"), ("d/b", "2"), ("z", "3")];
    let theirs = [
        ("a", "one"),
        ("d/b", "two"),
        ("e/f/new", "x"),
        ("m", "y"),
        ("z", "three"),
    ];
    for (path, _) in theirs {
        let dir = tempdir().unwrap();
        apply(dir.path(), &plan_for(&[], &[], &base), &[]).unwrap();
        let steps = plan_for(&base, &base, &theirs);
        let _ = fs::remove_file(dir.path().join(path));
        fs::create_dir_all(dir.path().join(path).join("in the way")).unwrap();
        let before = contents(dir.path());
        let error = format!("{:#}", apply(dir.path(), &steps, &[]).unwrap_err());
        assert!(error.contains(path), "{error}");
        assert_eq!(contents(dir.path()), before, "{path}");
    }
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_project_is_not_followed() {
    let (dir, outside) = (tempdir().unwrap(), tempdir().unwrap());
    std::os::unix::fs::symlink(outside.path(), dir.path().join("src")).unwrap();
    let error = apply(
        dir.path(),
        &plan_for(&[], &[], &[("a", "x"), ("src/main.rs", "x")]),
        &[],
    )
    .unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(
        (listing(dir.path()), listing(outside.path())),
        (vec!["src".to_owned()], Vec::new())
    );

    let arguments = ["new", ".", "-y", "--name", "orders", "--vcs", "none"];
    let output = prodify(dir.path(), &arguments);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("symbolic link"), "{}", said(&output));
    let output = prodify(dir.path(), &[&arguments[..], &["--keep"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    // Nor is what a link calls the staging directory removed.
    fs::create_dir_all(outside.path().join("staging")).unwrap();
    fs::remove_dir_all(dir.path().join(".prodify")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join(".prodify")).unwrap();
    let error = apply(dir.path(), &plan_for(&[], &[], &[("b", "x")]), &[]).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(listing(outside.path()), ["staging"]);
}

/// A limit on the size of a file fails a write in the middle, as a full disk does.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_nothing_behind() {
    for existing in [false, true] {
        let dir = tempdir().unwrap();
        if existing {
            fs::create_dir(dir.path().join("orders")).unwrap();
        }
        let before = listing(dir.path());
        // The signal is ignored so that the write fails instead of the program; 8 blocks are 4 KiB.
        let script = format!(
            "trap '' XFSZ; ulimit -f 8; exec {} prodify new orders -y --vcs none",
            env!("CARGO_BIN_EXE_cargo-prodify")
        );
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(101), "{}", said(&output));
        assert!(
            said(&output).contains("writing ") && said(&output).contains("orders"),
            "{}",
            said(&output)
        );
        assert_eq!(listing(dir.path()), before);
    }
}

#[cfg(unix)]
#[test]
fn a_directory_that_takes_no_files_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Permissions do not bind the superuser, for whom there is nothing to see here.
    if fs::create_dir(dir.path().join("probe")).is_ok() {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        return;
    }
    let output = prodify(dir.path(), &["new", "orders", "-y"]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(101), "{}", said(&output));
    assert!(
        said(&output).contains("creating the directory"),
        "{}",
        said(&output)
    );
}

/// Killed at any moment, a run leaves whole files, and the same run again ends as one that was never killed.
#[test]
fn a_killed_run_is_finished_by_the_next() {
    let whole = tempdir().unwrap();
    let done = prodify(whole.path(), &["new", "orders", "-y", "--vcs", "none"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    for existing in [false, true] {
        for delay in (0..24).map(|step| step * 500) {
            let dir = tempdir().unwrap();
            if existing {
                fs::create_dir(dir.path().join("orders")).unwrap();
            }
            let mut child = command(dir.path(), &["new", "orders", "-yq", "--vcs", "none"])
                .spawn()
                .unwrap();
            std::thread::sleep(std::time::Duration::from_micros(delay));
            let _ = child.kill();
            child.wait().unwrap();
            for (path, bytes) in contents(&dir.path().join("orders")) {
                if !path.starts_with(".prodify/staging") {
                    assert_eq!(
                        bytes,
                        fs::read(whole.path().join("orders").join(&path)).unwrap_or_default(),
                        "{path} is half written"
                    );
                }
            }
            let again = prodify(dir.path(), &["new", "orders", "-y", "--vcs", "none"]);
            assert_eq!(again.status.code(), Some(0), "{}", said(&again));
            assert_eq!(contents(dir.path()), contents(whole.path()));
        }
    }
}
