//! The command line: clap's types, and nothing else.

use std::path::PathBuf;

use clap::{ArgAction, Args, ColorChoice, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::catalog::Preset;

/// From crate to production: writes what a Rust service needs to run there
#[derive(Debug, Parser)]
#[command(name = "cargo-prodify", bin_name = "cargo prodify", version)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,
    /// A directory with your own components, which add to or replace the built-in ones; recorded in prodify.toml, and not for
    /// `inspect`
    #[arg(long, global = true, value_name = "DIR", help_heading = "Components")]
    pub templates: Option<PathBuf>,
    /// How to report it
    #[command(flatten)]
    pub output: Output,
}

/// How a run reports.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Output {
    /// What is printed on standard output
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub format: Format,
    /// Print only errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show where each answer and each fact is from, and list the unchanged files too
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    pub color: ColorChoice,
}

/// What is printed on standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document, for programs
    Json,
    /// For people, with annotations for GitHub Actions. Only `check` has them, so the help of the other verbs does not offer them
    #[value(hide = true)]
    Github,
}

/// What follows the options in a verb's help: a few command lines, each with what it does.
mod examples {
    pub(super) const NEW: &str = "\
Examples:
  cargo prodify new orders                     # ask, and create it in ./orders
  cargo prodify new orders -y --preset minimal --with k8s,ci
  cargo prodify new orders -y -d service.port=9000 -n
                                               # show what that would write";
    pub(super) const ADD: &str = "\
Examples:
  cargo prodify add docker k8s ci              # ask what they need to know
  cargo prodify add docker -y --bin api --bin worker
                                               # an image for each of two binaries
  cargo prodify add supply-chain -y --diff     # show what that would change";
    pub(super) const REMOVE: &str = "\
Examples:
  cargo prodify remove redis
  cargo prodify remove redis --diff            # show what that would change";
    pub(super) const UPDATE: &str = "\
Examples:
  cargo prodify update --diff                  # show what that would change
  cargo prodify update                         # do it, and mark conflicts with your edits
  cargo prodify update --allow-dirty --ours Dockerfile
                                               # then: take your side of its conflicts
  cargo prodify update -d service.port=9000    # with another answer";
    pub(super) const CHECK: &str = "\
Examples:
  cargo prodify check                          # exit with 0 if all is up to date, else with 1
  cargo prodify check --format github          # annotate the lines, in GitHub Actions";
    pub(super) const INSPECT: &str = "\
Examples:
  cargo prodify inspect
  cargo prodify inspect --package api --bin server -v
  cargo prodify inspect --format json          # for programs";
    pub(super) const SHOW: &str = "\
Examples:
  cargo prodify show docker                    # its files, and its questions with their defaults
  cargo prodify show project                   # what is asked for every project";
    pub(super) const EJECT: &str = "\
Examples:
  cargo prodify eject docker                   # into .prodify/templates
  cargo prodify eject docker --templates ../company";
    pub(super) const COMPLETIONS: &str = "\
Examples:
  cargo prodify completions bash > ~/.local/share/bash-completion/completions/cargo-prodify
  cargo prodify completions zsh > \"${fpath[1]}/_cargo-prodify\"
  cargo prodify completions fish > ~/.config/fish/conf.d/cargo-prodify.fish";
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Create a new production service
    #[command(after_help = examples::NEW)]
    New(New),
    /// Add components to an existing crate, and bring its other components up to date
    #[command(after_help = examples::ADD)]
    Add(Add),
    /// Remove components: what they wrote goes, what you edited stays; bring the other components up to date
    #[command(after_help = examples::REMOVE)]
    Remove(Remove),
    /// Bring a project up to date: merge this version's templates and changed answers into your files
    #[command(after_help = examples::UPDATE)]
    Update(Update),
    /// Check whether a project is up to date, and show what `update` would change
    #[command(after_help = examples::CHECK)]
    Check(Check),
    /// Analyse a crate, and show the file or line that each fact is from
    #[command(after_help = examples::INSPECT)]
    Inspect(Inspect),
    /// List the components
    List,
    /// Show what a component writes and asks
    #[command(after_help = examples::SHOW)]
    Show {
        /// The component, or `project` for what is asked for every project
        component: String,
    },
    /// Copy a component's templates, to make them your own
    #[command(after_help = examples::EJECT)]
    Eject(Eject),
    /// Print the completions for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// What `new` takes.
#[derive(Debug, Args)]
pub struct New {
    /// The directory to create; its name is the project's
    pub path: Option<PathBuf>,
    /// The project's name, if it is not the directory's
    #[arg(long)]
    pub name: Option<String>,
    /// How much to write
    #[arg(long, value_enum)]
    pub preset: Option<Preset>,
    /// Components to have besides the preset's
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub with: Vec<String>,
    /// Components of the preset to leave out
    #[arg(long, value_name = "COMPONENT", value_delimiter = ',')]
    pub without: Vec<String>,
    /// The repository to create; git, unless the directory is in one already
    #[arg(long, value_enum)]
    pub vcs: Option<Vcs>,
    /// What to do about a cargo workspace that the directory is in
    #[arg(long, value_enum, default_value_t = WorkspaceUse::Join)]
    pub workspace: WorkspaceUse,
    /// Where the answers come from
    #[command(flatten)]
    pub answers: Answers,
    /// What to do with the result
    #[command(flatten)]
    pub writing: Writing,
}

/// What `add` takes.
#[derive(Debug, Args)]
pub struct Add {
    /// The components to add; those that they require are added too
    #[arg(required = true, value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// The crate
    #[command(flatten)]
    pub subject: Subject,
    /// A binary that is a service, besides those in prodify.toml; may be repeated, and each gets an image and a deployment
    #[arg(long = "bin", value_name = "NAME", help_heading = "Crate")]
    pub bins: Vec<String>,
    /// Where the answers come from
    #[command(flatten)]
    pub answers: Answers,
    /// What to do with the result
    #[command(flatten)]
    pub writing: Writing,
    /// Merge into edits that are not committed yet
    #[arg(long, help_heading = "Writing")]
    pub allow_dirty: bool,
}

/// What `remove` takes.
#[derive(Debug, Args)]
pub struct Remove {
    /// The components to remove
    #[arg(required = true, value_name = "COMPONENT")]
    pub components: Vec<String>,
    /// The crate
    #[command(flatten)]
    pub subject: Subject,
    /// Never ask anything
    #[arg(short = 'N', long)]
    pub non_interactive: bool,
    /// What to do with the result
    #[command(flatten)]
    pub writing: Writing,
    /// Merge into edits that are not committed yet
    #[arg(long, help_heading = "Writing")]
    pub allow_dirty: bool,
}

/// What `update` takes.
#[derive(Debug, Args)]
pub struct Update {
    /// The crate
    #[command(flatten)]
    pub subject: Subject,
    /// Where the answers come from
    #[command(flatten)]
    pub answers: Answers,
    /// What to do with the result
    #[command(flatten)]
    pub merging: Merging,
}

/// What `check` takes.
#[derive(Debug, Args)]
pub struct Check {
    /// The crate
    #[command(flatten)]
    pub subject: Subject,
}

/// What `inspect` takes.
#[derive(Debug, Args)]
pub struct Inspect {
    /// The crate
    #[command(flatten)]
    pub subject: Subject,
    /// The binary that is the service, if there are several
    #[arg(long, value_name = "NAME", help_heading = "Crate")]
    pub bin: Option<String>,
}

/// What `eject` takes.
#[derive(Debug, Args)]
pub struct Eject {
    /// The component; it goes into --templates DIR, by default the directory in prodify.toml, or else .prodify/templates
    pub component: String,
    /// Whether to write at all
    #[command(flatten)]
    pub preview: Preview,
}

/// Which crate is meant.
#[derive(Debug, Args)]
#[command(next_help_heading = "Crate")]
pub struct Subject {
    /// Its Cargo.toml, if that is not in this directory or above
    #[arg(long, value_name = "PATH")]
    pub manifest_path: Option<PathBuf>,
    /// The package, if the workspace has several
    #[arg(short, long, value_name = "NAME")]
    pub package: Option<String>,
}

/// Where answers come from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Answers")]
pub struct Answers {
    /// Answer a question; `cargo prodify show COMPONENT` lists a component's questions
    #[arg(short = 'd', long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Take answers from a file, such as another project's prodify.toml
    #[arg(long, value_name = "FILE")]
    pub answers: Option<PathBuf>,
    /// Use the default for every unanswered question
    #[arg(short = 'y', long)]
    pub defaults: bool,
    /// Never ask anything
    #[arg(short = 'N', long)]
    pub non_interactive: bool,
}

/// What to write, and what to do about files in the way.
#[derive(Debug, Args)]
#[command(next_help_heading = "Writing")]
pub struct Writing {
    /// Whether to write at all
    #[command(flatten)]
    pub preview: Preview,
    /// Keep files that are in the way
    #[arg(long, conflicts_with = "overwrite")]
    pub keep: bool,
    /// Replace files that are in the way; an uncommitted version is kept as NAME.orig
    #[arg(long, action = ArgAction::SetTrue)]
    pub overwrite: bool,
}

/// Whether a run only shows what it would do.
#[derive(Debug, Args)]
#[command(next_help_heading = "Writing")]
pub struct Preview {
    /// Show what would be done, and do nothing
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Like --dry-run, with unified diffs of everything except .prodify/base.txtar
    #[arg(long)]
    pub diff: bool,
}

impl Preview {
    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_dry(&self) -> bool {
        self.dry_run || self.diff
    }
}

/// What an update does about conflicts with the user's edits.
#[derive(Debug, Args)]
#[command(next_help_heading = "Writing")]
pub struct Merging {
    /// Whether to write at all
    #[command(flatten)]
    pub preview: Preview,
    /// Resolve a conflict: keep the file as it is, or take your side of its conflict markers; may be repeated
    #[arg(long, value_name = "PATH")]
    pub ours: Vec<String>,
    /// Resolve a conflict: take the template's version, or its side of the conflict markers; may be repeated. An uncommitted version is kept as NAME.orig
    #[arg(long, value_name = "PATH")]
    pub theirs: Vec<String>,
    /// Write although there are uncommitted changes
    #[arg(long)]
    pub allow_dirty: bool,
}

/// A version control system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Vcs {
    /// A git repository with a first commit
    Git,
    /// No repository
    None,
}

/// What a new project does about a workspace that it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkspaceUse {
    /// Become a member
    Join,
    /// Stay a workspace of its own
    None,
}
