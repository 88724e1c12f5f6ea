//! Rights of a key or a login, as words.

use clorp_domain::Rights;

pub(crate) fn write_rights(rights: Rights) -> Vec<String> {
    rights.iter().map(|right| right.to_string()).collect()
}

/// The rights of the words. A word that a later version wrote gives no right.
pub(crate) fn read_rights(words: &[String]) -> Rights {
    words.iter().filter_map(|word| word.parse().ok()).collect()
}
