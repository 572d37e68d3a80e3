//! One file per command: its arguments, and what it does with them.

pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod dead_letters;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod emit;
pub(crate) mod inspect;
pub(crate) mod keys;
pub(crate) mod listen;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod serve;
pub(crate) mod sign;
pub(crate) mod stream;
pub(crate) mod validate;
pub(crate) mod verify;
mod verify_lines;
