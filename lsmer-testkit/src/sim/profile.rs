//! Which of the crashes a real file system allows.

use super::{
    crash::{Crash, Filler, PowerLoss},
    cursor::Cursor,
    disk::Ino,
    log::EventKind,
    part::{Part, What},
};

/// What a file system may do in a power loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Profile {
    /// Anything that the obligations of [`Vfs`](lsmer_core::Vfs) do not forbid. What is right here
    /// is right everywhere; all suites check under it.
    Weak,
    /// Linux ext4 with `data=ordered` and delayed allocation, as far as one may rely on it:
    ///
    /// - names, and lengths that were set, last in the order in which they were made, and both
    ///   halves of a rename together; the sync of a folder makes all of them before it durable;
    /// - a length that a write made comes no earlier than the names before it, and not without the
    ///   bytes.
    ///
    /// It only says how bad a failure is: "also on ext4".
    Ext4Ordered,
}

impl Cursor<'_> {
    /// Returns the crash that is nearest to this one and that a file system allows.
    #[must_use]
    pub fn under(&self, profile: Profile, crash: &Crash) -> Crash {
        match (&crash.power, profile) {
            (Some(power), Profile::Ext4Ordered) => {
                let power = Some(self.ext4_ordered(power));
                Crash { power, flight: crash.flight.clone() }
            }
            _ => crash.clone(),
        }
    }

    fn ext4_ordered(&self, power: &PowerLoss) -> PowerLoss {
        let events = &self.recording.events[..self.at()];
        let synced = events.iter().rposition(|event| event.kind() == EventKind::SyncDir);
        let is_lost = |atom: &usize| power.lost.binary_search(atom).is_ok();
        let parts = || self.parts().filter_map(|(part, atom)| Some((part, atom?)));
        // From this event on no name, and no length, is there.
        let first = parts()
            .filter(|(part, atom)| is_name(part) && is_lost(atom))
            .map(|(part, _)| part.event)
            .find(|event| synced.is_none_or(|synced| *event > synced))
            .unwrap_or(usize::MAX);
        let grows = |part: &Part| match &part.what {
            What::Grow(range) => Some((part.node, part.event, range.clone())),
            _ => None,
        };
        let kept: Vec<(Ino, usize)> = parts()
            .filter(|(part, atom)| grows(part).is_some() && !is_lost(atom) && part.event < first)
            .map(|(part, _)| (part.node, part.event))
            .collect();
        let grown: Vec<_> = parts().filter_map(|(part, _)| grows(part)).collect();
        let keeps = |node: Ino, event: usize| kept.iter().any(|at| at.0 == node && at.1 >= event);
        let mut lost = Vec::new();
        for (part, atom) in parts() {
            let gone = match &part.what {
                What::Link(..) | What::Unlink(..) | What::SetLen(_) => part.event >= first,
                What::Grow(_) => !keeps(part.node, part.event),
                What::Data(data) => {
                    let grew = grown.iter().rfind(|(node, event, range)| {
                        *node == part.node
                            && *event <= part.event
                            && range.start < data.end
                            && data.start < range.end
                    });
                    grew.map_or(is_lost(&atom), |(node, event, _)| !keeps(*node, *event))
                }
            };
            if gone {
                lost.push(atom);
            }
        }
        lost.sort_unstable();
        lost.dedup();
        PowerLoss { lost, filler: Filler::Zeros }
    }
}

/// Whether a part is of those that last in order.
fn is_name(part: &Part) -> bool {
    matches!(part.what, What::Link(..) | What::Unlink(..) | What::SetLen(_))
}
