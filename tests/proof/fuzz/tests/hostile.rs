//! Hostile inputs, each as large as its parser is given. Work with the square of the size would take minutes
//! here and stop the run; `cargo fuzz-growth` measures the growth itself.

use clorp_fuzz::{TARGETS, runner};

/// Largest size of a text that is judged, in bytes. Judging takes a hundred times as long as parsing.
const MOST_JUDGED: usize = 24 * 1024;

#[test]
fn no_shape_of_the_largest_size_is_a_fault() {
    let mut read = 0;
    for target in TARGETS {
        let most = if ["constraints", "verdict"].contains(&target.name) { MOST_JUDGED } else { usize::MAX };
        for shape in target.shapes {
            let checked = runner::check(target, &(shape.make)(shape.most.min(most)));
            assert_eq!(checked, Ok(()), "{}: {}", target.name, shape.name);
            read += 1;
        }
    }
    assert!(read > 100, "only {read} shapes");
}

#[test]
fn the_names_of_shapes_differ_within_a_target() {
    for target in TARGETS {
        let mut names: Vec<&str> = target.shapes.iter().map(|shape| shape.name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{}: {names:?}", target.name);
    }
}
