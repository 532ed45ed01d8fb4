//! The facts about a crate, as text for people: one fact per line, with its evidence.

use std::fmt::Write as _;

use super::page::Page;
use crate::facts::configuration::Variable;
use crate::facts::dependency_sources::SourceKind;
use crate::facts::files::When;
use crate::facts::inspection::{Inspection, Resolution};
use crate::facts::problems::Severity;
use crate::facts::program::{ProgramKind, Protocol};
use crate::facts::workspace::Layout;
use crate::shell::count;

/// The whole text; with all evidence, or with the best for each fact.
pub(super) fn text(found: &Inspection, all: bool) -> String {
    let mut page = Page::new(all);
    page.head(found);
    page.package(found);
    page.workspace(found);
    page.program(found);
    page.configuration(found);
    page.database(found);
    page.system(found);
    page.problems(found);
    page.text
}

impl Page {
    fn head(&mut self, found: &Inspection) {
        let package = &found.package;
        let names: Vec<&str> = found
            .program
            .frameworks
            .iter()
            .map(|framework| framework.value.name.as_str())
            .collect();
        let kind = match found.program.kind.value {
            ProgramKind::Server if !names.is_empty() => {
                format!("a server made with {}", names.join(" and "))
            }
            kind => kind.to_string(),
        };
        let (name, version) = (&package.name.value, &package.version.value);
        let _ = writeln!(self.text, "{name} {version}: {kind}");
    }

    fn package(&mut self, found: &Inspection) {
        let package = &found.package;
        self.section("package");
        self.fact("name", &package.name, Clone::clone);
        self.fact("binary", &package.bin, Clone::clone);
        let others = package
            .bins
            .iter()
            .filter(|bin| bin.value.name != package.bin.value);
        for bin in others {
            self.fact("other binary", bin, |bin| bin.name.clone());
        }
        let chosen = package
            .bins
            .iter()
            .find(|bin| bin.value.name == package.bin.value);
        if let Some(bin) = chosen.filter(|bin| !bin.value.required_features.is_empty()) {
            self.fact("needs features", bin, |bin| {
                bin.required_features.join(", ")
            });
        }
        self.fact("edition", &package.edition, Clone::clone);
        self.optional_fact("rust-version", package.rust_version.as_ref(), Clone::clone);
        self.optional_fact("library", package.library.as_ref(), Clone::clone);
        for feature in &package.features {
            self.fact("feature", feature, |feature| {
                let default = if feature.default { " (default)" } else { "" };
                format!("{}{default}", feature.name)
            });
        }
        self.facts("build script", &package.build_scripts, Clone::clone);
        self.facts("dependency", &package.sources, |source| {
            let kind = match source.kind {
                SourceKind::Member => "member",
                SourceKind::Path => "path",
                SourceKind::Outside => "outside of the workspace",
                SourceKind::Git => "git",
                SourceKind::Registry => "registry",
            };
            format!("{} ({kind}: {})", source.name, source.place)
        });
    }

    fn workspace(&mut self, found: &Inspection) {
        let workspace = &found.workspace;
        self.section("workspace");
        let members = count(workspace.members.len(), "package");
        self.fact("layout", &workspace.kind, |kind| match kind {
            Layout::Package => "a package on its own".to_owned(),
            Layout::Rooted => format!("{members}, one at the top"),
            Layout::Virtual => format!("{members}, none at the top"),
        });
        if workspace.kind.value != Layout::Package {
            // Listing all members of a large workspace would hide the rest.
            let used = workspace.members.iter().filter(|member| {
                let name = &member.value.name;
                self.all || *name == found.package.name.value || uses(found).contains(name)
            });
            for member in used.collect::<Vec<_>>() {
                self.fact("member", member, |member| match &member.uses[..] {
                    [] => member.path.clone(),
                    uses => format!("{}, uses {}", member.path, uses.join(", ")),
                });
            }
        }
        match &workspace.lock {
            Some(lock) => self.fact("lock file", lock, |_| "yes".to_owned()),
            None => self.plain("lock file", "none"),
        }
        match &workspace.toolchain {
            Some(toolchain) => self.fact("toolchain", toolchain, Clone::clone),
            None => self.plain("toolchain", "none specified"),
        }
        self.optional_fact("target", found.builder.target.as_ref(), Clone::clone);
        let directory = found.builder.target_directory.as_ref();
        self.optional_fact("builds into", directory, Clone::clone);
        self.facts("wrapper", &found.builder.wrappers, |wrapper| {
            format!("{}, not in an image", wrapper.name)
        });
        self.facts("registry", &found.builder.registries, Clone::clone);
        self.facts("rustflag", &found.builder.rustflags, Clone::clone);
    }

    fn program(&mut self, found: &Inspection) {
        self.section("program");
        self.fact("kind", &found.program.kind, |kind| {
            let kind = match kind {
                ProgramKind::Server => "server",
                ProgramKind::Worker => "worker",
                ProgramKind::Command => "command",
            };
            kind.to_owned()
        });
        self.facts("framework", &found.program.frameworks, |framework| {
            let protocol = match framework.protocol {
                Protocol::Http => "HTTP",
                Protocol::Grpc => "gRPC",
            };
            format!("{} ({protocol})", framework.name)
        });
        let ends_at = found.program.ends_at.as_ref();
        self.optional_fact("stops on", ends_at, ToString::to_string);
        let listening = &found.listening;
        if found.program.kind.value == ProgramKind::Server {
            match &listening.port {
                Some(port) => self.fact("port", port, ToString::to_string),
                None => self.plain("port", "not found in the sources"),
            }
        }
        self.optional_fact("host", listening.host.as_ref(), Clone::clone);
        self.facts("other port", &listening.others, ToString::to_string);
        self.optional_fact(
            "metrics port",
            listening.metrics_port.as_ref(),
            ToString::to_string,
        );
        let routes = &found.routes;
        self.optional_fact("liveness", routes.liveness.as_ref(), Clone::clone);
        self.optional_fact("readiness", routes.readiness.as_ref(), Clone::clone);
        self.optional_fact("metrics", routes.metrics.as_ref(), Clone::clone);
        self.optional_fact("gRPC health", routes.grpc_health.as_ref(), |_| {
            "yes".to_owned()
        });
        self.facts("unread", &found.unread, Clone::clone);
    }

    fn configuration(&mut self, found: &Inspection) {
        let configuration = &found.configuration;
        self.section("configuration");
        self.facts("environment", &configuration.environment, variable);
        self.facts("prefix", &configuration.prefixes, Clone::clone);
        self.facts("at build", &configuration.at_build, Clone::clone);
        self.facts("file", &configuration.files, Clone::clone);
        self.facts("reads", &found.files, |asset| {
            let when = match asset.when {
                When::Run => "at run time",
                When::Build => "at compile time",
            };
            let place = match &asset.place {
                Some(place) if *place != asset.path.trim_start_matches("./") => {
                    format!("{} at {place}", asset.path)
                }
                Some(_) => asset.path.clone(),
                None => format!("{}, which does not exist,", asset.path),
            };
            format!("{place} {when}")
        });
    }

    fn database(&mut self, found: &Inspection) {
        let database = &found.database;
        self.section("database");
        self.facts("library", &database.libraries, Clone::clone);
        self.facts("engine", &database.engines, Clone::clone);
        self.optional_fact("checked", database.checked_queries.as_ref(), |_| {
            "queries at compile time".to_owned()
        });
        self.optional_fact("offline data", database.offline_data.as_ref(), Clone::clone);
        self.facts("migrations", &database.migrations, |migrations| {
            let path = migrations.path.as_deref().unwrap_or("Rust code");
            let when = match migrations.when {
                Some(When::Build) => "in the binary",
                Some(When::Run) => "read at run time",
                None => "not run by it",
            };
            format!("{path}, {when}")
        });
    }

    fn system(&mut self, found: &Inspection) {
        let system = &found.system;
        self.section(&format!("system (Debian {})", system.suite));
        self.facts("to build", &system.build, Clone::clone);
        self.facts("to run", &system.run, Clone::clone);
        self.facts("to build", &found.builder.tools, |tool| {
            match &tool.packages[..] {
                [] => tool.name.clone(),
                packages => packages.join(", "),
            }
        });
        self.facts("starts", &found.programs, Clone::clone);
        if system.build.is_empty() && found.builder.tools.is_empty() {
            self.plain("to build", "nothing besides Rust and a C compiler");
        }
        if system.run.is_empty() {
            self.plain("to run", "nothing besides libc");
        }
        self.fact("known from", &found.resolution, |resolution| {
            let resolution = match resolution {
                Resolution::Cargo => "what cargo resolves",
                Resolution::LockFile => "Cargo.lock",
                Resolution::StaleLockFile => "Cargo.lock, which is out of date",
                Resolution::Manifests => "the manifests alone",
            };
            resolution.to_owned()
        });
    }

    fn problems(&mut self, found: &Inspection) {
        if found.problems.is_empty() {
            return;
        }
        self.text.push_str("\nproblems\n");
        for problem in &found.problems {
            let severity = match problem.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            };
            let evidence = self.evidence(&problem.evidence);
            let _ = writeln!(self.text, "  {severity}: {}  [{evidence}]", problem.what);
            let _ = writeln!(self.text, "      {}", problem.fix);
        }
    }
}

/// The members that the package depends on.
fn uses(found: &Inspection) -> &[String] {
    let members = &found.workspace.members;
    let own = members
        .iter()
        .find(|member| member.value.name == found.package.name.value);
    own.map_or(&[], |member| &member.value.uses)
}

fn variable(variable: &Variable) -> String {
    let Variable {
        name,
        default,
        optional,
    } = variable;
    match (default, optional) {
        (Some(default), _) => format!("{name}, else {default}"),
        (None, Some(true)) => format!("{name}, optional"),
        (None, Some(false)) => format!("{name}, required"),
        (None, None) => name.clone(),
    }
}
