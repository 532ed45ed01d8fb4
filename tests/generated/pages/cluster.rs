//! What kubectl would find in the cluster.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Result, ensure};
use serde::Deserialize as _;
use serde_json::Value;

use crate::project::Project;
use crate::validators::{files, render_overlays};

/// The objects in the cluster after the overlays are applied, and the Secrets that they need are created.
pub struct Cluster {
    objects: BTreeSet<(String, String)>,
    labels: BTreeSet<String>,
    text: String,
}

impl Cluster {
    pub fn new(project: &Project) -> Result<Self> {
        let mut cluster = Self {
            objects: BTreeSet::new(),
            labels: BTreeSet::new(),
            text: String::new(),
        };
        let examples = files(project, |path| {
            path.to_string_lossy().ends_with(".example.yaml")
        })?;
        for path in render_overlays(project)?.into_iter().chain(examples) {
            let text = fs::read_to_string(&path)?;
            for document in serde_norway::Deserializer::from_str(&text) {
                let object = Value::deserialize(document)?;
                let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
                let name = object["metadata"]["name"].as_str().unwrap_or_default();
                cluster.objects.insert((kind, name.to_owned()));
                cluster.collect_labels(&object);
            }
            cluster.text.push_str(&text);
        }
        Ok(cluster)
    }

    /// Collects the labels of an object and of its pods.
    fn collect_labels(&mut self, value: &Value) {
        let Some(fields) = value.as_object() else {
            return;
        };
        for (name, field) in fields {
            let labels = field.as_object().filter(|_| name == "labels");
            let labels = labels.into_iter().flatten();
            self.labels.extend(
                labels.filter_map(|(label, value)| Some(format!("{label}={}", value.as_str()?))),
            );
            self.collect_labels(field);
        }
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        let kind = match kind {
            "hpa" => "horizontalpodautoscaler",
            kind => kind.trim_end_matches('s'),
        };
        let known = self.objects.iter().any(|(there, _)| there == kind);
        // For other kinds of resource, the name must at least occur in the manifests.
        if known {
            self.objects.contains(&(kind.to_owned(), name.to_owned()))
        } else {
            self.text.contains(name)
        }
    }

    /// Everything that a command names exists, or is created by a command of these pages.
    pub fn check_command(&self, arguments: &[&str]) -> Result<()> {
        let mut rest = arguments.iter().copied().peekable();
        let mut plain = Vec::new();
        while let Some(argument) = rest.next() {
            let (flag, value) = match argument.split_once('=') {
                Some((flag, value)) if flag.starts_with('-') => (flag, Some(value)),
                _ => (argument, None),
            };
            let mut value = || value.or_else(|| rest.next()).unwrap_or_default();
            match flag {
                "-n" => {
                    let name = value();
                    ensure!(
                        self.has("namespace", name)
                            || self.text.contains(&format!("metadata.name: {name}\n")),
                        "there is no namespace {name}"
                    );
                }
                "-l" => {
                    let label = value();
                    let of_a_service = label
                        .strip_prefix("kubernetes.io/service-name=")
                        .is_some_and(|name| self.has("service", name));
                    ensure!(
                        of_a_service || self.labels.contains(label),
                        "nothing has the label {label}"
                    );
                }
                "--from" => plain.push(value()),
                "-o" | "-k" | "--for" | "--timeout" | "--since" | "--tail" | "--type"
                | "--patch" | "--patch-file" | "--sort-by" | "--selector" | "--replicas"
                | "--image" | "-f" => {
                    value();
                }
                _ if flag.starts_with('-') => {}
                _ => plain.push(argument),
            }
        }
        for (kind, name) in plain.iter().filter_map(|one| one.split_once('/')) {
            ensure!(
                plain[0] == "kustomize" || is_created_by_pages(kind, name) || self.has(kind, name),
                "there is no {kind} {name}"
            );
        }
        if let ["get" | "describe" | "patch" | "delete", kind, name] = plain[..] {
            ensure!(
                is_created_by_pages(kind, name) || self.has(kind, name),
                "there is no {kind} {name}"
            );
        }
        Ok(())
    }
}

/// Whether it is an object that the pages themselves create.
fn is_created_by_pages(kind: &str, name: &str) -> bool {
    kind == "job" && (name.starts_with("first-") || name.ends_with("-now"))
}
