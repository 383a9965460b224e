//! `lsmer get`: the value of a key, and nothing else.

use std::{ffi::OsStr, path::Path};

use crate::{
    args::Global,
    failure::{Failure, Outcome},
    lines::Coding,
    open,
    output::Output,
};

pub(super) fn run(global: &Global, path: &Path, key: &OsStr) -> Outcome {
    let coding = global.coding();
    let key = coding.argument(key)?;
    let db = open::to_read(global, path)?;
    let Some(value) = open::keyspace(global, &db)?.get(key)? else {
        return Err(Failure::Other("there is no such key".to_owned()));
    };
    let mut out = Output::new();
    match coding {
        Coding::Escaped => out.bytes(&value)?,
        Coding::Hex => out.line(format_args!("{}", coding.text(&value)))?,
    }
    out.finish()
}
