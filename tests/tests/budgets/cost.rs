//! Counting what one request costs.

use std::collections::BTreeMap;

use e2e::meter::Charge;
use e2e::proxy::Call;
use e2e::{Options, World};

/// What was consumed between two readings of the meter.
#[derive(Debug, Default)]
pub struct Cost {
    pub calls: Vec<Call>,
}

impl Cost {
    /// Round trips that had to wait for each other.
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

    /// How many charges and how many units there are for each kind of item and index.
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

    /// Whether a key was looked up.
    pub fn asks_for_a_key(&self) -> bool {
        let pk = |call: &Call| call.request["Key"]["pk"]["S"].as_str().map(|pk| pk.starts_with("KEY#"));
        self.calls.iter().any(|call| call.operation == "GetItem" && pk(call) == Some(true))
    }
}

/// A world whose meter runs.
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

/// What was consumed since the meter was read last.
pub fn read_meter(world: &World) -> Cost {
    Cost { calls: world.proxy.as_ref().unwrap().take_calls() }
}

/// An output of 1 KB, different for each `i`.
pub fn kilobyte(i: usize) -> String {
    let text = format!("{i}. A README so thin that its table of contents is longer than its contents. ");
    text.chars().cycle().take(1024).collect()
}
