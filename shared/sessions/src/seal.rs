//! Encryption of sessions that are shared between instances. The key is derived from the refresh token that
//! obtained the session, so only a request with that token can decrypt it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use base64::prelude::{BASE64_STANDARD_NO_PAD, Engine};
use clorp_domain::{Error, RefreshId};
use clorp_secrets::Secret;

const NONCE_LEN: usize = 12;
const KEY_LEN: usize = 32;

/// The id and the key derived from a refresh token.
#[derive(Debug)]
pub(crate) struct Seal {
    /// Id under which the outcome of the refresh is stored.
    pub id: RefreshId,
    key: RandomizedNonceKey,
}

struct Len;

impl KeyType for Len {
    fn len(&self) -> usize {
        KEY_LEN
    }
}

impl Seal {
    /// Derives id and key from a refresh token.
    pub(crate) fn of(refresh_token: &Secret) -> Result<Self, Error> {
        let derive = || {
            let root =
                Salt::new(HKDF_SHA256, b"clorp session refresh").extract(refresh_token.expose().as_bytes());
            let key = RandomizedNonceKey::new(&AES_256_GCM, &expand(&root, b"seal")?)?;
            Ok::<_, Unspecified>(Self { id: RefreshId::new(expand(&root, b"id")?), key })
        };
        derive().map_err(|_| Error::internal("no key can be derived from a refresh token"))
    }

    /// Encrypts a session.
    pub(crate) fn close(&self, session: &str) -> Result<String, Error> {
        let mut text = session.as_bytes().to_vec();
        let nonce = self.key.seal_in_place_append_tag(Aad::empty(), &mut text);
        let nonce = nonce.map_err(|_| Error::internal("a session cannot be sealed"))?;
        Ok(BASE64_STANDARD_NO_PAD.encode([nonce.as_ref().as_slice(), &text].concat()))
    }

    /// Decrypts a session that was encrypted under the same refresh token; `None` for anything else.
    pub(crate) fn open(&self, sealed: &str) -> Option<String> {
        let mut bytes = BASE64_STANDARD_NO_PAD.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.key.open_in_place(nonce, Aad::empty(), text).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn expand(root: &Prk, purpose: &[u8]) -> Result<[u8; KEY_LEN], Unspecified> {
    let mut bytes = [0; KEY_LEN];
    root.expand(&[purpose], Len)?.fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(token: &str) -> Seal {
        Seal::of(&Secret::new(token)).unwrap()
    }

    #[test]
    fn only_the_same_refresh_token_opens_a_session() {
        let sealed = of("r1").close("a session").unwrap();
        assert_eq!(of("r1").open(&sealed).unwrap(), "a session");
        assert_eq!(of("r2").open(&sealed), None);
        assert_ne!(of("r1").close("a session").unwrap(), sealed, "a nonce was used twice");
        assert!(!sealed.contains("session"));
        assert_ne!(of("r1").id, of("r2").id);
        assert_eq!(of("r1").id, of("r1").id);
    }

    #[test]
    fn a_modified_session_does_not_open() {
        let seal = of("r1");
        let sealed = seal.close("a session").unwrap();
        for at in [0, NONCE_LEN * 4 / 3, sealed.len() - 2] {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(seal.open(&String::from_utf8(changed).unwrap()), None, "at {at}");
        }
        for bad in ["", "A", &sealed[..20], "no base64"] {
            assert_eq!(seal.open(bad), None, "{bad}");
        }
    }
}
