//! The parts for people: questions, the countdown, the reveal, and colours.

use crate::bench::{Bench, Cli, eventually};

async fn price_is_asked(cli: &Cli, answer: &str) -> (i32, String) {
    let mut terminal = cli.on_terminal(&["drop", "Roast this build", "--price", "500"]);
    terminal.expect("Post it for $5.00?").await;
    terminal.type_line(answer);
    terminal.finish().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_price_is_shown_and_accepted_before_anything_is_charged() {
    let bench = Bench::start().await;
    for answer in ["n", "", "maybe"] {
        let (exit, screen) = price_is_asked(&bench.sender(), answer).await;
        assert_eq!(exit, 1, "{screen}");
        assert!(screen.contains("nothing was done"), "{screen}");
    }
    assert_eq!(bench.world.sender.balance().await, 20_000);
    let (exit, screen) = price_is_asked(&bench.sender(), "y").await;
    assert_eq!(exit, 0, "{screen}");
    assert!(screen.contains("the winner gets") && screen.contains("it is on the board"), "{screen}");
    assert_eq!(bench.world.sender.balance().await, 19_500);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_uploaded_only_after_the_price_was_accepted() {
    let bench = Bench::start().await;
    std::fs::write(bench.home.path().join("a.md"), "# A").unwrap();
    let line = ["drop", "Roast this file", "a.md", "--price", "500"];
    let mut terminal = bench.sender().on_terminal(&line);
    terminal.expect("[y/N]").await;
    assert_eq!(bench.gateway.exchanges_of("POST /api/uploads").len(), 0);
    terminal.type_line("yes");
    let (exit, screen) = terminal.finish().await;
    assert_eq!(exit, 0, "{screen}");
    assert_eq!(bench.gateway.exchanges_of("POST /api/uploads").len(), 1);
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_counts_down_and_ends_with_the_reveal() {
    let bench = Bench::start().await;
    let id = bench.world.sender.post_drop(500).await;
    let terminal = bench.sender().on_terminal(&["wait", &id]);
    terminal.expect("─").await;
    bench.world.race(&id, 2).await;
    terminal.expect("submission 2").await;
    bench.settle().await;
    let (exit, screen) = terminal.finish().await;
    assert_eq!(exit, 0, "{screen}");
    for part in ["╭───╮", "The winning output", "wins $3.50", "\x1b[1;", "2 workers"] {
        assert!(screen.contains(part), "{part:?} in {screen}");
    }
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_moves_and_nothing_is_coloured_under_no_color() {
    let bench = Bench::start().await;
    let id = bench.world.sender.post_drop(500).await;
    bench.world.race(&id, 2).await;
    let quiet = bench.sender().variable("NO_COLOR", "1");
    let terminal = quiet.on_terminal(&["wait", &id]);
    terminal.expect("submission 2").await;
    bench.settle().await;
    for (exit, screen) in [terminal.finish().await, quiet.on_terminal(&["pull", &id]).finish().await] {
        assert_eq!(exit, 0, "{screen}");
        assert!(screen.contains("The winning output") && !screen.contains('\x1b'), "{screen:?}");
    }
    let (_, coloured) = bench.sender().on_terminal(&["pull", &id]).finish().await;
    assert!(coloured.contains("\x1b["), "{coloured:?}");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_printed_on_a_terminal_if_it_is_asked_for() {
    let bench = Bench::start().await;
    bench.world.sender.post_drop(500).await;
    let (exit, screen) = bench.sender().on_terminal(&["board", "--json"]).finish().await;
    let listed: serde_json::Value = serde_json::from_str(screen.trim()).unwrap();
    assert_eq!((exit, listed.as_array().unwrap().len()), (0, 1));
    // A question is for people only.
    let (exit, screen) = bench.sender().on_terminal(&["drop", "Roast", "--json"]).finish().await;
    assert!(exit == 2 && screen.contains("\"exit_code\":2"), "{screen}");
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_lets_a_running_command_finish_and_submits_its_output() {
    let bench = Bench::start().await;
    let id = bench.world.sender.post_drop(500).await;
    let go = bench.home.path().join("go");
    let exec = format!("while [ ! -e '{}' ]; do sleep 0.05; done; echo A fine tagline", go.display());
    let terminal = bench.worker(0).on_terminal(&["work", "--exec", &exec]);
    terminal.expect("claimed").await;
    let group = format!("kill -INT {}", terminal.id());
    let interrupt = || std::process::Command::new("sh").arg("-c").arg(&group).status().unwrap();
    assert!(interrupt().success());
    terminal.expect("Ctrl-C again").await;
    std::fs::write(&go, "").unwrap();
    let (exit, screen) = terminal.finish().await;
    assert_eq!(exit, 0, "{screen}");
    assert!(screen.contains("1 submitted"), "{screen}");
    let submitted = eventually("the submission", async || {
        let drop = bench.world.sender.get(&format!("/api/jobs/{id}")).await.expect(200);
        drop["submissions_count"].as_i64()
    });
    assert_eq!(submitted.await, 1);
    bench.finish().await;
}
