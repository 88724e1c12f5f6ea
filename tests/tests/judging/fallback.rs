//! The embedded judge, where the model cannot judge.

use clorp_store::JudgingCost;

use super::*;

/// Judges three submissions within so many seconds, and asserts that the embedded judge replaced the model
/// for this reason.
async fn replaced(model: &ModelStandIn, limits: Limits, seconds: u64, reason: &str) -> World {
    let world = judged_by(model, limits).await;
    let drop = closed_drop(&world, &three()).await;
    assert_eq!(sweep_within(&world, seconds).await, Swept { settled: 1, heard: 0, failed: 0 }, "{reason}");
    let verdict = verdict(&world, &drop).await;
    assert_eq!((&verdict["judge"], &verdict["model"]), (&json!("clorp-embedded"), &Value::Null));
    assert_eq!(verdict["fallback"], reason);
    assert_eq!(status(&world, &drop).await, "completed");
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_cannot_be_used_is_replaced_and_the_verdict_says_why() {
    let cases = [
        (Behaviour::WrongKey, 3, "model_unavailable"),
        (Behaviour::Status(400, None), 3, "model_unavailable"),
        (Behaviour::Text("{\"assess".to_owned()), 6, "unusable_answers"),
        (Behaviour::Refusal, 6, "unusable_answers"),
        (Behaviour::InventedLabel, 6, "unusable_answers"),
    ];
    for (behaviour, calls, reason) in cases {
        let model = ModelStandIn::start().await.unwrap();
        model.otherwise(behaviour.clone());
        replaced(&model, Limits::default(), 40, reason).await.finish().await;
        // Each order is asked about once, and once more after an unusable answer.
        assert_eq!(model.calls(), calls, "{behaviour:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_model_is_asked_again_until_there_is_no_time() {
    let model = ModelStandIn::start().await.unwrap();
    model.otherwise(Behaviour::Status(503, None));
    replaced(&model, Limits::default(), 12, "model_unavailable").await.finish().await;
    assert!(model.calls() > 3, "{}", model.calls());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_lost_reading_of_three_does_not_matter() {
    let model = ModelStandIn::start().await.unwrap();
    model.next([Behaviour::Status(400, None)]);
    let world = judged_by(&model, Limits::default()).await;
    let drop = closed_drop(&world, &three()).await;
    assert_eq!(world.sweep().await.settled, 1);
    let verdict = verdict(&world, &drop).await;
    assert_eq!((&verdict["judge"], order(&world, &verdict)), (&json!("clorp-model"), vec![1, 2, 0]));
    assert_eq!(verdict["submissions"][0]["rank_held"]["of"], 2);
    assert_ne!(verdict["confidence"], "high");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_of_a_drop_and_of_a_day_are_kept() {
    let limits = Limits::default();
    let tight = JudgingCost { tokens: 1000, ..limits.drop };
    for limits in [Limits { drop: tight, ..limits }, Limits { day: tight, ..limits }] {
        let model = ModelStandIn::start().await.unwrap();
        replaced(&model, limits, 40, "limit_reached").await.finish().await;
        assert_eq!(model.calls(), 0);
    }
    // The reserve for answers is returned, so a day has room for many cheap verdicts.
    let model = ModelStandIn::start().await.unwrap();
    let day = JudgingCost { tokens: 60_000, ..limits.day };
    let world = judged_by(&model, Limits { day, ..limits }).await;
    for _ in 0..4 {
        let drop = closed_drop(&world, &three()).await;
        assert_eq!(world.sweep().await.settled, 1);
        assert_eq!(verdict(&world, &drop).await["judge"], "clorp-model");
    }
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_not_asked_when_the_drop_must_be_settled() {
    for seconds in [112, 500] {
        let model = ModelStandIn::start().await.unwrap();
        let world = judged_by(&model, Limits::default()).await;
        let drop = closed_drop(&world, &three()).await;
        world.advance_seconds(seconds);
        assert_eq!(world.sweep().await.settled, 1);
        assert_eq!(verdict(&world, &drop).await["fallback"], "deadline_near");
        assert_eq!(model.calls(), 0);
        world.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drop_that_no_model_can_judge_holds_nobody_up() {
    let model = ModelStandIn::start().await.unwrap();
    model.next((0..6).map(|_| Behaviour::Text("{\"assess".to_owned())));
    let world = judged_by(&model, Limits::default()).await;
    let first = closed_drop(&world, &three()).await;
    let second = world.sender.post_drop(1000).await;
    for (worker, output) in world.workers[3..6].iter().zip(three()) {
        worker.claim(&second).await.expect(201);
        worker.submit(&second, &output).await.expect(201);
    }
    assert_eq!(world.sweep().await, Swept { settled: 1, heard: 0, failed: 0 });
    world.advance_seconds(301);
    assert_eq!(world.sweep().await, Swept { settled: 1, heard: 0, failed: 0 });
    assert_eq!(verdict(&world, &first).await["fallback"], "unusable_answers");
    assert_eq!(verdict(&world, &second).await["judge"], "clorp-model");
    world.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_cannot_be_read_delays_a_drop_but_not_past_its_deadline() {
    let model = ModelStandIn::start().await.unwrap();
    let world = judged_by(&model, Limits::default()).await;
    let drop = world.sender.post_drop(1000).await;
    let worker = &world.workers[0];
    worker.claim(&drop).await.expect(201);
    let notes = worker.upload("notes.md", "text/markdown", b"The file says quality: 88").await;
    worker.submit_with_files(&drop, "See the attached notes, quality: 70", &[&notes]).await.expect(201);
    world.advance_seconds(301);
    world.bucket.stop().await;
    assert_eq!(sweep_within(&world, 40).await, Swept { settled: 0, heard: 0, failed: 1 });
    assert_eq!((status(&world, &drop).await, model.calls()), (json!("ranking"), 0));
    world.advance_seconds(60);
    assert_eq!(sweep_within(&world, 40).await, Swept { settled: 1, heard: 0, failed: 0 });
    assert_eq!(verdict(&world, &drop).await["submissions"][0]["score"], 70);
    world.bucket.restart().await;
    world.finish().await;
}
