//! Detects changes of the functions' code.
//!
//! cargo-lambda can watch the sources itself. Every instance of every function would then compile separately,
//! the API would be down while the code does not compile, and each compiler error would show once per
//! instance. The stack therefore watches the sources itself, builds once, and lets cargo-lambda restart its
//! instances only then.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::time::sleep;

/// Interval between two looks at the sources. Two equal snapshots this far apart count as saved.
const PERIOD: Duration = Duration::from_millis(500);

/// The paths that go into a function, relative to the workspace's root.
const SOURCES: [&str; 5] = ["functions", "shared", "Cargo.toml", "Cargo.lock", ".cargo"];

type Snapshot = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// The functions' sources with their last snapshot.
#[derive(Debug)]
pub struct Sources {
    root: PathBuf,
    period: Duration,
    seen: Snapshot,
}

impl Sources {
    /// Takes the first snapshot of the sources.
    pub fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), period: PERIOD, seen: snapshot(root) }
    }

    /// Waits until the sources differ from the last snapshot and have stopped changing.
    pub async fn changed(&mut self) {
        loop {
            sleep(self.period).await;
            let before = snapshot(&self.root);
            if before == self.seen {
                continue;
            }
            sleep(self.period).await;
            if snapshot(&self.root) == before {
                self.seen = before;
                return;
            }
        }
    }
}

fn snapshot(root: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    let mut left: Vec<PathBuf> = SOURCES.iter().map(|name| root.join(name)).collect();
    while let Some(path) = left.pop() {
        let Ok(meta) = path.metadata() else { continue };
        if meta.is_dir() {
            let inside = std::fs::read_dir(&path).into_iter().flatten().flatten();
            left.extend(inside.map(|entry| entry.path()).filter(|path| !is_scratch(path)));
        } else {
            found.insert(path, (meta.modified().ok(), meta.len()));
        }
    }
    found
}

/// True for editors' swap and backup files, and for other hidden files.
fn is_scratch(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with(['.', '#']) || name.ends_with('~')
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const SHORT: Duration = Duration::from_millis(20);

    #[tokio::test]
    async fn only_a_change_of_a_source_is_detected_and_only_once() {
        let root = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        file("functions/drops/src/main.rs", "fn main() {}");
        let mut sources = Sources { period: SHORT, ..Sources::of(root.path()) };
        file("functions/drops/src/.main.rs.swp", "x");
        file("functions/drops/src/main.rs~", "x");
        file(".local/dynamodb.sqlite", "x");
        file("docs/architecture.md", "x");
        assert!(timeout(SHORT * 10, sources.changed()).await.is_err());
        for (name, text) in [
            ("functions/drops/src/main.rs", "fn main() { }"),
            ("shared/domain/src/new.rs", ""),
            ("Cargo.lock", ""),
        ] {
            file(name, text);
            assert!(timeout(SHORT * 100, sources.changed()).await.is_ok(), "{name}");
            assert!(timeout(SHORT * 10, sources.changed()).await.is_err(), "{name} twice");
        }
    }
}
