//! A headless Chromium, driven over WebDriver (W3C), as people use the page: by looking,
//! clicking and typing.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::srvd::Srvd;
use super::{PATIENCE, eventually};

/// A browser with one window. It ends with its driver when dropped.
pub(crate) struct Browser {
    /// The driver, which started the browser.
    _driver: Srvd,
    /// Where the driver listens.
    at: SocketAddr,
    /// The path of the session.
    session: String,
}

/// How large a window is, in CSS pixels.
#[derive(Clone, Copy)]
pub(crate) enum Screen {
    /// That of a desk.
    Desktop,
    /// That of a hand: touched, and dense.
    Phone,
}

impl Browser {
    /// Starts one, or says why not.
    pub(crate) fn start(screen: Screen) -> Option<Self> {
        let is_there = |name: &str| Command::new(name).arg("--version").output().is_ok();
        if !is_there("chromedriver") || !is_there("chromium") {
            eprintln!("left out: there is no chromium (Debian: chromium chromium-driver)");
            return None;
        }
        let driver = Srvd::spawn(Command::new("chromedriver").args(["--port=0"]));
        let (_, line) = driver.prints("started successfully on port ");
        let port = line.trim_end_matches('.').rsplit(' ').next().unwrap().parse().unwrap();
        let mut browser =
            Self { _driver: driver, at: ([127, 0, 0, 1], port).into(), session: String::new() };
        let made = browser.post("/session", &capabilities(screen));
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        Some(browser)
    }

    /// Goes to an address.
    pub(crate) fn open(&self, url: &str) {
        self.post(&format!("{}/url", self.session), &json!({ "url": url }));
    }

    /// What an expression says in the page.
    pub(crate) fn says(&self, expression: &str) -> Value {
        self.developer(
            "Runtime.evaluate",
            &json!({ "expression": expression, "returnByValue": true }),
        )["result"]["value"]
            .clone()
    }

    /// What a promise in the page comes to.
    pub(crate) fn awaits(&self, expression: &str) -> Value {
        let options =
            json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        self.developer("Runtime.evaluate", &options)["result"]["value"].clone()
    }

    /// Lets pages write to the clipboard, and read from it.
    pub(crate) fn lets_copy(&self) {
        let permissions = json!(["clipboardReadWrite", "clipboardSanitizedWrite"]);
        self.developer("Browser.grantPermissions", &json!({ "permissions": permissions }));
    }

    /// Chooses an option of the first element that a selector finds.
    pub(crate) fn choose(&self, selector: &str, value: &str) {
        let script = format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.value = {value:?}; \
             it.dispatchEvent(new Event('change')); return it.value }})()"
        );
        assert_eq!(self.says(&script), value, "{selector} has no {value}");
    }

    /// Writes a text into the first element that a selector finds, in the place of another.
    pub(crate) fn writes(&self, selector: &str, text: &str) {
        let script = format!(
            "(() => {{ const it = document.querySelector({selector:?}); it.value = {text:?}; \
             it.dispatchEvent(new Event('input')) }})()"
        );
        self.says(&script);
    }

    /// The text of the first element that a selector finds.
    pub(crate) fn text(&self, selector: &str) -> String {
        let found = self.says(&format!("document.querySelector({selector:?})?.innerText ?? ''"));
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until an element shows a text.
    pub(crate) fn shows(&self, selector: &str, part: &str) {
        let shown = eventually(|| self.text(selector).contains(part));
        assert!(shown, "{selector} never showed {part:?}: {:?}", self.text("body"));
    }

    /// Clicks the middle of the first element that a selector finds; of another where the page
    /// has put one in its place meanwhile.
    pub(crate) fn click(&self, selector: &str) {
        let found = json!({ "using": "css selector", "value": selector }).to_string();
        let (find, mut last) = (format!("{}/element", self.session), Value::Null);
        let clicked = eventually(|| {
            last = self.send("POST", &find, &found).unwrap()["value"].clone();
            let id = last.as_object().and_then(|it| it.values().next()?.as_str());
            let Some(id) = id.filter(|_| last.get("error").is_none()) else { return false };
            let click = format!("{}/element/{id}/click", self.session);
            last = self.send("POST", &click, "{}").unwrap()["value"].clone();
            last.is_null()
        });
        assert!(clicked, "{selector} could not be clicked: {last}");
    }

    /// Presses keys, one after the other: letters, or WebDriver's code points for others.
    pub(crate) fn press(&self, keys: &str) {
        let step = |kind: &str, key: char| json!({ "type": kind, "value": key.to_string() });
        let steps: Vec<_> =
            keys.chars().flat_map(|key| [step("keyDown", key), step("keyUp", key)]).collect();
        let actions = json!({ "actions": [{ "type": "key", "id": "keyboard", "actions": steps }] });
        self.post(&format!("{}/actions", self.session), &actions);
    }

    /// Prefers a colour scheme, `light` or `dark`, as the system would.
    pub(crate) fn prefer(&self, scheme: &str) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.developer("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    /// Draws the whole page into a file.
    pub(crate) fn picture(&self, file: &Path) {
        let options = json!({ "format": "png", "captureBeyondViewport": true });
        let drawn = self.developer("Page.captureScreenshot", &options);
        let octets = data_encoding::BASE64.decode(drawn["data"].as_str().unwrap().as_bytes());
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, octets.unwrap()).unwrap();
    }

    /// What the browser complained of: errors of scripts, and what the policy forbade.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let logged = self.post(&format!("{}/se/log", self.session), &json!({ "type": "browser" }));
        logged.as_array().unwrap().iter().map(|it| it["message"].to_string()).collect()
    }

    /// Calls the browser's own protocol for developers.
    fn developer(&self, command: &str, parameters: &Value) -> Value {
        let call = json!({ "cmd": command, "params": parameters });
        self.post(&format!("{}/goog/cdp/execute", self.session), &call)
    }

    /// Sends a command and gives its value.
    fn post(&self, path: &str, body: &Value) -> Value {
        let reply = self.send("POST", path, &body.to_string()).unwrap();
        assert!(reply["value"].get("error").is_none(), "{path} {body}: {reply}");
        reply["value"].clone()
    }

    /// Sends a request and gives its body.
    fn send(&self, method: &str, path: &str, body: &str) -> std::io::Result<Value> {
        let mut stream = TcpStream::connect(self.at)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (at, octets) = (self.at, body.len());
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {at}\r\n");
        write!(stream, "{head}Content-Length: {octets}\r\n\r\n{body}")?;
        // The driver leaves the connection open whatever it is told.
        let mut reply = BufReader::new(stream);
        let mut octets = 0;
        for line in reply.by_ref().lines().map_while(Result::ok).take_while(|it| !it.is_empty()) {
            let line = line.to_ascii_lowercase();
            let length = line.strip_prefix("content-length:").and_then(|it| it.trim().parse().ok());
            octets = length.unwrap_or(octets);
        }
        let mut body = vec![0; octets];
        reply.read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }
}

impl Drop for Browser {
    /// The browser ends with its session; the driver is killed then.
    fn drop(&mut self) {
        let _ = self.send("DELETE", &self.session, "");
    }
}

/// What the driver is asked for.
fn capabilities(screen: Screen) -> Value {
    let mut options = json!({
        // As root, as in a container, Chromium has no sandbox of its own.
        "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--window-size=1280,900", "--disable-background-networking", "--no-first-run"],
    });
    if let Screen::Phone = screen {
        let metrics = json!({ "width": 390, "height": 844, "pixelRatio": 2.0, "touch": true });
        options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
    }
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome", "goog:chromeOptions": options,
        "goog:loggingPrefs": { "browser": "ALL" },
    } } })
}
