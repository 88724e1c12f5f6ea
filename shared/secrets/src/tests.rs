//! Readings are counted, and the clock is moved by hand.

use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use super::*;

const NAME: &str = "STRIPE_SECRET_KEY";
/// The age at which a value is read again, in seconds.
const OLD: i64 = LIFETIME_MINUTES * 60;

/// A service that keeps the secret `NAME`.
struct Service {
    secrets: Secrets,
    value: Arc<Mutex<Result<&'static str, &'static str>>>,
    readings: Arc<AtomicUsize>,
    seconds: Arc<AtomicI64>,
}

impl Service {
    async fn start() -> Self {
        let value = Arc::new(Mutex::new(Ok("a")));
        let (readings, seconds) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicI64::new(0)));
        let read: Box<Read> = {
            let (value, readings) = (value.clone(), readings.clone());
            Box::new(move || {
                readings.fetch_add(1, Ordering::Relaxed);
                let value = *value.lock().unwrap();
                Box::pin(async move {
                    // Others run meanwhile, as during a call.
                    tokio::task::yield_now().await;
                    value.map(fields).map_err(str::to_owned)
                })
            })
        };
        let clock = {
            let seconds = seconds.clone();
            Clock::simulated(move || {
                jiff::Timestamp::from_second(1_000_000 + seconds.load(Ordering::Relaxed)).unwrap()
            })
        };
        let secrets = Secrets::read(read, clock, |_| None).await.unwrap();
        Self { secrets, value, readings, seconds }
    }

    fn credential(&self) -> Credential {
        self.secrets.credential(NAME).unwrap()
    }

    fn put(&self, value: Result<&'static str, &'static str>) {
        *self.value.lock().unwrap() = value;
    }

    fn advance(&self, seconds: i64) {
        self.seconds.fetch_add(seconds, Ordering::Relaxed);
    }

    fn readings(&self) -> usize {
        self.readings.load(Ordering::Relaxed)
    }

    async fn current(&self) -> String {
        self.credential().current().await.expose().to_owned()
    }

    /// The value after a refusal of `refused`; `None` if no other is known.
    async fn after(&self, refused: &str) -> Option<String> {
        let after = self.credential().after_refusal(&Secret::new(refused)).await;
        after.map(|secret| secret.expose().to_owned())
    }
}

fn fields(value: &str) -> Fields {
    Fields::from([(NAME.to_owned(), Secret::new(value))])
}

#[tokio::test]
async fn a_value_is_read_once_until_it_is_old() {
    let service = Service::start().await;
    service.put(Ok("b"));
    service.advance(OLD - 1);
    for _ in 0..10 {
        assert_eq!(service.current().await, "a");
    }
    assert_eq!(service.readings(), 1);
    service.advance(1);
    for _ in 0..10 {
        assert_eq!(service.current().await, "b");
    }
    assert_eq!(service.readings(), 2);
}

#[tokio::test]
async fn a_refused_value_is_read_again_at_once_and_the_same_one_is_no_other() {
    let service = Service::start().await;
    service.put(Ok("b"));
    assert_eq!(service.after("a").await.as_deref(), Some("b"));
    assert_eq!((service.current().await.as_str(), service.readings()), ("b", 2));
    assert_eq!(service.after("a").await.as_deref(), Some("b"), "a late refusal of the old value");
    assert_eq!((service.after("b").await, service.readings()), (None, 2));
}

#[tokio::test]
async fn refusals_cause_one_reading_in_the_pause() {
    let service = Service::start().await;
    for _ in 0..100 {
        assert_eq!(service.after("a").await, None);
    }
    assert_eq!(service.readings(), 2);
    service.put(Ok("b"));
    service.advance(PAUSE_SECONDS - 1);
    assert_eq!((service.after("a").await, service.readings()), (None, 2));
    service.advance(1);
    assert_eq!((service.after("a").await.as_deref(), service.readings()), (Some("b"), 3));
}

#[tokio::test]
async fn concurrent_refusals_share_one_reading() {
    let service = Service::start().await;
    service.put(Ok("b"));
    let (first, second, third) = tokio::join!(service.after("a"), service.after("a"), service.after("a"));
    for value in [first, second, third] {
        assert_eq!(value.as_deref(), Some("b"));
    }
    assert_eq!(service.readings(), 2);
}

#[tokio::test]
async fn a_reading_that_fails_leaves_the_last_values_in_use_and_is_repeated_after_the_pause() {
    let service = Service::start().await;
    service.put(Err("AccessDeniedException"));
    assert_eq!(service.after("a").await, None);
    service.advance(OLD);
    for _ in 0..10 {
        assert_eq!(service.current().await, "a");
    }
    assert_eq!(service.readings(), 3, "the start, the refusal, and the age");
    service.put(Ok("b"));
    service.advance(PAUSE_SECONDS);
    assert_eq!((service.current().await.as_str(), service.readings()), ("b", 4));
}

#[tokio::test]
async fn a_reading_that_its_request_gives_up_is_repeated_only_after_the_pause() {
    let service = Service::start().await;
    service.put(Ok("b"));
    let credential = service.credential();
    let refused = Secret::new("a");
    // The reading has begun when its future is polled, and is dropped.
    tokio::select! {
        biased;
        _ = credential.after_refusal(&refused) => panic!("the reading waits"),
        () = std::future::ready(()) => {}
    }
    assert_eq!((service.after("a").await, service.readings()), (None, 2));
    service.advance(PAUSE_SECONDS);
    assert_eq!((service.after("a").await.as_deref(), service.readings()), (Some("b"), 3));
}

#[tokio::test]
async fn a_clock_that_is_set_back_delays_no_reading() {
    let service = Service::start().await;
    assert_eq!(service.after("a").await, None);
    service.put(Ok("b"));
    service.advance(-3600);
    assert_eq!((service.current().await.as_str(), service.readings()), ("b", 3));
}

#[tokio::test]
async fn a_field_that_the_secret_has_lost_keeps_its_last_value() {
    let names = Arc::new(Mutex::new(vec![NAME, "SUPABASE_ANON_KEY"]));
    let read: Box<Read> = {
        let names = names.clone();
        Box::new(move || {
            let names = names.lock().unwrap().clone();
            let fields = names.into_iter().map(|name| (name.to_owned(), Secret::new(name))).collect();
            Box::pin(std::future::ready(Ok(fields)))
        })
    };
    let secrets = Secrets::read(read, Clock::system(), |_| None).await.unwrap();
    let (lost, found) = (secrets.credential(NAME).unwrap(), "SUPABASE_JWT_SECRET");
    assert!(secrets.credential(found).is_none());
    *names.lock().unwrap() = vec!["SUPABASE_ANON_KEY", found];
    assert_eq!(lost.after_refusal(&Secret::new(NAME)).await, None);
    assert_eq!(lost.current().await.expose(), NAME);
    assert_eq!(secrets.credential(found).unwrap().current().await.expose(), found);
}

#[tokio::test]
async fn a_start_fails_without_the_secret_and_with_a_field_that_is_a_variable_too() {
    let failing: Box<Read> = Box::new(|| Box::pin(std::future::ready(Err("no answer".to_owned()))));
    assert_eq!(Secrets::read(failing, Clock::system(), |_| None).await.unwrap_err(), "no answer");
    let read: Box<Read> = Box::new(|| Box::pin(std::future::ready(Ok(fields("sk_secret")))));
    let variable = |name: &str| (name == NAME).then(|| "sk_variable".to_owned());
    let why = Secrets::read(read, Clock::system(), variable).await.unwrap_err();
    assert!(why.contains(NAME) && !why.contains("sk_"), "{why}");
}

#[tokio::test]
async fn variables_serve_where_there_is_no_secret() {
    let secrets = Secrets::from_variables(|name| (name == NAME).then(|| "a".to_owned()));
    let credential = secrets.credential(NAME).unwrap();
    assert!(secrets.credential("SUPABASE_ANON_KEY").is_none());
    assert_eq!(credential.current().await.expose(), "a");
    assert_eq!(credential.after_refusal(&Secret::new("a")).await, None);
}

#[tokio::test]
async fn debug_output_shows_no_secret() {
    let service = Service::start().await;
    service.put(Ok("hidden"));
    service.after("a").await;
    let fixed = Credential::from("hidden");
    let shown = format!("{:?} {:?} {:?} {fixed:?}", service.secrets, service.credential(), fixed.known());
    assert!(!shown.contains("hidden"), "{shown}");
}
