//! Who may use the API of the real program, and by which way.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

use crate::support::{Gateway, Place, within};

/// What is answered at the socket to a request without a token.
async fn ask(socket: &Path, path: &str) -> String {
    let mut io = UnixStream::connect(socket).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    io.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within("an answer", io.read_to_string(&mut answer)).await.unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_needs_no_token_and_a_dead_one_is_replaced() {
    let (place, other) = (Place::bare().await, Place::bare().await);
    let runtime = tempfile::tempdir().unwrap();
    let env = [("XDG_RUNTIME_DIR", runtime.path().to_str().unwrap())];
    let args = ["--bridge", "/bin/cat"];
    let socket = runtime.path().join("pilothouse.sock");
    let gateway = Gateway::start_with(&place, &args, &env).await;
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    let answer = ask(&socket, "/status").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("\"connection\""), "{answer}");
    // Another gateway of this user has the usual place: the second one's is in its data folder.
    let second = Gateway::start_with(&other, &args, &env).await;
    let own = other.data().join("pilothouse.sock");
    assert!(ask(&own, "/status").await.starts_with("HTTP/1.1 200 "));
    assert!(second.log_at_end().await.contains("another program answers at"));
    assert!(!own.exists() && socket.exists());

    gateway.kill().await;
    assert!(socket.exists(), "nobody took it away");
    let gateway = Gateway::start_with(&place, &args, &env).await;
    assert!(ask(&socket, "/status").await.starts_with("HTTP/1.1 200 "));
    assert!(gateway.end().await.success());
    assert!(!socket.exists());

    let gateway = Gateway::start_with(&place, &["--bridge", "/bin/cat", "--socket", "none"], &env).await;
    assert!(!socket.exists());
    assert!(gateway.end().await.success());
}
