//! A headless Chromium as a child process of a test, driven over the DevTools protocol.
//!
//! The protocol goes through two pipes, messages ended by a zero byte, so no library and no port is needed.

use std::collections::VecDeque;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use crate::support::{PATIENCE, within};

/// The names that it goes by, the smallest first.
const NAMES: [&str; 6] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];

/// The browser's ends of the pipes are its file descriptors 3 and 4.
const PIPED: &str = "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null";

/// A Chromium: where `CHROMIUM` says that there is one, or on the path. None: what would need it is left out, and that is
/// said past the test harness, which shows nothing of tests that pass.
pub fn chromium() -> Option<PathBuf> {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = named.or_else(|| {
        let mut places =
            NAMES.iter().flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)));
        places.find(|place| place.is_file())
    });
    if found.is_none() {
        let _ = writeln!(
            std::io::stderr(),
            "LEFT OUT: there is no Chromium to test the page in; install chromium, or set CHROMIUM to one"
        );
    }
    found
}

/// How large a page is shown, and how.
#[derive(Clone, Copy)]
pub struct Screen {
    pub width: u32,
    pub height: u32,
    pub phone: bool,
    pub dark: bool,
}

/// A page in a browser of its own.
pub struct Page {
    _child: Child,
    _folder: TempDir,
    commands: ChildStdin,
    messages: BufReader<ChildStdout>,
    session: Option<String>,
    number: u64,
    /// What went wrong in the page, and what its policy forbade.
    pub faults: VecDeque<String>,
}

impl Page {
    /// Opens a page.
    pub async fn open(chromium: &Path, url: &str, screen: Screen) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.arg("-c").arg(PIPED).arg(chromium);
        // Without its sandbox, which root and containers can't have: it is shown nothing but the page of a test.
        command.args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]);
        command.args(["--remote-debugging-pipe", "--lang=en-GB", "--force-color-profile=srgb"]);
        command.arg(format!("--user-data-dir={}", folder.path().display())).arg("about:blank");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        command.env("HOME", folder.path());
        let mut child = command.spawn().expect("sh");
        let (commands, messages) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut page = Self {
            _child: child,
            _folder: folder,
            commands,
            messages,
            session: None,
            number: 0,
            faults: VecDeque::new(),
        };
        let target = page.call("Target.createTarget", json!({"url": "about:blank"})).await["targetId"].clone();
        let attached = page.call("Target.attachToTarget", json!({"targetId": target, "flatten": true})).await;
        page.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            page.call(domain, json!({})).await;
        }
        let Screen { width, height, phone, dark } = screen;
        let scale = if phone { 2 } else { 1 };
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone});
        page.call("Emulation.setDeviceMetricsOverride", metrics).await;
        page.call("Emulation.setTouchEmulationEnabled", json!({"enabled": phone})).await;
        let scheme = json!({"name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" }});
        page.call("Emulation.setEmulatedMedia", json!({"features": [scheme]})).await;
        page.call("Page.navigate", json!({"url": url})).await;
        page.until("document.readyState === 'complete'").await;
        page
    }

    /// Asks the browser for something, and waits for the answer.
    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.number += 1;
        let mut command = json!({"id": self.number, "method": method, "params": params});
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).await.expect("the browser reads");
        loop {
            let mut bytes = Vec::new();
            within(method, self.messages.read_until(0, &mut bytes)).await.unwrap();
            assert_eq!(bytes.pop(), Some(0), "the browser ended before it answered {method}");
            let mut message: Value = serde_json::from_slice(&bytes).unwrap();
            if message["id"] == self.number {
                assert_eq!(message["error"], Value::Null, "{method}");
                return message["result"].take();
            }
            self.noted(&message);
        }
    }

    fn noted(&mut self, message: &Value) {
        let params = &message["params"];
        match message["method"].as_str() {
            Some("Runtime.exceptionThrown") => self.faults.push_back(params["exceptionDetails"].to_string()),
            // What the network says is as it is: answers such as 401 are no fault of the page.
            Some("Log.entryAdded") if params["entry"]["level"] == "error" && params["entry"]["source"] != "network" => {
                self.faults.push_back(params["entry"].to_string());
            }
            _ => {}
        }
    }

    /// The value of an expression in the page, awaited when it is a promise.
    pub async fn eval(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", asked).await;
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, expression: &str) {
        let mut pause = tokio::time::interval(Duration::from_millis(20));
        let looking = async {
            while self.eval(&format!("Boolean({expression})")).await != true {
                pause.tick().await;
            }
        };
        if tokio::time::timeout(PATIENCE, looking).await.is_err() {
            let text = self.eval("document.body.innerText").await;
            panic!("it did not come to {expression}:\n{}\n{:?}", text.as_str().unwrap_or_default(), self.faults);
        }
    }

    /// Waits until this element is seen and holds this text.
    pub async fn shows(&mut self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.until(&format!(
            "[...document.querySelectorAll({selector})].some((e) => e.checkVisibility() && e.textContent.includes({text}))"
        ))
        .await;
    }

    /// Puts the mouse, or a finger, where this element is: what covers it gets the click.
    pub async fn click(&mut self, selector: &str) {
        let selector = json!(selector);
        self.until(&format!("document.querySelector({selector})?.checkVisibility()")).await;
        let middle = format!(
            "(() => {{ const e = document.querySelector({selector}); e.scrollIntoView({{ block: 'center', behavior: 'instant' }}); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        );
        let at = self.eval(&middle).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({"type": kind, "x": at[0], "y": at[1], "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types a text into this field, in place of what is there.
    pub async fn fill(&mut self, selector: &str, text: &str) {
        self.click(selector).await;
        self.eval("document.activeElement.select()").await;
        self.call("Input.insertText", json!({"text": text})).await;
    }

    pub async fn press_enter(&mut self) {
        for kind in ["keyDown", "keyUp"] {
            let key = json!({"type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"});
            self.call("Input.dispatchKeyEvent", key).await;
        }
    }

    /// Loads the page anew.
    pub async fn reload(&mut self) {
        self.eval("window.before = true").await;
        self.call("Page.reload", json!({})).await;
        self.until("!window.before && document.readyState === 'complete'").await;
    }

    /// What is on the screen, as greys: width, height, and the lightness of each pixel. With `PILOTHOUSE_SHOTS` set to a
    /// folder, the picture is put there under this name.
    pub async fn picture(&mut self, name: &str) -> (usize, usize, Vec<u8>) {
        let answer = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        let bytes = base64::prelude::BASE64_STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        if let Some(folder) = std::env::var_os("PILOTHOUSE_SHOTS") {
            std::fs::write(Path::new(&folder).join(format!("{name}.png")), &bytes).unwrap();
        }
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let grey = |pixel: &[u8]| u8::try_from(pixel.iter().take(3).map(|c| u32::from(*c)).sum::<u32>() / 3).unwrap();
        let luma = pixels.chunks(info.color_type.samples()).map(grey).collect();
        (info.width as usize, info.height as usize, luma)
    }
}
