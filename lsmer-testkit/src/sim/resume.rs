//! Life after a crash: what the death of a process leaves unsynced can still be lost.

use super::{
    SimVfs,
    content::index,
    crash::Crash,
    cursor::Cursor,
    disk::Node,
    log::{Change, Event, Recording},
};

impl Cursor<'_> {
    /// Returns a file system of its own with the disk that a crash here leaves, which records, and
    /// the number of events that its recording has already.
    ///
    /// After a power loss all that is there is durable, and the recording is empty. After the
    /// death of the process it begins with what happened before: what nobody has synced until
    /// then, a later power loss may still take.
    pub fn resume(&self, crash: &Crash) -> (SimVfs, usize) {
        let vfs = self.materialise(crash).vfs();
        vfs.record();
        if crash.power.is_some() {
            return (vfs, 0);
        }
        let mut events = self.recording.events[..self.at()].to_vec();
        if let Some(Event { change: Change::Write { file, offset, bytes }, class, site }) =
            self.next_event()
        {
            for range in self.flight_ranges(&crash.flight) {
                let part = &bytes[index(range.start - offset)..index(range.end - offset)];
                let change = Change::Write { file: *file, offset: range.start, bytes: part.into() };
                events.push(Event { change, class: *class, site });
            }
        }
        let count = events.len();
        let start = self.recording.start.clone();
        let mut state = vfs.state();
        // Numbers of files that have no name any more are not given out again.
        let linked = events.iter().filter_map(|event| match event.change {
            Change::Link { node, .. } => Some(node + 1),
            _ => None,
        });
        state.next = linked.chain([state.next]).max().expect("there is one");
        for event in &events {
            if let Change::Sync { file } = event.change
                && let Some(Node::File(content)) = self.durable_node(file)
            {
                state.synced.insert(file, content.clone());
            }
        }
        state.start = start.clone();
        state.recording = Some(Recording { start, events });
        drop(state);
        (vfs, count)
    }
}
