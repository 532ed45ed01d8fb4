//! `cargo bench`: compares `new` with `cp -r` of its own output, and measures the size and start-up of the binary. The time to
//! only write the same bytes shows how much of either is the file system's.
//!
//! The two sides of a ratio are measured alternately in one run, each into a fresh directory, which is only deleted after the
//! last: on ext4, deletions slow down subsequent creations. What counts is the ratio of the medians; absolute times depend on the
//! machine and its load.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a bench reads the clock, writes to directories of its own and prints what it found"
)]

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use walkdir::WalkDir;

/// The number of measurements of each side.
const ROUNDS: usize = 101;

const PROGRAM: &str = env!("CARGO_BIN_EXE_cargo-prodify");

fn main() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("bench-{}", std::process::id()));
    fs::create_dir_all(&root)?;
    let measured = measure(&root);
    fs::remove_dir_all(&root)?;
    measured
}

fn measure(root: &Path) -> Result<(), Box<dyn Error>> {
    let new = |path: &Path| {
        let mut command = Command::new(PROGRAM);
        command
            .args([
                "prodify", "new", "-yq", "--preset", "full", "--vcs", "none", "--name", "orders",
            ])
            .arg(path);
        command
    };
    let original = root.join("original");
    time(&mut new(&original))?;
    let copy = |path: &Path| {
        let mut command = Command::new("cp");
        command.arg("-r").arg(&original).arg(path);
        command
    };
    let written = Written::read(&original)?;
    let (mut of_new, mut of_copy, mut of_write) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        of_new.push(time(&mut new(&root.join(format!("new-{round}"))))?);
        of_copy.push(time(&mut copy(&root.join(format!("copy-{round}"))))?);
        of_write.push(written.write(&root.join(format!("write-{round}")))?);
    }
    let (mut of_start, mut of_true) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_start.push(time(Command::new(PROGRAM).args(["prodify", "--version"]))?);
        of_true.push(time(&mut Command::new("true"))?);
    }
    let size = fs::metadata(PROGRAM)?.len();
    println!("new --preset full   {:>9.2?}", median(&mut of_new));
    println!(
        "cp -r of its output {:>9.2?}   ratio {:.2}",
        median(&mut of_copy),
        ratio(&of_new, &of_copy)
    );
    println!(
        "writing it alone    {:>9.2?}   ratio {:.2}, {} files, {:.2} MB",
        median(&mut of_write),
        ratio(&of_write, &of_copy),
        written.files.len(),
        written.size() as f64 / 1e6
    );
    println!("start (--version)   {:>9.2?}", median(&mut of_start));
    println!(
        "true                {:>9.2?}   ratio {:.2}",
        median(&mut of_true),
        ratio(&of_start, &of_true)
    );
    println!("binary              {:>9.2} MB", size as f64 / 1e6);
    Ok(())
}

/// What `new` wrote.
struct Written {
    directories: Vec<PathBuf>,
    files: Vec<(PathBuf, Vec<u8>)>,
}

impl Written {
    fn read(root: &Path) -> Result<Self, Box<dyn Error>> {
        let (mut directories, mut files) = (Vec::new(), Vec::new());
        for entry in WalkDir::new(root) {
            let entry = entry?;
            let path = entry.path().strip_prefix(root)?.to_owned();
            if entry.file_type().is_dir() {
                directories.push(path);
            } else {
                files.push((path, fs::read(entry.path())?));
            }
        }
        Ok(Self { directories, files })
    }

    fn size(&self) -> usize {
        self.files.iter().map(|(_, text)| text.len()).sum()
    }

    /// In this process, to exclude the start of another one.
    fn write(&self, root: &Path) -> Result<Duration, Box<dyn Error>> {
        let start = Instant::now();
        for path in &self.directories {
            fs::create_dir(root.join(path))?;
        }
        for (path, text) in &self.files {
            fs::write(root.join(path), text)?;
        }
        Ok(start.elapsed())
    }
}

fn time(command: &mut Command) -> Result<Duration, Box<dyn Error>> {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status()?;
    let time = start.elapsed();
    if !status.success() {
        return Err(format!("{command:?} ended with {status}").into());
    }
    Ok(time)
}

/// Sorts the times, and returns the median.
fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The ratio of the medians of two sorted sides.
fn ratio(these: &[Duration], those: &[Duration]) -> f64 {
    these[these.len() / 2].as_secs_f64() / those[those.len() / 2].as_secs_f64()
}
