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
fn hadolint_finds_root() -> Result<()> {
    finds(validators::hadolint, "DL3002", "Dockerfile", |text| {
        format!("{text}USER root\n")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn actionlint_finds_a_context_that_is_missing() -> Result<()> {
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
fn zizmor_finds_an_action_that_is_not_pinned() -> Result<()> {
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
fn compose_finds_a_service_that_is_missing() -> Result<()> {
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
fn dclint_finds_a_port_that_is_open_to_others() -> Result<()> {
    finds(
        validators::dclint,
        "no-unbound-port-interfaces",
        "compose.yaml",
        |text| text.replace("127.0.0.1:${GRAFANA_PORT", "${GRAFANA_PORT"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn the_schema_of_dashboards_finds_an_unknown_key() -> Result<()> {
    finds(
        dashboards::keep_to_the_schema,
        "may only specify known properties",
        "monitoring/grafana/dashboards/service.json",
        |text| text.replacen("\"uid\":", "\"planted\": true,\n  \"uid\":", 1),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn the_schema_of_dashboards_finds_an_option_that_a_panel_does_not_have() -> Result<()> {
    finds(
        dashboards::keep_to_the_schema,
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
fn the_grammar_of_loki_finds_a_query_that_is_none() -> Result<()> {
    finds(
        dashboards::ask_loki_what_it_understands,
        "not understood",
        "monitoring/grafana/dashboards/logs.json",
        |text| text.replacen("| json |", "| jso n |", 1),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn kustomize_finds_a_base_that_is_missing() -> Result<()> {
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
        charts::lints,
        "unexpected EOF",
        "chart/templates/service.yaml",
        |text| format!("{text}{{{{- if .Values.env }}}}\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn the_schema_of_the_values_finds_a_text_for_a_number() -> Result<()> {
    finds(
        charts::lints,
        "got string, want integer",
        "chart/values-staging.yaml",
        |text| text.replace("min: 1", "min: one"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn the_schema_of_the_values_finds_a_name_that_is_none() -> Result<()> {
    finds(
        charts::lints,
        "'planted' not allowed",
        "chart/values.yaml",
        |text| format!("{text}planted: true\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_chart_is_found_that_does_not_take_the_tag() -> Result<()> {
    finds(
        charts::names_images_of_a_release,
        ":0.0.0",
        "chart/templates/deployment.yaml",
        |text| text.replace(".Values.image ", r#"(omit .Values.image "tag") "#),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_chart_refuses_fewer_pods_at_most_than_at_least() -> Result<()> {
    finds(
        charts::agrees,
        "replicas.min (3) must not be greater than replicas.max (2)",
        "chart/values-staging.yaml",
        |text| text.replace("min: 1", "min: 3"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn the_comparison_finds_another_environment_of_the_migration() -> Result<()> {
    finds(
        charts::agrees,
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
fn the_comparison_finds_another_value_in_a_chart() -> Result<()> {
    finds(
        charts::agrees,
        "Deployment planted: spec/template/spec/containers/0/livenessProbe/periodSeconds",
        "chart/templates/deployment.yaml",
        |text| text.replace("periodSeconds: 10\n", "periodSeconds: 11\n"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn the_comparison_finds_an_object_that_a_chart_lacks() -> Result<()> {
    finds(
        charts::agrees,
        "PodDisruptionBudget planted: the chart has none",
        "chart/templates/disruption-budget.yaml",
        |_| String::new(),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_page_with_an_unknown_flag_is_found() -> Result<()> {
    finds(pages::hold, "unknown flag: --planted", RUNBOOK, |text| {
        text.replace("kubectl top pods", "kubectl top pods --planted")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_page_with_an_unknown_name_is_found() -> Result<()> {
    finds(
        pages::hold,
        "there is no deployment unplanted",
        RUNBOOK,
        |text| text.replace("rollout undo deployment/", "rollout undo deployment/un"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_page_with_an_unknown_program_is_found() -> Result<()> {
    finds(pages::hold, "command not found", RUNBOOK, |text| {
        text.replace(
            "```sh\nkubectl get deployment",
            "```sh\nplanted\nkubectl get deployment",
        )
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_page_that_leads_to_no_panel_is_found() -> Result<()> {
    finds(pages::hold, "there is no panel Planted", RUNBOOK, |text| {
        text.replace("`Killed for memory`", "`Planted`")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_page_with_an_expression_of_nothing_is_found() -> Result<()> {
    finds(
        pages::hold,
        "nothing exposes http_planted_total",
        RUNBOOK,
        |text| text.replace("http_requests_total", "http_planted_total"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_page_with_an_expression_that_is_none_is_found() -> Result<()> {
    finds(pages::hold, "parse error", RUNBOOK, |text| {
        text.replace("sum by (outcome) (", "sum by (outcome) ((")
            .replace("[5m]))", "[5m])")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn promtool_finds_an_expression_that_is_none() -> Result<()> {
    finds(monitoring::rules, "parse error", ALERTS, |text| {
        text.replace("absent(up", "absent((up")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_test_of_the_rules_finds_another_threshold() -> Result<()> {
    finds(monitoring::rules, "ErrorBudgetBurnsFast", ALERTS, |text| {
        text.replace("> 14.4 * 0.001", "> 1440 * 0.001")
            .replace("> 6 * 0.001", "> 6000 * 0.001")
    })
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn amtool_finds_a_receiver_that_is_missing() -> Result<()> {
    finds(
        monitoring::alertmanager,
        "undefined receiver",
        ALERTMANAGER,
        |text| text.replace("receiver: ticket", "receiver: planted"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn amtool_finds_a_page_that_nobody_gets() -> Result<()> {
    finds(
        monitoring::alertmanager,
        "severity=page",
        ALERTMANAGER,
        |text| text.replace("severity = page", "severity = planted"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn rules_that_are_not_those_that_are_tested_are_found() -> Result<()> {
    finds(
        monitoring::operator,
        "production.yaml: other rules than are tested",
        "k8s/overlays/production/rules.yaml",
        |text| text.replace("> 14.4", "> 14.5"),
    )?;
    finds(
        monitoring::operator,
        "chart-values-production.yaml: other rules than are tested",
        "chart/rules.yml",
        |text| text.replace("> 14.4", "> 14.5"),
    )
}

#[test]
#[ignore = "needs the validators: tests/run generated"]
fn a_monitor_of_pods_that_are_not_there_is_found() -> Result<()> {
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
fn an_alert_that_is_not_tested_is_found() -> Result<()> {
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
fn an_alert_that_leads_nowhere_is_found() -> Result<()> {
    finds(
        monitoring::alerts,
        "leads to docs/runbook.md#the-service-is-down",
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
fn cargo_deny_finds_a_licence_that_is_not_allowed() -> Result<()> {
    finds(validators::cargo_deny, "rejected", "deny.toml", |text| {
        text.replace("\"MIT\"", "\"Zlib\"")
    })
}

#[test]
#[ignore = "slow: tests/run generated"]
fn clients_notice_a_service_that_drops_them() -> Result<()> {
    let project = Project::new("planted", "--preset standard")?;
    let servers = Servers::of(&project)?;
    let noticed = service::stops_under_load(&project, &servers, "KILL").err();
    let noticed = format!("{:#}", noticed.context("they noticed nothing")?);
    ensure!(
        noticed.contains("of a client"),
        "it was not them: {noticed}"
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
    let said = validator(&project)
        .err()
        .with_context(|| format!("the defect in {file} was not found"))?;
    ensure!(
        format!("{said:#}").contains(finding),
        "something else than {finding} was found: {said:#}"
    );
    Ok(())
}
