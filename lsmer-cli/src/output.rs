//! Standard output: buffered, locked, and with its errors kept.

use std::{
    fmt,
    io::{self, BufWriter, StdoutLock, Write},
};

use crate::failure::{Failure, Outcome};

const BUFFER_BYTES: usize = 64 << 10;

/// Where results go. What is buffered is written by [`finish`](Self::finish), and also when a
/// command fails half-way.
#[derive(Debug)]
pub(crate) struct Output {
    out: BufWriter<StdoutLock<'static>>,
    /// Why text was refused: `fmt::Error` cannot say.
    refused: Option<io::Error>,
}

impl Output {
    /// Takes standard output.
    pub(crate) fn new() -> Self {
        let out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
        Self { out, refused: None }
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Outcome {
        self.out.write_all(bytes).map_err(Failure::Output)
    }

    /// Writes a line of text.
    pub(crate) fn line(&mut self, line: fmt::Arguments<'_>) -> Outcome {
        writeln!(self.out, "{line}").map_err(Failure::Output)
    }

    /// Writes what somebody prints who knows only `fmt::Write`.
    pub(crate) fn text(
        &mut self,
        print: impl FnOnce(&mut dyn fmt::Write) -> lsmer::Result<()>,
    ) -> Outcome {
        let printed = print(self);
        match self.refused.take() {
            Some(error) => Err(Failure::Output(error)),
            None => Ok(printed?),
        }
    }

    /// Writes what is left. Every command that succeeds ends with this.
    pub(crate) fn finish(mut self) -> Outcome {
        self.out.flush().map_err(Failure::Output)
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.refused.get_or_insert(error);
            fmt::Error
        })
    }
}
