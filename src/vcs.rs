//! git, through its command line.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

/// The message of the first commit.
const MESSAGE: &str = "Begin from cargo prodify's templates";

/// How far the creation of a repository got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InitOutcome {
    /// With a first commit.
    Committed,
    /// The files are staged; the text says why they are not committed.
    Staged(String),
    /// There is no repository; the text says why.
    Failed(String),
}

/// Creates a repository in `root` with the initial branch `branch`, and a first commit if git knows the user's identity.
///
/// The files have been written by then, so failures of git are reported in the result instead of as errors.
pub fn init(root: &Path, branch: &str) -> InitOutcome {
    let initialized = git(root, &["init", "--quiet", "--initial-branch", branch])
        .and_then(|()| git(root, &["add", "--all"]));
    if let Err(error) = initialized {
        return InitOutcome::Failed(format!("{error:#}"));
    }
    // An identity that git derives from the host name should not sign a project's first commit.
    let known = ["GIT_COMMITTER_IDENT", "GIT_AUTHOR_IDENT"]
        .iter()
        .all(|identity| git(root, &["-c", "user.useConfigOnly=true", "var", identity]).is_ok());
    if !known {
        return InitOutcome::Staged(
            "git does not know who you are: set user.name and user.email, then `git commit`"
                .to_owned(),
        );
    }
    match git(root, &["commit", "--quiet", "--message", MESSAGE]) {
        Ok(()) => InitOutcome::Committed,
        Err(error) => InitOutcome::Staged(format!("git refused the commit: {error:#}")),
    }
}

/// Whether git could restore a file as it is now: it has just this text in the last commit.
///
/// A clean status would not prove that: a nested repository, or a file marked as assumed unchanged, has one too.
pub fn is_committed(path: &Path, text: &str) -> bool {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str))
    else {
        return false;
    };
    text_at("HEAD", directory, name).is_some_and(|committed| committed == text)
}

/// The text of a file below a directory in a commit, as git would check it out.
pub fn text_at(commit: &str, directory: &Path, path: &str) -> Option<String> {
    let place = format!("{commit}:./{path}");
    let output = run(directory, &["cat-file", "--filters", &place]).ok()?;
    let text = output.status.success().then_some(output.stdout)?;
    String::from_utf8(text).ok()
}

/// Those of some paths below a directory that are files in a commit; none if there is no such commit, or no git.
pub fn files_at(commit: &str, directory: &Path, paths: &[&str]) -> Vec<String> {
    if paths.is_empty() {
        return Vec::new();
    }
    let list = ["ls-tree", "-r", "-z", "--name-only", commit, "--"];
    let listed = run(directory, &[&list[..], paths].concat()).ok();
    let listed = listed.filter(|output| output.status.success());
    let names = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let names = names.unwrap_or_default();
    let names = names.split('\0').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// The last commits that changed a file, the newest first.
pub fn commits_of(directory: &Path, path: &str, number: usize) -> Vec<String> {
    let number = number.to_string();
    let list = ["log", "--format=%h", "-n", &number, "--", path];
    let listed = run(directory, &list).ok();
    let listed = listed.filter(|output| output.status.success());
    let names = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    names
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// The files below a directory that differ from the last commit.
///
/// # Errors
///
/// If there is no git, or it cannot tell, for example outside of a repository.
pub fn uncommitted(directory: &Path) -> Result<Vec<Uncommitted>> {
    let status = [
        "status",
        "--porcelain",
        "-z",
        "--no-renames",
        "--untracked-files=all",
        "--",
        ".",
    ];
    let listed = output(directory, &status)?;
    let prefix = output(directory, &["rev-parse", "--show-prefix"])?;
    let prefix = prefix.trim_end();
    let entries = listed.split('\0').filter_map(|entry| {
        let (status, path) = (entry.get(..2)?, entry.get(3..)?);
        Some(Uncommitted {
            path: path.strip_prefix(prefix).unwrap_or(path).to_owned(),
            tracked: status != "??",
            unmerged: status.contains('U') || matches!(status, "AA" | "DD"),
        })
    });
    Ok(entries.collect())
}

/// A file that differs from the last commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncommitted {
    /// Its path relative to the directory in question.
    pub path: String,
    /// Whether git tracks it.
    pub tracked: bool,
    /// Whether it is unmerged: its merge has not been concluded.
    pub unmerged: bool,
}

/// Whether git tracks a file; none outside of a repository, or without git.
pub fn is_tracked(path: &Path) -> Option<bool> {
    let (directory, name) = (path.parent()?, path.file_name()?.to_str()?);
    let inside = run(directory, &["rev-parse", "--is-inside-work-tree"]).ok()?;
    if !inside.status.success() {
        return None;
    }
    let listed = run(directory, &["ls-files", "--error-unmatch", "--", name]).ok()?;
    Some(listed.status.success())
}

/// The default branch, as far as git can tell here: the remote's, or else the one that is checked out.
pub fn branch(root: &Path) -> Option<String> {
    let named = |reference| {
        let output = run(root, &["symbolic-ref", "--quiet", "--short", reference]).ok()?;
        let name = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| name.trim().to_owned())
    };
    let remote = named("refs/remotes/origin/HEAD");
    let remote = remote.and_then(|name| Some(name.strip_prefix("origin/")?.to_owned()));
    remote.or_else(|| named("HEAD"))
}

fn git(root: &Path, arguments: &[&str]) -> Result<()> {
    output(root, arguments).map(drop)
}

/// Runs git, and returns its output.
fn output(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(root, arguments)?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`git {}` in {}: {}",
            arguments.join(" "),
            root.display(),
            stderr.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(root: &Path, arguments: &[&str]) -> Result<Output> {
    // If these are set by a hook or an outer git, git would write into that repository.
    let mut command = Command::new("git");
    command
        .current_dir(root)
        .args(arguments)
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE");
    command
        .output()
        .with_context(|| format!("running git in {}", root.display()))
}
