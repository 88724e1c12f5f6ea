//! The tables of `docs/access-patterns.md`.

use std::path::Path;
use std::sync::Mutex;

/// The document is changed by one test at a time.
static DOCUMENT: Mutex<()> = Mutex::new(());

/// Holds the rows between `<!-- counted: name -->` and `<!-- end -->` to what was counted.
#[track_caller]
pub fn hold(name: &str, counted: &[String]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/access-patterns.md");
    let _guard = DOCUMENT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let document = std::fs::read_to_string(&path).unwrap();
    let mark = format!("<!-- counted: {name} -->\n");
    let (head, rest) = document.split_once(&mark).unwrap_or_else(|| panic!("no table {name}"));
    let (written, tail) = rest.split_once("<!-- end -->").unwrap();
    let counted = counted.join("\n");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{head}{mark}{counted}\n<!-- end -->{tail}")).unwrap();
    } else {
        assert_eq!(written.trim_end(), counted, "UPDATE_DOCS=1 rewrites docs/access-patterns.md");
    }
}
