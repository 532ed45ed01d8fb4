//! Every operation on the disk, each announced before it happens.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::path::Path;

use crate::tree::File;

/// Called before each operation, with its path. An error that it returns stops the operation, as the disk's own error would; if
/// it does not return, nothing after it happens. This is how a test makes each operation fail in turn, and kills the program at
/// each.
pub type Watch<'w> = dyn Fn(&Path) -> io::Result<()> + Sync + 'w;

/// The disk.
#[derive(Clone, Copy)]
pub(super) struct Disk<'w> {
    pub(super) watch: &'w Watch<'w>,
}

impl Disk<'_> {
    pub(super) fn create_dir(self, path: &Path) -> io::Result<()> {
        (self.watch)(path)?;
        fs::create_dir(path)
    }

    /// Writes a new file.
    pub(super) fn write(self, path: &Path, file: &File) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        if file.executable {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o777);
        }
        (self.watch)(path)?;
        let mut open = options.open(path)?;
        (self.watch)(path)?;
        open.write_all(file.text.as_bytes())
    }

    pub(super) fn copy(self, from: &Path, to: &Path) -> io::Result<()> {
        (self.watch)(to)?;
        fs::copy(from, to).map(drop)
    }

    pub(super) fn set_permissions(self, path: &Path, permissions: Permissions) -> io::Result<()> {
        (self.watch)(path)?;
        fs::set_permissions(path, permissions)
    }

    pub(super) fn sync(self, path: &Path) -> io::Result<()> {
        (self.watch)(path)?;
        fs::File::open(path)?.sync_all()
    }

    pub(super) fn rename(self, from: &Path, to: &Path) -> io::Result<()> {
        (self.watch)(to)?;
        fs::rename(from, to)
    }

    /// Moves a file to a free path: a link fails where a rename would replace a file that was created meanwhile.
    pub(super) fn rename_no_replace(self, from: &Path, to: &Path) -> io::Result<()> {
        (self.watch)(to)?;
        fs::hard_link(from, to).or_else(|error| {
            if fs::symlink_metadata(to).is_ok() {
                Err(error)
            } else {
                fs::rename(from, to)
            }
        })
    }

    pub(super) fn remove_file(self, path: &Path) -> io::Result<()> {
        (self.watch)(path)?;
        fs::remove_file(path)
    }

    /// Removes an empty directory.
    pub(super) fn remove_dir(self, path: &Path) -> io::Result<()> {
        (self.watch)(path)?;
        fs::remove_dir(path)
    }

    /// Removes a directory with its contents; succeeds if there is none.
    pub(super) fn remove_tree(self, path: &Path) -> io::Result<()> {
        (self.watch)(path)?;
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// Permissions with which all who may read a file can execute it, or no one can; unchanged if `executable` is none.
pub(super) fn with_executable(permissions: Permissions, executable: Option<bool>) -> Permissions {
    #[cfg(unix)]
    if let Some(executable) = executable {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = permissions.mode();
        let readers = (mode & 0o444) >> 2;
        return Permissions::from_mode(match executable {
            true => mode | readers,
            false => mode & !0o111,
        });
    }
    #[cfg(not(unix))]
    let _ = executable;
    permissions
}
