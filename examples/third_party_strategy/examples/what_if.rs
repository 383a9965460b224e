//! What would the strategy cost, beside those that ship? `cargo run --release --example what_if`
//! prints it; with the name of a file it draws the tree over time.

use std::{env, error::Error, fs};

use lsmer::parts::{
    Leveled, Tiered,
    core::CompactionStrategy,
    simulate::{Choice, Setup, Workload, picture, simulate},
};
use third_party_strategy::Staircase;

fn main() -> Result<(), Box<dyn Error>> {
    let setup = Setup::default();
    let workload = Workload::new(10_000_000, 100_000_000, Choice::Zipf { theta: 0.99 });
    let strategies: [&dyn CompactionStrategy; 3] =
        [&Staircase, &Leveled::default(), &Tiered::default()];
    for strategy in strategies {
        println!("{}", simulate(strategy, &setup, &workload)?);
    }
    if let Some(file) = env::args().nth(1) {
        fs::write(&file, picture(&simulate(&Staircase, &setup, &workload)?))?;
    }
    Ok(())
}
