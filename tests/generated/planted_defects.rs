//! Each validator finds a defect in a file that it accepts otherwise, so none of them passes without checking.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::charts;
use crate::dashboards;
use crate::monitoring;
use crate::pages;
use crate::project::Project;
use crate::servers::Servers;
use crate::service;
use crate::validators::{self, Validator};

/// The page that defects are planted in.
const RUNBOOK: &str = "docs/runbook.md";

/// The files about alerts that defects are planted in.
const ALERTS: &str = "monitoring/prometheus/rules/alerts.yml";
const ALERTMANAGER: &str = "monitoring/alertmanager/alertmanager.yml";

/// A job to append to a workflow, whose last key is `jobs`.
const JOB: &str = "  planted:\n    runs-on: ubuntu-24.04\n    timeout-minutes: 5\n    steps:\n";

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn hadolint_finds_a_root_user() -> Result<()> {
    finds(validators::hadolint, "DL3002", "Dockerfile", |text| {
        format!("{text}USER root\n")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn actionlint_finds_an_undefined_property() -> Result<()> {
    finds(
        validators::actionlint,
        "property \"planted\" is not defined",
        ".github/workflows/ci.yml",
        |text| format!("{text}{JOB}      - run: echo ${{{{ matrix.planted }}}}\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn shellcheck_finds_an_unquoted_variable_in_a_workflow() -> Result<()> {
    finds(
        validators::actionlint,
        "SC2086",
        ".github/workflows/ci.yml",
        |text| format!("{text}{JOB}      - run: rm $PLANTED\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn zizmor_finds_an_unpinned_action() -> Result<()> {
    finds(
        validators::zizmor,
        "unpinned-uses",
        ".github/workflows/ci.yml",
        |text| format!("{text}{JOB}      - uses: actions/checkout@v7\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn workflow_schema_finds_an_unknown_key() -> Result<()> {
    finds(
        validators::workflow_schema,
        "planted",
        ".github/workflows/ci.yml",
        |text| format!("{text}planted: true\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn dependabot_schema_finds_an_unknown_key() -> Result<()> {
    finds(
        validators::dependabot_schema,
        "planted",
        ".github/dependabot.yml",
        |text| format!("{text}planted: true\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn compose_finds_a_missing_service() -> Result<()> {
    finds(
        validators::compose,
        "depends on undefined service",
        "compose.yaml",
        |text| text.replace("\n  db:\n    image:", "\n  planted:\n    image:"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn compose_schema_finds_an_unknown_key() -> Result<()> {
    finds(
        validators::compose_schema,
        "planted",
        "compose.yaml",
        |text| format!("{text}planted: true\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn dclint_finds_a_port_on_all_interfaces() -> Result<()> {
    finds(
        validators::dclint,
        "no-unbound-port-interfaces",
        "compose.yaml",
        |text| text.replace("127.0.0.1:${GRAFANA_PORT", "${GRAFANA_PORT"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn dashboard_schema_finds_an_unknown_key() -> Result<()> {
    finds(
        dashboards::match_grafana_schema,
        "may only specify known properties",
        "monitoring/grafana/dashboards/service.json",
        |text| text.replacen("\"uid\":", "\"planted\": true,\n  \"uid\":", 1),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn dashboard_schema_finds_an_invalid_panel_option() -> Result<()> {
    finds(
        dashboards::match_grafana_schema,
        "\"planted\"",
        "monitoring/grafana/dashboards/process.json",
        |text| {
            text.replacen(
                "\"showPoints\": \"never\"",
                "\"showPoints\": \"planted\"",
                1,
            )
        },
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn loki_grammar_finds_an_invalid_query() -> Result<()> {
    finds(
        dashboards::have_valid_loki_queries,
        "not understood",
        "monitoring/grafana/dashboards/logs.json",
        |text| text.replacen("| json |", "| jso n |", 1),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn kustomize_finds_a_missing_component() -> Result<()> {
    finds(
        validators::kubernetes,
        "nowhere",
        "k8s/overlays/production/kustomization.yaml",
        |text| format!("{text}components:\n  - nowhere\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn kubernetes_validate_finds_an_unknown_field() -> Result<()> {
    finds(
        validators::kubernetes,
        "planted",
        "k8s/base/service.yaml",
        |text| format!("{text}planted: true\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn trivy_finds_a_writable_root() -> Result<()> {
    finds(
        validators::trivy,
        "KSV-0014",
        "k8s/base/deployment.yaml",
        |text| {
            text.replace(
                "readOnlyRootFilesystem: true",
                "readOnlyRootFilesystem: false",
            )
        },
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn helm_finds_a_template_without_an_end() -> Result<()> {
    finds(
        charts::passes_helm_lint,
        "unexpected EOF",
        "chart/templates/service.yaml",
        |text| format!("{text}{{{{- if .Values.env }}}}\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn values_schema_finds_text_instead_of_a_number() -> Result<()> {
    finds(
        charts::passes_helm_lint,
        "got string, want integer",
        "chart/values-staging.yaml",
        |text| text.replace("min: 1", "min: one"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn values_schema_finds_an_unknown_key() -> Result<()> {
    finds(
        charts::passes_helm_lint,
        "'planted' not allowed",
        "chart/values.yaml",
        |text| format!("{text}planted: true\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn tag_check_finds_an_image_without_the_tag() -> Result<()> {
    finds(
        charts::sets_image_tags,
        ":0.0.0",
        "chart/templates/deployment.yaml",
        |text| text.replace(".Values.image ", r#"(omit .Values.image "tag") "#),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn chart_refuses_a_maximum_below_the_minimum() -> Result<()> {
    finds(
        charts::matches_kustomize,
        "replicas.min (3) must not be greater than replicas.max (2)",
        "chart/values-staging.yaml",
        |text| text.replace("min: 1", "min: 3"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn chart_comparison_finds_a_different_migration_environment() -> Result<()> {
    finds(
        charts::matches_kustomize,
        "the environment of Job migrate",
        "chart/templates/migration.yaml",
        |text| text.replace("{{ $name }}", "{{ $name }}_PLANTED"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn kubernetes_validate_finds_an_unknown_field_in_a_chart() -> Result<()> {
    finds(
        validators::kubernetes,
        "planted",
        "chart/templates/disruption-budget.yaml",
        |text| format!("{text}planted: true\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn trivy_finds_a_writable_root_in_a_chart() -> Result<()> {
    finds(
        validators::trivy,
        "KSV-0014",
        "chart/templates/deployment.yaml",
        |text| {
            text.replace(
                "readOnlyRootFilesystem: true",
                "readOnlyRootFilesystem: false",
            )
        },
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn chart_comparison_finds_a_different_value() -> Result<()> {
    finds(
        charts::matches_kustomize,
        "Deployment planted: spec/template/spec/containers/0/livenessProbe/periodSeconds",
        "chart/templates/deployment.yaml",
        |text| text.replace("periodSeconds: 10\n", "periodSeconds: 11\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn chart_comparison_finds_a_missing_object() -> Result<()> {
    finds(
        charts::matches_kustomize,
        "PodDisruptionBudget planted: the chart has none",
        "chart/templates/disruption-budget.yaml",
        |_| String::new(),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn page_check_finds_an_unknown_flag() -> Result<()> {
    finds(
        pages::instructions_work,
        "unknown flag: --planted",
        RUNBOOK,
        |text| text.replace("kubectl top pods", "kubectl top pods --planted"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn page_check_finds_an_unknown_name() -> Result<()> {
    finds(
        pages::instructions_work,
        "there is no deployment unplanted",
        RUNBOOK,
        |text| text.replace("rollout undo deployment/", "rollout undo deployment/un"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn page_check_finds_an_unknown_program() -> Result<()> {
    finds(
        pages::instructions_work,
        "command not found",
        RUNBOOK,
        |text| {
            text.replace(
                "```sh\nkubectl get deployment",
                "```sh\nplanted\nkubectl get deployment",
            )
        },
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn page_check_finds_an_unknown_panel() -> Result<()> {
    finds(
        pages::instructions_work,
        "there is no panel Planted",
        RUNBOOK,
        |text| text.replace("`Killed for memory`", "`Planted`"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn page_check_finds_an_unknown_metric() -> Result<()> {
    finds(
        pages::instructions_work,
        "nothing exposes http_planted_total",
        RUNBOOK,
        |text| text.replace("http_requests_total", "http_planted_total"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn page_check_finds_an_invalid_expression() -> Result<()> {
    finds(pages::instructions_work, "parse error", RUNBOOK, |text| {
        text.replace("sum by (outcome) (", "sum by (outcome) ((")
            .replace("[5m]))", "[5m])")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn promtool_finds_an_invalid_expression() -> Result<()> {
    finds(monitoring::rules, "parse error", ALERTS, |text| {
        text.replace("absent(up", "absent((up")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn rule_tests_find_a_different_threshold() -> Result<()> {
    finds(monitoring::rules, "ErrorBudgetBurnsFast", ALERTS, |text| {
        text.replace("> 14.4 * 0.001", "> 1440 * 0.001")
            .replace("> 6 * 0.001", "> 6000 * 0.001")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn amtool_finds_a_missing_receiver() -> Result<()> {
    finds(
        monitoring::alertmanager,
        "undefined receiver",
        ALERTMANAGER,
        |text| text.replace("receiver: ticket", "receiver: planted"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn amtool_finds_a_page_without_a_receiver() -> Result<()> {
    finds(
        monitoring::alertmanager,
        "severity=page",
        ALERTMANAGER,
        |text| text.replace("severity = page", "severity = planted"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn operator_check_finds_untested_rules() -> Result<()> {
    finds(
        monitoring::operator,
        "production.yaml: not the tested rules",
        "k8s/overlays/production/rules.yaml",
        |text| text.replace("> 14.4", "> 14.5"),
    )?;
    finds(
        monitoring::operator,
        "chart-values-production.yaml: not the tested rules",
        "chart/rules.yml",
        |text| text.replace("> 14.4", "> 14.5"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn operator_check_finds_a_monitor_without_pods() -> Result<()> {
    let monitor = "k8s/monitoring/pod-monitor.yaml";
    finds(monitoring::operator, "no such port", monitor, |text| {
        text.replace("port: metrics", "port: planted")
    })?;
    finds(monitoring::operator, "no pods", monitor, |text| {
        text.replace("component: server", "component: planted")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn alert_check_finds_an_untested_alert() -> Result<()> {
    let tests = "monitoring/prometheus/tests/process.yml";
    finds(
        monitoring::alerts,
        "no test fires FilesRunOut",
        tests,
        |text| {
            text.replace(
                "alertname=\"FilesRunOut\", service=\"planted\", alert",
                "alert",
            )
        },
    )?;
    finds(
        monitoring::alerts,
        "no test sees PodsMissing silent",
        "monitoring/prometheus/tests/pods.yml",
        |text| {
            text.replace(
                "- expr: ALERTS{alertname=\"PodsMissing\", service=\"planted\"}",
                "- expr: ALERTS",
            )
        },
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn alert_check_finds_a_broken_runbook_link_and_an_unknown_severity() -> Result<()> {
    finds(
        monitoring::alerts,
        "links to docs/runbook.md#the-service-is-down",
        RUNBOOK,
        |text| text.replace("### The service is down", "### Planted"),
    )?;
    finds(
        monitoring::alerts,
        "ErrorBudgetBurnsFast is neither a page nor a ticket",
        ALERTS,
        |text| text.replace("severity: page", "severity: planted"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn shellcheck_finds_an_unquoted_variable_in_a_script() -> Result<()> {
    finds(validators::shellcheck, "SC2086", "scripts/planted", |_| {
        "#!/bin/sh\nrm $1\n".to_owned()
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn shfmt_finds_a_tab() -> Result<()> {
    finds(validators::shfmt, "planted", "scripts/planted", |_| {
        "#!/bin/sh\nif true; then\n\ttrue\nfi\n".to_owned()
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn cargo_deny_finds_a_licence_that_is_not_on_the_list() -> Result<()> {
    finds(validators::cargo_deny, "rejected", "deny.toml", |text| {
        text.replace("\"MIT\"", "\"Zlib\"")
    })
}

#[test]
#[ignore = "slow: tests/run generated"]
fn clients_notice_dropped_requests() -> Result<()> {
    let project = Project::new("planted", "--preset standard")?;
    let servers = Servers::start(&project)?;
    let noticed = service::stops_under_load(&project, &servers, "KILL").err();
    let noticed = format!("{:#}", noticed.context("they noticed nothing")?);
    ensure!(
        noticed.contains("of a client"),
        "it was not a client that noticed: {noticed}"
    );
    Ok(())
}

/// The validator accepts a project, but no longer does once `file` is changed; its output then contains `finding`.
fn finds(validator: Validator, finding: &str, file: &str, plant: fn(&str) -> String) -> Result<()> {
    let project = Project::new("planted", "--preset standard --with helm")?;
    validator(&project).context("before the defect is planted")?;
    let path = project.path(file);
    let text = if path.exists() {
        fs::read_to_string(&path)?
    } else {
        String::new()
    };
    let planted = plant(&text);
    ensure!(planted != text, "{file} has no place for the defect");
    fs::create_dir_all(path.parent().context("a file at the root")?)?;
    fs::write(&path, planted)?;
    let error = validator(&project)
        .err()
        .with_context(|| format!("the defect in {file} was not found"))?;
    ensure!(
        format!("{error:#}").contains(finding),
        "something other than {finding} was found: {error:#}"
    );
    Ok(())
}
