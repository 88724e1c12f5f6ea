//! Counts and lengths in Japanese and Chinese prompts, which put no spaces between words.

use super::amounts::{Amount, Scope, Stated, Unit};
use super::bounds::Bounds;

/// Units with their characters, longest first.
static UNITS: &[(&str, Unit)] = &[
    ("文字", Unit::Characters),
    ("个字", Unit::Characters),
    ("字", Unit::Characters),
    ("句话", Unit::Sentences),
    ("句話", Unit::Sentences),
    ("段落", Unit::Paragraphs),
    ("文", Unit::Sentences),
    ("行", Unit::Lines),
    ("段", Unit::Paragraphs),
    ("자", Unit::Characters),
    ("문장", Unit::Sentences),
];

/// Finds the lengths and counts in `text`.
pub(super) fn amounts(text: &str) -> Vec<Stated> {
    let mut found = Vec::new();
    let mut from = 0;
    for (at, _) in text.char_indices() {
        if at < from {
            continue;
        }
        let here = text.get(at..).unwrap_or_default();
        let Some((low, high, length)) = pair(here).or_else(|| number(here).map(|(n, length)| (n, n, length)))
        else {
            continue;
        };
        let mut end = at + length;
        let mut high = high;
        let rest = text.get(end..).unwrap_or_default();
        let joined =
            ["〜", "～", "~", "-", "–", "到", "至", "から"].iter().find_map(|mark| rest.strip_prefix(mark));
        if let Some((next, after)) =
            joined.and_then(|rest| number(rest).map(|(n, length)| (n, rest.len() - length)))
        {
            high = next;
            end = text.len() - after;
        }
        from = end;
        let rest = text.get(end..).unwrap_or_default();
        if let Some((mark, unit)) = UNITS.iter().find(|(mark, _)| rest.starts_with(mark)) {
            let behind = end + mark.len();
            if goes_on(text, behind) {
                continue;
            }
            if let Some(bounds) = bounds(text, at, behind, (low, high), *unit) {
                found.push(Stated {
                    amount: Amount::Length { bounds, unit: *unit, scope: scope(text, at) },
                    quote: text.get(at..behind).unwrap_or_default().to_owned(),
                });
            }
        } else if let Some(behind) = items(text, at, end).filter(|_| high > 1) {
            found.push(Stated {
                amount: Amount::Count { bounds: Bounds::new(low, high) },
                quote: text.get(at..behind).unwrap_or_default().to_owned(),
            });
        }
    }
    found
}

/// True if the prompt asks for a further part behind the length, as in "in two sentences, then an example".
fn goes_on(text: &str, behind: usize) -> bool {
    let rest = text.get(behind..).unwrap_or_default();
    let sentence = rest.split(['。', '！', '？', '\n']).next().unwrap_or_default();
    ["，再", ",再", "，另", "，并附", "，然后", "，最后再", "、そのあと", "、その後", "、次に", "、さらに"]
        .iter()
        .any(|mark| sentence.contains(mark))
}

/// Reads two successive digits, which stand for "three or four".
fn pair(text: &str) -> Option<(u32, u32, usize)> {
    let digit = |c: char| {
        "一二三四五六七八九".chars().position(|own| own == c).and_then(|at| u32::try_from(at + 1).ok())
    };
    let mut chars = text.chars();
    let (first, second) = (chars.next()?, chars.next()?);
    let low = if first == '两' { 2 } else { digit(first)? };
    let high = digit(second).filter(|high| *high == low + 1)?;
    Some((low, high, first.len_utf8() + second.len_utf8()))
}

/// Reads a number in ASCII, full-width or Chinese digits.
fn number(text: &str) -> Option<(u32, usize)> {
    let ascii = text.bytes().take_while(u8::is_ascii_digit).count();
    if ascii > 0 {
        return text.get(..ascii)?.parse().ok().filter(|number| *number > 0).map(|number| (number, ascii));
    }
    let (mut value, mut length) = (0_u32, 0);
    for c in text.chars().take(6) {
        let digit = match c {
            '０'..='９' => u32::from(c) - u32::from('０'),
            _ => match "一二三四五六七八九".chars().position(|own| own == c) {
                Some(at) => u32::try_from(at).unwrap_or(0) + 1,
                None if c == '两' => 2,
                None if c == '十' && length == 0 => 10,
                None if c == '十' => value * 10,
                None if c == '百' && length > 0 => value * 100,
                None => break,
            },
        };
        let whole = matches!(c, '十' | '百');
        value = if whole {
            digit
        } else if value >= 10 && value % 10 == 0 && !matches!(c, '０'..='９') {
            value + digit
        } else {
            value * 10 + digit
        };
        length += c.len_utf8();
    }
    (length > 0 && (1..100_000).contains(&value)).then_some((value, length))
}

/// Words before a number that make it the most allowed.
#[rustfmt::skip] // one word per line would hide the code
const AT_MOST: &[&str] = &[
    "不超过", "不超過", "最多", "至多", "不多于", "超过", "超過", "最大", "最長", "控制在", "少于",
];

/// The part that a length at `at` limits: every item, if a word for "each" precedes.
fn scope(text: &str, at: usize) -> Scope {
    let before: String = text
        .get(..at)
        .unwrap_or_default()
        .chars()
        .rev()
        .take(12)
        .take_while(|c| !matches!(c, '。' | '\n'))
        .collect();
    let each = ["れぞれそ", "各", "每", "つず一"];
    if each.iter().any(|each| before.contains(each)) { Scope::Each } else { Scope::Whole }
}

/// The allowed range, or nothing if the words limit no length.
fn bounds(text: &str, at: usize, behind: usize, (low, high): (u32, u32), unit: Unit) -> Option<Bounds> {
    let before = text.get(..at).unwrap_or_default().trim_end();
    let after = text.get(behind..).unwrap_or_default().trim_start_matches([' ', '、']);
    let ends = |marks: &[&str]| marks.iter().any(|mark| before.ends_with(mark));
    #[rustfmt::skip] // one word per line would hide the code
    let starts = |marks: &[&str]| marks.iter().any(|mark| after.starts_with(mark));
    if starts(&["以内", "以下", "まで", "之内", "内", "이내", "以內"]) || ends(AT_MOST) {
        return Some(Bounds::new(0, high));
    }
    if starts(&["以上"]) || ends(&["至少", "最低", "少なくとも", "不少于"]) {
        return Some(Bounds::new(low, u32::MAX));
    }
    if high > low {
        return Some(Bounds::new(low, high));
    }
    if starts(&["程度", "左右", "くらい", "ぐらい", "前後", "ほど"]) || ends(&["约", "約", "大约", "およそ"])
    {
        return Some(Bounds::around(low, 20, 20));
    }
    let used = starts(&["で", "に", "の", "。", "，", "、", "\n", "总结", "回答", "概括", "说明"])
        || ends(&["用", "写", "以"]);
    let known = matches!(unit, Unit::Characters) && low >= 20 || unit != Unit::Characters && low <= 20;
    (used && known && !starts(&["前の", "目"]))
        .then(|| if unit == Unit::Characters { Bounds::around(low, 20, 10) } else { Bounds::exactly(low) })
}

/// Words before or behind a count which show that it is one of items of the answer.
fn items(text: &str, at: usize, end: usize) -> Option<usize> {
    let rest = text.get(end..)?;
    let before = text.get(..at)?;
    let counters =
        ["つの", "個の", "つ", "個", "条", "個", "个", "点", "案", "選", "本", "种", "項目", "ステップ"];
    let counter = counters.iter().find(|counter| rest.starts_with(*counter))?;
    let behind = end + counter.len();
    let after = text.get(behind..)?;
    #[rustfmt::skip] // one word per line would hide the code
    let nouns = [
        "理由", "アイデア", "案", "例", "方法", "コツ", "キャッチコピー", "タイトル", "手順", "建议", "理由", "标语", "口号", "点子", "方案",
        "例子", "要点", "ポイント", "スローガン", "创意", "标题", "名字",
    ];
    let asks = ["挙げ", "教え", "書い", "ください", "提案", "考え"];
    let named = nouns.iter().any(|noun| {
        after.starts_with(noun) || before.trim_end_matches(['は', 'を', '、', ':', '：']).ends_with(noun)
    });
    let asked = asks.iter().any(|ask| {
        after.starts_with(ask) || after.strip_prefix('を').is_some_and(|after| after.starts_with(ask))
    });
    (named || asked).then_some(behind)
}
