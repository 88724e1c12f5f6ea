//! Who a session belongs to.

use clorp_domain::UserId;
use serde_json::Value;

/// Longest display name, in characters.
const MAX_NAME: usize = 50;
/// Longest address of a picture, in bytes.
const MAX_URL: usize = 500;
/// The name of somebody who has told none. Never a part of the e-mail address: names are public.
const NAMELESS: &str = "Anonymous";

/// Who a session belongs to, and how they want to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The id that Supabase gave them.
    pub id: UserId,
    /// Display name, safe to show: 1 to 50 visible characters.
    pub name: String,
    /// A picture, by HTTPS.
    pub avatar_url: Option<String>,
}

impl Identity {
    /// From what a token says; `metadata` is as its owner wrote it.
    pub(crate) fn new(id: UserId, email: Option<&str>, metadata: &Value) -> Self {
        let text = |key: &str| metadata.get(key).and_then(Value::as_str);
        let is_address = |name: &&str| email.is_some_and(|email| email.eq_ignore_ascii_case(name.trim()));
        let names = ["full_name", "name", "user_name"].into_iter().filter_map(text);
        let name = names.filter(|name| !is_address(name)).find_map(display_name);
        Self {
            id,
            name: name.unwrap_or_else(|| NAMELESS.to_owned()),
            avatar_url: ["avatar_url", "picture"]
                .into_iter()
                .filter_map(text)
                .find(|u| is_picture(u))
                .map(str::to_owned),
        }
    }
}

/// `name` on one line, without what cannot be seen; `None` if nothing is left.
fn display_name(name: &str) -> Option<String> {
    let visible: String = name.chars().filter(|c| c.is_whitespace() || !is_hidden(*c)).collect();
    let one_line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = one_line.chars().take(MAX_NAME).collect();
    let short = short.trim_end();
    (!short.is_empty()).then(|| short.to_owned())
}

/// Control characters, and those that only change how others look or in which direction they run.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_picture(url: &str) -> bool {
    let host =
        url.strip_prefix("https://").filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let plain = |b: u8| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b);
    host.is_some() && url.len() <= MAX_URL && url.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(metadata: Value, name: &str, avatar: Option<&str>) {
        let identity = Identity::new("u1".parse().unwrap(), Some("Ada@example.com"), &metadata);
        assert_eq!((identity.name.as_str(), identity.avatar_url.as_deref()), (name, avatar), "{metadata}");
    }

    #[test]
    fn the_first_usable_name_is_shown_and_no_address_ever() {
        check(json!({ "full_name": "Ada L", "name": "ada" }), "Ada L", None);
        check(json!({ "full_name": " \n ", "name": "ada" }), "ada", None);
        check(json!({ "full_name": 7, "user_name": "ada99" }), "ada99", None);
        check(json!({ "full_name": "ada@EXAMPLE.com", "name": "ada@example.com" }), "Anonymous", None);
        for nothing in
            [json!({}), Value::Null, json!("Ada"), json!(["Ada"]), json!({ "email": "ada@example.com" })]
        {
            check(nothing, "Anonymous", None);
        }
    }

    #[test]
    fn a_name_is_one_line_of_what_can_be_seen() {
        check(json!({ "name": "Ada\u{202e}\u{200b}\u{7}\tof\r\nEngines " }), "Ada of Engines", None);
        check(json!({ "name": "\u{200d}\u{feff}" }), "Anonymous", None);
        check(json!({ "name": "é".repeat(60) }), &"é".repeat(50), None);
        check(json!({ "name": format!("{} tail", "x".repeat(49)) }), &"x".repeat(49), None);
    }

    #[test]
    fn a_picture_comes_by_https_or_not_at_all() {
        let good = "https://avatars.example/u/1?v=4";
        check(json!({ "avatar_url": good }), "Anonymous", Some(good));
        check(json!({ "avatar_url": "http://a.example/1", "picture": good }), "Anonymous", Some(good));
        let long = format!("https://a.example/{}", "x".repeat(500));
        for bad in
            ["javascript:alert(1)", "https://", "https:///x", "https://a.example/\" onload=", "data:,", &long]
        {
            check(json!({ "avatar_url": bad }), "Anonymous", None);
        }
    }
}
