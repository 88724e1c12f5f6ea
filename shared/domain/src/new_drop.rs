//! New drops: a sender's order, validated and completed with defaults.

use std::collections::BTreeMap;

use crate::pack::UnknownPack;
use crate::text::require_plain;
use crate::{Brief, Cents, FieldError, FileDraft, NamedFiles, Pack, Requirements, RequirementsDraft, Rules};

/// Longest title of a drop, in characters.
const MAX_TITLE_CHARS: usize = 80;

/// A sender's order, not yet validated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// Task in plain text.
    pub prompt: Option<String>,
    /// Context for workers, by name. Shown to the sender and the claimants only.
    pub env_vars: BTreeMap<String, String>,
    /// Files that belong to the prompt.
    pub attachments: Vec<FileDraft>,
    /// Pack, by its word.
    pub pack: Option<String>,
    /// Price in cents.
    pub price_cents: Option<i64>,
    /// Window in seconds.
    pub time_limit_seconds: Option<i64>,
    /// Requirements of the workers.
    pub requirements: RequirementsDraft,
}

/// A validated order, ready to be posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDrop {
    /// First line of the prompt, cut at a word boundary.
    pub title: String,
    /// Task for workers, still without its files.
    pub brief: Brief,
    /// Files to attach.
    pub files: NamedFiles,
    /// Kind of work it asks for.
    pub pack: Pack,
    /// Price that the sender pays.
    pub price: Cents,
    /// The platform's part of the price.
    pub fee: Cents,
    /// Window in seconds.
    pub time_limit_seconds: u32,
    /// Requirements of the workers.
    pub requirements: Requirements,
}

impl NewDrop {
    /// Validates `draft`, fills in defaults, and clamps price and window to their bounds.
    ///
    /// # Errors
    /// [`FieldError`] for the first field that breaks a rule.
    pub fn new(draft: Draft, rules: &Rules) -> Result<Self, FieldError> {
        let prompt = checked_prompt(draft.prompt, rules)?;
        let env_vars = checked_env_vars(draft.env_vars, rules)?;
        let files = NamedFiles::new("/attachments", draft.attachments, rules)?;
        let pack = match draft.pack {
            None => Pack::Wild,
            Some(word) => word.parse().map_err(|unknown: UnknownPack| {
                FieldError::new("/pack", "invalid_pack", unknown.to_string())
            })?,
        };
        let price = match draft.price_cents {
            None => rules.default_price(pack),
            Some(cents) if cents < 0 => {
                return Err(FieldError::new("/price_cents", "invalid_price", "Price cannot be negative"));
            }
            Some(cents) => Cents::new(cents),
        };
        let seconds = match draft.time_limit_seconds {
            None => u64::from(rules.default_time_limit_seconds),
            Some(seconds) => u64::try_from(seconds).map_err(|_| {
                FieldError::new("/time_limit_seconds", "invalid_time_limit", "Time limit cannot be negative")
            })?,
        };
        let requirements = Requirements::new(draft.requirements)?;
        let price = rules.clamp_price(price);
        Ok(Self {
            title: title(&prompt),
            brief: Brief { prompt, env_vars, attachments: Vec::new() },
            files,
            pack,
            price,
            fee: rules.fee(price),
            time_limit_seconds: rules.clamp_time_limit_seconds(seconds),
            requirements,
        })
    }
}

fn checked_prompt(prompt: Option<String>, rules: &Rules) -> Result<String, FieldError> {
    let prompt = prompt
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| FieldError::new("/prompt", "prompt_required", "Prompt is required"))?;
    if prompt.len() > rules.max_prompt_bytes {
        let message = format!("Prompt must be at most {} bytes", rules.max_prompt_bytes);
        return Err(FieldError::new("/prompt", "prompt_too_long", message));
    }
    require_plain("/prompt", "Prompt", &prompt)?;
    Ok(prompt)
}

fn checked_env_vars(
    vars: BTreeMap<String, String>,
    rules: &Rules,
) -> Result<BTreeMap<String, String>, FieldError> {
    if vars.len() > rules.max_env_vars {
        let message = format!("At most {} envVars are allowed", rules.max_env_vars);
        return Err(FieldError::new("/envVars", "too_many_env_vars", message));
    }
    if vars.contains_key("") {
        return Err(FieldError::new("/envVars/", "invalid_env_var", "An envVars name cannot be empty"));
    }
    if vars.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > rules.max_env_vars_bytes {
        let message = format!("envVars must be at most {} bytes together", rules.max_env_vars_bytes);
        return Err(FieldError::new("/envVars", "env_vars_too_long", message));
    }
    for (name, value) in &vars {
        // A name is one line, and a value may have several.
        if name.contains(char::is_control) {
            let message = "An envVars name must not have control characters";
            return Err(FieldError::new("/envVars", "control_character", message));
        }
        require_plain(&format!("/envVars/{}", pointer_token(name)), "An envVars value", value)?;
    }
    Ok(vars)
}

/// A name as a step of a JSON pointer (RFC 6901).
fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The first line of `prompt` with text, cut to [`MAX_TITLE_CHARS`] characters, at a word boundary if there
/// is one.
fn title(prompt: &str) -> String {
    let line = prompt.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    let Some((end, next)) = line.char_indices().nth(MAX_TITLE_CHARS) else {
        return line.to_owned();
    };
    let head = &line[..end];
    if next.is_whitespace() {
        return head.trim_end().to_owned();
    }
    match head.rfind(char::is_whitespace) {
        Some(space) => head[..space].trim_end().to_owned(),
        None => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(prompt: &str) -> Draft {
        Draft { prompt: Some(prompt.to_owned()), ..Draft::default() }
    }

    fn refused(draft: Draft) -> (String, &'static str) {
        let error = NewDrop::new(draft, &Rules::default()).unwrap_err();
        (error.field, error.code)
    }

    #[test]
    fn the_title_is_the_first_line_cut_at_a_word() {
        let long = "word ".repeat(30);
        let unbroken = "é".repeat(100);
        for (prompt, expect) in [
            ("one line", "one line".to_owned()),
            ("\n\n  second  \nthird", "second".to_owned()),
            (long.as_str(), "word ".repeat(16).trim_end().to_owned()),
            (unbroken.as_str(), "é".repeat(80)),
        ] {
            assert_eq!(NewDrop::new(draft(prompt), &Rules::default()).unwrap().title, expect, "{prompt}");
        }
    }

    #[test]
    fn amounts_out_of_bounds_are_clamped_and_negative_ones_rejected() {
        for (asked, price) in
            [(None, 200), (Some(0), 100), (Some(99), 100), (Some(5000), 5000), (Some(i64::MAX), 100_000)]
        {
            let new_drop =
                NewDrop::new(Draft { price_cents: asked, ..draft("x") }, &Rules::default()).unwrap();
            assert_eq!(new_drop.price, Cents::new(price), "{asked:?}");
        }
        for (asked, seconds) in [(None, 300), (Some(0), 30), (Some(45), 45), (Some(i64::MAX), 900)] {
            let new_drop =
                NewDrop::new(Draft { time_limit_seconds: asked, ..draft("x") }, &Rules::default()).unwrap();
            assert_eq!(new_drop.time_limit_seconds, seconds, "{asked:?}");
        }
        assert_eq!(refused(Draft { price_cents: Some(-1), ..draft("x") }).0, "/price_cents");
        assert_eq!(refused(Draft { time_limit_seconds: Some(-1), ..draft("x") }).0, "/time_limit_seconds");
    }

    #[test]
    fn each_pack_has_its_default_price() {
        for (word, cents) in [("roast", 100), ("scout", 200), ("cook", 300), ("code", 500), ("wild", 200)] {
            let new_drop =
                NewDrop::new(Draft { pack: Some(word.to_owned()), ..draft("x") }, &Rules::default()).unwrap();
            assert_eq!((new_drop.pack.as_str(), new_drop.price), (word, Cents::new(cents)));
        }
    }

    #[test]
    fn each_rule_names_its_field() {
        let rules = Rules::default();
        let many = (0..=rules.max_env_vars).map(|i| (i.to_string(), String::new())).collect();
        let long = BTreeMap::from([("A".to_owned(), "x".repeat(rules.max_env_vars_bytes))]);
        let unnamed = BTreeMap::from([(String::new(), String::new())]);
        let var = |name: &str, value: &str| Draft {
            env_vars: BTreeMap::from([(name.to_owned(), value.to_owned())]),
            ..draft("x")
        };
        let files = |n| vec![FileDraft::default(); n];
        for (draft, field, code) in [
            (Draft::default(), "/prompt", "prompt_required"),
            (draft(" \n\t"), "/prompt", "prompt_required"),
            (draft("a\u{1b}b"), "/prompt", "control_character"),
            (var("a/b", "\u{0}"), "/envVars/a~1b", "control_character"),
            (var("a\nb", "x"), "/envVars", "control_character"),
            (draft(&"x".repeat(rules.max_prompt_bytes + 1)), "/prompt", "prompt_too_long"),
            (Draft { pack: Some("Roast".to_owned()), ..draft("x") }, "/pack", "invalid_pack"),
            (Draft { env_vars: many, ..draft("x") }, "/envVars", "too_many_env_vars"),
            (Draft { env_vars: long, ..draft("x") }, "/envVars", "env_vars_too_long"),
            (Draft { env_vars: unnamed, ..draft("x") }, "/envVars/", "invalid_env_var"),
            (Draft { attachments: files(1), ..draft("x") }, "/attachments/0/id", "attachment_id_required"),
            (Draft { attachments: files(11), ..draft("x") }, "/attachments", "too_many_attachments"),
        ] {
            assert_eq!(refused(draft), (field.to_owned(), code));
        }
        assert!(NewDrop::new(draft(&"x".repeat(rules.max_prompt_bytes)), &rules).is_ok());
        assert!(NewDrop::new(draft("one\r\n\ttwo\n"), &rules).is_ok());
        assert!(NewDrop::new(var("A", "one\ntwo"), &rules).is_ok());
    }
}
