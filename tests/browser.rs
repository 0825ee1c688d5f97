//! The report's page in a real browser, driven through its debugging protocol over two pipes: no
//! error, no request to anywhere, and a player that steps by click and by key.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::program::Desk;

/// A run with failed and attacked sessions.
const BUSY: &str = r#"
schema = 1
[run]
duration = "20min"
seed = 7
[protocol]
name = "secure-vault"
params = { challenge = 3 }
[nodes.device]
role = "device"
count = 4
[nodes.server]
role = "server"
[links.access]
between = ["device", "server"]
delay = "20ms"
[workload.reauth]
from = "device"
to = "server"
do = "authenticate"
every = "60s"
[adversaries.mitm]
on = "access"
powers = ["observe", "drop"]
[[adversaries.mitm.rules]]
id = "drop-final"
match = { message = "M4" }
action = "drop"
probability = "20%"
"#;

/// A browser under control.
struct Browser {
    child: Child,
    commands: File,
    answers: File,
    rest: Vec<u8>,
    next: u64,
    session: Option<String>,
    events: Vec<Value>,
}

impl Browser {
    /// Debian's browser, where it is installed; everything of it stands in `folder`.
    fn start(folder: &Path) -> Option<Self> {
        let program = [
            "/usr/bin/chromium",
            "/usr/bin/chromium-browser",
            "/usr/bin/google-chrome",
        ]
        .into_iter()
        .find(|path| Path::new(path).exists())?;
        let (to, from) = (folder.join("to"), folder.join("from"));
        let made = Command::new("mkfifo").args([&to, &from]).status();
        assert!(made.unwrap().success());
        // The browser reads commands from descriptor 3 and answers on 4.
        let line = "exec \"$1\" --headless --no-sandbox --disable-gpu --remote-debugging-pipe \
                    --user-data-dir=\"$2\" about:blank 3<\"$3\" 4>\"$4\"";
        let child = Command::new("bash")
            .args(["-c", line, "bash", program])
            .args([&folder.join("profile"), &to, &from])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // In the order in which the shell opens them, since each waits for its other end.
        let commands = OpenOptions::new().write(true).open(&to).unwrap();
        let answers = File::open(&from).unwrap();
        Some(Self {
            child,
            commands,
            answers,
            rest: Vec::new(),
            next: 0,
            session: None,
            events: Vec::new(),
        })
    }

    /// The next message of the browser.
    fn message(&mut self) -> Value {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == 0) {
                let text: Vec<u8> = self.rest.drain(..=end).collect();
                return serde_json::from_slice(&text[..end]).unwrap();
            }
            let mut piece = vec![0; 1 << 16];
            let count = self.answers.read(&mut piece).unwrap();
            assert!(count > 0, "the browser has gone");
            self.rest.extend_from_slice(&piece[..count]);
        }
    }

    /// Gives a command and waits for its answer; events that come before it are kept.
    fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut command = json!({ "id": self.next, "method": method, "params": params });
        if let Some(session) = &self.session {
            command["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&command).unwrap();
        bytes.push(0);
        self.commands.write_all(&bytes).unwrap();
        loop {
            let message = self.message();
            if message["id"] == self.next {
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].clone();
            }
            self.events.push(message);
        }
    }

    /// What an expression is in the page.
    fn value(&mut self, expression: &str) -> Value {
        let params = json!({ "expression": expression, "returnByValue": true });
        let result = self.call("Runtime.evaluate", params);
        assert!(result.get("exceptionDetails").is_none(), "{result}");
        result["result"]["value"].clone()
    }

    fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let params = json!({ "type": kind, "key": key, "code": key });
            self.call("Input.dispatchKeyEvent", params);
        }
    }

    /// Clicks the middle of the element that a selector finds.
    fn click(&mut self, selector: &str) {
        let place = self.value(&format!(
            "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView(); \
             const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
        ));
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({
                "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1,
            });
            self.call("Input.dispatchMouseEvent", params);
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The step that the player says it shows.
fn step(browser: &mut Browser) -> u64 {
    let text = browser.value("document.body.innerText.match(/step (\\d+) of/)[1]");
    text.as_str().unwrap().parse().unwrap()
}

#[test]
#[allow(clippy::print_stderr, reason = "a test that is skipped must say so")]
fn the_page_is_quiet_asks_for_nothing_and_its_player_steps_by_click_and_key() {
    let desk = Desk::with(BUSY);
    let Some(mut browser) = Browser::start(desk.path("").as_path()) else {
        eprintln!("SKIPPED: no Chromium here (Debian: apt-get install chromium)");
        return;
    };
    let result = desk.result("out", &[]);
    desk.run(&["report", "out", "--quiet"]).expect(0);
    let page = format!("file://{}", result.join("report/report.html").display());

    let target = browser.call("Target.createTarget", json!({ "url": "about:blank" }));
    let attach = json!({ "targetId": target["targetId"], "flatten": true });
    let session = browser.call("Target.attachToTarget", attach);
    browser.session = session["sessionId"].as_str().map(str::to_owned);
    for domain in ["Runtime", "Log", "Network", "Page"] {
        browser.call(&format!("{domain}.enable"), json!({}));
    }
    browser.call("Page.navigate", json!({ "url": page }));
    for _ in 0..200 {
        if browser.value("document.readyState") == "complete" {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }

    assert_eq!(step(&mut browser), 1);
    browser.click(".player .next");
    assert_eq!(step(&mut browser), 2, "a click on the button");
    browser.key("ArrowRight");
    assert_eq!(step(&mut browser), 3, "the right arrow");
    browser.key("ArrowLeft");
    assert_eq!(step(&mut browser), 2, "the left arrow");
    browser.key("End");
    let last = step(&mut browser);
    assert!(last > 5, "{last} steps");
    browser.key("Home");
    assert_eq!(step(&mut browser), 1);

    let shot = browser.call("Page.captureScreenshot", json!({ "format": "png" }));
    assert!(shot["data"].as_str().unwrap().len() > 10_000);

    for event in &browser.events {
        let params = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.exceptionThrown" | "Runtime.consoleAPICalled" | "Log.entryAdded" => {
                panic!("{event}")
            }
            "Network.requestWillBeSent" => {
                let url = params["request"]["url"].as_str().unwrap();
                assert!(url == page || url.starts_with("data:"), "{url}");
            }
            _ => {}
        }
    }
}
