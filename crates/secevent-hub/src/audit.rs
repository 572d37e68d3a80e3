//! What operators change: one line each, under a target of its own that a log can keep apart. No subject, no token.

/// Says what was changed, on which stream if on one, how many of its events it was about, and which.
pub(crate) fn changed(action: &'static str, stream: Option<&str>, count: Option<u64>, filter: Option<&str>) {
    tracing::info!(target: "secevent::audit", action, stream, count, filter, "changed by an operator");
}
