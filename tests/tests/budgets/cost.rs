//! The cost of requests, as the proxy meters it.

use std::collections::BTreeMap;

use clorp_tests::meter::Charge;
use clorp_tests::proxy::Call;
use clorp_tests::{Options, World};

/// The calls between two readings of the meter.
#[derive(Debug, Default)]
pub struct Cost {
    pub calls: Vec<Call>,
}

impl Cost {
    /// Number of successive round trips; concurrent calls share one.
    pub fn round_trips(&self) -> usize {
        let mut rounds: Vec<usize> = self.calls.iter().map(|call| call.round).collect();
        rounds.sort_unstable();
        rounds.dedup();
        rounds.len()
    }

    pub fn read_units(&self) -> f64 {
        self.calls.iter().fold(0.0, |sum, call| sum + call.read_units)
    }

    pub fn write_units(&self) -> usize {
        self.charges().map(|charge| charge.units).sum()
    }

    pub fn charges(&self) -> impl Iterator<Item = &Charge> {
        self.calls.iter().flat_map(|call| &call.charges)
    }

    /// Number of charges and sum of units, by kind of item and index.
    pub fn by_item(&self) -> BTreeMap<(&str, Option<&str>), (usize, usize)> {
        let mut sums = BTreeMap::new();
        for charge in self.charges() {
            let sum: &mut (usize, usize) =
                sums.entry((charge.item.as_str(), charge.index.as_deref())).or_default();
            sum.0 += 1;
            sum.1 += charge.units;
        }
        sums
    }

    /// Tells if a call looked up an API key.
    pub fn looks_up_a_key(&self) -> bool {
        let pk = |call: &Call| call.request["Key"]["pk"]["S"].as_str().map(|pk| pk.starts_with("KEY#"));
        self.calls.iter().any(|call| call.operation == "GetItem" && pk(call) == Some(true))
    }
}

/// Starts a world with a running meter.
pub async fn metered() -> World {
    let world = World::with(Options { proxied: true, ..Options::funded() }).await;
    meter(&world, true);
    world
}

pub fn meter(world: &World, metering: bool) {
    let proxy = world.proxy.as_ref().unwrap();
    proxy.meter(metering);
    proxy.take_calls();
}

/// The cost since the last reading of the meter.
pub fn read_meter(world: &World) -> Cost {
    Cost { calls: world.proxy.as_ref().unwrap().take_calls() }
}

/// An output of 1 KB, different for each `i`. It compresses like prose: words repeat, sentences do not.
pub fn kilobyte(i: usize) -> String {
    const WORDS: &str = "the of and to in is that for with as on by this not are from at or an be have which \
        readme tagline build compiler release weekend maintainer dependency benchmark promise documentation table \
        contents longer shorter honest brave tired forgotten legendary experimental stable broken abandoned clever \
        it has been waiting since nobody asked everybody reads until after before almost never always quietly \
        loudly somewhere between version one and seventeen issues remain open while stars fade pull requests age \
        like milk in production where tests pass mostly on Tuesdays somebody wrote code without comments again";
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let mut seed = i as u64 + 1;
    let mut text = String::new();
    while text.len() < 1024 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(words[(seed >> 33) as usize % words.len()]);
        text.push_str(if (seed >> 20).is_multiple_of(9) { ". " } else { " " });
    }
    text.truncate(1024);
    text
}
