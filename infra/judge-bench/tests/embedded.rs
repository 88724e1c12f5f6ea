//! The embedded judge on races that its weights were not fitted to.

#![expect(clippy::unwrap_used, reason = "helpers of tests are not marked as tests")]

use std::path::Path;
use std::sync::LazyLock;

use clorp_judge_bench::figures::Figures;
use clorp_judge_bench::{embedded, injections, set};

/// Injected submissions. An unoptimised judge takes about 60 milliseconds for each.
const ATTEMPTS: usize = 144;

static FIGURES: LazyLock<Figures> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("races");
    let races = set::read(&folder.join("test.jsonl")).unwrap();
    let injections = injections::read(&folder.join("injections.jsonl")).unwrap();
    Figures::new(&races, &embedded::measure(&races, &injections, ATTEMPTS).unwrap())
});

#[test]
fn three_of_five_winners_are_right() {
    let figures = &*FIGURES;
    assert_eq!((figures.races, figures.undecided), (110, 0));
    assert!(figures.top1 * 100 >= figures.races * 60, "{figures}");
}

#[test]
fn the_judge_finds_at_least_as_many_winners_as_length_does_in_every_pack() {
    let figures = &*FIGURES;
    assert_eq!(figures.top1_by_pack.len(), 5);
    for (pack, right) in &figures.top1_by_pack {
        let by_length = figures.longest_wins_by_pack[pack].max(figures.shortest_wins_by_pack[pack]);
        assert!(*right >= by_length, "{pack}\n{figures}");
    }
}

#[test]
fn the_order_of_arrival_changes_no_ranking_without_a_copy() {
    assert!(FIGURES.order_swaps > 300, "{}", *FIGURES);
    assert_eq!(FIGURES.order_held, FIGURES.order_swaps, "{}", *FIGURES);
}

#[test]
fn no_injection_improves_a_rank() {
    assert_eq!((FIGURES.injections, FIGURES.injections_moved), (ATTEMPTS, 0), "{}", *FIGURES);
}

#[test]
fn plain_checks_refuse_at_most_one_deserving_winner() {
    assert!(FIGURES.refused > 0 && FIGURES.refused_winners <= 1, "{}", *FIGURES);
}
