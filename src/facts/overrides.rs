//! Facts that a crate declares itself: `[package.metadata.prodify]` in its manifest overrides what its sources show.

use std::num::NonZero;

use anyhow::Result;
use cargo_metadata::Package;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::evidence::{Certainty, Found};
use super::inspection::Inspection;
use super::program::ProgramKind;
use super::toml::TomlFile;
use crate::error::{Usage, did_you_mean};

/// The table in a manifest.
const TABLE: [&str; 3] = ["package", "metadata", "prodify"];

/// The keys of the table.
const KEYS: [&str; 6] = [
    "kind",
    "liveness",
    "metrics",
    "metrics-port",
    "port",
    "readiness",
];

/// Applies what the package declares for all its binaries, and then the table named after the binary in question.
///
/// # Errors
///
/// [`Usage`], naming the manifest and the key, if a declaration is not valid.
pub fn apply(package: &Package, manifest: &TomlFile, inspection: &mut Inspection) -> Result<()> {
    let Some(all) = package.metadata.get("prodify") else {
        return Ok(());
    };
    let overrides = Overrides { package, manifest };
    let all = overrides.table(all, &TABLE.join("."))?;
    for (key, value) in all {
        overrides.apply(inspection, &[key], value)?;
    }
    let bin = inspection.package.bin.value.clone();
    if let Some(own) = all.get(&bin).filter(|_| !KEYS.contains(&bin.as_str())) {
        for (key, value) in overrides.table(own, &bin)? {
            overrides.apply(inspection, &[&bin, key], value)?;
        }
    }
    Ok(())
}

struct Overrides<'m> {
    package: &'m Package,
    manifest: &'m TomlFile,
}

impl Overrides<'_> {
    fn table<'v>(&self, value: &'v Value, key: &str) -> Result<&'v Map<String, Value>> {
        value
            .as_object()
            .ok_or_else(|| self.invalid(&format!("`{key}` must be a table")))
    }

    fn apply(&self, inspection: &mut Inspection, key: &[&str], value: &Value) -> Result<()> {
        let path: Vec<&str> = TABLE.iter().chain(key).copied().collect();
        let evidence = || vec![self.manifest.evidence_or_file(&path)];
        let found = |text: String| Some(Found::new(text, Certainty::Certain, evidence()));
        let name = key.last().copied().unwrap_or_default();
        let listening = &mut inspection.listening;
        let routes = &mut inspection.routes;
        match name {
            "kind" => {
                let must = "`server`, `worker` or `command`";
                let kind: ProgramKind = self.read(name, value, must)?;
                inspection.program.kind = Found::new(kind, Certainty::Certain, evidence());
            }
            "port" | "metrics-port" => {
                let port: NonZero<u16> = self.read(name, value, "a number from 1 to 65535")?;
                let port = Found::new(port.get(), Certainty::Certain, evidence());
                match name {
                    "port" => listening.port = Some(port),
                    _ => listening.metrics_port = Some(port),
                }
            }
            "liveness" => routes.liveness = found(self.path(name, value)?),
            "readiness" => routes.readiness = found(self.path(name, value)?),
            "metrics" => routes.metrics = found(self.path(name, value)?),
            bin if key.len() == 1 && self.package.targets.iter().any(|it| it.name == bin) => {}
            unknown => {
                let near = did_you_mean(unknown, KEYS);
                return Err(self.invalid(&format!("there is no `{unknown}`{near}")));
            }
        }
        Ok(())
    }

    fn path(&self, key: &str, value: &Value) -> Result<String> {
        let must = "a path that begins with a slash";
        let path: String = self.read(key, value, must)?;
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'#');
        if path.starts_with('/') && path.bytes().all(is_plain) {
            return Ok(path);
        }
        Err(self.invalid(&format!("`{key}` must be {must}")))
    }

    fn read<T: for<'de> Deserialize<'de>>(
        &self,
        key: &str,
        value: &Value,
        must: &str,
    ) -> Result<T> {
        T::deserialize(value).map_err(|_| self.invalid(&format!("`{key}` must be {must}")))
    }

    fn invalid(&self, what: &str) -> anyhow::Error {
        let table = TABLE.join(".");
        Usage::new(format!("{}: [{table}]: {what}", self.manifest.display_path)).into()
    }
}
