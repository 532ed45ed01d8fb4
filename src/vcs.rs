//! git, asked and told by its own command.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, bail};

/// The message of the first commit.
const MESSAGE: &str = "Begin from cargo prodify's templates";

/// How far a new repository came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// With a first commit.
    Committed,
    /// The files are staged; the text says why they are not committed.
    Staged(String),
    /// There is no repository; the text says why.
    Nothing(String),
}

/// Makes a repository of `root` that begins with `branch`, and a first commit where the user's git knows who they are.
///
/// The files are there by then, so whatever git cannot do is said and is no error.
pub fn begin(root: &Path, branch: &str) -> Begun {
    let begun = git(root, &["init", "--quiet", "--initial-branch", branch])
        .and_then(|()| git(root, &["add", "--all"]));
    if let Err(error) = begun {
        return Begun::Nothing(format!("{error:#}"));
    }
    // An identity that git makes up from the host's name is no signature for a project's first commit.
    let known = ["GIT_COMMITTER_IDENT", "GIT_AUTHOR_IDENT"]
        .iter()
        .all(|identity| git(root, &["-c", "user.useConfigOnly=true", "var", identity]).is_ok());
    if !known {
        return Begun::Staged(
            "git does not know who you are: set user.name and user.email, then `git commit`"
                .to_owned(),
        );
    }
    match git(root, &["commit", "--quiet", "--message", MESSAGE]) {
        Ok(()) => Begun::Committed,
        Err(error) => Begun::Staged(format!("git did not take the commit: {error:#}")),
    }
}

/// Whether git could give a file back as it is now: the last commit has just this text at its place.
///
/// That a status is empty would be no proof: a repository within the repository, or a file that git was told to assume
/// unchanged, has none either.
pub fn holds(path: &Path, text: &str) -> bool {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name().and_then(OsStr::to_str))
    else {
        return false;
    };
    text_at("HEAD", directory, name).is_some_and(|committed| committed == text)
}

/// The text that a commit has at a path below a directory, as git would put it there.
pub fn text_at(commit: &str, directory: &Path, path: &str) -> Option<String> {
    let place = format!("{commit}:./{path}");
    let output = run(directory, &["cat-file", "--filters", &place]).ok()?;
    let text = output.status.success().then_some(output.stdout)?;
    String::from_utf8(text).ok()
}

/// Those of some paths below a directory at which a commit has a file; none where there is no such commit, or no git.
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

/// The last so many commits that changed a file, the newest one first.
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

/// The files below a directory that are not as the last commit has them.
///
/// # Errors
///
/// Where there is no git, or it cannot tell, as in no repository.
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
    let listed = ask(directory, &status)?;
    let prefix = ask(directory, &["rev-parse", "--show-prefix"])?;
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

/// A file that is not as the last commit has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uncommitted {
    /// Its path below the directory that was asked about.
    pub path: String,
    /// Whether git knows it.
    pub tracked: bool,
    /// Whether it is in the middle of a merge, which nobody has ended yet.
    pub unmerged: bool,
}

/// Whether git tracks a file; none where it lies in no repository, or where there is no git.
pub fn tracks(path: &Path) -> Option<bool> {
    let (directory, name) = (path.parent()?, path.file_name()?.to_str()?);
    let inside = run(directory, &["rev-parse", "--is-inside-work-tree"]).ok()?;
    if !inside.status.success() {
        return None;
    }
    let listed = run(directory, &["ls-files", "--error-unmatch", "--", name]).ok()?;
    Some(listed.status.success())
}

/// The branch that others begin from, as far as git can tell here: the remote's, or else the one that is checked out.
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
    ask(root, arguments).map(drop)
}

/// What git answers.
fn ask(root: &Path, arguments: &[&str]) -> Result<String> {
    let output = run(root, arguments)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "`git {}` in {}: {}",
            arguments.join(" "),
            root.display(),
            said.trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn run(root: &Path, arguments: &[&str]) -> Result<Output> {
    // A hook or an outer git that set these would have us write into its repository.
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
