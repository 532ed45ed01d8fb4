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
const OF_OTHERS: [(&str, &[&str]); 3] = [
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
const PATIENCE: Duration = Duration::from_secs(180);

/// An address in the generated configuration, at which Compose reaches the service.
const TARGET: &str = "app:9464";

pub fn has_an_answer_to_every_question(project: &Project) -> Result<()> {
    if !project.has("monitoring") {
        return Ok(());
    }
    let mut questions = rules(project)?;
    let panels = dashboards::expressions(project, "prometheus")?;
    questions.extend(panels.into_iter().map(|(place, it)| (place, chosen(&it))));
    ensure!(questions.len() > 50, "only {} questions", questions.len());

    let mut servers = Servers::of(project)?;
    let mut settings = servers.settings();
    if project.has("traces") {
        // Nothing accepts them there, which is counted.
        settings.push(("APP__TRACES__ENDPOINT", "http://127.0.0.1:1".to_owned()));
    }
    let service = Service::start_with(project, settings.clone())?;
    let mut targets = vec![service.metrics];
    let place = TempDir::new()?;
    // Only a service that serves HTTPS has a certificate that expires, and it accepts only HTTPS.
    let secured = if project.has("tls") {
        certify(place.path())?;
        settings.extend(https(place.path())?);
        Some(Service::start_with(project, settings)?)
    } else {
        None
    };
    targets.extend(secured.iter().map(|service| service.metrics));
    let prometheus = Prometheus::start(project, place.path(), &targets)?;

    let begun = Instant::now();
    await_status(service.address, "/ready", 200)?;
    fail(&service, &mut servers)?;
    let mut foreign = BTreeSet::new();
    questions.retain(|(_, question)| {
        let others = OF_OTHERS.iter().flat_map(|(_, metrics)| metrics.iter());
        let others: Vec<&str> = others
            .copied()
            .filter(|metric| words(question).any(|word| word == *metric))
            .collect();
        foreign.extend(others.iter().copied());
        others.is_empty()
    });
    while !questions.is_empty() {
        ask_for_everything(&service)?;
        thread::sleep(Duration::from_secs(5));
        // A query that has returned data once is done.
        let mut open = Vec::new();
        for (place, question) in questions {
            if !prometheus.answers(&question)? {
                open.push((place, question));
            }
        }
        questions = open;
        ensure!(
            questions.is_empty() || begun.elapsed() < PATIENCE,
            "{} expressions without a result: {questions:#?}",
            questions.len()
        );
    }

    let excepted = OF_OTHERS
        .iter()
        .filter(|(component, _)| project.has(component) && project.has("k8s"));
    let excepted: BTreeSet<&str> = excepted
        .flat_map(|(_, metrics)| metrics.iter().copied())
        .collect();
    ensure!(
        foreign == excepted,
        "asked for {foreign:?}, where {excepted:?} is excepted"
    );
    Ok(())
}

/// The queries of each rule, without their comparisons.
fn rules(project: &Project) -> Result<Vec<(String, String)>> {
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
                compared_with_nothing(expression),
            ))
        })
        .collect()
}

/// A comparison that keeps both outcomes, now instead of half an hour ago, and an expression instead of its absence.
fn compared_with_nothing(expression: &str) -> String {
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
fn chosen(expression: &str) -> String {
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
fn ask_for_everything(service: &Service) -> Result<()> {
    let mut connection = Connection::open(service.address)?;
    let (items, login) = ("/api/v1/items", "/api/v1/auth/login");
    // No two have the same name.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let item = format!(r#"{{"name":"item {}"}}"#, now.as_millis());
    let anybody = r#"{"email":"a@example.com","password":"correct horse battery"}"#;
    let somebody_else = r#"{"email":"b@example.com","password":"correct horse battery"}"#;
    for (method, path, body) in [
        ("GET", "/", ""),
        ("GET", "/health", ""),
        ("GET", "/no/such/page", ""),
        ("DELETE", "/", ""),
        ("POST", items, item.as_str()),
        ("POST", items, "not JSON"),
        ("GET", items, ""),
        ("GET", "/api/v1/items/0", ""),
        ("POST", "/api/v1/auth/register", anybody),
        ("POST", login, anybody),
        ("POST", login, somebody_else),
    ] {
        let answer = connection.ask(method, path, body)?;
        if answer.closes() {
            connection = Connection::open(service.address)?;
        }
        // What was created exists, and is read twice: the second time from the cache.
        if answer.status == 201 && path == items {
            let item: Value = serde_json::from_str(&answer.body)?;
            let id = item["id"].as_str().context("an item without an id")?;
            for _ in 0..2 {
                let answer = connection.get(&format!("{items}/{id}"))?;
                ensure!(answer.status == 200, "an item that was made: {answer:?}");
            }
        }
    }
    Ok(())
}

/// Requests that the service cannot answer.
fn fail(service: &Service, servers: &mut Servers) -> Result<()> {
    let Some(postgres) = &mut servers.postgres else {
        return Ok(());
    };
    postgres.stop()?;
    let answer = http::get(service.address, "/api/v1/items")?;
    ensure!(answer.status >= 500, "without a database: {answer:?}");
    postgres.resume()?;
    await_status(service.address, "/ready", 200)?;
    Ok(())
}

/// A self-signed certificate for a month.
fn certify(directory: &Path) -> Result<()> {
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

fn https(directory: &Path) -> Result<[(&'static str, String); 4]> {
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
        let there: Vec<String> = targets.iter().map(SocketAddr::to_string).collect();
        let text_here = text.replace(TARGET, &there.join("\", \""));
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
        prometheus.await_answer()?;
        Ok(prometheus)
    }

    fn await_answer(&mut self) -> Result<()> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if self.answers("vector(1)").is_ok() {
                return Ok(());
            }
            if let Some(status) = self.server.try_wait()? {
                bail!("Prometheus ended with {status}");
            }
            thread::sleep(Duration::from_millis(100));
        }
        bail!("Prometheus does not answer")
    }

    /// Whether the result has any series, or a number.
    fn answers(&self, question: &str) -> Result<bool> {
        let mut promtool = command("promtool");
        promtool.args(["query", "instant", "--format", "json", &self.url, question]);
        let answer: Value = serde_json::from_str(&run(&mut promtool)?)?;
        Ok(answer.as_array().is_some_and(|series| !series.is_empty()))
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // The error of the test that ends here is the one to report.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
