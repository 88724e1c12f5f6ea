//! Tables of prompts with their demands, and of answers with the results.

use clorp_domain::Pack;

use super::{Met, extract};

/// The stated demands of a prompt, as "kind: sentence".
fn demands(pack: Pack, prompt: &str) -> Vec<String> {
    let stated = extract(prompt, pack);
    stated
        .iter()
        .filter(|one| one.is_stated())
        .map(|one| format!("{}: {}", one.kind(), one.sentence()))
        .collect()
}

/// Asserts that each prompt states exactly the given demands of the kinds whose name begins with one of
/// `kinds`.
fn assert_demands(pack: Pack, kinds: &[&str], table: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (prompt, expect) in table {
        let of_kind = |demand: &String| kinds.iter().any(|kind| demand.starts_with(kind));
        let found: Vec<String> = demands(pack, prompt).into_iter().filter(of_kind).collect();
        if found != *expect {
            wrong.push(format!("{prompt}\n  expected {expect:?}\n  found    {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn counts_are_found_in_many_wordings() {
    assert_demands(
        Pack::Wild,
        &["count"],
        &[
            ("Write three taglines for a bakery.", &["count: exactly 3 items"]),
            ("Roast our startup. Three taglines.", &["count: exactly 3 items"]),
            ("Give me exactly four bullet points on tides.", &["count: exactly 4 items"]),
            ("5-7 tips for new runners, please", &["count: 5 to 7 items"]),
            ("Give me a list of ten museums in Rome", &["count: exactly 10 items"]),
            ("One post idea per week for four weeks, for a florist", &["count: exactly 4 items"]),
            ("Name at least 3 reasons to learn Latin", &["count: at least 3 items"]),
            ("Suggest up to five names for a cat", &["count: at most 5 items"]),
            ("List the top 5 ways to save water", &["count: exactly 5 items"]),
            ("I need two or three slogans for a gym", &["count: 2 to 3 items"]),
            ("Write three 50-word blurbs for a shop", &["count: exactly 3 items"]),
            ("Write five one-liners about printers", &["count: exactly 5 items"]),
            ("Suggest four day trips from Lyon", &["count: exactly 4 items"]),
            ("Come up with a dozen excuses for being late", &["count: exactly 12 items"]),
            ("Give me 3 to 5 subject lines for a newsletter", &["count: 3 to 5 items"]),
            ("Schreibe drei Slogans für eine Bäckerei", &["count: exactly 3 items"]),
            ("Nenne mindestens fünf Gründe für Radwege", &["count: at least 5 items"]),
            ("Bitte genau vier Stichpunkte zum Thema Ebbe", &["count: exactly 4 items"]),
            ("Écris trois slogans pour une boulangerie", &["count: exactly 3 items"]),
            ("Donne-moi cinq idées de cadeaux pour ma mère", &["count: exactly 5 items"]),
            ("Escribe tres chistes sobre impresoras", &["count: exactly 3 items"]),
            ("Dame al menos cuatro consejos para dormir mejor", &["count: at least 4 items"]),
            ("Scrivi tre slogan per una gelateria", &["count: exactly 3 items"]),
            ("Elenca cinque motivi per andare in bici", &["count: exactly 5 items"]),
            ("Escreva três piadas sobre reuniões", &["count: exactly 3 items"]),
            ("Liste cinco dicas para economizar água", &["count: exactly 5 items"]),
            ("Schrijf drie slogans voor een bakkerij", &["count: exactly 3 items"]),
            ("Geef vijf tips voor een moestuin", &["count: exactly 5 items"]),
            ("キャッチコピーを3つ考えてください", &["count: exactly 3 items"]),
            ("Plan a week of dinners for two, 7 dinners, max 30 minutes", &["count: exactly 7 items"]),
            ("A numbered list of five steps, each starting with a verb", &["count: exactly 5 items"]),
            ("给我三个标语，推广面包店", &["count: exactly 3 items"]),
        ],
    );
}

#[test]
fn numbers_of_a_story_are_no_counts() {
    assert_demands(
        Pack::Wild,
        &["count", "length"],
        &[
            ("A dinner for a family of four", &[]),
            ("Plan a party for 15 people with a budget of 200 euros", &[]),
            ("A recipe that takes under 30 minutes", &[]),
            ("My app has 5 features that nobody uses. Roast it.", &[]),
            ("I have three ideas for my startup. Which is best?", &[]),
            ("Which of these three options is cheapest?", &[]),
            ("Roast my 900-line component", &[]),
            ("The three reasons he gave were bad. Write a reply.", &[]),
            ("A scene with two characters in a lift", &[]),
            ("We had 2 jokes on our sign last year. Write something new.", &[]),
            ("My dog is 3 years old and 40 cm tall", &[]),
            ("I was born on 3.5.1990", &[]),
            ("How many steps are there in photosynthesis?", &[]),
            ("The meeting is at 14:05 in room 12", &[]),
            ("Write a poem about 99 red balloons", &[]),
            ("Interest is 5% per year on 1,000 euros", &[]),
            ("Meine Familie hat vier Kinder und zwei Hunde", &[]),
            ("J'ai trois enfants et deux chats", &[]),
            ("卵2個と豆腐1丁があります", &[]),
            ("Reply to this tweet: we love 3 taglines", &[]),
            ("My essay has 9 paragraphs of 40 words. What should I do?", &[]),
            (
                "Rewrite the following note so that it sounds kind:\n\nHi Tom, send me the three reports, 2 paragraphs each.",
                &[],
            ),
            ("In chapter 3 line 12 he says no", &[]),
            ("Summarise this text: He wrote three taglines of ten words and went home again.", &[]),
        ],
    );
}

#[test]
fn lengths_are_found_in_many_wordings() {
    assert_demands(
        Pack::Wild,
        &["length"],
        &[
            ("Explain tides in under 80 words", &["length_words: at most 79 words"]),
            ("Explain tides. No more than two sentences.", &["length_sentences: at most 2 sentences"]),
            ("A bio, max 280 characters", &["length_characters: at most 280 characters"]),
            ("Describe Rome in one paragraph", &["length_paragraphs: exactly 1 paragraph"]),
            ("Between 100 and 150 words on tides", &["length_words: 100 to 150 words"]),
            ("Write a haiku about rain", &["length_lines: exactly 3 lines"]),
            ("Write a limerick about Pete", &["length_lines: exactly 5 lines"]),
            ("Write a tweet about our bakery", &["length_characters: at most 280 characters"]),
            ("Answer in two sentences", &["length_sentences: exactly 2 sentences"]),
            ("Answer in a single sentence.", &["length_sentences: exactly 1 sentence"]),
            ("Write a 50-word summary of tides", &["length_words: about 50 words"]),
            ("About 120 words, friendly", &["length_words: about 120 words"]),
            ("At least 200 words on tides", &["length_words: at least 200 words"]),
            ("60-90 words", &["length_words: 60 to 90 words"]),
            ("A dialogue between two friends, 10 lines, about a lift", &["length_lines: exactly 10 lines"]),
            ("A tweet (max. 280 characters) about rain", &["length_characters: at most 280 characters"]),
            (
                "タイトルを5つ考えてください。それぞれ30文字以内で。",
                &["length_characters_each: at most 30 characters per item"],
            ),
            ("≤ 12 lines total", &["length_lines: at most 12 lines"]),
            ("35 words at most", &["length_words: at most 35 words"]),
            ("Write an ode in exactly four stanzas", &["length_stanzas: exactly 4 stanzas"]),
            ("Keep it to 3 sentences max.", &["length_sentences: at most 3 sentences"]),
            ("One line, dry humour", &["length_lines: exactly 1 line"]),
            ("Three taglines, each under 10 words", &["length_words_each: at most 9 words per item"]),
            ("5 questions, one line each", &["length_lines_each: exactly 1 line per item"]),
            (
                "Write a newsletter, subject line under 50 characters",
                &["length_subject: at most 49 characters in the subject line"],
            ),
            ("Höchstens 80 Wörter", &["length_words: at most 80 words"]),
            ("Antworte in zwei Sätzen", &["length_sentences: exactly 2 sentences"]),
            ("Bitte nicht mehr als 160 Zeichen", &["length_characters: at most 160 characters"]),
            ("Nicht länger als 12 Wörter", &["length_words: at most 12 words"]),
            ("Zwischen 50 und 70 Wörtern", &["length_words: 50 to 70 words"]),
            ("En moins de 50 mots", &["length_words: at most 49 words"]),
            ("Répondez en 4 phrases maximum", &["length_sentences: at most 4 sentences"]),
            ("Pas plus de deux phrases", &["length_sentences: at most 2 sentences"]),
            ("Máximo 3 frases", &["length_sentences: at most 3 sentences"]),
            ("Escribe un texto de entre 50 y 80 palabras", &["length_words: 50 to 80 words"]),
            ("Explícalo en dos frases", &["length_sentences: exactly 2 sentences"]),
            ("Massimo 60 parole", &["length_words: at most 60 words"]),
            ("Rispondi in tre frasi", &["length_sentences: exactly 3 sentences"]),
            ("Bastano 5-6 righe", &["length_lines: 5 to 6 lines"]),
            ("No máximo 60 palavras", &["length_words: at most 60 words"]),
            ("Em exatamente duas frases", &["length_sentences: exactly 2 sentences"]),
            ("Maximaal 90 woorden", &["length_words: at most 90 words"]),
            ("Schrijf het in twee zinnen", &["length_sentences: exactly 2 sentences"]),
            ("100字以内で説明してください", &["length_characters: at most 100 characters"]),
            ("3〜4文で答えて", &["length_sentences: 3 to 4 sentences"]),
            ("不超过120字", &["length_characters: at most 120 characters"]),
            ("用三四句话回答", &["length_sentences: 3 to 4 sentences"]),
            ("Maksymalnie 60 słów, po polsku", &["length_words: at most 60 words"]),
            ("Не больше 80 слов, без лести", &["length_words: at most 80 words"]),
            ("En fazla 60 kelime, kibar bir dil ile", &["length_words: at most 60 words"]),
        ],
    );
}

#[test]
fn lengths_of_parts_and_of_other_things_are_left_out() {
    assert_demands(
        Pack::Wild,
        &["length"],
        &[
            ("No apologies longer than one sentence", &[]),
            ("A table and one line saying why", &[]),
            ("Roast it, then one line of actual advice", &[]),
            ("Write a post with a title under 60 characters", &[]),
            ("Describe it in your own words", &[]),
            ("Explain what a haiku is", &[]),
            ("Use the words sun and rain", &[]),
            ("Compare both in a table and give a verdict in one sentence", &[]),
            ("Passwords of at least 12 characters are required", &[]),
        ],
    );
}

#[test]
fn forms_are_found_and_negations_reversed() {
    #[rustfmt::skip] // one word per line would hide the code
    let kinds = &[
        "format", "no_", "code_only", "emoji", "hashtags", "headings", "subject", "ends", "lower", "upper",
        "code_block",
    ];
    assert_demands(
        Pack::Wild,
        kinds,
        &[
            (
                "Return valid JSON with keys name, org and date.",
                &["format_json: JSON with the keys name, org, date"],
            ),
            ("As JSON, nothing else", &["format_json: valid JSON", "no_preamble: nothing around the answer"]),
            (
                "Give me a table with columns City | Start | End",
                &["format_table: a table with the columns City, Start, End"],
            ),
            (
                "Als Tabelle mit drei Spalten: Ort, Zeit, Preis",
                &["format_table: a table with the columns Ort, Zeit, Preis"],
            ),
            ("Use bullet points", &["format_list: a list"]),
            ("No bullet points, please", &["no_list: no list"]),
            ("Bitte keine Liste", &["no_list: no list"]),
            ("A numbered list of steps", &["format_numbered_list: a numbered list"]),
            ("No markdown and no emojis", &["no_markdown: no Markdown", "no_emoji: no emoji"]),
            ("Sans emoji ni hashtags", &["no_emoji: no emoji", "no_hashtags: no hashtags"]),
            ("Bitte ohne Ausrufezeichen", &["no_exclamation: no exclamation marks"]),
            (
                "No exclamation marks, no hashtags",
                &["no_exclamation: no exclamation marks", "no_hashtags: no hashtags"],
            ),
            ("An e-mail with a subject line", &["subject_line: a subject line"]),
            ("Schreib eine Mail mit Betreff", &["subject_line: a subject line"]),
            ("End with a question.", &["ends_with_question: a question at the end"]),
            ("Termina con una pregunta", &["ends_with_question: a question at the end"]),
            ("Write it in all caps", &["upper_case: capitals only"]),
            ("all lowercase please", &["lower_case: lower case only"]),
            (
                "A quiz. JSON only with fields question, options, answer.",
                &["format_json: JSON with the keys question, options, answer"],
            ),
            ("As CSV with a header", &["format_csv: CSV"]),
            ("Keine Einleitung", &["no_preamble: nothing around the answer"]),
            ("No links", &["no_links: no links"]),
            ("Write a function that parses JSON", &[]),
            ("Dinner on the table at 7", &[]),
            ("We already run Postgres, nothing else", &[]),
            ("Don't change the list that is passed in", &[]),
            ("My shopping list is long", &[]),
        ],
    );
}

#[test]
fn terms_are_found_to_mention_and_to_leave_out() {
    assert_demands(
        Pack::Wild,
        &["mention", "omit"],
        &[
            ("Must contain the word \"calendar\".", &["mention: mention \"calendar\""]),
            (
                "Include the words \"rain\" and 'sun'",
                &["mention: mention \"rain\"", "mention: mention \"sun\""],
            ),
            (
                "Must mention the TAM and the slide count.",
                &["mention: mention TAM", "mention: mention slide count"],
            ),
            ("Please mention Article 17.", &["mention: mention Article 17"]),
            ("Don't use the word \"sweet\"", &["omit: do not mention \"sweet\""]),
            (
                "Avoid the words \"fresh\" and \"tasty\"",
                &["omit: do not mention \"fresh\"", "omit: do not mention \"tasty\""],
            ),
            ("A rejection without the word \"unfortunately\"", &["omit: do not mention \"unfortunately\""]),
            ("No \"API\", no \"HTTP\"", &["omit: do not mention \"API\"", "omit: do not mention \"HTTP\""]),
            (
                "You may not use the words clean, fresh or wash.",
                &[
                    "omit: do not mention \"clean\"",
                    "omit: do not mention \"fresh\"",
                    "omit: do not mention \"wash\"",
                ],
            ),
            (
                "A haiku, but don't mention pens or paper",
                &["omit: do not mention pens", "omit: do not mention paper"],
            ),
            ("Bitte ohne das Wort „lecker“", &["omit: do not mention \"lecker\""]),
            ("N'utilise pas le mot « frais »", &["omit: do not mention \"frais\""]),
            ("Usa la palabra \"sol\"", &["mention: mention \"sol\""]),
            ("With sources, please", &["mention: mention sources"]),
            (
                "Use the keywords \"green\" and \"fair\"",
                &["mention: mention \"green\"", "mention: mention \"fair\""],
            ),
            (
                "Mention her garden and her love of crosswords",
                &["mention: mention garden", "mention: mention love of crosswords"],
            ),
            ("Sum up Hamlet without naming any character", &[]),
            ("Don't mention the price", &["omit: do not mention a price"]),
            ("He said \"no\" and left. Write a reply.", &[]),
            ("Our feature: \"Smart Inbox\" is late", &[]),
            ("The reviews mention the view", &[]),
            ("What does \"doch\" mean?", &[]),
            ("Which three primary sources would you check?", &[]),
        ],
    );
}

#[test]
fn ingredients_are_found_to_use_and_to_leave_out() {
    assert_demands(
        Pack::Cook,
        &["mention", "omit", "uses"],
        &[
            ("Soup, no onions", &["omit: do not mention onions"]),
            ("School is nut free", &["omit: do not mention nuts"]),
            ("She can't have garlic", &["omit: do not mention garlic"]),
            (
                "Dinner from chickpeas, spinach and rice",
                &["uses_ingredients: use chickpeas, spinach, rice and the other given things"],
            ),
            ("A cake with exact quantities", &["mention: mention quantities"]),
            ("No time, no idea, no oven", &["omit: do not mention oven"]),
            ("No more than two onions", &[]),
            ("A tasting for 8 people from work, budget 90 €, 1 hour", &[]),
        ],
    );
}

#[test]
fn languages_persons_and_letters_are_found() {
    assert_demands(
        Pack::Wild,
        &["language", "person", "acrostic", "starts"],
        &[
            ("Answer in German", &["language: answer in German"]),
            ("Schreibe es auf Englisch", &["language: answer in English"]),
            ("Écris un poème en espagnol", &["language: answer in Spanish"]),
            ("Escribe tres frases en francés", &["language: answer in French"]),
            ("Scrivi una mail in inglese", &["language: answer in English"]),
            ("Escreva um poema em inglês", &["language: answer in English"]),
            ("Schrijf een gedicht in het Duits", &["language: answer in German"]),
            ("Translate to French: good morning", &["language: answer in French"]),
            ("Write in the second person", &["person: write in the second person"]),
            ("A letter in first person", &["person: write in the first person"]),
            ("An acrostic of ANNA", &["acrostic: an acrostic of ANNA"]),
            ("Start with \"Dear Tom\"", &["starts_with: start with \"Dear Tom\""]),
            ("What does 'doch' mean in German?", &[]),
            ("Roast my French bulldog", &[]),
            ("A first person shooter review", &[]),
            ("Each line starts with \"B\"", &[]),
        ],
    );
}

#[test]
fn demands_on_code_are_found() {
    assert_demands(
        Pack::Code,
        &["programming", "function", "standard", "code_only", "no_", "mention", "length"],
        &[
            (
                "A Rust function `parse_duration` with tests",
                &[
                    "mention: mention tests",
                    "programming_language: code in Rust",
                    "function_name: define parse_duration",
                ],
            ),
            (
                "Python function parse_duration(s) -> int. Code only.",
                &[
                    "code_only: code only, without explanation",
                    "programming_language: code in Python",
                    "function_name: define parse_duration",
                ],
            ),
            (
                "SQL query for the top customers. Just the query.",
                &["code_only: code only, without explanation", "programming_language: code in SQL"],
            ),
            (
                "A bash script that renames files, no dependencies",
                &["programming_language: code in shell", "standard_library: only the standard library"],
            ),
            (
                "Go: func Chunk[T any](s []T, n int) [][]T",
                &["programming_language: code in Go", "function_name: define Chunk"],
            ),
            (
                "Write it in TypeScript without regex",
                &["programming_language: code in TypeScript", "no_regex: no regular expressions"],
            ),
            ("Python, no imports", &["programming_language: code in Python", "no_imports: no imports"]),
            ("Convert this Python code to Rust", &[]),
            ("What is the bug here?\n\ndef add_tag(tag, tags=[]):\n    tags.append(tag)", &[]),
            (
                "Python, must not modify the input",
                &["programming_language: code in Python", "no_mutation: leave the arguments unchanged"],
            ),
            ("A footer at the bottom. CSS only, please.", &["programming_language: code in CSS"]),
            ("A function in class A calls payments(id)", &[]),
            ("github actions yaml: run pytest with python 3.12", &[]),
            ("My function reads 100 lines at a time. Why is it slow?", &[]),
        ],
    );
}

#[test]
fn checks_are_fair_to_greetings_and_firm_on_limits() {
    let three = "Sure! Here are three taglines:\n\n1. Bread first.\n2. Rise and shine.\n3. Crumbs happen.\n\nLet me know which you like!";
    let mut wrong = Vec::new();
    for (prompt, output, kind, met) in [
        ("Three taglines", three, "count", Met::Met),
        ("Two taglines", three, "count", Met::Missed),
        ("Three taglines", "Bread first.\nRise and shine.", "count", Met::Missed),
        ("Three taglines", "Bread first. Rise and shine. Crumbs happen.", "count", Met::Met),
        ("At most 10 words", three, "length_words", Met::Met),
        ("At most 5 words", "Bread that rises to the occasion", "length_words", Met::Missed),
        ("In two sentences", "It rains. We stay in.", "length_sentences", Met::Met),
        ("In two sentences", "It rains. We stay in. Done.", "length_sentences", Met::Missed),
        (
            "Write a haiku about rain",
            "Rain\n\nSoft rain on tin roofs\nthe cat counts every drop\nthen forgets the sum",
            "length_lines",
            Met::Met,
        ),
        ("Max 20 characters", "Bread, but make it loud and proud.", "length_characters", Met::Missed),
        ("Three taglines, each under 5 words", three, "length_words_each", Met::Met),
        ("Answer in German", "Das Brot ist frisch und die Kruste knackt.", "language", Met::Met),
        ("Answer in German", "The bread is fresh and the crust is loud.", "language", Met::Missed),
        ("As JSON with keys a and b", "```json\n{\"a\": 1, \"b\": 2}\n```", "format_json", Met::Met),
        ("As JSON with keys a and b", "{\"a\": 1}", "format_json", Met::Missed),
        ("As JSON", "Here you go: {\"a\": 1}", "format_json", Met::Missed),
        ("Use bullet points", "- one\n- two", "format_list", Met::Met),
        ("Use bullet points", "One thing and another.", "format_list", Met::Missed),
        ("No emojis", "Bread 🔥", "no_emoji", Met::Missed),
        ("No exclamation marks", "Bread.", "no_exclamation", Met::Met),
        ("End with a question", "We saw it. What now?\n\nBest,\nAnna", "ends_with_question", Met::Met),
        (
            "End with a question",
            "What now? We saw it and went home again.",
            "ends_with_question",
            Met::Missed,
        ),
        ("Must contain the word \"culture\"", "Bread has culture.", "mention", Met::Met),
        ("Must contain the word \"culture\"", "Bread is old.", "mention", Met::Missed),
        ("Don't use the word \"sweet\"", "Sweets for all.", "omit", Met::Missed),
        ("Don't use the word \"sweet\"", "Sugar for all.", "omit", Met::Met),
        ("An acrostic of SUN", "Sand\nUnder\nNoon", "acrostic", Met::Met),
        (
            "Write in the second person",
            "The shop opens at nine and it is lovely that there are buns.",
            "person",
            Met::Missed,
        ),
        ("", "anything", "count", Met::Unclear),
    ] {
        let found = extract(prompt, Pack::Wild)
            .iter()
            .find(|one| one.kind() == kind)
            .map(|one| one.check(prompt, output));
        let result = found.as_ref().map_or(Met::Unclear, |found| found.met);
        if result != met {
            wrong.push(format!("{prompt} {output:?} {kind}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_small_excess_is_missed_by_little() {
    let prompt = "At most 100 words";
    let demands = extract(prompt, Pack::Wild);
    let check = |words: usize| demands[0].check(prompt, &"word ".repeat(words));
    assert_eq!((check(100).met, check(100).excess), (Met::Met, 0));
    assert_eq!((check(102).met, check(102).excess), (Met::Missed, 2));
    assert_eq!((check(400).met, check(400).excess), (Met::Missed, 100));
    assert_eq!(check(102).found, "102 words");
}

#[test]
fn a_demand_quotes_the_prompt() {
    let found = extract("Roast us. Three taglines, in German.", Pack::Roast);
    let quotes: Vec<&str> = found.iter().map(super::Constraint::quote).collect();
    assert_eq!(quotes, ["Three taglines", "in German"]);
}

#[test]
fn signatures_addresses_and_figures_are_kept() {
    assert_demands(
        Pack::Wild,
        &["mention", "person", "keep", "omit", "no_preamble", "language"],
        &[
            ("A letter to my landlord. Sign it Lena Brandt.", &["mention: mention Lena Brandt"]),
            ("Status update, don't name the vendor (Fastly)", &["omit: do not mention Fastly"]),
            (
                "Translate to French, formal (vous). Only the translation.",
                &[
                    "no_preamble: nothing around the answer",
                    "language: answer in French",
                    "person: address the reader formally",
                ],
            ),
            (
                "Write in Spanish (Spain, usted)",
                &["language: answer in Spanish", "person: address the reader formally"],
            ),
            ("Roast my code. Speak to me directly.", &["person: write in the second person"]),
            (
                "Sum it up. Keep every date and amount.",
                &["keep_figures: keep every figure of the given text"],
            ),
            ("Maksymalnie 60 słów, po polsku", &["language: answer in Polish"]),
        ],
    );
    let prompt = "Sum this up. Keep every date and amount.\n\n\"The trip takes place on 9 May and costs £14 per child, which includes the coach. Please pay by 25 April through the school app.\"";
    let keep = extract(prompt, Pack::Wild).into_iter().find(|one| one.kind() == "keep_figures");
    let check = |output: &str| keep.as_ref().map(|keep| keep.check(prompt, output).found);
    assert_eq!(check("9 May, £14, pay by 25 April.").as_deref(), Some("3 of 3 figures"));
    assert_eq!(check("9 May, £14, pay soon.").as_deref(), Some("2 of 3 figures"));
}

#[test]
fn hostile_texts_neither_panic_nor_take_long() {
    #[rustfmt::skip] // one word per line would hide the code
    let parts = [
        "\"",
        "„", "'", "5-", "three taglines ", ":", "(", ". . ", "```\n", "|a", "- \n", "é\u{301}", "百",
        "100字",
        "no \"",
        "不", "1.", "[", "**", "\u{200b}", "don't ", "use the words a, ",
    ];
    let mut texts: Vec<String> = parts.iter().map(|part| part.repeat(24 * 1024 / part.len())).collect();
    texts.push(parts.concat().repeat(160));
    for text in &texts {
        let started = std::time::Instant::now();
        let found = extract(text, Pack::Cook);
        for one in found.iter().chain(&extract(
            "As JSON, at most 5 words, in German, no onions, three tips, each under 9 words",
            Pack::Cook,
        )) {
            let _ = one.check(text, text);
        }
        let _ = crate::observations::observe(text, text, Pack::Code);
        assert!(started.elapsed().as_secs() < 30, "{:?}", text.get(..12));
    }
}

/// Asserts the result of the check of the first demand of a kind, for each prompt, answer and kind.
#[track_caller]
fn assert_checks(pack: Pack, table: &[(&str, &str, &str, Met)]) {
    let mut wrong = Vec::new();
    for (prompt, output, kind, met) in table {
        let demands = extract(prompt, pack);
        let found = demands.iter().find(|one| one.kind() == *kind).map(|one| one.check(prompt, output));
        if found.as_ref().map(|found| found.met) != Some(*met) {
            wrong.push(format!("{prompt} {output:?} {kind} {met:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn limits_of_parts_and_of_known_things_do_not_limit_the_answer() {
    assert_demands(
        Pack::Wild,
        &["count", "length"],
        &[
            (
                "Four weeks, one line each, max 25 words a line.",
                &[
                    "length_lines_each: exactly 1 line per item",
                    "length_words_each: at most 25 words per item",
                ],
            ),
            ("Roast my headline in one sentence: Chief Wizard", &["length_sentences: exactly 1 sentence"]),
            ("A roast of a pull request that adds one 900-line function", &[]),
            ("For [10, 9, 100] it should give 10. Fix what's broken.", &[]),
            ("用两三句话解释这个成语，再举一个例子。", &[]),
        ],
    );
}

#[test]
fn answers_are_counted_as_people_count_them() {
    let letter = "Beste mevrouw De Wit,\n\nDe lamp komt donderdag. U hoeft niets te doen.\n\nMet vriendelijke groet,\nde klantenservice";
    let week = "Great, there is plenty for four! It keeps until Thursday.\n\nMon, 20 min: slices of ham.\n\nTue: pea soup.\n\nWed: pasta.\n\nThu: pie.";
    let table = "| Dish | Cost |\n|---|---|\n| Dal | 2 |\n| Curry | 3 |\n| **Total** | 5 |";
    assert_checks(
        Pack::Wild,
        &[
            ("Reply in 2 sentences", letter, "length_sentences", Met::Met),
            (
                "Maks. 2 zdania.",
                "To rezultat (np. 10 grafik). Wybierz zlecenie.",
                "length_sentences",
                Met::Met,
            ),
            ("Höchstens zwei Sätze.", "Wir kommen am 14. März an. Bis dann!", "length_sentences", Met::Met),
            ("Plan 4 dinners", week, "count", Met::Met),
            ("Two vegetarian dinners in a table", table, "count", Met::Met),
            ("At most 3 steps", "1. a\n2. b\n3. c\n4. d", "count", Met::Missed),
            (
                "Two or three lines for a card",
                "Dear Marek, we miss Bruno. Yours, the team",
                "length_lines",
                Met::Unclear,
            ),
            ("No emojis", "★★☆☆☆ Loud.", "no_emoji", Met::Met),
            ("No commentary, only YAML", "services:\n  db:\n    image: postgres", "no_preamble", Met::Met),
        ],
    );
    assert_checks(
        Pack::Code,
        &[("At most 2 lines. Code only.", "```js\na\nb\nc\n```\nIt works.", "length_lines", Met::Missed)],
    );
}

#[test]
fn figures_may_take_the_form_of_another_language() {
    let prompt = "Translate into French, keep every date, time and name: \"We lent him the spare one at 10.20 and he was fine. Collect him by 3 pm on 14 March 2026, and please label the new one.\"";
    assert_checks(
        Pack::Wild,
        &[
            (prompt, "À 10 h 20, avant 15 h, le 14 mars 2026.", "keep_figures", Met::Met),
            (prompt, "À 10 h 20, avant 16 h, le 14 mars 2026.", "keep_figures", Met::Missed),
        ],
    );
}

#[test]
fn terms_are_found_with_the_demand_behind_them() {
    assert_demands(
        Pack::Wild,
        &["mention", "omit"],
        &[
            ("Max 6 words and the word \"appeal\" has to be in it.", &["mention: mention \"appeal\""]),
            (
                "The word \"green\" has to be in it, the word \"goodbye\" must not.",
                &["mention: mention \"green\"", "omit: do not mention \"goodbye\""],
            ),
            (
                "A tagline. The words rain and wet are banned.",
                &["omit: do not mention \"rain\"", "omit: do not mention \"wet\""],
            ),
            (
                "A blurb. Banned: stunning, nestled, boasts",
                &[
                    "omit: do not mention stunning",
                    "omit: do not mention nestled",
                    "omit: do not mention boasts",
                ],
            ),
            ("Il faut absolument mentionner le café.", &["mention: mention café"]),
            ("Five slogans, none may use the word \"love\".", &["omit: do not mention \"love\""]),
            ("Quatre slogans, et jamais le mot « pain ».", &["omit: do not mention \"pain\""]),
            ("Não ofereça desconto nem brinde.", &["omit: do not mention desconto nem brinde"]),
            ("I must not be late. Write a note.", &[]),
        ],
    );
    assert_demands(
        Pack::Cook,
        &["omit", "uses"],
        &[
            (
                "Dal without onion, garlic or carrot. I have a pressure cooker.",
                &[
                    "omit: do not mention onions",
                    "omit: do not mention garlic",
                    "omit: do not mention carrot",
                ],
            ),
            ("Dinner, no oven, potatoes and eggs are here", &["omit: do not mention oven"]),
            ("Risotto, niente latticini", &["omit: do not mention latticini"]),
            ("I've got 12 euros, a discount supermarket, salt, oil and a hob", &[]),
        ],
    );
}

#[test]
fn forms_of_address_are_found_and_checked() {
    assert_demands(
        Pack::Wild,
        &["person", "language"],
        &[
            (
                "Put this into French, so with \"vous\".",
                &["language: answer in French", "person: address the reader formally"],
            ),
            ("Reformule en vouvoyant, ton cordial.", &["person: address the reader formally"]),
            ("Un faux avis. Tutoiement interdit.", &["person: address the reader formally"]),
            (
                "A sign in Dutch. Informal (je/jij).",
                &["language: answer in Dutch", "person: address the reader familiarly"],
            ),
            ("Um convite, tratamento por tu.", &["person: address the reader familiarly"]),
            ("連絡帳の文をお願いします。敬語で。", &["person: address the reader formally"]),
            ("문자를 써 주세요. 존댓말로.", &["person: address the reader formally"]),
            ("Rewrite it in the first person plural", &["person: write in the first person plural"]),
            ("帮我翻译成英文", &["language: answer in English"]),
            ("Переведите на английский", &["language: answer in English"]),
            ("I love you and you love me", &[]),
        ],
    );
    assert_checks(
        Pack::Wild,
        &[
            ("So with \"vous\", in French", "Pouvez-vous nous envoyer votre passeport ?", "person", Met::Met),
            (
                "So with \"vous\", in French",
                "Peux-tu nous envoyer ton passeport pour la chambre ?",
                "person",
                Met::Missed,
            ),
            ("敬語で", "明日は歯医者のため遅れて登校します。よろしくお願いします。", "person", Met::Met),
            ("敬語で", "明日は歯医者だから遅れて行くよ。給食は食べるね。", "person", Met::Missed),
            ("존댓말로", "밤에 소리가 나서 아이가 깨요. 부탁드립니다.", "person", Met::Met),
            ("존댓말로", "밤에 소리가 나서 아이가 깬다. 조심해.", "person", Met::Missed),
            ("First person plural", "We returned 4 percent to our members.", "person", Met::Met),
            ("First person plural", "I returned 4 percent to my members.", "person", Met::Missed),
        ],
    );
}

#[test]
fn verse_fields_and_remarks_are_checked() {
    assert_demands(
        Pack::Wild,
        &["syllables", "no_rhyme", "length_words", "format_json", "format_table", "code_only", "ends"],
        &[
            (
                "A haiku, 5-7-5 please, no rhyme",
                &["no_rhyme: no rhymes", "syllables: lines of 5, 7, 5 syllables"],
            ),
            (
                "Table with columns Country, Year, Note: when? Notes max 10 words.",
                &["format_table: a table with the columns Country, Year"],
            ),
            ("JSON only, and a key \"note\" with one tip in at most 12 words", &["format_json: valid JSON"]),
            ("Extract as raw JSON, keys: name, guests", &["format_json: JSON with the keys name, guests"]),
            (
                "A workflow for pytest. Only the YAML, nothing around it.",
                &["code_only: code only, without explanation"],
            ),
            ("Dos frases, que termine en pregunta.", &["ends_with_question: a question at the end"]),
            ("Do not rhyme it with a list of words", &["no_rhyme: no rhymes"]),
        ],
    );
    assert_checks(
        Pack::Wild,
        &[
            (
                "Only the translation.",
                "明日お届けします。\n\nRomaji: ashita o-todoke shimasu",
                "no_preamble",
                Met::Missed,
            ),
            (
                "Only the text.",
                "We ran the shop.\n\n(I changed the tense and the spelling.)",
                "no_preamble",
                Met::Missed,
            ),
            ("Only the text.", "We ran the shop.\n\nWe still do.", "no_preamble", Met::Met),
            (
                "A couplet without rhyme",
                "The train is late in all this rain\nwe wait beside the other train",
                "no_rhyme",
                Met::Missed,
            ),
        ],
    );
}
