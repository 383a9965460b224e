//! The engine keeps the rules of a file system's use, also while calls fail.

use std::sync::Arc;

use lsmer_core::Vfs;
use lsmer_testkit::{
    FailedSync, LintVfs,
    fault::{Effect, Errno, Op},
    figures,
};

use crate::{
    case::Case,
    run::caught,
    sweep::{calls, case, once},
    world::World,
};

/// Runs a case under the rules; returns what broke one.
fn violations(case: &Case) -> Vec<String> {
    let all = std::cell::RefCell::new(Vec::<LintVfs>::new());
    let wrap = |inner: Arc<dyn Vfs>| -> Arc<dyn Vfs> {
        let mut all = all.borrow_mut();
        let lint = match all.last() {
            Some(before) => before.next_process(inner),
            None => LintVfs::new(inner),
        };
        all.push(lint.clone());
        Arc::new(lint)
    };
    let ran = caught(|| {
        let mut world = World::new(case, &wrap);
        world.run()?;
        world.close()
    });
    assert!(ran.is_ok(), "{ran:?}\nreplay with LSMER_FAULT='{case}'");
    let all = all.into_inner();
    let open = all.iter().map(LintVfs::handles).sum::<usize>();
    assert_eq!(open, 0, "every handle is closed\nreplay with LSMER_FAULT='{case}'");
    all.iter().flat_map(LintVfs::violations).collect()
}

#[test]
fn the_engine_keeps_every_rule_about_files_also_while_they_fail() {
    let none: [&str; 0] = [];
    let mut runs = 0;
    for ring in [true, false] {
        let case = case(ring);
        assert_eq!(violations(&case), none, "with nothing wrong");
        let calls = calls(&case);
        let changes = |op: Op| op.needs_room() || op == Op::Remove;
        for nth in (0..calls.len()).filter(|nth| changes(calls[*nth].op)) {
            let effect = match calls[nth].op {
                Op::Sync | Op::SyncDir => Effect::Sync(FailedSync::StillDirty),
                _ => Effect::Error(Errno::EIO),
            };
            let case = Case { plan: once(effect, nth), ..case.clone() };
            assert_eq!(violations(&case), none, "{}: LSMER_FAULT='{case}'", calls[nth]);
            runs += 1;
        }
    }
    figures("fault-lint", &[("runs", runs), ("violations", 0)]);
}
