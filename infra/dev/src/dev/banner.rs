//! The text that `cargo dev` prints when the stack is ready.

use std::fmt::Write;
use std::path::Path;

use crate::dev_file::{DevFile, DevUser};
use crate::term::{Style, dollars};
use clorp_stand_in::files::display;

/// The commands that play one drop by hand, each with a title. A user pastes them unchanged, so they hold no
/// comments (an interactive zsh runs `#` as a command) and need only a POSIX shell and curl.
const STEPS: [(&str, &str); 5] = [
    (
        "What would it cost? (Nothing is charged yet.)",
        r#"curl -s $API/api/jobs/run -H "Authorization: Bearer $SENDER" -H "$JSON" -d '{"prompt": "Three roast-style taglines for a README that promises too much", "pack": "roast", "price_cents": 500}'; echo"#,
    ),
    (
        "Post it for $5.00 with a window of one minute, and keep its id",
        r#"DROP=$(curl -s $API/api/jobs/run -H "Authorization: Bearer $SENDER" -H "$JSON" -d '{"prompt": "Three roast-style taglines for a README that promises too much", "pack": "roast", "price_cents": 500, "time_limit_seconds": 60, "confirmed": true}' | grep -o '"id":"[^"]*"' | head -n 1 | cut -d '"' -f 4); echo $DROP"#,
    ),
    (
        "Claim it as a worker, and submit",
        r#"curl -s -X POST $API/api/jobs/$DROP/claim -H "Authorization: Bearer $WORKER"; echo
curl -s $API/api/jobs/$DROP/submit -H "Authorization: Bearer $WORKER" -H "$JSON" -d '{"output_text": "1. Blazingly fast, eventually documented.\n2. Zero-cost abstractions, zero-star adoption.\n3. Production ready, for a production of Waiting for Godot."}'; echo"#,
    ),
    (
        "When the minute is over: the graded result, and what the worker won",
        r#"curl -s $API/api/jobs/$DROP/submissions -H "Authorization: Bearer $SENDER"; echo
curl -s $API/api/wallet/balance -H "Authorization: Bearer $WORKER"; echo"#,
    ),
    ("A whole race with five workers", "cargo demo"),
];

/// The banner of a stack whose data is in `data_dir`.
pub fn banner(stack: &DevFile, data_dir: &Path, log: &Path, style: Style) -> String {
    let mut text = format!("\n{} {}\n", style.green("clorp is ready on"), style.bold(&stack.base_url));
    match (stack.users.first(), stack.users.get(1)) {
        (Some(sender), Some(worker)) => {
            text += &keys(stack, sender, worker, data_dir);
            text += &commands(stack, sender, worker, style);
        }
        _ => text += "\nNo users were seeded: use your own API keys.\n",
    }
    let supabase = stack.supabase_url.as_deref().unwrap_or("none: no browser sessions");
    let stripe = stack.stripe_url.as_deref().unwrap_or("Stripe itself, with your key");
    let files = stack.s3_url.as_deref().unwrap_or("AWS");
    let database = stack.dynamodb_url.as_deref().unwrap_or("AWS");
    let _infallible = write!(
        text,
        "\nDatabase  {database}, table {}\nStripe    {stripe}\nFiles     {files}\nSupabase  {supabase}\nData      {} (`cargo dev --fresh` starts from nothing)\nLog       {}\n\
         Saved code changes are built and go live automatically. Stop with Ctrl-C.\n\n",
        stack.table,
        display(data_dir),
        display(log),
    );
    text
}

fn keys(stack: &DevFile, sender: &DevUser, worker: &DevUser, data_dir: &Path) -> String {
    let mut text = "\n".to_owned();
    for user in [sender, worker] {
        let balance = dollars(user.balance_cents);
        let _infallible = writeln!(text, "  {:<9} {balance:>8}  {}", user.name, user.api_key);
    }
    let more = stack.users.len().saturating_sub(2);
    if more > 0 {
        let path = DevFile::path(data_dir);
        let _infallible = writeln!(text, "  {:<9} {:>8}  {more} more in {}", "…", "", display(&path));
    }
    text
}

fn commands(stack: &DevFile, sender: &DevUser, worker: &DevUser, style: Style) -> String {
    let variables = format!(
        "API={} JSON='Content-Type: application/json'\nSENDER={}\nWORKER={}",
        stack.base_url, sender.api_key, worker.api_key
    );
    let cli = format!("export CLORP_API_URL={} CLORP_API_KEY={}", stack.base_url, sender.api_key);
    let steps = [
        ("To try it, paste this into another terminal", variables.as_str()),
        ("For the command line (`cargo install --path cli`), which then acts as the sender", cli.as_str()),
    ];
    let steps = steps.into_iter().chain(STEPS);
    let browser = sender.cookie.as_deref().map(|cookie| {
        format!("COOKIE='{cookie}'\ncurl -s $API/api/users/{} -H \"Cookie: $COOKIE\"; echo", sender.id)
    });
    let browser = browser.iter().map(|command| {
        ("Without an API key, as a browser in which the sender is signed in", command.as_str())
    });
    steps.chain(browser).map(|(what, command)| format!("\n{what}\n\n{}\n", style.cyan(command))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, key: &str) -> DevUser {
        let cookie = Some(format!("sb-127-auth-token=base64-of-{name}"));
        DevUser { id: "id".into(), name: name.into(), api_key: key.into(), balance_cents: 20_000, cookie }
    }

    fn text(users: Vec<DevUser>) -> String {
        let stack = DevFile {
            base_url: "http://127.0.0.1:9000".into(),
            dynamodb_url: Some("http://127.0.0.1:8000".into()),
            table: "clorp".into(),
            stripe_url: Some("http://127.0.0.1:12111".into()),
            stripe_key: Some("sk_test_sandbox".into()),
            webhook_secret: Some("whsec_1".into()),
            supabase_url: Some("http://127.0.0.1:54321".into()),
            web_origin: "http://localhost:3000".into(),
            jwt: None,
            s3_url: Some("http://127.0.0.1:9090".into()),
            uploads_bucket: "clorp-uploads".into(),
            users,
        };
        banner(&stack, Path::new("data"), Path::new("data/functions.log"), Style::stdout())
    }

    #[test]
    fn the_banner_has_addresses_keys_and_a_cookie() {
        let text = text(vec![user("sender", "k1"), user("worker-1", "k2"), user("worker-2", "k3")]);
        for part in [
            "http://127.0.0.1:9000",
            "http://127.0.0.1:9090",
            "SENDER=k1",
            "export CLORP_API_URL=http://127.0.0.1:9000 CLORP_API_KEY=k1",
            "WORKER=k2",
            "1 more in data/dev.json",
            "cargo demo",
            "COOKIE='sb-127-auth-token=base64-of-sender'",
        ] {
            assert!(text.contains(part), "{part}");
        }
        assert!(!text.contains("k3") && !text.contains("of-worker"));
    }

    #[test]
    fn a_banner_without_users_has_no_commands() {
        let text = text(Vec::new());
        assert!(text.contains("No users were seeded") && !text.contains("curl"));
    }

    #[test]
    fn every_step_is_valid_shell() {
        for (what, command) in STEPS {
            let parsed = std::process::Command::new("sh").args(["-n", "-c", command]).status().unwrap();
            assert!(parsed.success(), "{what}");
        }
    }
}
