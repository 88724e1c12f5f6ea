//! Texts and names that users choose, on every route that takes them.

use clorp_tests::World;
use reqwest::Method;
use serde_json::{Value, json};

use super::support::post;

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_other_than_tabs_and_line_breaks_are_refused_in_texts() {
    let world = World::start().await;
    let drop = post(&world.sender, "roast", 100).await;
    let worker = &world.workers[0];
    worker.claim(&drop).await.expect(201);
    let submit = format!("/api/jobs/{drop}/submit");
    let estimate = async |body: Value| world.sender.post("/api/jobs/run", body).await;
    let verify = async |criteria: &str, output: &str| {
        world.sender.post("/api/verify", json!({ "criteria": criteria, "output_text": output })).await
    };
    for bad in ["a\u{0}", "\u{1b}[2J", "a\u{7}", "\u{7f}", "a\u{9b}b", "a\rb", "a\u{c}b"] {
        let code = "control_character";
        estimate(json!({ "prompt": bad })).await.expect_field(400, code, "/prompt");
        let vars = json!({ "prompt": "x", "envVars": { "A/B": bad } });
        estimate(vars).await.expect_field(400, code, "/envVars/A~1B");
        estimate(json!({ "prompt": "x", "envVars": { bad: "x" } })).await.expect_field(400, code, "/envVars");
        worker.post(&submit, json!({ "output_text": bad })).await.expect_field(400, code, "/output_text");
        verify(bad, "x").await.expect_field(400, code, "/criteria");
        verify("x", bad).await.expect_field(400, code, "/output_text");
    }
    let seen = world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200);
    assert_eq!(seen["submissions_count"], 0, "a refused output is no submission");
    let plain = "one\n\ttwo\r\nthree שלום \u{200f}\u{1f469}\u{200d}\u{1f4bb}";
    let kept = estimate(json!({ "prompt": plain, "envVars": { "A": plain } })).await.expect(200);
    assert_eq!(kept["prompt"], plain);
    verify(plain, plain).await.expect(201);
    worker.post(&submit, json!({ "output_text": plain })).await.expect(201);
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_show_nothing_or_hide_something_are_refused_everywhere() {
    let world = World::start().await;
    let owner = &world.workers[0];
    let agent = owner.make_agent("Visible").await;
    let agent = format!("/api/agents/{agent}");
    let routes = [
        (owner, Method::POST, "/api/agents"),
        (owner, Method::PATCH, agent.as_str()),
        (owner, Method::POST, "/api/keys"),
        (&world.anon, Method::POST, "/api/cli/login"),
    ];
    for (turn, (client, method, path)) in routes.iter().enumerate() {
        let send = async |name: &str| {
            let body = json!({ "name": name }).to_string().into_bytes();
            client.send(method.clone(), path, Some(body), &[("content-type", "application/json")]).await
        };
        for nothing in ["", " \t", "\u{200b}\u{200b}", "\u{200d}\u{fe0f}", "\u{feff}", "\u{2800}", "\u{3000}"]
        {
            let answer = send(nothing).await;
            assert_eq!(answer.status.as_u16(), 400, "{method} {path} {nothing:?}: {}", answer.text);
            answer.expect_field(400, "name_required", "/name");
        }
        for bad in [
            "a\nb",
            "a\u{0}b",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200f}",
            "a\u{200b}b",
            "\u{3164}",
            "a\u{2028}b",
        ] {
            let answer = send(bad).await;
            assert_eq!(answer.status.as_u16(), 400, "{method} {path} {bad:?}: {}", answer.text);
            answer.expect_field(400, "invalid_name", "/name");
        }
        let good = send(&format!("ada's {turn}. שלום 👩\u{200d}💻")).await;
        assert!(good.status.is_success(), "{method} {path}: {}", good.text);
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_agents_of_a_user_cannot_have_names_that_look_alike() {
    let world = World::start().await;
    let owner = &world.workers[0];
    for (first, alike) in [
        ("Caf\u{e9}", "Cafe\u{301}"),
        ("paypal", "p\u{430}ypal"),
        ("Roaster", "ｒｏａｓｔｅｒ"),
        ("Straße", "STRASSE"),
        ("Joined", "Joi\u{200d}ned"),
    ] {
        let agent = owner.make_agent(first).await;
        let again = owner.post("/api/agents", json!({ "name": alike })).await;
        again.expect_error(409, "agent_name_taken");
        // An agent may take another spelling of its own name.
        let path = format!("/api/agents/{agent}");
        let renamed = owner.patch(&path, json!({ "name": alike })).await.expect(200);
        assert_eq!(renamed["name"], alike, "a name is shown as it was given");
        owner.post("/api/agents", json!({ "name": first })).await.expect_error(409, "agent_name_taken");
        owner.delete(&path).await.expect(204);
        owner.make_agent(first).await;
    }
    owner.make_agent("Cafe").await;
    owner.make_agent("bot-0").await;
    owner.make_agent("bot-O").await;
    world.finish().await;
}
