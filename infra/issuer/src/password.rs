//! Passwords, kept as salted digests.

use std::num::NonZeroU32;

use aws_lc_rs::pbkdf2::{self, PBKDF2_HMAC_SHA256};
use base64::prelude::{BASE64_STANDARD, Engine};
use serde::{Deserialize, Serialize};

const DIGEST_LEN: usize = 32;
/// Rounds of the derivation. Few, because no real password is kept here.
const ROUNDS: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999);

/// A person's password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Password {
    salt: String,
    digest: String,
}

impl Password {
    pub fn new(text: &str) -> Self {
        let salt = rand::random::<[u8; 16]>();
        let mut digest = [0; DIGEST_LEN];
        pbkdf2::derive(PBKDF2_HMAC_SHA256, ROUNDS, &salt, text.as_bytes(), &mut digest);
        Self { salt: BASE64_STANDARD.encode(salt), digest: BASE64_STANDARD.encode(digest) }
    }

    /// True if this is the password.
    pub fn is(&self, text: &str) -> bool {
        let [salt, digest] =
            [&self.salt, &self.digest].map(|part| BASE64_STANDARD.decode(part).unwrap_or_default());
        pbkdf2::verify(PBKDF2_HMAC_SHA256, ROUNDS, &salt, text.as_bytes(), &digest).is_ok()
    }
}
