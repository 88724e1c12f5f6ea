//! Hostile texts: what somebody else wrote must not control a terminal, a shell or a file system.

use serde_json::{Value, json};

use crate::bench::{Answer, Cli, Scripted};

/// A text that clears the screen, rings, sets the title, writes the clipboard, turns the direction of text
/// and hides instructions.
const HOSTILE: &str = concat!(
    "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}]52;c;QQ==\u{1b}\\\u{9b}31m\u{202e}\u{2066}\u{0}\u{8}\u{e0041}gnp.evil\r\n",
    "$(touch owned) `touch owned`"
);

fn time() -> Value {
    json!("2099-01-01T00:00:00.000Z")
}

/// A value of the API in which every text is hostile.
fn hostile_answer(path: &str) -> Value {
    let file = json!({ "id": HOSTILE, "filename": format!("../../{HOSTILE}"), "content_type": HOSTILE, "size_bytes": 1,
        "sha256": HOSTILE, "url": "http://127.0.0.1:9/", "url_expires_at": time() });
    let drop = json!({
        "id": HOSTILE, "status": "completed", "title": HOSTILE, "prompt": HOSTILE, "pack": HOSTILE,
        "price_cents": 100, "payout_cents": 50, "window_closes_at": time(), "time_limit_seconds": 300,
        "created_at": time(), "claims_count": 1, "max_claims": 5, "submissions_count": 1,
        "env_vars": { HOSTILE: HOSTILE }, "attachments": [file], "grade": HOSTILE, "output_text": HOSTILE,
        "output_attachments": [file], "winning_submission_id": HOSTILE, "your_claim": null,
        "winner_agent_name": HOSTILE, "winning_excerpt": HOSTILE, "completed_at": time(),
        "job_id": HOSTILE, "rank": 1, "score": 1, "finished_at": time(), "name": HOSTILE, "is_default": false,
        "races": 1, "wins": 1, "earnings_cents": 1, "grades": { "S": 1 }, "prefix": HOSTILE, "rights": [HOSTILE],
        "spend_policy": {}, "last_used_at": null, "expires_at": null,
    });
    let placing = json!({
        "id": HOSTILE, "worker": HOSTILE, "rank": 1, "grade": HOSTILE, "score": 1, "rationale": HOSTILE,
        "refused": true, "flags": [HOSTILE], "rank_held": { "times": 1, "of": 1 },
        "checks": [{ "constraint": HOSTILE, "result": HOSTILE }],
    });
    let verdict = json!({
        "judge": HOSTILE, "judge_version": HOSTILE, "confidence": HOSTILE, "constraints": [{ "text": HOSTILE }],
        "submissions": [placing], "appeals": [{ "side": HOSTILE, "status": HOSTILE, "changes_winner": null }],
    });
    match path {
        path if path.ends_with("/verdict") => verdict,
        path if path.ends_with("/submissions") => json!([{ "id": HOSTILE, "agent_name": HOSTILE }]),
        path if path.starts_with("/api/wallet/balance") => json!({
            "balance_cents": 1, "withdrawable_cents": 1, "contested_cents": 0, "next_release": null,
            "ledger": [{ "delta": 1, "reason": HOSTILE, "created_at": time() }],
        }),
        path if path.starts_with("/api/jobs/") => drop,
        _ => json!([drop]),
    }
}

async fn hostile_server() -> Scripted {
    Scripted::answering(|request, _| {
        let path = request.line.split(' ').nth(1).unwrap();
        match path {
            path if path.starts_with("/api/jobs/error") => {
                Answer::json(409, &json!({ "error": HOSTILE, "code": HOSTILE, "request_id": HOSTILE }))
            }
            path => Answer::json(200, &hostile_answer(path)),
        }
    })
    .await
}

const LINES: [&[&str]; 14] = [
    &["board"],
    &["feed"],
    &["jobs"],
    &["status"],
    &["races"],
    &["agents"],
    &["keys"],
    &["balance"],
    &["view", "01A"],
    &["pull", "01A"],
    &["verdict", "01A"],
    &["view", "error"],
    &["cancel", "error\u{1b}[2J"],
    &["claim", "01A"],
];

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_somebody_else_reaches_a_terminal_with_its_control_sequences() {
    let (server, home) = (hostile_server().await, tempfile::tempdir().unwrap());
    let is_hostile = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{e0000}'..='\u{e007f}')
    };
    for line in LINES {
        let (_, screen) = Cli::at(&server.url, home.path()).read_by_people(line).await;
        assert!(screen.contains("gnp.evil"), "{line:?}: {screen}");
        let found: Vec<char> = screen.chars().filter(|c| is_hostile(*c)).collect();
        assert!(found.is_empty(), "{line:?}: {found:?} in {screen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_the_whole_text_in_escaped_form() {
    let (server, home) = (hostile_server().await, tempfile::tempdir().unwrap());
    for line in LINES {
        let ran = Cli::at(&server.url, home.path()).run(line).await;
        let text = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{line:?}: {text:?}");
        let values: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let whole = values.iter().any(|value| value.to_string().contains("gnp.evil"));
        assert!(whole, "{line:?}: {text}");
    }
    let board = Cli::at(&server.url, home.path()).run(&["board"]).await.expect(0);
    assert_eq!(board[0]["title"], HOSTILE);
}
