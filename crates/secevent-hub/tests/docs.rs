//! The pages of `docs/` that describe the hub say what it does.

#![expect(clippy::unwrap_used, reason = "the helpers are tests too")]

#[path = "docs/api.rs"]
mod api;
#[path = "docs/configuration.rs"]
mod configuration;
#[path = "docs/exactly_once.rs"]
mod exactly_once;
#[path = "hub/exposition.rs"]
#[expect(dead_code, reason = "each file of tests uses what it needs")]
mod exposition;
#[path = "docs/metrics.rs"]
mod metrics;
#[path = "docs/quickstart.rs"]
mod quickstart;
#[path = "docs/schema.rs"]
mod schema;
