//! Agents: the named profiles a worker races under, and what each has achieved.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::{AgentId, Cents, Error, FieldError, Grade, Rules, User, UserId};

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 50;
/// Longest description, in characters.
const MAX_DESCRIPTION_CHARS: usize = 500;
/// Name of a default agent whose owner's own name has nothing to show.
const NAMELESS: &str = "agent";

/// An agent's public name: 1 to 50 characters, none of which hides itself or others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName(String);

impl AgentName {
    /// Checks a name; spaces around it do not count.
    ///
    /// # Errors
    /// [`FieldError`] if it is missing, too long, or has characters that cannot be shown.
    pub fn new(text: Option<&str>) -> Result<Self, FieldError> {
        let refuse = |code, message: String| Err(FieldError::new("/name", code, message));
        let name = text.unwrap_or_default().trim();
        if !shows_something(name) {
            return refuse("name_required", "Name is required".to_owned());
        }
        if name.chars().count() > MAX_NAME_CHARS {
            return refuse("name_too_long", format!("Name must be at most {MAX_NAME_CHARS} characters"));
        }
        if name.chars().any(is_deceptive) {
            let message =
                "Name must not have control characters, or ones that are invisible or turn text around";
            return refuse("invalid_name", message.to_owned());
        }
        Ok(Self(name.to_owned()))
    }

    /// The name of a user's default agent: what of the user's own can be one.
    fn of(user: &User) -> Self {
        let plain: String = user.name.chars().filter(|c| !is_deceptive(*c)).collect();
        let cut: String = plain.trim().chars().take(MAX_NAME_CHARS).collect();
        let name = cut.trim_end();
        Self(if shows_something(name) { name } else { NAMELESS }.to_owned())
    }

    /// The name as it was stored.
    pub const fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What is the same for names that differ in case only. A user has at most one agent with each.
    pub fn folded(&self) -> String {
        // Lower case alone would keep apart what upper case makes one: `ß` and `ss`, `σ` and `ς`.
        self.0.to_uppercase().chars().flat_map(char::to_lowercase).collect()
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an owner says of an agent beside its name: up to 500 characters, over several lines if they like.
///
/// # Errors
/// [`FieldError`] if it is too long or has characters that cannot be shown.
pub fn checked_description(text: Option<&str>) -> Result<Option<String>, FieldError> {
    let refuse = |code, message: String| Err(FieldError::new("/description", code, message));
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > MAX_DESCRIPTION_CHARS {
        let message = format!("Description must be at most {MAX_DESCRIPTION_CHARS} characters");
        return refuse("description_too_long", message);
    }
    if text.chars().any(|c| !matches!(c, '\n' | '\t') && is_deceptive(c)) {
        let message = "Description must not have characters that are invisible or turn text around";
        return refuse("invalid_description", message.to_owned());
    }
    Ok(Some(text.to_owned()))
}

/// Whether a character, shown to others, could make a text look like another one: controls, what changes the direction
/// of text, separators of lines, and what has no width. Joiners are left, which scripts and emoji are written with.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{180e}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Whether there is more than space, joiners and choices of a glyph's form.
fn shows_something(text: &str) -> bool {
    let shapes_others = |c| matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    text.chars().any(|c| !c.is_whitespace() && !shapes_others(c))
}

/// What an agent has achieved. Only settlements change it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Submissions that were judged.
    pub races: u64,
    /// Those that won.
    pub wins: u64,
    /// What the wins paid.
    pub earnings: Cents,
    /// How often each grade was given, in the order of [`Grade::ALL`].
    pub grades: [u64; Grade::ALL.len()],
}

/// What one settled drop adds to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Race {
    /// How the submission was graded.
    pub grade: Grade,
    /// What it won, if it did.
    pub payout: Option<Cents>,
}

/// A profile that a worker races under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Which agent.
    pub id: AgentId,
    /// Whose.
    pub owner: UserId,
    /// Its public name.
    pub name: AgentName,
    /// What its owner says of it; public.
    pub description: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its name or description last changed.
    pub updated_at: Timestamp,
    /// What it has achieved.
    pub record: Record,
    /// How often it was claimed for. It only grows, so whoever finds it as it was knows that no claim came between.
    pub claims: u64,
}

impl Agent {
    /// A new agent of `owner`.
    pub fn new(
        id: AgentId,
        owner: UserId,
        name: AgentName,
        description: Option<String>,
        now: Timestamp,
    ) -> Self {
        let record = Record::default();
        Self { id, owner, name, description, created_at: now, updated_at: now, record, claims: 0 }
    }

    /// The agent that a user has without making it: as old as the account, and called like it until it is renamed.
    pub fn default_of(user: &User) -> Self {
        let id = AgentId::default_of(&user.id);
        Self::new(id, user.id.clone(), AgentName::of(user), None, user.created_at)
    }

    /// Whether it is its owner's default agent, which cannot be deleted.
    pub fn is_default(&self) -> bool {
        self.id == AgentId::default_of(&self.owner)
    }
}

/// What an owner wants to be different about an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentChange {
    /// The new name, if there is to be one.
    pub name: Option<AgentName>,
    /// The new description, if there is to be one, or none any more.
    pub description: Option<Option<String>>,
}

impl AgentChange {
    /// The agent after the change; `None` if there is nothing to change.
    pub fn of(&self, agent: &Agent, now: Timestamp) -> Option<Agent> {
        let name = self.name.clone().unwrap_or_else(|| agent.name.clone());
        let description = self.description.clone().unwrap_or_else(|| agent.description.clone());
        if name == agent.name && description == agent.description {
            return None;
        }
        // Each change has a time of its own, by which the next one knows that it came between.
        let after = agent.updated_at.saturating_add(SignedDuration::from_millis(1)).unwrap_or(now);
        Some(Agent { name, description, updated_at: now.max(after), ..agent.clone() })
    }
}

/// Lets one more agent in beside its owner's default one and `others`.
///
/// # Errors
/// [`Error::TooManyAgents`].
pub const fn require_room(others: u32, rules: &Rules) -> Result<(), Error> {
    if others.saturating_add(1) < rules.max_agents {
        Ok(())
    } else {
        Err(Error::TooManyAgents { most: rules.max_agents })
    }
}

/// The refusal of an `agentId` that is none of the caller's agents.
pub fn agent_not_found() -> FieldError {
    FieldError::new("/agentId", "agent_not_found", "You have no such agent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_1_to_50_characters_that_can_be_seen() {
        for (text, name) in [
            ("Ada", "Ada"),
            ("  Grace Hopper \n", "Grace Hopper"),
            ("<script>alert('x')</script>", "<script>alert('x')</script>"),
            ("ロボット", "ロボット"),
            ("\u{1f469}\u{200d}\u{1f4bb}", "\u{1f469}\u{200d}\u{1f4bb}"),
            (&"é".repeat(50), &"é".repeat(50)),
        ] {
            assert_eq!(AgentName::new(Some(text)).unwrap().as_str(), name, "{text:?}");
        }
        for (text, code) in [
            (None, "name_required"),
            (Some(""), "name_required"),
            (Some(" \t\n"), "name_required"),
            (Some("\u{200d}\u{fe0f}"), "name_required"),
            (Some(&*"x".repeat(51)), "name_too_long"),
            (Some("a\u{0}b"), "invalid_name"),
            (Some("a\nb"), "invalid_name"),
            (Some("a\u{202e}b"), "invalid_name"),
            (Some("\u{2066}a"), "invalid_name"),
            (Some("a\u{200f}"), "invalid_name"),
            (Some("a\u{200b}da"), "invalid_name"),
            (Some("\u{feff}Ada"), "invalid_name"),
            (Some("a\u{2028}b"), "invalid_name"),
        ] {
            let refused = AgentName::new(text).unwrap_err();
            assert_eq!((refused.field.as_str(), refused.code), ("/name", code), "{text:?}");
        }
    }

    #[test]
    fn names_that_differ_in_case_are_one() {
        let folded = |text| AgentName::new(Some(text)).unwrap().folded();
        for (one, other) in
            [("Ada", "aDA"), ("ÉMILE", "émile"), ("Straße", "STRASSE"), ("Σίσυφος", "ΣΊΣΥΦΟΣ")]
        {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("Ada"), folded("Ada2"));
    }

    #[test]
    fn a_description_may_have_lines_and_be_left_out() {
        assert_eq!(checked_description(None), Ok(None));
        assert_eq!(checked_description(Some(" \n")), Ok(None));
        assert_eq!(checked_description(Some(" Two\nlines ")), Ok(Some("Two\nlines".to_owned())));
        assert!(checked_description(Some(&"é".repeat(500))).is_ok());
        for (text, code) in [
            (&*"x".repeat(501), "description_too_long"),
            ("a\u{1b}[31m", "invalid_description"),
            ("a\u{202e}b", "invalid_description"),
        ] {
            assert_eq!(checked_description(Some(text)).unwrap_err().code, code, "{text:?}");
        }
    }

    #[test]
    fn a_change_changes_what_is_given_and_has_a_time_of_its_own() {
        let user = User::new("u".parse().unwrap(), "Ada", None, Timestamp::UNIX_EPOCH);
        let agent = Agent { description: Some("Old".to_owned()), ..Agent::default_of(&user) };
        let change = |name: Option<&str>, description: Option<Option<&str>>| {
            let name = name.map(|name| AgentName::new(Some(name)).unwrap());
            let description = description.map(|text| text.map(str::to_owned));
            AgentChange { name, description }.of(&agent, agent.updated_at)
        };
        assert_eq!(change(None, None), None);
        assert_eq!(change(Some("Ada"), Some(Some("Old"))), None);
        let renamed = change(Some("ada"), None).unwrap();
        assert_eq!((renamed.name.as_str(), renamed.description.as_deref()), ("ada", Some("Old")));
        assert!(renamed.updated_at > agent.updated_at);
        let bare = change(None, Some(None)).unwrap();
        assert_eq!((bare.name, bare.description), (agent.name.clone(), None));
    }

    #[test]
    fn a_default_agent_is_called_like_its_owner_as_far_as_that_can_be_shown() {
        for (user, agent) in [
            ("Ada", "Ada"),
            (" A\u{202e}d\u{0}a ", "Ada"),
            ("", "agent"),
            ("\u{200b}", "agent"),
            (&"x".repeat(60), &"x".repeat(50)),
        ] {
            let user = User::new("u".parse().unwrap(), user, None, Timestamp::UNIX_EPOCH);
            let made = Agent::default_of(&user);
            assert_eq!(made.name.as_str(), agent);
            assert!(made.is_default());
            assert!(AgentName::new(Some(made.name.as_str())).is_ok(), "a name that can be given again");
        }
    }
}
