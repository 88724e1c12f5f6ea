//! Phrases that mark weak or generic answers, folded, in several languages.

use std::collections::{HashMap, HashSet};

use crate::fold::fold_text;
use crate::text::Text;

/// Refusals to do the work.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const REFUSALS: &[&str] = &[
    "i cant help with", "i cannot help with", "i cant assist", "i cannot assist", "im unable to",
    "i am unable to", "i cant provide", "i cannot provide", "i wont be able to", "im not able to",
    "i am not able to", "i must decline", "i cant recommend", "i cannot recommend", "i cant give",
    "i cannot give", "unable to provide", "unable to help", "i have to decline", "i cant fulfill",
    "i cannot fulfill", "i cant comply", "i cannot comply", "i cant create", "i cannot create", "as an ai",
    "as a language model", "im sorry but i cant", "im sorry but i cannot", "i apologize but i",
    "i wont write", "i will not write", "i cant write", "i cannot write", "i dont feel comfortable",
    "im not comfortable", "i cant do that", "i cannot do that", "against my guidelines", "i cant access",
    "i dont have access", "i cannot access", "i dont have the ability", "i cant browse", "i cannot browse",
    "ich kann dir dabei nicht", "ich kann ihnen dabei nicht", "dabei kann ich nicht helfen",
    "ich kann leider nicht", "leider kann ich", "als ki", "als sprachmodell", "je ne peux pas",
    "je suis desole mais", "en tant quia", "no puedo ayudar", "lo siento pero no puedo",
    "como modelo de lenguaje", "como ia", "non posso aiutar", "mi dispiace ma non posso",
    "nao posso ajudar", "desculpe mas nao posso", "ik kan je daar niet", "ik kan niet helpen",
    "als taalmodel",
];

/// Praise and assurances before the answer.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const OPENINGS: &[&str] = &[
    "great question", "good question", "excellent question", "what a great", "sure", "certainly",
    "of course", "absolutely", "id be happy to", "id be glad to", "happy to help", "glad to help",
    "thank you for", "thanks for your", "thanks for asking", "thats a great", "here is", "here are",
    "heres", "below is", "below are", "in todays fast paced", "in todays world", "when it comes to",
    "have you ever", "imagine", "look no further", "are you tired of", "lets dive", "let us dive",
    "welcome to", "gerne", "naturlich", "selbstverstandlich", "gute frage", "hier ist", "hier sind",
    "bien sur", "excellente question", "avec plaisir", "voici", "por supuesto", "claro", "buena pregunta",
    "con gusto", "aqui tienes", "certo", "certamente", "ottima domanda", "ecco", "com certeza",
    "claro que sim", "otima pergunta", "aqui esta", "natuurlijk", "goede vraag", "hier is", "graag gedaan",
];

/// Offers and wishes behind the answer.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const CLOSINGS: &[&str] = &[
    "i hope this helps", "hope this helps", "hope that helps", "let me know if", "let me know how",
    "let me know what", "feel free to", "if you have any", "if you need any", "if youd like me",
    "would you like me", "happy to help", "dont hesitate to", "good luck", "happy cooking", "happy coding",
    "happy baking", "enjoy your meal", "bon appetit", "i hope you", "in conclusion", "in summary",
    "to sum up", "overall", "ultimately", "at the end of the day", "all in all", "ich hoffe",
    "lass mich wissen", "viel erfolg", "viel spaß", "zusammenfassend", "guten appetit", "jespere que",
    "nhesitez pas", "nhesite pas", "en conclusion", "en resume", "en somme", "bonne chance", "espero que",
    "no dudes en", "en resumen", "en conclusion", "buena suerte", "buen provecho", "spero che",
    "non esitare", "in conclusione", "in sintesi", "buona fortuna", "buon appetito", "espero que ajude",
    "nao hesite", "em resumo", "em conclusao", "boa sorte", "ik hoop dat", "laat het me weten", "kortom",
    "veel succes", "eet smakelijk",
];

/// Flattery of the reader.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const FLATTERY: &[&str] = &[
    "its great to see", "bold and inspiring", "great question", "excellent question", "great idea",
    "brilliant idea", "fantastic idea", "amazing idea", "wonderful idea", "love this idea", "love your",
    "what a fantastic", "what a wonderful", "what a brilliant", "what an amazing", "youre amazing",
    "you are amazing", "youre clearly", "you are clearly", "your brilliant", "your amazing",
    "your excellent", "your fantastic", "your incredible", "truly impressive", "so impressive",
    "great choice", "excellent choice", "great job", "well done", "smart thinking", "youre a genius",
    "you are a genius", "good thinking", "fascinating topic", "wonderful topic", "tolle frage",
    "tolle idee", "großartige idee", "super idee", "excellente question", "excellente idee",
    "quelle bonne idee", "excelente pregunta", "gran idea", "ottima domanda", "ottima idea",
    "excelente pergunta", "otima ideia", "geweldige vraag", "geweldig idee", "impressive work",
    "keep up the", "amazing work", "hats off",
];

/// Words that avoid a commitment.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const HEDGES: &[&str] = &[
    "it depends", "depends on", "might", "maybe", "perhaps", "possibly", "could be", "may be", "probably",
    "generally", "typically", "usually", "in general", "some people", "many people",
    "it is important to note", "its important to note", "its worth noting", "it is worth noting",
    "keep in mind", "arguably", "somewhat", "sort of", "both are valid", "both are useful",
    "ambas son utiles", "beide sind", "les deux sont", "difficult to give", "hard to say", "kind of",
    "to some extent", "in some cases", "in many cases", "consult a", "seek professional", "may vary",
    "can vary", "results may", "on the other hand", "both have their", "pros and cons", "up to you",
    "your mileage", "no single", "no one size", "vielleicht", "moglicherweise", "eventuell",
    "es kommt darauf an", "kommt darauf an", "in der regel", "konnte", "unter umstanden", "peut etre",
    "cela depend", "ca depend", "en general", "eventuellement", "quiza", "quizas", "tal vez", "depende de",
    "en general", "posiblemente", "forse", "dipende da", "in genere", "potrebbe", "talvez", "depende",
    "possivelmente", "em geral", "misschien", "het hangt ervan af", "mogelijk", "over het algemeen",
];

/// Words without a definite meaning.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const VAGUE: &[&str] = &[
    "various", "several", "many", "some", "things", "stuff", "something", "somehow", "a lot", "lots",
    "numerous", "different", "certain", "really", "very", "quite", "nice", "good", "great", "important",
    "interesting", "amazing", "etc", "and so on", "and more", "among others", "appropriate", "suitable",
    "relevant", "as needed", "to taste", "optimal", "best practices", "high quality", "a variety of",
    "a wide range", "a range of", "and other", "significant", "considerable", "adequate", "proper",
    "properly", "effective", "effectively", "efficient", "efficiently", "ensure", "enhance", "improve",
    "aspects", "factors", "elements", "verschiedene", "verschiedenen", "einige", "viele", "diverse",
    "wichtig", "sehr", "dinge", "usw", "divers", "plusieurs", "certains", "beaucoup", "tres", "important",
    "choses", "varios", "varias", "algunos", "muchos", "muy", "cosas", "importante", "vari", "diversi",
    "alcuni", "molti", "molto", "cose", "varios", "alguns", "muitos", "muito", "coisas", "verschillende",
    "sommige", "veel", "dingen", "belangrijk", "enz",
];

/// Worn phrases.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const CLICHES: &[&str] = &[
    "in todays fast paced", "fast paced world", "in todays digital", "ever evolving", "ever changing",
    "game changer", "game changing", "next level", "take it to the next", "unlock the", "unleash",
    "dive into", "delve", "deep dive", "tapestry", "testament to", "elevate", "seamless", "seamlessly",
    "leverage", "synergy", "cutting edge", "state of the art", "world class", "revolutionize",
    "revolutionary", "transform your", "transformative", "empower", "empowering", "harness",
    "navigate the", "landscape of", "realm of", "at the heart of", "beacon", "treasure trove", "a journey",
    "embark", "embrace", "more than just", "not just a", "isnt just", "its not just", "say goodbye to",
    "look no further", "whether youre", "from to", "think outside the box", "win win", "low hanging fruit",
    "moving forward", "robust", "holistic", "vibrant", "bustling", "nestled", "hidden gem",
    "culinary journey", "burst of flavor", "explosion of flavor", "mouthwatering", "tantalize",
    "perfect blend", "perfect for any", "for the whole family", "made with love", "passion for",
    "quality you can", "where every", "where flavor meets", "meets innovation", "one size fits all",
    "rome wasnt built", "last but not least", "needless to say", "it goes without saying",
    "without further ado", "a must", "must have", "taste the difference", "like never before",
    "since the dawn", "crucial", "pivotal", "underscore", "foster", "multifaceted", "rich history",
    "stands as", "serves as a", "auf das nachste level", "ganzheitlich", "nahtlos", "maßgeschneidert",
    "in der heutigen zeit", "in der heutigen schnelllebigen", "dans le monde daujourdhui",
    "incontournable", "voyage culinaire", "en el mundo actual", "de vanguardia", "en el mundo de hoy",
    "nel mondo di oggi", "allavanguardia", "no mundo de hoje", "de ponta", "in de wereld van vandaag",
    "naadloos", "baanbrekend",
];

/// Talk about the answer itself.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const META: &[&str] = &[
    "this response", "this answer", "my answer", "my response", "in this answer", "in this response",
    "i have written", "ive written", "i have included", "ive included", "i made sure", "ive made sure",
    "i kept", "ive kept", "as requested", "as you requested", "as you asked", "per your request",
    "the prompt", "this submission", "my submission", "above requirements", "your requirements",
    "the requirements", "meets all", "word count", "i chose", "ive chosen", "i used", "ive used",
    "i focused", "this version", "note that i", "this meets", "satisfies all", "fulfills all", "the user",
    "the task", "wie gewunscht", "diese antwort", "meine antwort", "ich habe darauf geachtet",
    "comme demande", "cette reponse", "ma reponse", "como pediste", "esta respuesta", "mi respuesta",
    "come richiesto", "questa risposta", "como solicitado", "esta resposta", "zoals gevraagd",
    "dit antwoord", "constraints", "all criteria", "is provided", "is included", "are included",
    "is mentioned", "within the limit", "word limit", "requirements are", "in keeping with",
    "is identified", "are covered", "covers all", "is stated",
];

/// Questions back to the sender.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const ASKS_BACK: &[&str] = &[
    "could you clarify", "can you clarify", "could you provide", "can you provide", "could you share",
    "can you share", "could you tell me", "can you tell me more", "please provide", "please share",
    "please specify", "please clarify", "please tell me", "i need more information", "i would need more",
    "id need more", "i need to know", "before i can", "before i start", "more details about",
    "more context", "what would you like", "which would you prefer", "do you have any preferences",
    "once you provide", "once you share", "if you can share", "if you could share", "if you provide",
    "kannst du mir", "konnten sie mir", "konntest du mir", "bitte teile mir", "bitte nenne mir",
    "pouvez vous preciser", "peux tu preciser", "pourriez vous", "podrias", "puedes decirme", "puoi dirmi",
    "potresti", "voce poderia", "pode me dizer", "kun je me", "kunt u mij", "i can tailor",
    "i can help you", "to help you better", "quick questions", "a few questions",
];

/// Announcements in place of work.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const PROMISES: &[&str] = &[
    "i will write", "ill write", "i will create", "ill create", "i will provide", "ill provide",
    "i would write", "id write", "heres how id", "here is how i would", "heres how i would",
    "my approach would", "i would approach", "id approach", "i would start by", "id start by",
    "the first step would be", "i plan to", "im going to", "i am going to", "i will now", "ill now",
    "let me start", "i can write", "i can create", "i could write", "would be something like",
    "i would suggest", "id suggest", "one could", "you could write", "you might write",
    "a good answer would", "a good tagline would", "ideally the", "should be written", "will be delivered",
    "coming soon", "will follow", "to follow", "ich werde", "ich wurde", "je vais", "je pourrais", "voy a",
    "podria escribir", "scrivero", "potrei scrivere", "vou escrever", "eu poderia", "ik zal", "ik zou",
];

/// Words for reasons and consequences.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const REASONS: &[&str] = &[
    "because", "since", "therefore", "so that", "which means", "that means", "for example", "for instance",
    "eg", "instead", "unless", "otherwise", "if", "due to", "as a result", "hence", "weil", "denn",
    "deshalb", "daher", "damit", "zum beispiel", "sonst", "wenn", "falls", "parce que", "car", "donc",
    "afin", "par exemple", "sinon", "porque", "por eso", "asi", "por ejemplo", "perche", "quindi",
    "percio", "per esempio", "se", "porque", "portanto", "por exemplo", "omdat", "want", "daarom",
    "bijvoorbeeld", "als",
];

/// Apologies.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const APOLOGIES: &[&str] = &[
    "im sorry", "i am sorry", "sorry", "apologies", "i apologize", "i apologise", "unfortunately",
    "entschuldigung", "tut mir leid", "leider", "desole", "malheureusement", "lo siento", "disculpa",
    "desafortunadamente", "mi dispiace", "purtroppo", "desculpe", "infelizmente", "helaas", "het spijt me",
];

/// Words of praise and of feeling that any text could carry.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const PRAISE: &[&str] = &[
    "love", "loved", "loves", "enjoy", "enjoying", "great", "best", "wonderful", "amazing", "perfect",
    "perfectly", "beautiful", "delicious", "unique", "special", "fantastic", "truly", "excellent", "world",
    "always", "incredible", "awesome", "brilliant", "happy", "delightful", "lovely", "fun", "dream",
    "dreams", "magic", "magical", "heart", "hearts", "memories", "journey", "experience", "passion",
    "adventure", "ultimate", "famous", "popular", "healthy", "tasty", "yummy", "flavorful", "comfortable",
    "reliable", "wunderbar", "einzigartig", "perfekt", "perfekte", "perfekten", "lecker", "genießen",
    "genieße", "beste", "besten", "großartig", "toll", "tolle", "herrlich", "liebe", "freude", "delicieux",
    "delicieuse", "parfait", "parfaite", "merveilleux", "merveilleuse", "meilleur", "meilleure", "savourez",
    "passion", "delicioso", "deliciosa", "perfecto", "perfecta", "unico", "unica", "disfruta", "disfrutar",
    "mejor", "increible", "maravilloso", "maravillosa", "delizioso", "deliziosa", "perfetto", "perfetta",
    "migliore", "meraviglioso", "meravigliosa", "goditi", "perfeito", "perfeita", "melhor", "incrivel",
    "maravilhoso", "aproveite", "heerlijk", "heerlijke", "perfecte", "geweldig", "geweldige", "geniet",
    "genieten", "najlepszy", "najlepsze", "idealny", "pyszny", "pyszne", "doskonały", "wspaniały",
    "mukemmel", "harika", "essiz", "lezzetli", "идеальный", "лучший", "лучшие", "прекрасный", "прекрасно",
    "вкусный", "отличный", "незабываемый", "utmarkt", "underbar", "fantastisk", "perfekta",
];

/// Verbs that say what may, should or will be, in place of what is.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const MODALS: &[&str] = &[
    "should", "could", "can", "may", "might", "would", "must", "will", "be", "being", "been", "konnte",
    "konnten", "konnen", "kann", "sollte", "sollten", "wurde", "wurden", "ware", "pourrait", "pourraient",
    "peut", "peuvent", "pouvez", "devrait", "podria", "podrias", "puede", "pueden", "puedes", "deberia",
    "debe", "potrebbe", "puo", "possono", "dovrebbe", "deve", "poderia", "pode", "podem", "zou", "zouden",
    "kan", "kunnen", "moet", "может", "можно", "можете", "следует", "moze", "mozesz", "mozna", "powinien",
    "powinno", "olabilir", "gerekir", "kunde", "skulle", "borde",
];

/// Numbers in words.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const NUMBER_WORDS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "twenty", "thirty", "forty", "fifty", "sixty", "hundred",
    "thousand", "half", "twice", "once", "quarter", "third", "zwei", "drei", "vier", "funf", "sechs",
    "sieben", "acht", "neun", "zehn", "elf", "zwolf", "zwanzig", "halb", "halbe", "deux", "trois",
    "quatre", "cinq", "sept", "huit", "neuf", "dix", "onze", "douze", "vingt", "demi", "dos", "tres",
    "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once", "doce", "veinte", "medio", "due",
    "tre", "quattro", "cinque", "sei", "sette", "otto", "nove", "dieci", "undici", "dodici", "venti",
    "mezzo", "dois", "quatro", "sete", "oito", "dez", "doze", "vinte", "meio", "twee", "drie", "vijf",
    "zes", "zeven", "negen", "tien", "elf", "twaalf", "twintig", "dwa", "trzy", "cztery", "piec", "iki",
    "uc", "dort", "bes", "два", "две", "три", "четыре", "пять", "шесть", "семь", "десять", "två", "fyra",
];

/// Words that draw a line: what is not so, what is left out, what remains.
#[rustfmt::skip] // one word per line would hide the code
pub(super) const CONTRASTS: &[&str] = &[
    "not", "no", "only", "but", "except", "instead", "still", "never", "nobody", "nothing", "none",
    "without", "neither", "isnt", "dont", "doesnt", "didnt", "wont", "cant", "just", "nicht", "kein",
    "keine", "keinen", "nur", "aber", "ohne", "nie", "noch", "pas", "sans", "mais", "jamais", "rien", "sauf",
    "seulement", "solo", "pero", "sin", "nunca", "nada", "non", "ma", "senza", "mai", "niente", "nao", "so",
    "mas", "sem", "niet", "geen", "maar", "zonder", "nooit", "alleen", "bez", "ale", "tylko", "nigdy", "не",
    "но", "только", "без", "нет", "degil", "ama", "sadece", "inte", "bara", "utan", "men",
];

/// Counts the occurrences of `phrases` in the folded `words`. Overlapping ones count each.
pub(super) fn count(words: &[String], phrases: &[&str]) -> usize {
    let mut by_first: HashMap<String, Vec<Vec<String>>> = HashMap::new();
    for phrase in phrases {
        let mut parts = phrase.split(' ').map(folded);
        if let Some(first) = parts.next() {
            by_first.entry(first).or_default().push(parts.collect());
        }
    }
    let follows = |at: usize, rest: &[String]| words.get(at + 1..at + 1 + rest.len()) == Some(rest);
    let at_word = |(at, word): (usize, &String)| {
        by_first.get(word).map_or(0, |rests| usize::from(rests.iter().any(|rest| follows(at, rest))))
    };
    words.iter().enumerate().map(at_word).sum()
}

/// Counts the occurrences of single words in the folded `words`, without those that the prompt has too.
pub(super) fn count_others(words: &[String], list: &[&str], prompt: &Text) -> usize {
    let list: HashSet<String> = list.iter().copied().map(folded).collect();
    let given: HashSet<&str> = prompt.words.iter().map(|word| word.folded.as_str()).collect();
    words.iter().filter(|word| list.contains(*word) && !given.contains(word.as_str())).count()
}

/// A word of a list as texts are folded. Most are already.
fn folded(word: &str) -> String {
    if word.is_ascii() { word.to_owned() } else { fold_text(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_counted_word_by_word() {
        let words: Vec<String> = "it depends maybe it depends on".split(' ').map(str::to_owned).collect();
        assert_eq!(count(&words, &["it depends", "maybe", "depends"]), 5);
        assert_eq!(count(&[], &["it depends"]), 0);
        assert_eq!(count(&words, &["on it"]), 0);
    }

    #[test]
    fn words_of_every_script_are_compared_folded() {
        let words: Vec<String> = "это лучший хлеб, genießt ihn".split([' ', ',']).map(fold_text).collect();
        assert_eq!(count(&words, &["лучший", "genießt"]), 2);
    }

    #[test]
    fn words_of_the_prompt_are_not_counted_as_others() {
        let words: Vec<String> = "the best bread in the world".split(' ').map(str::to_owned).collect();
        let count = |prompt: &str| count_others(&words, &["best", "world"], &Text::new(prompt));
        assert_eq!((count("Praise our bread"), count("Is our bread the best in the world?")), (2, 0));
    }
}
