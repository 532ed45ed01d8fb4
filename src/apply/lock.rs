//! Of several runs at once, one writes.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

/// So often a run that makes a new directory tries for the one that it goes into,
const TRIES: usize = 500;

/// and so long it rests in between: five seconds in all, where another one takes a few milliseconds.
const REST: Duration = Duration::from_millis(10);

/// Keeps other runs from writing to a directory, until it is dropped or the program ends, in whatever way.
///
/// What is locked is the directory itself: no file has to be made for it, which a killed run would leave and git would see. A file
/// system that knows no locks, or a directory that cannot be opened, is written to without one.
#[derive(Debug)]
pub struct Lock {
    held: Option<File>,
}

impl Lock {
    /// Locks a directory that is there.
    ///
    /// # Errors
    ///
    /// Where another run has locked it.
    pub fn of(directory: &Path) -> Result<Self> {
        match Self::attempt(directory) {
            Some(lock) => Ok(lock),
            None => bail!(
                "another cargo prodify is at work in {}: try again when it is done",
                directory.display()
            ),
        }
    }

    /// As [`Lock::of`], for a directory in which others may make theirs: they are waited for.
    pub(super) fn soon(directory: &Path) -> Result<Self> {
        for _ in 1..TRIES {
            if let Some(lock) = Self::attempt(directory) {
                return Ok(lock);
            }
            thread::sleep(REST);
        }
        Self::of(directory)
    }

    /// The lock, unless another run has it.
    fn attempt(directory: &Path) -> Option<Self> {
        let held = File::open(directory).ok();
        match held.as_ref().map(is_taken) {
            Some(true) => None,
            _ => Some(Self { held }),
        }
    }
}

impl Drop for Lock {
    /// Closing the directory would do, were it not for a child that another thread begins at that moment: it has the directory open
    /// too, until it is another program.
    fn drop(&mut self) {
        self.held.iter().for_each(release);
    }
}

/// Whether somebody else has locked it; where that cannot be told, nobody has.
#[cfg(unix)]
fn is_taken(directory: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    flock(directory, FlockOperation::NonBlockingLockExclusive) == Err(rustix::io::Errno::WOULDBLOCK)
}

/// Where it cannot be released, it is when the program ends.
#[cfg(unix)]
fn release(directory: &File) {
    let _ = rustix::fs::flock(directory, rustix::fs::FlockOperation::Unlock);
}

/// No other system lets a directory be locked.
#[cfg(not(unix))]
fn is_taken(_: &File) -> bool {
    false
}

#[cfg(not(unix))]
fn release(_: &File) {}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Lock;

    #[test]
    #[cfg(unix)]
    fn a_directory_is_locked_once_and_then_free_again() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::of(dir.path()).unwrap();
        let elsewhere = first.held.as_ref().map(|held| held.try_clone().unwrap());
        let error = Lock::of(dir.path()).unwrap_err().to_string();
        assert!(
            error.starts_with("another cargo prodify is at work in"),
            "{error}"
        );
        drop(first);
        Lock::of(dir.path()).unwrap();
        drop(elsewhere);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_cannot_be_locked_is_written_to_without() {
        Lock::of(Path::new("/proc/none/of/that")).unwrap();
    }
}
