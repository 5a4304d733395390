//! The Unix socket: whoever may open the file may do everything, and needs no token.
//!
//! The file is there with its final rights from the first moment, and replaces the one that a dead process left. One
//! that somebody listens at is never replaced. It goes with the [`Socket`], unless it is another's by then.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

use super::server::Door;

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another process listens there.
    #[error("another program answers at {}; choose another place with --socket, or none", .0.display())]
    Held(PathBuf),
    /// It is a file of another kind.
    #[error("{} is there and is not a socket; move it, or choose another place with --socket", .0.display())]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("can't listen at {}: {source}; choose another place with --socket, or none", path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A socket file that is listened at.
#[derive(Debug)]
pub struct Socket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and number of the file.
    file: (u64, u64),
}

impl Socket {
    /// Listens at this path, with the rights 0600.
    ///
    /// # Errors
    /// A [`SocketError`] that says what is in the way.
    pub async fn bind(path: &Path) -> Result<Self, SocketError> {
        let io = |source| SocketError::Io { path: path.to_owned(), source };
        // Somebody listens; or he does, and more wait than he takes.
        let Err(error) = UnixStream::connect(path).await else { return Err(SocketError::Held(path.to_owned())) };
        if error.kind() == io::ErrorKind::WouldBlock {
            return Err(SocketError::Held(path.to_owned()));
        }
        if error.kind() == io::ErrorKind::ConnectionRefused {
            if !path.symlink_metadata().map_err(io)?.file_type().is_socket() {
                return Err(SocketError::NotASocket(path.to_owned()));
            }
        } else if error.kind() != io::ErrorKind::NotFound {
            return Err(io(error));
        }
        // Under another name first: between making it and setting its rights, others could open it.
        let new = path.with_file_name(format!(".{}", std::process::id()));
        let _ = std::fs::remove_file(&new);
        let listener = UnixListener::bind(&new).map_err(io)?;
        let placed = std::fs::set_permissions(&new, Permissions::from_mode(0o600))
            .and_then(|()| std::fs::symlink_metadata(&new))
            .and_then(|meta| std::fs::rename(&new, path).map(|()| meta));
        match placed {
            Ok(meta) => Ok(Self { listener, path: path.to_owned(), file: (meta.dev(), meta.ino()) }),
            Err(error) => {
                let _ = std::fs::remove_file(&new);
                Err(io(error))
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let there = std::fs::symlink_metadata(&self.path).ok().map(|meta| (meta.dev(), meta.ino()));
        if there == Some(self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Door for Socket {
    type Io = UnixStream;

    const LOCAL: bool = true;

    async fn accept(&self) -> io::Result<UnixStream> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            match stream.peer_cred() {
                Ok(peer) if trusted(peer.uid()) => return Ok(stream),
                Ok(peer) => tracing::warn!(uid = peer.uid(), "another user came to the socket and was sent away"),
                Err(error) => tracing::warn!(%error, "it is unknown who came to the socket; he was sent away"),
            }
        }
    }
}

/// Only this program's user, and root. The file's rights say so too, as long as nobody changes them.
fn trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_dead_sockets_file_is_replaced_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sock");
        let socket = Socket::bind(&path).await.unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(matches!(Socket::bind(&path).await, Err(SocketError::Held(_))));
        drop(socket);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        // Its process died without taking it away.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = Socket::bind(&path).await.unwrap();
        // Somebody put another in its place.
        std::fs::remove_file(&path).unwrap();
        let second = Socket::bind(&path).await.unwrap();
        drop(first);
        assert!(path.exists());
        drop(second);
        std::fs::write(&path, "mine").unwrap();
        assert!(matches!(Socket::bind(&path).await, Err(SocketError::NotASocket(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
        let nowhere = folder.path().join("nowhere/s.sock");
        let error = Socket::bind(&nowhere).await.unwrap_err().to_string();
        assert!(error.contains("nowhere/s.sock") && error.contains("--socket"), "{error}");
    }

    #[test]
    fn only_the_same_user_and_root_are_trusted() {
        let own = rustix::process::geteuid().as_raw();
        assert!(trusted(own) && trusted(0) && !trusted(own + 1));
    }
}
