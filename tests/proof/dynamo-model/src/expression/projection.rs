//! Projection expressions.

use std::rc::Rc;

use super::path::{Part, Path};
use super::{Cache, Context, Parsed, cached};
use crate::Failure;

thread_local! {
    static CACHE: Cache<Vec<Path>> = Cache::default();
}

/// The paths of a projection expression.
///
/// Source: Developer Guide, "Using projection expressions in DynamoDB".
pub(crate) fn parse(text: &str) -> Result<Rc<Parsed<Vec<Path>>>, Failure> {
    cached(&CACHE, "ProjectionExpression", text, |parser| {
        let mut paths = vec![parser.path()?];
        while parser.sign(",") {
            paths.push(parser.path()?);
        }
        Ok(paths)
    })
}

/// The paths with placeholders replaced. Fails if one is part of another.
pub(crate) fn resolve<'a>(
    member: &str,
    paths: impl IntoIterator<Item = &'a Path>,
    context: &'a Context,
) -> Result<Vec<Vec<Part<'a>>>, Failure> {
    let parts: Vec<Vec<Part>> = paths.into_iter().map(|path| path.parts(context.names).collect()).collect();
    for (i, a) in parts.iter().enumerate() {
        for b in &parts[i + 1..] {
            let common = a.iter().zip(b).take_while(|(a, b)| a == b).count();
            if common == a.len().min(b.len()) {
                let why =
                    "Two document paths overlap with each other; must remove or rewrite one of these paths";
                return Err(Failure::validation(format!("Invalid {member}: {why}")));
            }
            let differs = |path: &[Part]| matches!(path[common], Part::Index(_));
            if common > 0 && differs(a) != differs(b) {
                let why =
                    "Two document paths conflict with each other; must remove or rewrite one of these paths";
                return Err(Failure::validation(format!("Invalid {member}: {why}")));
            }
        }
    }
    Ok(parts)
}
