use std::path::Path;

use secevent::event::caep;
use secevent_hub::{
    Clock,
    receiver::{Accepted, Receiver},
    rusqlite::Transaction,
    store::Inbox,
};
use secevent_ssf::store::StoreError;

pub(crate) fn receiver(file: &Path, clock: Clock) -> Result<Receiver, StoreError> {
    let receiver = Receiver::new("https://sp.example/caep", Inbox::open(file)?, clock);
    Ok(receiver.on_in_transaction(|tx: &Transaction<'_>, e: Accepted<caep::SessionRevoked>| {
        let who = e.subject().map(ToString::to_string);
        tx.execute("DELETE FROM session WHERE who = ?1", [who]).map(drop)
    }))
}
