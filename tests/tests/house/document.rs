//! Descriptions in the API document.

use super::Finding;

/// A `description` or `summary` in the document.
#[derive(Debug)]
pub struct Description {
    line: usize,
    /// The keys that lead to it.
    path: String,
    text: String,
}

impl Description {
    /// True if it has fewer than three words.
    pub fn is_brief(&self) -> bool {
        self.text.split_whitespace().count() < 3
    }

    /// The finding for it in the file at `path`.
    pub fn at(self, path: &str) -> Finding {
        let text = format!("{:?} at {}", self.text, self.path);
        Finding { path: path.to_owned(), line: self.line, text }
    }
}

/// Every description and summary. Read line by line, so that each has its line's number: the document is
/// generated with one key on a line and two spaces for each level. Examples and default values describe
/// nothing.
pub fn descriptions(document: &str) -> Vec<Description> {
    let (mut found, mut keys) = (Vec::new(), Vec::<String>::new());
    for (i, line) in document.lines().enumerate() {
        let depth = (line.len() - line.trim_start().len()) / 2;
        let (key, value) = entry(line.trim());
        keys.truncate(depth.saturating_sub(1));
        keys.resize(depth.saturating_sub(1), String::new());
        keys.push(key.to_owned());
        let text = serde_json::from_str::<String>(value.trim_end_matches(',')).ok();
        let Some(text) = text.filter(|_| ["description", "summary"].contains(&key)) else { continue };
        if !is_value(&keys) {
            found.push(Description { line: i + 1, path: keys.join("/"), text });
        }
    }
    found
}

/// The key and the value of a line; no key in a line that has none.
fn entry(line: &str) -> (&str, &str) {
    let entry = line.strip_prefix('"').and_then(|line| line.split_once("\": "));
    entry.unwrap_or(("", line))
}

/// True if the keys lead into a value that is an example or a default. A property may have such a name too.
fn is_value(keys: &[String]) -> bool {
    let values = ["example", "examples", "default", "enum", "const"];
    let parents = std::iter::once("").chain(keys.iter().map(String::as_str));
    keys.iter().zip(parents).any(|(key, parent)| values.contains(&key.as_str()) && parent != "properties")
}

#[test]
fn a_brief_description_is_found_wherever_it_stands() {
    let described = |text: &str| serde_json::json!({ "description": text });
    let document = serde_json::json!({
        "info": { "description": "When.", "title": "a" },
        "tags": [{ "name": "a", "description": "Two words" }, { "name": "b", "description": "All of it" }],
        "paths": { "/a": { "get": {
            "summary": "Get", "description": "Gets what is there",
            "parameters": [{ "name": "a", "description": "" }],
            "responses": { "200": { "description": "OK", "headers": { "etag": described("The tag") } } },
        } } },
        "components": { "schemas": { "A": {
            "description": "The \"A\"",
            "properties": {
                "description": { "description": "Free text, 5 lines" },
                "example": described("An example"),
            },
            "example": { "description": "Mine", "of": [{ "summary": "Short" }] },
        } } },
    });
    let text = serde_json::to_string_pretty(&document).unwrap();
    let brief: Vec<_> = descriptions(&text).into_iter().filter(Description::is_brief).collect();
    let mut paths: Vec<_> = brief.iter().map(|said| said.path.as_str()).collect();
    paths.sort_unstable();
    let expected = [
        "components/schemas/A/description",
        "components/schemas/A/properties/example/description",
        "info/description",
        "paths//a/get/parameters//description",
        "paths//a/get/responses/200/description",
        "paths//a/get/responses/200/headers/etag/description",
        "paths//a/get/summary",
        "tags//description",
    ];
    assert_eq!(paths, expected);
    for said in brief {
        let line = text.lines().nth(said.line - 1).unwrap();
        assert!(line.contains(&serde_json::to_string(&said.text).unwrap()), "{line}");
    }
    assert_eq!(descriptions(&text).len(), 11);
}
