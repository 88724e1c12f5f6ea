//! Growth of the time that a target takes for larger inputs of one shape.
//!
//! The time is that of the thread's processor, and the least of several runs. It is taken at two sizes of
//! which one is four times the other, as large as the shape goes. Work that grows with the square takes
//! sixteen times as long, and work that grows with the size four times.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use crate::{Shape, Target, runner};

/// The factor between the two sizes.
const FACTOR: usize = 4;
/// Runs at each size, of which the fastest counts.
const RUNS: u32 = 3;
/// Time at the larger size from which on a ratio says something. Below it, the shape is simply fast.
const NOTICEABLE: Duration = Duration::from_millis(4);
/// Time of one run after which it is not repeated, and the size is not raised.
const LONG: Duration = Duration::from_secs(4);
/// Smallest size that is measured, in bytes.
const LEAST: usize = 1024;
/// Exponent of the growth from which on it counts as too much. That of a square is 2.
const MOST_EXPONENT: f64 = 1.6;

/// The time that one shape takes.
#[derive(Clone, Debug)]
pub struct Growth {
    /// Name of the target.
    pub target: &'static str,
    /// Name of the shape.
    pub shape: &'static str,
    /// The larger size, in bytes.
    pub bytes: usize,
    /// Processor time at the larger size.
    pub time: Duration,
    /// Processor time at a quarter of it.
    pub quarter: Duration,
    /// The property that does not hold for the larger input.
    pub fault: Option<String>,
}

impl Growth {
    /// The exponent: 1 for work in proportion to the size, 2 for its square. `None` if the time is too short
    /// to tell.
    pub fn exponent(&self) -> Option<f64> {
        let ratio = self.time.as_secs_f64() / self.quarter.as_secs_f64().max(1e-9);
        (self.time >= NOTICEABLE).then(|| ratio.ln() / (FACTOR as f64).ln())
    }

    /// True if the time grows too fast, or the input is a fault.
    pub fn is_bad(&self) -> bool {
        self.fault.is_some() || self.exponent().is_some_and(|exponent| exponent > MOST_EXPONENT)
    }
}

/// Measures one shape of a target. The size is raised up to the shape's largest, but not beyond one that
/// takes seconds.
pub fn measure(target: &Target, shape: &Shape) -> Growth {
    let mut bytes = LEAST.min(shape.most);
    let (mut quarter, _) = least(target, &(shape.make)(bytes / FACTOR));
    let (mut time, mut fault) = least(target, &(shape.make)(bytes));
    while bytes < shape.most && time < LONG && fault.is_none() {
        let next = shape.most.min(bytes * FACTOR);
        // The last step may be shorter, and the smaller size then has no measurement yet.
        quarter = if next == bytes * FACTOR { time } else { least(target, &(shape.make)(next / FACTOR)).0 };
        bytes = next;
        (time, fault) = least(target, &(shape.make)(bytes));
    }
    Growth { target: target.name, shape: shape.name, bytes, time, quarter, fault }
}

/// The least time of several runs, and the fault of the first.
fn least(target: &Target, input: &[u8]) -> (Duration, Option<String>) {
    let mut least = Duration::MAX;
    let mut fault = None;
    for run in 0..RUNS {
        let before = now();
        let checked = runner::check(target, input);
        let took = now().saturating_sub(before);
        least = least.min(took);
        if run == 0 {
            fault = checked.err();
        }
        if took > LONG || fault.is_some() {
            break;
        }
    }
    (least, fault)
}

/// The processor time of this thread.
fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or_default(), nanos.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_times(quarter_millis: u64, millis: u64) -> Growth {
        Growth {
            target: "t",
            shape: "zeros",
            bytes: 4096,
            time: Duration::from_millis(millis),
            quarter: Duration::from_millis(quarter_millis),
            fault: None,
        }
    }

    #[test]
    fn work_with_the_square_of_the_size_is_found_and_work_with_the_size_is_not() {
        let (squared, linear) = (of_times(10, 160), of_times(10, 40));
        assert!(squared.is_bad(), "{squared:?}");
        assert!(squared.exponent().is_some_and(|exponent| (exponent - 2.0).abs() < 1e-9));
        assert!(!linear.is_bad(), "{linear:?}");
    }

    #[test]
    fn a_time_too_short_to_tell_is_not_held_against_a_parser() {
        assert_eq!(of_times(0, 3).exponent(), None);
        assert!(!of_times(0, 3).is_bad());
    }

    #[test]
    fn a_fault_of_a_large_input_is_found() {
        let reads = |check| {
            let shape = Shape { name: "zeros", make: |bytes| vec![0; bytes], most: 4096 };
            let target = Target { name: "t", subject: "", valid: Vec::new, words: &[], check, shapes: &[] };
            measure(&target, &shape)
        };
        let faulty = reads(|input| crate::ensure(input.len() < 2000, || "too long".to_owned()));
        assert_eq!(faulty.fault.as_deref(), Some("too long"));
        assert_eq!(faulty.bytes, 4096, "the fault is not there at the smaller sizes");
        assert!(faulty.is_bad());
        assert!(reads(|_| panic!("no")).is_bad());
    }
}
