//! The address of the API and the key for it: from the environment, or from the file that `clorp login`
//! writes.

use std::fmt;
use std::fs;
use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use hyper::Uri;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, Result};

/// The variable with the API key.
pub const KEY_VARIABLE: &str = "CLORP_API_KEY";
/// The variable with the address of the API.
pub const URL_VARIABLE: &str = "CLORP_API_URL";

/// The address of a release, which its build sets. A build from source has none.
const BUILT_IN_URL: Option<&str> = option_env!("CLORP_DEFAULT_API_URL");

/// The contents of `~/.clorp/credentials.json`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// The API key.
    pub api_key: String,
    /// The address of the API that issued the key. No other address gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_url: Option<String>,
    /// Identifier of the key, by which it can be revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// Identifier of the key's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// The origin of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The environment.
    Variable,
    /// The file of `clorp login`.
    File,
}

/// The API to call, and the key for it.
#[derive(Clone)]
pub struct Settings {
    /// The API's address, without a trailing slash.
    pub api_url: String,
    /// The key, and its origin; `None` without one.
    pub key: Option<(String, Source)>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("api_url", &self.api_url).finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads the environment and the file.
    ///
    /// # Errors
    /// Fails if the file cannot be read, or if no safe address is known.
    pub fn load() -> Result<Self> {
        let variable = |name| std::env::var(name).ok().map(|value| value.trim().to_owned());
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        Self::choose(variable(URL_VARIABLE), variable(KEY_VARIABLE), BUILT_IN_URL, Stored::read()?)
    }

    /// Chooses the address, and the key for it.
    ///
    /// # Errors
    /// Fails if no safe address is known, or if the key cannot be one.
    pub fn choose(
        url: Option<String>,
        key: Option<String>,
        built_in: Option<&str>,
        stored: Option<Stored>,
    ) -> Result<Self> {
        let stored_url = stored.as_ref().and_then(|stored| stored.api_url.clone());
        let address = url.or_else(|| stored_url.clone()).or_else(|| built_in.map(str::to_owned));
        let address = address.ok_or_else(|| {
            Failure::usage("the address of the API is not known")
                .with_hint(format!("set {URL_VARIABLE}, such as to https://api.example.com"))
        })?;
        let api_url = address.trim_end_matches('/').to_owned();
        if !is_safe(&api_url) {
            return Err(Failure::usage(format!("{URL_VARIABLE} is not a safe address"))
                .with_hint("use https, or http on this machine, without a user, query or fragment"));
        }
        let belongs = stored_url.is_none_or(|stored| stored.trim_end_matches('/') == api_url);
        let stored = stored.filter(|_| belongs).map(|stored| (stored.api_key, Source::File));
        let key = key.map(|key| (key, Source::Variable)).or(stored);
        if key.as_ref().is_some_and(|(key, _)| !key.bytes().all(|byte| byte.is_ascii_graphic())) {
            return Err(Failure::usage("the API key has characters that no key has")
                .with_hint(format!("check {KEY_VARIABLE}, or run `clorp login`")));
        }
        Ok(Self { api_url, key })
    }
}

/// True if a key may travel to the address: by HTTPS, or on this machine.
fn is_safe(url: &str) -> bool {
    let Ok(address) = url.parse::<Uri>() else { return false };
    let Some((host, authority)) = address.host().zip(address.authority()) else { return false };
    let is_local = host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let is_private = match address.scheme_str() {
        Some("https") => true,
        Some("http") => is_local,
        _ => false,
    };
    is_private && address.query().is_none() && !url.contains('#') && !authority.as_str().contains('@')
}

impl Stored {
    /// The path of the file.
    ///
    /// # Errors
    /// Fails if the user has no home folder.
    pub fn path() -> Result<PathBuf> {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        let home = home.ok_or_else(|| {
            Failure::usage("there is no home folder for the key")
                .with_hint(format!("set HOME, or {KEY_VARIABLE}"))
        })?;
        Ok(home.join(".clorp").join("credentials.json"))
    }

    /// Reads the file; `None` if there is none.
    ///
    /// # Errors
    /// Fails if the file cannot be read or understood.
    pub fn read() -> Result<Option<Self>> {
        // Without a home folder there is no file.
        let Ok(path) = Self::path() else { return Ok(None) };
        let shown = path.display();
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(None);
            }
            Err(error) => return Err(Failure::local(format!("reading {shown}"), &error)),
        };
        let stored = serde_json::from_slice(&bytes);
        stored.map(Some).map_err(|_| {
            Failure::usage(format!("{shown} is not a file of credentials"))
                .with_hint("run `clorp login` again")
        })
    }

    /// Writes the file. Only its owner may read it, from its first byte on.
    ///
    /// # Errors
    /// Fails if the file system does.
    pub fn write(&self) -> Result<PathBuf> {
        let path = Self::path()?;
        let failed = |error: std::io::Error| Failure::local(format!("writing {}", path.display()), &error);
        let folder = path.parent().unwrap_or(Path::new("."));
        create_private_folder(folder).map_err(failed)?;
        // A temporary file has the mode 0600, and replaces the old file in one step.
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        serde_json::to_writer_pretty(&mut file, self).map_err(|error| failed(error.into()))?;
        file.write_all(b"\n").map_err(failed)?;
        file.persist(&path).map_err(|error| failed(error.error))?;
        Ok(path)
    }

    /// Removes the file, if there is one.
    ///
    /// # Errors
    /// Fails if the file system does.
    pub fn remove() -> Result<()> {
        let path = Self::path()?;
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::local(format!("removing {}", path.display()), &error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(unix)]
fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(url: Option<&str>) -> Option<Stored> {
        let api_url = url.map(str::to_owned);
        Some(Stored { api_key: "stored".to_owned(), api_url, key_id: None, user_id: None })
    }

    fn chosen(url: Option<&str>, key: Option<&str>, stored: Option<Stored>) -> (String, Option<String>) {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let settings = Settings::choose(own(url), own(key), Some("https://built.example"), stored).unwrap();
        (settings.api_url, settings.key.map(|(key, _)| key))
    }

    #[test]
    fn the_environment_comes_before_the_file_and_the_build() {
        let at = |url: &str, key: Option<&str>| (url.to_owned(), key.map(str::to_owned));
        let file = || stored(Some("https://a.example/"));
        assert_eq!(chosen(None, None, None), at("https://built.example", None));
        assert_eq!(chosen(None, None, file()), at("https://a.example", Some("stored")));
        assert_eq!(chosen(Some("https://a.example"), None, file()), at("https://a.example", Some("stored")));
        assert_eq!(chosen(None, Some("mine"), file()), at("https://a.example", Some("mine")));
        assert_eq!(chosen(None, None, stored(None)), at("https://built.example", Some("stored")));
    }

    #[test]
    fn a_stored_key_goes_to_no_other_address() {
        let (url, key) = chosen(Some("https://b.example"), None, stored(Some("https://a.example")));
        assert_eq!((url.as_str(), key), ("https://b.example", None));
    }

    #[test]
    fn keys_travel_by_https_or_stay_on_this_machine() {
        for good in
            ["https://a.example", "http://localhost:9000", "http://127.0.0.1:9000", "http://[::1]:9000"]
        {
            assert!(is_safe(good), "{good}");
        }
        for bad in [
            "",
            "a.example",
            "http://a.example",
            "http://localhost.evil.example",
            "ftp://localhost",
            "https://a.example?x=1",
            "https://a.example#x",
            "https://user@a.example",
        ] {
            assert!(!is_safe(bad), "{bad}");
        }
    }

    #[test]
    fn an_unknown_address_and_a_broken_key_are_usage_errors() {
        assert!(Settings::choose(None, None, None, None).is_err());
        let url = Some("https://a.example".to_owned());
        assert!(Settings::choose(url, Some("a\nb".to_owned()), None, None).is_err());
    }
}
