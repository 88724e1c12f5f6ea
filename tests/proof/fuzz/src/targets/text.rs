//! Names, descriptions, files and times that users choose. The input is each of them.

use clorp_domain::agent::checked_description;
use clorp_domain::api_key::{checked_expiry, checked_name};
use clorp_domain::text::{folded, is_deceptive, require_plain, shows_something};
use clorp_domain::time::rfc3339;
use clorp_domain::{AgentName, Attachment, Draft, FileDraft, NewDrop, Rules, UploadId};
use jiff::Timestamp;
use ulid::Ulid;

use crate::{Shape, Target, ensure};

pub const TARGET: Target = Target {
    name: "text",
    subject: "names, descriptions, files, times",
    valid,
    words: &[
        "Ada",
        "ada's laptop",
        "ß",
        "ẞ",
        "σς",
        "İı",
        "ﬁ",
        "𝐀𝐝𝐚",
        "Аda",
        "\u{200d}",
        "\u{fe0f}",
        "\u{202e}",
        "\u{3164}",
        "../",
        "\\",
        "notes.txt",
        ".",
        "CON",
        "text/plain",
        "text/plain; charset=utf-8",
        "image/svg+xml",
        "2027-01-01T00:00:00Z",
        "T",
        "Z",
        "+00:00",
        "-24:00",
        "23:59:60",
        "9999-12-31",
        "0000-01-01",
        "[UTC]",
    ],
    check,
    shapes: &[
        Shape {
            name: "combining marks",
            make: |bytes| format!("e{}", "\u{301}".repeat(bytes / 2)).into_bytes(),
            most: 1 << 20,
        },
        Shape {
            name: "marks to reorder",
            make: |bytes| format!("e{}", "\u{301}\u{323}".repeat(bytes / 4)).into_bytes(),
            most: 1 << 20,
        },
        Shape { name: "decompositions", make: |bytes| "ﷺ".repeat(bytes / 3).into_bytes(), most: 1 << 20 },
        Shape { name: "look-alikes", make: |bytes| "а".repeat(bytes / 2).into_bytes(), most: 1 << 20 },
        Shape { name: "carriage returns", make: |bytes| "\r".repeat(bytes).into_bytes(), most: 1 << 20 },
        Shape { name: "blanks", make: |bytes| "\u{2003}".repeat(bytes / 3).into_bytes(), most: 1 << 20 },
        Shape { name: "digits", make: |bytes| "9".repeat(bytes).into_bytes(), most: 1 << 20 },
    ],
};

fn valid() -> Vec<Vec<u8>> {
    let texts = [
        "Ada",
        "नमस्ते",
        "👩‍💻",
        "notes.txt",
        "text/plain; charset=utf-8",
        "2027-01-01T00:00:00.5+01:00",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "One line.\n\tAnother.\r\n",
    ];
    texts.map(|text| text.as_bytes().to_vec()).to_vec()
}

fn check_name(text: &str) -> Result<(), String> {
    if let Ok(name) = AgentName::new(Some(text)) {
        let shown = name.as_str();
        let sound = (1..=50).contains(&shown.chars().count()) && !shown.chars().any(is_deceptive);
        ensure(sound && shows_something(shown) && shown.trim() == shown, || format!("the name {shown:?}"))?;
        let again = AgentName::new(Some(shown)).map_err(|error| format!("refused {shown:?}: {error:?}"))?;
        ensure(again == name, || format!("{name} became {again}"))?;
        // Names that differ in case only are one.
        for other in [shown.to_uppercase(), shown.to_lowercase()] {
            ensure(folded(&other) == name.folded(), || format!("{other:?} passes beside {shown:?}"))?;
        }
    }
    if let Ok(name) = checked_name(Some(text)) {
        ensure(name.chars().count() <= 100 && !name.chars().any(char::is_control), || format!("{name:?}"))?;
    }
    if let Ok(Some(description)) = checked_description(Some(text)) {
        let sound = description.chars().count() <= 500 && require_plain("/d", "D", &description).is_ok();
        ensure(sound, || format!("the description {description:?}"))?;
    }
    let _ = folded(text);
    Ok(())
}

fn check_file(text: &str) -> Result<(), String> {
    let draft = |filename: &str, content_type: &str, sha256: &str| FileDraft {
        id: None,
        filename: Some(filename.to_owned()),
        content_type: Some(content_type.to_owned()),
        size_bytes: Some(12),
        sha256: Some(sha256.to_owned()),
    };
    let (rules, id, hash) = (Rules::default(), UploadId::new(Ulid::from_parts(1, 2)), "ab".repeat(32));
    for draft in
        [draft(text, "text/plain", &hash), draft("a.txt", text, &hash), draft("a.txt", "text/plain", text)]
    {
        let Ok(file) = Attachment::announced(draft, id, &rules) else { continue };
        let line = file.line();
        ensure(!line.contains(char::is_control), || format!("the file {line:?}"))?;
        ensure(!file.filename.contains(['/', '\\']), || format!("the path {:?}", file.filename))?;
        ensure(!file.served_type().contains("html") && file.served_type().is_ascii(), || line.clone())?;
        ensure(clorp_domain::attachments::sha256_from_hex(&file.sha256_hex()) == Some(file.sha256), || line)?;
    }
    Ok(())
}

fn check_time(text: &str) -> Result<(), String> {
    let now = Timestamp::from_second(1_795_512_600).map_err(|error| error.to_string())?;
    if let Ok(Some(at)) = checked_expiry(Some(text), now) {
        ensure(at > now, || format!("{at} has passed"))?;
        let written = rfc3339(at);
        let again = checked_expiry(Some(&written), now).map_err(|error| format!("{written}: {error:?}"))?;
        ensure(again == Some(at), || format!("{written} became {again:?}"))?;
    }
    Ok(())
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    check_name(&text)?;
    check_file(&text)?;
    check_time(&text)?;
    let rules = Rules::default();
    let draft = Draft { prompt: Some(text.to_string()), ..Draft::default() };
    if let Ok(new) = NewDrop::new(draft, &rules) {
        let sound = new.brief.prompt.len() <= rules.max_prompt_bytes
            && require_plain("/p", "P", &new.brief.prompt).is_ok();
        ensure(sound, || format!("the prompt {:?}", new.brief.prompt))?;
    }
    Ok(())
}
