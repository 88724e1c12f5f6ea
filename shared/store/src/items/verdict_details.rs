//! The part of a verdict that explains it: the method's draws, the demands of the prompt, and the
//! measurements of each submission. JSON in one attribute of the verdict, and the whole of a second opinion.

use std::collections::BTreeMap;

use clorp_domain::verdict::{Constraint, ConstraintCheck};
use clorp_domain::{Error, Placing, Verdict};
use serde::{Deserialize, Serialize};

use crate::table::item::parse;

/// Details of a verdict. Every part is absent in verdicts from before it was recorded.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Details {
    /// Name of the language model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Seed of the orders and labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Certainty of the first place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<String>,
    /// Reason why the embedded judge replaced the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback: Option<String>,
    /// Demands of the prompt.
    pub constraints: Vec<ConstraintDetails>,
    /// Measurements of each submission, by worker.
    pub placings: BTreeMap<String, PlacingDetails>,
}

/// A demand of the prompt.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ConstraintDetails {
    kind: String,
    text: String,
    stated: bool,
}

/// Measurements of one submission.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct PlacingDetails {
    /// True if a plain check refused the submission.
    pub refused: bool,
    /// Failed integrity checks.
    pub flags: Vec<String>,
    /// Criteria and their points.
    pub criteria: Vec<(String, u32)>,
    /// Results and measurements, in the order of the constraints.
    pub checks: Vec<(String, String)>,
    /// Length in characters.
    pub characters: u32,
    /// Characters that the judge read.
    pub characters_read: u32,
}

impl From<&Constraint> for ConstraintDetails {
    fn from(constraint: &Constraint) -> Self {
        Self { kind: constraint.kind.clone(), text: constraint.text.clone(), stated: constraint.stated }
    }
}

impl From<ConstraintDetails> for Constraint {
    fn from(details: ConstraintDetails) -> Self {
        Self { kind: details.kind, text: details.text, stated: details.stated }
    }
}

impl From<&Placing> for PlacingDetails {
    fn from(placing: &Placing) -> Self {
        let criteria = placing.criteria.iter().map(|of| (of.criterion.clone(), of.score));
        let checks = placing.checks.iter().map(|check| (check.met.to_string(), check.found.clone()));
        Self {
            refused: placing.refused,
            flags: placing.flags.clone(),
            criteria: criteria.collect(),
            checks: checks.collect(),
            characters: placing.characters,
            characters_read: placing.characters_read,
        }
    }
}

/// The details of a verdict, as JSON.
pub(crate) fn write_details(verdict: &Verdict) -> Result<String, Error> {
    let method = &verdict.method;
    let placings = verdict.placings().iter();
    let details = Details {
        model: method.model.clone(),
        seed: method.seed,
        confidence: method.confidence.map(|confidence| confidence.to_string()),
        fallback: method.fallback.map(|fallback| fallback.to_string()),
        constraints: verdict.constraints.iter().map(ConstraintDetails::from).collect(),
        placings: placings.map(|placing| (placing.worker.to_string(), placing.into())).collect(),
    };
    serde_json::to_string(&details).map_err(|error| Error::internal(format!("verdict: {error}")))
}

/// The details of a verdict; the default for an empty text, which older verdicts have.
pub(crate) fn read_details(json: &str) -> Result<Details, Error> {
    if json.is_empty() {
        return Ok(Details::default());
    }
    serde_json::from_str(json).map_err(|error| Error::internal(format!("stored verdict: {error}")))
}

/// The check of a submission against a constraint.
pub(crate) fn read_check((met, found): (String, String)) -> Result<ConstraintCheck, Error> {
    Ok(ConstraintCheck { met: parse("met", &met)?, found })
}
