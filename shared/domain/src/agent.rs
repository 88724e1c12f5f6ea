//! Agents: the named profiles that a worker races under, each with its record.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::text::{checked_name, folded, is_deceptive, require_plain, shows_something};
use crate::{AgentId, Cents, Error, FieldError, Grade, Rules, User, UserId};

/// Longest name of an agent, in characters.
const MAX_NAME_CHARS: usize = 50;
/// Longest description of an agent, in characters.
const MAX_DESCRIPTION_CHARS: usize = 500;
/// Name of the default agent of a user whose own name has no visible character.
const NAMELESS: &str = "agent";

/// An agent's public name: 1 to 50 characters, none of them invisible or able to hide others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName(String);

impl AgentName {
    /// Checks a name, as [`checked_name`] does.
    ///
    /// # Errors
    /// [`FieldError`] if the name is missing, too long, or contains characters that cannot be shown.
    pub fn new(text: Option<&str>) -> Result<Self, FieldError> {
        checked_name(text, MAX_NAME_CHARS).map(Self)
    }

    /// The name of a user's default agent: the permitted part of the user's own name.
    fn from_user(user: &User) -> Self {
        let plain: String = user.name.chars().filter(|c| !is_deceptive(*c)).collect();
        let cut: String = plain.trim().chars().take(MAX_NAME_CHARS).collect();
        let name = cut.trim_end();
        Self(if shows_something(name) { name } else { NAMELESS }.to_owned())
    }

    /// Restores a stored name, without checks.
    pub const fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The form in which the name is compared. A user's agents all differ in it.
    pub fn folded(&self) -> String {
        folded(&self.0)
    }
}

impl fmt::Display for AgentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks an agent's description: up to 500 characters, with line breaks and tabs allowed.
///
/// # Errors
/// [`FieldError`] if the text is too long or contains characters that cannot be shown.
pub fn checked_description(text: Option<&str>) -> Result<Option<String>, FieldError> {
    let refuse = |code, message: String| Err(FieldError::new("/description", code, message));
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    if text.chars().count() > MAX_DESCRIPTION_CHARS {
        let message = format!("Description must be at most {MAX_DESCRIPTION_CHARS} characters");
        return refuse("description_too_long", message);
    }
    let is_plain = require_plain("/description", "Description", text).is_ok();
    if !is_plain || text.chars().any(|c| !c.is_control() && is_deceptive(c)) {
        let message =
            "Description must not have control characters, or ones that are invisible or turn text around";
        return refuse("invalid_description", message.to_owned());
    }
    Ok(Some(text.to_owned()))
}

/// An agent's results. Only settlements change them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Number of judged submissions.
    pub races: u64,
    /// Number of winning submissions.
    pub wins: u64,
    /// Sum of the payouts for them.
    pub earnings: Cents,
    /// Number of submissions with each grade, in the order of [`Grade::ALL`].
    pub grades: [u64; Grade::ALL.len()],
}

/// The result of one settled drop, to be added to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Race {
    /// Grade of the submission.
    pub grade: Grade,
    /// Payout, if it won.
    pub payout: Option<Cents>,
}

/// A profile that a worker races under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    /// Id of the agent.
    pub id: AgentId,
    /// User who owns the agent.
    pub owner: UserId,
    /// Public name.
    pub name: AgentName,
    /// Public description by the owner.
    pub description: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change of the name or description.
    pub updated_at: Timestamp,
    /// Results so far.
    pub record: Record,
    /// Number of claims made for the agent. It only grows, so an unchanged number proves that no claim came
    /// in between.
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

    /// The agent that every user has without creating one. It is as old as the account and shares its name
    /// until renamed.
    pub fn default_of(user: &User) -> Self {
        let id = AgentId::default_of(&user.id);
        Self::new(id, user.id.clone(), AgentName::from_user(user), None, user.created_at)
    }

    /// True for its owner's default agent, which cannot be deleted.
    pub fn is_default(&self) -> bool {
        self.id == AgentId::default_of(&self.owner)
    }
}

/// A requested change to an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentChange {
    /// New name; `None` keeps the current one.
    pub name: Option<AgentName>,
    /// New description; `None` keeps the current one, and `Some(None)` removes it.
    pub description: Option<Option<String>>,
}

impl AgentChange {
    /// The agent after the change, or `None` if nothing would change.
    pub fn of(&self, agent: &Agent, now: Timestamp) -> Option<Agent> {
        let name = self.name.clone().unwrap_or_else(|| agent.name.clone());
        let description = self.description.clone().unwrap_or_else(|| agent.description.clone());
        if name == agent.name && description == agent.description {
            return None;
        }
        // Every change gets a distinct, later time, so that a concurrent writer can detect it.
        let after = agent.updated_at.saturating_add(SignedDuration::from_millis(1)).unwrap_or(now);
        Some(Agent { name, description, updated_at: now.max(after), ..agent.clone() })
    }
}

/// Checks that a user may have one more agent beside the default one and `others`.
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

/// The error for an `agentId` that names none of the caller's agents.
pub fn agent_not_found() -> FieldError {
    FieldError::new("/agentId", "agent_not_found", "You have no such agent")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_50_visible_characters() {
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
            (Some("\u{feff}Ada"), "invalid_name"),
            (Some("a\u{2028}b"), "invalid_name"),
        ] {
            let refused = AgentName::new(text).unwrap_err();
            assert_eq!((refused.field.as_str(), refused.code), ("/name", code), "{text:?}");
        }
    }

    #[test]
    fn a_description_is_optional_and_may_have_several_lines() {
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
    fn a_change_sets_only_the_given_fields_and_gets_a_later_time() {
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
    fn a_default_agent_has_the_visible_part_of_its_owners_name() {
        for (user, agent) in [
            ("Ada", "Ada"),
            (" A\u{202e}d\u{0}a ", "Ada"),
            ("", "agent"),
            ("\u{200b}", "agent"),
            (&"x".repeat(60), &"x".repeat(50)),
        ] {
            let user = User::new("u".parse().unwrap(), user, None, Timestamp::UNIX_EPOCH);
            let default = Agent::default_of(&user);
            assert_eq!(default.name.as_str(), agent);
            assert!(default.is_default());
            assert!(AgentName::new(Some(default.name.as_str())).is_ok(), "the default name is not valid");
        }
    }
}
