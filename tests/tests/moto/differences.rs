//! One test for each difference between moto and AWS. Each fails once moto behaves as AWS does: then the
//! difference goes, and with it the exclusion of its tests. The last test checks the program that serves
//! moto.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, ReturnConsumedCapacity, TransactWriteItem, Update,
};
use clorp_local_aws::dynamo::{client, create_table};
use clorp_tests::client::announcement;
use clorp_tests::database::{Database, TABLE};
use clorp_tests::moto::{Server, authorization};
use clorp_tests::{Aws, Options, World};
use futures::future::{join, join_all};
use serde_json::json;

/// A table on a server of moto's.
async fn table() -> Client {
    let table = clorp_sam::Template::from_repo().unwrap().table().unwrap();
    client(Database::start(Aws::Moto, &table).await.url())
}

fn text(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn number(number: usize) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// An update that adds 1 to the number of an item.
fn count(pk: &str) -> TransactWriteItem {
    count_at(pk, "COUNT")
}

fn count_at(pk: &str, sk: &str) -> TransactWriteItem {
    let update = Update::builder().table_name(TABLE).key("pk", text(pk)).key("sk", text(sk));
    let update = update.update_expression("ADD n :one").expression_attribute_values(":one", number(1));
    TransactWriteItem::builder().update(update.build().unwrap()).build()
}

/// A condition that fails, because there is no such item.
fn refused(pk: &str) -> TransactWriteItem {
    let check = ConditionCheck::builder().table_name(TABLE).key("pk", text(pk)).key("sk", text("COUNT"));
    let check = check.condition_expression("attribute_exists(pk)").build().unwrap();
    TransactWriteItem::builder().condition_check(check).build()
}

async fn read(table: &Client, pk: &str) -> Option<AttributeValue> {
    let get = table.get_item().table_name(TABLE).key("pk", text(pk)).key("sk", text("COUNT"));
    get.send().await.unwrap().item.and_then(|mut item| item.remove("n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_repeated_under_its_token_runs_again() {
    let table = table().await;
    for _ in 0..2 {
        let call = table.transact_write_items().client_request_token("token").transact_items(count("a"));
        call.send().await.unwrap();
    }
    assert_eq!(read(&table, "a").await, Some(number(2)), "AWS: 1");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_of_any_size_cost_the_same() {
    let table = table().await;
    let put = table.put_item().table_name(TABLE).item("pk", text("a")).item("sk", text("COUNT"));
    put.item("text", text(&"x".repeat(40_000))).send().await.unwrap();
    let get = table.get_item().table_name(TABLE).key("pk", text("a")).key("sk", text("COUNT"));
    let get = get.consistent_read(true).return_consumed_capacity(ReturnConsumedCapacity::Total);
    let consumed = get.send().await.unwrap().consumed_capacity.unwrap();
    assert_eq!(consumed.capacity_units, Some(0.5), "AWS: 10");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_transaction_undoes_writes_that_others_have_made_meanwhile() {
    let server = tokio::task::spawn_blocking(Server::start_plain).await.unwrap();
    let table = clorp_sam::Template::from_repo().unwrap().table().unwrap();
    let client = client(&server.new_account());
    create_table(&client, &table, TABLE).await.unwrap();
    let mut lost = 0;
    // The loss depends on the moment, so requests are repeated until it has happened.
    for round in 0..50 {
        let transactions = join_all((0..4).map(async |i| {
            let many = (0..20).map(|n| count(&format!("transaction-{i}-{n}")));
            let all = many.chain([refused("refused")]).collect();
            client.transact_write_items().set_transact_items(Some(all)).send().await.is_err()
        }));
        let writes = join_all((0..20).map(async |i| {
            let pk = format!("write-{round}-{i}");
            let put = client.put_item().table_name(TABLE).item("pk", text(&pk)).item("sk", text("COUNT"));
            put.item("n", number(1)).send().await.map(|_| pk)
        }));
        let (refused, written) = join(transactions, writes).await;
        assert_eq!(refused, [true; 4]);
        for pk in written.into_iter().flatten() {
            lost += usize::from(read(&client, &pk).await.is_none());
        }
        if lost > 0 {
            return;
        }
    }
    panic!("AWS: no acknowledged write is lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_with_a_forged_signature_is_accepted() {
    let world = World::with(Options { aws: Aws::Moto, ..Options::default() }).await;
    let announced = announcement("a.txt", "text/plain", b"text");
    let mut signed = world.sender.post("/api/uploads", announced).await.expect(201)["upload"].clone();
    let (url, _) = signed["url"].as_str().unwrap().split_once("X-Amz-Signature=").unwrap();
    signed["url"] = json!(format!("{url}X-Amz-Signature=0"));
    let answer = world.sender.put_signed(&signed, b"text".to_vec()).await;
    assert_eq!(answer.status(), 200, "AWS: 403");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checksum_of_an_upload_is_forgotten_unless_a_header_names_its_algorithm() {
    let server = tokio::task::spawn_blocking(Server::start_plain).await.unwrap();
    let send = async |request: reqwest::RequestBuilder| {
        let request = request.header("authorization", authorization("s3"));
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 200);
        answer.headers().get("x-amz-checksum-sha256").map(|checksum| checksum.to_str().unwrap().to_owned())
    };
    let http = reqwest::Client::new();
    send(http.put(format!("{}/bucket", server.url))).await;
    let object = format!("{}/bucket/object", server.url);
    let head = || http.head(&object).header("x-amz-checksum-mode", "ENABLED");
    let put = || http.put(&object).header("x-amz-checksum-sha256", "checksum").body("text");
    send(put()).await;
    assert_eq!(send(head()).await, None, "AWS: the checksum");
    send(put().header("x-amz-sdk-checksum-algorithm", "SHA256")).await;
    assert_eq!(send(head()).await.as_deref(), Some("checksum"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_transaction_changes_no_item_even_if_several_are_in_one_partition() {
    let table = table().await;
    let counts = || Some(["A", "COUNT", "Z"].map(|sk| count_at("a", sk)).into());
    table.transact_write_items().set_transact_items(counts()).send().await.unwrap();
    let refused = table.transact_write_items().set_transact_items(counts()).transact_items(refused("b"));
    refused.send().await.unwrap_err();
    let items = table.scan().table_name(TABLE).send().await.unwrap().items.unwrap();
    assert_eq!(items.iter().map(|item| &item["n"]).collect::<Vec<_>>(), [&number(1); 3]);
}
