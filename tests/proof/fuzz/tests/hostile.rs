//! Hostile inputs, each as large as its shape goes. Work with the square of the size would take minutes here
//! and stop the run; `cargo fuzz-growth` measures the growth itself.

use clorp_fuzz::{TARGETS, runner};

#[test]
fn no_shape_of_the_largest_size_is_a_fault() {
    let mut read = 0;
    for target in TARGETS {
        for shape in target.shapes {
            let checked = runner::check(target, &(shape.make)(shape.most));
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
