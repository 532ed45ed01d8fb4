//! Instructions in a project's pages: each command, query and expression in them works there.

mod cluster;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::command::{command, run, target, tool};
use crate::project::Project;
use crate::servers::Postgres;
use crate::validators::files;

use cluster::Cluster;

/// A replacement for kubectl: the real one, with an unreachable server. Commands that it does not reject locally would be sent.
const KUBECTL: &str = r#"#!/bin/bash
printf '%s\x1f' "$@" >>LOG
echo >>LOG
if ! output=$(KUBECONFIG=/dev/null REAL "$@" --server http://127.0.0.1:1 2>&1) && [[ $output != *"127.0.0.1:1"*refused* ]]; then
  echo "kubectl $*: $output" >&2
  exit 1
fi
"#;

/// Other programs that the pages may use. Their effects on the outside world are skipped.
const STUBBED_PROGRAMS: [&str; 9] = [
    "curl",
    "docker",
    "grep",
    "head",
    "helm",
    "kustomize",
    "openssl",
    "psql",
    "rm",
];

/// Files that readers have created by then, other than those from which a Secret is created.
const CREATED_FILES: [&str; 2] = ["tls.crt", "tls.key"];

/// Metrics that are not from the service: of cAdvisor, kube-state-metrics, and the process itself.
const FOREIGN_METRICS: [&str; 7] = [
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "kube_cronjob_created",
    "kube_cronjob_status_last_successful_time",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
];

/// A text between fences or backticks, and its language.
#[derive(Debug)]
struct Block {
    page: String,
    language: String,
    text: String,
}

/// kubectl accepts its commands, the names in them exist, Prometheus accepts its expressions, the service exports the metrics in
/// them, and dashboards have the panels that the pages refer to.
pub fn instructions_work(project: &Project) -> Result<()> {
    let blocks = blocks(project)?;
    if blocks.is_empty() {
        return Ok(());
    }
    check_panels(project)?;
    check_commands(project, &blocks)?;
    check_expressions(project, &blocks)?;
    check_paths(project, &blocks)
}

/// PostgreSQL accepts its statements, in the database after all migrations.
pub fn documented_sql_queries_run(project: &Project) -> Result<()> {
    let blocks = blocks(project)?;
    let statements: Vec<&Block> = in_language(&blocks, "sql").collect();
    if statements.is_empty() {
        return Ok(());
    }
    let postgres = Postgres::start()?;
    let mut migrate = command(project.binary()?);
    migrate.arg("migrate").current_dir(&project.directory);
    run(migrate.env("APP__DATABASE__URL", postgres.url()))?;
    for block in statements {
        let undone = format!("BEGIN; {} ROLLBACK;", block.text);
        postgres
            .query(&undone)
            .with_context(|| format!("{}: {}", block.page, block.text))?;
    }
    Ok(())
}

fn in_language<'b>(blocks: &'b [Block], language: &str) -> impl Iterator<Item = &'b Block> {
    blocks
        .iter()
        .filter(move |block| block.language == language)
}

/// Those of all pages in `docs`. A kubectl command within a sentence is one as well.
fn blocks(project: &Project) -> Result<Vec<Block>> {
    let mut blocks = Vec::new();
    for path in files(project, |path| path.starts_with("docs"))? {
        let text = fs::read_to_string(&path)?;
        let page = path.strip_prefix(&project.directory)?.display().to_string();
        let mut within: Option<Block> = None;
        for line in text.lines() {
            match (line.trim_start().strip_prefix("```"), &mut within) {
                (Some(_), Some(_)) => blocks.extend(within.take()),
                (Some(language), None) => {
                    within = Some(Block {
                        page: page.clone(),
                        language: language.to_owned(),
                        text: String::new(),
                    });
                }
                (None, Some(block)) => block.text.push_str(&format!("{}\n", line.trim_start())),
                (None, None) => {
                    let code = line.split('`').skip(1).step_by(2);
                    blocks.extend(code.map(|code| {
                        Block {
                            page: page.clone(),
                            language: if code.starts_with("kubectl ") {
                                "sh"
                            } else {
                                ""
                            }
                            .to_owned(),
                            text: code.to_owned(),
                        }
                    }));
                }
            }
        }
        ensure!(within.is_none(), "{page}: a fence that does not end");
    }
    Ok(blocks)
}

/// Each block is run, in a copy of the project, by a shell that only finds the programs named here.
fn check_commands(project: &Project, blocks: &[Block]) -> Result<()> {
    let place = TempDir::new()?;
    let log = place.path().join("log");
    fs::write(&log, "")?;
    let programs = place.path().join("programs");
    fs::create_dir(&programs)?;
    let kubectl = KUBECTL.replace("LOG", &log.display().to_string()).replace(
        "REAL",
        &target().join("tools/bin/kubectl").display().to_string(),
    );
    write_program(&programs.join("kubectl"), &kubectl)?;
    for program in STUBBED_PROGRAMS {
        write_program(&programs.join(program), "#!/bin/sh\nexit 0\n")?;
    }
    let copy = place.path().join("project");
    fs::create_dir(&copy)?;
    run(command("cp")
        .arg("-r")
        .args(
            ["k8s", "docs"]
                .map(|name| project.path(name))
                .into_iter()
                .filter(|path| path.exists()),
        )
        .arg(&copy))?;
    let from = in_language(blocks, "sh").flat_map(|block| block.text.split_whitespace());
    let from = from.filter_map(|word| word.strip_prefix("--from-env-file="));
    for made in from.chain(CREATED_FILES) {
        fs::write(copy.join(made), "KEY=value\n")?;
    }
    // Variables set in one block of a page are set in those that follow, as in a reader's terminal.
    let mut set = String::new();
    let mut page = "";
    for block in in_language(blocks, "sh") {
        if page != block.page {
            page = &block.page;
            set.clear();
        }
        let script = format!("{set}{}", block.text);
        let place = || format!("{}: {}", block.page, block.text);
        // A reader would notice a `cd` that fails, and variables are for later blocks.
        run(tool("shellcheck")?
            .args([
                "--shell=bash",
                "--severity=warning",
                "--exclude=SC2164,SC2034",
            ])
            .arg(write(&copy.join("block.sh"), &script)?))
        .with_context(place)?;
        run(command("/bin/bash")
            .args(["-euc", &script])
            .current_dir(&copy)
            .env("PATH", &programs))
        .with_context(place)?;
        let sets = |line: &&str| {
            line.split_once('=')
                .is_some_and(|(name, _)| is_variable(name))
        };
        for line in block.text.lines().filter(sets) {
            set.push_str(&format!("{line}\n"));
        }
    }
    let cluster = Cluster::new(project)?;
    for line in fs::read_to_string(&log)?.lines() {
        let arguments: Vec<&str> = line.split('\x1f').filter(|one| !one.is_empty()).collect();
        cluster
            .check_command(&arguments)
            .with_context(|| format!("kubectl {}", arguments.join(" ")))?;
    }
    Ok(())
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

fn write_program(program: &Path, text: &str) -> Result<()> {
    fs::write(program, text)?;
    fs::set_permissions(program, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn write<'p>(path: &'p Path, text: &str) -> Result<&'p Path> {
    fs::write(path, text)?;
    Ok(path)
}

fn check_expressions(project: &Project, blocks: &[Block]) -> Result<()> {
    let found: Vec<&Block> = in_language(blocks, "promql").collect();
    if found.is_empty() {
        return Ok(());
    }
    let rules: Vec<Value> = (found.iter())
        .map(|block| json!({ "record": "page:expression", "expr": block.text }))
        .enumerate()
        .map(|(index, mut rule)| {
            rule["record"] = json!(format!("page:expression{index}"));
            rule
        })
        .collect();
    let place = TempDir::new()?;
    let file = place.path().join("rules.json");
    fs::write(
        &file,
        json!({ "groups": [{ "name": "pages", "rules": rules }] }).to_string(),
    )?;
    run(command("promtool").args(["check", "rules"]).arg(&file))?;
    let mut sources = String::new();
    for path in files(project, |path| {
        path.extension().is_some_and(|extension| extension == "rs")
    })? {
        sources.push_str(&fs::read_to_string(path)?);
    }
    for block in found {
        let words = block
            .text
            .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
        let names = words.filter(|word| word.contains('_') && *word != "histogram_quantile");
        for name in names {
            let exposed = name.strip_suffix("_bucket").unwrap_or(name);
            ensure!(
                FOREIGN_METRICS.contains(&name) || sources.contains(&format!("\"{exposed}\"")),
                "{}: nothing exposes {name}",
                block.page
            );
        }
    }
    Ok(())
}

/// A sentence names a dashboard by its title, then panels of it, all of them in backticks.
fn check_panels(project: &Project) -> Result<()> {
    let mut dashboards: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for path in files(project, |path| {
        path.starts_with("monitoring/grafana/dashboards")
    })? {
        let dashboard: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
        let title = |value: &Value| value["title"].as_str().unwrap_or_default().to_owned();
        let panels = dashboard["panels"].as_array().into_iter().flatten();
        dashboards.insert(title(&dashboard), panels.map(title).collect());
    }
    let mut named = 0;
    for path in files(project, |path| path.starts_with("docs"))? {
        let text = fs::read_to_string(&path)?;
        for line in text.lines().filter(|line| line.contains("the dashboard `")) {
            let place = || format!("{}: {line}", path.display());
            let (_, sentence) = line.split_once("the dashboard ").with_context(place)?;
            let mut panels = None;
            for name in sentence.split('`').skip(1).step_by(2) {
                match (dashboards.get(name), panels) {
                    (Some(of), _) => panels = Some(of),
                    (None, Some(of)) => {
                        ensure!(of.contains(name), "{}: there is no panel {name}", place());
                        named += 1;
                    }
                    (None, None) => bail!("{}: there is no dashboard {name}", place()),
                }
            }
        }
    }
    let leads = project.path("docs/runbook.md").exists() && !dashboards.is_empty();
    ensure!(!leads || named > 0, "the runbook refers to no panel");
    Ok(())
}

/// Files and directories of the project that a sentence names.
fn check_paths(project: &Project, blocks: &[Block]) -> Result<()> {
    for block in in_language(blocks, "") {
        let top_directories = [
            "k8s/",
            "docs/",
            "backup/",
            "chart/",
            "src/",
            "config/",
            "monitoring/",
        ];
        if top_directories
            .iter()
            .any(|top| block.text.starts_with(top))
            && !block.text.contains([' ', '*'])
        {
            let path: PathBuf = project.path(&block.text);
            if !path.exists() {
                bail!("{}: there is no {}", block.page, block.text);
            }
        }
    }
    Ok(())
}
