//! The ranking's queue on a server that speaks SQS's protocol: the messages sent to it, and their effects.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::config::{Config, Credentials, Region};
use aws_sdk_sqs::types::{Message, QueueAttributeName};
use clorp_context::behavior_version;
use clorp_domain::Rules;
use clorp_queue::RankingQueue;
use clorp_ranking::Ranking;
use clorp_ranking::event::handle;
use clorp_tests::moto::Server;
use clorp_tests::{Options, World, unlimited};
use serde_json::{Value, json};

/// The server of all queues. Its memory is read, and is small because no table is on it.
static SERVER: LazyLock<Server> = LazyLock::new(Server::start);

fn client(url: &str) -> Client {
    let config = Config::builder()
        .behavior_version(behavior_version())
        .region(Region::from_static("us-east-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url(url);
    Client::from_conf(config.build())
}

/// A queue with the properties of the ranking's queue in template.yaml, and its dead-letter queue.
pub(crate) struct Queue {
    sqs: Client,
    url: String,
    dead_letters_url: String,
}

impl Queue {
    pub(crate) async fn create(name: &str) -> Self {
        let server = tokio::task::spawn_blocking(|| SERVER.url.as_str()).await.unwrap();
        let sqs = client(server);
        let (dead_letters_url, arn) =
            create(&sqs, &format!("{name}-dead"), "RankingDeadLetterQueue", "").await;
        let (url, _) = create(&sqs, name, "RankingQueue", &arn).await;
        Self { sqs, url, dead_letters_url }
    }

    /// The functions' access to this queue.
    pub(crate) fn client(&self) -> RankingQueue {
        RankingQueue::new(self.sqs.clone(), &self.url)
    }

    /// A world whose functions use this queue.
    async fn world(&self) -> World {
        World::with(Options { queue: Some(self.client()), ..Options::default() }).await
    }

    async fn send(&self, body: &str) {
        self.sqs.send_message().queue_url(&self.url).message_body(body).send().await.unwrap();
    }

    /// The messages that can be received now.
    pub(crate) async fn receive(&self) -> Vec<Message> {
        let call = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(5);
        call.send().await.unwrap().messages.unwrap_or_default()
    }

    /// The delay in seconds of every message ever sent about a drop, in the order of sending. SQS does not
    /// report it. moto exposes its memory, which has another copy of a message for each receipt.
    async fn delays(&self, drop: &str) -> Vec<i64> {
        let memory = reqwest::get(format!("{}/moto-api/data.json", SERVER.url)).await.unwrap();
        let memory: Value = memory.json().await.unwrap();
        let messages = memory["sqs"]["Message"].as_array().unwrap().iter();
        let mut ids = BTreeSet::new();
        let about =
            messages.filter(|message| message["body"] == drop && ids.insert(message["id"].to_string()));
        about
            .map(|message| {
                let millis = |name: &str| message[name].as_f64().unwrap();
                match millis("delayed_until") {
                    0.0 => 0,
                    until => ((until - millis("sent_timestamp")) / 1000.0).round() as i64,
                }
            })
            .collect()
    }

    async fn number_of(&self, url: &str, attribute: QueueAttributeName) -> String {
        let call = self.sqs.get_queue_attributes().queue_url(url).attribute_names(attribute.clone());
        call.send().await.unwrap().attributes.unwrap()[&attribute].clone()
    }
}

/// Creates a queue with the properties of a resource of the template. Returns its URL and ARN.
async fn create(sqs: &Client, name: &str, resource: &str, dead_letters_arn: &str) -> (String, String) {
    let mut call = sqs.create_queue().queue_name(name);
    for (property, value) in properties(resource) {
        let value = match value {
            Value::String(text) => text,
            Value::Object(mut redrive) => {
                redrive["deadLetterTargetArn"] = json!(dead_letters_arn);
                Value::Object(redrive).to_string()
            }
            plain => plain.to_string(),
        };
        call = call.attributes(property.as_str().into(), value);
    }
    let url = call.send().await.unwrap().queue_url.unwrap();
    let arn = sqs.get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::QueueArn);
    let arn = arn.send().await.unwrap().attributes.unwrap()[&QueueAttributeName::QueueArn].clone();
    (url, arn)
}

/// The template's properties of a queue.
fn properties(resource: &str) -> serde_json::Map<String, Value> {
    let template = include_str!("../../template.yaml");
    let template: yaml_serde::Value = yaml_serde::from_str(template).unwrap();
    let properties = template["Resources"][resource]["Properties"].clone();
    untagged(properties).as_object().unwrap().clone()
}

/// The value as JSON, without the tags of CloudFormation's functions.
fn untagged(value: yaml_serde::Value) -> Value {
    match value {
        yaml_serde::Value::Tagged(tagged) => untagged(tagged.value),
        yaml_serde::Value::Mapping(mapping) => mapping
            .into_iter()
            .map(|(name, value)| (name.as_str().unwrap().to_owned(), untagged(value)))
            .collect(),
        plain => serde_json::to_value(plain).unwrap(),
    }
}

/// Invokes the ranking with messages, as Lambda does. Returns the ids of the messages that failed.
pub(crate) async fn invoke(ranking: &Ranking, messages: &[Message]) -> Vec<String> {
    let record = |message: &Message| {
        json!({
            "messageId": message.message_id, "receiptHandle": message.receipt_handle, "body": message.body,
            "md5OfBody": message.md5_of_body, "attributes": {}, "messageAttributes": {},
            "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:ranking",
            "awsRegion": "us-east-1",
        })
    };
    let event = json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() });
    let answer = handle(ranking, serde_json::from_value(event).unwrap()).await.unwrap();
    let failures = answer["batchItemFailures"].as_array().unwrap();
    failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap().to_owned()).collect()
}

/// Asserts that `n` messages about a drop were sent, and that the last one arrives at the end of the drop's
/// window and not before. `sent_between` has the world's time before and after the sending, in milliseconds.
async fn assert_delayed_to_the_end(
    queue: &Queue,
    world: &World,
    drop: &str,
    n: usize,
    sent_between: [i64; 2],
) {
    let stored = world.store.drops().get(drop.parse().unwrap()).await.unwrap().unwrap();
    let closes_at = stored.window.unwrap().closes_at.as_millisecond();
    let [most, least] = sent_between.map(|millis| (closes_at - millis + 999).div_euclid(1000));
    let delays = queue.delays(drop).await;
    assert_eq!(delays.len(), n, "{delays:?}");
    assert!((least..=most).contains(&delays[n - 1]), "{delays:?} does not end in {least} to {most}");
}

fn now_millis(world: &World) -> i64 {
    world.clock().now().as_millisecond()
}

async fn status(world: &World, drop: &str) -> Value {
    world.sender.get(&format!("/api/jobs/{drop}")).await.expect(200)["status"].clone()
}

async fn postings(world: &World) -> usize {
    world.store.ledger().audit().await.unwrap().postings.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_a_drop_sends_a_message_that_arrives_when_its_window_ends() {
    let queue = Queue::create("opening").await;
    let world = queue.world().await;
    let before = now_millis(&world);
    let posted = world.sender.post_drop(100).await;
    assert_delayed_to_the_end(&queue, &world, &posted, 1, [before, now_millis(&world)]).await;

    let payer = world.user("payer", 100).await;
    let first = payer.post_drop(100).await;
    let order =
        json!({ "prompt": "Roast this", "price_cents": 100, "time_limit_seconds": 900, "confirmed": true });
    let unpaid = payer.post("/api/jobs/run", order).await.expect(402);
    let paid = unpaid["id"].as_str().unwrap();
    payer.post_empty(&format!("/api/jobs/{first}/cancel")).await.expect(200);
    assert_eq!(queue.delays(paid).await, Vec::<i64>::new(), "an unpaid drop has no window");
    let before = now_millis(&world);
    payer.post_empty(&format!("/api/jobs/{paid}/pay")).await.expect(200);
    assert_delayed_to_the_end(&queue, &world, paid, 1, [before, now_millis(&world)]).await;

    let waiting = queue.number_of(&queue.url, QueueAttributeName::ApproximateNumberOfMessagesDelayed).await;
    assert_eq!((waiting.as_str(), queue.receive().await), ("3", Vec::new()));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_submission_sends_a_message_that_settles_the_drop_at_once() {
    let queue = Queue::create("filling").await;
    let world = queue.world().await;
    let drop = world.sender.post_drop(1000).await;
    for (i, worker) in world.workers[..5].iter().enumerate() {
        assert_eq!(queue.delays(&drop).await.len(), 1, "claims and submissions before the last send nothing");
        worker.claim(&drop).await.expect(201);
        if i == 4 {
            assert_eq!(queue.receive().await, Vec::new());
        }
        worker.submit(&drop, &format!("Tagline {i}")).await.expect(201);
    }
    assert_eq!(queue.delays(&drop).await[1..], [0]);
    assert_eq!(status(&world, &drop).await, "ranking");
    let messages = queue.receive().await;
    assert_eq!(messages.len(), 1);
    assert_eq!(invoke(&world.rankings[0], &messages).await, Vec::<String>::new());
    assert_eq!(status(&world, &drop).await, "completed");
    let mut balances = 0;
    for worker in &world.workers {
        balances += worker.balance().await;
    }
    assert_eq!((balances, queue.delays(&drop).await.len()), (7750, 2));
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_submission_of_a_young_drop_sends_a_message_for_the_end_of_the_minimum() {
    let queue = Queue::create("young").await;
    let rules = Rules { min_race_seconds: 10, ..unlimited() };
    let world = World::with(Options { rules, queue: Some(queue.client()), ..Options::default() }).await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 5).await;
    let delays = queue.delays(&drop).await;
    assert_eq!(delays.len(), 2);
    assert!((1..=10).contains(&delays[1]), "{delays:?}");
    assert_eq!(status(&world, &drop).await, "open");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_message_is_sent_again_with_the_remaining_delay() {
    let queue = Queue::create("early").await;
    let world = queue.world().await;
    let drop = world.sender.post_drop(1000).await;
    world.race(&drop, 1).await;
    queue.send(&drop).await;
    world.advance_seconds(100);
    let before = now_millis(&world);
    assert_eq!(invoke(&world.rankings[0], &queue.receive().await).await, Vec::<String>::new());
    assert_delayed_to_the_end(&queue, &world, &drop, 3, [before, now_millis(&world)]).await;
    assert_eq!(status(&world, &drop).await, "open");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_or_duplicate_message_succeeds_and_changes_nothing() {
    let queue = Queue::create("late").await;
    let world = queue.world().await;
    let judged = world.sender.post_drop(1000).await;
    world.race(&judged, 2).await;
    let expired = world.sender.post_drop(500).await;
    let cancelled = world.sender.post_drop(300).await;
    world.sender.post_empty(&format!("/api/jobs/{cancelled}/cancel")).await.expect(200);
    world.advance_seconds(300);
    for drop in [&judged, &expired, &cancelled] {
        queue.send(drop).await;
    }
    let messages = queue.receive().await;
    assert_eq!(messages.len(), 3);
    assert_eq!(invoke(&world.rankings[0], &messages).await, Vec::<String>::new());
    let settled = postings(&world).await;
    let drop = world.sender.get(&format!("/api/jobs/{judged}")).await.expect(200);
    assert_eq!(drop["status"], "completed");
    assert_eq!(
        (status(&world, &expired).await, status(&world, &cancelled).await),
        (json!("expired"), json!("cancelled"))
    );
    for ranking in &world.rankings {
        assert_eq!(invoke(ranking, &messages).await, Vec::<String>::new());
    }
    assert_eq!(postings(&world).await, settled);
    assert_eq!(world.sender.get(&format!("/api/jobs/{judged}")).await.expect(200), drop);
    assert_eq!(world.sender.balance().await, 19_000);
    for drop in [&judged, &expired, &cancelled] {
        assert_eq!(queue.delays(drop).await.len(), 2, "nothing was sent again");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_names_no_drop_fails_alone_and_becomes_a_dead_letter() {
    let queue = Queue::create("nonsense").await;
    let world = queue.world().await;
    let drop = world.sender.post_drop(1000).await;
    world.advance_seconds(300);
    queue.send("not a drop").await;
    queue.send(&drop).await;
    let messages = queue.receive().await;
    let nonsense = messages.iter().find(|message| message.body() == Some("not a drop")).unwrap();
    let mut failed = invoke(&world.rankings[0], &messages).await;
    assert_eq!(status(&world, &drop).await, "expired", "the other message of the batch is done");
    let receive_again = async |message: &Message| {
        let handle = message.receipt_handle().unwrap();
        let call = queue.sqs.change_message_visibility().queue_url(&queue.url).receipt_handle(handle);
        call.visibility_timeout(0).send().await.unwrap();
        queue.receive().await
    };
    let mut tries = 0;
    let mut message = nonsense.clone();
    while failed == [message.message_id().unwrap()] {
        tries += 1;
        let Some(next) = receive_again(&message).await.into_iter().next() else { break };
        message = next;
        failed = invoke(&world.rankings[0], std::slice::from_ref(&message)).await;
    }
    assert_eq!(tries, 5, "{failed:?}");
    let dead = QueueAttributeName::ApproximateNumberOfMessages;
    assert_eq!(queue.number_of(&queue.dead_letters_url, dead).await, "1");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_queue_drops_are_still_posted_and_the_sweep_settles_them() {
    // Nothing listens on this port, and the system assigns only higher ones.
    let url = "http://127.0.0.1:1";
    let queue = RankingQueue::new(client(url), format!("{url}/123456789012/ranking"));
    let world = World::with(Options { queue: Some(queue), ..Options::default() }).await;
    let full = world.sender.post_drop(1000).await;
    world.race(&full, 5).await;
    let open = world.sender.post_drop(1000).await;
    world.race(&open, 1).await;
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(
        (status(&world, &full).await, status(&world, &open).await),
        (json!("completed"), json!("open"))
    );
    world.advance_seconds(300);
    assert_eq!(world.sweep().await.settled, 1);
    assert_eq!(status(&world, &open).await, "completed");
    world.finish().await;
}
