//! The program of `docs/quickstart-receiver.md` is one that compiles.

#[test]
fn the_program_on_the_page_is_the_one_beside() {
    let page = include_str!("../../../../docs/quickstart-receiver.md");
    assert!(page.contains(&format!("```rust\n{}```", include_str!("exactly_once.rs"))));
}

#[test]
fn the_program_begins() {
    let folder = tempfile::tempdir().unwrap();
    let clock: secevent_hub::Clock = std::sync::Arc::new(|| secevent_ssf::engine::Millis(0));
    let receiver = crate::exactly_once::receiver(&folder.path().join("app.db"), clock);
    assert!(receiver.is_ok());
}
