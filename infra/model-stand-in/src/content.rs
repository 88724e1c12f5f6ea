//! The contents of a request, as a careful reader finds them.

use serde_json::Value;

/// A submission in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Label of the submission.
    pub label: String,
    /// Text of the submission.
    pub text: String,
}

/// The texts of a request.
#[derive(Debug)]
pub(crate) struct Content {
    /// Name of the requested model.
    pub(crate) model: String,
    /// Submissions in the order of reading.
    pub(crate) submissions: Vec<Passage>,
    /// Text outside every fence, without the rules.
    pub(crate) outside: String,
    /// Number of characters of all texts.
    pub(crate) length: usize,
}

impl Content {
    /// Finds the texts. `None` if the body asks for no judgement under a strict schema, or if the labels of
    /// the fences are not those of the schema.
    pub(crate) fn of(body: &Value) -> Option<Self> {
        let (rules, text, schema) = match body.get("system") {
            Some(system) => {
                let format = body.pointer("/output_config/format")?;
                (system.as_str()?, body.pointer("/messages/0/content")?.as_str()?, schema_of(format)?)
            }
            None => {
                let format = body.pointer("/response_format")?;
                let strict = format.pointer("/json_schema/strict") == Some(&Value::Bool(true));
                let schema = Some(format).filter(|_| strict)?.pointer("/json_schema")?;
                let text = |at| body.pointer(at).and_then(Value::as_str);
                (text("/messages/0/content")?, text("/messages/1/content")?, schema.get("schema")?)
            }
        };
        let code = rules.split("the code ").nth(1)?.split_whitespace().next()?;
        let (submissions, outside) = read(text, code)?;
        let labels = schema.pointer("/properties/assessments/properties")?.as_object()?;
        let known = submissions.iter().all(|passage| labels.contains_key(&passage.label));
        let model = body.get("model")?.as_str()?.to_owned();
        let length = rules.chars().count() + text.chars().count();
        (known && labels.len() == submissions.len()).then_some(Self { model, submissions, outside, length })
    }
}

fn schema_of(format: &Value) -> Option<&Value> {
    format.get("schema").filter(|_| format.get("type").is_some_and(|kind| kind == "json_schema"))
}

/// Separates a text into submissions and the rest. Only a line with the code is a fence. `None` if fences are
/// nested or left open.
fn read(text: &str, code: &str) -> Option<(Vec<Passage>, String)> {
    let (mut submissions, mut outside) = (Vec::new(), String::new());
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        let fence = line.strip_suffix(&format!(" {code}>>>"));
        let begins = fence.and_then(|line| line.strip_prefix("<<<BEGIN "));
        let ends = fence.and_then(|line| line.strip_prefix("<<<END "));
        match (open.take(), begins, ends) {
            (None, Some(name), None) => open = Some((name.to_owned(), String::new())),
            (Some((name, inside)), None, Some(ended)) if name == ended => {
                if let Some(label) = name.strip_prefix("SUBMISSION ") {
                    submissions.push(Passage { label: label.to_owned(), text: inside });
                }
            }
            (Some((name, mut inside)), None, None) => {
                inside.push_str(line);
                inside.push('\n');
                open = Some((name, inside));
            }
            (None, None, None) => {
                outside.push_str(line);
                outside.push('\n');
            }
            _ => return None,
        }
    }
    open.is_none().then_some((submissions, outside))
}
