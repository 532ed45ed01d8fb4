//! The chart: Helm accepts it, and it renders the same objects as kustomize, except for the differences listed here.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use serde_json::Value;

use crate::command::{run, target, tool};
use crate::project::Project;
use crate::validators::{files, render_overlays};

/// The known differences between the chart's objects and kustomize's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Difference {
    kind: Option<String>,
    name: Option<String>,
    path: Option<String>,
    why: String,
}

impl Difference {
    fn matches(&self, kind: &str, name: &str, path: &str) -> bool {
        let agrees = |named: &Option<String>, it| named.as_deref().is_none_or(|named| named == it);
        let place = match &self.path {
            None => path.is_empty(),
            Some(place) => path
                .strip_prefix(place.as_str())
                .is_some_and(|below| below.is_empty() || below.starts_with('/')),
        };
        agrees(&self.kind, kind) && agrees(&self.name, name) && place
    }
}

/// The overlay that is not an environment of the chart: for a developer's own cluster, with ephemeral servers.
const DEVELOPMENT: &str = "development";

/// Each has a reason.
static KNOWN_DIFFERENCES: LazyLock<Vec<Difference>> = LazyLock::new(|| {
    #[derive(Deserialize)]
    struct List {
        difference: Vec<Difference>,
    }
    toml_edit::de::from_str::<List>(include_str!("charts/differences.toml"))
        .map(|list| list.difference)
        .unwrap_or_default()
});

/// An object by its kind and name, and its values by path.
type Objects = BTreeMap<(String, String), BTreeMap<String, Value>>;

/// Helm accepts and packages it, by itself and with each environment's values.
pub fn passes_helm_lint(project: &Project) -> Result<()> {
    let Some(chart) = chart(project) else {
        return Ok(());
    };
    let lint = || -> Result<_> {
        let mut helm = tool("helm")?;
        helm.args(["lint", "--strict"]).arg(&chart);
        Ok(helm)
    };
    run(&mut lint()?)?;
    for values in environments(project)? {
        run(lint()?.arg("--values").arg(values))?;
    }
    let packages = target().join("generated/charts");
    run(tool("helm")?
        .arg("package")
        .arg(&chart)
        .arg("--destination")
        .arg(packages))?;
    Ok(())
}

/// The chart with each environment's values, each in a separate file.
pub fn render_environments(project: &Project) -> Result<Vec<PathBuf>> {
    let mut rendered = Vec::new();
    for values in environments(project)? {
        let name = values.file_name().context("values without a name")?;
        let directory = crate::validators::render_directory(project);
        fs::create_dir_all(&directory)?;
        let manifest = directory.join(format!("chart-{}", name.to_string_lossy()));
        fs::write(&manifest, render(project, &values, &project.name)?)?;
        rendered.push(manifest);
    }
    Ok(rendered)
}

/// With the tag that the README sets, no image is left with the placeholder version.
pub fn sets_image_tags(project: &Project) -> Result<()> {
    for values in environments(project)? {
        let manifests = template(
            project,
            &values,
            &project.name,
            &["--set-string", "image.tag=0.1.0"],
        )?;
        let unset = manifests.lines().find(|line| line.contains(":0.0.0"));
        ensure!(unset.is_none(), "{}: {unset:?}", values.display());
    }
    Ok(())
}

/// With each environment's values, it renders the same as the overlay of that name.
pub fn matches_kustomize(project: &Project) -> Result<()> {
    let found = differences(project)?;
    let unnamed: Vec<&String> = found
        .iter()
        .filter(|(_, why)| why.is_none())
        .map(|(what, _)| what)
        .collect();
    ensure!(
        unnamed.is_empty(),
        "the chart differs from kustomize's output: {unnamed:#?}"
    );
    Ok(())
}

/// Each difference between the two, and the index of the entry that lists it.
fn differences(project: &Project) -> Result<Vec<(String, Option<usize>)>> {
    let mut found = Vec::new();
    if chart(project).is_none() {
        return Ok(found);
    }
    let environments = environments(project)?;
    let mut overlays = render_overlays(project)?;
    overlays.retain(|overlay| overlay.file_stem() != Some(DEVELOPMENT.as_ref()));
    ensure!(
        environments.len() == overlays.len() && !overlays.is_empty(),
        "{} overlays and {} files of values",
        overlays.len(),
        environments.len()
    );
    for overlay in overlays {
        let name = overlay.file_name().context("an overlay without a name")?;
        let values = project
            .path("chart")
            .join(format!("values-{}", name.to_string_lossy()));
        let kustomize = without_hash(&fs::read_to_string(&overlay)?)?;
        let namespace = namespace(&kustomize)?;
        let helm = render(project, &values, &namespace)?;
        let (ours, theirs) = (objects(&kustomize)?, objects(&normalized(&helm)?)?);
        compare(&ours, &theirs, &mut found);
        let (ours, theirs) = (migration_environment(&ours), migration_environment(&theirs));
        if ours != theirs {
            let what =
                format!("the environment of Job migrate is {ours:?}, and {theirs:?} in the chart");
            found.push((what, None));
        }
    }
    Ok(found)
}

fn compare(kustomize: &Objects, helm: &Objects, found: &mut Vec<(String, Option<usize>)>) {
    let all: BTreeSet<_> = kustomize.keys().chain(helm.keys()).collect();
    for id @ (kind, name) in all {
        let mut differs = |path: &str, what: String| {
            let named = KNOWN_DIFFERENCES
                .iter()
                .position(|one| one.matches(kind, name, path));
            found.push((format!("{kind} {name}: {what}"), named));
        };
        match (kustomize.get(id), helm.get(id)) {
            (Some(ours), Some(theirs)) => {
                let paths: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
                for path in paths {
                    let (ours, theirs) = (ours.get(path), theirs.get(path));
                    if ours != theirs {
                        differs(
                            path,
                            format!("{path} is {ours:?}, and {theirs:?} in the chart"),
                        );
                    }
                }
            }
            (Some(_), None) => differs("", "the chart has none".to_owned()),
            _ => differs("", "only the chart has it".to_owned()),
        }
    }
}

/// The migration's environment, from whatever source in either: variables, and the Secrets that contain more.
fn migration_environment(objects: &Objects) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
    let id = |kind: &str, name: &str| (kind.to_owned(), name.to_owned());
    let mut environment = BTreeMap::new();
    let Some(job) = objects.get(&id("Job", "migrate")) else {
        return environment;
    };
    let container = "spec/template/spec/containers/0/";
    let leaves = job
        .iter()
        .filter_map(|(path, value)| Some((path.strip_prefix(container)?, text(value))));
    for (path, value) in leaves {
        if let Some(variable) = path
            .strip_suffix("/name")
            .filter(|path| path.starts_with("env/"))
        {
            let place = format!("{container}{variable}/value");
            environment.insert(value, job.get(&place).map(text).unwrap_or_default());
        } else if path.ends_with("/configMapRef/name") {
            let data = objects.get(&id("ConfigMap", &value)).into_iter().flatten();
            environment.extend(data.filter_map(|(path, value)| {
                Some((path.strip_prefix("data/")?.to_owned(), text(value)))
            }));
        } else if path.ends_with("/secretRef/name") {
            environment.insert(format!("what the Secret {value} has"), String::new());
        }
    }
    environment
}

fn chart(project: &Project) -> Option<PathBuf> {
    let chart = project.path("chart");
    chart.is_dir().then_some(chart)
}

fn environments(project: &Project) -> Result<Vec<PathBuf>> {
    files(project, |path| {
        path.parent() == Some(Path::new("chart"))
            && path.to_string_lossy().starts_with("chart/values-")
    })
}

fn render(project: &Project, values: &Path, namespace: &str) -> Result<String> {
    template(project, values, namespace, &[])
}

fn template(project: &Project, values: &Path, namespace: &str, more: &[&str]) -> Result<String> {
    let mut helm = tool("helm")?;
    helm.args(["template", "release"])
        .arg(project.path("chart"));
    run(helm
        .args(["--namespace", namespace])
        .arg("--values")
        .arg(values)
        .args(more))
}

/// The same objects as Kubernetes reads them: in YAML 1.1, 0440 is a number.
fn normalized(manifests: &str) -> Result<String> {
    let place = tempfile::tempdir()?;
    fs::write(place.path().join("chart.yaml"), manifests)?;
    fs::write(
        place.path().join("kustomization.yaml"),
        "resources: [chart.yaml]\n",
    )?;
    run(tool("kubectl")?.arg("kustomize").arg(place.path()))
}

/// kustomize's objects, with the ConfigMap under its name in the base.
fn without_hash(manifests: &str) -> Result<String> {
    let mut text = manifests.to_owned();
    for document in documents(manifests)? {
        if document["kind"] == "ConfigMap" {
            let hashed = document["metadata"]["name"]
                .as_str()
                .context("a ConfigMap without a name")?;
            let (name, _) = hashed
                .rsplit_once('-')
                .context("a ConfigMap without a hash")?;
            text = text.replace(hashed, name);
        }
    }
    Ok(text)
}

fn namespace(manifests: &str) -> Result<String> {
    let documents = documents(manifests)?;
    let namespace = documents
        .iter()
        .find(|document| document["kind"] == "Namespace");
    let name = namespace.and_then(|namespace| namespace["metadata"]["name"].as_str());
    Ok(name.context("kustomize renders no Namespace")?.to_owned())
}

fn objects(manifests: &str) -> Result<Objects> {
    let mut objects = Objects::new();
    for document in documents(manifests)? {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let id = (text(&document["kind"]), text(&document["metadata"]["name"]));
        let mut leaves = BTreeMap::new();
        flatten(String::new(), &document, &mut leaves);
        ensure!(
            objects.insert(id.clone(), leaves).is_none(),
            "{id:?} exists twice"
        );
    }
    Ok(objects)
}

/// The objects in a stream of manifests.
pub fn documents(manifests: &str) -> Result<Vec<Value>> {
    let mut documents = Vec::new();
    for document in serde_norway::Deserializer::from_str(manifests) {
        let document = Value::deserialize(document)?;
        if !document.is_null() {
            documents.push(document);
        }
    }
    Ok(documents)
}

fn flatten(path: String, value: &Value, leaves: &mut BTreeMap<String, Value>) {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}/{key}")
        }
    };
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            fields
                .iter()
                .for_each(|(key, value)| flatten(below(key), value, leaves));
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, value)| flatten(below(&index.to_string()), value, leaves));
        }
        _ => {
            leaves.insert(path, value.clone());
        }
    }
}

/// For all selections; and each listed difference does occur.
#[test]
#[ignore = "needs the validators: tests/run generated"]
fn chart_renders_the_same_objects_as_kustomize() -> Result<()> {
    let mut used = BTreeSet::new();
    for arguments in [
        "--preset minimal --with helm",
        "--preset minimal --with helm --without config,telemetry,release-profile,docker",
        "--preset standard --with helm",
        "--preset standard --with helm --without telemetry,traces,openapi,postgres,hardening,monitoring",
        "--preset standard --with helm --set k8s.ingress-class=nginx --set k8s.issuer=",
        "--preset full --set tls.at=pod",
        "--preset full --set tls.at=pod --set k8s.ingress-class=nginx --set monitoring.operator=false",
        "--preset full --set tls.at=ingress --set k8s.namespace=shop --set k8s.replicas=3 --set backup.encryption=gpg --set backup.endpoint=http://minio.storage:9000",
    ] {
        let project = Project::new("chart", arguments)?;
        passes_helm_lint(&project).with_context(|| arguments.to_owned())?;
        matches_kustomize(&project).with_context(|| arguments.to_owned())?;
        used.extend(
            differences(&project)?
                .into_iter()
                .filter_map(|(_, named)| named),
        );
    }
    let unused: Vec<&String> = (KNOWN_DIFFERENCES.iter().enumerate())
        .filter(|(index, _)| !used.contains(index))
        .map(|(_, named)| &named.why)
        .collect();
    ensure!(unused.is_empty(), "nothing differs in {unused:?}");
    Ok(())
}
