//! A failure while files are written leaves the tree as it was, or complete; and repeating the run finishes the work.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, io};

use cargo_prodify::apply::{self, Lock, apply};
use cargo_prodify::plan::{Disk, OnDisk, Plan, Rename, Trees, plan};
use cargo_prodify::provenance::Moved;
use cargo_prodify::tree::{Class, File, RelPath, Tree};
use tempfile::{TempDir, tempdir};

use crate::support::{command, contents, listing, prodify, stderr};

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
    plan(&tree(base), disk(ours), tree(theirs))
}

fn disk(files: &[(&str, &str)]) -> Disk {
    tree(files)
        .into_iter()
        .map(|(path, file)| (path, OnDisk::text(file.text)))
        .collect()
}

#[test]
fn apply_creates_updates_and_deletes_files() {
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

/// A plan in which each operation fails in turn: with every action, and an original that is kept.
struct Change {
    /// What was written before; none if that is what is on disk.
    base: Option<&'static [(&'static str, &'static str)]>,
    before: &'static [(&'static str, &'static str)],
    after: &'static [(&'static str, &'static str)],
    originals: &'static [&'static str],
    renames: &'static [(&'static str, &'static str)],
}

const CHANGES: [Change; 3] = [
    Change {
        base: None,
        before: &[("a", "1"), ("d/b", "2"), ("gone/deep/x", "3"), ("z", "4")],
        after: &[
            ("a", "one"),
            ("d/b", "2"),
            ("e/f/new", "#!/bin/sh\n"),
            ("prodify.toml", "y"),
            ("z", "four"),
        ],
        originals: &["z"],
        renames: &[],
    },
    // A new directory.
    Change {
        base: None,
        before: &[],
        after: &[("a", "one"), ("d/b", "#!/bin/sh\n"), ("prodify.toml", "y")],
        originals: &[],
        renames: &[],
    },
    // Files that move: with edits and changes, with changes only, and with neither.
    Change {
        base: Some(&[
            ("edited", "1\n2\n3\n4\n5\n"),
            ("old/news", "1\n"),
            ("same", "x"),
        ]),
        before: &[
            ("edited", "1\n2\n3\n4\nfive\n"),
            ("old/news", "1\n"),
            ("same", "x"),
        ],
        after: &[
            ("new/edited", "one\n2\n3\n4\n5\n"),
            ("new/news", "2\n"),
            ("new/same", "x"),
            ("prodify.toml", "y"),
        ],
        originals: &[],
        renames: &[
            ("edited", "new/edited"),
            ("old/news", "new/news"),
            ("same", "new/same"),
        ],
    },
];

impl Change {
    /// Sets up the initial state of a directory.
    fn prepare(&self, root: &Path) {
        for (path, text) in self.before {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    /// Carries out the plan on the current state.
    fn apply(&self, root: &Path, watch: &apply::Watch<'_>) -> anyhow::Result<()> {
        let ours: Vec<(String, String)> = contents(root)
            .into_iter()
            .filter(|(path, _)| root.join(path).is_file())
            .collect();
        let known: Vec<(&str, &str)> = ours
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .filter(|(path, _)| !path.contains(".orig") && !path.contains(".prodify"))
            .collect();
        let to: Vec<[RelPath; 1]> = self
            .renames
            .iter()
            .map(|(_, to)| [RelPath::new(*to).unwrap()])
            .collect();
        let renames = self.renames.iter().zip(&to);
        let renames: Vec<Rename<'_>> = renames
            .map(|((from, _), to)| Rename {
                component: "c",
                from,
                to,
            })
            .collect();
        let base = tree(self.base.unwrap_or(self.before));
        let (ours, theirs) = (disk(&known), tree(self.after));
        let plan = Trees::follow(base, ours, theirs, &Moved::new(), &renames).plan();
        let originals = self
            .originals
            .iter()
            .map(|path| RelPath::new(*path).unwrap());
        apply::apply_watched(root, &plan, &originals.collect::<Vec<_>>(), watch)
    }

    /// Applies the plan without any failure; returns the number of operations, and the resulting files.
    fn apply_undisturbed(&self) -> (usize, Vec<(String, String)>) {
        let dir = tempdir().unwrap();
        let root = dir.path().join("x");
        self.prepare(&root);
        let operations = AtomicUsize::new(0);
        let count = |_: &Path| {
            operations.fetch_add(1, Ordering::Relaxed);
            Ok(())
        };
        self.apply(&root, &count).unwrap();
        assert!(!root.join("gone").exists() && !root.join(".prodify").exists());
        (operations.into_inner(), files(&root))
    }
}

/// The files in a directory, without empty directories, which do no harm.
fn files(root: &Path) -> Vec<(String, String)> {
    let mut all = contents(root);
    all.retain(|(path, _)| root.join(path).is_file());
    all
}

/// Lets `number` operations pass; `action` takes the place of the next one.
fn at_operation(
    number: usize,
    action: impl Fn() -> io::Result<()> + Sync,
) -> impl Fn(&Path) -> io::Result<()> + Sync {
    let passed = AtomicUsize::new(0);
    move |_| match passed.fetch_add(1, Ordering::Relaxed) {
        now if now == number => action(),
        _ => Ok(()),
    }
}

#[test]
fn failure_at_any_operation_is_rolled_back() {
    for change in &CHANGES {
        let (operations, complete) = change.apply_undisturbed();
        assert!(operations > 8, "{operations}");
        for number in 0..operations {
            let dir = tempdir().unwrap();
            let root = dir.path().join("x");
            change.prepare(&root);
            let before = (contents(dir.path()), contents(&root));
            let fail = at_operation(number, || Err(io::Error::other("the disk is tired")));
            match change.apply(&root, &fail) {
                Err(error) => {
                    assert!(
                        format!("{error:#}").contains("the disk is tired"),
                        "{error:#}"
                    );
                    assert_eq!((contents(dir.path()), contents(&root)), before, "{number}");
                }
                // Only clean-up operations may fail silently.
                Ok(()) => {
                    let mut left = files(&root);
                    left.retain(|(path, _)| !path.starts_with(".prodify"));
                    assert_eq!(left, complete, "{number}");
                }
            }
            change.apply(&root, &|_| Ok(())).unwrap();
            assert_eq!(files(&root), complete, "{number}");
        }
    }
}

/// The process that [`run_killed_at_any_operation_leaves_complete_files`] starts and kills.
#[test]
#[ignore = "started by another test"]
fn child_process_that_is_killed() {
    let (Some(root), Some(number)) = (env::var_os("ROOT"), env::var_os("OPERATION")) else {
        panic!("this is no test by itself");
    };
    let number: usize = number.to_str().unwrap().parse().unwrap();
    let (change, number) = (&CHANGES[number % CHANGES.len()], number / CHANGES.len());
    let kill = at_operation(number, || {
        let own = std::process::id().to_string();
        Command::new("kill").args(["-9", &own]).status().unwrap();
        // The signal is on its way.
        loop {
            std::thread::yield_now();
        }
    });
    change.apply(Path::new(&root), &kill).unwrap();
}

#[cfg(unix)]
#[test]
fn run_killed_at_any_operation_leaves_complete_files() {
    use std::os::unix::process::ExitStatusExt as _;
    for (index, change) in CHANGES.iter().enumerate() {
        let (operations, complete) = change.apply_undisturbed();
        for number in 0..operations {
            let dir = tempdir().unwrap();
            let root = dir.path().join("x");
            change.prepare(&root);
            let old = contents(&root);
            let killed = Command::new(env::current_exe().unwrap())
                .args([
                    "--exact",
                    "faults::child_process_that_is_killed",
                    "--ignored",
                    "--quiet",
                ])
                .env("ROOT", &root)
                .env("OPERATION", (number * CHANGES.len() + index).to_string())
                .output()
                .unwrap();
            assert_eq!(
                killed.status.signal(),
                Some(9),
                "{number}: {}",
                stderr(&killed)
            );
            for (path, bytes) in contents(&root) {
                let staged = path.starts_with(".prodify");
                let is =
                    |state: &[(String, String)]| state.contains(&(path.clone(), bytes.clone()));
                let is_dir = root.join(&path).is_dir();
                assert!(
                    staged || is_dir || is(&old) || is(&complete),
                    "{number}: {path} is neither"
                );
            }
            change.apply(&root, &|_| Ok(())).unwrap();
            assert_eq!(files(&root), complete, "{number}");
        }
    }
}

/// A file system that is full, and one that is read-only, if they can be created, which requires root. For other users, tests
/// below use a limit on the size of a file, and a directory without permissions.
#[cfg(target_os = "linux")]
#[test]
fn full_or_read_only_file_system_is_unchanged() {
    let cases = [
        ("size=64k", "large: No space left on device"),
        ("remount,ro", "Read-only file system"),
    ];
    for (options, message) in cases {
        let dir = tempdir().unwrap();
        let place = dir.path().to_str().unwrap();
        let mount = |options: &str| {
            let mut mount = Command::new("mount");
            mount.args(["-t", "tmpfs", "-o", options, "tmpfs", place]);
            mount.output().is_ok_and(|mounted| mounted.status.success())
        };
        if !mount("size=64k") {
            return;
        }
        let root = dir.path().join("x");
        CHANGES[0].prepare(&root);
        let before = contents(dir.path());
        assert!(options == "size=64k" || mount(options), "{options}");
        let large = "x".repeat(100_000);
        let files = [("a", "one"), ("large", large.as_str())];
        let result = apply(&root, &plan_for(&[("a", "1")], &[("a", "1")], &files), &[]);
        let after = contents(dir.path());
        let unmounted = Command::new("umount").arg(place).status().unwrap();
        assert!(unmounted.success());
        let error = format!("{:#}", result.unwrap_err());
        assert!(error.contains(message), "{error}");
        assert_eq!(after, before);
    }
}

/// A directory in the way of each file in turn makes putting it in place fail, after everything before it was done.
#[test]
fn failure_at_any_file_is_rolled_back() {
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
fn symlink_out_of_the_project_is_not_followed() {
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
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("symbolic link"),
        "{}",
        stderr(&output)
    );
    let output = prodify(dir.path(), &[&arguments[..], &["--keep"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));

    // Nor is the target of a link named like the staging directory removed.
    fs::create_dir_all(outside.path().join("staging")).unwrap();
    fs::remove_dir_all(dir.path().join(".prodify")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join(".prodify")).unwrap();
    let error = apply(dir.path(), &plan_for(&[], &[], &[("b", "x")]), &[]).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
    assert_eq!(listing(outside.path()), ["staging"]);
}

/// A limit on the size of a file makes a write fail in the middle, like a full disk.
#[cfg(unix)]
#[test]
fn full_disk_leaves_nothing_behind() {
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
        assert_eq!(output.status.code(), Some(101), "{}", stderr(&output));
        assert!(
            stderr(&output).contains("writing ") && stderr(&output).contains("orders"),
            "{}",
            stderr(&output)
        );
        assert_eq!(listing(dir.path()), before);
    }
}

#[cfg(unix)]
#[test]
fn unwritable_directory_is_reported() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    // Permissions do not apply to root, for whom there is nothing to test here.
    if fs::create_dir(dir.path().join("probe")).is_ok() {
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        return;
    }
    let output = prodify(dir.path(), &["new", "orders", "-y"]);
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(output.status.code(), Some(101), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("creating the directory"),
        "{}",
        stderr(&output)
    );
}

/// A run that is killed at any moment leaves whole files, and repeating it gives the same result as if it had not been killed.
#[test]
fn next_run_finishes_a_killed_run() {
    let complete = tempdir().unwrap();
    let done = prodify(complete.path(), &["new", "orders", "-y", "--vcs", "none"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
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
                        fs::read_to_string(complete.path().join("orders").join(&path))
                            .unwrap_or_default(),
                        "{path} is incomplete"
                    );
                }
            }
            let again = prodify(dir.path(), &["new", "orders", "-y", "--vcs", "none"]);
            assert_eq!(again.status.code(), Some(0), "{}", stderr(&again));
            assert_eq!(contents(dir.path()), contents(complete.path()));
        }
    }
}

/// A project whose answers have another port than the one that was written.
fn project_with_changed_answers() -> TempDir {
    let dir = tempdir().unwrap();
    let done = prodify(dir.path(), &["new", "orders", "-y", "--vcs", "none"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let answers = dir.path().join("orders/prodify.toml");
    let text = fs::read_to_string(&answers).unwrap();
    fs::write(&answers, text.replace("port = 8080", "port = 9000")).unwrap();
    dir
}

#[test]
#[cfg(unix)]
fn locked_project_is_left_alone() {
    let dir = project_with_changed_answers();
    let root = &dir.path().join("orders");
    let before = contents(root);
    let lock = Lock::acquire(root).unwrap();
    for verb in ["update", "add auth -y", "remove docker", "eject docker"] {
        let words: Vec<&str> = verb.split(' ').collect();
        let refused = prodify(root, &words);
        assert_eq!(refused.status.code(), Some(101), "{}", stderr(&refused));
        let message = "orders: try again when it has finished";
        assert!(
            stderr(&refused).contains("another cargo prodify is running in")
                && stderr(&refused).contains(message),
            "{}",
            stderr(&refused)
        );
        assert!(contents(root) == before, "{verb}");
    }
    let refused = prodify(dir.path(), &["new", "orders", "-y"]);
    assert_eq!(refused.status.code(), Some(101), "{}", stderr(&refused));
    // A run that only reads needs no lock.
    for (verb, code) in [("check", 1), ("update --dry-run", 0), ("inspect", 0)] {
        let words: Vec<&str> = verb.split(' ').collect();
        let output = prodify(root, &words);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
    }
    drop(lock);
    let done = prodify(root, &["update"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
}

#[test]
#[cfg(unix)]
fn concurrent_updates_give_the_same_result() {
    let dir = project_with_changed_answers();
    let root = &dir.path().join("orders");
    let before = contents(root);
    let done = prodify(root, &["update"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let after = contents(root);
    for _ in 0..10 {
        for (path, text) in &before {
            let place = root.join(path);
            if place.is_file() {
                fs::write(place, text).unwrap();
            }
        }
        let runs = [(); 3].map(|()| {
            let mut run = command(root, &["update"]);
            run.stderr(Stdio::piped()).spawn().unwrap()
        });
        for run in runs {
            let output = run.wait_with_output().unwrap();
            let is_refused = stderr(&output).contains("another cargo prodify is running");
            let code = output.status.code();
            assert!(
                code == Some(0) || code == Some(101) && is_refused,
                "{}",
                stderr(&output)
            );
        }
        assert!(contents(root) == after);
    }
}

#[test]
#[cfg(unix)]
fn concurrently_created_projects_are_complete() {
    let complete = tempdir().unwrap();
    let done = prodify(complete.path(), &["new", "orders", "-y", "--vcs", "none"]);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    let dir = tempdir().unwrap();
    let runs = ["orders", "orders", "bills", "stock"].map(|name| {
        let mut run = command(dir.path(), &["new", name, "-y", "--vcs", "none"]);
        (name, run.stderr(Stdio::piped()).spawn().unwrap())
    });
    for (name, run) in runs {
        let output = run.wait_with_output().unwrap();
        let is_done = output.status.code() == Some(0);
        assert!(is_done || name == "orders", "{name}: {}", stderr(&output));
    }
    assert!(contents(&complete.path().join("orders")) == contents(&dir.path().join("orders")));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
}
