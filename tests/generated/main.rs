//! The output of `cargo prodify new` is built, linted, tested, run, put into an image, and checked by widely used tools.
//!
//! All of it is slow or needs tools, and is therefore ignored by default: `tests/run generated` and `tests/run image` first
//! install what is needed. The tests share a target directory and a few names in it: run them one at a time.

#![expect(
    clippy::disallowed_methods,
    reason = "tests plant files, wait, and clean up"
)]
#![expect(
    unreachable_pub,
    reason = "a test has no users: `pub` says what a module offers to the others"
)]

mod added;
mod aging;
mod api;
mod backup;
mod build;
mod charts;
mod command;
mod dashboards;
mod existing;
mod expressions;
mod faults;
mod http;
mod image;
mod manifests;
mod matrix;
mod monitoring;
#[path = "../aging/project.rs"]
mod old_project;
mod pages;
mod planted_defects;
mod process;
mod project;
mod published;
#[path = "../fast/round_trip.rs"]
mod round_trip;
#[path = "../fast/selections.rs"]
mod selections;
mod servers;
mod service;
mod traces;
mod validators;
mod wired;

/// A module per selection, with every check as a test in it, and additional tests where they apply.
macro_rules! selections {
    ($($case:ident: $arguments:literal $(=> { $($more:tt)+ })?,)+) => {$(
        mod $case {
            use crate::project::LazyProject;

            static PROJECT: LazyProject = LazyProject::new(stringify!($case), $arguments);

            checks! {
                build::is_formatted,
                build::passes_clippy,
                build::passes_its_tests,
                build::has_valid_query_metadata,
                pages::documented_sql_queries_run,
                build::is_documented,
                service::routes_respond,
                service::loses_no_request,
                service::rejects_invalid_settings,
                validators::passes_all_validators,
                $($($more)+)?
            }
        }
    )+};
}

macro_rules! checks {
    ($($module:ident::$check:ident,)+) => {$(
        #[test]
        #[ignore = "slow: tests/run generated"]
        fn $check() -> anyhow::Result<()> {
            crate::$module::$check(PROJECT.get()?)
        }
    )+};
}

selections! {
    minimal: "--preset minimal",
    standard: "--preset standard" => {
        expressions::every_query_returns_data,
        faults::loses_no_request_in_ten_rollouts,
        faults::survives_a_database_outage,
        faults::survives_clients_that_never_read,
        faults::survives_slow_clients,
        faults::survives_too_many_clients,
        faults::survives_a_blocked_log,
    },
    full: "--preset full --set tls.at=pod --set ci.check=true" => {
        api::conforms_to_its_openapi_document,
        expressions::every_query_returns_data,
        faults::loses_no_request_in_ten_rollouts,
        faults::survives_a_database_outage,
        faults::survives_a_cache_outage,
        faults::survives_clients_that_never_read,
        faults::survives_slow_clients,
        faults::survives_too_many_clients,
        faults::survives_a_blocked_log,
    },
    service_alone: "--preset minimal --without config,telemetry,release-profile,docker",
}
