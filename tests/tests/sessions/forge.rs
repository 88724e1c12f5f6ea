//! Tokens forged by hand: valid ones, and every kind that must be refused.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{encoding, hmac};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as URL, Engine};
use serde_json::{Value, json};

use super::support::{World, ada};

/// A key that signs tokens.
pub enum Key {
    Ec(EcdsaKeyPair),
    Rsa(Box<RsaKeyPair>),
    Secret(Vec<u8>),
    /// No key: the signature is empty.
    None,
}

impl Key {
    /// The issuer's signing key.
    pub fn of(world: &World) -> Self {
        let pem = world.issuer.signing_key().unwrap().private_key_pem;
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = BASE64_STANDARD.decode(body).unwrap();
        Self::Ec(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap())
    }

    pub fn new_ec() -> Self {
        Self::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    pub fn new_rsa() -> Self {
        Self::Rsa(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()))
    }

    /// The public half as a project publishes it.
    pub fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": URL.encode(x), "y": URL.encode(y), "kid": kid, "alg": "ES256" })
            }
            Self::Rsa(pair) => {
                let public = PublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": URL.encode(&public.n), "e": URL.encode(&public.e), "kid": kid, "alg": "RS256" })
            }
            Self::Secret(_) | Self::None => panic!("this key has no public half"),
        }
    }

    /// Every form of the public half that an attacker could try as a shared secret.
    pub fn public_as_secrets(&self, kid: &str) -> Vec<Vec<u8>> {
        let Self::Ec(pair) = self else { panic!("only needed of EC keys") };
        let point = pair.public_key().as_ref().to_vec();
        let der: encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let der = der.as_ref().to_vec();
        let base64 = BASE64_STANDARD.encode(&der);
        let lines = [&base64[..64], &base64[64..]].join("\n");
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----");
        let jwk = self.jwk(kid);
        let x = jwk["x"].as_str().unwrap().as_bytes().to_vec();
        let texts = [format!("{pem}\n"), pem, base64, jwk.to_string(), kid.to_owned(), String::new()];
        [vec![point, der, x], texts.map(String::into_bytes).to_vec()].concat()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Self::Ec(pair) => pair.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
                signature
            }
            Self::Secret(secret) => {
                hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message).as_ref().to_vec()
            }
            Self::None => Vec::new(),
        }
    }

    /// A token with this header and these claims. Neither has to be JSON.
    pub fn token(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL.encode(header), URL.encode(claims));
        let signature = URL.encode(self.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }
}

/// The claims of a valid token of Ada's.
pub fn claims(world: &World) -> Value {
    json!({
        "iss": world.issuer.issuer(), "sub": ada().id, "aud": "authenticated", "iat": world.now(),
        "exp": world.now() + 3600, "role": "authenticated", "user_metadata": { "full_name": "Ada" },
    })
}

/// The claims of a valid token, with one changed.
pub fn claims_with(world: &World, claim: &str, value: Value) -> String {
    let mut claims = claims(world);
    claims[claim] = value;
    claims.to_string()
}

/// The claims of a valid token, with one left out.
pub fn claims_without(world: &World, claim: &str) -> String {
    let mut claims = claims(world);
    claims.as_object_mut().unwrap().remove(claim).unwrap();
    claims.to_string()
}

/// The header of the issuer's tokens.
pub fn header(world: &World) -> Value {
    json!({ "alg": "ES256", "typ": "JWT", "kid": world.issuer.signing_key().unwrap().kid })
}
