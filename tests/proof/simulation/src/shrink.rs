//! Shrinking of a failing plan: steps and faults are left out as long as the run still fails in the same way.

use anyhow::Result;

use crate::faults::{Point, Weather};
use crate::plan::Plan;
use crate::run::{Ground, Outcome};

/// Most runs of one shrinking.
const MAX_RUNS: usize = 600;

/// The smallest failing plan that was found, and its outcome.
///
/// # Errors
/// Fails if a run cannot begin.
pub fn shrink(ground: &Ground, plan: Plan, outcome: Outcome) -> Result<(Plan, Outcome)> {
    let mut search = Search { ground, class: class(&outcome), best: (plan, outcome), runs: 0 };
    loop {
        let before = search.size();
        search.drop_steps()?;
        search.mute_faults()?;
        if search.size() == before || search.runs >= MAX_RUNS {
            return Ok(search.best);
        }
    }
}

struct Search<'a> {
    ground: &'a Ground,
    class: String,
    best: (Plan, Outcome),
    runs: usize,
}

impl Search<'_> {
    fn size(&self) -> (usize, usize) {
        (self.best.0.steps.len(), self.best.1.struck.len())
    }

    /// Takes a smaller plan as the best one if it fails in the same way.
    fn consider(&mut self, plan: Plan) -> Result<bool> {
        if self.runs >= MAX_RUNS {
            return Ok(false);
        }
        self.runs += 1;
        let weather = Weather::of_seed(plan.seed, plan.muted.clone());
        let outcome = self.ground.run(&plan, weather, false)?;
        let fails = !outcome.violations.is_empty() && class(&outcome) == self.class;
        if fails {
            self.best = (plan, outcome);
        }
        Ok(fails)
    }

    /// Leaves out halves, quarters and smaller parts of the steps, in the end single ones.
    fn drop_steps(&mut self) -> Result<()> {
        let mut size = self.best.0.steps.len().div_ceil(2);
        while size > 0 {
            let mut begin = 0;
            while begin < self.best.0.steps.len() {
                let mut plan = self.best.0.clone();
                let end = (begin + size).min(plan.steps.len());
                plan.steps.drain(begin..end);
                if !self.consider(plan)? {
                    begin = end;
                }
            }
            size /= 2;
        }
        Ok(())
    }

    fn mute_faults(&mut self) -> Result<()> {
        let all: Vec<Point> = self.best.1.struck.iter().map(|(at, _)| *at).collect();
        let mut plan = self.best.0.clone();
        plan.muted.extend(&all);
        if self.consider(plan)? {
            return Ok(());
        }
        for at in all {
            let mut plan = self.best.0.clone();
            plan.muted.insert(at);
            self.consider(plan)?;
        }
        Ok(())
    }
}

/// The kind of a failure: its first line without the numbers and ids.
pub fn class(outcome: &Outcome) -> String {
    let first = outcome.violations.first().map(String::as_str).unwrap_or_default();
    let words = first.split_whitespace().filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
    words.take(6).collect::<Vec<_>>().join(" ")
}
