//! S3-FIFO: which blocks stay, from what was read and when it came in.
//!
//! Two queues. What comes in goes to the *small* one, a small part of the bytes; what was read
//! there goes on to *main*, what was not leaves, and is remembered as a ghost. What comes in and
//! has a ghost was wanted after all and goes to main at once. Main is a CLOCK: what was read since
//! it was last looked at goes round again, up to three times.
//!
//! So blocks that are read once, by a scan, pass through a small part of the cache. Other than in
//! the paper that part is a 64th and not a tenth, ghosts last half as long, and main is filled
//! first: each gives more hits on the workloads of `examples/hit_rates.rs`.

use std::collections::VecDeque;

use super::ghosts::Ghosts;

/// The small queue has one part in so many of the bytes.
const SMALL_PART: usize = 64;
/// How many reads in the small queue make a block stay.
const READS_TO_STAY: u32 = 1;
/// How many reads are remembered.
const MAX_READS: u32 = 3;
/// So many blocks are spared in a row at most, so that nobody waits for a walk through all.
const MAX_SPARED: u32 = 256;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Queue {
    #[default]
    None,
    Small,
    Main,
}

/// What the books say of the block in one slot.
#[derive(Clone, Copy, Debug, Default)]
struct Resident {
    /// Bits of the hash, for its ghost.
    hash: u32,
    bytes: u32,
    table: u32,
    /// Which of the slot's blocks it is: places in queues name it, and outlive it.
    stamp: u32,
    reads: u8,
    queue: Queue,
}

/// A block that comes in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Newcomer {
    pub(super) hash: u64,
    /// A mark of its table.
    pub(super) table: u32,
    pub(super) bytes: u32,
}

/// A block's place in a queue.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    at: u32,
    stamp: u32,
}

impl Ticket {
    /// Whether the block is still there.
    fn is_valid(self, residents: &[Resident]) -> bool {
        let resident = &residents[self.at as usize];
        resident.queue != Queue::None && resident.stamp == self.stamp
    }
}

#[derive(Debug)]
pub(super) struct Books {
    residents: Box<[Resident]>,
    small: VecDeque<Ticket>,
    main: VecDeque<Ticket>,
    ghosts: Ghosts,
    count: usize,
    bytes: usize,
    small_bytes: usize,
    small_target: usize,
    main_target: usize,
    stamps: u32,
}

impl Books {
    pub(super) fn new(slots: usize, capacity: usize) -> Self {
        Self {
            residents: vec![Resident::default(); slots].into_boxed_slice(),
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: Ghosts::new(slots / 4),
            count: 0,
            bytes: 0,
            small_bytes: 0,
            small_target: capacity / SMALL_PART,
            main_target: capacity - capacity / SMALL_PART,
            stamps: 0,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_in_main(&self, at: usize) -> bool {
        self.residents[at].queue == Queue::Main
    }

    /// Notes that a block was put into slot `at`, and whether to keep it as one that is read.
    pub(super) fn admit(&mut self, at: usize, newcomer: Newcomer, read: bool) {
        let Newcomer { hash, table, bytes } = newcomer;
        // Not the bits that chose the shard.
        let hash = u32::try_from(hash >> 16 & u64::from(u32::MAX)).expect("32 bits");
        self.stamps = self.stamps.wrapping_add(1);
        let main = self.ghosts.take(hash) || read || self.bytes < self.main_target;
        let queue = if main { Queue::Main } else { Queue::Small };
        self.residents[at] = Resident { hash, bytes, table, stamp: self.stamps, reads: 0, queue };
        self.bytes += bytes as usize;
        self.count += 1;
        let ticket = Ticket { at: u32::try_from(at).expect("a slot"), stamp: self.stamps };
        if main {
            self.main.push_back(ticket);
        } else {
            self.small_bytes += bytes as usize;
            self.small.push_back(ticket);
        }
        if self.small.len() + self.main.len() > 2 * self.count + 64 {
            self.forget_the_gone();
        }
    }

    /// Notes that the block was taken out of slot `at`.
    pub(super) fn remove(&mut self, at: usize) {
        let bytes = self.residents[at].bytes as usize;
        if self.residents[at].queue == Queue::Small {
            self.small_bytes -= bytes;
        }
        self.residents[at].queue = Queue::None;
        self.bytes -= bytes;
        self.count -= 1;
    }

    /// Returns the slot whose block is to go next. `hits` returns how often the block of a slot
    /// was read since it was last called for it.
    pub(super) fn victim(&mut self, hits: impl Fn(usize) -> u32) -> Option<usize> {
        let mut spared = 0;
        loop {
            if self.small_bytes > self.small_target || self.main.is_empty() {
                let Some(ticket) = self.small.pop_front() else {
                    // Neither has any.
                    self.main.front()?;
                    continue;
                };
                let Some(at) = self.current(ticket) else { continue };
                if hits(at) >= READS_TO_STAY && spared < MAX_SPARED {
                    spared += 1;
                    self.residents[at].queue = Queue::Main;
                    self.small_bytes -= self.residents[at].bytes as usize;
                    self.main.push_back(ticket);
                    continue;
                }
                self.ghosts.add(self.residents[at].hash, self.count / 2);
                return Some(at);
            }
            let Some(ticket) = self.main.pop_front() else { continue };
            let Some(at) = self.current(ticket) else { continue };
            let resident = &mut self.residents[at];
            let reads = (u32::from(resident.reads) + hits(at)).min(MAX_READS);
            if reads == 0 || spared >= MAX_SPARED {
                return Some(at);
            }
            spared += 1;
            resident.reads = u8::try_from(reads - 1).expect("at most three");
            self.main.push_back(ticket);
        }
    }

    /// Returns the slots that are probably looked at next for a victim, and after that.
    pub(super) fn upcoming(&self) -> [Option<usize>; 2] {
        let mut tickets = self.small.iter().chain(&self.main);
        [(); 2].map(|()| tickets.next().map(|ticket| ticket.at as usize))
    }

    /// Returns the one of these slots, all full, whose block is missed least.
    pub(super) fn least(&self, slots: impl Iterator<Item = usize>) -> usize {
        let worth = |at: &usize| {
            let resident = &self.residents[*at];
            (resident.queue == Queue::Main, resident.reads, resident.stamp)
        };
        slots.min_by_key(worth).expect("a bucket has slots")
    }

    /// Returns the slots of a table's blocks.
    pub(super) fn of_table(&self, table: u32) -> Vec<usize> {
        let ours = |(at, resident): (usize, &Resident)| {
            (resident.queue != Queue::None && resident.table == table).then_some(at)
        };
        self.residents.iter().enumerate().filter_map(ours).collect()
    }

    /// Returns the slot of a ticket whose block is still there.
    fn current(&self, ticket: Ticket) -> Option<usize> {
        ticket.is_valid(&self.residents).then_some(ticket.at as usize)
    }

    fn forget_the_gone(&mut self) {
        let residents = &self.residents;
        self.small.retain(|ticket| ticket.is_valid(residents));
        self.main.retain(|ticket| ticket.is_valid(residents));
    }
}
