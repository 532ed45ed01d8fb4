//! `inspect`: the facts of crates made to have them, and what cannot be determined.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use tempfile::{TempDir, tempdir};

use cargo_prodify::facts::system::Table;

use crate::support::{command, json_with_schema, listing, prodify, stderr};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// A fixture, copied to a place without a surrounding repository or manifest.
fn fixture(name: &str) -> TempDir {
    let dir = tempdir().unwrap();
    let from = fixtures().join(name);
    for path in listing(&from) {
        let (from, to) = (from.join(&path), dir.path().join(&path));
        if from.is_dir() {
            fs::create_dir_all(to).unwrap();
        } else {
            fs::copy(from, to).unwrap();
        }
    }
    dir
}

/// A crate with these files.
fn crate_with(files: &[(&str, &str)]) -> TempDir {
    let dir = tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn manifest(name: &str, rest: &str) -> String {
    format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n{rest}")
}

/// The output of `inspect`, as JSON that is valid for its schema.
fn inspect(directory: &Path, arguments: &[&str]) -> Value {
    let output = prodify(
        directory,
        &[&["inspect", "--format", "json"], arguments].concat(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", output_text(&output));
    json_with_schema(&output, include_str!("../../src/inspection.schema.json"))
}

fn output_text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        stderr(output)
    )
}

/// The values of a list of facts.
fn values(facts: &Value) -> Vec<&str> {
    let facts = facts.as_array().unwrap().iter();
    facts.map(|fact| fact["value"].as_str().unwrap()).collect()
}

#[test]
fn fixtures_match_their_snapshots() {
    let mut names: Vec<String> = fs::read_dir(fixtures())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    for name in names {
        let dir = fixture(&name);
        let arguments = fs::read_to_string(dir.path().join("arguments")).unwrap_or_default();
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let output = prodify(
            &dir.path().join("crate"),
            &[&["inspect", "-v"], &arguments[..]].concat(),
        );
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        let found = String::from_utf8(output.stdout).unwrap();
        let top = dir.path().canonicalize().unwrap();
        let found = found.replace(&*top.to_string_lossy(), "[DIR]");
        insta::with_settings!({ snapshot_path => fixtures().join(&name), prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!("inspect", found);
        });
        inspect(&dir.path().join("crate"), &arguments);
    }
}

/// Each framework, as its documentation starts a server.
#[test]
fn framework_is_recognized_by_how_its_server_starts() {
    for (framework, protocol, code, port) in [
        (
            "axum",
            "http",
            r#"axum::serve(TcpListener::bind("0.0.0.0:3001").await, app)"#,
            3001,
        ),
        (
            "axum",
            "http",
            r#"Server::bind(&"0.0.0.0:3002".parse().unwrap()).serve(app)"#,
            3002,
        ),
        (
            "actix-web",
            "http",
            r#"HttpServer::new(|| App::new()).bind(("0.0.0.0", 3003)).run()"#,
            3003,
        ),
        ("rocket", "http", "rocket::build().launch()", 8000),
        (
            "warp",
            "http",
            "warp::serve(routes).run(([0, 0, 0, 0], 3004))",
            3004,
        ),
        (
            "poem",
            "http",
            r#"Server::new(TcpListener::bind("0.0.0.0:3005")).run(app)"#,
            3005,
        ),
        (
            "salvo",
            "http",
            r#"Server::new(TcpListener::new("[::]:3006").bind().await).serve(app)"#,
            3006,
        ),
        (
            "tonic",
            "grpc",
            r#"Server::builder().serve("[::]:3007".parse().unwrap())"#,
            3007,
        ),
        (
            "hyper",
            "http",
            "let a = SocketAddr::from(([127, 0, 0, 1], 3008)); http1::Builder::new().serve_connection(io, s)",
            3008,
        ),
        (
            "tide",
            "http",
            r#"tide::new().listen("0.0.0.0:3009")"#,
            3009,
        ),
        ("tiny_http", "http", r#"Server::http("0.0.0.0:3010")"#, 3010),
    ] {
        let code = format!("fn main() {{ {code}; }}");
        let manifest = manifest("app", &format!("[dependencies]\n{framework} = \"1\"\n"));
        let dir = crate_with(&[("Cargo.toml", &manifest), ("src/main.rs", &code)]);
        let found = inspect(dir.path(), &[]);
        let framework_found = &found["program"]["frameworks"][0];
        assert_eq!(framework_found["value"]["name"], framework, "{code}");
        assert_eq!(framework_found["value"]["protocol"], protocol, "{code}");
        assert_eq!(framework_found["certainty"], "likely", "{code}");
        assert_eq!(found["listening"]["port"]["value"], port, "{code}");
    }
}

#[test]
fn client_of_a_framework_is_not_a_server() {
    let manifest = manifest(
        "app",
        "[dependencies]\nhyper = \"1\"\ntonic = \"0.14\"\nclap = \"4\"\n",
    );
    let dir = crate_with(&[
        ("Cargo.toml", &manifest),
        (
            "src/main.rs",
            "fn main() { Client::connect(\"http://[::1]:50051\"); }",
        ),
    ]);
    let found = inspect(dir.path(), &[]);
    assert_eq!(found["program"]["kind"]["value"], "command");
    assert_eq!(found["program"]["frameworks"], Value::Array(Vec::new()));
    assert!(found["listening"]["port"].is_null());
}

/// A crate instead of one from the registry, so that cargo resolves its features without the network.
struct Stub {
    name: &'static str,
    features: &'static str,
    dependencies: &'static str,
}

/// A package that depends on these stubs, with a lock file.
fn with_stubs(dependencies: &str, stubs: &[Stub]) -> TempDir {
    let mut manifest = manifest("app", dependencies);
    manifest.push_str("\n[workspace]\nexclude = [\"stubs\"]\n");
    let dir = crate_with(&[("Cargo.toml", &manifest), ("src/main.rs", "fn main() {}")]);
    for Stub {
        name,
        features,
        dependencies,
    } in stubs
    {
        let stub = dir.path().join("stubs").join(name);
        let text = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.9.0\"\n[features]\n{features}\n{dependencies}\n[workspace]\n"
        );
        fs::create_dir_all(stub.join("src")).unwrap();
        fs::write(stub.join("Cargo.toml"), text).unwrap();
        fs::write(stub.join("src/lib.rs"), "").unwrap();
    }
    let locked = std::process::Command::new(env!("CARGO"))
        .args(["generate-lockfile", "--offline"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    assert!(locked.status.success(), "{}", output_text(&locked));
    dir
}

fn stub(name: &'static str, features: &'static str) -> Stub {
    Stub {
        name,
        features,
        dependencies: "",
    }
}

/// A crate with these features, one of which is enabled: what it needs to be compiled, and to run.
type Case = (
    &'static str,
    &'static str,
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const SYSTEM_CASES: [Case; 23] = [
    (
        "openssl-sys",
        "vendored = []",
        "",
        &["libssl-dev", "pkg-config"],
        &["libssl3t64"],
    ),
    ("openssl-sys", "vendored = []", "vendored", &[], &[]),
    (
        "pq-sys",
        "bundled = []",
        "",
        &["libpq-dev", "pkg-config"],
        &["libpq5"],
    ),
    ("pq-sys", "bundled = []", "bundled", &[], &[]),
    (
        "mysqlclient-sys",
        "",
        "",
        &["default-libmysqlclient-dev", "pkg-config"],
        &["libmariadb3"],
    ),
    (
        "libsqlite3-sys",
        "bundled = []",
        "",
        &["libsqlite3-dev", "pkg-config"],
        &["libsqlite3-0"],
    ),
    ("libsqlite3-sys", "bundled = []", "bundled", &[], &[]),
    (
        "rdkafka-sys",
        "cmake-build = []\ndynamic-linking = []",
        "",
        &["g++", "make"],
        &[],
    ),
    (
        "rdkafka-sys",
        "cmake-build = []\ndynamic-linking = []",
        "cmake-build",
        &["cmake", "g++", "libcurl4-openssl-dev", "make"],
        &[],
    ),
    (
        "rdkafka-sys",
        "cmake-build = []\ndynamic-linking = []",
        "dynamic-linking",
        &["librdkafka-dev", "pkg-config"],
        &["librdkafka1"],
    ),
    (
        "sasl2-sys",
        "vendored = []",
        "",
        &["libsasl2-dev", "pkg-config"],
        &["libsasl2-2"],
    ),
    ("zstd-sys", "pkg-config = []", "", &[], &[]),
    (
        "zstd-sys",
        "pkg-config = []",
        "pkg-config",
        &["libzstd-dev", "pkg-config"],
        &["libzstd1"],
    ),
    ("aws-lc-sys", "", "", &[], &[]),
    ("librocksdb-sys", "", "", &["g++"], &["libstdc++6"]),
    ("libgit2-sys", "", "", &[], &[]),
    ("libssh2-sys", "", "", &[], &[]),
    ("curl-sys", "", "", &[], &[]),
    ("tikv-jemalloc-sys", "", "", &["make"], &[]),
    (
        "alsa-sys",
        "",
        "",
        &["libasound2-dev", "pkg-config"],
        &["libasound2t64"],
    ),
    (
        "libudev-sys",
        "",
        "",
        &["libudev-dev", "pkg-config"],
        &["libudev1"],
    ),
    (
        "prost-build",
        "",
        "",
        &["libprotobuf-dev", "protobuf-compiler"],
        &[],
    ),
    ("bindgen", "", "", &["libclang-dev"], &[]),
];

/// The cases in as few packages as there are cases for one crate, since a package can depend on it only once.
fn rounds() -> Vec<Vec<Case>> {
    let mut rounds: Vec<Vec<Case>> = Vec::new();
    for case in SYSTEM_CASES {
        let free = rounds
            .iter_mut()
            .find(|round| round.iter().all(|other| other.0 != case.0));
        match free {
            Some(round) => round.push(case),
            None => rounds.push(vec![case]),
        }
    }
    rounds
}

#[test]
fn system_packages_depend_on_enabled_features() {
    for round in rounds() {
        let mut dependencies = "[dependencies]\n".to_owned();
        for (name, _, on, ..) in &round {
            let on = if on.is_empty() {
                String::new()
            } else {
                format!("\"{on}\"")
            };
            dependencies.push_str(&format!(
                "{name} = {{ path = \"stubs/{name}\", features = [{on}] }}\n"
            ));
        }
        let stubs: Vec<Stub> = round
            .iter()
            .map(|(name, features, ..)| stub(name, features))
            .collect();
        let dir = with_stubs(&dependencies, &stubs);
        let found = inspect(dir.path(), &[]);
        assert_eq!(found["resolution"]["value"], "cargo");
        let locked = fs::read_to_string(dir.path().join("Cargo.lock")).unwrap();
        for (name, _, on, build, run) in round {
            assert_eq!(
                packages_for(&found["system"]["build"], name, &locked),
                build,
                "{name} with {on}"
            );
            assert_eq!(
                packages_for(&found["system"]["run"], name, &locked),
                run,
                "{name} with {on}"
            );
        }
    }
}

/// The packages for which a crate is the evidence, at its line in Cargo.lock.
fn packages_for<'f>(facts: &'f Value, name: &str, locked: &str) -> Vec<&'f str> {
    let for_it = |fact: &&Value| {
        assert_eq!(fact["certainty"], "certain");
        let mut evidence = fact["evidence"].as_array().unwrap().iter();
        evidence.any(|evidence| {
            assert_eq!(evidence["file"], "Cargo.lock");
            let line = usize::try_from(evidence["line"].as_u64().unwrap()).unwrap();
            locked.lines().nth(line - 1) == Some(&format!("name = \"{name}\""))
        })
    };
    let facts = facts.as_array().unwrap().iter().filter(for_it);
    facts.map(|fact| fact["value"].as_str().unwrap()).collect()
}

#[test]
fn only_dependencies_of_the_binary_count() {
    let dependencies = r#"
[features]
kafka = ["dep:rdkafka-sys"]

[dependencies]
between = { path = "stubs/between" }
rdkafka-sys = { path = "stubs/rdkafka-sys", optional = true }

[dev-dependencies]
alsa-sys = { path = "stubs/alsa-sys" }

[target.'cfg(windows)'.dependencies]
libudev-sys = { path = "stubs/libudev-sys" }

[build-dependencies]
libsqlite3-sys = { path = "stubs/libsqlite3-sys" }
"#;
    let between = Stub {
        name: "between",
        features: "",
        dependencies: "[dependencies]\npq-sys = { path = \"../pq-sys\" }\n",
    };
    let all = [
        "rdkafka-sys",
        "alsa-sys",
        "libudev-sys",
        "libsqlite3-sys",
        "pq-sys",
    ];
    let stubs: Vec<Stub> = all
        .into_iter()
        .map(|name| stub(name, ""))
        .chain([between])
        .collect();
    let dir = with_stubs(dependencies, &stubs);
    fs::write(dir.path().join("build.rs"), "fn main() {}").unwrap();
    let found = inspect(dir.path(), &[]);
    assert_eq!(found["resolution"]["value"], "cargo");
    assert_eq!(
        values(&found["system"]["build"]),
        ["libpq-dev", "libsqlite3-dev", "pkg-config"]
    );
    // A build dependency is not needed when the binary runs.
    assert_eq!(values(&found["system"]["run"]), ["libpq5"]);
    let reason = found["system"]["run"][0]["evidence"][0]["says"]
        .as_str()
        .unwrap();
    assert_eq!(reason, "pq-sys 0.9.0, used by between");
}

/// If nothing is downloaded, cargo cannot resolve the dependencies, and Cargo.lock gives an upper bound.
#[test]
fn lock_file_alone_gives_an_upper_bound() {
    let lock = r#"version = 4

[[package]]
name = "alsa-sys"
version = "0.0.1"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "app"
version = "0.1.0"
dependencies = ["alsa-sys", "client", "libudev-sys 0.0.1", "pq-sys"]

[[package]]
name = "client"
version = "0.0.1"
source = "git+https://example.com/client.git#0123456789"
dependencies = ["libsqlite3-sys", "openssl-sys 0.0.1 (registry+https://github.com/rust-lang/crates.io-index)"]

[[package]]
name = "libsqlite3-sys"
version = "0.0.1"
source = "registry+https://example.com/index"

[[package]]
name = "libudev-sys"
version = "0.0.1"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "openssl-src"
version = "0.0.1"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "openssl-sys"
version = "0.0.1"
source = "registry+https://github.com/rust-lang/crates.io-index"
dependencies = ["openssl-src"]

[[package]]
name = "pq-sys"
version = "0.0.1"
source = "registry+https://github.com/rust-lang/crates.io-index"
"#;
    let manifest = manifest(
        "app",
        r#"
[dependencies]
client = { git = "https://example.com/client.git" }
pq-sys = { version = "=0.0.1", optional = true }
[dev-dependencies]
alsa-sys = "=0.0.1"
[target.'cfg(windows)'.dependencies]
libudev-sys = "=0.0.1"
"#,
    );
    let files = [
        ("Cargo.toml", manifest.as_str()),
        ("Cargo.lock", lock),
        ("src/main.rs", "fn main() {}"),
    ];
    let dir = crate_with(&files);
    let empty = tempdir().unwrap();
    let output = command(dir.path(), &["inspect", "--format", "json"])
        .env("CARGO_HOME", empty.path())
        .output()
        .unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["resolution"]["value"], "lock-file");
    // Dependencies that are optional, for tests or for other systems are recognized by the manifest; a crate that bundles a
    // library, by its dependencies.
    assert_eq!(
        values(&found["system"]["build"]),
        ["libsqlite3-dev", "make", "perl", "pkg-config"]
    );
    assert_eq!(found["system"]["build"][0]["certainty"], "guess");
    // Transitive dependencies from a registry count too.
    let sources = found["package"]["sources"].as_array().unwrap();
    let sources: Vec<(&str, &str)> = sources
        .iter()
        .map(|source| &source["value"])
        .map(|source| {
            (
                source["name"].as_str().unwrap(),
                source["place"].as_str().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("client", "https://example.com/client.git"),
        ("libsqlite3-sys", "registry+https://example.com/index"),
    ];
    assert_eq!(sources, expected);
    let reason = found["resolution"]["evidence"][0]["says"].as_str().unwrap();
    assert!(
        !reason.is_empty() && !reason.starts_with("not asked"),
        "{reason}"
    );
    assert_eq!(
        fs::read_to_string(dir.path().join("Cargo.lock")).unwrap(),
        lock
    );
}

#[test]
fn crate_that_needs_an_unknown_library_is_reported() {
    let odd = Stub {
        name: "odd-sys",
        features: "",
        dependencies: "[build-dependencies]\nsystem-deps = { path = \"../system-deps\" }\ncmake = { path = \"../cmake\" }\n",
    };
    // A tool that depends on another one needs nothing itself.
    let deps = Stub {
        name: "system-deps",
        features: "",
        dependencies: "[dependencies]\npkg-config = { path = \"../pkg-config\" }\n",
    };
    let dependencies = "[dependencies]\nodd-sys = { path = \"stubs/odd-sys\" }\n";
    let stubs = [odd, deps, stub("pkg-config", ""), stub("cmake", "")];
    let dir = with_stubs(dependencies, &stubs);
    fs::write(dir.path().join("stubs/odd-sys/build.rs"), "fn main() {}").unwrap();
    let found = inspect(dir.path(), &[]);
    assert_eq!(
        values(&found["system"]["build"]),
        ["cmake", "g++", "make", "pkg-config"]
    );
    assert_eq!(values(&found["system"]["unknown"]), ["odd-sys"]);
    let problem = &found["problems"][0];
    assert!(
        problem["what"]
            .as_str()
            .unwrap()
            .contains("`odd-sys` needs a system library"),
        "{problem}"
    );
}

#[test]
fn library_that_another_crate_installs_is_linked() {
    let dependencies = "[dependencies]\nlibz-sys = { path = \"stubs/libz-sys\" }\nmysqlclient-sys = { path = \"stubs/mysqlclient-sys\" }\n";
    let dir = with_stubs(
        dependencies,
        &[stub("libz-sys", ""), stub("mysqlclient-sys", "")],
    );
    let found = inspect(dir.path(), &[]);
    assert_eq!(values(&found["system"]["run"]), ["libmariadb3", "zlib1g"]);
    // On its own, it compiles a bundled copy.
    let dir = with_stubs(
        "[dependencies]\nlibz-sys = { path = \"stubs/libz-sys\" }\n",
        &[stub("libz-sys", "")],
    );
    let found = inspect(dir.path(), &[]);
    assert_eq!(values(&found["system"]["build"]), [""; 0]);
    assert_eq!(values(&found["system"]["run"]), [""; 0]);
}

#[test]
fn vendored_protoc_needs_no_system_package() {
    let dependencies = "[build-dependencies]\nprost-build = { path = \"stubs/prost-build\" }\nprotoc-bin-vendored = { path = \"stubs/protoc-bin-vendored\" }\n";
    let dir = with_stubs(
        dependencies,
        &[stub("prost-build", ""), stub("protoc-bin-vendored", "")],
    );
    let found = inspect(dir.path(), &[]);
    assert_eq!(values(&found["system"]["build"]), [""; 0]);
}

/// Errors and their fixes: the arguments, the exit code, and the expected message.
#[test]
fn missing_or_ambiguous_crate_is_rejected_with_a_fix() {
    let two = "[workspace]\nresolver = \"2\"\nmembers = [\"a\", \"b\", \"c\"]\n";
    let several = manifest(
        "a",
        "[[bin]]\nname = \"serve\"\npath = \"src/main.rs\"\n[[bin]]\nname = \"migrate\"\npath = \"src/main.rs\"\n",
    );
    let library = manifest("c", "");
    let (b, newer) = (manifest("b", ""), manifest("a", "").replace("2021", "2099"));
    let main = "fn main() {}";
    let workspace = [
        ("Cargo.toml", two),
        ("a/Cargo.toml", several.as_str()),
        ("a/src/main.rs", main),
        ("b/Cargo.toml", b.as_str()),
        ("b/src/main.rs", main),
        ("c/Cargo.toml", library.as_str()),
        ("c/src/lib.rs", ""),
    ];
    let only = |text: &'static str| vec![("Cargo.toml", text), ("src/main.rs", main)];
    for (files, arguments, code, expected) in [
        (vec![], &[][..], 2, "there is no Cargo.toml in"),
        (
            vec![],
            &["--manifest-path", "x/Cargo.toml"],
            2,
            "`--manifest-path x/Cargo.toml` does not exist: name the Cargo.toml of a crate",
        ),
        (only("[package\n"), &[], 101, "Cargo.toml:1:9"),
        (
            vec![("Cargo.toml", newer.as_str()), ("src/main.rs", main)],
            &[],
            101,
            "2099",
        ),
        (
            workspace.to_vec(),
            &[],
            2,
            "2 packages that could be the service: `a`, `b`; name one with --package, or its binary with --bin, which `add` accepts more than once",
        ),
        (
            workspace.to_vec(),
            &["-p", "bb"],
            2,
            "no package `bb`; did you mean `b`?",
        ),
        (
            workspace.to_vec(),
            &["-p", "zzz"],
            2,
            "no package `zzz`; there is `a`, `b`, `c`",
        ),
        (
            workspace.to_vec(),
            &["-p", "a"],
            2,
            "2 binaries and no `default-run`: `migrate`, `serve`; name one with --bin, which `add` accepts more than once",
        ),
        (
            workspace.to_vec(),
            &["-p", "a", "--bin", "serv"],
            2,
            "package `a` has no binary `serv`; did you mean `serve`?",
        ),
        (
            workspace.to_vec(),
            &["--bin", "serv"],
            2,
            "the workspace has no binary `serv`; did you mean `serve`?",
        ),
        (
            workspace.to_vec(),
            &["-p", "c"],
            2,
            "package `c` has no binary, and so nothing that could run in production; name another one with --package",
        ),
    ] {
        let dir = crate_with(&files);
        let output = prodify(dir.path(), &[&["inspect"], arguments].concat());
        assert_eq!(
            output.status.code(),
            Some(code),
            "{arguments:?}: {}",
            output_text(&output)
        );
        assert!(
            stderr(&output).contains(expected),
            "{expected} is not in\n{}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty());
        let output = prodify(
            dir.path(),
            &[&["inspect", "--format", "json"], arguments].concat(),
        );
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["error"]["exit_code"], code);
    }
}

#[test]
fn package_and_binary_are_chosen_if_unambiguous() {
    let workspace = "[workspace]\nresolver = \"2\"\nmembers = [\"server\", \"tool\"]\n";
    let server = manifest("server", "[dependencies]\naxum = \"0.8\"\n");
    let tool = manifest("tool", "");
    let main = "fn main() {}";
    let dir = crate_with(&[
        ("Cargo.toml", workspace),
        ("server/Cargo.toml", &server),
        ("server/src/main.rs", main),
        ("server/src/bin/other.rs", main),
        ("server/src/deep/er/mod.rs", ""),
        ("server/examples/example.rs", main),
        ("tool/Cargo.toml", &tool),
        ("tool/src/main.rs", main),
    ]);
    let chosen = |below: &str, arguments: &[&str]| {
        let found = inspect(&dir.path().join(below), arguments);
        let value = |fact: &Value| fact["value"].as_str().unwrap().to_owned();
        let certainty = found["package"]["name"]["certainty"]
            .as_str()
            .unwrap()
            .to_owned();
        (
            value(&found["package"]["name"]),
            value(&found["package"]["bin"]),
            certainty,
        )
    };
    let expect = |package: &str, bin: &str, certainty: &str| {
        (package.to_owned(), bin.to_owned(), certainty.to_owned())
    };
    // The only one that depends on a framework.
    assert_eq!(chosen("", &[]), expect("server", "server", "likely"));
    assert_eq!(
        chosen("", &["--bin", "tool"]),
        expect("tool", "tool", "certain")
    );
    assert_eq!(
        chosen("", &["--bin", "other"]),
        expect("server", "other", "certain")
    );
    assert_eq!(chosen("tool", &[]), expect("tool", "tool", "certain"));
    assert_eq!(
        chosen("server/src/deep/er", &[]),
        expect("server", "server", "certain")
    );
    assert_eq!(
        chosen("tool", &["--manifest-path", "../server/Cargo.toml"]),
        expect("server", "server", "certain")
    );
    assert_eq!(
        chosen("tool", &["-p", "server"]),
        expect("server", "server", "certain")
    );
    let bins = &inspect(&dir.path().join("server"), &[])["package"]["bins"];
    let names: Vec<&str> = bins
        .as_array()
        .unwrap()
        .iter()
        .map(|bin| bin["value"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["other", "server"], "an example is no binary");
}

#[test]
fn untracked_lock_file_is_a_problem() {
    let dir = crate_with(&[
        ("Cargo.toml", &manifest("app", "")),
        ("src/main.rs", "fn main() {}"),
        (
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n",
        ),
    ]);
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args(arguments)
            .current_dir(dir.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", output_text(&done));
    };
    let tracked = || inspect(dir.path(), &[])["workspace"]["lock"]["value"]["tracked"].clone();
    assert_eq!(tracked(), Value::Null);
    git(&["init", "--quiet"]);
    assert_eq!(tracked(), Value::Bool(false));
    assert!(
        inspect(dir.path(), &[])["problems"][0]["what"]
            .as_str()
            .unwrap()
            .contains("git does not track Cargo.lock")
    );
    git(&["add", "Cargo.lock"]);
    assert_eq!(tracked(), Value::Bool(true));
    assert_eq!(
        inspect(dir.path(), &[])["problems"],
        Value::Array(Vec::new())
    );
}

#[test]
fn toolchain_without_an_image_is_a_problem() {
    let dir = crate_with(&[
        ("Cargo.toml", &manifest("app", "")),
        ("src/main.rs", "fn main() {}"),
    ]);
    let problems = |channel: &str| {
        let file = dir.path().join("rust-toolchain");
        fs::write(file, format!("{channel}\n")).unwrap();
        inspect(dir.path(), &[])["problems"].to_string()
    };
    for channel in ["nightly-2026-01-01", "beta"] {
        let what = format!("it asks for `{channel}`, and images are built with a release of Rust");
        assert!(problems(channel).contains(&what), "{channel}");
    }
    for channel in ["stable", "1.95.0"] {
        assert!(!problems(channel).contains("asks for"), "{channel}");
    }
}

#[test]
fn target_that_does_not_suit_the_image_is_a_problem() {
    let pq = "[dependencies]\npq-sys = { path = \"stubs/pq-sys\" }\n";
    for (target, dependencies, problem) in [
        ("x86_64-unknown-linux-gnu", pq, None),
        ("x86_64-unknown-linux-musl", "", None),
        (
            "x86_64-unknown-linux-musl",
            pq,
            Some("Debian's libraries are built for another libc"),
        ),
        (
            "wasm32-wasip1",
            "",
            Some("does not run in a Linux container"),
        ),
    ] {
        let stubs = if dependencies.is_empty() {
            vec![]
        } else {
            vec![stub("pq-sys", "")]
        };
        let dir = with_stubs(dependencies, &stubs);
        fs::create_dir(dir.path().join(".cargo")).unwrap();
        let config = format!("[build]\ntarget = \"{target}\"\n");
        fs::write(dir.path().join(".cargo/config.toml"), config).unwrap();
        let found = inspect(dir.path(), &[]);
        assert_eq!(found["builder"]["target"]["value"], target);
        let problems = found["problems"].as_array().unwrap().iter();
        let mut matching = problems.filter(|it| it["what"].as_str().unwrap().contains(target));
        let message = matching.next().map(|it| it["what"].as_str().unwrap());
        assert!(
            match (message, problem) {
                (Some(message), Some(problem)) => message.contains(problem),
                (message, problem) => message.is_none() && problem.is_none(),
            },
            "{target}: {message:?}"
        );
    }
}

/// The signal that stops a program, and whether there is a warning that none does.
#[test]
fn server_that_ignores_sigterm_is_a_problem() {
    let axum = "[dependencies]\naxum = \"0.8\"\n";
    let actix = "[dependencies]\nactix-web = \"4\"\n";
    let clap = "[dependencies]\nclap = \"4\"\n";
    for (dependencies, code, signal, warns) in [
        (axum, "axum::serve(listener, app)", None, true),
        (
            axum,
            "axum::serve(listener, app); signal(SignalKind::terminate())",
            Some("SIGTERM"),
            false,
        ),
        (
            axum,
            "axum::serve(listener, app); tokio::signal::ctrl_c()",
            Some("SIGINT"),
            false,
        ),
        (actix, "HttpServer::new(app)", Some("SIGTERM"), false),
        (clap, "Cli::parse()", None, false),
    ] {
        let listens = if dependencies == clap {
            ""
        } else {
            r#"TcpListener::bind("0.0.0.0:3000");"#
        };
        let main = format!("fn main() {{ {code}; {listens} }}");
        let dir = crate_with(&[
            ("Cargo.toml", &manifest("app", dependencies)),
            ("src/main.rs", &main),
        ]);
        let found = inspect(dir.path(), &[]);
        let ends_at = &found["program"]["ends_at"];
        assert_eq!(ends_at["value"].as_str(), signal, "{code}");
        let problems = found["problems"].as_array().unwrap().iter();
        let mut matching = problems.filter(|it| it["what"].as_str().unwrap().contains("SIGTERM"));
        assert_eq!(matching.next().is_some(), warns, "{code}");
        let added = prodify(dir.path(), &["add", "docker", "-y"]);
        assert_eq!(added.status.code(), Some(0), "{code}: {}", stderr(&added));
        assert_eq!(stderr(&added).contains("SIGTERM"), warns, "{code}");
        let dockerfile = fs::read_to_string(dir.path().join("Dockerfile")).unwrap();
        let stop = dockerfile.contains("STOPSIGNAL SIGINT\n");
        assert_eq!(stop, signal == Some("SIGINT"), "{dockerfile}");
    }
}

/// What `.dockerignore` excludes from the build context cannot be copied from it.
#[test]
fn secret_is_left_out_of_the_image_and_reported() {
    let main = r#"fn main() {
        std::fs::read("certs/server.key"); std::fs::read("words.txt"); std::fs::read_dir("keys"); std::fs::read_dir("certs");
    }"#;
    let package = manifest("app", "[package.metadata.prodify]\nkind = \"worker\"\n");
    let dir = crate_with(&[
        ("Cargo.toml", &package),
        ("src/main.rs", main),
        ("certs/server.key", ""),
        ("certs/ca.crt", ""),
        ("keys/id_rsa", ""),
        ("words.txt", ""),
    ]);
    let added = prodify(dir.path(), &["add", "docker", "-y"]);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let message =
        "it reads certs/server.key, which is left out of the image: its name suggests a secret";
    assert!(stderr(&added).contains(message), "{}", stderr(&added));
    let dockerfile = fs::read_to_string(dir.path().join("Dockerfile")).unwrap();
    let copied = dockerfile
        .lines()
        .filter(|line| line.starts_with("COPY --chmod"));
    assert_eq!(
        copied.collect::<Vec<_>>(),
        [
            "COPY --chmod=755 certs /app/certs",
            "COPY --chmod=755 words.txt /app/words.txt"
        ]
    );
    let ignored = fs::read_to_string(dir.path().join(".dockerignore")).unwrap();
    assert!(ignored.contains("\n**/*.key\n"), "{ignored}");
}

#[test]
fn database_is_recognized_by_its_client_library() {
    for (dependency, libraries, engines) in [
        ("mysql = \"28\"", &["mysql"][..], &["mysql"][..]),
        ("postgres = \"0.19\"", &["postgres"], &["postgres"]),
        ("bb8-redis = \"0.26\"", &["bb8-redis"], &["redis"]),
        (
            "actix-session = { version = \"0.11\", features = [\"redis-session-rustls\"] }",
            &["actix-session"],
            &["redis"],
        ),
        (
            "actix-session = { version = \"0.11\", features = [\"cookie-session\"] }",
            &[],
            &[],
        ),
        (
            "tower-sessions-redis-store = \"0.16\"",
            &["tower-sessions-redis-store"],
            &["redis"],
        ),
        (
            "axum_session_sqlx = \"0.12\"",
            &["axum_session_sqlx"],
            &["postgres"],
        ),
        (
            "axum_session_sqlx = { version = \"0.12\", default-features = false, features = [\"mysql\"] }",
            &["axum_session_sqlx"],
            &["mysql"],
        ),
        ("sqlx = \"0.8\"", &["sqlx"], &[]),
    ] {
        let package = manifest("app", &format!("[dependencies]\n{dependency}\n"));
        let dir = crate_with(&[("Cargo.toml", &package), ("src/main.rs", "fn main() {}")]);
        let database = &inspect(dir.path(), &[])["database"];
        assert_eq!(values(&database["libraries"]), libraries, "{dependency}");
        assert_eq!(values(&database["engines"]), engines, "{dependency}");
    }
}

/// The files that `COPY` copies into the image of a server with these dependencies, main file and other files.
fn copied_files(dependencies: &str, main: &str, files: &[&str]) -> Vec<String> {
    let rest =
        format!("[package.metadata.prodify]\nkind = \"worker\"\n[dependencies]\n{dependencies}\n");
    let package = manifest("app", &rest);
    let files = files.iter().map(|path| (*path, ""));
    let given = [("Cargo.toml", &*package), ("src/main.rs", main)];
    let dir = crate_with(&given.into_iter().chain(files).collect::<Vec<_>>());
    let added = prodify(dir.path(), &["add", "docker", "-y"]);
    assert_eq!(added.status.code(), Some(0), "{}", stderr(&added));
    let dockerfile = fs::read_to_string(dir.path().join("Dockerfile")).unwrap();
    let copies = dockerfile
        .lines()
        .filter_map(|line| line.strip_prefix("COPY --chmod=755 "));
    let copies: Vec<String> = copies.map(str::to_owned).collect();
    assert_eq!(
        dockerfile.contains("\nWORKDIR /app\n"),
        !copies.is_empty(),
        "{dockerfile}"
    );
    copies
}

#[test]
fn configuration_directory_of_any_usual_name_is_copied() {
    let main = "fn main() { config::Config::builder(); }";
    for (files, expected) in [
        (
            &["configuration/base.yaml"][..],
            "configuration /app/configuration",
        ),
        (&["settings/default.ron"], "settings /app/settings"),
        (
            &["config/mod.rs", "conf/app.toml", "settings/x.txt"],
            "conf /app/conf",
        ),
    ] {
        assert_eq!(copied_files("config = \"0.15\"", main, files), [expected]);
        assert_eq!(copied_files("", main, files), [""; 0], "{files:?}");
    }
}

#[test]
fn path_argument_depends_on_the_library_version() {
    let (new, old) = (
        r#"register_templates_directory("./pages", options)"#,
        r#"register_templates_directory(".hbs", "./pages")"#,
    );
    for (dependency, call) in [
        ("handlebars = \"6\"", new),
        ("handlebars = \">=5.1\"", new),
        ("handlebars = \"*\"", new),
        ("handlebars = \"4.5\"", old),
    ] {
        let main = format!("fn main() {{ registry.{call}; }}");
        let files = copied_files(dependency, &main, &["pages/index.hbs"]);
        assert_eq!(files, ["pages /app/pages"], "{dependency}");
    }
}

#[test]
fn path_of_the_build_machine_is_a_problem_at_run_time() {
    let problem = "it uses the path of its sources on the build machine, which no container has, in src/main.rs:1";
    for (dependencies, code, warns) in [
        (
            "",
            r#"concat!(env!("CARGO_MANIFEST_DIR"), "/pages/a.html")"#,
            true,
        ),
        (
            "",
            r#"PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("pages")"#,
            true,
        ),
        (
            "",
            r#"format!("{}/pages", env!("CARGO_MANIFEST_DIR"))"#,
            true,
        ),
        (
            "rocket = \"0.5\"",
            r#"FileServer::from(relative!("pages"))"#,
            true,
        ),
        ("", r#"relative!("pages")"#, false),
        (
            "",
            r#"include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/pages/a.html"))"#,
            false,
        ),
        ("", r#"include_dir!("$CARGO_MANIFEST_DIR/pages")"#, false),
        ("", r#"env!("CARGO_PKG_NAME")"#, false),
    ] {
        let package = manifest("app", &format!("[dependencies]\n{dependencies}\n"));
        let main = format!("fn main() {{ {code}; }}");
        let tests = "#[test] fn a() { env!(\"CARGO_MANIFEST_DIR\"); }";
        let dir = crate_with(&[
            ("Cargo.toml", &package),
            ("src/main.rs", &format!("{main}\n{tests}\n")),
            ("build.rs", r#"fn main() { env!("CARGO_MANIFEST_DIR"); }"#),
            ("pages/a.html", ""),
        ]);
        let problems = inspect(dir.path(), &[])["problems"].clone();
        let mut problems = problems.as_array().unwrap().iter();
        assert_eq!(problems.any(|it| it["what"] == problem), warns, "{code}");
    }
}

#[test]
fn prepared_queries_are_found_in_both_formats() {
    let fixture = fixture("sqlx");
    let root = fixture.path().join("crate");
    for (path, kept) in [
        ("sqlx-data.json", "sqlx-data.json"),
        (".sqlx/query-1.json", ".sqlx"),
    ] {
        assert_eq!(inspect(&root, &[])["problems"][0]["severity"], "error");
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "{}").unwrap();
        let found = inspect(&root, &[]);
        assert_eq!(found["database"]["offline_data"]["value"], kept);
        assert_ne!(found["problems"][0]["severity"], "error");
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn unreadable_sources_are_reported_and_the_rest_is_read() {
    let dir = crate_with(&[
        ("Cargo.toml", &format!("\u{feff}{}", manifest("app", ""))),
        (
            "src/main.rs",
            "mod good;\nmod broken;\nmod latin;\nmod gone;\nfn main() {}\n",
        ),
        ("src/good.rs", "fn f() { std::env::var(\"GOOD\"); }"),
        ("src/broken.rs", "fn f() { (\""),
    ]);
    fs::write(dir.path().join("src/latin.rs"), b"// \xe4\n").unwrap();
    fs::write(dir.path().join("notes.txt"), b"\xff\xfe").unwrap();
    let found = inspect(dir.path(), &[]);
    let mut unread = values(&found["unread"]);
    unread.sort_unstable();
    assert_eq!(unread, ["src/broken.rs", "src/latin.rs"]);
    assert_eq!(
        found["configuration"]["environment"][0]["value"]["name"],
        "GOOD"
    );
}

#[test]
#[cfg(unix)]
fn crate_behind_a_symlink_is_inspected() {
    let dir = crate_with(&[
        ("real/Cargo.toml", &manifest("app", "")),
        ("real/src/main.rs", "fn main() {}"),
    ]);
    std::os::unix::fs::symlink(dir.path().join("real"), dir.path().join("link")).unwrap();
    let found = inspect(&dir.path().join("link"), &[]);
    assert_eq!(found["package"]["name"]["value"], "app");
    let found = inspect(dir.path(), &["--manifest-path", "link/Cargo.toml"]);
    assert_eq!(found["package"]["manifest"], "Cargo.toml");
}

/// The tree is never walked: only files named by manifests and `mod` items are opened, whatever else there is.
#[test]
#[cfg(unix)]
fn unreferenced_files_are_not_opened() {
    let dir = crate_with(&[(
        "Cargo.toml",
        "[workspace]\nresolver = \"2\"\nmembers = [\"m/*\"]\n",
    )]);
    for member in 0..200 {
        let path = dir.path().join(format!("m/member{member}"));
        fs::create_dir_all(path.join("src")).unwrap();
        fs::write(
            path.join("Cargo.toml"),
            manifest(&format!("member{member}"), ""),
        )
        .unwrap();
        fs::write(path.join("src/main.rs"), "fn main() {}").unwrap();
    }
    // Opening one of these would block forever.
    for place in [
        "m/member7/src/pipe.rs",
        "m/member7/data",
        "pipe",
        "m/member8/src/pipe.rs",
    ] {
        let made = std::process::Command::new("mkfifo")
            .arg(dir.path().join(place))
            .status()
            .unwrap();
        assert!(made.success());
    }
    let found = inspect(&dir.path().join("m/member7"), &[]);
    assert_eq!(found["workspace"]["members"].as_array().unwrap().len(), 200);
    assert_eq!(found["package"]["bin"]["value"], "member7");
}

#[test]
fn table_of_system_libraries_is_valid() {
    let table = Table::embedded().unwrap();
    let versions =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/versions.toml"))
            .unwrap();
    let versions: toml_edit::DocumentMut = versions.parse().unwrap();
    // The packages have the names of the Debian release that images are built from.
    assert_eq!(
        versions["images"]["debian"]["suite"].as_str(),
        Some(table.suite.as_str())
    );
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/facts/system.toml"))
            .unwrap();
    let document: toml_edit::DocumentMut = text.parse().unwrap();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c);
    for (name, entry) in document["crates"].as_table().unwrap() {
        // The source is some release of the crate itself.
        let source = entry["source"].as_str().unwrap();
        let release = source
            .strip_prefix(&format!("{name} "))
            .unwrap_or_else(|| panic!("{name}: {source}"));
        assert!(
            release.starts_with(|c: char| c.is_ascii_digit()) && release.contains(".rs"),
            "{name}: {source}"
        );
        let cases = entry.get("cases").and_then(|cases| cases.as_array());
        let cases: Vec<&toml_edit::InlineTable> = cases
            .into_iter()
            .flatten()
            .map(|case| case.as_inline_table().unwrap())
            .collect();
        for case in &cases {
            let conditions = ["features", "takes", "crates", "beside"];
            assert!(
                conditions.iter().any(|key| case.contains_key(key)),
                "{name} has a case without a condition"
            );
        }
        let of_cases = cases.iter().flat_map(|case| {
            ["build", "run"].map(|key| case.get(key).and_then(|list| list.as_array()))
        });
        let own = ["build", "run"].map(|key| entry.get(key).and_then(|list| list.as_array()));
        for packages in of_cases.chain(own).flatten() {
            let packages: Vec<&str> = packages
                .iter()
                .map(|package| package.as_str().unwrap())
                .collect();
            assert!(packages.is_sorted(), "{name}: {packages:?}");
            assert!(
                packages.iter().all(|package| package.chars().all(plain)),
                "{name}: {packages:?}"
            );
        }
    }
    let names: Vec<&str> = document["crates"]
        .as_table()
        .unwrap()
        .iter()
        .map(|(name, _)| name)
        .collect();
    assert!(names.len() >= 30 && table.crates.len() == names.len());
}

/// A known database to which traffic is not allowed would be unreachable in a cluster.
#[test]
fn network_policies_allow_every_database_server() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| fs::read_to_string(root.join(path)).unwrap();
    let table: toml_edit::DocumentMut = read("src/facts/database.toml").parse().unwrap();
    let kinds = ["libraries", "optional"].map(|kind| table[kind].as_table().unwrap());
    let engines = kinds.into_iter().flatten().flat_map(|(_, library)| {
        let by_feature = library.get("engines").and_then(|it| it.as_inline_table());
        let by_feature = by_feature.into_iter().flatten();
        let by_feature = by_feature.filter_map(|(_, engine)| engine.as_str());
        by_feature.chain(library.get("engine").and_then(|it| it.as_str()))
    });
    for engine in engines.filter(|engine| *engine != "sqlite") {
        for policy in [
            "templates/k8s/files/k8s/base/network-policy.yaml.j2",
            "templates/helm/files/chart/templates/network-policy.yaml.j2",
        ] {
            let ports = read(policy).lines().next().unwrap().to_owned();
            assert!(
                ports.contains(&format!("\"{engine}\": ")),
                "{engine}: {ports}"
            );
        }
    }
}

#[test]
fn json_fact_has_value_evidence_and_certainty() {
    let dir = fixture("axum");
    let found = inspect(&dir.path().join("crate"), &[]);
    assert_eq!(found["schema_version"], 1);
    assert_eq!(found["command"], "inspect");
    let port = serde_json::json!({
        "value": 8090,
        "certainty": "likely",
        "evidence": [{
            "file": "src/main.rs",
            "line": 12,
            "says": "#[arg(long, env = \"ORDERS_PORT\", default_value_t = 8_090)]",
        }],
    });
    assert_eq!(found["listening"]["port"], port);
    let library = &found["package"]["library"];
    assert!(library.is_null(), "what is not there is null: {library}");
}

/// Nothing in a crate is touched: not even a lock file, which cargo would usually write.
#[test]
fn inspect_writes_nothing() {
    let dir = fixture("workspace");
    let before = listing(dir.path());
    inspect(&dir.path().join("crate"), &["--package", "worker"]);
    assert_eq!(listing(dir.path()), before);
}

#[test]
fn stale_lock_file_is_an_error_with_a_fix() {
    let dependencies = "[dependencies]\npq-sys = { path = \"stubs/pq-sys\" }\n";
    let dir = with_stubs(dependencies, &[stub("pq-sys", ""), stub("alsa-sys", "")]);
    add_dependency(dir.path(), "alsa-sys = { path = \"stubs/alsa-sys\" }");
    let found = inspect(dir.path(), &[]);
    assert_eq!(found["resolution"]["value"], "stale-lock-file");
    assert_eq!(
        found["resolution"]["evidence"][0]["says"],
        "does not match the manifests: `alsa-sys`"
    );
    assert_eq!(found["problems"][0]["severity"], "error");
    assert_eq!(
        found["problems"][0]["fix"],
        "run `cargo update --workspace`, and commit Cargo.lock"
    );
    assert_eq!(values(&found["system"]["run"]), ["libasound2t64", "libpq5"]);
}

/// With an additional dependency in a package's manifest that is missing in Cargo.lock.
fn add_dependency(directory: &Path, dependency: &str) {
    let path = directory.join("Cargo.toml");
    let manifest = fs::read_to_string(&path).unwrap();
    let more = format!("[dependencies]\n{dependency}");
    fs::write(&path, manifest.replace("[dependencies]", &more)).unwrap();
}

#[test]
fn stale_lock_file_is_used_as_far_as_possible() {
    let between = Stub {
        name: "between",
        features: "",
        dependencies: "[dependencies]\npq-sys = { path = \"../pq-sys\" }\n",
    };
    let dependencies = "[package.metadata.prodify]\nkind = \"worker\"\n[dependencies]\nbetween = { path = \"stubs/between\" }\n";
    let dir = with_stubs(dependencies, &[between, stub("pq-sys", "")]);
    let packages = || inspect(dir.path(), &[])["system"]["build"].clone();
    let before = packages();
    assert_eq!(values(&before), ["libpq-dev", "pkg-config"]);
    // Entries that `add` puts into the manifest make it out of date.
    let add = ["add", "config", "docker", "-y"];
    assert_eq!(prodify(dir.path(), &add).status.code(), Some(0));
    assert_eq!(
        inspect(dir.path(), &[])["resolution"]["value"],
        "stale-lock-file"
    );
    let check = prodify(dir.path(), &["check"]);
    assert_eq!(check.status.code(), Some(0), "{}", output_text(&check));
    let removed = prodify(dir.path(), &["remove", "config"]);
    assert_eq!(removed.status.code(), Some(0), "{}", output_text(&removed));
    // Dependencies that another crate shares are in the graph, with their own dependencies.
    add_dependency(dir.path(), "unheard-of = \"1\"\npq-sys = \"0.9\"");
    let found = inspect(dir.path(), &[]);
    assert_eq!(found["resolution"]["value"], "stale-lock-file");
    assert_eq!(values(&found["system"]["build"]), values(&before));
    assert_eq!(
        found["resolution"]["evidence"][0]["says"],
        "does not match the manifests: `pq-sys`, `unheard-of`"
    );
}

#[test]
fn files_that_a_member_reads_are_relative_to_the_member() {
    let api = manifest("api", "[dependencies]\nstore = { path = \"../store\" }\n");
    let store = manifest(
        "store",
        "[dependencies]\nsqlx = { version = \"0.8\", features = [\"mysql\"] }\n",
    );
    let dir = crate_with(&[
        (
            "Cargo.toml",
            "[workspace]\nresolver = \"2\"\nmembers = [\"api\", \"store\"]\n",
        ),
        ("api/Cargo.toml", &api),
        ("api/src/main.rs", "fn main() { store::run(); }"),
        ("store/Cargo.toml", &store),
        (
            "store/src/lib.rs",
            "pub fn run() { sqlx::migrate!(); query!(\"SELECT 1\"); include_str!(\"../words.txt\"); }",
        ),
        ("store/words.txt", ""),
        ("store/migrations/1.sql", ""),
        ("store/.sqlx/query-1.json", "{}"),
    ]);
    let found = inspect(&dir.path().join("api"), &[]);
    let database = &found["database"];
    assert_eq!(
        database["migrations"][0]["value"]["path"],
        "store/migrations"
    );
    assert_eq!(database["offline_data"]["value"], "store/.sqlx");
    assert_eq!(values(&database["engines"]), ["mysql"]);
    assert_eq!(found["files"][0]["value"]["place"], "store/words.txt");
    assert_eq!(
        found["workspace"]["members"][0]["value"]["uses"][0],
        "store"
    );
    // A member that does not use sqlx is not affected by it.
    let text = "[workspace]\nresolver = \"2\"\nmembers = [\"api\", \"store\", \"page\"]\n";
    fs::write(dir.path().join("Cargo.toml"), text).unwrap();
    fs::create_dir_all(dir.path().join("page/src")).unwrap();
    fs::write(dir.path().join("page/Cargo.toml"), manifest("page", "")).unwrap();
    fs::write(dir.path().join("page/src/main.rs"), "fn main() {}").unwrap();
    fs::rename(dir.path().join("store/.sqlx"), dir.path().join(".sqlx")).unwrap();
    let offline = |package: &str| {
        let found = inspect(&dir.path().join(package), &[]);
        found["database"]["offline_data"]["value"].clone()
    };
    assert_eq!(offline("api"), ".sqlx");
    assert_eq!(offline("page"), Value::Null);
}
