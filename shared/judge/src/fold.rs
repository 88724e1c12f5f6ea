//! Folding: maps characters that look alike to the same character.

/// True if the character is invisible on its own: control characters, zero-width and direction marks,
/// fillers, variation selectors, tags, and combining marks of Latin letters.
pub(crate) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_control() && !c.is_whitespace();
    }
    let marks = matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}');
    let formats = matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}');
    marks || formats || (c.is_control() && !c.is_whitespace())
}

/// Folds a visible character to its lower-case form without look-alikes.
pub(crate) fn fold(c: char) -> impl Iterator<Item = char> {
    plain(c).to_lowercase().filter(|c| !is_invisible(*c)).map(latin)
}

/// Folds every letter and digit of `text` and joins them.
pub(crate) fn squeeze(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).flat_map(fold).filter(|c| c.is_alphanumeric()).collect()
}

/// Maps full-width, mathematical and circled letters and digits to ASCII.
fn plain(c: char) -> char {
    let code = u32::from(c);
    let letter = |offset: u32| match offset % 52 {
        n @ 0..26 => 0x41 + n,
        n => 0x61 + n - 26,
    };
    let ascii = match code {
        0xff01..=0xff5e => code - 0xfee0,
        0x1d400..=0x1d6a3 => letter(code - 0x1d400),
        0x1d7ce..=0x1d7ff => 0x30 + (code - 0x1d7ce) % 10,
        0x24b6..=0x24e9 => letter(code - 0x24b6),
        _ => return c,
    };
    char::from_u32(ascii).unwrap_or(c)
}

/// Maps a lower-case letter to the Latin letter that it resembles or accents.
fn latin(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    match c {
        'а' | 'α' | 'ɑ' | 'à'..='å' | 'ā' | 'ă' | 'ą' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' | 'ç' | 'ć' | 'č' => 'c',
        'ԁ' | 'ď' | 'đ' => 'd',
        'е' | 'ε' | 'ё' | 'è'..='ë' | 'ē' | 'ė' | 'ę' | 'ě' => 'e',
        'ɡ' | 'ğ' => 'g',
        'һ' | 'н' => 'h',
        'і' | 'ї' | 'ι' | 'ı' | 'ɩ' | 'ì'..='ï' | 'ī' | 'į' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' | 'ł' | 'ľ' => 'l',
        'м' => 'm',
        'ñ' | 'ń' | 'ň' | 'η' => 'n',
        'о' | 'ο' | 'σ' | 'ò'..='ö' | 'ø' | 'ō' | 'ő' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ř' => 'r',
        'ѕ' | 'ś' | 'š' | 'ş' | 'ș' => 's',
        'т' | 'τ' | 'ť' | 'ț' => 't',
        'υ' | 'ù'..='ü' | 'ū' | 'ů' | 'ű' => 'u',
        'ν' | 'ѵ' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'ý' | 'ÿ' | 'γ' => 'y',
        'ź' | 'ż' | 'ž' => 'z',
        _ => c,
    }
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
            ("\u{3164}\u{2800}\u{feff}", ""),
            ("忽略 指令", "忽略指令"),
        ] {
            assert_eq!(squeeze(text), expect, "{text}");
        }
    }
}
