//! A headless Chromium, driven over its debugging protocol. Knows pages and expressions; what
//! is asked of the page is the test's business.
#![allow(unreachable_pub, reason = "a module of one test binary")]

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const PLACES: [&str; 3] = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const ARGUMENTS: [&str; 14] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--window-size=1000,700",
    "--remote-debugging-port=0",
];
/// Longest single answer of the browser on a busy machine.
const ANSWER: Duration = Duration::from_secs(20);

/// The process and its profile; both are gone when it is dropped, also by a panic.
pub struct Chromium {
    child: Child,
    profile: PathBuf,
    address: String,
}

/// One page.
pub struct Page {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    next: u64,
}

impl Chromium {
    /// Where it is installed, if it is.
    pub fn installed() -> Option<&'static str> {
        PLACES.into_iter().find(|place| Path::new(place).exists())
    }

    pub fn start(program: &str) -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let name = format!("chromium-{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let profile = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&profile);
        let mut child = Command::new(program)
            .args(ARGUMENTS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("an installed program can be started");
        let stderr = child.stderr.take().expect("stderr was piped");
        let mut chromium = Self { child, profile, address: String::new() };
        let mut lines = BufReader::new(stderr).lines();
        let mut said = Vec::new();
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("DevTools listening on ") {
                address.trim().clone_into(&mut chromium.address);
                break;
            }
            said.push(line);
        }
        assert!(!chromium.address.is_empty(), "Chromium did not say where it listens: {said:#?}");
        // Read on, so that it never waits for us. Ends with the process.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        chromium
    }

    /// An empty page.
    pub async fn page(&self) -> Page {
        let dialled = tokio_tungstenite::connect_async(&self.address);
        let (socket, _) = timeout(ANSWER, dialled).await.expect("in time").expect("it listens there");
        let mut page = Page { socket, session: String::new(), next: 0 };
        let target = page.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let target = target["targetId"].as_str().expect("a target").to_owned();
        let attached =
            page.call("Target.attachToTarget", json!({ "targetId": target, "flatten": true })).await;
        attached["sessionId"].as_str().expect("a session").clone_into(&mut page.session);
        page
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // The whole group: what is installed may be a script, and a browser is many processes.
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

impl Page {
    pub async fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(opened.get("errorText").is_none(), "{opened}");
    }

    /// The value of an expression, or of the promise it gives.
    pub async fn value(&mut self, expression: &str) -> Value {
        let asked = json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let got = self.call("Runtime.evaluate", asked).await;
        assert!(got.get("exceptionDetails").is_none(), "{expression}: {}", got["exceptionDetails"]);
        got["result"]["value"].clone()
    }

    /// Asks again, as fast as the page answers, until the value fits; then gives it.
    pub async fn until(
        &mut self,
        what: &str,
        patience: Duration,
        expression: &str,
        fits: impl Fn(&Value) -> bool,
    ) -> Value {
        let deadline = Instant::now() + patience;
        loop {
            let value = self.value(expression).await;
            if fits(&value) {
                return value;
            }
            if Instant::now() > deadline {
                let body =
                    self.value("document.body.innerText + JSON.stringify(document.body.dataset)").await;
                panic!("{what}: not within {patience:?}; last seen: {value}; the page says: {body}");
            }
        }
    }

    /// As PNG.
    pub async fn picture(&mut self) -> Vec<u8> {
        let shot = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        base64(shot["data"].as_str().expect("a picture"))
    }

    /// Ends the browser in the polite way; the process may take a moment.
    pub async fn quit(mut self) {
        self.session.clear();
        self.call("Browser.close", json!({})).await;
    }

    async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut asked = json!({ "id": self.next, "method": method, "params": params });
        if !self.session.is_empty() {
            asked["sessionId"] = json!(self.session);
        }
        self.socket.send(Message::text(asked.to_string())).await.expect("the browser listens");
        let id = json!(self.next);
        let answer = async {
            while let Some(frame) = self.socket.next().await {
                let Ok(Message::Text(text)) = frame else { continue };
                let said: Value = serde_json::from_str(&text).expect("it speaks JSON");
                if said["id"] == id {
                    return said;
                }
            }
            panic!("the browser hung up during {method}");
        };
        let said = timeout(ANSWER, answer).await.unwrap_or_else(|_| panic!("no answer to {method}"));
        assert!(said.get("error").is_none(), "{method}: {}", said["error"]);
        said["result"].clone()
    }
}

/// RFC 4648 section 4.
fn base64(text: &str) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let sextets: Vec<u8> = text.bytes().filter(|byte| *byte != b'=').map(value).collect();
    let mut bytes = Vec::with_capacity(sextets.len() * 3 / 4);
    for four in sextets.chunks(4) {
        let word = four.iter().fold(0u32, |word, &six| word << 6 | u32::from(six)) << (6 * (4 - four.len()));
        bytes.extend(&word.to_be_bytes()[1..four.len()]);
    }
    bytes
}
