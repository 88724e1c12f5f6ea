//! Practices to avoid in Python, JavaScript, TypeScript, Rust and Go.

use super::{Code, Rule, names, rule};
use crate::constraints::code::Coded;

const PYTHON: &[Coded] = &[Coded::Python];
const SCRIPT: &[Coded] = &[Coded::JavaScript, Coded::TypeScript];
const TYPED: &[Coded] = &[Coded::TypeScript];
const RUST: &[Coded] = &[Coded::Rust];
const GO: &[Coded] = &[Coded::Go];

/// Words of a prompt about exact amounts.
const EXACT: &[&str] =
    &[" returns decimal ", " return decimal ", " cents ", " cent ", " centimos ", " exactly ", " money "];

/// Words of a prompt about panics.
const PANICS: &[&str] = &[
    " no panics ",
    " no panic ",
    " never panic ",
    " never panics ",
    " not panic ",
    " without panicking ",
    " panics ",
];

/// Words of a prompt that exclude any other text.
const STRICT: &[&str] =
    &[" anything else ", " strict ", " everything else ", " whole string ", " alles andere "];

#[rustfmt::skip] // one rule per line shows the table
pub(super) static RULES: &[Rule] = &[
    // The default is made once, and all calls share it.
    rule(PYTHON, &[], |code| code.lines().any(|line| {
        line.starts_with("def ") && ["=[]", "= []", "={}", "= {}", "=set()", "= set()", "=list()", "=dict()"].iter().any(|mark| line.contains(mark))
    })),
    rule(PYTHON, &[], |code| code.lines().any(|line| line == "except:")),
    rule(PYTHON, &[], |code| code.flat.contains("except exception: pass") || code.flat.contains("except: pass")),
    rule(PYTHON, &[], |code| code.has(&["== None", "!= None"])),
    rule(PYTHON, &[], |code| names(&code.bare, "eval(") || names(&code.bare, "exec(")),
    rule(PYTHON, &[], |code| code.has(&["shell=True", "os.system("])),
    rule(PYTHON, &[], builds_sql),
    rule(PYTHON, &[], lacks_import),
    rule(PYTHON, &[], removes_while_iterating),
    rule(PYTHON, &[], |code| code.lines().any(|line| names(line, "open(") && !line.starts_with("with ") && !line.starts_with("def "))),
    rule(PYTHON, EXACT, |code| names(&code.bare, "float(")),
// A search skips what it does not know.
    rule(PYTHON, STRICT, |code| code.has(&[".findall("]) && !code.has(&["fullmatch", "!="])),
    rule(SCRIPT, &[], compares_loosely),
    rule(SCRIPT, &[], |code| names(&code.bare, "var ")),
    rule(SCRIPT, &[], |code| code.bare.contains("innerHTML") && code.raw.contains("${")),
    rule(SCRIPT, &[], |code| code.has(&[".forEach(async", "new Function(", "document.write("]) || names(&code.bare, "eval(")),
    rule(SCRIPT, &[], |code| code.has(&[".fill([])", ".fill({})", "JSON.parse(JSON.stringify("])),
    rule(SCRIPT, &[], |code| code.lines().any(|line| line.contains("for (") && line.contains(" in ") && !line.contains(" of "))),
    // Numbers are sorted as texts.
    rule(SCRIPT, &[" numbers ", " median ", " scores ", " numeric ", " zahlen ", " nombres ", " numeros "], |code| code.has(&[".sort()"])),
    rule(TYPED, &[], |code| code.has(&[": any;", ": any)", ": any,", ": any =", " as any", ": any {", "=> any"])),
    rule(RUST, &[], lacks_use),
    rule(RUST, &[], |code| code.has(&[": &Vec<", ": &String"])),
    rule(RUST, &[], |code| code.has(&["bytes()"]) && code.has(&["as char"])),
    rule(RUST, PANICS, |code| code.has(&[".unwrap()", ".expect(", "panic!(", "unreachable!("])),
    rule(RUST, &[" nan "], |code| code.has(&["partial_cmp"]) && code.has(&[".unwrap()"])),
    // An error must not be dropped.
    rule(GO, &[], |code| code.lines().any(|line| (line.contains(", _ := ") || line.contains(", _ = ")) && line.ends_with(')') && !line.contains("range "))),
    rule(GO, &[], races),
    rule(GO, &[], |code| code.has(&["http.Get(", ".Do("]) && code.has(&["ReadAll(", "NewDecoder("]) && !code.has(&["Body.Close"])),
    rule(GO, &[], |code| code.has(&["ioutil."])),
];

/// True if a query is put together from strings.
fn builds_sql(code: &Code<'_>) -> bool {
    code.raw.split("execute(").skip(1).any(|rest| {
        let rest = rest.trim_start();
        let call = rest.split('\n').next().unwrap_or_default();
        rest.starts_with("f\"") && call.contains('{')
            || rest.starts_with("f'") && call.contains('{')
            || call.contains("\" +")
            || call.contains("\" %")
            || call.contains("' +")
            || call.contains(".format(")
    })
}

/// Python's own modules that are often used by their name.
const MODULES: &[&str] = &[
    "re",
    "json",
    "os",
    "sys",
    "math",
    "itertools",
    "functools",
    "random",
    "csv",
    "subprocess",
    "collections",
    "logging",
    "shutil",
];

/// Python's own names that need an import.
const IMPORTED: &[&str] =
    &["Decimal(", "defaultdict(", "Counter(", "deque(", "timedelta(", "Path(", "namedtuple(", "groupby("];

/// True if Python code uses a module that it does not import, although it imports others or is a program.
fn lacks_import(code: &Code<'_>) -> bool {
    let imports: Vec<&str> = code.bare.lines().filter(|line| line.contains("import")).collect();
    let known = |name: &str| {
        imports.iter().any(|line| crate::constraints::code::has_word(line, name))
            || imports.iter().any(|line| line.ends_with('*'))
    };
    let assigned = |name: &str| {
        code.has(&[&format!("{name} = "), &format!("{name}:"), &format!("({name})"), &format!("{name},")])
    };
    let module =
        MODULES.iter().any(|name| names(&code.bare, &format!("{name}.")) && !known(name) && !assigned(name));
    let name = IMPORTED.iter().any(|call| {
        let name = call.trim_end_matches('(');
        names(&code.bare, call)
            && !known(name)
            && !code.has(&[&format!("class {name}"), &format!("def {name}")])
    });
    module || name
}

/// True if a list loses items while a loop goes through it.
fn removes_while_iterating(code: &Code<'_>) -> bool {
    let lines: Vec<&str> = code.bare.lines().collect();
    lines.iter().enumerate().any(|(at, line)| {
        let indent = line.len() - line.trim_start().len();
        let Some(list) = line
            .trim()
            .strip_prefix("for ")
            .and_then(|rest| rest.split_once(" in "))
            .and_then(|(_, list)| list.strip_suffix(':'))
        else {
            return false;
        };
        let plain = !list.is_empty() && list.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let body = lines
            .iter()
            .skip(at + 1)
            .take_while(|line| line.trim().is_empty() || line.len() - line.trim_start().len() > indent);
        plain
            && body.into_iter().any(|line| {
                [".remove(", ".pop("].iter().any(|call| line.contains(&format!("{list}{call}")))
                    || line.trim().starts_with(&format!("del {list}["))
            })
    })
}

/// True if values are compared with `==` or `!=`. A comparison with null also finds undefined, and is usual.
fn compares_loosely(code: &Code<'_>) -> bool {
    ["==", "!="].iter().any(|sign| {
        code.bare.match_indices(sign).any(|(at, _)| {
            let before = code.bare.get(..at).unwrap_or_default();
            let after = code.bare.get(at + 2..).unwrap_or_default();
            !before.ends_with(['=', '!', '<', '>'])
                && !after.starts_with('=')
                && !after.trim_start().starts_with("null")
        })
    })
}

/// True if Rust code uses a collection that it does not import.
fn lacks_use(code: &Code<'_>) -> bool {
    ["HashMap", "HashSet", "BTreeMap", "BTreeSet", "VecDeque", "BinaryHeap"].iter().any(|name| {
        let used = names(&code.bare, &format!("{name}<")) || names(&code.bare, &format!("{name}::"));
        let imported = code.lines().any(|line| line.contains("use ") || line.contains("collections::"))
            && code.bare.contains("collections::");
        used && !imported
    })
}

/// True if goroutines write to a map or append to a slice without a lock.
fn races(code: &Code<'_>) -> bool {
    let Some((_, spawned)) = code.bare.split_once("go func") else { return false };
    let body = spawned.split("wg.Wait").next().unwrap_or_default();
    let appends = body.contains("= append(");
    let writes = code.bare.contains("make(map[") && body.lines().any(|line| line.trim().contains("] = "));
    (appends || writes) && !code.has(&["Lock()", "sync.Map", "<-results", "range results", "range ch"])
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn faults_of_python_are_found() {
        check(&[
            (" x ", Coded::Python, "def f(xs=[]):\n    return xs", true),
            (" x ", Coded::Python, "def f(xs=None):\n    return xs", false),
            (" x ", Coded::Python, "try:\n    f()\nexcept:\n    g()", true),
            (" x ", Coded::Python, "if x == None:\n    f()", true),
            (" x ", Coded::Python, "cur.execute(f\"SELECT {x}\")", true),
            (" x ", Coded::Python, "cur.execute(\"SELECT %s\", (x,))", false),
            (" x ", Coded::Python, "def f(s):\n    return re.sub('a', 'b', s)", true),
            (" x ", Coded::Python, "import re\n\ndef f(s):\n    return re.sub('a', 'b', s)", false),
            (" x ", Coded::Python, "for x in xs:\n    if x:\n        xs.remove(x)", true),
            (" x ", Coded::Python, "for x in xs[:]:\n    xs.remove(x)", false),
            (" x ", Coded::Python, "f = open('a')", true),
            (" x ", Coded::Python, "with open('a') as f:\n    pass", false),
            (" amount in cents ", Coded::Python, "x = float(s)", true),
        ]);
    }

    #[test]
    fn faults_of_other_languages_are_found() {
        check(&[
            (" x ", Coded::JavaScript, "if (a == b) f();", true),
            (" x ", Coded::JavaScript, "if (a == null || b === c || d >= e) f();", false),
            (" x ", Coded::JavaScript, "var x = 1;", true),
            (" x ", Coded::JavaScript, "xs.forEach(async (x) => await f(x));", true),
            (" x ", Coded::TypeScript, "const f = (x: any) => x;", true),
            (" x ", Coded::TypeScript, "type F<T extends (...args: any[]) => void> = T;", false),
            (" x ", Coded::Rust, "fn f() { let m: HashMap<u8, u8> = HashMap::new(); }", true),
            (
                " x ",
                Coded::Rust,
                "use std::collections::HashMap;\nfn f() { let m: HashMap<u8, u8> = HashMap::new(); }",
                false,
            ),
            (" must not panic ", Coded::Rust, "fn f() { x.unwrap() }", true),
            (" x ", Coded::Rust, "fn f() { x.unwrap() }", false),
            (" x ", Coded::Go, "n, _ := strconv.Atoi(s)", true),
            (" x ", Coded::Go, "for _, s := range in {\n}", false),
            (" x ", Coded::Go, "r := make(map[string]int)\ngo func() {\n\tr[u] = 1\n}()\nwg.Wait()", true),
        ]);
    }
}
