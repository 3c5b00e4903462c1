//! `weir top` in a real terminal, at a real gateway.

use nix::sys::signal::Signal;
use weir_e2e::{Command, Setup, Terminal, alone, chat, free_port};

const LEAVES_THE_SCREEN: &str = "\u{1b}[?1049l";
const SHOWS_THE_CURSOR: &str = "\u{1b}[?25h";

/// What ends it.
enum End {
    Key(u8),
    Signal(Signal),
}

#[tokio::test]
async fn however_it_ends_the_terminal_is_given_back() {
    let _alone = alone().await;
    let mut gateway = Setup::smart().start().await;
    assert_eq!(gateway.chat(&chat("smart", "Hi")).await.status, 200);
    let url = format!("http://{}", gateway.sidecar);
    let ends = [
        ("q", End::Key(b'q')),
        ("Esc", End::Key(0x1b)),
        ("Ctrl-C", End::Key(0x03)),
        ("SIGTERM", End::Signal(Signal::SIGTERM)),
        ("SIGHUP", End::Signal(Signal::SIGHUP)),
    ];
    for (what, end) in ends {
        let mut top = Terminal::start(&["top", "--url", &url]);
        top.shows("claude").await;
        assert!(!top.is_as_before(), "it reads keys one by one");
        match end {
            End::Key(key) => top.press(&[key]),
            End::Signal(signal) => top.signal(signal),
        }
        assert_eq!(top.ends().await.code(), Some(0), "{what}: {:?}", top.written());
        top.shows(LEAVES_THE_SCREEN).await;
        top.shows(SHOWS_THE_CURSOR).await;
        assert!(top.is_as_before(), "{what}");
    }

    let mut top = Terminal::start(&["top", "--url", &url]);
    top.shows("claude").await;
    gateway.process.kill();
    top.shows("running?").await;
    top.press(b"q");
    assert_eq!(top.ends().await.code(), Some(0), "{:?}", top.written());
}

#[tokio::test]
async fn without_a_terminal_it_says_that_nobody_answers_and_fails() {
    let url = format!("http://127.0.0.1:{}", free_port());
    for arguments in [&["top", "--url", &url][..], &["top", "--url", &url, "--once"]] {
        let top = Command::new(arguments).run().await;
        assert_eq!(top.code, Some(1), "{}", top.stdout);
        assert!(
            top.stdout.is_empty() && top.stderr.contains(&format!("no sidecar at {url} (--url)")),
            "{}",
            top.stderr
        );
    }
    // Without a file it asks the sidecar of `weir up` without one, whether or not that runs here now.
    let top = Command::new(&["top", "--once"]).run().await;
    let asked = top.code == Some(0) || top.stderr.contains("no sidecar at 127.0.0.1:10001 (sidecar.listen)");
    assert!(asked, "{}", top.stderr);
    let top = Command::new(&["top", "--url", "https://127.0.0.1"]).run().await;
    assert_eq!(top.code, Some(2));
    assert!(top.stderr.contains("write http://HOST:PORT"), "{}", top.stderr);
}
