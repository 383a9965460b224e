//! Ghosts: the hashes of blocks that left lately, without the blocks.
//!
//! A hash is in one of a few places, the oldest of which it takes. Its age is counted in ghosts;
//! one that is older than it may be is forgotten.

const WAYS: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Ghost {
    hash: u32,
    /// Number among all ghosts; 0 for none.
    number: u32,
}

#[derive(Debug)]
pub(super) struct Ghosts {
    sets: Box<[[Ghost; WAYS]]>,
    last: u32,
    /// Ghosts of a smaller age count.
    span: u32,
}

impl Ghosts {
    /// Makes room for about so many.
    pub(super) fn new(count: usize) -> Self {
        let sets = (count / WAYS).max(1);
        Self { sets: vec![[Ghost::default(); WAYS]; sets].into_boxed_slice(), last: 0, span: 0 }
    }

    /// Remembers a hash, and forgets those before the last `span`.
    pub(super) fn add(&mut self, hash: u32, span: usize) {
        // Zero is no number; once in 2^32, all are forgotten a little early.
        self.last = self.last.checked_add(1).unwrap_or(1);
        self.span = u32::try_from(span).unwrap_or(u32::MAX);
        let last = self.last;
        let set = self.set(hash);
        let age = |ghost: &Ghost| {
            if ghost.number == 0 { u32::MAX } else { last.wrapping_sub(ghost.number) }
        };
        let oldest = set.iter_mut().max_by_key(|ghost| age(ghost)).expect("four ways");
        *oldest = Ghost { hash, number: last };
    }

    /// Returns whether a hash is remembered, and forgets it.
    pub(super) fn take(&mut self, hash: u32) -> bool {
        let (last, span) = (self.last, self.span);
        let is_it = |ghost: &&mut Ghost| ghost.number != 0 && ghost.hash == hash;
        let Some(ghost) = self.set(hash).iter_mut().find(is_it) else { return false };
        let age = last.wrapping_sub(ghost.number);
        *ghost = Ghost::default();
        age < span
    }

    fn set(&mut self, hash: u32) -> &mut [Ghost; WAYS] {
        let sets = self.sets.len() as u64;
        let at = (u64::from(hash) * sets) >> 32;
        &mut self.sets[usize::try_from(at).expect("a set")]
    }
}
