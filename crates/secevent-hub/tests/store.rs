//! What every store does, run over each of them, and what only a file can do wrong.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

#[path = "store/contract.rs"]
mod contract;
#[path = "store/copies.rs"]
mod copies;
#[path = "store/doctor.rs"]
mod doctor;
#[path = "store/file.rs"]
mod file;
#[path = "store/migrations.rs"]
mod migrations;
#[path = "store/model.rs"]
mod model;
#[path = "store/records.rs"]
mod records;
#[path = "store/sqlite.rs"]
mod sqlite;
#[path = "store/steps.rs"]
mod steps;

use secevent_ssf::store::{MemoryStore, Store};

#[test]
fn the_store_in_memory_keeps_the_contract() {
    contract::check(&|| Box::new(MemoryStore::new(records::origin())));
}

#[test]
fn the_store_in_a_file_keeps_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    contract::check(&|| {
        count.set(count.get() + 1);
        Box::new(sqlite::open(&folder.path().join(format!("{}.db", count.get()))).unwrap()) as Box<dyn Store>
    });
}

#[test]
fn the_store_in_a_file_is_as_its_model_whatever_happens() {
    model::check(32, file::Folder::new);
}
