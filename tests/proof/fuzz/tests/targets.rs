//! Every target, for a few seconds: its corpus, the seeds that failed before, and inputs of a fresh seed.

use clorp_fuzz::{TARGETS, runner, target};

/// Declares the test of a target, with its number of inputs. A target with a table has few, because each of
/// its inputs costs milliseconds.
macro_rules! targets {
    ($($name:ident: $target:literal, $cases:literal;)*) => {
        $(
            #[test]
            fn $name() {
                let regressions = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/", $target, ".txt");
                if let Err(failure) = runner::test(target($target).unwrap(), $cases, regressions) {
                    panic!("{}\n{:?}", failure.reason, String::from_utf8_lossy(&failure.input));
                }
            }
        )*

        #[test]
        fn every_target_has_a_test() {
            let tested = [$($target),*];
            let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(names, tested);
        }
    };
}

targets! {
    no_answer_of_a_model_ranks_a_submission_twice_or_not_at_all: "answer", 2_000;
    no_text_with_a_changed_byte_is_an_api_key: "api_key", 2_000;
    every_prompt_has_few_demands_and_every_answer_is_checked_in_one_way: "constraints", 250;
    no_cookie_is_a_session_without_an_issued_token: "cookie", 800;
    every_cursor_is_refused_or_selects_items_of_its_list: "cursor", 60;
    every_event_means_what_its_own_fields_say: "event", 3_000;
    every_event_of_the_gateway_gets_an_answer: "invocation", 800;
    every_body_is_read_as_another_parser_reads_it: "json", 2_000;
    every_link_to_a_page_leads_to_that_page: "query", 2_000;
    no_request_has_a_caller_without_an_issued_credential: "request", 300;
    no_changed_signature_is_accepted: "signature", 250;
    every_accepted_name_file_and_time_can_be_shown: "text", 1_500;
    no_token_is_accepted_that_was_not_issued: "token", 800;
    every_answer_has_one_rank_whatever_it_holds: "verdict", 80;
    no_event_is_a_fault_or_counts_twice: "webhook", 40;
    every_id_and_word_has_one_spelling: "word", 4_000;
}

#[test]
fn the_corpus_has_inputs_of_every_target() {
    for target in TARGETS {
        let read = runner::replay(target).map_err(|failure| failure.reason).unwrap();
        assert!(read > 0, "{} has no corpus", target.name);
    }
}
