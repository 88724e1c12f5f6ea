//! A real browser, controlled over its DevTools protocol. Clicks are mouse events.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::tools;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longest wait for a page or a reply of the browser.
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// A running browser with one page. Dropping it ends the browser.
pub struct Browser {
    process: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Value,
    commands: u64,
    page: u64,
    _profile: TempDir,
}

impl Browser {
    /// Starts a browser with a page of a phone's size. On a machine without a browser it returns `None` and
    /// prints what is `untested`.
    pub async fn start(untested: &str) -> Option<Self> {
        let program = tools::chromium().unwrap().or_skip(untested)?;
        let profile = tempfile::tempdir().unwrap();
        let process = launch(&program, profile.path());
        let address = address(profile.path()).await;
        let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
        let mut browser =
            Self { process, socket, session: Value::Null, commands: 0, page: 0, _profile: profile };
        let target = browser.command("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        browser.session = browser.command("Target.attachToTarget", attach).await["sessionId"].clone();
        let phone = json!({"width": 360, "height": 640, "deviceScaleFactor": 2, "mobile": true});
        browser.command("Emulation.setDeviceMetricsOverride", phone).await;
        Some(browser)
    }

    /// Sends a command and returns its result.
    async fn command(&mut self, method: &str, params: Value) -> Value {
        self.try_command(method, params).await.expect(method)
    }

    /// Sends a command, which fails if its page goes away meanwhile.
    async fn try_command(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.commands += 1;
        let number = self.commands;
        let mut command = json!({"id": number, "method": method, "params": params});
        if !self.session.is_null() {
            command["sessionId"] = self.session.clone();
        }
        self.socket.send(Message::text(command.to_string())).await.unwrap();
        loop {
            let message = tokio::time::timeout(WAIT_TIMEOUT, self.socket.next()).await.expect(method);
            let Message::Text(text) = message.unwrap().unwrap() else { continue };
            let mut answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == number {
                return match answer["error"].take() {
                    Value::Null => Ok(answer["result"].take()),
                    error => Err(error.to_string()),
                };
            }
        }
    }

    /// Evaluates an expression on the page.
    pub async fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true});
        let mut answer = self.command("Runtime.evaluate", params).await;
        assert_eq!(answer["exceptionDetails"], Value::Null, "{expression}");
        answer["result"]["value"].take()
    }

    /// Opens an address.
    pub async fn open(&mut self, url: &str) {
        self.mark().await;
        let answer = self.command("Page.navigate", json!({ "url": url })).await;
        assert_eq!(answer["errorText"], Value::Null, "{url}");
        self.next_page().await;
    }

    /// Clicks on the button or the link with this text, and waits for the page behind it.
    pub async fn click(&mut self, text: &str) {
        let spot = self.spot(text).await;
        self.mark().await;
        for kind in ["mousePressed", "mouseReleased"] {
            let click = json!({"type": kind, "x": spot[0], "y": spot[1], "button": "left", "clickCount": 1});
            self.command("Input.dispatchMouseEvent", click).await;
        }
        self.next_page().await;
    }

    /// The centre of the only button or link with this text.
    async fn spot(&mut self, text: &str) -> Value {
        let wanted = json!(text);
        let expression = format!(
            "(() => {{ const all = [...document.querySelectorAll('button, a')].filter(e => e.innerText.trim() === {wanted}); \
             if (all.length !== 1) return null; all[0].scrollIntoView({{block: 'center'}}); \
             const box = all[0].getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let spot = self.value(&expression).await;
        assert!(spot.is_array(), "not one {text:?} on the page:\n{}", self.text().await);
        spot
    }

    /// Marks the page to distinguish it from the next one.
    async fn mark(&mut self) {
        self.page += 1;
        let mark = format!("window.page = {}", self.page);
        self.value(&mark).await;
    }

    async fn next_page(&mut self) {
        let expression = format!("window.page !== {} && document.readyState === 'complete'", self.page);
        let arrived = async {
            loop {
                let params = json!({"expression": expression, "returnByValue": true});
                let answer = self.try_command("Runtime.evaluate", params).await;
                if answer.is_ok_and(|answer| answer["result"]["value"] == true) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, arrived).await.expect("the next page");
    }

    /// Waits until an expression on the page is true.
    pub async fn until(&mut self, expression: &str) {
        let holds = async {
            while self.value(expression).await != true {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(WAIT_TIMEOUT, holds).await.expect(expression);
    }

    /// Sends these headers with every request of the page from now on.
    pub async fn send_headers(&mut self, headers: Value) {
        self.command("Network.enable", json!({})).await;
        self.command("Network.setExtraHTTPHeaders", json!({ "headers": headers })).await;
    }

    /// The address of the page.
    pub async fn url(&mut self) -> String {
        self.value("location.href").await.as_str().unwrap().to_owned()
    }

    /// The visible text of the page.
    pub async fn text(&mut self) -> String {
        self.value("document.body.innerText").await.as_str().unwrap().to_owned()
    }

    /// Goes back one page.
    pub async fn back(&mut self) {
        self.mark().await;
        let history = self.command("Page.getNavigationHistory", json!({})).await;
        let index = usize::try_from(history["currentIndex"].as_u64().unwrap()).unwrap() - 1;
        let entry = json!({"entryId": history["entries"][index]["id"]});
        self.command("Page.navigateToHistoryEntry", entry).await;
        self.next_page().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends the whole process group, because the program may be a script around the browser. The shell's
        // own `kill` exists even on machines without the program.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("sh").args(["-c", "kill -s KILL -- \"$1\"", "sh", &group]).status();
        let _ = self.process.wait();
    }
}

fn launch(program: &Path, profile: &Path) -> Child {
    let mut command = Command::new(program);
    // Chromium refuses to run as root with its sandbox. It opens only pages of this machine.
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-proxy-server",
    ]);
    command.args(["--no-first-run", "--remote-debugging-port=0"]);
    let profile = format!("--user-data-dir={}", profile.display());
    command.process_group(0);
    command.arg(profile).arg("about:blank").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// The address of the DevTools socket. The browser writes its port to a file in its profile.
async fn address(profile: &Path) -> String {
    let file = profile.join("DevToolsActivePort");
    let written = async {
        loop {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            if let Some((port, path)) = text.split_once('\n') {
                return format!("ws://127.0.0.1:{port}{}", path.trim());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(WAIT_TIMEOUT, written).await.expect("the browser does not listen")
}
