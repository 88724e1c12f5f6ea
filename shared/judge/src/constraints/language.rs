//! Natural languages: their names in prompts, and the language of a text.

use whatlang::{Lang, Script};

use super::prompt::{Prompt, folded};

/// Longest part of a text that is read to find its language, in bytes.
const ENOUGH: usize = 8 * 1024;

/// A language by which a prompt can ask for an answer.
struct Named {
    lang: Lang,
    /// English name, for people.
    shown: &'static str,
    /// Names in prompts, folded.
    names: &'static [&'static str],
}

#[rustfmt::skip] // one word per line would hide the code
static NAMED: &[Named] = &[
    Named {
        lang: Lang::Eng,
        shown: "English",
        names: &["english", "englisch", "englische", "englischer", "anglais", "ingles", "inglese", "engels"],
    },
    Named {
        lang: Lang::Deu,
        shown: "German",
        names: &[
            "german", "deutsch", "deutsche", "deutscher", "allemand", "aleman", "tedesco", "alemao",
            "duits",
        ],
    },
    Named {
        lang: Lang::Fra,
        shown: "French",
        names: &["french", "franzosisch", "franzosische", "francais", "frances", "francese", "frans"],
    },
    Named {
        lang: Lang::Spa,
        shown: "Spanish",
        names: &[
            "spanish", "spanisch", "spanische", "espagnol", "espanol", "castellano", "spagnolo",
            "espanhol", "spaans",
        ],
    },
    Named {
        lang: Lang::Ita,
        shown: "Italian",
        names: &["italian", "italienisch", "italienische", "italien", "italiano", "italiaans"],
    },
    Named {
        lang: Lang::Por,
        shown: "Portuguese",
        names: &["portuguese", "portugiesisch", "portugais", "portugues", "portoghese", "portugees"],
    },
    Named {
        lang: Lang::Nld,
        shown: "Dutch",
        names: &[
            "dutch", "niederlandisch", "hollandisch", "neerlandais", "neerlandes", "holandes", "olandese",
            "nederlands",
        ],
    },
    Named {
        lang: Lang::Swe,
        shown: "Swedish",
        names: &["swedish", "schwedisch", "suedois", "sueco", "svedese", "svenska", "zweeds"],
    },
    Named {
        lang: Lang::Dan,
        shown: "Danish",
        names: &["danish", "danisch", "danois", "danes", "danese", "dansk", "deens"],
    },
    Named {
        lang: Lang::Nob,
        shown: "Norwegian",
        names: &["norwegian", "norwegisch", "norvegien", "noruego", "norsk"],
    },
    Named { lang: Lang::Fin, shown: "Finnish", names: &["finnish", "finnisch", "finnois", "suomeksi"] },
    Named {
        lang: Lang::Pol,
        shown: "Polish",
        names: &["polish", "polnisch", "polonais", "polaco", "polacco", "polsku", "pools"],
    },
    Named {
        lang: Lang::Ces,
        shown: "Czech",
        names: &["czech", "tschechisch", "tcheque", "cesky", "cestine"],
    },
    Named { lang: Lang::Hun, shown: "Hungarian", names: &["hungarian", "ungarisch", "hongrois", "magyarul"] },
    Named {
        lang: Lang::Ron,
        shown: "Romanian",
        names: &["romanian", "rumanisch", "roumain", "romana", "romaneste"],
    },
    Named { lang: Lang::Tur, shown: "Turkish", names: &["turkish", "turkisch", "turc", "turco", "turkce"] },
    Named { lang: Lang::Rus, shown: "Russian", names: &["russian", "russisch", "russe", "ruso", "russo"] },
    Named { lang: Lang::Ukr, shown: "Ukrainian", names: &["ukrainian", "ukrainisch", "ukrainien"] },
    Named { lang: Lang::Ell, shown: "Greek", names: &["greek", "griechisch", "grec", "griego", "greco"] },
    Named { lang: Lang::Ara, shown: "Arabic", names: &["arabic", "arabisch", "arabe", "arabo"] },
    Named { lang: Lang::Heb, shown: "Hebrew", names: &["hebrew", "hebraisch"] },
    Named { lang: Lang::Hin, shown: "Hindi", names: &["hindi"] },
    Named {
        lang: Lang::Jpn,
        shown: "Japanese",
        names: &["japanese", "japanisch", "japonais", "japones", "giapponese"],
    },
    Named {
        lang: Lang::Cmn,
        shown: "Chinese",
        names: &["chinese", "mandarin", "chinesisch", "chinois", "chino", "cinese"],
    },
    Named { lang: Lang::Kor, shown: "Korean", names: &["korean", "koreanisch", "coreen", "coreano"] },
    Named { lang: Lang::Vie, shown: "Vietnamese", names: &["vietnamese", "vietnamesisch"] },
    Named { lang: Lang::Ind, shown: "Indonesian", names: &["indonesian", "indonesisch"] },
    Named { lang: Lang::Tha, shown: "Thai", names: &["thai"] },
    Named { lang: Lang::Cat, shown: "Catalan", names: &["catalan", "katalanisch"] },
    Named { lang: Lang::Lat, shown: "Latin", names: &["latin", "latein"] },
];

/// The language's name for people.
pub(super) fn shown(lang: Lang) -> &'static str {
    NAMED.iter().find(|named| named.lang == lang).map_or_else(|| lang.eng_name(), |named| named.shown)
}

/// Frequent words of a Latin-script language that few others share, folded.
#[rustfmt::skip] // one word per line would hide the code
static FREQUENT: &[(Lang, &str, &[&str])] = &[
    (
        Lang::Eng,
        "en",
        &[
            "the", "here", "never", "always", "so", "he", "all", "more", "out", "us", "as", "and", "of",
            "to", "is", "you", "your", "it", "its", "that", "with", "for", "this", "are", "was", "have",
            "has", "not", "but", "be", "they", "we", "our", "my", "from", "what", "which", "when", "who",
            "will", "would", "can", "just", "if", "write", "give", "please", "about", "than", "by", "at",
            "an", "because", "dont", "how", "their", "she", "his", "her", "need", "no", "on", "only",
            "each", "make", "want", "should", "one", "or", "into", "where", "every", "even", "there",
            "too", "got",
        ],
    ),
    (
        Lang::Deu,
        "de",
        &[
            "der", "die", "das", "und", "ist", "nicht", "ein", "eine", "einen", "einem", "einer", "den",
            "dem", "des", "mit", "fur", "auf", "auch", "sich", "sie", "ich", "du", "wir", "ihr", "es",
            "von", "zu", "zum", "zur", "im", "wie", "als", "aber", "oder", "wenn", "nur", "noch", "bei",
            "nach", "uber", "werden", "wird", "sind", "haben", "kann", "mein", "meine", "unsere", "dein",
            "bitte", "schreibe", "kein", "keine", "hat", "aus", "daß", "dass", "mich", "uns", "unser",
            "schon", "mehr", "vom", "fuer", "was", "diese", "dieser", "war",
        ],
    ),
    (
        Lang::Fra,
        "fr",
        &[
            "le", "la", "les", "des", "et", "est", "une", "un", "du", "dans", "pour", "que", "qui", "pas",
            "sur", "avec", "vous", "nous", "je", "ce", "cette", "ces", "au", "aux", "il", "elle", "sont",
            "ou", "mais", "votre", "notre", "mon", "ma", "mes", "ne", "plus", "par", "ecris", "moi", "tu",
            "ton", "ta", "tes", "sans", "meme", "tout", "son", "leur", "sa", "ses", "fait", "etre", "c",
            "d", "l", "j", "qu", "en", "chez",
        ],
    ),
    (
        Lang::Spa,
        "es",
        &[
            "el", "la", "los", "las", "de", "y", "que", "en", "un", "una", "es", "por", "con", "para",
            "del", "se", "no", "al", "lo", "su", "sus", "como", "mas", "pero", "mi", "tu", "este", "esta",
            "muy", "sin", "sobre", "hay", "nuestro", "nuestra", "escribe", "ser", "tiene", "yo", "cuando",
            "ni", "porque", "son", "me", "te", "nos", "esto", "si", "ya", "usted", "donde", "cada",
            "hacer", "tus", "mis",
        ],
    ),
    (
        Lang::Ita,
        "it",
        &[
            "il", "lo", "la", "gli", "di", "e", "che", "un", "una", "per", "con", "non", "del", "della",
            "delle", "dei", "al", "alla", "sono", "da", "si", "come", "piu", "ma", "mi", "ti", "nel",
            "nella", "questo", "questa", "ho", "ha", "mio", "mia", "tuo", "tua", "nostro", "nostra",
            "scrivi", "anche", "se", "senza", "molto", "degli", "i", "le", "dal", "ai", "sul", "ci", "vi",
            "cosa", "essere", "fare", "ogni", "due", "tre",
        ],
    ),
    (
        Lang::Por,
        "pt",
        &[
            "o", "os", "as", "um", "uma", "de", "do", "da", "dos", "das", "e", "que", "em", "no", "na",
            "nos", "nas", "para", "por", "com", "nao", "ao", "se", "mais", "mas", "meu", "minha", "seu",
            "sua", "voce", "nosso", "nossa", "este", "esta", "isso", "muito", "sem", "escreva", "ser",
            "tem", "pelo", "pela", "uns", "quando", "ja", "eu", "ele", "ela", "foi", "sao", "ou", "ate",
            "cada", "tambem",
        ],
    ),
    (
        Lang::Nld,
        "nl",
        &[
            "de", "het", "een", "en", "van", "is", "dat", "niet", "te", "op", "voor", "met", "zijn", "aan",
            "ik", "je", "jij", "we", "wij", "ons", "onze", "er", "maar", "ook", "als", "bij", "naar",
            "uit", "over", "om", "geen", "wat", "nog", "dan", "mijn", "jouw", "zonder", "heeft", "wordt",
            "worden", "schrijf", "deze", "dit", "die", "kan", "meer", "hoe", "zo", "tot", "hebben", "hij",
            "zij", "of", "in", "door", "moet", "want",
        ],
    ),
    (
        Lang::Swe,
        "sv",
        &[
            "och", "att", "det", "som", "en", "ett", "ar", "av", "for", "med", "till", "den", "pa", "inte",
            "har", "jag", "du", "vi", "om", "men", "sa", "var", "kan", "fran", "eller", "din", "ditt", "min",
            "mitt", "vara", "nar", "inga", "utan", "hur", "skriv",
        ],
    ),
    (
        Lang::Pol,
        "pl",
        &[
            "i", "w", "na", "z", "do", "nie", "to", "jest", "ze", "sie", "dla", "jak", "po", "od", "czy",
            "ale", "lub", "za", "mam", "moj", "o", "oraz", "tylko", "przez", "przy", "byc", "jego", "sa",
            "tym", "napisz", "ktory", "ktora", "ich", "ma", "tak",
        ],
    ),
    (
        Lang::Tur,
        "tr",
        &[
            "ve", "bir", "bu", "icin", "ile", "da", "de", "cok", "daha", "ama", "gibi", "en", "kadar",
            "sonra", "ne", "yaz", "olan", "olarak", "var", "yok", "mi", "her", "sizin", "bizim", "sayin",
            "olur", "lutfen", "fazla", "once",
        ],
    ),
    (
        Lang::Rus,
        "ru",
        &[
            "и", "b", "ha", "he", "чto", "c", "пo", "для", "kak", "ot", "зa", "mhe", "bы", "эto", "из",
            "ho", "бeз", "или", "чtoбы", "ero", "пpи", "дo", "бoльwe", "haпиwиte", "пoжaлyиcta", "y", "k",
        ],
    ),
    (
        Lang::Dan,
        "da",
        &[
            "og", "at", "det", "som", "en", "et", "er", "af", "for", "med", "til", "den", "pa", "ikke",
            "har", "jeg", "du", "vi", "om", "men", "sa", "var", "kan", "fra", "eller", "din", "dit", "min",
            "mit", "nar", "uden", "hvordan", "skriv", "af",
        ],
    ),
];

/// The score of each frequent-word language in `words`, and the number of words.
fn scores<'a>(words: impl Iterator<Item = &'a str>) -> (Vec<(Lang, &'static str, usize)>, usize) {
    let mut scores: Vec<(Lang, &'static str, usize)> =
        FREQUENT.iter().map(|(lang, code, _)| (*lang, *code, 0)).collect();
    let mut total = 0;
    for word in words {
        total += 1;
        for (score, (_, _, frequent)) in scores.iter_mut().zip(FREQUENT) {
            score.2 += usize::from(frequent.contains(&word));
        }
    }
    scores.sort_by_key(|(_, _, score)| std::cmp::Reverse(*score));
    (scores, total)
}

/// The code of the language in which the prompt is written, for the choice of a lexicon.
pub(super) fn code_of(prompt: &Prompt) -> &'static str {
    let words = prompt.tokens.iter().filter(|token| !token.quoted).map(|token| token.folded.as_str());
    let known = |code: &str| super::lexicon::LEXICONS.iter().find(|lexicon| lexicon.code == code);
    let (mut scores, _) = scores(words.clone());
    for (_, code, score) in &mut scores {
        let Some(lexicon) = known(code) else { continue };
        // The words of demands tell more than others.
        let units = words.clone().filter(|word| lexicon.units.iter().any(|unit| unit.contains(word))).count();
        let others = words.clone().filter(|word| {
            lexicon.numbers.iter().any(|(number, _)| number == word)
                || [lexicon.requests, lexicon.items, lexicon.at_most].iter().any(|list| list.contains(word))
        });
        *score += units * 3 + others.count();
    }
    scores.retain(|(_, code, _)| known(code).is_some());
    scores.sort_by_key(|(_, _, score)| std::cmp::Reverse(*score));
    scores.first().filter(|(_, _, score)| *score > 0).map_or("en", |(_, code, _)| code)
}

/// The language of a prose text, if the text shows it clearly.
pub(super) fn detect(text: &str) -> Option<Lang> {
    let text = super::prompt::head(text, ENOUGH);
    let script = whatlang::detect_script(text)?;
    match script {
        Script::Latin => latin(text),
        // A few words of Japanese may have more ideographs than syllables.
        Script::Mandarin | Script::Hiragana | Script::Katakana => {
            let kana = text.chars().filter(|c| matches!(c, '\u{3041}'..='\u{30ff}')).count();
            let han = text.chars().filter(|c| matches!(c, '\u{4e00}'..='\u{9fff}')).count();
            Some(if kana * 12 > han { Lang::Jpn } else { Lang::Cmn })
        }
        Script::Cyrillic if text.contains(['ы', 'э', 'Ы', 'Э']) => Some(Lang::Rus),
        Script::Cyrillic if text.contains(['ї', 'є', 'ґ', 'і']) => Some(Lang::Ukr),
        Script::Hangul => Some(Lang::Kor),
        Script::Greek => Some(Lang::Ell),
        Script::Thai => Some(Lang::Tha),
        _ => whatlang::detect(text)
            .filter(|info| info.is_reliable() || script != Script::Cyrillic)
            .map(|info| info.lang()),
    }
}

/// The language of a text in Latin script.
fn latin(text: &str) -> Option<Lang> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '’'))
        .filter(|word| !word.is_empty())
        .flat_map(|word| word.split(['\'', '’']).next().into_iter().chain(word.split(['\'', '’']).nth(1)))
        .map(folded)
        .collect();
    let (scores, total) = scores(words.iter().map(String::as_str));
    let guess = whatlang::detect(text).filter(|info| info.script() == Script::Latin);
    let (best, second) = (scores.first()?, scores.get(1)?);
    let clear = best.2 >= 3 && best.2 * 8 >= total && best.2 * 2 >= second.2 * 3;
    let agrees = best.2 >= 2 && guess.as_ref().is_some_and(|info| info.lang() == best.0);
    let alone = best.2 >= 2 && second.2 == 0 && best.2 * 5 >= total;
    if clear || agrees || alone {
        return Some(best.0);
    }
    // A language without a list of frequent words needs a long text to be sure.
    let listed = |lang: Lang| FREQUENT.iter().any(|(own, ..)| *own == lang);
    guess
        .filter(|info| info.is_reliable() && total >= 12 && !listed(info.lang()) && best.2 * 8 < total)
        .map(|info| info.lang())
}

/// Words which show that a language is a subject, not the language of the answer.
#[rustfmt::skip] // one word per line would hide the code
const SUBJECT: &[&str] = &[
    "mean", "means", "meaning", "called", "pronounce", "learn", "learning", "speak", "speaks", "speaking",
    "taught", "course", "lesson", "lessons", "class", "lerne", "apprends", "aprendo", "exam", "teacher",
    "not", "dont", "say", "isnt",
];

/// A language that the prompt names for the answer, with the tokens that name it.
pub(super) struct Wanted {
    pub(super) lang: Lang,
    pub(super) tokens: std::ops::Range<usize>,
}

/// Words before a language's name which make it that of the answer.
#[rustfmt::skip] // one word per line would hide the code
const INTO: &[&str] = &[
    "in", "into", "to", "auf", "ins", "en", "em", "in het", "naar het", "in the", "au", "al", "para o",
    "para", "para el", "in brazilian", "in british", "in american", "in simple", "in plain", "in swiss",
    "in european", "in mexican", "po", "in polite", "in formal", "in informal", "in einfachem", "in gutem",
    "naar", "na", "in good", "in proper", "in idiomatic", "in natural", "en buen", "all", "in standard",
    "in easy", "in basic",
];

/// Verbs that ask for a text.
#[rustfmt::skip] // one word per line would hide the code
const WRITES: &[&str] = &[
    "translate", "write", "answer", "reply", "respond", "give", "draft", "explain", "summarise",
    "summarize", "describe", "make", "create", "list", "compose", "provide", "suggest", "ubersetze",
    "ubersetzen", "schreibe", "schreib", "antworte", "antworten", "beantworte", "erklare", "erklarung",
    "fasse", "traduis", "traduire", "traduisez", "ecris", "ecrivez", "redige", "repondez", "reponds",
    "explique", "traduce", "traduzca", "escribe", "responde", "redacta", "explica", "resume", "traduci",
    "scrivi", "rispondi", "spiega", "riassumi", "traduza", "traduz", "escreva", "responda", "explique",
    "resuma", "vertaal", "schrijf", "antwoord", "leg", "vat", "need", "want", "text", "email", "mail",
    "caption", "tagline", "slogan", "letter", "poem", "message", "output", "everything", "all", "only",
    "please", "translation", "version", "say", "put", "turn", "three", "two", "one", "four", "five", "in", "auf", "en",
    "em", "rewrite", "bitte",
];

/// The languages that the prompt names for the answer.
pub(super) fn wanted(prompt: &Prompt) -> Vec<Wanted> {
    let mut found: Vec<Wanted> = Vec::new();
    for (at, token) in prompt.tokens.iter().enumerate().filter(|(_, token)| !token.quoted) {
        let Some(named) = NAMED.iter().find(|named| named.names.contains(&token.folded.as_str())) else {
            continue;
        };
        let into = prompt.said_before(at, INTO);
        let (start, end) = (prompt.sentence_start(at), prompt.sentence_end(at));
        let joined = at > 0
            && ["and", "und", "et", "y", "e", "en"].contains(&prompt.word(at - 1))
            && found.last().is_some_and(|last| last.tokens.end + 1 == at);
        let alone = is_alone(prompt, at, into);
        if into == 0 && !joined && !alone {
            continue;
        }
        let clause = prompt.clause_start(at);
        let studied = (clause..prompt.clause_end(at)).any(|at| SUBJECT.contains(&prompt.word(at)));
        // "In Japanese cuisine" is about a country, "in German, please" about the answer.
        let next = prompt.word(at + 1);
        let noun = at + 1 < prompt.clause_end(at) && !is_text_noun(next) && !FOLLOWING.contains(&next);
        let asked = (start..end).any(|at| WRITES.contains(&prompt.word(at)));
        if !studied && !noun && asked || alone && !studied {
            found.push(Wanted { lang: named.lang, tokens: at - into.min(at)..at + 1 });
        }
    }
    if found.is_empty() {
        found.extend(joined(prompt).map(|lang| Wanted { lang, tokens: 0..0 }));
    }
    found
}

/// Names of languages in scripts whose words are joined, and in languages with endings.
#[rustfmt::skip] // one word per line would hide the code
static JOINED: &[(Lang, &[&str])] = &[
    (Lang::Eng, &["英文", "英语", "英語", "영어", "английск", "по-английски", "بالإنجليزية", "الإنجليزية", "अंग्रेज़ी", "अंग्रेजी", "angielski", "ingilizce", "engelska"]),
    (Lang::Cmn, &["中文", "汉语", "中国語", "중국어", "китайск"]),
    (Lang::Jpn, &["日语", "日文", "日本語", "일본어", "японск"]),
    (Lang::Kor, &["韩语", "韓国語", "한국어", "корейск"]),
    (Lang::Deu, &["德语", "德文", "ドイツ語", "독일어", "немецк", "الألمانية", "niemiecki", "almanca", "tyska"]),
    (Lang::Fra, &["法语", "法文", "フランス語", "프랑스어", "французск", "الفرنسية", "francuski", "fransızca", "franska"]),
    (Lang::Spa, &["西班牙语", "スペイン語", "스페인어", "испанск", "hiszpański", "ispanyolca", "spanska"]),
    (Lang::Rus, &["俄语", "ロシア語", "러시아어", "на русск", "по-русски", "rosyjski", "rusça"]),
    (Lang::Hin, &["हिंदी में", "हिन्दी में"]),
    (Lang::Ara, &["بالعربية", "阿拉伯语"]),
    (Lang::Tur, &["türkçe"]),
];

/// Words for a translation or for the language of an answer, before or behind such a name.
#[rustfmt::skip] // one word per line would hide the code
const RENDERED: &[&str] = &[
    "翻译成", "译成", "译为", "翻成", "翻译为", "改写成", "用", "に翻訳", "に訳", "に直", "で書", "で返", "로 번역", "로 옮", "로 써", "로 작성", "на ",
    "по-", "in ", "بال", "إلى ال", "में", "na ", "po ", "ye çevir", "ya çevir", "çevir", "till ", "på ",
];

/// The one language that a prompt names in such words, if it names one.
fn joined(prompt: &Prompt) -> Option<Lang> {
    let text = prompt.text.to_lowercase();
    let mut found = JOINED.iter().filter(|(_, names)| {
        names.iter().any(|name| {
            text.match_indices(name).any(|(at, _)| {
                let before = text.get(..at).unwrap_or_default();
                let behind = text.get(at + name.len()..).unwrap_or_default();
                RENDERED.iter().any(|word| {
                    before.ends_with(word)
                        || behind.starts_with(word)
                        || name.starts_with(word)
                        || name.ends_with(word)
                })
            })
        })
    });
    let first = found.next()?;
    found.next().is_none().then_some(first.0)
}

/// Nouns for a text, behind the name of its language.
fn is_text_noun(word: &str) -> bool {
    [
        "text",
        "please",
        "bitte",
        "only",
        "sentence",
        "sentences",
        "version",
        "translation",
        "email",
        "answer",
        "por",
        "s",
    ]
    .contains(&word)
}

/// Words that may follow the name of the answer's language in the same clause.
#[rustfmt::skip] // one word per line would hide the code
const FOLLOWING: &[&str] = &[
    "for", "to", "with", "and", "using", "about", "of", "on", "at", "that", "in", "as", "under", "max",
    "by", "from", "fur", "mit", "und", "pour", "avec", "et", "para", "con", "y", "per", "e", "com", "voor",
    "met", "en", "so", "not", "but", "or", "who", "die", "der", "an", "het", "standard", "if", "because",
    "suitable", "level", "uber", "zu", "sobre", "sur", "over", "su", "um",
];

/// True if the name of a language is a clause of its own, as in "2-3 sentences, English, affectionate".
fn is_alone(prompt: &Prompt, at: usize, into: usize) -> bool {
    let (start, end) = (prompt.clause_start(at), prompt.clause_end(at));
    start + into == at && (end == at + 1 || (end == at + 2 && is_text_noun(prompt.word(at + 1))))
}

/// True if the prompt speaks of any language by name, or of translating.
pub(super) fn names_any(prompt: &Prompt) -> bool {
    prompt.tokens.iter().any(|token| {
        let word = token.folded.as_str();
        NAMED.iter().any(|named| named.names.contains(&word))
            || ["translat", "ubersetz", "tradu", "vertaal", "bilingual", "tłumacz", "cevir"]
                .iter()
                .any(|stem| word.starts_with(stem))
    }) || ["翻译", "翻訳", "번역", "перевед", "переведи", "ترجم", "अनुवाद"]
        .iter()
        .any(|word| prompt.text.to_lowercase().contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_of_short_texts_is_found() {
        for (text, lang) in [
            ("Bread so good it deserves your best butter.", Some(Lang::Eng)),
            ("Frisches Brot für die ganze Stadt, und das jeden Tag.", Some(Lang::Deu)),
            ("Du pain frais pour le village et les voisins.", Some(Lang::Fra)),
            ("Pan recién hecho para los vecinos y las familias del barrio.", Some(Lang::Spa)),
            ("Il pane della nonna per tutti gli amici del paese.", Some(Lang::Ita)),
            ("Pão quente para os vizinhos, com o carinho da nossa avó.", Some(Lang::Por)),
            ("Vers brood voor de hele buurt, en het is nog warm.", Some(Lang::Nld)),
            ("Хлеб по вторникам дешевле, вы успеете до обеда.", Some(Lang::Rus)),
            ("焼きたてのパンをどうぞ", Some(Lang::Jpn)),
            ("新鲜的面包每天供应", Some(Lang::Cmn)),
            ("Bread. Butter. Bliss.", None),
            ("", None),
        ] {
            assert_eq!(detect(text), lang, "{text}");
        }
    }

    #[test]
    fn the_language_of_the_answer_is_told_from_a_subject() {
        for (text, expect) in [
            ("Write three taglines in German.", &["German"][..]),
            ("Antworte auf Deutsch.", &["German"]),
            ("Escribe un poema en inglés, por favor", &["English"]),
            ("Translate to French: good morning", &["French"]),
            ("Translate this into Spanish and Italian.", &["Spanish", "Italian"]),
            ("2-3 sentences, English, affectionate", &["English"]),
            ("What does 'doch' mean in German?", &[]),
            ("Explain the role of rice in Japanese cuisine", &[]),
            ("I am learning Spanish. Give me tips.", &[]),
            ("Roast my French bulldog", &[]),
        ] {
            let found: Vec<&str> = wanted(&Prompt::new(text)).iter().map(|w| shown(w.lang)).collect();
            assert_eq!(found, expect, "{text}");
        }
    }
}
