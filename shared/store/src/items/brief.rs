//! The brief of a drop.

use std::collections::BTreeMap;

use clorp_domain::{Brief, Error};
use serde::{Deserialize, Serialize};

use crate::items::attachment::{AttachmentItem, read_attachments, write_attachments};
use crate::table::item::{decode, keyed};
use crate::table::{Item, Key};

#[derive(Debug, Serialize, Deserialize)]
struct BriefItem {
    prompt: String,
    env_vars: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    attachments: Vec<AttachmentItem>,
}

pub(crate) fn write_brief(key: &Key, brief: &Brief) -> Result<Item, Error> {
    let item = BriefItem {
        prompt: brief.prompt.clone(),
        env_vars: brief.env_vars.clone(),
        attachments: write_attachments(&brief.attachments),
    };
    keyed(key, &item)
}

pub(crate) fn read_brief(item: Item) -> Result<Brief, Error> {
    let item: BriefItem = decode(item)?;
    let attachments = read_attachments(item.attachments)?;
    Ok(Brief { prompt: item.prompt, env_vars: item.env_vars, attachments })
}
