//! Of several concurrent runs, only one writes.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, bail};

/// How often a run that creates a directory tries to lock its parent directory,
const MAX_ATTEMPTS: usize = 500;

/// and how long it waits in between: five seconds in all, while another run takes a few milliseconds.
const RETRY_DELAY: Duration = Duration::from_millis(10);

/// Keeps other runs from writing to a directory, until it is dropped or the program ends in any way.
///
/// The directory itself is locked, so that no lock file is needed, which a killed run would leave and git would see. If a file
/// system does not support locks, or a directory cannot be opened, it is written to without one.
#[derive(Debug)]
pub struct Lock {
    held: Option<File>,
}

impl Lock {
    /// Locks an existing directory.
    ///
    /// # Errors
    ///
    /// If another run has locked it.
    pub fn acquire(directory: &Path) -> Result<Self> {
        match Self::try_acquire(directory) {
            Some(lock) => Ok(lock),
            None => bail!(
                "another cargo prodify is running in {}: try again when it has finished",
                directory.display()
            ),
        }
    }

    /// Like [`Lock::acquire`], but waits for others: for a directory in which they too may create theirs.
    pub(super) fn acquire_waiting(directory: &Path) -> Result<Self> {
        for _ in 1..MAX_ATTEMPTS {
            if let Some(lock) = Self::try_acquire(directory) {
                return Ok(lock);
            }
            thread::sleep(RETRY_DELAY);
        }
        Self::acquire(directory)
    }

    /// The lock, unless another run holds it.
    fn try_acquire(directory: &Path) -> Option<Self> {
        let held = File::open(directory).ok();
        match held.as_ref().map(is_taken) {
            Some(true) => None,
            _ => Some(Self { held }),
        }
    }
}

impl Drop for Lock {
    /// Closing the directory would release it, if it were not for a child process that another thread starts at that moment: it
    /// inherits the open directory until it executes another program.
    fn drop(&mut self) {
        self.held.iter().for_each(release);
    }
}

/// Whether another process has locked it; if that cannot be told, it counts as free.
#[cfg(unix)]
fn is_taken(directory: &File) -> bool {
    use rustix::fs::{FlockOperation, flock};
    flock(directory, FlockOperation::NonBlockingLockExclusive) == Err(rustix::io::Errno::WOULDBLOCK)
}

/// If it cannot be released here, it is released when the program ends.
#[cfg(unix)]
fn release(directory: &File) {
    let _ = rustix::fs::flock(directory, rustix::fs::FlockOperation::Unlock);
}

/// Other systems cannot lock a directory.
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
    fn second_lock_fails_until_the_first_is_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let first = Lock::acquire(dir.path()).unwrap();
        let elsewhere = first.held.as_ref().map(|held| held.try_clone().unwrap());
        let error = Lock::acquire(dir.path()).unwrap_err().to_string();
        assert!(
            error.starts_with("another cargo prodify is running in"),
            "{error}"
        );
        drop(first);
        Lock::acquire(dir.path()).unwrap();
        drop(elsewhere);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn acquire_succeeds_where_locking_is_impossible() {
        Lock::acquire(Path::new("/proc/none/of/that")).unwrap();
    }
}
