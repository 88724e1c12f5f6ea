//! `work --exec`: any program is a worker.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::bench::{Answer, Bench, Cli, Scripted, eventually};

/// The events of a finished run.
fn events(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["event"].as_str().unwrap()).collect()
}

async fn drop_of(bench: &Bench, id: &str) -> Value {
    bench.world.sender.get(&format!("/api/jobs/{id}")).await.expect(200)
}

/// Waits until a drop has this many claims.
async fn claimed(bench: &Bench, id: &str, count: i64) {
    let has = async || (drop_of(bench, id).await["claims_count"] == count).then_some(());
    eventually("the claims", has).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_the_brief_and_its_output_is_submitted_and_paid() {
    let bench = Bench::start().await;
    std::fs::write(bench.home.path().join("notes.md"), "# Notes\n").unwrap();
    let line =
        ["drop", "Name the tone", "notes.md", "--price", "500", "-y", "-e", "TONE=dry", "-e", "PATH=/evil"];
    let posted = bench.sender().run(&line).await.expect(0);
    let id = posted["id"].as_str().unwrap();
    let exec = "echo \"[$(cat)] $CLORP_CONTEXT_TONE [$CLORP_CONTEXT_PATH] [$CLORP_API_KEY] $CLORP_DROP_ID \
                $CLORP_PRICE_CENTS $CLORP_PAYOUT_CENTS $(cat \"$CLORP_ATTACHMENTS/notes.md\") \
                $(grep -c TONE \"$CLORP_CONTEXT_FILE\")\"; echo extra > \"$CLORP_OUTPUT/extra.txt\"; \
                ln -s /etc/passwd \"$CLORP_OUTPUT/link.txt\"";
    let lines = bench.worker(0).run(&["work", "--exec", exec, "--max", "1"]).await.lines(0);
    assert_eq!(events(&lines), ["started", "claimed", "submitted", "stopped"]);
    let stopped = &lines[3];
    assert_eq!((&stopped["reason"], &stopped["submitted"]), (&json!("max"), &json!(1)));
    bench.settle().await;
    let done = drop_of(&bench, id).await;
    let expected = format!("[Name the tone] dry [/evil] [] {id} 500 350 # Notes 1");
    assert_eq!(done["output_text"], expected);
    let names: Vec<&Value> =
        done["output_attachments"].as_array().unwrap().iter().map(|file| &file["filename"]).collect();
    assert_eq!(names, ["extra.txt"], "a link is no output");
    assert_eq!(bench.world.workers[0].balance().await, 1_350);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_or_is_slow_gives_its_slot_up() {
    for (exec, reason) in [
        ("exit 3", "the command failed (exit code 3)"),
        ("true", "the command printed nothing"),
        ("sleep 600", "the command took longer than 1 s"),
    ] {
        let bench = Bench::start().await;
        let id = bench.world.sender.post_drop(500).await;
        let line = ["work", "--exec", exec, "--max-failures", "1", "--timeout", "1"];
        let ran = bench.worker(0).run(&line).await;
        let lines = ran.lines(1);
        assert_eq!(events(&lines), ["started", "claimed", "released", "stopped"], "{exec}");
        assert_eq!((&lines[2]["reason"], &lines[2]["released"]), (&json!(reason), &json!(true)));
        assert!(ran.stderr.contains("several times in a row"), "{ran:?}");
        let drop = drop_of(&bench, &id).await;
        assert_eq!((&drop["claims_count"], &drop["submissions_count"]), (&json!(0), &json!(0)), "{exec}");
        bench.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_drops_that_fit_are_claimed_the_best_paid_first() {
    let bench = Bench::start().await;
    let mut ids = Vec::new();
    for (pack, price) in
        [("code", "300"), ("roast", "2000"), ("code", "900"), ("code", "100"), ("cook", "800")]
    {
        let posted =
            bench.sender().run(&["drop", "Do it", "--pack", pack, "--price", price, "-y"]).await.expect(0);
        ids.push(posted["id"].clone());
    }
    let line = [
        "work",
        "--exec",
        "echo done",
        "--pack",
        "code",
        "--pack",
        "cook",
        "--min-price",
        "200",
        "--max",
        "3",
    ];
    let lines = bench.worker(0).run(&line).await.lines(0);
    let claims = lines.iter().filter(|line| line["event"] == "claimed");
    let claims: Vec<&Value> = claims.map(|line| &line["drop_id"]).collect();
    assert_eq!(claims, [&ids[2], &ids[4], &ids[0]]);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_never_more_claims_than_commands() {
    let bench = Bench::start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(bench.world.sender.post_drop(500).await);
    }
    let go = bench.home.path().join("go");
    let exec = format!("while [ ! -e '{}' ]; do sleep 0.05; done; echo Tagline $CLORP_DROP_ID", go.display());
    let line = ["work", "--exec", &exec, "--concurrency", "2", "--max", "5", "--poll", "1"];
    let child = bench.worker(0).start(&line);
    let active = async || {
        let active = bench.world.workers[0].get("/api/users/status").await.expect(200);
        active.as_array().unwrap().len()
    };
    let claims = || bench.gateway.exchanges_of("POST /api/jobs/{id}/claim").len();
    eventually("two claims", async || (active().await == 2 && claims() == 2).then_some(())).await;
    // Both commands wait, so a third claim would be one that no command serves.
    assert_eq!((active().await, claims()), (2, 2));
    std::fs::write(&go, "").unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    for id in ids {
        assert_eq!(drop_of(&bench, &id).await["submissions_count"], 1);
    }
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_claims_are_skipped_and_other_drops_are_taken() {
    let bench = Bench::start().await;
    // The worker's own drop, and one for workers with a record.
    let own = bench.world.workers[0].post_drop(1_000).await;
    let line = ["drop", "For the experienced", "--price", "900", "--min-races", "3", "-y"];
    bench.sender().run(&line).await.expect(0);
    let open = bench.world.sender.post_drop(500).await;
    let lines = bench.worker(0).run(&["work", "--exec", "echo done", "--max", "1"]).await.lines(0);
    assert_eq!(events(&lines), ["started", "skipped", "skipped", "claimed", "submitted", "stopped"]);
    assert_eq!((&lines[1]["drop_id"], &lines[3]["drop_id"]), (&json!(own), &json!(open)));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_termination_gives_the_slot_up_and_ends_the_command() {
    let bench = Bench::start().await;
    let id = bench.world.sender.post_drop(500).await;
    let mark = bench.home.path().join("child");
    let exec = format!("sleep 600 & echo $! > '{}'; wait", mark.display());
    let child = bench.worker(0).start(&["work", "--exec", &exec]);
    claimed(&bench, &id, 1).await;
    let process = eventually("the command", async || {
        std::fs::read_to_string(&mark).ok().filter(|text| text.ends_with('\n'))
    })
    .await;
    signal("TERM", &child.id().unwrap().to_string());
    let output = child.wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(drop_of(&bench, &id).await["claims_count"], 0);
    assert!(!is_alive(process.trim()), "a child of the command is alive");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_holds_its_slot_no_longer_than_the_lease() {
    let mut options = clorp_tests::Options::default();
    // A single slot, which the dead worker holds.
    options.rules.max_claims = 1;
    let bench = Bench::with(options).await;
    let id = bench.world.sender.post_drop(500).await;
    let mut child = bench.worker(0).start(&["work", "--exec", "sleep 5"]);
    claimed(&bench, &id, 1).await;
    child.kill().await.unwrap();
    bench.world.workers[1].claim(&id).await.expect_error(409, "max_claims_reached");
    bench.world.advance_seconds(121);
    bench.world.workers[1].claim(&id).await.expect(201);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cooldown_is_waited_for_without_claims() {
    let bench = Bench::start().await;
    for _ in 0..5 {
        bench.world.sender.post_drop(500).await;
    }
    let line = ["work", "--exec", "exit 1", "--max-failures", "9", "--poll", "1"];
    let mut child = bench.worker(0).start(&line);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let waiting = loop {
        let line: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        if line["event"] == "waiting" {
            break line;
        }
    };
    assert_eq!(waiting["code"], "claim_cooldown");
    assert!(waiting["retry_after_seconds"].as_u64().is_some_and(|seconds| seconds > 60), "{waiting}");
    assert_eq!(bench.gateway.exchanges_of("POST /api/jobs/{id}/claim").len(), 4);
    signal("INT", &child.id().unwrap().to_string());
    let stopped: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
    assert_eq!((&stopped["event"], &stopped["reason"]), (&json!("stopped"), &json!("interrupted")));
    assert_eq!((&stopped["claimed"], &stopped["released"]), (&json!(3), &json!(3)));
    assert!(child.wait().await.unwrap().success());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_ends_at_its_time() {
    let bench = Bench::start().await;
    bench.world.sender.post_drop(500).await;
    let line = ["work", "--exec", "cat", "--pack", "cook", "--until", "1s"];
    let lines = bench.worker(0).run(&line).await.lines(0);
    assert_eq!(events(&lines), ["started", "stopped"]);
    assert_eq!(lines[1]["reason"], "until");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_whose_answer_was_lost_is_worked_on() {
    let home = tempfile::tempdir().unwrap();
    let closes = "2099-01-01T00:00:00.000Z";
    let drop = json!({
        "id": "01A", "status": "open", "title": "t", "prompt": "The prompt", "pack": "wild", "price_cents": 100,
        "payout_cents": 50, "window_closes_at": closes, "time_limit_seconds": 300, "created_at": closes,
        "claims_count": 0, "max_claims": 5, "submissions_count": 0, "env_vars": {}, "attachments": [],
        "grade": null, "output_text": null, "output_attachments": null, "winning_submission_id": null,
        "your_claim": null,
    });
    let claims = AtomicUsize::new(0);
    let server = Scripted::answering(move |request, _| match request.line.as_str() {
        "POST /api/jobs/01A/claim" => match claims.fetch_add(1, Ordering::Relaxed) {
            0 => Answer::error(503, "unavailable").header("retry-after", "1"),
            _ => Answer::json(200, &drop),
        },
        "POST /api/jobs/01A/submit" => {
            Answer::json(201, &json!({ "id": "01S", "job_id": "01A", "sha256": "0", "submitted_at": closes }))
        }
        _ => Answer::json(200, &json!([drop])),
    })
    .await;
    let line = ["work", "--exec", "cat", "--max", "1", "--retry-for", "0"];
    let lines = Cli::at(&server.url, home.path()).run(&line).await.lines(0);
    assert_eq!(events(&lines), ["started", "waiting", "claimed", "submitted", "stopped"]);
    let submitted = server.seen().into_iter().find(|request| request.line.ends_with("/submit")).unwrap();
    assert_eq!(submitted.body, r#"{"output_text":"The prompt"}"#);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_is_no_short_text_is_submitted_as_a_file() {
    let bench = Bench::start().await;
    let id = bench.world.sender.post_drop(500).await;
    let long = "head -c 150000 /dev/zero | tr '\\0' a";
    bench.worker(0).run(&["work", "--exec", long, "--max", "1"]).await.lines(0);
    bench.worker(1).run(&["work", "--exec", "printf '\\377\\376'", "--max", "1"]).await.lines(0);
    bench.settle().await;
    let submissions = bench.world.sender.get(&format!("/api/jobs/{id}/submissions")).await.expect(200);
    let mut files: Vec<&str> = submissions
        .as_array()
        .unwrap()
        .iter()
        .map(|submission| submission["output_attachments"][0]["filename"].as_str().unwrap())
        .collect();
    files.sort_unstable();
    assert_eq!(files, ["output.bin", "output.txt"]);
    bench.finish().await;
}

fn signal(name: &str, process: &str) {
    let status = std::process::Command::new("sh").arg("-c").arg(format!("kill -{name} {process}")).status();
    assert!(status.unwrap().success());
}

/// True if a process runs. One that has ended may wait for somebody to collect its exit code.
fn is_alive(process: &str) -> bool {
    let output = std::process::Command::new("ps").args(["-o", "stat=", "-p", process]).output().unwrap();
    let state = String::from_utf8(output.stdout).unwrap();
    !matches!(state.trim().chars().next(), None | Some('Z'))
}
