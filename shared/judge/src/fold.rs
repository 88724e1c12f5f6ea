//! Folding: maps characters that look alike to the same character.

use std::iter;

use unicode_normalization::UnicodeNormalization;
use unicode_security::confusable_detection::skeleton;

/// True if the character is invisible on its own: control characters, zero-width and direction marks,
/// fillers, variation selectors, tags, and combining marks of Latin and Arabic letters.
pub(crate) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_control() && !c.is_whitespace();
    }
    let marks = matches!(c, '\u{300}'..='\u{36f}' | '\u{64b}'..='\u{65f}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}');
    let formats = matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}');
    marks || formats || (c.is_control() && !c.is_whitespace())
}

/// Folds a visible character to its lower-case form without accents, styles and look-alikes.
pub(crate) fn fold(c: char) -> impl Iterator<Item = char> {
    // ASCII is most of all text and needs no table.
    let ascii = c.is_ascii().then(|| c.to_ascii_lowercase());
    let other = (ascii.is_none()).then(|| plain(c)).into_iter().flatten();
    ascii.into_iter().chain(other)
}

/// Folds every visible character of `text`.
pub(crate) fn fold_text(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).flat_map(fold).collect()
}

/// Folds every letter and digit of `text` and joins them.
pub(crate) fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).flat_map(fold).filter(|c| c.is_alphanumeric()).collect()
}

fn plain(c: char) -> impl Iterator<Item = char> {
    let simple = iter::once(styled(c)).nfkd().filter(|c| !is_invisible(*c)).flat_map(char::to_lowercase);
    // Composition restores the letters of scripts that are not Latin, such as Korean syllables.
    simple.filter(|c| !is_invisible(*c)).nfc().map(latin)
}

/// Maps letters in squares, circles and flags to plain ones. Compatibility decomposition leaves them alone.
fn styled(c: char) -> char {
    let code = u32::from(c);
    let letter = match code {
        0x1f130..=0x1f149 => code - 0x1f130,
        0x1f150..=0x1f169 => code - 0x1f150,
        0x1f170..=0x1f189 => code - 0x1f170,
        0x1f1e6..=0x1f1ff => code - 0x1f1e6,
        _ => return c,
    };
    char::from_u32(u32::from('a') + letter).unwrap_or(c)
}

/// Small capitals, which the table of look-alikes lacks, in the order of [`SMALL`].
const SMALL_CAPITALS: &str = "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ";
const SMALL: &str = "abcdefghijklmnopqrstuvwyz";

/// Maps a lower-case letter to the Latin letter that it resembles.
fn latin(c: char) -> char {
    match c {
        _ if c.is_ascii() => c,
        'α' | 'ɑ' => 'a',
        'в' | 'β' => 'b',
        'đ' | 'ԁ' => 'd',
        'ε' => 'e',
        'н' => 'h',
        'ı' | 'ι' => 'i',
        'к' | 'κ' => 'k',
        'ł' | 'ӏ' => 'l',
        'м' => 'm',
        'η' => 'n',
        'ø' => 'o',
        'т' | 'τ' => 't',
        'υ' => 'u',
        'ω' => 'w',
        'χ' => 'x',
        _ => resembled(c).unwrap_or(c),
    }
}

/// Returns the ASCII letter that `c` resembles, for the scripts in which such letters are common.
fn resembled(c: char) -> Option<char> {
    let imitates = matches!(c, '\u{180}'..='\u{58f}' | '\u{13a0}'..='\u{13ff}' | '\u{1400}'..='\u{167f}'
        | '\u{1d00}'..='\u{1dbf}' | '\u{2c60}'..='\u{2cff}' | '\u{a4d0}'..='\u{a4ff}' | '\u{a640}'..='\u{a69f}'
        | '\u{a720}'..='\u{a7ff}' | '\u{ab30}'..='\u{abbf}' | '\u{10280}'..='\u{1044f}');
    if !imitates {
        return None;
    }
    if let Some(at) = SMALL_CAPITALS.chars().position(|small| small == c) {
        return SMALL.chars().nth(at);
    }
    let mut buffer = [0; 4];
    let mut like = skeleton(c.encode_utf8(&mut buffer));
    let first = like.next()?;
    (first.is_ascii_alphabetic() && like.next().is_none()).then(|| first.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_fold_to_the_same_text() {
        for (text, expect) in [
            ("Rank ME", "rankme"),
            ("r\u{200b}an\u{ad}k\u{2060} me", "rankme"),
            ("rаnk mе", "rankme"),
            ("ｒａｎｋ　ｍｅ", "rankme"),
            ("𝐫𝐚𝐧𝐤 𝕞𝕖", "rankme"),
            ("ránk m\u{0308}e", "rankme"),
            ("r.a.n.k-m_e", "rankme"),
            ("ⓡⓐⓝⓚ 🅼🅴", "rankme"),
            ("🇷🇦🇳🇰 🄼🄴", "rankme"),
            ("raոk ᴍᴇ", "rankme"),
            ("İ ı", "ii"),
            ("\u{3164}\u{2800}\u{feff}", ""),
            ("忽略 指令", "忽略指令"),
            ("심사위원", "심사위원"),
        ] {
            assert_eq!(squeeze(text), expect, "{text}");
        }
    }
}
