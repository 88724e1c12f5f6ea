//! The identity of a session's user.

use clorp_domain::UserId;
use jiff::Timestamp;
use serde_json::Value;

/// Longest display name, in characters.
const MAX_NAME: usize = 50;
/// Longest URL of a picture, in bytes.
const MAX_URL: usize = 500;
/// Name of a user who gave none. It never comes from the e-mail address, because names are public.
const NAMELESS: &str = "Anonymous";

/// The user of a session, with their display name and picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Id assigned by Supabase.
    pub id: UserId,
    /// Display name, safe to show: 1 to 50 visible characters.
    pub name: String,
    /// HTTPS URL of a picture.
    pub avatar_url: Option<String>,
    /// Id of the OAuth client to which the session was given; `None` for a session of the user's own.
    pub client_id: Option<String>,
    /// Authenticator assurance level of the session: `aal1`, or `aal2` with a second factor.
    pub aal: Option<String>,
    /// Time at which the token was issued, if it says so. Name and picture are of that time.
    pub issued_at: Option<Timestamp>,
}

impl Identity {
    /// True if the user gave no usable name.
    pub fn is_nameless(&self) -> bool {
        self.name == NAMELESS
    }

    /// Builds the identity from a token's claims. The user controls `metadata`.
    pub(crate) fn new(
        id: UserId,
        email: Option<&str>,
        metadata: &Value,
        issued_at: Option<Timestamp>,
    ) -> Self {
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
            client_id: None,
            aal: None,
            issued_at,
        }
    }

    /// True if the user has passed a second factor in this session.
    pub fn has_second_factor(&self) -> bool {
        self.aal.as_deref() == Some("aal2")
    }
}

/// Reduces `name` to one line of visible characters; `None` if nothing is left.
fn display_name(name: &str) -> Option<String> {
    let visible: String = name.chars().filter(|c| c.is_whitespace() || !is_hidden(*c)).collect();
    let one_line = visible.split_whitespace().collect::<Vec<_>>().join(" ");
    let short: String = one_line.chars().take(MAX_NAME).collect();
    let short = short.trim_end();
    (!short.is_empty()).then(|| short.to_owned())
}

/// True for control characters, and for those that only change the look or direction of others.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn is_picture(url: &str) -> bool {
    let host =
        url.strip_prefix("https://").filter(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric()));
    let is_plain = |b: u8| b.is_ascii_graphic() && !b"\"'<>\\`".contains(&b);
    host.is_some() && url.len() <= MAX_URL && url.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(metadata: Value, name: &str, avatar: Option<&str>) {
        let identity = Identity::new("u1".parse().unwrap(), Some("Ada@example.com"), &metadata, None);
        assert_eq!((identity.name.as_str(), identity.avatar_url.as_deref()), (name, avatar), "{metadata}");
    }

    #[test]
    fn the_first_usable_name_is_shown_but_never_an_email_address() {
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
    fn a_name_is_one_line_of_visible_characters() {
        check(json!({ "name": "Ada\u{202e}\u{200b}\u{7}\tof\r\nEngines " }), "Ada of Engines", None);
        check(json!({ "name": "\u{200d}\u{feff}" }), "Anonymous", None);
        check(json!({ "name": "é".repeat(60) }), &"é".repeat(50), None);
        check(json!({ "name": format!("{} tail", "x".repeat(49)) }), &"x".repeat(49), None);
    }

    #[test]
    fn a_picture_needs_an_https_url() {
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
