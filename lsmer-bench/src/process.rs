//! What this process has cost so far, as Linux counts it.

use std::fs;

use crate::numbers::float;

/// Costs since the process began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// Seconds on a processor, of all threads.
    pub cpu_seconds: f64,
    /// Most resident memory at any time, in bytes.
    pub peak_rss_bytes: u64,
    /// Bytes that it made dirty in the page cache or wrote to storage, in whole pages.
    pub written_bytes: u64,
    /// Bytes that it read from storage.
    pub read_bytes: u64,
}

impl Usage {
    /// Reads the counts; what the system does not tell is 0.
    pub fn now() -> Self {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        let io = fs::read_to_string("/proc/self/io").unwrap_or_default();
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        Self {
            cpu_seconds: float(time.tv_sec.cast_unsigned())
                + float(time.tv_nsec.cast_unsigned()) / 1e9,
            peak_rss_bytes: field(&status, "VmHWM:") * 1024,
            written_bytes: field(&io, "write_bytes:"),
            read_bytes: field(&io, "read_bytes:"),
        }
    }

    /// Returns what was added since `before`; the peak is of the whole time.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            cpu_seconds: self.cpu_seconds - before.cpu_seconds,
            peak_rss_bytes: self.peak_rss_bytes,
            written_bytes: self.written_bytes - before.written_bytes,
            read_bytes: self.read_bytes - before.read_bytes,
        }
    }
}

/// Finds the number behind a name at the beginning of a line.
fn field(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_name_at_the_beginning_of_a_line() {
        let text = "cancelled_write_bytes: 7\nwrite_bytes: 42\nVmHWM:\t  99 kB\n";
        assert_eq!(field(text, "write_bytes:"), 42);
        assert_eq!(field(text, "VmHWM:"), 99);
        assert_eq!(field(text, "read_bytes:"), 0);
    }

    #[test]
    fn a_process_has_memory_and_takes_time() {
        let before = Usage::now();
        let sum = (0..1_000_000_u64).fold(0, |sum: u64, n| std::hint::black_box(sum ^ n));
        let usage = Usage::now().since(before);
        assert!(usage.cpu_seconds > 0.0 && usage.peak_rss_bytes > 1 << 20, "{sum} {usage:?}");
    }
}
