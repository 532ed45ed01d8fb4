//! Wherever a crate is, and whatever its state: `add` does the right thing there, or reports what is wrong.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::{TempDir, tempdir};

use crate::support::{command, contents, git, listing, prodify, stderr};

const PACKAGE: &str = "[package]\nname = \"NAME\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";

fn write(root: &Path, path: &str, text: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn package(root: &Path, directory: &str, name: &str) {
    write(
        root,
        &format!("{directory}/Cargo.toml"),
        PACKAGE.replace("NAME", name),
    );
    write(root, &format!("{directory}/src/lib.rs"), "");
}

/// A workspace of two packages, without a package in its root.
fn workspace() -> TempDir {
    let dir = tempdir().unwrap();
    let root = dir.path();
    write(
        root,
        "shop/Cargo.toml",
        "[workspace]\nresolver = \"2\"\nmembers = [\"crates/*\"]\n",
    );
    package(root, "shop/crates/api", "api");
    package(root, "shop/crates/worker", "worker");
    dir
}

/// A package in a git repository, committed.
fn committed_package() -> TempDir {
    let dir = tempdir().unwrap();
    package(dir.path(), ".", "shop");
    git(dir.path(), &["init", "-q"]);
    git(dir.path(), &["add", "--all"]);
    git(dir.path(), &["commit", "-qm", "x"]);
    dir
}

/// Runs the program, checks its exit code and its message, and returns its output.
#[track_caller]
fn run(directory: &Path, line: &str, code: i32, message: &str) -> String {
    let arguments: Vec<&str> = line.split_whitespace().collect();
    let output = prodify(directory, &arguments);
    let stderr = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{line}: {stderr}");
    assert!(
        stderr.contains(message),
        "{line}: {message} is missing in\n{stderr}"
    );
    stderr
}

#[test]
fn profiles_go_to_the_workspace_root_from_any_directory() {
    let dir = workspace();
    let root = dir.path().join("shop");
    let before = contents(&root);
    let places = [
        (".", "add release-profile -y", "Finished shop in .:"),
        (
            "crates/api/src",
            "add release-profile -y",
            "Finished shop in ../../..:",
        ),
        (
            "crates",
            "add release-profile -y -p worker",
            "Finished shop in ..:",
        ),
        (
            "..",
            "add release-profile -y --manifest-path shop/Cargo.toml",
            "Finished shop in shop:",
        ),
        (
            "..",
            "add release-profile -y --manifest-path shop/crates/api/Cargo.toml",
            "Finished shop in shop:",
        ),
    ];
    for (place, line, message) in places {
        run(&root.join(place), line, 0, message);
        let mut changed = contents(&root);
        changed.retain(|file| !before.contains(file));
        let changed: Vec<&str> = changed.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(
            changed,
            [
                ".prodify",
                ".prodify/base.txtar",
                "Cargo.toml",
                "prodify.toml"
            ],
            "{line}"
        );
        run(
            &root.join(place),
            &line.replace("add", "remove").replace(" -y", ""),
            0,
            "update Cargo.toml",
        );
        assert_eq!(contents(&root), before, "{line}");
    }
}

#[test]
fn rejects_unknown_crates_components_and_answers() {
    let dir = workspace();
    let root = dir.path().join("shop");
    write(dir.path(), "shop/notes.toml", "");
    let before = contents(dir.path());
    run(
        dir.path(),
        "add release-profile -y",
        2,
        "there is no Cargo.toml in ",
    );
    run(
        &root,
        "add release-profile -y -p wroker",
        2,
        "has no package `wroker`; did you mean `worker`?",
    );
    run(
        &root,
        "add release-profile -y --manifest-path notes.toml",
        2,
        "`--manifest-path notes.toml` is not a Cargo.toml: name that of a crate",
    );
    run(
        &root,
        "add release-profile -y --manifest-path crates/Cargo.toml",
        2,
        "`--manifest-path crates/Cargo.toml` does not exist: name the Cargo.toml of a crate",
    );
    run(
        &root,
        "add release-profile -y --manifest-path ../shop",
        2,
        "`--manifest-path ../shop` is a directory: name the Cargo.toml in it",
    );
    run(
        &root,
        "add relaese-profile -y",
        2,
        "did you mean `release-profile`?",
    );
    run(&root, "add", 2, "required arguments");
    run(
        &root,
        "add release-profile -y -d k8s.replicas=2",
        2,
        "answers for `k8s`, which is not selected",
    );
    run(
        &root,
        "add release-profile -y -d project.branch=main",
        2,
        "`--set project.branch=…` answers a question that none of the components asks",
    );
    run(
        &root,
        "remove release-profile",
        2,
        "`release-profile` is not in .: nothing was added there: it has no prodify.toml",
    );
    assert_eq!(contents(dir.path()), before);
    run(&root, "add release-profile -y", 0, "create prodify.toml");
    run(
        &root,
        "remove supply-chain",
        2,
        "`supply-chain` is not in .: its prodify.toml has release-profile",
    );
}

#[test]
fn workspace_in_a_directory_with_an_invalid_name_is_named_after_a_package() {
    let dir = workspace();
    fs::rename(dir.path().join("shop"), dir.path().join("2 shops")).unwrap();
    let root = dir.path().join("2 shops");
    run(
        &root,
        "add release-profile -y",
        2,
        "choose with --package the one to name the project after (`api`, `worker`)",
    );
    run(
        &root,
        "add release-profile -y -p worker",
        0,
        "Finished worker in .",
    );
}

#[test]
fn repository_component_is_refused_below_the_root() {
    let dir = workspace();
    git(dir.path(), &["init", "-q"]);
    let root = dir.path().join("shop");
    let stderr = run(
        &root,
        "add supply-chain -y",
        2,
        "`supply-chain` belongs in the root directory of a repository",
    );
    assert!(stderr.contains("and . is below it"), "{stderr}");
    assert!(!root.join("prodify.toml").exists());
    run(&root, "add release-profile -y", 0, "update Cargo.toml");
}

#[test]
fn worktree_and_submodule_count_as_repositories() {
    let dir = committed_package();
    let other = tempdir().unwrap();
    let tree = other.path().join("tree");
    git(
        dir.path(),
        &["worktree", "add", "-q", tree.to_str().unwrap()],
    );
    fs::write(tree.join("SECURITY.md"), "committed\n").unwrap();
    git(&tree, &["add", "--all"]);
    git(&tree, &["commit", "-qm", "y"]);
    run(
        &tree,
        "add supply-chain -y --overwrite",
        0,
        "create .github/dependabot.yml",
    );
    assert!(!tree.join("SECURITY.md.orig").exists());
    assert_eq!(git(dir.path(), &["status", "--porcelain"]), "");

    let outer = tempdir().unwrap();
    git(outer.path(), &["init", "-q"]);
    let source = dir.path().to_str().unwrap();
    git(
        outer.path(),
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "--quiet",
            "add",
            source,
            "inner",
        ],
    );
    run(
        &outer.path().join("inner"),
        "add supply-chain -y",
        0,
        "Finished shop in .",
    );
    assert_eq!(
        listing(outer.path())
            .iter()
            .filter(|path| path.ends_with("deny.toml"))
            .count(),
        1
    );
}

#[test]
fn invalid_manifest_is_reported_with_cargos_reason() {
    let cases = [
        ("[package\n", "loading ", "[package\n"),
        (
            "[package]\nname = \"x\"\nversion = \"0.1.0\"\nedition = \"2099\"\n",
            "Cargo.toml",
            "2099",
        ),
        (
            "[package]\nname = \"x y\"\nversion = \"0.1.0\"\n",
            "Cargo.toml",
            "invalid character",
        ),
        (
            "",
            "Cargo.toml",
            "manifest is missing either a `[package]` or a `[workspace]`",
        ),
    ];
    for (manifest, place, reason) in cases {
        let dir = tempdir().unwrap();
        write(dir.path(), "Cargo.toml", manifest);
        write(dir.path(), "src/lib.rs", "");
        let before = contents(dir.path());
        let stderr = run(dir.path(), "add release-profile -y", 101, place);
        assert!(stderr.contains(reason), "{reason} is missing in\n{stderr}");
        assert!(!stderr.contains("cargo metadata"), "{stderr}");
        assert_eq!(contents(dir.path()), before);
    }
}

#[test]
fn damaged_record_is_reported() {
    let dir = committed_package();
    run(dir.path(), "add release-profile -y", 0, "");
    let [answers, base] = ["prodify.toml", ".prodify/base.txtar"].map(|path| dir.path().join(path));
    let (old_answers, old_base) = (fs::read(&answers).unwrap(), fs::read(&base).unwrap());
    let line = "add supply-chain -y";
    fs::remove_file(&base).unwrap();
    run(
        dir.path(),
        line,
        101,
        "base.txtar is missing, without which prodify.toml is incomplete: restore it",
    );
    fs::write(&base, "mine\n").unwrap();
    run(
        dir.path(),
        line,
        101,
        "base.txtar, which was edited: restore it from version control",
    );
    fs::write(&base, &old_base).unwrap();
    fs::remove_file(&answers).unwrap();
    run(dir.path(), line, 101, "prodify.toml is missing");
    fs::write(&answers, "format = 99\n").unwrap();
    run(
        dir.path(),
        line,
        2,
        "from a newer cargo prodify than this one",
    );
    fs::write(&answers, "[release-profile]\nspeed = 1\n").unwrap();
    run(
        dir.path(),
        line,
        2,
        "in prodify.toml: there is no question `release-profile.speed`",
    );
    fs::write(&answers, &old_answers).unwrap();
    run(dir.path(), line, 0, "Finished shop");
}

#[test]
fn comments_in_prodify_toml_are_kept() {
    let dir = committed_package();
    run(dir.path(), "add release-profile -y", 0, "");
    let answers = dir.path().join("prodify.toml");
    let text = fs::read_to_string(&answers).unwrap();
    let edited = text.replace("[project]\n", "# Ours, since June.\n[project] # mine\n");
    fs::write(&answers, &edited).unwrap();
    run(dir.path(), "add supply-chain -y", 0, "update prodify.toml");
    run(dir.path(), "remove supply-chain", 0, "update prodify.toml");
    assert_eq!(fs::read_to_string(&answers).unwrap(), edited);
}

#[test]
fn line_endings_and_byte_order_mark_are_kept() {
    let dir = tempdir().unwrap();
    let manifest = format!("\u{feff}{}", PACKAGE.replace("NAME", "shop")).replace('\n', "\r\n");
    write(dir.path(), "Cargo.toml", &manifest);
    write(dir.path(), "src/lib.rs", "");
    write(dir.path(), "src/latin.rs", b"// \xe4\n");
    write(dir.path(), "latin.txt", b"\xe4");
    let before = contents(dir.path());
    run(dir.path(), "add release-profile -y", 0, "update Cargo.toml");
    let text = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
    assert!(
        text.starts_with(&manifest) && text.contains("\r\n[profile.release]\r\n"),
        "{text:?}"
    );
    assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
    run(dir.path(), "remove release-profile", 0, "");
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn paths_that_differ_only_in_case_conflict() {
    let dir = committed_package();
    write(dir.path(), "Security.md", "mine\n");
    write(dir.path(), ".GitHub/x", "mine\n");
    let before = contents(dir.path());
    let stderr = run(dir.path(), "add supply-chain -y", 3, "conflict SECURITY.md");
    assert!(
        stderr.contains("conflict .github/dependabot.yml"),
        "{stderr}"
    );
    assert_eq!(contents(dir.path()), before);
    run(
        dir.path(),
        "add supply-chain -y --keep",
        0,
        "create deny.toml",
    );
    assert!(!dir.path().join("SECURITY.md").exists() && !dir.path().join(".github").exists());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn symlink_is_not_written_through() {
        let (dir, outside) = (committed_package(), tempdir().unwrap());
        let manifest = dir.path().join("Cargo.toml");
        fs::rename(&manifest, outside.path().join("Cargo.toml")).unwrap();
        symlink(outside.path().join("Cargo.toml"), &manifest).unwrap();
        let before = contents(outside.path());
        run(
            dir.path(),
            "add release-profile -y",
            101,
            "Cargo.toml is a symbolic link: put a text file there",
        );
        symlink(outside.path(), dir.path().join(".github")).unwrap();
        run(
            dir.path(),
            "add supply-chain -y",
            3,
            "conflict .github/dependabot.yml (would be behind a symbolic link)",
        );
        assert_eq!(contents(outside.path()), before);
        assert!(!dir.path().join("prodify.toml").exists());

        // A link to the crate itself is the crate.
        let here = committed_package();
        symlink(here.path(), outside.path().join("crate")).unwrap();
        run(
            &outside.path().join("crate"),
            "add release-profile -y",
            0,
            "Finished shop in .",
        );
        let line = "remove release-profile --manifest-path crate/Cargo.toml";
        run(outside.path(), line, 0, "update Cargo.toml");
        assert_eq!(git(here.path(), &["status", "--porcelain"]), "");
    }

    #[test]
    fn read_only_file_is_not_replaced() {
        let dir = committed_package();
        let manifest = dir.path().join("Cargo.toml");
        let before = contents(dir.path());
        fs::set_permissions(&manifest, fs::Permissions::from_mode(0o444)).unwrap();
        run(
            dir.path(),
            "add release-profile -y",
            101,
            "Cargo.toml is read-only: make it writable first",
        );
        assert_eq!(contents(dir.path()), before);
        // One that is only read may be.
        run(dir.path(), "add supply-chain -y", 0, "create deny.toml");
        // And its mode is kept when it is changed.
        fs::set_permissions(&manifest, fs::Permissions::from_mode(0o640)).unwrap();
        run(dir.path(), "add release-profile -y", 0, "update Cargo.toml");
        assert_eq!(
            fs::metadata(&manifest).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }

    /// A name that is not UTF-8 does not matter here.
    #[cfg(target_os = "linux")]
    #[test]
    fn file_with_a_non_utf8_name_is_left_alone() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt as _;
        let dir = committed_package();
        let odd = dir.path().join(OsStr::from_bytes(b"src/\xff.rs"));
        fs::write(&odd, b"\xff catch_unwind").unwrap();
        write(
            dir.path(),
            "Cargo.toml",
            format!(
                "{}[profile.release]\npanic = \"abort\"\n",
                PACKAGE.replace("NAME", "shop")
            ),
        );
        run(
            dir.path(),
            "add release-profile supply-chain -y",
            0,
            "Finished",
        );
        run(
            dir.path(),
            "remove release-profile supply-chain",
            0,
            "Finished",
        );
        assert_eq!(fs::read(&odd).unwrap(), b"\xff catch_unwind");
    }
    /// A database's data beside the code may be unreadable; here its path is too long, so that it is for every user.
    #[cfg(target_os = "linux")]
    #[test]
    fn unreadable_directory_does_not_stop_a_run() {
        let dir = tempdir().unwrap();
        package(dir.path(), ".", "shop");
        write(dir.path(), "src/main.rs", "fn main() {}\n");
        let half = vec!["d".repeat(200); 12].join("/");
        for place in ["data", "more"] {
            fs::create_dir_all(dir.path().join(place).join(&half)).unwrap();
        }
        let deepest = dir.path().join("data").join(&half).join("more");
        fs::rename(dir.path().join("more"), deepest).unwrap();
        run(dir.path(), "add release-profile docker -y", 0, "Finished");
        run(dir.path(), "check", 0, "Finished");
        let quiet = run(dir.path(), "update", 0, "Finished");
        assert!(!quiet.contains("cannot be read"), "{quiet}");
        // A missing file is searched for everywhere, and directories that cannot be searched are reported.
        fs::remove_file(dir.path().join("Dockerfile")).unwrap();
        let answers = dir.path().join("prodify.toml");
        let text = fs::read_to_string(&answers).unwrap();
        fs::write(&answers, text.replace("\"distroless\"", "\"debian\"")).unwrap();
        let note = "not searched, since it cannot be read: `data/ddd";
        run(dir.path(), "update", 0, note);
    }
}

/// As long as a crate's manifest can be loaded, its dependencies do not matter: not even whether they exist.
#[test]
fn add_needs_neither_a_lock_file_nor_the_network() {
    let dir = tempdir().unwrap();
    package(dir.path(), ".", "shop");
    let manifest = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
    let missing = "[dependencies]\nno-such-crate-anywhere = \"99\"\ngone = { path = \"../gone\", version = \"1\" }\n";
    fs::write(
        dir.path().join("Cargo.toml"),
        format!("{manifest}{missing}"),
    )
    .unwrap();
    let output = command(dir.path(), &["add", "release-profile", "-y"])
        .env("CARGO", env!("CARGO"))
        .env("CARGO_NET_OFFLINE", "true")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(!dir.path().join("Cargo.lock").exists());
    // It is the cargo that runs the program, not another one.
    let output = command(dir.path(), &["add", "release-profile", "-y"])
        .env("CARGO", "/no/cargo")
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(101), "{}", stderr(&output));
    assert!(
        Command::new(env!("CARGO"))
            .arg("--version")
            .output()
            .unwrap()
            .status
            .success()
    );
}

/// A project that `new` created in a workspace has its own record, in the package.
#[test]
fn member_created_by_new_has_its_own_record() {
    let dir = workspace();
    let root = dir.path().join("shop");
    write(
        &root,
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"crates/*\"]\n[workspace.package]\nlicense = \"MIT\"\n[workspace.lints.rust]\n",
    );
    run(
        &root,
        "new crates/orders -y --preset minimal",
        0,
        "Finished orders in crates/orders",
    );
    let before = contents(&root);
    let member = root.join("crates/orders");
    run(&member, "add redis -y", 0, "Finished orders in .:");
    let manifest = fs::read_to_string(member.join("Cargo.toml")).unwrap();
    assert!(
        manifest.contains("\nredis = ") && manifest.contains("license.workspace = true"),
        "{manifest}"
    );
    assert!(manifest.contains("[lints]\nworkspace = true"), "{manifest}");
    assert!(!root.join("prodify.toml").exists());
    run(
        &member,
        "remove redis postgres openapi",
        0,
        "delete src/cache.rs",
    );
    assert_eq!(contents(&root), before);

    run(
        &member,
        "add redis release-profile -y",
        2,
        "add or remove them one after the other",
    );
    run(
        &root,
        "add redis -y",
        2,
        "`redis` belongs to a package: choose one with --package (`api`, `orders`, `worker`)",
    );
    run(
        &root,
        "add redis -y -p api",
        2,
        "`redis` cannot be added to an existing crate: its code is written for",
    );
    run(
        &member,
        "add release-profile -y",
        0,
        "Finished shop in ../..:",
    );
    assert!(root.join("prodify.toml").exists());
}
