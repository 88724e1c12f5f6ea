//! Logging a program in that has no browser, in the manner of RFC 8628: it shows its user a short code, they approve it
//! where they are signed in, and the program is given an API key.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::api_key::BASE62;
use crate::time::after_seconds;
use crate::{Error, FieldError, SpendPolicy, UserId};

/// How long a login can be approved and redeemed, in seconds.
pub const LIFETIME_SECONDS: u32 = 600;
/// How long a program waits between two polls, in seconds, until it is told to slow down.
pub const INTERVAL_SECONDS: u32 = 5;
/// By how much a program that polls too fast has to slow down, in seconds.
const SLOWER_BY_SECONDS: u32 = 5;
/// The longest that a program has to wait between two polls, in seconds, however often it was too fast.
const MAX_INTERVAL_SECONDS: u32 = 60;
/// What a key is called whose program gives it no name.
pub const DEFAULT_NAME: &str = "CLI";
/// How many characters a device code has: 190 random bits.
pub const DEVICE_CODE_LEN: usize = 32;
/// How many letters a user code has: 34 random bits.
pub const USER_CODE_LEN: usize = 8;
/// Letters that are not taken for others and make no words (RFC 8628, section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// What a program proves with that a login is its own. A secret: `Debug` does not show it, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCode(String);

/// The SHA-256 of a device code, in lower-case hex: all that is stored of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceHash(String);

/// What a user types to say which login they mean. It is written `WDJB-MJHT`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

/// A text that is no code of this kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedCode;

impl DeviceCode {
    /// The code made of these random numbers, uniform over 0 to 61 (larger ones wrap).
    pub fn from_random(digits: [u8; DEVICE_CODE_LEN]) -> Self {
        Self(digits.iter().map(|d| char::from(BASE62[usize::from(*d) % BASE62.len()])).collect())
    }

    /// The secret text, for the program that has begun the login.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored in place of the code.
    pub fn hash(&self) -> DeviceHash {
        let digest = Sha256::digest(self.0.as_bytes());
        DeviceHash(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl FromStr for DeviceCode {
    type Err = MalformedCode;

    fn from_str(text: &str) -> Result<Self, MalformedCode> {
        let sound = text.len() == DEVICE_CODE_LEN && text.bytes().all(|b| b.is_ascii_alphanumeric());
        if sound { Ok(Self(text.to_owned())) } else { Err(MalformedCode) }
    }
}

impl fmt::Debug for DeviceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceCode(…)")
    }
}

impl DeviceHash {
    /// The hash as 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DeviceHash {
    type Err = MalformedCode;

    fn from_str(text: &str) -> Result<Self, MalformedCode> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if text.len() == 64 && text.bytes().all(hex) { Ok(Self(text.to_owned())) } else { Err(MalformedCode) }
    }
}

impl UserCode {
    /// The code made of these random numbers, uniform over 0 to 19 (larger ones wrap).
    pub fn from_random(digits: [u8; USER_CODE_LEN]) -> Self {
        Self(digits.iter().map(|d| char::from(LETTERS[usize::from(*d) % LETTERS.len()])).collect())
    }

    /// The bare letters, by which it is found.
    pub fn letters(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(USER_CODE_LEN / 2);
        write!(f, "{first}-{second}")
    }
}

impl fmt::Debug for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserCode(…)")
    }
}

impl FromStr for UserCode {
    type Err = MalformedCode;

    /// As people type it: in any case, with dashes and spaces anywhere or nowhere.
    fn from_str(text: &str) -> Result<Self, MalformedCode> {
        let typed = text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let letters: String = typed.take(USER_CODE_LEN + 1).map(|c| c.to_ascii_uppercase()).collect();
        if letters.len() == USER_CODE_LEN && letters.bytes().all(|b| LETTERS.contains(&b)) {
            Ok(Self(letters))
        } else {
            Err(MalformedCode)
        }
    }
}

/// A user code as somebody gave it, checked.
///
/// # Errors
/// [`FieldError`] at `field`.
pub fn checked_user_code(field: &str, text: Option<&str>) -> Result<UserCode, FieldError> {
    let invalid = |message| FieldError::new(field, "invalid_user_code", message);
    let text = text.ok_or_else(|| invalid("User code is required"))?;
    text.parse().map_err(|_| invalid("A user code is eight letters, as in WDJB-MJHT"))
}

/// What the key that a login leads to may do, as the one who approves has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTerms {
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
    /// What it may spend.
    pub policy: SpendPolicy,
}

/// What became of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginStatus {
    /// Nobody has decided.
    Pending,
    /// This user lets the program in, on these terms.
    Approved(UserId, KeyTerms),
    /// This user does not.
    Denied(UserId),
    /// The program has got its key, which this user has approved on these terms.
    Redeemed(UserId, KeyTerms),
}

/// What a user decides about a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginDecision {
    /// The program is to get a key on these terms.
    Approve(KeyTerms),
    /// It is not.
    Deny,
}

/// When a program has polled, and how often it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The last poll that was not too early.
    pub polled_at: Option<Timestamp>,
    /// Seconds from there to the next that is not.
    pub interval_seconds: u32,
}

/// A login that a program has begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// What it is found by for its program.
    pub device: DeviceHash,
    /// What it is found by for users.
    pub user_code: UserCode,
    /// What the key is to be called.
    pub name: String,
    /// The address that the program called from, if that is known.
    pub asked_from: Option<String>,
    /// When it was begun.
    pub created_at: Timestamp,
    /// From when on it leads to nothing.
    pub expires_at: Timestamp,
    /// What became of it.
    pub status: LoginStatus,
    /// How its program polls.
    pub pace: Pace,
}

/// What a poll finds that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// Nobody has decided; the pace from now on.
    Undecided(Pace),
    /// It came too early; the pace from now on.
    TooEarly(Pace),
    /// This user has approved on these terms: the program is to get its key.
    Granted(UserId, KeyTerms),
}

impl Login {
    /// A login begun at `now`.
    pub fn new(
        device: &DeviceCode,
        user_code: UserCode,
        name: String,
        asked_from: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            device: device.hash(),
            user_code,
            name,
            asked_from,
            created_at: now,
            expires_at: after_seconds(now, LIFETIME_SECONDS),
            status: LoginStatus::Pending,
            pace: Pace { polled_at: None, interval_seconds: INTERVAL_SECONDS },
        }
    }

    /// What its program is told at `now`.
    ///
    /// Who polls too early has to slow down, but the waiting time counts from the last poll that was in time: a program
    /// that does not listen waits longer, and not for ever.
    ///
    /// # Errors
    /// [`Error::LoginUnknown`], [`Error::LoginExpired`], [`Error::LoginDenied`].
    pub fn poll(&self, now: Timestamp) -> Result<Poll, Error> {
        let Pace { polled_at, interval_seconds } = self.pace;
        let too_early = polled_at.is_some_and(|polled_at| now < after_seconds(polled_at, interval_seconds));
        match &self.status {
            LoginStatus::Redeemed(..) => Err(Error::LoginUnknown),
            _ if now >= self.expires_at => Err(Error::LoginExpired),
            LoginStatus::Denied(_) => Err(Error::LoginDenied),
            _ if too_early => {
                let slower = interval_seconds.saturating_add(SLOWER_BY_SECONDS).min(MAX_INTERVAL_SECONDS);
                Ok(Poll::TooEarly(Pace { polled_at, interval_seconds: slower }))
            }
            LoginStatus::Pending => Ok(Poll::Undecided(self.pace.polled(now))),
            LoginStatus::Approved(owner, terms) => Ok(Poll::Granted(owner.clone(), terms.clone())),
        }
    }

    /// Lets those through who may see it at `now`: everybody who knows its code, and once it is decided, who decided.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub fn visible_to(&self, user: &UserId, now: Timestamp) -> Result<(), Error> {
        let hidden = match &self.status {
            LoginStatus::Pending => false,
            LoginStatus::Approved(decider, _)
            | LoginStatus::Denied(decider)
            | LoginStatus::Redeemed(decider, _) => decider != user,
        };
        if hidden || now >= self.expires_at { Err(Error::NotFound) } else { Ok(()) }
    }

    /// What a user is told whose decision found the login no longer pending: nothing, if they have decided the same
    /// before.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LoginDecided`].
    pub fn decide_again(&self, user: &UserId, decision: &LoginDecision, now: Timestamp) -> Result<(), Error> {
        self.visible_to(user, now)?;
        match (&self.status, decision) {
            (LoginStatus::Denied(_), LoginDecision::Deny) => Ok(()),
            (
                LoginStatus::Approved(_, approved) | LoginStatus::Redeemed(_, approved),
                LoginDecision::Approve(terms),
            ) if approved == terms => Ok(()),
            _ => Err(Error::LoginDecided),
        }
    }
}

impl Pace {
    /// The pace after a poll that was in time.
    pub const fn polled(self, now: Timestamp) -> Self {
        Self { polled_at: Some(now), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn login() -> Login {
        let code = UserCode::from_random([0; USER_CODE_LEN]);
        Login::new(&DeviceCode::from_random([7; DEVICE_CODE_LEN]), code, "laptop".to_owned(), None, at(0))
    }

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    #[test]
    fn a_user_code_is_read_as_people_type_it_and_written_one_way() {
        let code = UserCode::from_random([18, 2, 6, 0, 10, 6, 5, 15]);
        assert_eq!(code.to_string(), "XDJB-NJHT");
        for typed in ["XDJB-NJHT", "xdjbnjht", " xdjb njht ", "x-d-j-b-n-j-h-t", "XDJB\tNJHT"] {
            assert_eq!(typed.parse(), Ok(code.clone()), "{typed:?}");
        }
        for bad in ["", "XDJB-NJH", "XDJB-NJHTT", "XDJB-NJHA", "XDJB-NJH1", "XDJB_NJHT", "XDJB-NJHÉ"] {
            assert_eq!(bad.parse::<UserCode>(), Err(MalformedCode), "{bad:?}");
        }
        assert_eq!(checked_user_code("user_code", None).unwrap_err().field, "user_code");
    }

    #[test]
    fn a_device_code_is_not_in_its_hash_nor_in_a_debug_form() {
        let code = DeviceCode::from_random([5; DEVICE_CODE_LEN]);
        assert_eq!(code.expose().parse(), Ok(code.clone()));
        assert_eq!(code.hash().as_str().parse(), Ok(code.hash()));
        let login = Login::new(&code, UserCode::from_random([1; USER_CODE_LEN]), String::new(), None, at(0));
        let shown = format!("{code:?} {login:?}");
        assert!(!shown.contains("555") && !shown.contains("CCC"), "{shown}");
        for bad in ["", "5", &"5".repeat(31), &"5".repeat(33), &"-".repeat(32)] {
            assert_eq!(bad.parse::<DeviceCode>(), Err(MalformedCode), "{bad}");
        }
    }

    #[test]
    fn who_polls_too_early_waits_longer_and_not_for_ever() {
        let mut login = login();
        let (mut in_time, mut slowest) = (Vec::new(), 0);
        // A program that polls every three seconds, whatever it is told.
        for second in (0..300).step_by(3) {
            login.pace = match login.poll(at(second)).unwrap() {
                Poll::Undecided(pace) => {
                    in_time.push(second);
                    pace
                }
                Poll::TooEarly(pace) => pace,
                granted @ Poll::Granted(..) => panic!("{granted:?}"),
            };
            slowest = slowest.max(login.pace.interval_seconds);
        }
        assert_eq!(slowest, MAX_INTERVAL_SECONDS);
        assert_eq!(in_time, [0, 60, 120, 180, 240]);
        let mut patient = self::login();
        for second in (0..300).step_by(5) {
            let Poll::Undecided(pace) = patient.poll(at(second)).unwrap() else { panic!("{second}") };
            patient.pace = pace;
        }
        assert_eq!(patient.pace.interval_seconds, INTERVAL_SECONDS);
    }

    #[test]
    fn a_poll_is_told_what_became_of_the_login() {
        let terms = KeyTerms { expires_at: Some(at(5000)), ..KeyTerms::default() };
        let check = |status: LoginStatus, second, expected: Result<Poll, Error>| {
            let login = Login { status: status.clone(), ..login() };
            assert_eq!(login.poll(at(second)), expected, "{status:?} at {second}");
        };
        let approved = LoginStatus::Approved(user("ada"), terms.clone());
        check(approved.clone(), 599, Ok(Poll::Granted(user("ada"), terms.clone())));
        check(approved, 600, Err(Error::LoginExpired));
        check(LoginStatus::Denied(user("ada")), 599, Err(Error::LoginDenied));
        check(LoginStatus::Denied(user("ada")), 600, Err(Error::LoginExpired));
        check(LoginStatus::Pending, 600, Err(Error::LoginExpired));
        for second in [0, 600] {
            check(LoginStatus::Redeemed(user("ada"), terms.clone()), second, Err(Error::LoginUnknown));
        }
    }

    #[test]
    fn a_decision_stands_and_its_repetition_by_the_same_user_is_none() {
        let terms = KeyTerms::default();
        let other = KeyTerms { expires_at: Some(at(5000)), ..KeyTerms::default() };
        let (approve, deny) = (LoginDecision::Approve(terms.clone()), LoginDecision::Deny);
        let check = |status: LoginStatus, decision: &LoginDecision, expected: Result<(), Error>| {
            let login = Login { status, ..login() };
            assert_eq!(login.decide_again(&user("ada"), decision, at(599)), expected, "{login:?}");
            assert_eq!(login.decide_again(&user("bob"), decision, at(599)), Err(Error::NotFound));
            assert_eq!(login.decide_again(&user("ada"), decision, at(600)), Err(Error::NotFound));
        };
        for status in
            [LoginStatus::Approved(user("ada"), terms.clone()), LoginStatus::Redeemed(user("ada"), terms)]
        {
            check(status.clone(), &approve, Ok(()));
            check(status.clone(), &LoginDecision::Approve(other.clone()), Err(Error::LoginDecided));
            check(status, &deny, Err(Error::LoginDecided));
        }
        check(LoginStatus::Denied(user("ada")), &deny, Ok(()));
        check(LoginStatus::Denied(user("ada")), &approve, Err(Error::LoginDecided));
    }
}
