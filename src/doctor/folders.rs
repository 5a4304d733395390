//! Folders and files: whose they are, who can read them, and how much room there is.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use super::Check;
use crate::config::Config;

/// Below so much room messages are soon refused, in MiB.
const LITTLE_MB: u64 = 100;

/// Room for logs and for SQLite's own, besides what is kept, in MiB.
const BESIDES_MB: u64 = 256;

pub(super) fn look(config: &Config) -> Vec<Check> {
    let mut checks = vec![folder("data", &config.data_dir), folder("session", &config.session_dir)];
    let token = config.data_dir.join("token");
    if let Ok(meta) = std::fs::metadata(&token) {
        checks.push(
            private("token", &token, meta.permissions().mode())
                .unwrap_or_else(|| Check::good("token", format!("{}, for its owner only", token.display()))),
        );
    }
    checks.extend(room(config));
    checks
}

fn folder(name: &'static str, path: &Path) -> Check {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return to_be_made(name, path),
        Err(error) => {
            return Check::failure(name, format!("{}: {error}", path.display()), "see who owns the folders above it");
        }
    };
    let own = rustix::process::geteuid().as_raw();
    if !meta.is_dir() {
        let mend = "move it away, or choose another folder";
        return Check::failure(name, format!("{} is no folder", path.display()), mend);
    }
    if access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let mend = format!("chown -R {own} {path}, or run this as who owns it", path = path.display());
        let found = format!("{} can't be written by this user ({own}); it is of user {}", path.display(), meta.uid());
        return Check::failure(name, found, mend);
    }
    private(name, path, meta.permissions().mode()).unwrap_or_else(|| Check::good(name, path.display().to_string()))
}

/// None: only its owner can read it.
fn private(name: &'static str, path: &Path, mode: u32) -> Option<Check> {
    (mode & 0o077 != 0).then(|| {
        let found = format!("others on this computer can look into {} ({:o})", path.display(), mode & 0o777);
        Check::warning(name, found, format!("chmod go= {}", path.display()))
    })
}

fn to_be_made(name: &'static str, path: &Path) -> Check {
    let above = path.ancestors().skip(1).find(|path| path.exists()).unwrap_or(Path::new("/"));
    if access(above, Access::WRITE_OK | Access::EXEC_OK).is_ok() {
        return Check::note(name, format!("{} is made at the first start", path.display()));
    }
    let found = format!("{} is missing, and this user can't write to {}", path.display(), above.display());
    let mend = "make it for this user, or choose another with --data-dir or WA_SESSION_DIR";
    Check::failure(name, found, mend)
}

fn room(config: &Config) -> Option<Check> {
    let there = config.data_dir.ancestors().find(|path| path.exists())?;
    let stat = statvfs(there).ok()?;
    let free_mb = stat.f_bavail.saturating_mul(stat.f_frsize) >> 20;
    Some(judged(free_mb, config.retention_mb.into()))
}

fn judged(free_mb: u64, kept_mb: u64) -> Check {
    let found = format!("{free_mb} MiB free");
    if free_mb < LITTLE_MB {
        let mend = "free some: when the disk is full no message is accepted";
        return Check::failure("disk", found, mend);
    }
    if free_mb < kept_mb + BESIDES_MB {
        let found = format!("{found}, and up to {kept_mb} MiB of messages are kept");
        return Check::warning("disk", found, "free some, or set retention_mb lower");
    }
    Check::good("disk", found)
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;

    #[test]
    fn little_room_is_a_failure_and_less_than_may_be_kept_a_warning() {
        let level = |free, kept| judged(free, kept).level;
        assert_eq!(
            [level(99, 0), level(1_000, 1_024), level(1_300, 1_024)],
            [Level::Failure, Level::Warning, Level::Good]
        );
    }

    #[test]
    fn a_folder_that_others_can_read_is_told_with_what_mends_it() {
        let place = tempfile::tempdir().unwrap();
        let open = place.path().join("open");
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o755)).unwrap();
        let check = folder("data", &open);
        assert_eq!((check.level, check.mend), (Level::Warning, Some(format!("chmod go= {}", open.display()))));
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(folder("data", &open).level, Level::Good);
        assert_eq!(folder("data", &place.path().join("new/deep")).level, Level::Note);
        std::fs::write(place.path().join("file"), "").unwrap();
        assert_eq!(folder("data", &place.path().join("file")).level, Level::Failure);
        assert_eq!(folder("data", &place.path().join("file/in")).level, Level::Failure);
    }
}
