//! Asking for memory before it is needed.
//!
//! # Invariants
//!
//! - **P1** A prefetch is a hint: it reads nothing that a program sees, and cannot fault.

#![cfg_attr(target_arch = "x86_64", expect(unsafe_code, reason = "the hint is an intrinsic"))]

/// Asks the processor for the cache line of an address, which may be any: nothing is read. Does
/// nothing where it cannot.
#[inline]
pub fn prefetch<T>(at: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint, whatever the address (P1).
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(at.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = at;
}
