//! `/api/openapi.json`, and the agreement of template, routers and document.

use std::collections::BTreeSet;
use std::path::Path;

use clorp_sam::Template;
use clorp_tests::World;
use clorp_tests::document::{merged, parts, routes};
use reqwest::Method;
use serde_json::Value;

#[test]
fn the_committed_document_matches_the_routers() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let expected = merged().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap();
    assert!(committed == expected, "docs/openapi.json is out of date: UPDATE_OPENAPI=1 cargo test openapi");
}

/// Collects every `$ref` in `value`.
fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            into.extend(map.get("$ref").and_then(|reference| reference.as_str()).map(str::to_owned));
            map.values().for_each(|value| references(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn every_reference_in_the_document_resolves() {
    let document = serde_json::to_value(merged()).unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/ErrorBody"));
    for reference in found {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} does not resolve");
    }
}

#[test]
fn every_operation_tag_parameter_and_property_is_described() {
    let document = serde_json::to_value(merged()).unwrap();
    let assert_text = |text: &Value, subject: &str| {
        assert!(text.as_str().is_some_and(|text| text.len() > 3), "{subject}: {text}")
    };
    assert_text(&document["info"]["description"], "info");
    assert_text(&document["servers"][0]["description"], "server");
    let mut tags = BTreeSet::new();
    for tag in document["tags"].as_array().unwrap() {
        assert_text(&tag["description"], "a tag");
        tags.insert(tag["name"].as_str().unwrap());
    }
    let (mut ids, mut used) = (BTreeSet::new(), BTreeSet::new());
    for route in routes() {
        let (name, operation) = (route.name(), &route.operation);
        assert_text(&operation["summary"], &name);
        assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{name}");
        assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: duplicate operationId");
        used.extend(operation["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()));
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(
                parameter.get("$ref").is_some() || !parameter["description"].is_null(),
                "{name} {parameter}"
            );
        }
        for (status, response) in operation["responses"].as_object().unwrap() {
            assert_text(&response["description"], &format!("{name} {status}"));
        }
    }
    assert_eq!(tags, used);
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        for (property, definition) in schema["properties"].as_object().into_iter().flatten() {
            let described = definition["description"].is_string()
                || definition.get("$ref").is_some()
                || definition.get("oneOf").is_some();
            assert!(described, "{name}.{property} is not described");
        }
    }
}

#[test]
fn template_and_document_name_the_same_paths_for_the_same_functions() {
    let template = Template::from_repo().unwrap();
    // The root and the catch-all exist only to answer unknown paths with the API's own 404.
    let routes: BTreeSet<(String, String)> = template
        .routes()
        .into_iter()
        .map(|route| (route.path, route.function))
        .filter(|(path, _)| path != "/" && !path.ends_with("+}"))
        .collect();
    let documented: BTreeSet<(String, String)> = parts()
        .into_iter()
        .flat_map(|(function, document)| {
            document.paths.paths.into_keys().map(move |path| (path, function.to_owned()))
        })
        .collect();
    assert_eq!(routes, documented);
}

#[test]
fn every_authenticated_post_documents_its_idempotency_key_and_conflicts() {
    let mut keyed = 0;
    for route in routes() {
        let name = route.name();
        let parameters = route.operation["parameters"].to_string();
        let takes_key = parameters.contains("#/components/parameters/IdempotencyKey");
        assert_eq!(takes_key, route.method == Method::POST && route.requires_credential(), "{name}");
        if !takes_key {
            continue;
        }
        keyed += 1;
        let responses = &route.operation["responses"];
        let conflict = responses["409"]["description"].as_str().unwrap();
        for code in ["idempotency_key_reused", "idempotency_in_flight"] {
            assert!(conflict.contains(code), "{name}: {conflict}");
        }
        assert!(responses["409"].to_string().contains("#/components/schemas/ErrorBody"), "{name}");
        for (status, response) in responses.as_object().unwrap() {
            let replayed = !response["headers"]["Idempotency-Replayed"].is_null();
            let transient = ["401", "413", "415", "429", "500", "503"].contains(&status.as_str());
            assert_eq!(replayed, !transient, "{name} {status}");
        }
    }
    assert!(keyed >= 6, "{keyed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_document_declares_its_openapi_version() {
    let world = World::start().await;
    let served = world.anon.get("/api/openapi.json").await;
    let document = served.expect(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let tag = served.header("etag").unwrap().to_owned();
    world.anon.get_with("/api/openapi.json", &[("if-none-match", &tag)]).await.expect(304);
    world.finish().await;
}
