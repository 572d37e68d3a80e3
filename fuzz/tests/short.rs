//! Every target for two seconds, its corpus first: what was found once is not found again.

use std::time::{Duration, Instant};

use fuzz::{Session, TARGETS, target};

/// One test for each target, so that they run side by side.
macro_rules! tests {
    ($($(#[$gate:meta])* $name:ident),* $(,)?) => {
        $($(#[$gate])* #[test] fn $name() { survives(stringify!($name)); })*

        #[test]
        fn no_target_is_forgotten() {
            let tested = [$($(#[$gate])* stringify!($name)),*];
            assert_eq!(TARGETS.iter().map(|target| target.name).collect::<Vec<_>>(), tested);
        }
    };
}

tests!(
    token,
    header,
    claims,
    subject,
    jwks,
    pem,
    json,
    base64url,
    poll,
    stream,
    metadata,
    #[cfg(feature = "jwe")]
    jwe,
);

fn survives(name: &str) {
    let target = target(name).expect("there is such a target");
    let corpus = u64::try_from(target.corpus().len()).expect("a corpus is small");
    assert!(corpus > 0, "there is nothing to begin with");
    let mut session = Session::new(target, 1);
    let start = now();
    while session.executions() < corpus || now().duration_since(start) < RUN {
        if let Err(crash) = session.run_one() {
            panic!("{name} panics on {:?}", String::from_utf8_lossy(&crash.input));
        }
    }
}

#[test]
fn the_seed_decides_the_inputs() {
    let target = target("base64url").expect("there is such a target");
    let inputs = |seed| {
        let mut session = Session::new(target, seed);
        (0..500).map(|_| session.run_one().expect("it survives")).collect::<Vec<_>>()
    };
    assert_eq!(inputs(3), inputs(3));
    assert_ne!(inputs(3), inputs(4));
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test ends by the clock, and nothing else is decided by it"
)]
fn now() -> Instant {
    Instant::now()
}

const RUN: Duration = Duration::from_secs(2);
