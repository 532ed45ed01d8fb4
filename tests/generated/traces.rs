//! Spans, as received by a collector that is not written in Rust.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::command::{command, target};
use crate::http;
use crate::process::Service;
use crate::project::Project;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

#[test]
#[ignore = "slow: tests/run generated"]
fn spans_are_exported_over_both_protocols() -> Result<()> {
    let collector = Collector::start()?;
    for (protocol, case) in [("otlp-http", "traces_http"), ("otlp-grpc", "traces_grpc")] {
        let arguments = format!("--preset minimal --with traces --set traces.protocol={protocol}");
        let project = Project::new(case, &arguments)?;
        let endpoint = collector.endpoint(protocol)?;
        let service = Service::start_with(&project, vec![("APP__TRACES__ENDPOINT", endpoint)])?;
        let parent = format!("00-{TRACE}-{CALLER}-01");
        let response =
            http::get_with_traceparent(service.address, "/no/such/page?token=secret", &parent)?;
        ensure!(
            response.body.contains(TRACE),
            "an error without its trace id: {response:?}"
        );
        let index = http::get_with_traceparent(service.address, "/", &parent)?;
        ensure!(index.status == 200, "GET / returned {index:?}");
        let status = service.stop("TERM")?;
        ensure!(status.success(), "after SIGTERM, it ended with {status}");
    }

    let spans = collector.spans()?;
    for span in &spans {
        ensure!(span["kind"] == "SPAN_KIND_SERVER", "{span:#}");
        ensure!(span["trace_id"] == TRACE, "{span:#}");
        ensure!(span["parent_span_id"] == CALLER, "{span:#}");
        ensure!(
            span["resource"]["deployment.environment.name"] == "development",
            "{span:#}"
        );
    }
    let missing = json!({
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "url.path": "/no/such/page",
        "url.scheme": "http",
    });
    let found = json!({
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/",
        "url.path": "/",
        "url.scheme": "http",
    });
    let received: Vec<_> = spans
        .iter()
        .map(|span| {
            let name = &span["resource"]["service.name"];
            (
                name.clone(),
                span["name"].clone(),
                span["attributes"].clone(),
            )
        })
        .collect();
    let expected = ["traces_http", "traces_grpc"].map(|service| {
        [("GET", &missing), ("GET /", &found)]
            .map(|(name, attributes)| (json!(service), json!(name), attributes.clone()))
    });
    ensure!(received == expected.concat(), "{spans:#?}");
    Ok(())
}

/// `tests/tools/collector`, with its protocols and addresses.
struct Collector {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
    endpoints: Value,
}

impl Collector {
    fn start() -> Result<Self> {
        let python = target().join("tools/venv/bin/python");
        let mut process = command(&python)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools/collector"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| {
                let python = python.display();
                format!("{python} is missing: `tests/run validators` puts it there")
            })?;
        let output = process.stdout.take().context("no standard output")?;
        let mut lines = BufReader::new(output).lines();
        let endpoints = lines.next().context("the collector has ended")??;
        Ok(Self {
            process,
            lines,
            endpoints: serde_json::from_str(&endpoints)?,
        })
    }

    fn endpoint(&self, protocol: &str) -> Result<String> {
        let endpoint = self.endpoints[protocol].as_str();
        Ok(endpoint
            .context("a protocol without an address")?
            .to_owned())
    }

    /// What it has received; this stops it.
    fn spans(mut self) -> Result<Vec<Value>> {
        drop(self.process.stdin.take());
        let lines = self.lines.by_ref();
        lines
            .map(|line| Ok(serde_json::from_str(&line?)?))
            .collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        // The error of the test that ends here is the one to report.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
