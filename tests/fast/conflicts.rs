//! What happens when something is at a path that is to be written.

use std::fs;
use std::process::Command;

use crate::existing::{MANIFEST, assert_contains, run, shop};
use crate::support::{contents, git};

/// A manifest of a program that keeps running, for which there is an image.
fn worker_manifest() -> String {
    format!("{MANIFEST}\n[package.metadata.prodify]\nkind = \"worker\"\n")
}

#[test]
fn existing_module_in_another_file_is_a_conflict() {
    let dir = shop(&worker_manifest());
    let at = |path: &str| dir.path().join(path);
    fs::create_dir_all(at("src/config")).unwrap();
    fs::write(at("src/config/mod.rs"), "// mine\n").unwrap();
    let before = contents(dir.path());
    let conflict = "conflict src/config.rs (its module already exists, in a `mod.rs`)";
    for line in ["add config -y", "add config -y --overwrite"] {
        let stderr = run(dir.path(), line, 3);
        assert_contains(
            &stderr,
            &[
                conflict,
                "What is in the way of `src/config.rs` is never replaced: move it, or pass --keep to leave it as it is.",
            ],
        );
        assert!(!stderr.contains("--overwrite to replace"), "{stderr}");
        assert_eq!(contents(dir.path()), before);
    }
    run(dir.path(), "add config -y --keep", 0);
    assert!(!at("src/config.rs").exists() && at("src/config/settings.rs").exists());

    // A module that was written and then moved is not written a second time.
    let dir = shop(&worker_manifest());
    let at = |path: &str| dir.path().join(path);
    run(dir.path(), "add config -y", 0);
    fs::rename(at("src/config.rs"), at("src/config/mod.rs")).unwrap();
    assert_contains(&run(dir.path(), "check", 0), &["is up to date"]);
    run(dir.path(), "update --allow-dirty", 0);
    assert!(!at("src/config.rs").exists());
}

#[test]
fn overwriting_directories_and_binary_files_is_not_offered() {
    let dir = shop(&worker_manifest());
    let at = |path: &str| dir.path().join(path);
    fs::create_dir(at("Dockerfile")).unwrap();
    fs::write(at(".dockerignore"), [0xff]).unwrap();
    let stuck = "What is in the way of `.dockerignore`, `Dockerfile` is never replaced";
    for line in ["add docker -y", "add docker -y --overwrite"] {
        let stderr = run(dir.path(), line, 3);
        assert_contains(&stderr, &["conflict Dockerfile (is a directory)", stuck]);
        assert!(!stderr.contains("--overwrite to replace"), "{stderr}");
    }
    // Files that can be replaced are listed as such.
    fs::write(at(".dockerignore"), "mine\n").unwrap();
    let stderr = run(dir.path(), "add docker -y", 3);
    assert_contains(
        &stderr,
        &[
            "or --overwrite to replace them",
            "in the way of `Dockerfile` is never",
        ],
    );
    run(dir.path(), "add docker -y --keep", 0);
    assert!(at("Dockerfile").is_dir());
}

#[test]
fn remove_says_how_to_restore_replaced_files() {
    let dir = shop(&worker_manifest());
    let at = |path: &str| dir.path().join(path);
    fs::write(at("Dockerfile"), "FROM mine\n").unwrap();
    git(dir.path(), &["add", "Dockerfile"]);
    git(dir.path(), &["commit", "-qm", "y"]);
    fs::write(at(".dockerignore"), "mine\n").unwrap();
    let before = contents(dir.path());
    run(dir.path(), "add docker -y --overwrite", 0);
    let removed = run(dir.path(), "remove docker", 0);
    let ways_back = [
        "mv .dockerignore.orig .dockerignore",
        "git restore --source HEAD -- Dockerfile",
    ];
    assert_contains(
        &removed,
        &["delete Dockerfile", "restore what was there before"],
    );
    assert_contains(&removed, &ways_back);
    for command in ways_back {
        let words: Vec<&str> = command.split(' ').collect();
        let mut shell = Command::new(words[0]);
        assert!(
            shell
                .args(&words[1..])
                .current_dir(dir.path())
                .status()
                .unwrap()
                .success()
        );
    }
    assert_eq!(contents(dir.path()), before);

    // If that was committed, an earlier commit has the file; where there was none, nothing needs to be restored.
    fs::remove_file(at(".dockerignore")).unwrap();
    run(dir.path(), "add docker -y --overwrite", 0);
    let save = |message| {
        git(dir.path(), &["add", "--all"]);
        git(dir.path(), &["commit", "-qm", message]);
    };
    save("z");
    let commit = git(dir.path(), &["rev-parse", "--short", "HEAD"]);
    run(dir.path(), "add release-profile -y", 0);
    save("zz");
    let removed = run(dir.path(), "remove docker", 0);
    let way_back = format!("git restore --source {}~ -- Dockerfile  #", commit.trim());
    assert_contains(&removed, &[&way_back]);
    save("zzz");
    run(dir.path(), "add docker -y", 0);
    save("zzzz");
    let removed = run(dir.path(), "remove docker", 0);
    assert!(!removed.contains("Next:"), "{removed}");
}

#[test]
fn remove_offers_no_restore_of_a_moved_file() {
    for is_committed in [false, true] {
        let dir = shop(&worker_manifest());
        let save = || {
            git(dir.path(), &["add", "--all"]);
            git(dir.path(), &["commit", "-qm", "y"]);
        };
        run(dir.path(), "add docker -y", 0);
        save();
        fs::create_dir(dir.path().join("deploy")).unwrap();
        git(dir.path(), &["mv", "Dockerfile", "deploy"]);
        save();
        // A change to it, so that it is searched for.
        let answers = fs::read_to_string(dir.path().join("prodify.toml")).unwrap();
        let answers = answers.replace("\"distroless\"", "\"debian\"");
        fs::write(dir.path().join("prodify.toml"), answers).unwrap();
        assert_contains(
            &run(dir.path(), "update", 0),
            &["Dockerfile was moved to deploy/Dockerfile"],
        );
        if is_committed {
            save();
        }
        let removed = run(dir.path(), "remove docker", 0);
        assert_contains(&removed, &["delete deploy/Dockerfile"]);
        assert!(!removed.contains("git restore"), "{removed}");
    }
}
