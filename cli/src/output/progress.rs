//! Progress on standard error while a command waits.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;

use super::{Output, left};

/// A line that moves while a command waits, or nothing where output must not move.
#[derive(Debug)]
pub struct Progress(Option<ProgressBar>);

impl Progress {
    /// A spinner with a message.
    pub fn spinner(output: &Output, message: &str) -> Self {
        if !output.animated {
            return Self(None);
        }
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner:.cyan} {msg}") {
            bar.set_style(style);
        }
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        Self(Some(bar))
    }

    /// Shows the time that is left of a window.
    pub fn count_down(&self, opened: Option<Timestamp>, closes: Timestamp, now: Timestamp, message: &str) {
        let Some(bar) = &self.0 else { return };
        let total = opened.map_or(0, |opened| closes.duration_since(opened).as_secs().max(1));
        let gone = opened.map_or(0, |opened| now.duration_since(opened).as_secs().clamp(0, total));
        const COLUMNS: i64 = 24;
        let filled = if total > 0 { usize::try_from(gone * COLUMNS / total).unwrap_or(0) } else { 0 };
        let track =
            format!("{}{}", "━".repeat(filled), "─".repeat((COLUMNS as usize).saturating_sub(filled)));
        bar.set_message(format!("{track} {}  {message}", left(closes, now)));
    }

    /// Replaces the message.
    pub fn message(&self, message: &str) {
        if let Some(bar) = &self.0 {
            bar.set_message(message.to_owned());
        }
    }

    /// Prints a line above the moving one.
    pub fn above(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
