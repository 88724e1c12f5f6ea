//! Every verb, as people see it on a terminal and as programs see it.

use serde_json::{Value, json};

use crate::bench::{Bench, Transcript};

/// Posts a drop through the program and returns its id.
async fn posted(bench: &Bench, prompt: &str) -> String {
    let ran = bench.sender().run(&["drop", prompt, "--pack", "roast", "--price", "500", "-y"]).await;
    ran.expect(0)["id"].as_str().unwrap().to_owned()
}

const PROMPT: &str = "Give me three roast-style taglines for a build system that never finishes";
const OUTPUT: &str = "1. Still linking.\n2. Compiles by heat death.\n3. Ships when hell freezes, cached.";

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_posts_and_reads_the_result() {
    let bench = Bench::start().await;
    let (cli, mut seen) = (bench.sender(), Transcript::default());
    seen.both(&cli, &["jobs"], 0).await;
    seen.both(&cli, &["board"], 0).await;
    seen.both(&cli, &["drop", PROMPT, "--pack", "roast", "--price", "500", "--dry-run"], 0).await;
    seen.people(&cli, &["drop", "Another prompt", "-y"], 0).await;
    let dropped = seen.programs(
        &cli,
        &["drop", PROMPT, "--pack", "roast", "--price", "500", "-y", "-e", "TONE=dry"],
        0,
    );
    let dropped = dropped.await.expect(0);
    let id = dropped["id"].as_str().unwrap();
    seen.both(&cli, &["board", "--pack", "roast"], 0).await;
    seen.both(&cli, &["view", id], 0).await;
    seen.both(&cli, &["pull"], 5).await;
    bench.world.race(id, 2).await;
    bench.settle().await;
    seen.both(&cli, &["pull"], 0).await;
    seen.both(&cli, &["wait", id], 0).await;
    seen.both(&cli, &["verdict", id], 0).await;
    seen.both(&cli, &["feed"], 0).await;
    seen.both(&cli, &["jobs", "--status", "completed"], 0).await;
    seen.both(&cli, &["appeal", id], 0).await;
    seen.check("sender");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sender_cancels_and_pays_later() {
    let bench = Bench::start().await;
    let (cli, mut seen) = (bench.sender(), Transcript::default());
    let id = posted(&bench, PROMPT).await;
    seen.both(&cli, &["cancel", &id], 0).await;
    seen.both(&cli, &["pull", &id], 1).await;
    seen.both(&cli, &["view", "no-such-drop"], 1).await;
    let poor = bench.cli(&bench.world.user("poor", 0).await);
    seen.people(&poor, &["drop", PROMPT, "-y"], 4).await;
    let unpaid = seen.programs(&poor, &["drop", PROMPT, "-y"], 4).await.fails(4);
    let id = unpaid["id"].as_str().unwrap();
    seen.both(&poor, &["pay", id, "-y"], 4).await;
    seen.check("money_is_missing");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_claims_and_submits() {
    let bench = Bench::start().await;
    let (cli, mut seen) = (bench.worker(0), Transcript::default());
    let id = posted(&bench, PROMPT).await;
    seen.both(&cli, &["status"], 0).await;
    seen.both(&cli, &["claim", &id], 0).await;
    seen.both(&cli, &["status"], 0).await;
    seen.both(&cli, &["submit", "-t", OUTPUT], 0).await;
    seen.both(&cli, &["submit", &id, "-t", "Another output"], 5).await;
    bench.settle().await;
    seen.both(&cli, &["races"], 0).await;
    seen.both(&cli, &["pull", &id], 0).await;
    seen.both(&cli, &["balance"], 0).await;
    let other = posted(&bench, "Another prompt").await;
    seen.both(&bench.worker(1), &["claim", &other], 0).await;
    seen.both(&bench.worker(1), &["release", &other], 0).await;
    seen.check("worker");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_manages_money() {
    let bench = Bench::with(clorp_tests::Options::funded()).await;
    let (cli, mut seen) = (bench.worker(0), Transcript::default());
    seen.both(&cli, &["wallet"], 0).await;
    seen.both(&cli, &["wallet", "topup", "1000"], 0).await;
    seen.both(&cli, &["wallet", "topup", "1"], 2).await;
    seen.both(&cli, &["wallet", "auto-topup"], 0).await;
    seen.both(&cli, &["wallet", "auto-topup", "--on"], 4).await;
    seen.both(&cli, &["wallet", "withdraw", "500", "-y"], 4).await;
    seen.both(&cli, &["wallet", "connect", "--status"], 0).await;
    seen.both(&cli, &["wallet", "connect"], 0).await;
    bench.world.onboard(&bench.world.workers[0]).await;
    seen.both(&cli, &["wallet", "connect", "--status"], 0).await;
    seen.both(&cli, &["wallet", "withdraw", "500", "-y"], 0).await;
    seen.both(&cli, &["balance", "--limit", "1"], 0).await;
    seen.check("wallet");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_manages_agents_keys_and_checks() {
    let bench = Bench::start().await;
    let (cli, mut seen) = (bench.worker(0), Transcript::default());
    seen.both(&cli, &["whoami"], 0).await;
    seen.both(&cli, &["agents"], 0).await;
    seen.people(&cli, &["agents", "new", "Roaster", "--description", "Roasts"], 0).await;
    let agent = seen.programs(&cli, &["agents", "new", "Toaster"], 0).await.expect(0);
    let agent = agent["id"].as_str().unwrap();
    seen.both(&cli, &["agents", "edit", agent, "--name", "Griller"], 0).await;
    seen.people(&cli, &["agents", "delete", agent], 0).await;
    seen.programs(&cli, &["agents", "delete", agent], 1).await;
    seen.people(&cli, &["keys", "new", "mine"], 0).await;
    let key = [
        "keys",
        "new",
        "agent",
        "--right",
        "work",
        "--right",
        "read",
        "--per-drop",
        "500",
        "--expires",
        "30d",
    ];
    let key = seen.programs(&cli, &key, 0).await.expect(0);
    seen.both(&cli, &["keys"], 0).await;
    let revoke = ["keys", "revoke", key["id"].as_str().unwrap()];
    seen.people(&cli, &revoke, 0).await;
    seen.programs(&cli, &revoke, 1).await;
    let output = "1. A build system that outlives its authors.\n2. The build system for patient people.\n\
                  3. Builds today, on the system of tomorrow.";
    seen.both(&cli, &["verify", "Three taglines about a build system", "-t", output], 0).await;
    seen.both(&cli, &["verify", "Three taglines about a build system", "-t", "."], 1).await;
    seen.check("account");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_shows_the_request_and_changes_nothing() {
    let bench = Bench::start().await;
    let id = posted(&bench, PROMPT).await;
    let (sender, worker) = (bench.sender(), bench.worker(0));
    let submit = ["submit", id.as_str(), "-t", "An output", "--dry-run"];
    let shown = worker.run(&submit).await.expect(0);
    let expected = json!({
        "dry_run": true, "method": "POST", "path": format!("/api/jobs/{id}/submit"),
        "body": { "output_text": "An output" },
    });
    assert_eq!(shown, expected);
    for (cli, line) in [
        (&worker, vec!["claim", &id]),
        (&sender, vec!["cancel", &id]),
        (&sender, vec!["appeal", &id]),
        (&sender, vec!["pay", &id]),
        (&worker, vec!["wallet", "withdraw", "500"]),
        (&worker, vec!["keys", "new", "a"]),
        (&worker, vec!["agents", "new", "b"]),
        (&worker, vec!["login"]),
    ] {
        let shown = cli.run(&[line, vec!["--dry-run"]].concat()).await.expect(0);
        assert_eq!(shown["dry_run"], true, "{shown}");
    }
    let changing = |exchange: &&clorp_tests::gateway::Exchange| !exchange.operation.starts_with("GET");
    let exchanges = bench.gateway.exchanges();
    // Only the drop was posted.
    assert_eq!(exchanges.iter().filter(changing).count(), 1, "{exchanges:#?}");
    let would = worker.run(&["work", "--exec", "cat", "--dry-run"]).await.lines(0);
    assert_eq!((&would[0]["event"], &would[0]["drop_id"]), (&json!("would_claim"), &json!(id)));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_follow_their_pages_up_to_the_limit() {
    let bench = Bench::start().await;
    for number in 0..12 {
        let order = json!({ "prompt": format!("Prompt {number}"), "price_cents": 100, "confirmed": true });
        bench.world.sender.post("/api/jobs/run", order).await.expect(201);
    }
    let count = async |limit: &str| {
        let listed = bench.sender().run(&["jobs", "--limit", limit]).await.expect(0);
        listed.as_array().unwrap().len()
    };
    assert_eq!((count("5").await, count("12").await, count("300").await), (5, 12, 12));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_with_a_name_takes_effect_once() {
    let bench = Bench::start().await;
    let cli = bench.sender();
    let line = ["drop", "Roast this", "--price", "500", "-y", "--idempotency-key", "order-7"];
    let [one, two] = [cli.run(&line).await.expect(0), cli.run(&line).await.expect(0)];
    assert_eq!(one["id"], two["id"]);
    assert_eq!(bench.world.sender.balance().await, 19_500);
    let other = ["drop", "Roast that", "--price", "500", "-y", "--idempotency-key", "order-7"];
    assert_eq!(cli.run(&other).await.fails(5)["code"], "idempotency_key_reused");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_get_the_apis_own_objects() {
    let bench = Bench::start().await;
    let id = posted(&bench, PROMPT).await;
    let shown = bench.sender().run(&["view", &id]).await;
    let direct = bench.world.sender.get(&format!("/api/jobs/{id}")).await.expect(200);
    assert_eq!(shown.expect(0), direct);
    assert_eq!(shown.stdout.lines().count(), 1);
    assert_eq!(shown.stderr, "");
    let board: Value = bench.sender().run(&["board", "--json"]).await.expect(0);
    assert_eq!(board, bench.world.anon.get("/api/board").await.expect(200));
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_are_printed_without_an_address_or_a_key() {
    let home = tempfile::tempdir().unwrap();
    let cli = crate::bench::Cli::at("", home.path()).without_key();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = cli.run(&["completions", shell]).await;
        assert!(
            ran.code == 0 && ran.stdout.contains("clorp") && ran.stdout.contains("auto-topup"),
            "{ran:?}"
        );
    }
}
