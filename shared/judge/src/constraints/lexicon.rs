//! The words by which several languages state counts and lengths, folded as tokens are.

/// The words of one language.
pub(super) struct Lexicon {
    /// Two-letter code of the language.
    pub(super) code: &'static str,
    /// Number words.
    pub(super) numbers: &'static [(&'static str, u32)],
    /// Nouns for the units of length, in the order of [`Unit`](super::Unit): words, sentences, lines,
    /// characters, paragraphs, stanzas.
    pub(super) units: [&'static [&'static str]; 6],
    /// Nouns for things that an answer lists.
    pub(super) items: &'static [&'static str],
    /// Phrases before a number, or behind the unit, that make it the most allowed.
    pub(super) at_most: &'static [&'static str],
    /// Phrases that exclude the number itself from what is allowed.
    pub(super) under: &'static [&'static str],
    /// Phrases that make the number the least allowed.
    pub(super) at_least: &'static [&'static str],
    /// Phrases that allow only more than the number.
    pub(super) over: &'static [&'static str],
    /// Phrases that make the number exact.
    pub(super) exactly: &'static [&'static str],
    /// Phrases that make the number approximate.
    pub(super) about: &'static [&'static str],
    /// Words between the ends of a range.
    pub(super) to: &'static [&'static str],
    /// Words that apply a limit to every item.
    pub(super) each: &'static [&'static str],
    /// Verbs that request something.
    pub(super) requests: &'static [&'static str],
    /// Words between a verb and the number of its object, such as "me" and "a list of".
    pub(super) fillers: &'static [&'static str],
    /// Words before a number that show it to belong to a story or to a known thing.
    pub(super) blockers: &'static [&'static str],
}

/// The lexicons, English first.
pub(super) static LEXICONS: &[&Lexicon] = &[
    &ENGLISH,
    &GERMAN,
    &FRENCH,
    &SPANISH,
    &ITALIAN,
    &PORTUGUESE,
    &DUTCH,
    &POLISH,
    &RUSSIAN,
    &TURKISH,
    &SWEDISH,
];

#[rustfmt::skip] // one word per line would hide the code
static ENGLISH: Lexicon = Lexicon {
    code: "en",
    numbers: &[
        ("one", 1), ("two", 2), ("three", 3), ("four", 4), ("five", 5), ("six", 6), ("seven", 7),
        ("eight", 8), ("nine", 9), ("ten", 10), ("eleven", 11), ("twelve", 12), ("thirteen", 13),
        ("fourteen", 14), ("fifteen", 15), ("sixteen", 16), ("twenty", 20), ("thirty", 30), ("forty", 40),
        ("fifty", 50), ("sixty", 60), ("seventy", 70), ("eighty", 80), ("ninety", 90), ("hundred", 100),
        ("dozen", 12), ("single", 1),
    ],
    units: [
        &["word", "words"],
        &["sentence", "sentences"],
        &["line", "lines"],
        &["character", "characters", "char", "chars"],
        &["paragraph", "paragraphs"],
        &["stanza", "stanzas"],
    ],
    items: &[
        "tagline", "taglines", "slogan", "slogans", "headline", "headlines", "caption", "captions",
        "title", "titles", "name", "names", "joke", "jokes", "pun", "puns", "liner", "liners", "insult",
        "insults", "burn", "burns", "roasts", "tweet", "tweets", "post", "posts", "idea", "ideas", "tip",
        "tips", "trick", "tricks", "reason", "reasons", "way", "ways", "option", "options", "alternative",
        "alternatives", "suggestion", "suggestions", "example", "examples", "fact", "facts", "argument",
        "arguments", "point", "points", "bullet", "bullets", "question", "questions", "step", "steps",
        "recipe", "recipes", "source", "sources", "variant", "variants", "version", "versions",
        "recommendation", "recommendations", "haiku", "haikus", "limerick", "limericks", "poem", "poems",
        "couplets", "metaphors", "keywords", "topics", "exercises", "activities", "games", "meals",
        "dinners", "lunches", "breakfasts", "snacks", "dishes", "cocktails", "pros", "cons", "advantages",
        "disadvantages", "benefits", "drawbacks", "risks", "lessons", "takeaways", "scenarios", "gifts",
        "cases", "subject lines", "puns", "riddles", "replies", "hooks", "pitches", "comebacks", "openers",
        "toasts", "similes", "rhymes", "excuses", "proverbs", "synonyms", "objections", "mistakes",
        "myths", "measures", "strategies", "items", "emails", "variations", "quotes", "entries", "rows",
    ],
    at_most: &[
        "at most", "no more than", "not more than", "up to", "max", "maximum", "maximum of",
        "a maximum of", "at maximum", "no longer than", "not longer than", "within", "limit", "limited to",
        "or fewer", "or less", "or shorter", "tops", "at the most", "cap of", "not exceed",
        "not exceeding", "to a maximum of", "not to exceed", "or under", "limit of", "upper limit of",
        "dont exceed", "never exceed", "capped at", "cap it at", "stay within", "exceed", "limit it to",
        "keep it to", "keep to", "fit in", "fit into", "fits in", "fit within",
    ],
    under: &["under", "less than", "fewer than", "below", "shorter than", "stay below"],
    at_least: &[
        "at least", "minimum", "minimum of", "a minimum of", "min", "no fewer than", "no less than",
        "not less than", "or more", "not fewer than", "upwards of",
    ],
    over: &["more than", "over", "longer than"],
    exactly: &["exactly", "precisely", "just", "only", "exact"],
    about: &[
        "about", "around", "roughly", "approximately", "approx", "circa", "ca", "some", "or so", "nearly",
    ],
    to: &["to", "and", "or"],
    each: &["each", "apiece", "every", "per"],
    requests: &[
        "write", "give", "list", "suggest", "name", "recommend", "propose", "find", "create", "generate",
        "draft", "compose", "come up with", "need", "want", "provide", "produce", "make", "invent", "send",
        "show", "brainstorm", "offer", "pitch", "design", "share", "tell", "submit", "deliver", "supply",
        "plan", "craft", "add", "include", "id like", "would like", "looking for", "think of", "return",
        "use", "answer with", "prepare", "coin", "get", "describe", "explain", "tell me", "outline",
        "present", "output", "containing", "must have", "should have", "should contain", "must contain",
        "consisting of", "list out", "in need of",
    ],
    fillers: &[
        "me", "us", "a list of", "list of", "the list of", "top", "the top", "best", "the best", "another",
        "your", "your top", "your best", "my", "them", "with", "a set of", "a series of", "a total of",
        "out", "please", "for me", "at", "of", "in", "a", "the following",
    ],
    blockers: &[
        "my", "our", "these", "those", "this", "his", "her", "their", "its", "for", "over", "from",
        "after", "during", "have", "had", "were", "was", "all", "the", "there are", "there were", "last",
        "past", "first", "next", "by", "than", "these are", "on", "page", "chapter", "version", "step",
        "day", "other", "are",
    ],
};

#[rustfmt::skip] // one word per line would hide the code
static GERMAN: Lexicon = Lexicon {
    code: "de",
    numbers: &[
        ("ein", 1), ("eine", 1), ("einen", 1), ("einem", 1), ("einer", 1), ("zwei", 2), ("drei", 3),
        ("vier", 4), ("funf", 5), ("fuenf", 5), ("sechs", 6), ("sieben", 7), ("acht", 8), ("neun", 9),
        ("zehn", 10), ("elf", 11), ("zwolf", 12), ("funfzehn", 15), ("zwanzig", 20), ("dreißig", 30),
        ("vierzig", 40), ("funfzig", 50), ("sechzig", 60), ("achtzig", 80), ("hundert", 100),
        ("dutzend", 12),
    ],
    units: [
        &["wort", "worte", "worter", "wortern", "worten", "woerter", "woertern"],
        &["satz", "satze", "satzen", "saetze", "saetzen"],
        &["zeile", "zeilen"],
        &["zeichen", "buchstaben", "anschlage"],
        &["absatz", "absatze", "absatzen", "abschnitt", "abschnitte", "abschnitten", "absaetze"],
        &["strophe", "strophen"],
    ],
    items: &[
        "slogan", "slogans", "spruch", "spruche", "titel", "uberschrift", "uberschriften", "namen", "witz",
        "witze", "idee", "ideen", "tipp", "tipps", "grund", "grunde", "vorschlag", "vorschlage",
        "beispiel", "beispiele", "fakten", "argumente", "punkt", "punkte", "punkten", "stichpunkt",
        "stichpunkte", "stichpunkten", "frage", "fragen", "schritt", "schritte", "schritten", "rezept",
        "rezepte", "quellen", "varianten", "empfehlungen", "gedichte", "haikus", "limericks", "ratsel",
        "moglichkeiten", "wege", "alternativen", "optionen", "vorteile", "nachteile", "gerichte",
        "abendessen", "werbespruche", "schlagzeilen", "bildunterschriften", "ausreden", "stichworte",
        "tweets", "wortspiele", "geschenkideen",
    ],
    at_most: &[
        "hochstens", "hoechstens", "maximal", "max", "nicht mehr als", "bis zu", "nicht langer als",
        "oder weniger", "nicht uber", "maximum", "nicht uberschreiten", "uberschreiten",
    ],
    under: &["unter", "weniger als", "kurzer als"],
    at_least: &["mindestens", "wenigstens", "min", "minimum", "nicht weniger als", "oder mehr"],
    over: &["mehr als", "uber"],
    exactly: &["genau", "exakt", "nur"],
    about: &["etwa", "ungefahr", "ca", "circa", "rund", "zirka", "ungefaehr"],
    to: &["bis", "und", "oder"],
    each: &["jeweils", "je", "jeder", "jede", "jedes", "jeden", "pro"],
    requests: &[
        "schreib", "schreibe", "schreiben", "gib", "geben", "nenne", "nennen", "liste", "schlage",
        "schlag", "erstelle", "erstellen", "formuliere", "verfasse", "entwirf", "brauche", "brauchen",
        "suche", "suchen", "mochte", "mach", "mache", "finde", "erfinde", "liefere", "dichte", "uberlege",
        "zeige", "erzahle", "erklare", "beschreibe", "bitte", "plane", "empfiehl", "hatte gern",
        "hatte gerne", "sammle", "fasse",
    ],
    fillers: &[
        "mir", "uns", "bitte", "die besten", "eine liste von", "eine liste mit", "noch", "deine", "dir",
        "mit", "in", "aus",
    ],
    blockers: &[
        "meine", "meinen", "unsere", "diese", "dieser", "seine", "ihre", "fur", "nach", "seit", "habe",
        "haben", "hat", "hatte", "waren", "sind", "die", "den", "der", "alle", "letzten", "ersten", "von",
        "mit meinen",
    ],
};

#[rustfmt::skip] // one word per line would hide the code
static FRENCH: Lexicon = Lexicon {
    code: "fr",
    numbers: &[
        ("un", 1), ("une", 1), ("deux", 2), ("trois", 3), ("quatre", 4), ("cinq", 5), ("six", 6),
        ("sept", 7), ("huit", 8), ("neuf", 9), ("dix", 10), ("onze", 11), ("douze", 12), ("quinze", 15),
        ("vingt", 20), ("trente", 30), ("quarante", 40), ("cinquante", 50), ("soixante", 60),
        ("cent", 100), ("douzaine", 12), ("dizaine", 10),
    ],
    units: [
        &["mot", "mots"],
        &["phrase", "phrases"],
        &["ligne", "lignes", "vers"],
        &["caractere", "caracteres", "signes"],
        &["paragraphe", "paragraphes"],
        &["strophe", "strophes"],
    ],
    items: &[
        "slogan", "slogans", "accroche", "accroches", "titre", "titres", "noms", "blague", "blagues",
        "idee", "idees", "conseil", "conseils", "astuce", "astuces", "raison", "raisons", "exemple",
        "exemples", "faits", "arguments", "point", "points", "puces", "question", "questions", "etape",
        "etapes", "recette", "recettes", "sources", "variantes", "versions", "recommandations", "poemes",
        "haikus", "limericks", "facons", "manieres", "options", "alternatives", "suggestions",
        "propositions", "avantages", "inconvenients", "plats", "devinettes", "legendes", "excuses",
        "tweets", "repas", "proverbes",
    ],
    at_most: &[
        "au plus", "au maximum", "maximum", "max", "pas plus de", "jusqua", "tout au plus", "ou moins",
        "maximum de", "un maximum de", "sans depasser", "ne depasse pas", "depasser", "maxi", "limite a",
    ],
    under: &["moins de", "en moins de"],
    at_least: &["au moins", "minimum", "au minimum", "min", "ou plus"],
    over: &["plus de"],
    exactly: &["exactement", "precisement", "seulement"],
    about: &["environ", "a peu pres", "autour de"],
    to: &["a", "et", "ou"],
    each: &["chacun", "chacune", "chaque"],
    requests: &[
        "ecris", "ecrivez", "ecrire", "donne", "donnez", "donner", "liste", "listez", "propose",
        "proposez", "suggere", "suggerez", "cite", "citez", "redige", "redigez", "cree", "creez", "trouve",
        "trouvez", "invente", "inventez", "besoin", "voudrais", "veux", "faut", "compose", "composez",
        "fais", "faites", "recommande", "recommandez", "imagine", "imaginez", "resume", "resumez",
        "explique", "expliquez", "decris",
    ],
    fillers: &["moi", "nous", "une liste de", "de", "les", "d", "mes", "en", "avec", "encore"],
    blockers: &[
        "mes", "nos", "ces", "ses", "leurs", "pour", "depuis", "pendant", "ai", "avons", "avait", "les",
        "tous les", "derniers", "premiers", "apres",
    ],
};

#[rustfmt::skip] // one word per line would hide the code
static SPANISH: Lexicon = Lexicon {
    code: "es",
    numbers: &[
        ("un", 1), ("una", 1), ("uno", 1), ("dos", 2), ("tres", 3), ("cuatro", 4), ("cinco", 5),
        ("seis", 6), ("siete", 7), ("ocho", 8), ("nueve", 9), ("diez", 10), ("once", 11), ("doce", 12),
        ("quince", 15), ("veinte", 20), ("treinta", 30), ("cuarenta", 40), ("cincuenta", 50),
        ("sesenta", 60), ("cien", 100), ("docena", 12),
    ],
    units: [
        &["palabra", "palabras"],
        &["frase", "frases", "oracion", "oraciones"],
        &["linea", "lineas", "verso", "versos", "renglones"],
        &["caracter", "caracteres"],
        &["parrafo", "parrafos"],
        &["estrofa", "estrofas"],
    ],
    items: &[
        "eslogan", "esloganes", "eslogans", "slogans", "lema", "lemas", "titulo", "titulos", "titulares",
        "nombres", "chiste", "chistes", "idea", "ideas", "consejo", "consejos", "truco", "trucos", "razon",
        "razones", "motivos", "ejemplo", "ejemplos", "datos", "argumentos", "punto", "puntos", "vinetas",
        "pregunta", "preguntas", "paso", "pasos", "receta", "recetas", "fuentes", "variantes", "versiones",
        "recomendaciones", "poemas", "haikus", "maneras", "formas", "opciones", "alternativas",
        "sugerencias", "propuestas", "ventajas", "desventajas", "platos", "adivinanzas", "excusas",
        "tuits", "cenas", "comidas",
    ],
    at_most: &[
        "como maximo", "maximo", "un maximo de", "max", "no mas de", "hasta", "a lo sumo", "o menos",
        "sin pasar de", "maximo de", "que no supere", "no supere las", "sin superar", "sin exceder",
        "como mucho",
    ],
    under: &["menos de"],
    at_least: &["al menos", "como minimo", "minimo", "por lo menos", "un minimo de", "min", "o mas"],
    over: &["mas de"],
    exactly: &["exactamente", "justo", "solo"],
    about: &["unos", "unas", "aproximadamente", "alrededor de", "cerca de", "mas o menos"],
    to: &["a", "y", "o"],
    each: &["cada"],
    requests: &[
        "escribe", "escriba", "escribir", "escribeme", "da", "dame", "deme", "danos", "lista", "enumera",
        "propon", "sugiere", "nombra", "menciona", "redacta", "crea", "encuentra", "busca", "inventa",
        "necesito", "necesitamos", "quiero", "queremos", "haz", "hazme", "recomienda", "dime", "genera",
        "resume", "explica", "describe", "prepara",
    ],
    fillers: &["me", "nos", "una lista de", "de", "los", "las", "tus", "en", "con", "otros", "otras"],
    blockers: &[
        "mis", "nuestros", "nuestras", "estos", "estas", "sus", "para", "desde", "durante", "tengo",
        "tenemos", "tiene", "los", "las", "ultimos", "ultimas", "primeros", "hace",
    ],
};

#[rustfmt::skip] // one word per line would hide the code
static ITALIAN: Lexicon = Lexicon {
    code: "it",
    numbers: &[
        ("un", 1), ("una", 1), ("uno", 1), ("unica", 1), ("due", 2), ("tre", 3), ("quattro", 4),
        ("cinque", 5), ("sei", 6), ("sette", 7), ("otto", 8), ("nove", 9), ("dieci", 10), ("undici", 11),
        ("dodici", 12), ("quindici", 15), ("venti", 20), ("trenta", 30), ("quaranta", 40),
        ("cinquanta", 50), ("sessanta", 60), ("ottanta", 80), ("cento", 100), ("dozzina", 12),
    ],
    units: [
        &["parola", "parole"],
        &["frase", "frasi"],
        &["riga", "righe", "verso", "versi", "linee"],
        &["carattere", "caratteri", "battute"],
        &["paragrafo", "paragrafi"],
        &["strofa", "strofe"],
    ],
    items: &[
        "slogan", "titolo", "titoli", "nomi", "barzelletta", "barzellette", "idea", "idee", "consiglio",
        "consigli", "trucchi", "ragioni", "motivo", "motivi", "esempio", "esempi", "fatti", "argomenti",
        "punto", "punti", "domanda", "domande", "passo", "passi", "passaggi", "ricetta", "ricette",
        "fonti", "varianti", "versioni", "raccomandazioni", "poesie", "haiku", "modi", "opzioni",
        "alternative", "suggerimenti", "proposte", "vantaggi", "svantaggi", "piatti", "indovinelli",
        "scuse", "tweet", "cene",
    ],
    at_most: &[
        "al massimo", "massimo", "max", "non piu di", "fino a", "un massimo di", "o meno",
        "senza superare", "entro",
    ],
    under: &["meno di", "sotto le"],
    at_least: &["almeno", "minimo", "come minimo", "un minimo di", "min", "o piu"],
    over: &["piu di", "oltre"],
    exactly: &["esattamente", "solo", "precisamente"],
    about: &["circa", "approssimativamente", "all incirca"],
    to: &["a", "e", "o"],
    each: &["ciascuno", "ciascuna", "ogni", "ognuno", "ognuna"],
    requests: &[
        "scrivi", "scrivere", "scrivimi", "dai", "dammi", "elenca", "proponi", "suggerisci", "nomina",
        "crea", "trova", "inventa", "servono", "vorrei", "voglio", "serve", "fai", "fammi", "consiglia",
        "genera", "componi", "riassumi", "spiega", "descrivi", "prepara", "indica", "ho bisogno di",
    ],
    fillers: &["mi", "ci", "una lista di", "un elenco di", "di", "i", "le", "in", "con", "altri", "altre"],
    blockers: &[
        "miei", "mie", "nostri", "nostre", "questi", "queste", "suoi", "per", "da", "dopo", "ho", "abbiamo",
        "ha", "i", "le", "ultimi",
    ],
};

#[rustfmt::skip] // one word per line would hide the code
static PORTUGUESE: Lexicon = Lexicon {
    code: "pt",
    numbers: &[
        ("um", 1), ("uma", 1), ("unica", 1), ("dois", 2), ("duas", 2), ("tres", 3), ("quatro", 4),
        ("cinco", 5), ("seis", 6), ("sete", 7), ("oito", 8), ("nove", 9), ("dez", 10), ("onze", 11),
        ("doze", 12), ("quinze", 15), ("vinte", 20), ("trinta", 30), ("quarenta", 40), ("cinquenta", 50),
        ("sessenta", 60), ("oitenta", 80), ("cem", 100), ("duzia", 12),
    ],
    units: [
        &["palavra", "palavras"],
        &["frase", "frases"],
        &["linha", "linhas", "verso", "versos"],
        &["caractere", "caracteres", "carateres"],
        &["paragrafo", "paragrafos"],
        &["estrofe", "estrofes"],
    ],
    items: &[
        "slogan", "slogans", "titulo", "titulos", "nomes", "piada", "piadas", "ideia", "ideias", "dica",
        "dicas", "truques", "razao", "razoes", "motivos", "exemplo", "exemplos", "fatos", "argumentos",
        "ponto", "pontos", "topicos", "pergunta", "perguntas", "passo", "passos", "etapas", "receita",
        "receitas", "fontes", "variantes", "versoes", "recomendacoes", "poemas", "haicais", "maneiras",
        "formas", "opcoes", "alternativas", "sugestoes", "propostas", "vantagens", "desvantagens",
        "pratos", "adivinhas", "desculpas", "tuites",
    ],
    at_most: &[
        "no maximo", "maximo", "max", "nao mais de", "nao mais que", "ate", "um maximo de", "maximo de",
        "ou menos", "sem ultrapassar",
    ],
    under: &["menos de", "menos que"],
    at_least: &["pelo menos", "no minimo", "minimo", "ao menos", "um minimo de", "min", "ou mais"],
    over: &["mais de", "mais que"],
    exactly: &["exatamente", "exactamente", "apenas", "so", "precisamente"],
    about: &["cerca de", "aproximadamente", "por volta de", "uns", "umas"],
    to: &["a", "e", "ou"],
    each: &["cada"],
    requests: &[
        "escreva", "escreve", "escrever", "de", "da", "liste", "lista", "proponha", "sugira", "cite",
        "crie", "cria", "encontre", "invente", "preciso", "precisamos", "quero", "queremos", "faca", "faz",
        "recomende", "gere", "componha", "resuma", "explique", "descreva", "prepare", "indique", "diga",
    ],
    fillers: &["me", "nos", "uma lista de", "lista de", "de", "os", "as", "em", "com", "outros", "outras"],
    blockers: &[
        "meus", "minhas", "nossos", "nossas", "estes", "estas", "esses", "seus", "para", "desde", "durante",
        "tenho", "temos", "os", "as", "ultimos",
    ],
};

#[rustfmt::skip] // one word per line would hide the code
static DUTCH: Lexicon = Lexicon {
    code: "nl",
    numbers: &[
        ("een", 1), ("twee", 2), ("drie", 3), ("vier", 4), ("vijf", 5), ("zes", 6), ("zeven", 7),
        ("acht", 8), ("negen", 9), ("tien", 10), ("elf", 11), ("twaalf", 12), ("vijftien", 15),
        ("twintig", 20), ("dertig", 30), ("veertig", 40), ("vijftig", 50), ("zestig", 60), ("tachtig", 80),
        ("honderd", 100), ("dozijn", 12),
    ],
    units: [
        &["woord", "woorden"],
        &["zin", "zinnen"],
        &["regel", "regels", "lijnen"],
        &["teken", "tekens", "karakters"],
        &["alinea", "alineas", "paragrafen"],
        &["strofe", "strofen", "coupletten"],
    ],
    items: &[
        "slogan", "slogans", "slagzinnen", "titels", "titel", "koppen", "namen", "grap", "grappen", "mop",
        "moppen", "idee", "ideeen", "tip", "tips", "trucs", "reden", "redenen", "voorbeeld", "voorbeelden",
        "feiten", "argumenten", "punten", "opsommingspunten", "bulletpoints", "vraag", "vragen", "stap",
        "stappen", "recept", "recepten", "bronnen", "varianten", "versies", "aanbevelingen", "gedichten",
        "haikus", "manieren", "opties", "alternatieven", "suggesties", "voorstellen", "voordelen",
        "nadelen", "gerechten", "raadsels", "smoesjes", "tweets",
    ],
    at_most: &[
        "hooguit", "hoogstens", "maximaal", "max", "niet meer dan", "tot", "ten hoogste", "of minder",
        "maximum", "niet langer dan",
    ],
    under: &["onder de", "minder dan", "onder"],
    at_least: &["minstens", "ten minste", "tenminste", "minimaal", "min", "of meer"],
    over: &["meer dan"],
    exactly: &["precies", "exact", "slechts", "alleen"],
    about: &["ongeveer", "circa", "ca", "rond de", "zon"],
    to: &["tot", "en", "of", "a"],
    each: &["elk", "elke", "ieder", "iedere", "per"],
    requests: &[
        "schrijf", "schrijven", "geef", "geven", "noem", "bedenk", "stel", "maak", "verzin", "zoek", "wil",
        "nodig", "graag", "doe", "vind", "lever", "som", "beschrijf", "leg", "vat", "raad", "formuleer",
        "plan", "toon",
    ],
    fillers: &[
        "me", "mij", "ons", "een lijst van", "een lijst met", "de", "nog", "eens", "in", "met", "graag",
        "je",
    ],
    blockers: &[
        "mijn", "onze", "deze", "die", "zijn", "haar", "hun", "voor", "na", "sinds", "heb", "hebben",
        "heeft", "de", "het", "alle", "laatste",
    ],
};

/// A short lexicon, for limits in digits.
#[rustfmt::skip] // one word per line would hide the code
static POLISH: Lexicon = Lexicon {
    code: "pl",
    numbers: &[("dwa", 2), ("dwie", 2), ("dwoch", 2), ("trzy", 3), ("cztery", 4), ("piec", 5)],
    units: [
        &["slow", "slowa", "slowach"],
        &["zdan", "zdania", "zdaniach", "zdanie"],
        &["linii", "linijek", "linijki", "wersow"],
        &["znakow", "znaki"],
        &["akapit", "akapity", "akapitow"],
        &["zwrotki", "zwrotek"],
    ],
    items: &[
        "hasla", "hasel", "zarty", "zartow", "pomysly", "pomyslow", "porady", "porad", "przyklady",
        "powody", "pytania", "pytan",
    ],
    at_most: &["maksymalnie", "max", "maks", "nie wiecej niz", "do"],
    under: &["mniej niz", "ponizej"],
    at_least: &["co najmniej", "minimum", "przynajmniej"],
    over: &["ponad"],
    exactly: &["dokladnie"],
    about: &["okolo", "ok"],
    to: &["do", "lub"],
    each: &["kazdy", "kazde", "kazda", "po"],
    requests: &["napisz", "podaj", "wymien", "zaproponuj", "daj", "wymysl", "potrzebuje", "odpowiedz"],
    fillers: &["mi", "w"],
    blockers: &["moje", "nasze", "te", "dla", "od"],
};

/// A short lexicon, for limits in digits.
#[rustfmt::skip] // one word per line would hide the code
static RUSSIAN: Lexicon = Lexicon {
    code: "ru",
    numbers: &[("дba", 2), ("дbe", 2), ("дbyx", 2), ("tpи", 3), ("tpex", 3), ("чetыpe", 4), ("пяtь", 5)],
    units: [
        &["cлob", "cлoba", "cлobo"],
        &["пpeдлoжehии", "пpeдлoжehия", "пpeдлoжehияx", "пpeдлoжehиe"],
        &["ctpok", "ctpokи", "ctpokax", "ctpoky"],
        &["cиmboлob", "зhakob", "cиmboлa"],
        &["aбзaц", "aбзaцa", "aбзaцeb"],
        &["ctpoфы", "ctpoф"],
    ],
    items: &[
        "cлoraha", "cлorahob", "wytkи", "wytok", "идeи", "идeи", "cobeta", "cobetob", "пpиmepa",
        "пpиmepob", "пpичиhы", "пpичиh", "boпpocob", "boпpoca",
    ],
    at_most: &["he бoльwe", "he бoлee", "makcиmym", "дo", "makc"],
    under: &["mehьwe", "mehee"],
    at_least: &["he mehьwe", "he mehee", "mиhиmym"],
    over: &["бoльwe", "бoлee"],
    exactly: &["pobho"],
    about: &["okoлo", "пpиmepho"],
    to: &["дo", "или"],
    each: &["kaждыи", "kaждaя", "kaждoe"],
    requests: &[
        "haпиwи", "haпиwиte", "дaи", "дaиte", "пpидymaи", "пpидymaиte", "пpeдлoжи", "haзobи", "пepeчиcли",
        "hyжho", "hyжhы",
    ],
    fillers: &["mhe", "b"],
    blockers: &["moи", "hawи", "эtи", "для"],
};

/// A short lexicon, for limits in digits.
static TURKISH: Lexicon = Lexicon {
    code: "tr",
    numbers: &[("iki", 2), ("uc", 3), ("dort", 4), ("bes", 5)],
    units: [
        &["kelime", "kelimeyi"],
        &["cumle", "cumlede", "cumleyle"],
        &["satir", "satirda"],
        &["karakter", "karakteri"],
        &["paragraf"],
        &["kita"],
    ],
    items: &["slogan", "saka", "fikir", "oneri", "ipucu", "ornek", "neden", "soru"],
    at_most: &["en fazla", "en cok", "maksimum", "azami"],
    under: &["altinda"],
    at_least: &["en az", "asgari"],
    over: &[],
    exactly: &["tam", "tam olarak", "sadece"],
    about: &["yaklasik"],
    to: &["ila", "veya"],
    each: &["her", "her biri"],
    requests: &["yaz", "ver", "oner", "listele", "bul", "yazin"],
    fillers: &["bana"],
    blockers: &["benim", "bizim", "bu"],
};

/// A short lexicon, for limits in digits.
static SWEDISH: Lexicon = Lexicon {
    code: "sv",
    numbers: &[("tva", 2), ("tre", 3), ("fyra", 4), ("fem", 5)],
    units: [
        &["ord"],
        &["mening", "meningar"],
        &["rad", "rader"],
        &["tecken"],
        &["stycke", "stycken"],
        &["strof", "strofer"],
    ],
    items: &["slogans", "skamt", "ideer", "tips", "exempel", "skal", "fragor", "forslag"],
    at_most: &["hogst", "max", "maximalt", "inte mer an"],
    under: &["under", "mindre an"],
    at_least: &["minst"],
    over: &["mer an"],
    exactly: &["exakt", "precis"],
    about: &["ungefar", "cirka", "ca"],
    to: &["till", "eller"],
    each: &["varje", "vardera", "per"],
    requests: &["skriv", "ge", "foresla", "lista", "hitta", "behover", "gor"],
    fillers: &["mig", "oss"],
    blockers: &["mina", "vara", "dessa", "for"],
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::fold_text;

    #[test]
    fn words_are_written_as_tokens_are_folded() {
        for lexicon in LEXICONS {
            let lists = [
                lexicon.items,
                lexicon.at_most,
                lexicon.under,
                lexicon.at_least,
                lexicon.over,
                lexicon.exactly,
                lexicon.about,
                lexicon.to,
                lexicon.each,
                lexicon.requests,
                lexicon.fillers,
                lexicon.blockers,
            ];
            let words = lists.iter().chain(&lexicon.units).copied().flatten().copied();
            for word in words.chain(lexicon.numbers.iter().map(|(word, _)| *word)) {
                assert_eq!(fold_text(word), word);
            }
        }
    }
}
