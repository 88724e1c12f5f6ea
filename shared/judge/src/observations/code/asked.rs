//! Points that a prompt asks code to respect, and the traces that they leave in code.

use crate::constraints::code::Coded;

/// A point: the words by which a prompt asks for it, and the traces of which code that respects it has one.
struct Point {
    /// Languages in which the traces are known.
    languages: &'static [Coded],
    /// Folded words of a prompt, with spaces around them.
    asked: &'static [&'static str],
    /// Traces in code, in lower case.
    traces: &'static [&'static str],
}

const PROGRAMS: &[Coded] = &[
    Coded::Python,
    Coded::JavaScript,
    Coded::TypeScript,
    Coded::Rust,
    Coded::Go,
    Coded::Java,
    Coded::CSharp,
    Coded::Ruby,
    Coded::Php,
    Coded::Kotlin,
    Coded::Swift,
];

const SQL: &[Coded] = &[Coded::Sql];
const SHELL: &[Coded] = &[Coded::Shell];
const STYLES: &[Coded] = &[Coded::Css, Coded::Html];
const CONFIGS: &[Coded] = &[Coded::Yaml];

const fn point(
    languages: &'static [Coded],
    asked: &'static [&'static str],
    traces: &'static [&'static str],
) -> Point {
    Point { languages, asked, traces }
}

/// The points. Each trace is one that a reader of the language's documentation expects.
#[rustfmt::skip] // one word per line would hide the table
static POINTS: &[Point] = &[
    // Text and numbers.
    point(PROGRAMS, &[
        " case insensitive ", " case insensitively ", " ignore case ", " ignoring case ", " ignores case ", " any case ", " casefold ",
        " gross und kleinschreibung ", " gross kleinschreibung ", " insensible a la casse ", " sans tenir compte de la casse ",
        " sin distinguir mayusculas ", " maiuscole minuscole ", " hoofdlettergevoelig ",
    ], &["lower", "upper", "casefold", "ignorecase", "equalfold", "ignore_ascii_case", "/i", "(?i", "a-za-z", "\"i\"", "'i'", "collator", "re.i"]),
    point(&[Coded::Go], &[" unicode ", " emoji ", " runes ", " characters not bytes ", " utf 8 ", " umlauts ", " accents "], &["rune", "utf8.", "range ", "unicode."]),
    point(&[Coded::Rust], &[" unicode ", " emoji ", " inside a character ", " within a character ", " multi byte ", " umlauts ", " accents ", " utf 8 "],
        &["chars()", "char_indices", "is_char_boundary", "graphemes", "is_alphabetic", "is_alphanumeric"]),
    point(&[Coded::JavaScript, Coded::TypeScript], &[" unicode ", " emoji ", " accents ", " umlauts ", " diacritics "],
        &["\\p{", "normalize(", "array.from(", "codepoint", "[...", " of ", "segmenter", "localecompare"]),
    point(PROGRAMS, &[" trim ", " trims ", " trimmed ", " leading and trailing ", " surrounding spaces ", " spaces around ", " whitespace around ", " leerzeichen am anfang "],
        &["strip", "trim", "fields(", "split()", "split_whitespace", "\\s"]),
    point(PROGRAMS, &[
        " rounded to ", " round to ", " one decimal ", " two decimals ", " 1 decimal ", " 2 decimals ", " decimal places ", " nachkommastellen ", " auf zwei stellen ",
        " arrondi ", " decimales ", " redondeado ", " arrotondato ", " arredondado ",
    ], &["round", "tofixed", "quantize", "1f", "2f", ":.1", ":.2", "format", "intl.", ".01", "0.1"]),
    point(PROGRAMS, &[" overflow ", " overflows "], &["checked_", "saturating_", "wrapping_", "overflowing_", "i128", "u128", "try_from", "bigint", "safe_integer", "safeinteger", "math.max", "mathf", "i64", "u64", "overflow", "big.", "parse"]),
    point(PROGRAMS, &[" sorted ", " sort by ", " sorted by ", " alphabetically ", " descending ", " ascending ", " sortiert ", " alphabetisch ", " trie ", " ordenado ", " ordenada ", " ordinato "],
        &["sort", "order", "heap", "btree", "cmp", "nlargest", "most_common", "binary"]),
    // Failures.
    point(PROGRAMS, &[" never an exception ", " never raises ", " never throws ", " no exceptions ", " never raise ", " never throw ", " keine exception ", " sans exception ", " must not throw ", " not raise "],
        &["if ", "try", "catch", "except", "match", "?.", "isinstance", "&&", " and "]),
    point(PROGRAMS, &[" timeout ", " timeouts ", " time out "], &["timeout", "deadline", "abort", "wait_for", "race(", "after("]),
    point(PROGRAMS, &[" retry ", " retries ", " backoff "], &["attempt", "retry", "retries", "tries", "for ", "while"]),
    point(PROGRAMS, &[" concurrently ", " in parallel ", " at a time ", " at once ", " parallel ", " nebenlaufig "], &["go func", "errgroup", "wg.", "sync.", "async", "await", "promise", "thread", "pool", "concurrent", "semaphore", "chan ", "spawn", "executor", "worker", "parallel"]),
    point(PROGRAMS, &[" with a test ", " with tests ", " add a test ", " add tests ", " unit test ", " unit tests ", " include a test ", " with one test ", " doctest ", " doctests ", " mit test ", " mit tests ", " avec un test ", " con un test ", " con tests "],
        &["assert", "#[test]", "expect(", ">>> ", "unittest", "def test", "t.error", "t.fatal", "testing.t", "test("]),
    point(PROGRAMS, &[" timezone ", " timezones ", " time zone ", " time zones ", " dst ", " daylight saving ", " summer time ", " sommerzeit ", " zeitzone ", " zeitzonen ", " fuseau horaire ", " zona horaria "],
        &["utc", "zoneinfo", "timezone", "intl.", "tzinfo", "gmt", "location", "offset", "temporal"]),
    point(PROGRAMS, &[" atomic ", " atomically "], &["rename", "replace(", "transaction", "lock", "atomic", "begin", "commit"]),
    point(PROGRAMS, &[" large files ", " large file ", " huge file ", " huge files ", " in memory ", " streaming ", " stream it ", " line by line ", " constant memory "],
        &["yield", "for line", "iter", "chunk", "stream", "bufread", "scanner", "lines()", "readline", "pipe", "for await", "batch", "reader"]),
    point(PROGRAMS, &[" can be negative ", " may be negative ", " negative n ", " negative numbers ", " negative values ", " negative total "], &["< 0", "> 0", "<= 0", ">= 0", "abs", "sign", "-1", "<0", ">0", "neg", "mod", "-?", "< 1", "rem_euclid"]),
    // Queries.
    point(SQL, &[" ties share ", " share a rank ", " ties included ", " including ties ", " include ties ", " tie for ", " return both ", " two people tie ", " shared ", " with ties ", " ties count ", " bei gleichstand alle ", " keep ties ", " both ties "],
        &["rank(", "with ties", "dense_rank", "max(", "count(distinct"]),
    point(SQL, &[" null ", " nulls "], &[" null", "coalesce", "is distinct", "not exists", "ifnull", "left join", "lateral", "filter", "nvl", " on "]),
    point(SQL, &[" percent ", " percentage ", " rate ", " share of ", " prozent ", " pourcentage ", " porcentaje "], &["100", "numeric", "float", "1.0", "decimal"]),
    point(SQL, &[" latest ", " newest ", " most recent ", " last order ", " neueste ", " letzte ", " dernier ", " derniere ", " ultimo ", " ultima "], &["desc", "max("]),
    point(SQL, &[" no duplicates ", " without duplicates ", " distinct ", " only once ", " exactly once ", " one row per ", " once each "], &["distinct", "group by", "exists", "row_number", "dense_rank", "limit 1", "union"]),
    point(SQL, &[" for each ", " for every ", " per month ", " per week ", " per day ", " per customer ", " per region ", " per category ", " each department ", " each dept ", " in each ", " pro monat ", " je kunde "],
        &["group by", "partition by", "distinct on", "lateral", "exists", "(select"]),
    point(SQL, &[" if it exists ", " upsert ", " idempotent ", " already exists ", " insert or update "], &["on conflict", "merge", "on duplicate", "if not exists", "replace", "exists"]),
    // Shell.
    point(SHELL, &[" never overwrite ", " no overwriting ", " not overwrite ", " dont overwrite ", " without overwriting ", " nicht uberschreiben ", " nie uberschreiben ", " ne pas ecraser ", " sin sobrescribir "],
        &[" -n ", "-e ", "-f ", "--no-clobber", "noclobber", "--backup", "-nv ", "-vn ", "set -c", "-l "]),
    point(SHELL, &[" including subfolders ", " and subfolders ", " including subdirectories ", " recursively ", " recursive ", " dir tree ", " mit unterordnern "], &["find", "-r", "globstar", "**", "tree", "du -"]),
    point(SHELL, &[" and newlines ", " even newlines ", " or newlines ", " sometimes newlines ", " anything in the name ", " contain anything ", " any characters "], &["-print0", "-0", "-exec", "-delete", "-z", "\"$", "-d ''", "\\0"]),
    point(SHELL, &[" dry run ", " preview ", " only print ", " print what "], &["dry", "echo", "-n", "-print", "printf", "preview", "apply"]),
    point(SHELL, &[" is a header ", " header line ", " first line ", " header row ", " kopfzeile "], &["nr>1", "nr > 1", "nr==1", "nr == 1", "fnr", "tail -n +2", "1d", "+2", "read ", "skip", "head"]),
    point(SHELL, &[" newest ", " oldest ", " neuesten ", " latest "], &["sort", "-t", "tail", "head", "-newer", "-mtime"]),
    point(SHELL, &[" human readable ", " human sizes ", " readable size "], &["-h", "numfmt", "-lh", "h ", "--human"]),
    // Style sheets.
    point(STYLES, &[" keyboard ", " tastatur ", " clavier ", " teclado "], &[":focus", "focus-"]),
    point(STYLES, &[" reduced motion ", " animations off ", " prefers reduced ", " less motion ", " no animation ", " without animation "], &["prefers-reduced-motion"]),
    point(STYLES, &[" dark mode ", " dark theme ", " dunkelmodus "], &["prefers-color-scheme", "light-dark", "dark"]),
    point(STYLES, &[" print ", " printed ", " printing ", " drucken ", " gedruckt ", " imprimer "], &["@media print", "@page"]),
    point(STYLES, &[" across pages ", " cut in two ", " split across ", " page break ", " page end "], &["break-inside", "break-after", "break-before"]),
    point(STYLES, &[" each page ", " every page ", " repeated on "], &["table-header-group", "@page", "position: fixed"]),
    point(STYLES, &[" ellipsis ", " cut off "], &["ellipsis", "line-clamp", "overflow"]),
    point(STYLES, &[" as many columns ", " as many equal columns ", " columns as fit "], &["auto-fill", "auto-fit", "flex-wrap", "columns"]),
    point(STYLES, &[" not stretch ", " keep column width ", " nicht strecken "], &["auto-fill", "max-width", "flex-grow: 0", "justify-content", "justify-items"]),
    point(STYLES, &[
        " not overflow ", " no overflow ", " horizontal scroll ", " horizontal scrolling ", " horizontal scrollbar ", " scroll sideways ", " nicht uberlaufen ",
    ], &["min(", "minmax(0", "min-width: 0", "max-width", "overflow", "wrap", "clamp("]),
    point(STYLES, &[" screen reader ", " screen readers ", " screenreader ", " accessible "], &["aria", "sr-only", "visually", "label", "role", "clip", "focus", "alt="]),
    // Configurations.
    point(CONFIGS, &[" by hand ", " manually ", " manual trigger ", " manual run ", " von hand ", " manuell ", " a la main ", " a mano "], &["workflow_dispatch", "when: manual"]),
    point(CONFIGS, &[" pull request ", " pull requests ", " prs "], &["pull_request", "merge_request"]),
    point(CONFIGS, &[" push to main ", " pushes to main ", " push to master "], &["main", "master"]),
    point(CONFIGS, &[" cancel superseded ", " cancels the older ", " superseded runs ", " cancel older ", " cancel outdated "], &["cancel-in-progress", "interruptible"]),
    point(CONFIGS, &[" cache ", " cached ", " caching "], &["cache"]),
    point(CONFIGS, &[" secret ", " secrets "], &["secret"]),
    point(CONFIGS, &[" from env ", " from the env ", " from the environment ", " environment variable ", " aus der env "], &["${", "env_file", "secrets"]),
    point(CONFIGS, &[" my machine only ", " machine itself ", " only from localhost ", " only locally ", " local only ", " loopback "], &["127.0.0.1", "localhost", "[::1]"]),
    point(CONFIGS, &[" healthcheck ", " health check "], &["healthcheck", "health"]),
    point(CONFIGS, &[" is healthy ", " once the db ", " db is ready ", " database is ready ", " wirklich bereit ", " is ready "], &["service_healthy"]),
    point(CONFIGS, &[" unless stopped ", " selbst gestoppt "], &["unless-stopped"]),
    point(CONFIGS, &[" named volume ", " benanntem volume ", " benanntes volume "], &["volumes:"]),
    point(CONFIGS, &[" weekdays ", " werktags "], &["1-5", "mon-fri", "mon..fri"]),
    point(CONFIGS, &[" every monday ", " jeden montag "], &["* * 1", "mon"]),
];

/// The number of points that the prompt asks for and that the code leaves no trace of. `prompt` is folded and
/// has spaces around its words.
pub(super) fn untraced(prompt: &str, programs: &[(Coded, &str)]) -> usize {
    let code: String = programs.iter().flat_map(|(_, code)| [*code, "\n"]).collect::<String>().to_lowercase();
    let known = |point: &&Point| programs.iter().any(|(coded, _)| point.languages.contains(coded));
    let asked =
        POINTS.iter().filter(known).filter(|point| point.asked.iter().any(|words| prompt.contains(words)));
    asked.filter(|point| !point.traces.iter().any(|trace| code.contains(trace))).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_without_a_trace_is_missing() {
        for (prompt, coded, code, expect) in [
            (" go func compares case insensitively ", Coded::Go, "if a == b {", 1),
            (" go func compares case insensitively ", Coded::Go, "if strings.EqualFold(a, b) {", 0),
            (" top 3 per region ties included ", Coded::Sql, "SELECT a FROM t LIMIT 3", 2),
            (
                " run it every monday and by hand ",
                Coded::Yaml,
                "on:\n  schedule:\n    - cron: '0 6 * * 1'",
                1,
            ),
            (" must also work for keyboard users ", Coded::Css, "a:hover, a:focus-visible { x: y; }", 0),
            (" case insensitive ", Coded::Json, "{}", 0),
        ] {
            assert_eq!(untraced(prompt, &[(coded, code)]), expect, "{prompt}");
        }
    }

    #[test]
    fn words_are_written_as_prompts_are_folded() {
        for words in POINTS.iter().flat_map(|point| point.asked) {
            let folded = format!(" {} ", crate::observations::words(words).join(" "));
            assert_eq!(&folded, words);
        }
        for trace in POINTS.iter().flat_map(|point| point.traces) {
            assert_eq!(&trace.to_lowercase(), trace);
        }
    }
}
