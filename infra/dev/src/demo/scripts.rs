//! The prompts and outputs of the demo, one script for each pack.

use clorp_domain::Pack;

/// A prompt, with outputs of different quality.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The prompt that the sender posts.
    pub prompt: &'static str,
    /// An output that answers the prompt well.
    pub excellent: &'static str,
    /// An output that answers the prompt.
    pub good: &'static str,
    /// An output with hardly any work in it.
    pub thin: &'static str,
}

/// The script for `pack`.
pub const fn script(pack: Pack) -> Script {
    match pack {
        Pack::Roast => ROAST,
        Pack::Scout => SCOUT,
        Pack::Code => CODE,
        Pack::Cook => COOK,
        Pack::Wild => WILD,
    }
}

const ROAST: Script = Script {
    prompt: "Give me three roast-style taglines for this README: a to-do list app that needs 4 GB of memory \
        and has no tests",
    excellent: "1. A to-do app with the memory of an elephant and the manners of one in your kitchen.\n\
        2. Four gigabytes to remember milk, and the README still forgot the tests.\n\
        3. Your list loads after lunch; cross off breakfast while you wait.",
    good: "1. A to-do list so heavy that it needs a list for its memory.\n\
        2. Tests were on the list too.\n\
        3. An app like a slow elephant.",
    thin: "haha, buy more memory",
};

const SCOUT: Script = Script {
    prompt: "Find three open-source Rust libraries for dates and time zones, with licence and repository, and say \
        which one suits a new project",
    excellent: "1. Jiff (https://github.com/BurntSushi/jiff, MIT or Unlicense): the youngest, from 2024, by Andrew \
        Gallant. Time zones and calendar arithmetic that respects daylight saving are part of its core types.\n\
        2. Chrono (https://github.com/chronotope/chrono, MIT or Apache-2.0): the most used of the libraries, first \
        published in 2014; zone data comes from the separate chrono-tz crate.\n\
        3. Time (https://github.com/time-rs/time, MIT or Apache-2.0): small and strict, knows fixed offsets but no \
        zone database.\n\
        For a new project: Jiff, because a forgotten time zone is then a compile error instead of a bug report. \
        Keep Chrono where 2 or more dependencies already expose its types.",
    good: "Chrono (https://github.com/chronotope/chrono, MIT/Apache) is what most Rust projects use for dates. \
        Jiff is newer and handles time zones better. Time is the third one. I would take Jiff.",
    thin: "try chrono, it works",
};

const CODE: Script = Script {
    prompt: "Write a Rust function `parse_duration` that turns texts like \"1h30m\" or \"45s\" into seconds and \
        rejects malformed input, with tests",
    excellent: "```rust\n\
        /// Seconds in a text such as `1h30m`; `None` unless every number has a unit and units only shrink.\n\
        fn parse_duration(text: &str) -> Option<u64> {\n\
        \x20   let (mut total, mut number, mut last) = (0u64, None::<u64>, u64::MAX);\n\
        \x20   for c in text.chars() {\n\
        \x20       if let Some(digit) = c.to_digit(10) {\n\
        \x20           let so_far = number.unwrap_or(0).checked_mul(10)?;\n\
        \x20           number = Some(so_far.checked_add(u64::from(digit))?);\n\
        \x20           continue;\n\
        \x20       }\n\
        \x20       let unit = match c { 'h' => 3600, 'm' => 60, 's' => 1, _ => return None };\n\
        \x20       if unit >= last { return None; }\n\
        \x20       total = total.checked_add(number.take()?.checked_mul(unit)?)?;\n\
        \x20       last = unit;\n\
        \x20   }\n\
        \x20   (number.is_none() && last != u64::MAX).then_some(total)\n\
        }\n\n\
        #[test]\n\
        fn durations_are_parsed_and_malformed_input_is_rejected() {\n\
        \x20   assert_eq!(parse_duration(\"1h30m\"), Some(5400));\n\
        \x20   assert_eq!(parse_duration(\"45s\"), Some(45));\n\
        \x20   for bad in [\"\", \"10\", \"h\", \"5m1h\", \"1x\", \"99999999999999999999s\"] {\n\
        \x20       assert_eq!(parse_duration(bad), None, \"{bad}\");\n\
        \x20   }\n\
        }\n\
        ```\n\
        Checked arithmetic, because an overflow would otherwise turn a long text into a short duration.",
    good: "```rust\n\
        fn parse_duration(text: &str) -> u64 {\n\
        \x20   let mut seconds = 0;\n\
        \x20   let mut n = 0;\n\
        \x20   for c in text.chars() {\n\
        \x20       match c {\n\
        \x20           'h' => { seconds += n * 3600; n = 0; }\n\
        \x20           'm' => { seconds += n * 60; n = 0; }\n\
        \x20           's' => { seconds += n; n = 0; }\n\
        \x20           _ => n = n * 10 + c as u64 - 48,\n\
        \x20       }\n\
        \x20   }\n\
        \x20   seconds\n\
        }\n\
        ```",
    thin: "use the humantime crate",
};

const COOK: Script = Script {
    prompt: "A dinner for two in 30 minutes from chickpeas, spinach, a lemon and couscous, with amounts and steps",
    excellent: "Lemon chickpeas with spinach couscous, for two, 25 minutes.\n\
        Take 1 can of chickpeas (240 g drained), 150 g couscous, 200 g spinach, 1 lemon, 2 cloves of garlic, 3 \
        tablespoons olive oil, 1 teaspoon cumin, salt.\n\
        1. Pour 180 ml boiling water over the couscous, cover, and leave for 8 minutes.\n\
        2. Dry the chickpeas and fry them in 2 tablespoons of oil over high heat for 6 minutes, until they crackle.\n\
        3. Add sliced garlic and cumin, stir for 1 minute, then fold in the spinach until it wilts.\n\
        4. Take the pan off the heat and grate in half the lemon's zest, with its juice.\n\
        5. Fluff the couscous with the last spoon of oil, pile the chickpeas on top, and salt at the table.",
    good: "Fry the chickpeas in oil for 5 minutes, add the spinach and some garlic. Meanwhile soak 150 g couscous in \
        hot water. Mix everything, squeeze the lemon over it and serve.",
    thin: "just mix it all and heat it up",
};

const WILD: Script = Script {
    prompt: "Plan a rainy Sunday afternoon for two children aged 6 and 9 in a small flat, without screens",
    excellent: "14:00 Den: two chairs, a blanket and clothes pegs make a den in the hall; the 9-year-old draws the \
        plan, the 6-year-old furnishes it.\n\
        14:45 Indoor treasure hunt: hide 8 paper clues, each a riddle for the older and a picture for the younger, so \
        that neither can finish without the other.\n\
        15:30 Kitchen: pancakes, because mixing 200 g flour, 2 eggs and 300 ml milk lets both children crack, whisk \
        and count.\n\
        16:15 Rain race: pick a drop each on the window, bet raisins, first to the sill wins; best of 9.\n\
        16:30 Theatre: 3 socks become puppets, the den becomes the stage, and Grandma gets the premiere by telephone.\n\
        17:15 Quiet end: everybody tells one thing of the Sunday that must happen again.",
    good: "Build a den from blankets in the afternoon, bake some cookies together, then play a board game such as \
        Ludo. When the children get restless, a treasure hunt through the flat helps.",
    thin: "Let them play with Lego or read.",
};

#[cfg(test)]
mod tests {
    use clorp_domain::verdict::Candidate;
    use clorp_domain::{DropId, SubmissionId, UserId};
    use clorp_judge::{Contest, judge_embedded};
    use jiff::Timestamp;
    use ulid::Ulid;

    use super::*;

    #[test]
    fn outputs_rank_by_quality_in_every_pack() {
        for pack in Pack::ALL {
            let script = script(pack);
            let outputs = [script.good, script.thin, script.prompt, script.excellent, script.excellent];
            let candidates: Vec<Candidate> = (0..).zip(outputs).map(|(n, text)| candidate(n, text)).collect();
            let contest = Contest { pack, prompt: script.prompt, candidates: &candidates };
            let verdict = judge_embedded(&contest).unwrap();
            let order: Vec<&str> = verdict.placings().iter().map(|placing| placing.worker.as_str()).collect();
            assert_eq!(order, ["worker-3", "worker-0", "worker-1", "worker-4", "worker-2"], "{pack}");
        }
    }

    fn candidate(number: i64, text: &str) -> Candidate {
        let worker: UserId = format!("worker-{number}").parse().unwrap();
        Candidate {
            submission: SubmissionId::of(DropId::new(Ulid::nil()), &worker),
            worker,
            submitted_at: Timestamp::from_second(number).unwrap(),
            output_text: text.to_owned(),
        }
    }
}
