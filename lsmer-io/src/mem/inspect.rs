//! What tests do to a file system in memory that programs cannot.

use std::{
    io,
    path::{Path, PathBuf},
};

use lsmer_core::FileClass;

use super::{MemVfs, SyncHook, fault::Op, state};

impl MemVfs {
    /// Makes the `nth` matching operation from now on fail with `error` (0: the next one), without
    /// effect; if `sticky`, all matching ones after it too. A class matches operations on files of
    /// that class only; folders have none.
    ///
    /// A failed sync leaves what is pending pending. Several plans work side by side.
    #[expect(clippy::too_many_arguments, reason = "each is one word of the sentence")]
    pub fn fail_nth(
        &self,
        op: Op,
        class: Option<FileClass>,
        nth: u64,
        error: io::ErrorKind,
        sticky: bool,
    ) {
        self.state().faults.add((op, class), nth, error, sticky);
    }

    /// Forgets all that was to fail. The disk limit stays.
    pub fn clear_faults(&self) {
        self.state().faults.clear();
    }

    /// Makes what would let the files grow beyond so many bytes together fail with `StorageFull`.
    /// Every byte below a file's length counts; files without a name do not.
    pub fn set_disk_limit(&self, bytes: Option<u64>) {
        self.state().disk_limit = bytes;
    }

    /// Sets what [`caps`](lsmer_core::Vfs::caps) says of crash rings; `true` at first. Files that
    /// are open keep to what it said when they were opened.
    pub fn set_fast_ring(&self, fast: bool) {
        self.state().fast_ring = fast;
    }

    /// Returns how many operations there were, of all kinds of [`Op`], failed ones included.
    pub fn op_count(&self) -> u64 {
        self.state().ops
    }

    /// Returns how many calls of `sync` and `sync_dir` there were, failed ones included.
    pub fn sync_points(&self) -> u64 {
        self.state().sync_points
    }

    /// Calls `callback` before every `sync` and `sync_dir`, and after each that worked, in the
    /// thread that syncs and without a lock. Replaces the one before.
    pub fn on_sync(&self, callback: SyncHook) {
        *self.shared.on_sync.lock() = Some(callback);
    }

    /// Ends the calls of [`on_sync`](Self::on_sync).
    pub fn clear_on_sync(&self) {
        *self.shared.on_sync.lock() = None;
    }

    /// Flips bit `bit` (0 to 7) of the byte at `offset`, as a bad disk does: without a trace.
    ///
    /// # Errors
    ///
    /// `NotFound`, `IsADirectory`; `InvalidInput` beyond the end of the file.
    pub fn flip(&self, path: impl AsRef<Path>, offset: u64, bit: u8) -> io::Result<()> {
        let vfs = self.state();
        let file = vfs.find(path.as_ref())?.file()?;
        let state = &mut *file.state.lock();
        if offset >= state.now.len() || bit > 7 {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        for content in [&mut state.now, &mut state.durable] {
            let mut byte = [0];
            if content.read(&mut byte, offset) == 1 {
                content.write(&[byte[0] ^ (1 << bit)], offset);
            }
        }
        Ok(())
    }

    /// Returns all bytes of a file.
    ///
    /// # Errors
    ///
    /// `NotFound`, `IsADirectory`.
    pub fn read_all(&self, path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
        let vfs = self.state();
        let file = vfs.find(path.as_ref())?.file()?;
        let content = file.state.lock().now.clone();
        Ok(state::bytes(&content))
    }

    /// Returns the paths, from `/`, and sizes in bytes of all files, sorted.
    pub fn list(&self) -> Vec<(PathBuf, u64)> {
        let state = self.state();
        let mut files = Vec::new();
        state::State::walk(&state.root, Path::new("/"), &mut |path, file| {
            files.push((path.to_path_buf(), file.state.lock().now.len()));
        });
        files
    }
}
