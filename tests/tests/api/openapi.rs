//! `/api/openapi.json`, and the agreement of template, routers and document.

use std::collections::BTreeSet;
use std::path::Path;

use clorp_sam::Template;
use clorp_tests::World;
use clorp_tests::document::{merged, parts, routes};
use reqwest::Method;
use serde_json::{Map, Value, json};

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
fn every_reference_resolves_and_every_component_is_referred_to() {
    let document = serde_json::to_value(merged()).unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.contains("#/components/schemas/ErrorBody"));
    for reference in &found {
        assert!(document.pointer(&reference[1..]).is_some(), "{reference} does not resolve");
    }
    for (kind, components) in document["components"].as_object().unwrap() {
        let unused = components.as_object().unwrap().keys().map(|name| format!("#/components/{kind}/{name}"));
        let unused: Vec<String> = unused.filter(|reference| !found.contains(reference)).collect();
        assert!(unused.is_empty() || kind == "securitySchemes", "{unused:?} are not used");
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
        assert_text(&operation["description"], &name);
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
        assert_text(&schema["description"], name);
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

/// The operations of the document as it is written, with their names. [`routes`] has them with the shared
/// responses filled in.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = ["get", "post", "put", "patch", "delete"];
    paths
        .flat_map(|(path, item)| {
            methods.iter().filter_map(move |method| Some((format!("{method} {path}"), item.get(method)?)))
        })
        .collect()
}

/// Calls `visit` with every object in `value`, and with its place.
fn objects<'a>(value: &'a Value, place: &str, visit: &mut impl FnMut(&str, &'a Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            visit(place, map);
            map.iter().for_each(|(key, value)| objects(value, &format!("{place}/{key}"), visit));
        }
        Value::Array(values) => values.iter().for_each(|value| objects(value, place, visit)),
        _ => {}
    }
}

#[test]
fn an_operation_is_public_only_if_it_says_so() {
    let document = serde_json::to_value(merged()).unwrap();
    let schemes: BTreeSet<&String> =
        document["components"]["securitySchemes"].as_object().unwrap().keys().collect();
    let mut public = 0;
    for (name, operation) in operations(&document) {
        let security = operation["security"].as_array().unwrap_or_else(|| panic!("{name} has no security"));
        public += usize::from(security.is_empty());
        let taken: BTreeSet<&String> =
            security.iter().flat_map(|scheme| scheme.as_object().unwrap().keys()).collect();
        assert!(taken.is_empty() || taken == schemes, "{name}: {taken:?}");
    }
    assert!(public >= 9, "{public}");
    let cookie = document["components"]["securitySchemes"]["session"]["name"].as_str().unwrap();
    assert!(
        cookie.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        "{cookie} is no name of a cookie"
    );
}

#[test]
fn every_error_response_is_a_shared_one() {
    let document = serde_json::to_value(merged()).unwrap();
    let mut used = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let responses = operation["responses"].as_object().unwrap().iter();
        let errors: Vec<_> = responses.filter(|(status, _)| status.as_str() >= "400").collect();
        assert!(!errors.is_empty(), "{name} documents no error");
        for (status, response) in errors {
            let reference = response["$ref"].as_str();
            let reference =
                reference.unwrap_or_else(|| panic!("{name} {status}: add it to `openapi::shared`"));
            used.insert(reference.rsplit('/').next().unwrap());
        }
    }
    let shared: BTreeSet<&str> =
        document["components"]["responses"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(used, shared);
}

#[test]
fn an_optional_body_is_left_out_and_never_null() {
    let document = serde_json::to_value(merged()).unwrap();
    let mut optional = 0;
    for (name, operation) in operations(&document) {
        let body = &operation["requestBody"];
        for schema in body["content"].as_object().into_iter().flat_map(Map::values).map(|of| &of["schema"]) {
            assert!(schema["oneOf"].is_null(), "{name}: {schema}");
            assert!(body["required"].is_boolean(), "{name}");
            optional += usize::from(body["required"] == false);
        }
    }
    assert!(optional >= 3, "{optional}");
}

#[test]
fn every_closed_set_of_words_is_a_schema_of_its_own() {
    let document = serde_json::to_value(merged()).unwrap();
    let mut named = 0;
    objects(&document, "", &mut |place, schema| {
        let words = schema.get("enum").and_then(Value::as_array).map_or(0, Vec::len);
        let is_component = place.matches('/').count() == 3 && place.starts_with("/components/schemas/");
        assert!(words <= 1 || is_component, "{place}: name the words in `clorp_http::words`");
        named += usize::from(words > 1);
        let pattern = schema.get("pattern").and_then(Value::as_str).unwrap_or_default();
        let alternatives = pattern.strip_prefix("^(").and_then(|rest| rest.strip_suffix(")$"));
        let is_list = alternatives
            .is_some_and(|words| words.bytes().all(|b| b.is_ascii_lowercase() || b"_|".contains(&b)));
        assert!(!is_list, "{place}: name the words in `clorp_http::words`");
    });
    assert!(named >= 14, "{named}");
}

#[test]
fn names_are_distinct_in_every_language() {
    let document = serde_json::to_value(merged()).unwrap();
    let components = document["components"].as_object().unwrap();
    let names: Vec<&String> = ["schemas", "responses"]
        .iter()
        .flat_map(|kind| components[*kind].as_object().unwrap().keys())
        .collect();
    let plain = |name: &str| name.to_lowercase().replace('_', "");
    let distinct: BTreeSet<String> = names.iter().map(|name| plain(name)).collect();
    assert_eq!(distinct.len(), names.len(), "two names differ in case alone");
    for name in &names {
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "{name}");
        // Go's generators call the constructor of `Agent` `NewAgent`.
        assert!(
            !names.iter().any(|other| **other == format!("New{name}")),
            "New{name} is `{name}`'s constructor"
        );
    }
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        let words: Vec<&str> = id.split('_').collect();
        assert!(words.windows(2).all(|pair| pair[0] != pair[1]), "{name}: {id} stutters");
    }
}

#[test]
fn each_kind_of_event_is_an_object_that_the_discriminator_names() {
    let document = serde_json::to_value(merged()).unwrap();
    let schemas = &document["components"]["schemas"];
    let event = &schemas["TimelineEvent"];
    let kinds = event["discriminator"]["mapping"].as_object().unwrap();
    assert_eq!((event["oneOf"].as_array().unwrap().len(), kinds.len()), (9, 9));
    for (word, reference) in kinds {
        assert!(event["oneOf"].as_array().unwrap().iter().any(|kind| kind["$ref"] == *reference), "{word}");
        let kind = &document.pointer(&reference.as_str().unwrap()[1..]).unwrap();
        assert_eq!(kind["type"], "object", "{word}");
        assert_eq!(kind["properties"]["event"]["enum"], json!([word]), "{word}");
        assert_eq!(kind["required"], json!(["id", "event", "data"]), "{word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_served_document_is_compact_and_declares_its_openapi_version() {
    let world = World::start().await;
    let served = world.anon.get("/api/openapi.json").await;
    assert!(!served.text.contains(['\n', '\t']) && !served.text.contains("  \""), "it is indented");
    assert!(served.text.len() < 200_000, "{} bytes", served.text.len());
    let document = served.expect(200);
    assert_eq!(document, serde_json::from_str::<Value>(include_str!("../../../docs/openapi.json")).unwrap());
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    let tag = served.header("etag").unwrap().to_owned();
    world.anon.get_with("/api/openapi.json", &[("if-none-match", &tag)]).await.expect(304);
    world.finish().await;
}
