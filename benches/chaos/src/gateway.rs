//! The program under test: started, killed, started again, and asked through its API.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use whatsapp_simulator::Simulator;

use crate::Plan;

/// How long an answer may take before it counts as lost.
const ANSWER: Duration = Duration::from_secs(10);

/// How long the program may take to end when it is asked to.
const END: Duration = Duration::from_secs(30);

/// The program as a process.
pub(crate) struct Host {
    program: OsString,
    bridge: OsString,
    plan: Plan,
    env: Vec<(String, OsString)>,
    child: Option<Child>,
}

impl Host {
    pub(crate) fn new(plan: &Plan, simulator: &Simulator, address: SocketAddr) -> Self {
        let mut env: Vec<(String, OsString)> = vec![
            ("PATH".to_owned(), std::env::var_os("PATH").unwrap_or_default()),
            ("HOME".to_owned(), plan.folder.clone().into()),
            ("TZ".to_owned(), "UTC".into()),
            ("WA_SESSION_DIR".to_owned(), plan.folder.join("session").into()),
            ("PILOTHOUSE_DATA_DIR".to_owned(), plan.folder.join("data").into()),
            ("PILOTHOUSE_LISTEN".to_owned(), address.to_string().into()),
            ("PILOTHOUSE_SEND_RATE_PER_MINUTE".to_owned(), "0".into()),
        ];
        env.extend(simulator.bridge_env().into_iter().map(|(name, value)| (name, value.into())));
        Self {
            program: plan.program.clone().into(),
            bridge: plan.bridge.clone().into(),
            plan: plan.clone(),
            env,
            child: None,
        }
    }

    /// Starts it. What it says is added to `host.log`.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.plan.folder.join("host.log"))?;
        let mut command = Command::new(&self.program);
        command.arg("--headless").arg("--bridge").arg(&self.bridge).current_dir(&self.plan.folder);
        command.env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).kill_on_drop(true);
        self.child = Some(command.spawn().context("the program can't be started")?);
        Ok(())
    }

    /// Ends it the hard way.
    pub(crate) async fn kill(&mut self) -> anyhow::Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().await?;
        }
        Ok(())
    }

    /// Whether it has ended by itself.
    pub(crate) fn ended(&mut self) -> anyhow::Result<bool> {
        Ok(match &mut self.child {
            Some(child) => child.try_wait()?.is_some(),
            None => true,
        })
    }

    /// Asks it to end, and waits.
    pub(crate) async fn end(&mut self) -> anyhow::Result<()> {
        let Some(mut child) = self.child.take() else { return Ok(()) };
        if let Some(pid) = child.id() {
            signal(i64::from(pid), Signal::TERM)?;
        }
        let status = tokio::time::timeout(END, child.wait()).await.context("the program does not end")??;
        if !status.success() {
            bail!("the program ended with {status}");
        }
        Ok(())
    }
}

/// Sends a signal to a process.
pub(crate) fn signal(pid: i64, signal: Signal) -> anyhow::Result<()> {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).context("not a process id")?;
    Ok(kill_process(pid, signal)?)
}

/// A loopback port that is free now.
pub(crate) fn free_address() -> std::io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The request did not reach the program.
    NotAsked,
    /// The request may have reached it.
    Lost,
}

/// The API's client.
#[derive(Clone)]
pub(crate) struct Api {
    address: SocketAddr,
    /// The program makes it at its first start.
    token: PathBuf,
    client: Client<HttpConnector, Full<Bytes>>,
    /// A send is under way.
    asked: Arc<Notify>,
}

impl Api {
    pub(crate) fn new(address: SocketAddr, token: PathBuf) -> Self {
        Self { address, token, client: Client::builder(TokioExecutor::new()).build_http(), asked: Arc::default() }
    }

    /// The status and the body of an answer.
    async fn ask(&self, request: hyper::http::request::Builder, body: String) -> Result<(u16, Value), NoAnswer> {
        let token = std::fs::read_to_string(&self.token).map_err(|_| NoAnswer::NotAsked)?;
        let request = request.header("authorization", format!("Bearer {}", token.trim()));
        let request = request.body(Full::from(body)).map_err(|_| NoAnswer::NotAsked)?;
        let answering = async {
            let answer = self.client.request(request).await;
            let answer = answer.map_err(|e| if e.is_connect() { NoAnswer::NotAsked } else { NoAnswer::Lost })?;
            let status = answer.status().as_u16();
            let body = answer.into_body().collect().await.map_err(|_| NoAnswer::Lost)?.to_bytes();
            Ok((status, serde_json::from_slice(&body).map_err(|_| NoAnswer::Lost)?))
        };
        tokio::time::timeout(ANSWER, answering).await.unwrap_or(Err(NoAnswer::Lost))
    }

    pub(crate) async fn get(&self, path: &str) -> Result<(u16, Value), NoAnswer> {
        self.ask(Request::get(format!("http://{}{path}", self.address)), String::new()).await
    }

    /// The status, when the program answers.
    pub(crate) async fn status(&self) -> Option<Value> {
        self.get("/status").await.ok().filter(|(code, _)| *code == 200).map(|(_, status)| status)
    }

    /// Sends a text, with a key that makes further attempts the same request.
    pub(crate) async fn send(&self, to: &str, text: &str, key: &str) -> Result<(u16, Value), NoAnswer> {
        let request = Request::post(format!("http://{}/send", self.address))
            .header("content-type", "application/json")
            .header("idempotency-key", format!("\"{key}\""));
        let answer = self.ask(request, serde_json::json!({ "to": to, "text": text }).to_string());
        self.asked.notify_waiters();
        answer.await
    }

    /// Waits until somebody asks for a send.
    pub(crate) async fn asked(&self) {
        self.asked.notified().await;
    }
}
