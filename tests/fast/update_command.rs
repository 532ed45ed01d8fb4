//! `update` and `check` as users see them: git, flags, errors, and output. The resulting files are tested in `update_cases`.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::existing::{MANIFEST, assert_contains, commit, run, shop};
use crate::support::{contents, git, json, listing, prodify, stderr};

/// A project created by `new`, committed.
fn orders() -> TempDir {
    let dir = tempdir().unwrap();
    run(dir.path(), "new orders -y --preset minimal --vcs none", 0);
    commit(&dir.path().join("orders"));
    dir
}

#[track_caller]
fn replace(root: &Path, path: &str, from: &str, to: &str) {
    let place = root.join(path);
    let text = fs::read_to_string(&place).unwrap();
    assert!(text.contains(from), "{path} has no {from}:\n{text}");
    fs::write(place, text.replace(from, to)).unwrap();
}

#[test]
fn update_applies_changed_answers() {
    let dir = orders();
    let root = &dir.path().join("orders");
    assert_contains(
        &run(root, "check", 0),
        &["Finished orders in . is up to date"],
    );
    assert_contains(
        &run(root, "update", 0),
        &["Finished orders in .: nothing to do"],
    );
    replace(
        root,
        "prodify.toml",
        "port = 8080",
        "port = 9000 # as agreed",
    );
    assert_contains(
        &run(root, "check", 1),
        &[
            "update Dockerfile",
            "Different orders in .: 3 files to update",
            "cargo prodify update  # apply these changes",
        ],
    );
    let check = prodify(root, &["check"]);
    let shown = String::from_utf8_lossy(&check.stdout);
    assert_contains(
        &shown,
        &["--- a/Dockerfile", "-EXPOSE 8080", "+EXPOSE 9000"],
    );
    assert!(!shown.contains("base.txtar"), "{shown}");

    // An uncommitted prodify.toml does not prevent it, and is left as it is.
    let before = contents(root);
    assert_contains(
        &run(root, "update --dry-run", 0),
        &[
            "Planned orders in .: 4 files updated",
            "nothing was written",
        ],
    );
    let diff = prodify(root, &["update", "--diff"]);
    assert_contains(&String::from_utf8_lossy(&diff.stdout), &["+EXPOSE 9000"]);
    assert_eq!(contents(root), before);
    assert_contains(
        &run(root, "update", 0),
        &["Finished orders in .: 4 files updated"],
    );
    let changed = git(root, &["diff", "--name-only"]);
    let expected =
        ".prodify/base.txtar\nDockerfile\nREADME.md\nconfig/default.toml\nprodify.toml\n";
    assert_eq!(changed, expected);
    let answers = fs::read_to_string(root.join("prodify.toml")).unwrap();
    assert_contains(&answers, &["port = 9000 # as agreed\n"]);
    run(root, "check", 0);
    assert_contains(&run(root, "update", 0), &["nothing to do"]);
    assert_contains(
        &run(root, "update -d service.port=9001 --allow-dirty", 0),
        &["update prodify.toml", "update Dockerfile"],
    );
    // A directory in the project works too, and it can be named from another one.
    run(&root.join("src"), "check", 0);
    run(dir.path(), "check --manifest-path orders/Cargo.toml", 0);
    replace(root, "prodify.toml", "9001", "9002");
    assert_contains(
        &run(
            dir.path(),
            "check --manifest-path orders/Cargo.toml -p orders",
            1,
        ),
        &["cargo prodify update --manifest-path orders/Cargo.toml --package orders  #"],
    );
}

#[test]
fn required_component_is_reported_as_added_again() {
    let dir = orders();
    let root = &dir.path().join("orders");
    run(root, "add compose -y", 0);
    commit(root);
    replace(root, "prodify.toml", "    \"docker\",\n", "");
    let note = "in prodify.toml: `docker` is added too, required by `compose`: to leave it out, remove that from `components` too";
    assert_contains(&run(root, "check", 1), &[note, "update prodify.toml"]);
    assert_contains(&run(root, "update", 0), &[note]);
    let stderr = run(root, "check", 0);
    assert!(!stderr.contains("is added too"), "{stderr}");
}

#[test]
fn required_components_are_reported_when_added_and_when_left() {
    let dir = orders();
    let root = &dir.path().join("orders");
    let stderr = run(root, "add redis -y", 0);
    assert_contains(
        &stderr,
        &["note: `postgres` is added too, required by `redis`"],
    );
    assert!(!stderr.contains("`redis` is added too"), "{stderr}");
    let stderr = run(root, "remove redis", 0);
    let note = "note: `openapi`, `postgres` stay, although nothing requires them any more: `cargo prodify remove openapi postgres` removes them too";
    assert_contains(&stderr, &[note]);
    run(root, "add redis -y", 0);
    let stderr = run(root, "remove redis postgres", 0);
    let note = "note: `openapi` stays, although nothing requires it any more: `cargo prodify remove openapi` removes it too";
    assert_contains(&stderr, &[note]);
    let stderr = run(root, "remove openapi", 0);
    assert!(!stderr.contains("any more"), "{stderr}");
}

#[test]
fn deleted_file_is_reported_once() {
    let dir = orders();
    let root = &dir.path().join("orders");
    git(root, &["mv", "config", "conf"]);
    fs::remove_file(root.join("Dockerfile")).unwrap();
    commit(root);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    let stderr = run(root, "update", 0);
    assert_contains(&stderr, &["skip Dockerfile (you deleted it)"]);
    assert!(!stderr.contains("production.toml"), "{stderr}");
    commit(root);
    let again = run(root, "update", 0);
    assert!(!again.contains("Dockerfile"), "{again}");
    let detailed = run(root, "update -v", 0);
    assert_contains(&detailed, &["skip Dockerfile (no longer exists)"]);
}

#[test]
fn empty_or_malformed_prodify_toml_is_rejected() {
    let dir = orders();
    let root = &dir.path().join("orders");
    fs::write(root.join("prodify.toml"), "").unwrap();
    let stderr = run(root, "check", 2);
    assert_contains(&stderr, &["prodify.toml lists no components"]);
    fs::write(root.join("prodify.toml"), "format = [\n").unwrap();
    let stderr = run(root, "check", 2);
    assert!(
        !stderr.contains("\n\n") && !stderr.ends_with("\n\n"),
        "{stderr}"
    );
}

#[test]
fn check_fails_until_conflict_markers_are_resolved() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "Dockerfile", "EXPOSE 8080", "EXPOSE 80");
    commit(root);
    run(root, "check", 0);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    assert_contains(
        &run(root, "update --dry-run", 3),
        &[
            "conflict Dockerfile",
            "Stopped 1 conflict in .; nothing was written",
            "--ours PATH",
        ],
    );
    assert_contains(
        &run(root, "update", 3),
        &[
            "conflict Dockerfile (your edit conflicts with the template's)",
            "Unresolved orders in .: 3 files updated",
            "1 with conflict markers",
            "Resolve the conflict markers",
        ],
    );
    let text = fs::read_to_string(root.join("Dockerfile")).unwrap();
    let marked = "<<<<<<< ours\nEXPOSE 80\n||||||| original\nEXPOSE 8080\n=======\nEXPOSE 9000\n>>>>>>> theirs\n";
    assert_contains(&text, &[marked]);
    let config = fs::read_to_string(root.join("config/default.toml")).unwrap();
    assert_contains(&config, &["port = 9000"]);

    commit(root);
    let red = run(root, "check", 1);
    assert_contains(
        &red,
        &["conflict Dockerfile (contains conflict markers: resolve them first)"],
    );
    assert!(!red.contains("Next:"), "{red}");
    let again = run(root, "update", 3);
    assert_contains(
        &again,
        &[
            "Unresolved",
            "1 in conflict",
            "Resolve the conflict markers",
        ],
    );
    // The next changes wait too, and are not lost.
    replace(root, "prodify.toml", "port = 9000", "port = 9001");
    assert_contains(&run(root, "update", 3), &["conflict Dockerfile (contains"]);
    replace(root, "Dockerfile", marked, "EXPOSE 9000\n");
    commit(root);
    assert_contains(
        &run(root, "update", 0),
        &["update Dockerfile", "2 files updated"],
    );
    let text = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert_contains(&text, &["EXPOSE 9001\n"]);
    run(root, "check", 0);
}

/// A project whose Dockerfile contains conflict markers of an update, uncommitted.
fn project_with_markers() -> TempDir {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "Dockerfile", "EXPOSE 8080", "EXPOSE 80");
    commit(root);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    assert_contains(
        &run(root, "update", 3),
        &["Or run `cargo prodify update --allow-dirty --ours PATH` to take your side"],
    );
    replace(root, "Dockerfile", "HEALTHCHECK", "# Mine.\nHEALTHCHECK");
    dir
}

#[test]
fn conflict_markers_can_be_resolved_for_either_side() {
    let sides = ["EXPOSE 80\n", "EXPOSE 9000\n"];
    for (flag, expected, other) in [("ours", sides[0], sides[1]), ("theirs", sides[1], sides[0])] {
        let dir = project_with_markers();
        let root = &dir.path().join("orders");
        let conflicted = fs::read_to_string(root.join("Dockerfile")).unwrap();
        run(
            root,
            &format!("update --allow-dirty --{flag} Dockerfile"),
            0,
        );
        let text = fs::read_to_string(root.join("Dockerfile")).unwrap();
        assert_contains(&text, &[expected, "# Mine.\n"]);
        assert!(!text.contains(other) && !text.contains("<<<<<<<"), "{text}");
        run(root, "check", 0);
        // An uncommitted version that the user gives up is kept.
        let original = fs::read_to_string(root.join("Dockerfile.orig")).ok();
        assert_eq!(original, (flag == "theirs").then_some(conflicted));
    }
}

#[test]
fn changes_to_a_marked_file_wait_until_it_is_resolved() {
    let dir = project_with_markers();
    let root = &dir.path().join("orders");
    replace(root, "prodify.toml", "port = 9000", "port = 9001");
    assert_contains(
        &run(root, "update --allow-dirty --theirs Dockerfile", 0),
        &[
            "update Dockerfile (has no conflict markers left; run `update` again to merge what is new)",
        ],
    );
    let text = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert_contains(&text, &["EXPOSE 9000\n", "# Mine.\n"]);
    assert_contains(
        &run(root, "check", 1),
        &["merge Dockerfile", "cargo prodify update  #"],
    );
    assert_contains(&run(root, "update --allow-dirty", 0), &["merge Dockerfile"]);
    let text = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert_contains(&text, &["EXPOSE 9001\n", "# Mine.\n"]);
}

#[test]
fn partly_removed_markers_are_detected() {
    let dir = project_with_markers();
    let root = &dir.path().join("orders");
    replace(root, "Dockerfile", "<<<<<<< ours\n", "");
    assert_contains(
        &run(root, "check", 1),
        &["conflict Dockerfile (contains conflict markers"],
    );
    assert_contains(
        &run(root, "update --allow-dirty --ours Dockerfile", 2),
        &["Dockerfile contains conflict markers that were edited: resolve what is left of them"],
    );
}

#[test]
fn conflicting_file_can_be_kept_as_the_advice_says() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(
        root,
        "prodify.toml",
        "\"docker\",",
        "\"docker\",\n    \"compose\",",
    );
    fs::write(root.join("compose.yaml"), "mine: true\n").unwrap();
    git(root, &["add", "--all"]);
    git(root, &["commit", "-qm", "y"]);
    let stderr = run(root, "update -y", 3);
    let advice = "To leave a file as it is, run `cargo prodify update --allow-dirty --ours PATH`; to replace it, use --theirs";
    assert_contains(&stderr, &["conflict compose.yaml", advice]);
    run(root, "update --allow-dirty --ours compose.yaml", 0);
    assert_eq!(
        fs::read_to_string(root.join("compose.yaml")).unwrap(),
        "mine: true\n"
    );
}

#[test]
fn update_refuses_uncommitted_changes() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    replace(root, "src/lib.rs", "//!", "//! Mine.");
    assert_contains(
        &run(root, "update", 2),
        &[
            "error: 1 file is not committed (src/lib.rs), and could not be told apart from the update: commit first, or pass --allow-dirty",
        ],
    );
    run(root, "update --dry-run", 0);
    git(root, &["checkout", "-q", "src/lib.rs"]);
    // Files that neither git tracks nor prodify wrote are not touched, and do not matter.
    fs::write(root.join("notes.txt"), "mine").unwrap();
    git(
        root,
        &[
            "rm",
            "-q",
            "--cached",
            "README.md",
            "Dockerfile",
            "deny.toml",
            "-r",
            "config",
            "--ignore-unmatch",
        ],
    );
    git(root, &["commit", "-qm", "y"]);
    assert_contains(
        &run(root, "update", 2),
        &["6 files are not committed (Dockerfile, README.md, config/default.toml and 3 more)"],
    );
    run(root, "update --allow-dirty", 0);
    run(root, "check", 0);
}

#[test]
fn update_refuses_to_write_if_git_fails() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    fs::write(root.join(".git/HEAD"), "broken").unwrap();
    let before = contents(root);
    assert_contains(
        &run(root, "update", 2),
        &[
            "error: git cannot tell what is uncommitted",
            "or pass --allow-dirty",
            "fatal: not a git repository",
        ],
    );
    assert!(contents(root) == before);
    run(root, "update --dry-run", 0);
    run(root, "update --allow-dirty", 0);
    // Without a repository, none is required.
    fs::remove_dir_all(root.join(".git")).unwrap();
    replace(root, "prodify.toml", "port = 9000", "port = 9001");
    run(root, "update", 0);
}

#[test]
fn killed_run_does_not_excuse_later_edits() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    fs::create_dir(root.join(".prodify/staging")).unwrap();
    replace(root, "Dockerfile", "FROM", "# Mine.\nFROM");
    let before = contents(root);
    assert_contains(
        &run(root, "update", 2),
        &["1 file is not committed (Dockerfile), and could not be told apart from the update"],
    );
    assert!(contents(root) == before);
    commit(root);
    replace(root, "src/lib.rs", "//!", "//! Mine.");
    run(root, "update", 0);
    run(root, "check", 0);
}

/// If `update` would not do something, these do not do it on the side either.
#[test]
fn add_and_remove_are_as_careful_as_update() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    replace(root, "Dockerfile", "FROM", "# Mine.\nFROM");
    let before = contents(root);
    for line in ["add docker release-profile -y", "remove release-profile"] {
        assert_contains(
            &run(root, line, 2),
            &["1 file is not committed (Dockerfile)", "--allow-dirty"],
        );
        assert!(contents(root) == before, "{line}");
        run(root, &format!("{line} --dry-run"), 0);
    }
    commit(root);
    // Uncommitted files that are not touched, or only created, do not matter.
    replace(root, "src/lib.rs", "//!", "//! Mine.");
    assert_contains(
        &run(root, "add supply-chain -y", 0),
        &["merge Dockerfile", "create deny.toml"],
    );

    let marked = "<<<<<<< ours\nmine\n=======\ntheirs\n>>>>>>> theirs\n# orders";
    replace(root, "README.md", "# orders", marked);
    commit(root);
    let before = fs::read_to_string(root.join("README.md")).unwrap();
    replace(root, "prodify.toml", "port = 9000", "port = 9001");
    assert_contains(
        &run(root, "remove supply-chain", 0),
        &["note: left unchanged, since only you can decide: `README.md`; `cargo prodify update`"],
    );
    assert_eq!(fs::read_to_string(root.join("README.md")).unwrap(), before);
    // Its changes are not lost.
    replace(root, "README.md", marked, "# orders");
    commit(root);
    assert_contains(&run(root, "update", 0), &["update README.md"]);
    run(root, "check", 0);
}

#[test]
fn conflict_of_another_component_does_not_prevent_removal() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "Dockerfile", "EXPOSE 8080", "EXPOSE 1234");
    run(root, "add supply-chain -y", 0);
    commit(root);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    let before = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert_contains(
        &run(root, "remove supply-chain", 0),
        &[
            "delete deny.toml",
            "left unchanged, since only you can decide: `Dockerfile`",
        ],
    );
    let after = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert_eq!(after, before);
    commit(root);
    assert_contains(
        &run(root, "update", 3),
        &["conflict Dockerfile (your edit conflicts with the template's)"],
    );
}

#[test]
fn unmerged_file_is_left_alone() {
    let dir = orders();
    let root = &dir.path().join("orders");
    git(root, &["switch", "-qc", "other"]);
    replace(root, "README.md", "# orders", "# Their orders");
    commit(root);
    git(root, &["switch", "-q", "main"]);
    replace(root, "README.md", "# orders", "# Our orders");
    commit(root);
    run(root, "check", 0);
    let merged = std::process::Command::new("git")
        .args(["merge", "-q", "other"])
        .current_dir(root)
        .output();
    assert!(!merged.unwrap().status.success());
    let before = fs::read_to_string(root.join("README.md")).unwrap();
    assert_contains(&before, &["<<<<<<< HEAD"]);
    let why = "conflict README.md (contains conflict markers: resolve them first)";
    assert_contains(&run(root, "check", 1), &[why]);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    assert_contains(&run(root, "update --allow-dirty", 3), &[why]);
    assert_eq!(fs::read_to_string(root.join("README.md")).unwrap(), before);
    git(root, &["checkout", "-q", "--ours", "README.md"]);
    run(root, "update --allow-dirty", 0);
    assert_contains(
        &fs::read_to_string(root.join("README.md")).unwrap(),
        &["# Our orders", ":9000/"],
    );
    // Unless git is in the middle of a merge, a text may be about git.
    replace(root, "README.md", "# Our orders", &before);
    commit(root);
    run(root, "check", 0);
}

#[test]
fn invalid_prodify_toml_and_flags_are_rejected() {
    let dir = orders();
    let root = &dir.path().join("orders");
    let refused = |from: &str, to: &str, code: i32, parts: &[&str]| {
        replace(root, "prodify.toml", from, to);
        let broken = contents(root);
        for line in ["check", "update --allow-dirty"] {
            assert_contains(&run(root, line, code), parts);
            assert_eq!(contents(root), broken, "{line} wrote something");
        }
        git(root, &["checkout", "-q", "."]);
    };
    refused(
        "\"docker\"",
        "\"dokcer\"",
        2,
        &["in prodify.toml: there is no component `dokcer`; did you mean `docker`?"],
    );
    refused(
        "port = 8080",
        "prot = 8080",
        2,
        &["in prodify.toml: there is no question `service.prot`; did you mean `service.port`?"],
    );
    refused(
        "port = 8080",
        "port = 80",
        2,
        &["in prodify.toml, `service.port` must be"],
    );
    refused(
        "format = 1",
        "format = 2",
        2,
        &["it has format 2, from a newer cargo prodify"],
    );
    refused(
        "prodify = \"0.",
        "prodify = \"1000.",
        2,
        &["was last written by cargo prodify 1000.1.0, and this is the older 0.1.0"],
    );
    for (name, why) in [
        (
            "\"../x\"",
            "`project.name` cannot be `../x`: it contains '.'",
        ),
        ("\"x; touch y\"", "cannot be `x; touch y`: it contains ';'"),
        ("\"\"", "`project.name` cannot be ``: it is empty"),
        (
            "\"fn\"",
            "`project.name` cannot be `fn`: it is a Rust keyword",
        ),
        ("\"Orders\"", "cannot be `Orders`: it contains 'O'"),
        ("1", "`project.name` must be text"),
    ] {
        let name = format!("name = {name}");
        refused("name = \"orders\"", &name, 2, &["prodify.toml", why]);
    }
    let answers = fs::read_to_string(root.join("prodify.toml")).unwrap();
    let (before_list, _) = answers.split_once("components = ").unwrap();
    let (list, _) = answers[before_list.len()..].split_once(']').unwrap();
    refused(
        list,
        "components = [\"release-profile\"",
        2,
        &["this would remove the package itself"],
    );
    for line in ["update --ours nothing.txt", "update --theirs src/lib.rs"] {
        assert_contains(
            &run(root, line, 2),
            &["there is no conflict in a file of that name"],
        );
    }
    assert_contains(
        &run(root, "update --format github", 2),
        &["`--format github` is only for `check`"],
    );
}

#[test]
fn missing_edited_or_symlinked_record_is_an_error() {
    let dir = orders();
    let root = &dir.path().join("orders");
    let before = contents(root);
    fs::remove_file(root.join(".prodify/base.txtar")).unwrap();
    assert_contains(
        &run(root, "check", 101),
        &[".prodify/base.txtar is missing, without which prodify.toml is incomplete"],
    );
    git(root, &["checkout", "-q", "."]);
    replace(
        root,
        ".prodify/base.txtar",
        "What cargo prodify",
        "What nobody",
    );
    assert_contains(
        &run(root, "update", 101),
        &["which was edited: restore it from version control"],
    );
    git(root, &["checkout", "-q", "."]);
    assert_eq!(contents(root), before);
    #[cfg(unix)]
    {
        fs::rename(root.join("prodify.toml"), root.join("elsewhere.toml")).unwrap();
        std::os::unix::fs::symlink("elsewhere.toml", root.join("prodify.toml")).unwrap();
        replace(root, "prodify.toml", "port = 8080", "port = 9000");
        let before = contents(root);
        let refused = run(root, "update --allow-dirty", 101);
        assert_contains(
            &refused,
            &["prodify.toml is a symbolic link: put a regular file there"],
        );
        assert_eq!(contents(root), before);
    }
}

/// The part of a record that git can merge remains valid, and for conflicts, so does either side.
#[test]
fn separately_updated_branches_can_be_merged() {
    let dir = orders();
    let root = &dir.path().join("orders");
    git(root, &["switch", "-qc", "other"]);
    replace(root, "prodify.toml", "port = 8080", "port = 9100");
    run(root, "update", 0);
    run(root, "add supply-chain -y", 0);
    commit(root);
    git(root, &["switch", "-q", "main"]);
    replace(root, "README.md", "# orders", "# Our orders");
    git(root, &["commit", "-qam", "y"]);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    run(root, "update", 0);
    commit(root);
    let merge = ["merge", "-q", "other"];
    let mut merge = std::process::Command::new("git")
        .args(merge)
        .current_dir(root)
        .spawn();
    assert!(!merge.as_mut().unwrap().wait().unwrap().success());
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    assert!(read(".prodify/base.txtar").contains("<<<<<<< "));
    // The team decides on one of the ports, and leaves the record as it is.
    let unmerged = git(root, &["diff", "--name-only", "--diff-filter=U"]);
    for path in unmerged.lines().filter(|path| !path.starts_with('.')) {
        git(root, &["checkout", "-q", "--theirs", path]);
    }
    replace(root, "README.md", "# orders", "# Our orders");
    assert_contains(
        &run(root, "check", 1),
        &["update .prodify/base.txtar (contains git's conflict markers)"],
    );
    run(root, "update --allow-dirty", 0);
    assert!(!read(".prodify/base.txtar").contains("<<<<<<< "));
    assert_contains(&read("README.md"), &["# Our orders"]);
    run(root, "check", 0);
    // All of it is still prodify's: the next answer changes every file.
    commit(root);
    replace(root, "prodify.toml", "port = 9100", "port = 9200");
    run(root, "update", 0);
    assert_contains(&read("Dockerfile"), &["EXPOSE 9200"]);
    run(root, "remove supply-chain --allow-dirty", 0);
    assert!(!root.join("deny.toml").exists());
}

#[test]
fn edited_record_does_not_cause_overwriting() {
    let dir = orders();
    let root = &dir.path().join("orders");
    // An edit that was also made in the record looks like prodify's own.
    for path in ["Dockerfile", ".prodify/base.txtar"] {
        replace(root, path, "EXPOSE 8080", "EXPOSE 80");
    }
    commit(root);
    assert_contains(
        &run(root, "check", 1),
        &[
            "update .prodify/base.txtar (was edited)",
            "conflict Dockerfile (differs, and its record was edited)",
            "what it says about Dockerfile may be wrong",
        ],
    );
    run(root, "update", 3);
    let text = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert_contains(&text, &["EXPOSE 80\n"]);
    commit(root);
    run(root, "update --theirs Dockerfile", 0);
    run(root, "check", 0);
    // Without reliable entries of Cargo.toml, the record cannot be used.
    replace(
        root,
        ".prodify/base.txtar",
        "name = \"orders\"",
        "name = \"x\"",
    );
    assert_contains(
        &run(root, "check", 101),
        &["no longer says reliably which entries of Cargo.toml are from cargo prodify: restore it"],
    );
}

#[test]
fn dropped_component_is_distinguished_from_a_typo() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "prodify.toml", "\"docker\"", "\"former\"");
    assert_contains(
        &run(root, "check", 2),
        &["in prodify.toml: there is no component `former`"],
    );
    replace(
        root,
        "prodify.toml",
        "prodify = \"",
        "prodify = \"0.0.1\" # \"",
    );
    assert_contains(
        &run(root, "check", 2),
        &["this version no longer has a component `former`: remove it from `components`"],
    );
    replace(root, "prodify.toml", "    \"former\",\n", "");
    assert_contains(&run(root, "check", 1), &["delete Dockerfile"]);
}

#[test]
fn check_rejects_a_crate_without_a_record_and_a_refused_component() {
    let bare = shop(MANIFEST);
    for line in ["check", "update"] {
        assert_contains(
            &run(bare.path(), line, 2),
            &["cargo prodify wrote nothing there", "has no prodify.toml"],
        );
    }
    run(bare.path(), "add supply-chain -y", 0);
    replace(
        bare.path(),
        "prodify.toml",
        "    \"supply-chain\",",
        "    \"service\", \"supply-chain\",",
    );
    assert_contains(
        &run(bare.path(), "check", 2),
        &["in prodify.toml: `service` cannot be added to an existing crate: "],
    );
}

#[test]
fn contradictory_or_impossible_resolution_is_rejected() {
    let dir = orders();
    let root = &dir.path().join("orders");
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    fs::remove_file(root.join("README.md")).unwrap();
    fs::create_dir(root.join("README.md")).unwrap();
    let before = contents(root);
    assert_contains(
        &run(
            root,
            "update --allow-dirty --ours README.md --theirs ./README.md",
            2,
        ),
        &["`README.md` is given to both --ours and --theirs"],
    );
    assert_contains(
        &run(root, "update --allow-dirty --theirs README.md", 2),
        &["`--theirs README.md`: README.md is a directory"],
    );
    assert_eq!(contents(root), before);
    run(root, "update --allow-dirty --ours README.md", 0);
    run(root, "check", 0);
}

#[test]
fn json_and_github_formats_report_differences() {
    let dir = orders();
    let root = &dir.path().join("orders");
    let report =
        |arguments: &[&str]| json(&prodify(root, &[arguments, &["--format", "json"]].concat()));
    assert_eq!(report(&["check"])["outcome"], "unchanged");
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    replace(root, "README.md", "127.0.0.1:8080", "127.0.0.1:80");
    let different = report(&["check"]);
    assert_eq!(different["outcome"], "different");
    let files = different["files"].as_array().unwrap();
    let report_of = |path: &str| files.iter().find(|file| file["path"] == path).unwrap();
    assert_eq!(report_of("README.md")["action"], "mark");
    assert_eq!(report_of("Dockerfile")["action"], "update");
    let line = report_of("Dockerfile")["line"].as_u64().unwrap() as usize;
    let text = fs::read_to_string(root.join("Dockerfile")).unwrap();
    assert_eq!(text.lines().nth(line - 1), Some("EXPOSE 8080"));
    assert_eq!(different["next"][0]["command"], "cargo prodify update");

    let annotated = prodify(root, &["check", "--format", "github"]);
    assert_eq!(annotated.status.code(), Some(1), "{}", stderr(&annotated));
    let printed = String::from_utf8_lossy(&annotated.stdout);
    let one = format!(
        "::error file=Dockerfile,line={line}::Dockerfile differs from what prodify.toml specifies: run `cargo prodify update`\n"
    );
    assert_contains(&printed, &[&one, "::error file=README.md,line="]);
    // Annotations are relative to the repository's root, which is not the project's.
    fs::remove_dir_all(root.join(".git")).unwrap();
    git(dir.path(), &["init", "-q"]);
    let annotated = prodify(root, &["check", "--format", "github"]);
    let printed = String::from_utf8_lossy(&annotated.stdout);
    assert_contains(&printed, &["::error file=orders/Dockerfile,line="]);

    assert_eq!(report(&["update", "-n", "--diff"])["outcome"], "conflict");
    let updated = report(&["update", "--allow-dirty"]);
    assert_eq!(updated["outcome"], "unresolved");
    assert_eq!(
        report(&["update", "--allow-dirty"])["outcome"],
        "unresolved"
    );
    replace(root, "prodify.toml", "port = 9000", "port = 1");
    let failed = prodify(root, &["check", "--format", "github"]);
    assert_eq!(failed.status.code(), Some(2));
    assert_contains(
        &String::from_utf8_lossy(&failed.stdout),
        &["::error::in prodify.toml, `service.port` must"],
    );
    assert_eq!(report(&["check"])["error"]["exit_code"], 2);
}

#[test]
fn check_uses_the_current_facts_of_the_crate() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/axum/crate");
    let dir = tempdir().unwrap();
    for (path, text) in contents(&fixtures) {
        let place = dir.path().join(&path);
        match fixtures.join(&path).is_dir() {
            true => fs::create_dir_all(place).unwrap(),
            false => fs::write(place, text).unwrap(),
        }
    }
    commit(dir.path());
    run(dir.path(), "add k8s -y", 0);
    run(dir.path(), "check", 0);
    // The port changed in the sources, but not in the deployment.
    replace(dir.path(), "src/main.rs", "8_090", "7007");
    assert_contains(
        &run(dir.path(), "check", 1),
        &["update k8s/base/deployment.yaml"],
    );
    commit(dir.path());
    run(dir.path(), "update", 0);
    let deployment = fs::read_to_string(dir.path().join("k8s/base/deployment.yaml")).unwrap();
    assert_contains(&deployment, &["containerPort: 7007"]);
    run(dir.path(), "check", 0);
    // A second server appears, which does not matter until it is declared.
    let main = fs::read_to_string(dir.path().join("src/main.rs")).unwrap();
    fs::create_dir_all(dir.path().join("src/bin")).unwrap();
    fs::write(
        dir.path().join("src/bin/admin.rs"),
        main.replace("7007", "7008"),
    )
    .unwrap();
    assert_contains(
        &run(dir.path(), "check", 0),
        &[
            "`admin` is a server, but the files written only run orders",
            "add it to `project.bins` in prodify.toml",
        ],
    );
    let manifest = fs::read_to_string(dir.path().join("Cargo.toml")).unwrap();
    let says_so = "\n[package.metadata.prodify.admin]\nkind = \"command\"\n";
    fs::write(dir.path().join("Cargo.toml"), manifest.clone() + says_so).unwrap();
    let quiet = run(dir.path(), "check", 0);
    assert!(!quiet.contains("admin"), "{quiet}");
    fs::write(dir.path().join("Cargo.toml"), manifest).unwrap();
    fs::remove_dir_all(dir.path().join("src/bin")).unwrap();
    // And its binary gets another name.
    replace(dir.path(), "Cargo.toml", "default-run = \"orders\"\n", "");
    fs::create_dir(dir.path().join("src/bin")).unwrap();
    fs::rename(
        dir.path().join("src/main.rs"),
        dir.path().join("src/bin/other.rs"),
    )
    .unwrap();
    assert_contains(
        &run(dir.path(), "check", 2),
        &[
            "in prodify.toml: `project.bins` names `",
            "`, but there is no such binary (there is other)",
        ],
    );
}

#[test]
fn newer_toolchain_updates_the_dockerfile() {
    let dir = shop(MANIFEST);
    fs::write(dir.path().join("src/main.rs"), "fn main() {}\n").unwrap();
    let toolchain = |release: &str| {
        let text = format!("[toolchain]\nchannel = \"{release}\"\n");
        fs::write(dir.path().join("rust-toolchain.toml"), text).unwrap();
    };
    toolchain("1.90.0");
    commit(dir.path());
    run(dir.path(), "add docker -y", 0);
    let dockerfile = || fs::read_to_string(dir.path().join("Dockerfile")).unwrap();
    assert_contains(&dockerfile(), &["rust:1.90.0-"]);
    commit(dir.path());
    run(dir.path(), "check", 0);
    toolchain("1.99.0");
    assert_contains(&run(dir.path(), "check", 1), &["update Dockerfile"]);
    run(dir.path(), "update --allow-dirty", 0);
    assert_contains(&dockerfile(), &["rust:1.99.0-"]);
    run(dir.path(), "check", 0);
}

#[test]
fn package_and_its_workspace_are_updated_separately() {
    let dir = tempdir().unwrap();
    let root = dir.path();
    fs::write(
        root.join("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = []\n",
    )
    .unwrap();
    run(root, "new orders -y --preset minimal --vcs none", 0);
    run(&root.join("orders"), "check", 0);
    let only = run(root, "check", 0);
    assert_contains(&only, &["Finished orders in orders is up to date"]);
    run(root, "add release-profile -y", 0);
    assert_contains(&run(root, "check", 0), &[" in . is up to date"]);
    assert_contains(&run(root, "check -p orders", 0), &["orders in orders is"]);
    // Each has its own record.
    replace(
        &root.join("orders"),
        "prodify.toml",
        "port = 8080",
        "port = 9000",
    );
    run(&root.join("orders"), "check", 1);
    run(&root.join("orders"), "update", 0);
    run(&root.join("orders"), "check", 0);
    run(root, "check", 0);
}

#[test]
fn next_run_finishes_a_killed_update() {
    let dir = orders();
    let root = &dir.path().join("orders");
    // A conflict, and two independent edits, in one file.
    replace(
        root,
        "README.md",
        "curl -i http://127.0.0.1:8080/",
        "curl http://127.0.0.1:8080/",
    );
    commit(root);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    let before = contents(root);
    run(root, "update", 3);
    let after = contents(root);
    assert_eq!(before.len(), after.len());
    let mut changed: Vec<usize> = (0..after.len())
        .filter(|&at| before[at] != after[at])
        .collect();
    // `apply` puts the records in place last.
    changed.sort_by_key(|&at| after[at].0.contains("prodify"));
    for done in 0..=changed.len() {
        for (index, &at) in changed.iter().enumerate() {
            let (path, text) = if index < done {
                &after[at]
            } else {
                &before[at]
            };
            fs::write(root.join(path), text).unwrap();
        }
        fs::create_dir_all(root.join(".prodify/staging")).unwrap();
        // The uncommitted files are from the killed run.
        run(root, "update", 3);
        assert!(contents(root) == after, "killed after {done}");
    }
}

/// From the fewest components to all of them, with other answers, and back.
#[test]
fn updated_project_equals_a_new_one_with_the_same_answers() {
    let dir = tempdir().unwrap();
    let made = |place: &str, arguments: &str| {
        let root = dir.path().join(place);
        fs::create_dir(&root).unwrap();
        run(&root, &format!("new orders -y --vcs none {arguments}"), 0);
        root.join("orders")
    };
    let answers = "-d service.port=9001 -d docker.base=debian -d k8s.replicas=3 -d tls.at=pod";
    let few = made("few", "--preset minimal");
    let all = made("all", &format!("--preset full {answers}"));
    let project = made("project", "--preset minimal");
    // In Cargo.toml, new entries are after existing ones.
    let files = |root: &Path| -> Vec<(String, String)> {
        let sorted = |(path, text): (String, String)| {
            let mut lines: Vec<&str> = text.lines().collect();
            if path == "Cargo.toml" {
                lines.sort_unstable();
            }
            (path, lines.join("\n"))
        };
        contents(root).into_iter().map(sorted).collect()
    };
    for other in [&all, &few] {
        fs::copy(other.join("prodify.toml"), project.join("prodify.toml")).unwrap();
        run(&project, "update -y", 0);
        for (is, to_be) in files(&project).iter().zip(&files(other)) {
            assert_eq!(is, to_be);
        }
        assert_eq!(listing(&project), listing(other));
    }
}

#[test]
fn version_is_recorded_only_if_files_change() {
    let dir = orders();
    let root = &dir.path().join("orders");
    let own = format!("prodify = \"{}\"", env!("CARGO_PKG_VERSION"));
    let older = "prodify = \"0.0.1\"";
    replace(root, "prodify.toml", &own, older);
    let answers = || fs::read_to_string(root.join("prodify.toml")).unwrap();
    run(root, "check", 0);
    assert_contains(&run(root, "update", 0), &[" in .: nothing to do"]);
    assert_contains(&answers(), &[older]);
    replace(root, "prodify.toml", "port = 8080", "port = 9000");
    run(root, "update", 0);
    assert_contains(&answers(), &[&own, "port = 9000"]);
    run(root, "check", 0);
}
