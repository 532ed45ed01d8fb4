//! Every query of a rule or a panel to Prometheus returns data while the service is running and in use.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::command::{command, run};
use crate::dashboards;
use crate::http::{self, Connection, await_status};
use crate::process::{Service, free_port};
use crate::project::Project;
use crate::servers::Servers;

/// Metrics that are not from the service, by the component that uses them: of kube-state-metrics, cAdvisor and cert-manager,
/// which do not run here.
const FOREIGN_METRICS: [(&str, &[&str]); 3] = [
    (
        "k8s",
        &[
            "certmanager_certificate_expiration_timestamp_seconds",
            "certmanager_certificate_renewal_timestamp_seconds",
            "container_cpu_cfs_periods_total",
            "container_cpu_cfs_throttled_periods_total",
            "container_cpu_usage_seconds_total",
            "container_memory_working_set_bytes",
            "container_network_receive_bytes_total",
            "container_network_transmit_bytes_total",
            "kube_deployment_spec_replicas",
            "kube_deployment_status_replicas_available",
            "kube_horizontalpodautoscaler_spec_max_replicas",
            "kube_horizontalpodautoscaler_status_current_replicas",
            "kube_pod_container_resource_limits",
            "kube_pod_container_resource_requests",
            "kube_pod_container_status_last_terminated_reason",
            "kube_pod_container_status_restarts_total",
            "kube_pod_status_ready",
        ],
    ),
    ("postgres", &["kube_job_failed"]),
    (
        "backup",
        &[
            "kube_cronjob_created",
            "kube_cronjob_next_schedule_time",
            "kube_cronjob_status_last_successful_time",
            "kube_job_failed",
            "kube_job_status_failed",
            "kube_job_status_start_time",
        ],
    ),
];

/// Two scrapes and a rule that uses the result of another one, at the generated intervals, on a busy machine.
const TIMEOUT: Duration = Duration::from_secs(180);

/// An address in the generated configuration, at which Compose reaches the service.
const TARGET: &str = "app:9464";

pub fn every_query_returns_data(project: &Project) -> Result<()> {
    if !project.has("monitoring") {
        return Ok(());
    }
    let mut queries = rule_queries(project)?;
    let panels = dashboards::expressions(project, "prometheus")?;
    queries.extend(
        panels
            .into_iter()
            .map(|(place, it)| (place, with_variables_replaced(&it))),
    );
    ensure!(queries.len() > 50, "only {} queries", queries.len());

    let mut servers = Servers::start(project)?;
    let mut settings = servers.settings();
    if project.has("traces") {
        // Nothing accepts them there, which is counted.
        settings.push(("APP__TRACES__ENDPOINT", "http://127.0.0.1:1".to_owned()));
    }
    let service = Service::start_with(project, settings.clone())?;
    let mut targets = vec![service.metrics];
    let place = TempDir::new()?;
    // Only a service that serves HTTPS has a certificate that expires, and it accepts only HTTPS.
    let https_service = if project.has("tls") {
        create_certificate(place.path())?;
        settings.extend(https_settings(place.path())?);
        Some(Service::start_with(project, settings)?)
    } else {
        None
    };
    targets.extend(https_service.iter().map(|service| service.metrics));
    let prometheus = Prometheus::start(project, place.path(), &targets)?;

    let start = Instant::now();
    await_status(service.address, "/ready", 200)?;
    cause_server_errors(&service, &mut servers)?;
    let mut foreign = BTreeSet::new();
    queries.retain(|(_, query)| {
        let others = FOREIGN_METRICS
            .iter()
            .flat_map(|(_, metrics)| metrics.iter());
        let others: Vec<&str> = others
            .copied()
            .filter(|metric| words(query).any(|word| word == *metric))
            .collect();
        foreign.extend(others.iter().copied());
        others.is_empty()
    });
    while !queries.is_empty() {
        send_every_kind_of_request(&service)?;
        thread::sleep(Duration::from_secs(5));
        // A query that has returned data once is done.
        let mut open = Vec::new();
        for (place, query) in queries {
            if !prometheus.returns_data(&query)? {
                open.push((place, query));
            }
        }
        queries = open;
        ensure!(
            queries.is_empty() || start.elapsed() < TIMEOUT,
            "{} expressions without a result: {queries:#?}",
            queries.len()
        );
    }

    let expected_foreign = FOREIGN_METRICS
        .iter()
        .filter(|(component, _)| project.has(component) && project.has("k8s"));
    let expected_foreign: BTreeSet<&str> = expected_foreign
        .flat_map(|(_, metrics)| metrics.iter().copied())
        .collect();
    ensure!(
        foreign == expected_foreign,
        "used {foreign:?}, but expected {expected_foreign:?}"
    );
    Ok(())
}

/// The queries of each rule, without their comparisons.
fn rule_queries(project: &Project) -> Result<Vec<(String, String)>> {
    let text = fs::read_to_string(project.path("monitoring/prometheus/rules/alerts.yml"))?;
    let file: Value = serde_norway::from_str(&text)?;
    let groups = file["groups"].as_array().context("no groups of rules")?;
    let rules = groups
        .iter()
        .flat_map(|group| group["rules"].as_array().into_iter().flatten());
    rules
        .map(|rule| {
            let name = [&rule["alert"], &rule["record"]];
            let name = name.iter().find_map(|name| name.as_str());
            let expression = rule["expr"].as_str().context("a rule without one")?;
            Ok((
                name.context("a rule without a name")?.to_owned(),
                without_comparisons(expression),
            ))
        })
        .collect()
}

/// A comparison that keeps both outcomes, now instead of half an hour ago, and an expression instead of its absence.
fn without_comparisons(expression: &str) -> String {
    let mut text = String::new();
    let (mut within, mut quoted) = (0, None);
    let mut rest = expression.chars().peekable();
    while let Some(c) = rest.next() {
        text.push(c);
        match c {
            _ if quoted.is_some() => quoted = quoted.filter(|end| *end != c),
            '"' | '\'' => quoted = Some(c),
            '{' => within += 1,
            '}' => within -= 1,
            '<' | '>' | '=' | '!' if within == 0 => {
                text.extend(rest.next_if_eq(&'='));
                text.push_str(" bool ");
            }
            _ => {}
        }
    }
    text.replace("absent(", "(").replace("offset 30m", "")
}

/// For a project with all components, and a time range of a few minutes.
fn with_variables_replaced(expression: &str) -> String {
    let all = ["$namespace", "$job", "$pod", "$instance"];
    let text = all
        .iter()
        .fold(expression.to_owned(), |text, name| text.replace(name, ".*"));
    text.replace("$__rate_interval", "1m")
        .replace("$__range", "5m")
}

fn words(expression: &str) -> impl Iterator<Item = &str> {
    expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// Requests of every kind, with everything that can be wrong with one.
fn send_every_kind_of_request(service: &Service) -> Result<()> {
    let mut connection = Connection::open(service.address)?;
    let (items, login) = ("/api/v1/items", "/api/v1/auth/login");
    // No two have the same name.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let item = format!(r#"{{"name":"item {}"}}"#, now.as_millis());
    let registered = r#"{"email":"a@example.com","password":"correct horse battery"}"#;
    let unregistered = r#"{"email":"b@example.com","password":"correct horse battery"}"#;
    for (method, path, body) in [
        ("GET", "/", ""),
        ("GET", "/health", ""),
        ("GET", "/no/such/page", ""),
        ("DELETE", "/", ""),
        ("POST", items, item.as_str()),
        ("POST", items, "not JSON"),
        ("GET", items, ""),
        ("GET", "/api/v1/items/0", ""),
        ("POST", "/api/v1/auth/register", registered),
        ("POST", login, registered),
        ("POST", login, unregistered),
    ] {
        let response = connection.request(method, path, body)?;
        if response.closes() {
            connection = Connection::open(service.address)?;
        }
        // What was created exists, and is read twice: the second time from the cache.
        if response.status == 201 && path == items {
            let item: Value = serde_json::from_str(&response.body)?;
            let id = item["id"].as_str().context("an item without an id")?;
            for _ in 0..2 {
                let response = connection.get(&format!("{items}/{id}"))?;
                ensure!(
                    response.status == 200,
                    "an item that was created: {response:?}"
                );
            }
        }
    }
    Ok(())
}

/// Requests that the service cannot answer.
fn cause_server_errors(service: &Service, servers: &mut Servers) -> Result<()> {
    let Some(postgres) = &mut servers.postgres else {
        return Ok(());
    };
    postgres.stop()?;
    let response = http::get(service.address, "/api/v1/items")?;
    ensure!(response.status >= 500, "without a database: {response:?}");
    postgres.resume()?;
    await_status(service.address, "/ready", 200)?;
    Ok(())
}

/// A self-signed certificate for a month.
fn create_certificate(directory: &Path) -> Result<()> {
    run(command("openssl").current_dir(directory).args([
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "30",
        "-subj",
        "/CN=localhost",
        "-out",
        "tls.crt",
        "-keyout",
        "tls.key",
    ]))?;
    Ok(())
}

fn https_settings(directory: &Path) -> Result<[(&'static str, String); 4]> {
    let file = |name: &str| directory.join(name).display().to_string();
    Ok([
        ("APP__TLS__ENABLED", "true".to_owned()),
        ("APP__TLS__PORT", free_port()?.to_string()),
        ("APP__TLS__CERTIFICATE", file("tls.crt")),
        ("APP__TLS__KEY", file("tls.key")),
    ])
}

/// Debian's Prometheus, with the project's configuration and rules; only the service's address is different.
struct Prometheus {
    server: Child,
    url: String,
}

impl Prometheus {
    fn start(project: &Project, place: &Path, targets: &[SocketAddr]) -> Result<Self> {
        let directory = place.join("prometheus");
        run(command("cp")
            .arg("-r")
            .arg(project.path("monitoring/prometheus"))
            .arg(&directory))?;
        let path = directory.join("prometheus.yml");
        let text = fs::read_to_string(&path)?;
        let addresses: Vec<String> = targets.iter().map(SocketAddr::to_string).collect();
        let text_here = text.replace(TARGET, &addresses.join("\", \""));
        ensure!(text_here != text, "{TARGET} is not scraped: {text}");
        fs::write(&path, text_here)?;
        let address = format!("127.0.0.1:{}", free_port()?);
        let server = command("prometheus")
            .arg(format!("--config.file={}", path.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                place.join("data").display()
            ))
            .arg(format!("--web.listen-address={address}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting prometheus, which `tests/run validators` installs")?;
        let mut prometheus = Self {
            server,
            url: format!("http://{address}"),
        };
        prometheus.wait_until_ready()?;
        Ok(prometheus)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        while start.elapsed() < TIMEOUT {
            if self.returns_data("vector(1)").is_ok() {
                return Ok(());
            }
            if let Some(status) = self.server.try_wait()? {
                bail!("Prometheus ended with {status}");
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("Prometheus does not respond")
    }

    /// Whether the result has any series, or a number.
    fn returns_data(&self, query: &str) -> Result<bool> {
        let mut promtool = command("promtool");
        promtool.args(["query", "instant", "--format", "json", &self.url, query]);
        let response: Value = serde_json::from_str(&run(&mut promtool)?)?;
        Ok(response.as_array().is_some_and(|series| !series.is_empty()))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // The error of the test that ends here is the one to report.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
