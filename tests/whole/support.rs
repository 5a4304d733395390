//! What the tests share: a folder of their own, the simulator, and the environment that a bridge sees.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::ResponseFuture;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use pilothouse::packages::Plan;
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use whatsapp_simulator::Simulator;

/// How long a test may hang before it is given up. No test measures time.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A place for one test: a simulator, and folders that go with it.
pub struct Place {
    pub simulator: Simulator,
    folder: TempDir,
}

impl Place {
    /// With the bridge's packages installed.
    pub async fn new() -> Self {
        static PACKAGES: OnceCell<()> = OnceCell::const_new();
        PACKAGES
            .get_or_init(async || {
                let env = std::env::vars_os().collect();
                let plan = Plan { folder: bridge_folder(), node: "node".into(), env };
                plan.ensure().await.expect("the bridge's packages can be installed");
            })
            .await;
        Self::bare().await
    }

    /// For a bridge that needs no packages.
    pub async fn bare() -> Self {
        Self {
            simulator: Simulator::start().await.expect("a simulator"),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// An empty home, which is the working folder too.
    pub fn home(&self) -> &Path {
        self.folder.path()
    }

    pub fn session(&self) -> PathBuf {
        self.folder.path().join("session")
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// All of the environment that programs get here.
    pub fn env(&self) -> Vec<(String, OsString)> {
        let mut env: Vec<(String, OsString)> = vec![
            ("PATH".to_owned(), std::env::var_os("PATH").unwrap_or_default()),
            ("HOME".to_owned(), self.home().into()),
            ("TZ".to_owned(), "UTC".into()),
            ("WA_SESSION_DIR".to_owned(), self.session().into()),
            ("PILOTHOUSE_DATA_DIR".to_owned(), self.data().into()),
            ("PILOTHOUSE_LISTEN".to_owned(), "127.0.0.1:0".into()),
            ("PILOTHOUSE_SEND_RATE_PER_MINUTE".to_owned(), "0".into()),
        ];
        env.extend(self.simulator.bridge_env().into_iter().map(|(name, value)| (name, value.into())));
        env
    }
}

/// Where the bundled bridge is.
pub fn bridge_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bridge")
}

/// Waits for it, and fails with `what` when it hangs.
pub async fn within<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(value) => value,
        Err(_) => panic!("{what}: nothing came within {} s", PATIENCE.as_secs()),
    }
}

/// The program, headless, as a child process.
pub struct Gateway {
    child: Child,
    log: JoinHandle<String>,
    /// Host and port of the API.
    pub address: String,
    /// The QR that it was linked by.
    pub qr: std::sync::Mutex<Option<String>>,
    client: Client,
    /// The token of the API.
    pub token: String,
}

type Client = hyper_util::client::legacy::Client<HttpConnector, Full<Bytes>>;

/// An answer of the API.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub location: Option<String>,
    /// Null when it is not JSON.
    pub json: Value,
}

impl Gateway {
    /// Starts it, with these arguments more, and waits until its API listens.
    pub async fn start(place: &Place, args: &[&str]) -> Self {
        Self::start_with(place, args, &[]).await
    }

    /// Starts it with these variables more.
    pub async fn start_with(place: &Place, args: &[&str], env: &[(&str, &str)]) -> Self {
        Self::spawn(place, Command::new(env!("CARGO_BIN_EXE_pilothouse")), args, env).await
    }

    /// Starts it by another program, which is given its path and its arguments and becomes it.
    pub async fn start_under(place: &Place, wrap: &[&str], args: &[&str]) -> Self {
        let mut command = Command::new(wrap[0]);
        command.args(&wrap[1..]).arg(env!("CARGO_BIN_EXE_pilothouse"));
        Self::spawn(place, command, args, &[]).await
    }

    async fn spawn(place: &Place, mut command: Command, args: &[&str], env: &[(&str, &str)]) -> Self {
        command.arg("--headless").args(args).env_clear().envs(place.env()).envs(env.iter().copied());
        command.current_dir(place.home());
        if !args.contains(&"--bridge") {
            command.arg("--bridge").arg(bridge_folder().join("baileys-bridge.mjs"));
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("the program");
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut start = String::new();
        let address = loop {
            let line =
                within("the API", lines.next_line()).await.unwrap().unwrap_or_else(|| panic!("it ended: {start}"));
            start.push_str(&line);
            start.push('\n');
            if let Some((_, rest)) = line.split_once("the API listens address=") {
                break rest.split(' ').next().unwrap().to_owned();
            }
        };
        let log = tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                start.push_str(&line);
                start.push('\n');
            }
            start
        });
        // As the program sees it: some tests mount a file system of its own there.
        let root = format!("/proc/{}/root", child.id().expect("it runs"));
        let file = Path::new(&root).join(place.data().strip_prefix("/").unwrap()).join("token");
        let token = std::fs::read_to_string(file).unwrap().trim().to_owned();
        let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build_http();
        Self { child, log, address, qr: Default::default(), client, token }
    }

    /// Links it by its QR.
    pub async fn link(&self, place: &Place) {
        self.until(|status| status["pairing"] == "qr").await;
        let qr = self.get("/qr").await.json["qr"].as_str().unwrap().to_owned();
        within("the scan", place.simulator.scan(&qr)).await.expect("it can be linked");
        *self.qr.lock().unwrap() = Some(qr);
        self.until(|status| status["connected"] == true).await;
    }

    pub fn request(
        &self,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> impl Future<Output = Answer> + Send + use<> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        request = request.header("authorization", format!("Bearer {}", self.token));
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let answer = self.client.request(request.body(Full::from(body)).unwrap());
        answered(answer)
    }

    /// Asks with another token.
    pub async fn request_as(&self, token: &str, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        let request = request.header("authorization", format!("Bearer {token}")).body(Full::default()).unwrap();
        answered(self.client.request(request)).await
    }

    /// Sends a text with an `Idempotency-Key`.
    pub async fn send_keyed(&self, key: &str, body: Value) -> Answer {
        let request = Request::post(format!("http://{}/send", self.address)).header("content-type", "application/json");
        let request = request
            .header("authorization", format!("Bearer {}", self.token))
            .header("idempotency-key", key)
            .body(Full::from(body.to_string()))
            .unwrap();
        answered(self.client.request(request)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.request("POST", path, Some(body)).await
    }

    pub async fn status(&self) -> Value {
        self.get("/status").await.json
    }

    /// Asks for the status again and again until it is as wanted.
    pub async fn until(&self, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        let looking = async {
            loop {
                pause.tick().await;
                last = self.status().await;
                if wanted(&last) {
                    break;
                }
            }
        };
        let found = tokio::time::timeout(PATIENCE, looking).await;
        assert!(found.is_ok(), "it did not come to that: {last:#}");
        last
    }

    pub fn pid(&self) -> i64 {
        self.child.id().expect("it runs").into()
    }

    /// Waits for its end.
    pub async fn ended(mut self) -> ExitStatus {
        within("the end", self.child.wait()).await.unwrap()
    }

    /// Asks it to end, and waits.
    pub async fn end(self) -> ExitStatus {
        self.terminate();
        self.ended().await
    }

    /// Asks it to end, and returns all that it wrote to stderr.
    pub async fn log_at_end(mut self) -> String {
        self.terminate();
        within("the end", self.child.wait()).await.unwrap();
        within("the log", self.log).await.unwrap()
    }

    /// Ends it the hard way.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it can be killed");
    }

    fn terminate(&self) {
        signal(self.pid(), "TERM");
    }
}

async fn answered(answer: ResponseFuture) -> Answer {
    let (head, body) = within("an answer", answer).await.expect("an answer").into_parts();
    let header = |name| head.headers.get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    let bytes = body.collect().await.expect("a body").to_bytes();
    Answer {
        status: head.status.as_u16(),
        kind: header("content-type").unwrap_or_default(),
        location: header("location"),
        json: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

/// Sends a signal to a process.
pub fn signal(pid: i64, name: &str) {
    let status = std::process::Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(status.expect("kill").success());
}
