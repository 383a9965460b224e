//! One flipped bit in every byte of every file: the right value or an error, never a wrong value.
