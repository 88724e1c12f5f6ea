//! Words and ids of the API and of the table. A text that is parsed is written back as it was.

use std::fmt::Display;
use std::str::FromStr;

use clorp_domain::rules::{parse_rate, parse_whole};
use clorp_domain::timeline::EventId;
use clorp_domain::{
    AgentId, DeviceCode, DeviceHash, DropId, EntryId, Grade, KeyId, Pack, RankingTask, Reason, Right,
    SetupId, Status, SubmissionId, TopupId, UploadId, UserCode, UserId, VerificationId, WithdrawalId,
};

use crate::{Shape, Target, ensure};

const ID: &str = "01JD4B6Q4N0000000000000001";

pub const TARGET: Target = Target {
    name: "word",
    subject: "ids, codes and words of the API and of the table",
    valid,
    words: &[
        ID,
        "7ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "topup:",
        "refund:",
        "win:",
        "drop:",
        "cs_1",
        "WDJB-MJHT",
        "wdjb",
        "1795512600000-0",
        "-1-0",
        "0000000000000-255",
        "roast",
        "open",
        "S",
        "read",
        "work",
        "60/60",
        "120/3600",
        "ı",
        "ſ",
    ],
    check,
    shapes: &[
        Shape { name: "blanks of a code", make: |bytes| " ".repeat(bytes).into_bytes(), most: 1 << 20 },
        Shape { name: "colons", make: |bytes| "topup:".repeat(bytes / 6).into_bytes(), most: 1 << 20 },
        Shape { name: "digits", make: |bytes| "1".repeat(bytes).into_bytes(), most: 1 << 20 },
    ],
};

fn valid() -> Vec<Vec<u8>> {
    let device = DeviceCode::from_random(std::array::from_fn(|at| (at * 5) as u8));
    let texts = [
        ID,
        "ada",
        "8c7b1d1e-0f5e-4c8f-9a51-5b1f6f1f2d11",
        "1795512600000-0",
        "WDJB-MJHT",
        "topup:cs_1",
        "refund:ch_1",
        "win:01JD4B6Q4N0000000000000001",
        "roast",
        "open",
        "A",
        "payouts",
        "60/60",
        device.expose(),
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

/// Requires that a text which is parsed has one spelling.
fn one_spelling<T: FromStr + Display>(text: &str) -> Result<(), String> {
    match text.parse::<T>() {
        Ok(value) => ensure(value.to_string() == text, || format!("{text:?} became {value}")),
        Err(_) => Ok(()),
    }
}

fn check(input: &[u8]) -> Result<(), String> {
    let text = String::from_utf8_lossy(input);
    one_spelling::<AgentId>(&text)?;
    one_spelling::<DropId>(&text)?;
    one_spelling::<EntryId>(&text)?;
    one_spelling::<KeyId>(&text)?;
    one_spelling::<SetupId>(&text)?;
    one_spelling::<SubmissionId>(&text)?;
    one_spelling::<TopupId>(&text)?;
    one_spelling::<UploadId>(&text)?;
    one_spelling::<VerificationId>(&text)?;
    one_spelling::<WithdrawalId>(&text)?;
    one_spelling::<UserId>(&text)?;
    one_spelling::<EventId>(&text)?;
    one_spelling::<Reason>(&text)?;
    one_spelling::<Pack>(&text)?;
    one_spelling::<Status>(&text)?;
    one_spelling::<Grade>(&text)?;
    let right = text.parse::<Right>().map(Right::as_str);
    ensure(right.is_err() || right == Ok(&*text), || format!("{text:?} became {right:?}"))?;
    let task = text.parse::<RankingTask>();
    ensure(task.is_err() || text.len() < 60, || format!("the task {task:?}"))?;
    if let Ok(code) = text.parse::<DeviceCode>() {
        ensure(code.expose() == text && !format!("{code:?}").contains(&*text), || {
            "a device code".to_owned()
        })?;
        let hash = code.hash();
        ensure(hash.as_str().parse::<DeviceHash>().is_ok_and(|again| again == hash), || "a hash".to_owned())?;
    }
    if let Ok(code) = text.parse::<UserCode>() {
        let again = code.to_string().parse::<UserCode>();
        let typed: String = text.chars().filter(|c| c.is_ascii_alphabetic()).collect();
        let same = again.is_ok_and(|again| again == code) && typed.eq_ignore_ascii_case(code.letters());
        ensure(same, || format!("{text:?} became {code}"))?;
    }
    let variable = |_: &str| Some(text.to_string());
    if let Ok(Some(rate)) = parse_rate(variable, "RATE") {
        ensure(rate.quota > 0 && rate.window_seconds > 0, || format!("{rate:?}"))?;
    }
    if let Ok(Some(whole)) = parse_whole(variable, "WHOLE", 1, 100) {
        ensure((1..=100).contains(&whole), || format!("{whole}"))?;
    }
    Ok(())
}
