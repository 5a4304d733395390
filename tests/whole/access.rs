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
    assert_eq!(gateway.get("/status").await.status, 200);
    assert!(!socket.exists());
    assert!(gateway.end().await.success());
}

/// Runs a command on tokens, and gives what it printed.
fn token(place: &Place, args: &[&str]) -> String {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_pilothouse"));
    let output = command.arg("token").args(args).env_clear().envs(place.env()).current_dir(place.home()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_gateway_takes_new_tokens_and_no_token_is_ever_in_a_log() {
    let place = Place::bare().await;
    let gateway = Gateway::start_with(&place, &["--bridge", "/bin/cat"], &[("RUST_LOG", "trace")]).await;
    let root = token(&place, &[]).trim().to_owned();
    let reader = token(&place, &["add", "grafana", "--scope", "read"]).trim().to_owned();
    let wrong = root.replace(|c: char| c.is_ascii_digit(), "a");
    let listed = token(&place, &["list"]);
    assert!(listed.contains("grafana") && listed.contains("read") && !listed.contains(&reader), "{listed}");
    let listed: serde_json::Value = serde_json::from_str(&token(&place, &["list", "--json"])).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["scope"]), (&"grafana".into(), &"read".into()), "{listed}");
    let shown: serde_json::Value = serde_json::from_str(&token(&place, &["--json"])).unwrap();
    assert_eq!(shown["token"], root.as_str());
    let ask = async |token: &str, path: &str| gateway.request_as(token, "GET", path).await.status;
    assert_eq!((ask(&root, "/qr").await, ask(&reader, "/status").await), (503, 200));
    assert_eq!((ask(&reader, "/qr").await, ask(&wrong, "/status").await), (403, 401));
    // Somebody mistakes where it goes.
    assert_eq!(ask(&root, &format!("/status?token={reader}")).await, 200);
    token(&place, &["revoke", "grafana"]);
    assert_eq!((ask(&reader, "/status").await, ask(&root, "/status").await), (401, 200));
    let rotated = token(&place, &["rotate"]).trim().to_owned();
    assert_eq!((ask(&root, "/status").await, ask(&rotated, "/status").await), (401, 200));

    let mut log = gateway.log_at_end().await;
    for entry in std::fs::read_dir(place.data().join("logs")).unwrap() {
        log.push_str(&std::fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    assert!(log.contains("answered"), "it is a log of everything");
    for token in [root, reader, wrong, rotated] {
        let digits = token.strip_prefix("pilothouse_").unwrap();
        assert!(!log.contains(digits), "a token is in the log");
    }
}
