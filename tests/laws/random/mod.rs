//! Laws for random configurations, which are made from Proxmox's own parameter schema and reduced if one breaks a law.
//! The seed is fixed; `PROPTEST_RNG_SEED` chooses another, `PROPTEST_CASES` sets the number of cases.

mod changed;
mod guests;
mod meaning;
mod proved;
mod rebuilt;
mod truth;
mod values;

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngSeed, TestRunner};

/// Samples of a strategy: this number of cases, or the number in the environment.
#[expect(clippy::disallowed_methods, reason = "whoever runs a test says how long it may take")]
fn samples<S: Strategy>(strategy: S, cases: u32) -> impl Iterator<Item = S::Value> {
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = cases;
    }
    if matches!(config.rng_seed, RngSeed::Random) {
        config.rng_seed = RngSeed::Fixed(11);
    }
    let cases = config.cases;
    let mut runner = TestRunner::new(config);
    (0..cases).map(move |_| strategy.new_tree(&mut runner).expect("nothing is left out").current())
}
