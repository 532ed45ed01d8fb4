//! Own templates: the example in docs/templates.md, what a project records about them, and what is rejected.

use std::fs;
use std::path::Path;

use tempfile::{TempDir, tempdir};

use crate::support::{contents, json, listing, prodify, stderr};

/// A company's templates next to the projects, from the example.
fn company() -> TempDir {
    let dir = tempdir().unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/templates");
    for (path, text) in contents(&example) {
        if example.join(&path).is_file() {
            write(dir.path(), &format!("company/{path}"), &text);
        }
    }
    dir
}

fn write(directory: &Path, path: &str, text: &str) {
    let place = directory.join(path);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, text).unwrap();
}

fn read(directory: &Path, path: &str) -> String {
    fs::read_to_string(directory.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs the program, checks its exit code, and returns its output.
fn run(directory: &Path, arguments: &[&str], code: i32) -> String {
    let output = prodify(directory, arguments);
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {text}");
    text + &String::from_utf8_lossy(&output.stdout)
}

/// A project that uses the example.
fn create_shop(dir: &TempDir) {
    let arguments = [
        "new",
        "shop",
        "-y",
        "--vcs",
        "none",
        "--templates",
        "company",
        "--with",
        "backstage",
        "-d",
        "backstage.owner=payments",
        "-d",
        "project.description=sells: \"things\"",
    ];
    run(dir.path(), &arguments, 0);
}

#[test]
fn docs_quote_the_whole_example() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = read(root, "docs/templates.md");
    let example = root.join("docs/templates");
    let files: Vec<_> = contents(&example)
        .into_iter()
        .filter(|(path, _)| example.join(path).is_file())
        .collect();
    assert!(files.len() > 4);
    for (path, text) in files {
        assert!(page.contains(&format!("`{path}`")), "{path} is not named");
        assert!(page.contains(&text), "{path} is not quoted");
    }
}

#[test]
fn example_creates_a_project() {
    let dir = company();
    create_shop(&dir);
    let shop = dir.path().join("shop");
    let entry: serde_norway::Value =
        serde_norway::from_str(&read(&shop, "catalog-info.yaml")).unwrap();
    assert_eq!(entry["metadata"]["description"], "sells: \"things\"");
    assert_eq!(entry["spec"]["owner"], "group:payments");
    assert_eq!(read(&shop, ".github/CODEOWNERS"), "* @acme/payments\n");
    let workflow: serde_norway::Value =
        serde_norway::from_str(&read(&shop, ".github/workflows/ci.yml")).unwrap();
    let needs = workflow["jobs"]["required"]["needs"].as_sequence().unwrap();
    assert!(needs.contains(&"catalog".into()), "{needs:?}");
    let steps = workflow["jobs"]["catalog"]["steps"].as_sequence().unwrap();
    let command = steps.last().unwrap()["run"].as_str().unwrap();
    assert_eq!(
        command,
        "pipx run yamllint==1.37.1 --strict catalog-info.yaml"
    );
    let answers = read(&shop, "prodify.toml");
    assert!(
        answers.contains("[templates]\npath = \"../company\"\n"),
        "{answers}"
    );
}

#[test]
fn project_finds_its_templates_and_follows_their_changes() {
    let dir = company();
    create_shop(&dir);
    let shop = dir.path().join("shop");
    run(&shop, &["check"], 0);
    // From any directory in it, and from anywhere with the manifest's path.
    run(&shop.join("src"), &["check"], 0);
    run(
        dir.path(),
        &["check", "--manifest-path", "shop/Cargo.toml"],
        0,
    );
    write(
        dir.path(),
        "company/backstage/files/.github/CODEOWNERS.j2",
        "* @acme/all\n",
    );
    assert!(run(&shop, &["check"], 1).contains("CODEOWNERS"));
    run(&shop, &["update"], 0);
    assert_eq!(read(&shop, ".github/CODEOWNERS"), "* @acme/all\n");
    run(&shop, &["check"], 0);
    // Another project with the same answers has the same templates.
    run(
        dir.path(),
        &[
            "new",
            "b/other",
            "-y",
            "--vcs",
            "none",
            "--answers",
            "shop/prodify.toml",
        ],
        0,
    );
    assert!(read(dir.path(), "b/other/prodify.toml").contains("path = \"../../company\""));
    run(&shop, &["remove", "backstage"], 0);
    assert!(!shop.join("catalog-info.yaml").exists());
    run(&shop, &["add", "backstage", "-y"], 0);
    assert!(shop.join("catalog-info.yaml").exists());
    fs::rename(dir.path().join("company"), dir.path().join("gone")).unwrap();
    let gone = run(&shop, &["check"], 2);
    assert!(
        gone.contains("there is no directory") && gone.contains("[templates]"),
        "{gone}"
    );
    // When it is given the new path once, the project records it.
    run(&shop, &["update", "--templates", "../gone"], 0);
    assert!(read(&shop, "prodify.toml").contains("path = \"../gone\""));
    run(&shop, &["check"], 0);
}

#[test]
fn list_marks_own_components() {
    let dir = company();
    write(
        dir.path(),
        "company/docker/slots/gitignore.j2",
        "/image.tar\n",
    );
    let output = prodify(
        dir.path(),
        &["list", "--templates", "company", "--format", "json"],
    );
    let report = json(&output);
    let own = |name: &str| {
        let components = report["components"].as_array().unwrap();
        let found = components
            .iter()
            .find(|component| component["name"] == name);
        found.unwrap()["own"].as_str().map(str::to_owned)
    };
    assert_eq!(own("backstage").as_deref(), Some("added"));
    assert_eq!(own("docker").as_deref(), Some("overlaid"));
    assert_eq!(own("service"), None);
    let shown = run(
        dir.path(),
        &["show", "backstage", "--templates", "company"],
        0,
    );
    assert!(
        shown.contains("(own)") && shown.contains("-d backstage.owner="),
        "{shown}"
    );
    assert!(
        run(
            dir.path(),
            &["completions", "bash", "--templates", "company"],
            0
        )
        .contains("backstage")
    );
    let inspected = run(dir.path(), &["inspect", "--templates", "company"], 2);
    assert!(
        inspected.contains("does not apply to `inspect`"),
        "{inspected}"
    );
}

#[test]
fn single_template_replaces_the_built_in_one() {
    let dir = tempdir().unwrap();
    write(
        dir.path(),
        "company/docker/files/.dockerignore.j2",
        "*\n!/src\n<% include \"slot:docker.context\" %>\n<% include \"slot:docker.others\" %>\n",
    );
    run(
        dir.path(),
        &[
            "new",
            "shop",
            "-y",
            "--vcs",
            "none",
            "--preset",
            "minimal",
            "--templates",
            "company",
        ],
        0,
    );
    assert_eq!(read(dir.path(), "shop/.dockerignore"), "*\n!/src\n");
    assert!(dir.path().join("shop/Dockerfile").exists());
}

#[test]
fn ejected_component_is_unchanged() {
    let dir = tempdir().unwrap();
    run(dir.path(), &["new", "shop", "-y", "--vcs", "none"], 0);
    let shop = dir.path().join("shop");
    let before = contents(&shop);
    run(&shop, &["eject", "docker", "--dry-run"], 0);
    assert_eq!(contents(&shop), before);
    let report = json(&prodify(&shop, &["eject", "docker", "--format", "json"]));
    assert_eq!(report["command"], "eject");
    let ejected = shop.join(".prodify/templates/docker");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert_eq!(contents(&ejected), contents(&root.join("templates/docker")));
    assert!(read(&shop, "prodify.toml").contains("path = \".prodify/templates\""));
    run(&shop, &["check"], 0);
    assert!(run(&shop, &["list"], 0).contains("replaces cargo prodify's"));
    let again = run(&shop, &["eject", "docker"], 2);
    assert!(again.contains("already exists"), "{again}");
    // The next one goes into the directory in prodify.toml.
    run(&shop, &["eject", "release-profile"], 0);
    assert!(
        shop.join(".prodify/templates/release-profile/component.toml")
            .exists()
    );
    run(&shop, &["check"], 0);
}

#[test]
fn eject_writes_to_the_given_directory() {
    let dir = tempdir().unwrap();
    let output = run(
        dir.path(),
        &["eject", "docker", "--templates", "company"],
        0,
    );
    assert!(output.contains("pass `--templates company`"), "{output}");
    // If there is nothing to update, the suggested next command is one that works.
    let next = "cargo prodify new PATH --templates company  # create a project with it";
    assert!(output.contains(next), "{output}");
    let mine = dir.path().join("mine");
    fs::create_dir_all(mine.join("src")).unwrap();
    fs::write(
        mine.join("Cargo.toml"),
        "[package]\nname = \"mine\"\nversion = \"0.1.0\"\n[package.metadata.prodify]\nkind = \"worker\"\n",
    )
    .unwrap();
    fs::write(mine.join("src/main.rs"), "fn main() {}\n").unwrap();
    let output = run(&mine, &["eject", "docker"], 0);
    let next = ["add", "docker", "--templates", ".prodify/templates"];
    assert!(output.contains(&next.join(" ")), "{output}");
    run(&mine, &[&next[..], &["-y"]].concat(), 0);
    assert!(dir.path().join("company/docker/component.toml").exists());
    run(dir.path(), &["new", "shop", "-y", "--vcs", "none"], 0);
    let shop = dir.path().join("shop");
    run(&shop, &["eject", "config", "--templates", "../company"], 0);
    assert!(read(&shop, "prodify.toml").contains("path = \"../company\""));
    run(&shop, &["check"], 0);
    assert!(
        !listing(dir.path())
            .iter()
            .any(|path| path.contains(".prodify/staging"))
    );
    assert!(run(&shop, &["eject", "dokcer"], 2).contains("did you mean"));
}

/// A valid component, in which one thing at a time is made invalid.
const COMPONENT: &str = "summary = \"x\"\npreset = \"minimal\"\n";

/// The files of a directory, and the error for what is wrong in it.
const INVALID: &[(&[(&str, &str)], &str)] = &[
    (
        &[("x/component.toml", "summary = 1\n")],
        "reading own/x/component.toml: TOML parse error at line 1",
    ),
    (
        &[("x/component.toml", "sumary = \"x\"\n")],
        "unknown field `sumary`",
    ),
    (
        &[(
            "x/component.toml",
            "requires = [\n  \"nobody\",\n]\n[existing]\n",
        )],
        "own/x/component.toml:4 names `nobody`, which is not a component",
    ),
    (&[("x/files/a.j2", "a")], "own/x has no component.toml"),
    (
        &[("x/component.toml", "[existing]\n"), ("x/files/a.txt", "a")],
        "own/x/files/a.txt does not end in .j2",
    ),
    (
        &[("x/component.toml", "[existing]\n"), ("x/a.j2", "a")],
        "own/x/a.j2 is neither under files/ nor under slots/",
    ),
    (
        &[(
            "x/component.toml",
            "[existing]\n[files.\"b\"]\nexecutable = true\n",
        )],
        "own/x/component.toml:4: [files] names `b`",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/slots/no.such.md.j2", "a"),
        ],
        "own/x/slots/no.such.md.j2 fills the slot `no.such`, which no component offers",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/files/a.j2", "b\n<% include \"slot:x.y\" %>\n"),
        ],
        "own/x/files/a.j2:2 includes the slot `x.y`",
    ),
    (
        &[("x/component.toml", "[existing]\n[slots]\n\"x.y\" = \"z\"\n")],
        "own/x/component.toml:5: no template of `x` includes the slot `x.y`",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/files/a.j2", "b\n<%= docker.base %>\n"),
        ],
        "own/x/files/a.j2:2 names `docker`, which `x` does not require",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/files/a.j2", "b\n\n<% if %>\n"),
        ],
        "own/x/files/a.j2:3: unexpected",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/files/prodify.toml.j2", "a"),
        ],
        "`prodify.toml` is reserved for cargo prodify",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/files/Cargo.toml.j2", "a"),
        ],
        "goes into its manifest.toml.j2",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/files/.git/hooks/post-merge.j2", "a"),
        ],
        "`.git` is reserved for git",
    ),
    (
        &[
            ("x/component.toml", "[existing]\n"),
            ("x/files/a\\b.j2", "a"),
        ],
        "is not a path inside the project",
    ),
    (
        &[
            ("x/component.toml", "after = [\"y\"]\n[existing]\n"),
            (
                "y/component.toml",
                "summary = \"x\"\npreset = \"full\"\nafter = [\"x\"]\n[existing]\n",
            ),
        ],
        "form a cycle: x, y, x",
    ),
    (
        &[(
            "x/component.toml",
            "[[questions]]\nkey = \"a\"\nprompt = \"b\"\ntype = \"bool\"\ndefault = true\nhlep = \"c\"\n[existing]\n",
        )],
        "own/x/component.toml:8: a question has no key `hlep`",
    ),
    (
        &[(
            "x/component.toml",
            "[[questions]]\nkey = \"a_b\"\nprompt = \"b\"\ntype = \"bool\"\ndefault = true\n[existing]\n",
        )],
        "own/x/component.toml:4: the key `a_b`",
    ),
    (
        &[(
            "x/component.toml",
            "[[questions]]\nkey = \"a\"\nprompt = \"b\"\ntype = \"integer\"\nmin = 1\nmax = 2\ndefault = 3\n[existing]\n",
        )],
        "own/x/component.toml:4: the default of `a` must be a whole number from 1 to 2",
    ),
    (
        &[("project/component.toml", "[existing]\n")],
        "no component can be called `project`",
    ),
    (
        &[("X/component.toml", "[existing]\n")],
        "begins with a lower-case letter",
    ),
    (
        &[("project.toml", "questions = []\n")],
        "cannot be replaced",
    ),
    (
        &[("version.toml", "a = 1\n")],
        "own/version.toml belongs to no component",
    ),
    (
        &[("versions.toml", "[tools\n")],
        "reading own/versions.toml: TOML parse error at line 1",
    ),
    (
        &[("versions.toml", "\ntools = 1\n")],
        "own/versions.toml:2: `tools` is not a table",
    ),
    (
        &[("service/component.toml", "[existing]\n")],
        "which no component offers",
    ),
];

#[test]
fn errors_name_the_file_and_line() {
    for (files, message) in INVALID {
        let dir = tempdir().unwrap();
        for (path, text) in *files {
            let is_short = path.ends_with("component.toml") && !text.contains("summary");
            let begin = if is_short && !text.contains("sumary") {
                COMPONENT
            } else {
                ""
            };
            write(
                dir.path(),
                &format!("own/{path}"),
                &format!("{begin}{text}"),
            );
        }
        let output = prodify(dir.path(), &["list", "--templates", "own"]);
        let stderr = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{message:?}: {stderr}");
        assert!(stderr.contains(message), "{message:?} is not in\n{stderr}");
    }
}

#[test]
fn binary_files_and_symlinks_are_rejected() {
    let dir = company();
    let place = dir.path().join("company/backstage/files/logo.png.j2");
    fs::write(&place, [0x89, b'P', 0xff]).unwrap();
    let output = run(dir.path(), &["list", "--templates", "company"], 2);
    assert!(
        output.contains("company/backstage/files/logo.png.j2 is not UTF-8 text"),
        "{output}"
    );
    fs::remove_file(&place).unwrap();
    let absent = run(dir.path(), &["list", "--templates", "nowhere"], 2);
    assert!(absent.contains("there is no directory nowhere"), "{absent}");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", &place).unwrap();
        let output = run(dir.path(), &["list", "--templates", "company"], 2);
        assert!(
            output.contains("company/backstage/files/logo.png.j2 is a symbolic link"),
            "{output}"
        );
    }
}
