//! What the strategy costs, before any data is trusted to it.

use lsmer::parts::{
    Leveled,
    simulate::{Choice, Setup, Stuck, Workload, simulate},
};
use third_party_strategy::Staircase;

#[test]
fn a_staircase_writes_less_than_levels_and_needs_more_room_while_it_merges() -> Result<(), Stuck> {
    let setup = Setup::default().with_memtable_bytes(64 << 10).with_table_bytes(64 << 10);
    let workload = Workload::new(20_000, 100_000, Choice::Uniform);
    let staircase = simulate(&Staircase, &setup, &workload)?;
    let leveled = simulate(&Leveled::default(), &setup, &workload)?;
    assert!(staircase.write_amplification < leveled.write_amplification, "{staircase}\n{leveled}");
    let room = [&staircase, &leveled].map(|report| report.peak_space_amplification);
    assert!(room[0] > room[1], "{staircase}\n{leveled}");
    assert_eq!(staircase.illegal, 0);
    Ok(())
}
