//! Things that several targets need: a runtime, secrets, tokens and a table.

use std::future::Future;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, LazyLock};

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine};
use clorp_context::{Clock, Context};
use clorp_domain::{RateLimit, Rules};
use clorp_local_aws::dynamo::{Dynamo, client, create_table};
use clorp_sam::Template;
use clorp_sessions::{Config, Sessions};
use clorp_store::Store;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::runtime::Runtime;

/// Secret that signs the tokens of the project with a shared secret.
pub const SECRET: &[u8] = b"a-secret-of-the-project-that-has-32-bytes";
/// Address of that project. Nothing listens there, so a key that it should publish is unavailable.
pub const PROJECT: &str = "http://127.0.0.1:9";
/// Id of the user of every issued token.
pub const USER: &str = "8c7b1d1e-0f5e-4c8f-9a51-5b1f6f1f2d11";
/// Expiry of every issued token: the year 2100.
const EXPIRES: i64 = 4_102_444_800;
/// Id of the published key.
const KEY_ID: &str = "key-1";
/// Name of the table.
const TABLE: &str = "clorp";

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Runs a future to its end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    RUNTIME.block_on(future)
}

/// HMAC-SHA256.
pub fn hmac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("HMAC takes keys of any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// Base64url without padding.
pub fn base64url(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// A token with this header and these claims as they are, signed with the shared secret.
pub fn sign(header: &[u8], claims: &[u8]) -> String {
    let signed = format!("{}.{}", base64url(header), base64url(claims));
    let signature = hmac(SECRET, &[signed.as_bytes()]);
    format!("{signed}.{}", base64url(&signature))
}

/// The header of a token that is signed with the shared secret.
pub const HS256: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

/// Claims of a valid token, as Supabase writes them.
pub fn claims(project: &str) -> Value {
    json!({
        "iss": format!("{project}/auth/v1"), "sub": USER, "aud": "authenticated", "exp": EXPIRES, "iat": 1_700_000_000,
        "email": "ada@example.com", "phone": "", "app_metadata": { "provider": "email", "providers": ["email"] },
        "user_metadata": { "full_name": "Ada L", "avatar_url": "https://avatars.example/u/1?v=4" },
        "role": "authenticated", "aal": "aal1", "amr": [{ "method": "password", "timestamp": 1_700_000_000 }],
        "session_id": "0d9c7c8e-6c1b-4d1e-8a58-b3c2d3b4a5f6", "is_anonymous": false,
    })
}

/// A project that issues sessions, and what reads them.
pub struct Project {
    /// Reads the project's sessions.
    pub sessions: Sessions,
    /// Name of the project's cookie.
    pub cookie: String,
    /// Every token that the project has issued.
    pub issued: Vec<String>,
}

/// A project whose tokens are signed with a shared secret.
pub static SHARED: LazyLock<Project> = LazyLock::new(|| {
    let config = Config::new(PROJECT, "anon").expect("a local address");
    let config = config.with_jwt_secret(std::str::from_utf8(SECRET).expect("text"));
    let cookie = config.cookie_name().to_owned();
    let sessions = Sessions::new(config, Store::new(client(PROJECT), TABLE), Clock::system());
    let token = sign(HS256, claims(PROJECT).to_string().as_bytes());
    Project { sessions, cookie, issued: vec![token] }
});

/// A project that publishes the key of its tokens, at a server on this machine.
pub static PUBLISHED: LazyLock<Project> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let key = json!({
        "kty": "EC", "crv": "P-256", "x": base64url(x), "y": base64url(y), "kid": KEY_ID, "alg": "ES256", "use": "sig",
    });
    let project = format!("http://{}", serve(json!({ "keys": [key] }).to_string()));
    let config = Config::new(&project, "anon").expect("a local address");
    let cookie = config.cookie_name().to_owned();
    let sessions = Sessions::new(config, Store::new(client(PROJECT), TABLE), Clock::system());
    let der = pair.to_pkcs8v1().expect("a key");
    let key = EncodingKey::from_ec_der(der.as_ref());
    let header = Header { kid: Some(KEY_ID.to_owned()), ..Header::new(Algorithm::ES256) };
    let token = encode(&header, &claims(&project), &key).expect("a token");
    Project { sessions, cookie, issued: vec![token] }
});

/// Serves one JSON document at every path, for as long as the process lives. Returns the address.
fn serve(document: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            // One read holds the whole request, which is short.
            let _ = stream.read(&mut [0; 8192]);
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n";
            let _ = write!(stream, "{head}Content-Length: {}\r\n\r\n{document}", document.len());
        }
    });
    address
}

/// An embedded DynamoDB with the table, for as long as the process lives.
pub static DATABASE: LazyLock<Database> = LazyLock::new(|| block_on(Database::start()));

/// A table, with the rules of a marketplace that limits nobody.
pub struct Database {
    /// The store, the rules and the clock.
    pub context: Context,
    _server: Dynamo,
}

impl Database {
    async fn start() -> Self {
        let server = Dynamo::in_memory().await.expect("embedded DynamoDB");
        let client = client(&server.url);
        let spec = Template::from_repo().expect("the template").table().expect("a table");
        create_table(&client, &spec, TABLE).await.expect("the table");
        let rate = RateLimit { quota: 1_000_000_000, window_seconds: 60 };
        let rules = Rules { read_rate: rate, create_rate: rate, public_rate: rate, ..Rules::default() };
        let context =
            Context { store: Store::new(client, TABLE), rules: Arc::new(rules), clock: Clock::system() };
        Self { context, _server: server }
    }
}
