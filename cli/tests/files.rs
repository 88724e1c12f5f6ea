//! Files: sent with a drop, read by a worker, returned with an output.

use crate::bench::Bench;

#[tokio::test(flavor = "multi_thread")]
async fn files_travel_from_the_sender_to_a_worker_and_back() {
    let bench = Bench::start().await;
    let home = bench.home.path();
    std::fs::write(home.join("README.md"), "# A readme\n").unwrap();
    std::fs::write(home.join("data.bin"), [0xff, 0x00, 0xfe]).unwrap();
    let line = ["drop", "Roast this readme", "README.md", "data.bin", "--price", "500", "-y"];
    let posted = bench.sender().run(&line).await.expect(0);
    let id = posted["id"].as_str().unwrap();
    assert_eq!(posted["attachments"][0]["content_type"], "text/markdown");

    let worker = bench.worker(0);
    worker.run(&["claim", id, "--save", "brief"]).await.expect(0);
    assert_eq!(std::fs::read(home.join("brief/README.md")).unwrap(), b"# A readme\n");
    assert_eq!(std::fs::read(home.join("brief/data.bin")).unwrap(), [0xff, 0x00, 0xfe]);
    std::fs::write(home.join("roast.txt"), "A readme so short that it is its own summary.").unwrap();
    // Without a name, the second run would upload another file, and so submit something else.
    let submit = ["submit", id, "-f", "roast.txt", "--attach", "roast.txt", "--idempotency-key", "roast-1"];
    worker.run(&submit).await.expect(0);
    worker.run(&submit).await.expect(0);

    bench.settle().await;
    let pulled = bench.sender().run(&["pull", id, "--save", "result"]).await.expect(0);
    assert_eq!(pulled["drop"]["output_attachments"][0]["filename"], "roast.txt");
    let roast = std::fs::read_to_string(home.join("result/roast.txt")).unwrap();
    assert!(roast.starts_with("A readme so short"));
    // A second time, nothing is overwritten.
    bench.sender().run(&["pull", id, "--save", "result"]).await.expect(0);
    assert!(home.join("result/roast-2.txt").exists());
    bench.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_are_read_from_standard_input() {
    let bench = Bench::start().await;
    let path = bench.home.path().join("prompt.txt");
    std::fs::write(&path, "A prompt\nof two lines\n").unwrap();
    let open = || std::process::Stdio::from(std::fs::File::open(&path).unwrap());
    let posted = bench.sender().run_with(&["drop", "-", "--price", "500", "-y"], open()).await.expect(0);
    assert_eq!(posted["prompt"], "A prompt\nof two lines\n");
    let id = posted["id"].as_str().unwrap();
    bench.worker(0).run(&["claim", id]).await.expect(0);
    bench.worker(0).run_with(&["submit", id, "-f", "-"], open()).await.expect(0);
    std::fs::write(&path, [0xff, 0xfe]).unwrap();
    bench.worker(1).run(&["claim", id]).await.expect(0);
    let error = bench.worker(1).run_with(&["submit", id, "-f", "-"], open()).await.fails(2);
    assert!(error["error"].as_str().unwrap().contains("not UTF-8"), "{error}");
    bench.finish().await;
}
