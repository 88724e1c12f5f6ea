//! Device logins for programs without a browser, modelled on RFC 8628. The program shows its user a short
//! code, the user approves it in a signed-in browser, and the program receives an API key.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::api_key::BASE62;
use crate::rights::checked_rights;
use crate::time::after_seconds;
use crate::{Error, FieldError, Rights, SpendPolicy, UserId};

/// Time for which a login can be approved and redeemed, in seconds.
pub const LIFETIME_SECONDS: u32 = 600;
/// Minimum time between two polls of a program, in seconds, until it is told to slow down.
pub const INTERVAL_SECONDS: u32 = 5;
/// Increase of the polling interval after a poll that came too early, in seconds.
const SLOWER_BY_SECONDS: u32 = 5;
/// Upper bound of the polling interval, in seconds.
const MAX_INTERVAL_SECONDS: u32 = 60;
/// Name of a key whose program gives none.
pub const DEFAULT_NAME: &str = "CLI";
/// Length of a device code, in characters: 190 random bits.
pub const DEVICE_CODE_LEN: usize = 32;
/// Length of a user code, in letters: 34 random bits.
pub const USER_CODE_LEN: usize = 8;
/// Letters that are hard to confuse and form no words (RFC 8628, section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// The secret with which a program proves that a login is its own. `Debug` hides it, and there is no
/// `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceCode(String);

/// The SHA-256 of a device code, in lower-case hex. Only the hash is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceHash(String);

/// The code that a user types to identify a login. It is written `WDJB-MJHT`.
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

/// The error for a text that is no code of the requested kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedCode;

impl DeviceCode {
    /// Builds the code from random numbers, uniform over 0 to 61. Larger numbers wrap.
    pub fn from_random(digits: [u8; DEVICE_CODE_LEN]) -> Self {
        Self(digits.iter().map(|d| char::from(BASE62[usize::from(*d) % BASE62.len()])).collect())
    }

    /// The secret text, for the program that started the login.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The hash that is stored in place of the code.
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
    /// Builds the code from random numbers, uniform over 0 to 19. Larger numbers wrap.
    pub fn from_random(digits: [u8; USER_CODE_LEN]) -> Self {
        Self(digits.iter().map(|d| char::from(LETTERS[usize::from(*d) % LETTERS.len()])).collect())
    }

    /// The letters without the dash, by which the login is looked up.
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

    /// Accepts any case, with dashes and spaces anywhere.
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

/// Checks a user code from a request.
///
/// # Errors
/// [`FieldError`] at `field`.
pub fn checked_user_code(field: &str, text: Option<&str>) -> Result<UserCode, FieldError> {
    let invalid = |message| FieldError::new(field, "invalid_user_code", message);
    let text = text.ok_or_else(|| invalid("User code is required"))?;
    text.parse().map_err(|_| invalid("A user code is eight letters, as in WDJB-MJHT"))
}

/// Checks the rights that a program asks for. They must include one that is granted without being named, so
/// that a plain approval yields a key that can do something.
///
/// # Errors
/// [`FieldError`] at `/rights`.
pub fn checked_request(words: Option<&[String]>) -> Result<Rights, FieldError> {
    let asked = checked_rights(words)?.unwrap_or(Rights::OF_A_PROGRAM);
    if asked.and(Rights::OF_A_PROGRAM).is_empty() {
        let message = "Ask for at least one of the rights read, work and spend";
        return Err(FieldError::new("/rights", "invalid_rights", message));
    }
    Ok(asked)
}

/// The approver's terms for the key that a login yields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTerms {
    /// Time from which the key is rejected.
    pub expires_at: Option<Timestamp>,
    /// Spend limits of the key.
    pub policy: SpendPolicy,
    /// Rights of the key, if the approver names them.
    pub rights: Option<Rights>,
}

/// The state of a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginStatus {
    /// No user has decided.
    Pending,
    /// This user approved the program, on these terms.
    Approved(UserId, KeyTerms),
    /// This user denied the program.
    Denied(UserId),
    /// The program has received its key, which this user approved on these terms.
    Redeemed(UserId, KeyTerms),
}

/// A user's decision about a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginDecision {
    /// The program receives a key on these terms.
    Approve(KeyTerms),
    /// The program receives no key.
    Deny,
}

/// The polling state of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Time of the last poll that was not too early.
    pub polled_at: Option<Timestamp>,
    /// Minimum seconds between that poll and the next.
    pub interval_seconds: u32,
}

/// A login started by a program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Hash by which its program finds the login.
    pub device: DeviceHash,
    /// Code by which users find the login.
    pub user_code: UserCode,
    /// Name for the new key.
    pub name: String,
    /// Rights that the program asks for.
    pub asked: Rights,
    /// Address from which the program called, if known.
    pub asked_from: Option<String>,
    /// Time of the start.
    pub created_at: Timestamp,
    /// Time from which the login can be neither approved nor redeemed.
    pub expires_at: Timestamp,
    /// State of the login.
    pub status: LoginStatus,
    /// Polling state of its program.
    pub pace: Pace,
}

/// The result of a poll that does not fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Poll {
    /// No user has decided. Carries the new polling state.
    Undecided(Pace),
    /// The poll came too early. Carries the new polling state.
    TooEarly(Pace),
    /// This user approved on these terms, so the program receives its key.
    Granted(UserId, KeyTerms),
}

impl Login {
    /// Creates a login at `now`.
    pub fn new(
        device: &DeviceCode,
        user_code: UserCode,
        name: String,
        asked: Rights,
        asked_from: Option<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            device: device.hash(),
            user_code,
            name,
            asked,
            asked_from,
            created_at: now,
            expires_at: after_seconds(now, LIFETIME_SECONDS),
            status: LoginStatus::Pending,
            pace: Pace { polled_at: None, interval_seconds: INTERVAL_SECONDS },
        }
    }

    /// The rights of the key that this login yields on these terms: those that the approver names, or what
    /// the program asks for, without the rights that must be named.
    pub fn granted(&self, terms: &KeyTerms) -> Rights {
        terms.rights.unwrap_or(self.asked.and(Rights::OF_A_PROGRAM))
    }

    /// The result of a poll by the program at `now`.
    ///
    /// A poll that comes too early lengthens the interval, but the wait still counts from the last timely
    /// poll. A program that ignores the interval waits longer, but not forever.
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

    /// Checks that a user may see the login at `now`. A pending login is visible to everyone who knows its
    /// code. A decided one is visible only to the user who decided.
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

    /// Checks a user's decision about a login that is no longer pending. The same user may repeat the same
    /// decision.
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
    /// The polling state after a timely poll.
    pub const fn polled(self, now: Timestamp) -> Self {
        Self { polled_at: Some(now), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Right;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    fn login() -> Login {
        let code = UserCode::from_random([0; USER_CODE_LEN]);
        Login::new(
            &DeviceCode::from_random([7; DEVICE_CODE_LEN]),
            code,
            "laptop".to_owned(),
            Rights::OF_A_PROGRAM,
            None,
            at(0),
        )
    }

    fn user(id: &str) -> UserId {
        id.parse().unwrap()
    }

    #[test]
    fn a_user_code_has_one_written_form_and_is_parsed_leniently() {
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
    fn a_device_code_appears_neither_in_its_hash_nor_in_debug_output() {
        let code = DeviceCode::from_random([5; DEVICE_CODE_LEN]);
        assert_eq!(code.expose().parse(), Ok(code.clone()));
        assert_eq!(code.hash().as_str().parse(), Ok(code.hash()));
        let login = Login::new(
            &code,
            UserCode::from_random([1; USER_CODE_LEN]),
            String::new(),
            Rights::OF_A_PROGRAM,
            None,
            at(0),
        );
        let shown = format!("{code:?} {login:?}");
        assert!(!shown.contains("555") && !shown.contains("CCC"), "{shown}");
        for bad in ["", "5", &"5".repeat(31), &"5".repeat(33), &"-".repeat(32)] {
            assert_eq!(bad.parse::<DeviceCode>(), Err(MalformedCode), "{bad}");
        }
    }

    #[test]
    fn early_polls_lengthen_the_wait_up_to_a_bound() {
        let mut login = login();
        let (mut in_time, mut slowest) = (Vec::new(), 0);
        // This program polls every three seconds, whatever the interval.
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
    fn a_poll_reports_the_state_of_the_login() {
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
    fn rights_over_money_and_keys_are_granted_only_by_name() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let login = |asked: &[&str]| {
            let asked = checked_request(Some(&words(asked))).unwrap();
            Login { asked, ..login() }
        };
        let named = KeyTerms { rights: Some(Rights::ALL), ..KeyTerms::default() };
        let greedy = login(&["read", "keys", "payouts"]);
        assert_eq!(greedy.granted(&KeyTerms::default()), Rights::of(&[Right::Read]));
        assert_eq!(greedy.granted(&named), Rights::ALL);
        assert_eq!(login(&["work"]).granted(&named), Rights::ALL, "the approver may grant more");
        assert_eq!(checked_request(None), Ok(Rights::OF_A_PROGRAM));
        for bad in [&[] as &[&str], &["payouts", "keys"], &["admin"]] {
            assert!(checked_request(Some(&words(bad))).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_decision_is_final_and_repeating_it_is_idempotent() {
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
