//! `verify`: a check of one output.

use crate::api::Text;
use crate::api::calls::VERIFY;
use crate::api::types::VerifyRequest;
use crate::args;
use crate::exit::Exit;
use crate::failure::Result;
use crate::files::{read_all, read_text, upload_all};

use super::Session;
use super::view::indent;

/// Checks an output against criteria. One that fails exits with 1.
pub async fn run(session: &Session, args: args::Verify) -> Result<Exit> {
    let Session { api, output } = session;
    let files = read_all(&args.output.attach)?;
    let text = match (args.output.text, &args.output.file) {
        (Some(text), _) => Some(text),
        (None, Some(path)) => Some(read_text(path)?),
        (None, None) => None,
    };
    let request = VerifyRequest {
        criteria: args.criteria.into(),
        output_text: text.map(Text::from),
        attachments: upload_all(api, output, &files).await?,
    };
    let checked = api.send(VERIFY.body(&request)).await?;
    output.show(&checked.json, |style| {
        let check = &checked.value;
        let result = if check.passed { style.green("passed") } else { style.red("failed") };
        let id = style.dim(&check.id.line());
        format!("{result} {}/100  {id}\n\n{}", check.score, indent(&check.rationale.to_string()))
    })?;
    Ok(if checked.value.passed { Exit::Success } else { Exit::Failure })
}
