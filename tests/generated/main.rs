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
mod planted;
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
            static PROJECT: crate::project::Lazy = crate::project::Lazy::new(stringify!($case), $arguments);

            checks! {
                build::is_formatted,
                build::passes_clippy,
                build::passes_its_tests,
                build::has_queries_that_are_true,
                pages::query_what_is_there,
                build::is_documented,
                service::answers,
                service::loses_no_request,
                service::refuses_a_bad_setting,
                validators::find_nothing,
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
        expressions::has_an_answer_to_every_question,
        faults::loses_no_request_in_ten_rollouts,
        faults::survives_the_database,
        faults::survives_clients_that_never_read,
        faults::survives_slow_clients,
        faults::survives_a_crowd,
        faults::survives_a_log_that_is_stuck,
    },
    full: "--preset full --set tls.at=pod --set ci.check=true" => {
        api::keeps_to_its_description,
        expressions::has_an_answer_to_every_question,
        faults::loses_no_request_in_ten_rollouts,
        faults::survives_the_database,
        faults::survives_the_cache,
        faults::survives_clients_that_never_read,
        faults::survives_slow_clients,
        faults::survives_a_crowd,
        faults::survives_a_log_that_is_stuck,
    },
    service_alone: "--preset minimal --without config,telemetry,release-profile,docker",
}
