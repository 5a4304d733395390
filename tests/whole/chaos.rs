//! Kills of the host, of the bridge and of both, and disturbed connections, while messages flow in both directions.

use std::time::Duration;

use chaos::Plan;

use crate::support::{Place, bridge_folder};

#[tokio::test(flavor = "multi_thread")]
async fn kills_at_random_moments_lose_nothing_and_double_nothing() {
    let place = Place::new().await;
    let plan = Plan {
        program: env!("CARGO_BIN_EXE_pilothouse").into(),
        bridge: bridge_folder().join("baileys-bridge.mjs"),
        folder: place.home().to_owned(),
        seed: 7,
        length: Duration::from_secs(25),
        rate: 8.0,
        pause: Duration::from_millis(1_800),
    };
    let report = chaos::run(&plan).await.unwrap();
    println!("{}", report.markdown());
    assert!(report.findings.is_empty(), "{}{:#?}", report.markdown(), report.findings);
    assert!(report.kills() > 0 && report.incoming > 0 && report.outgoing > 0, "{}", report.markdown());
}
