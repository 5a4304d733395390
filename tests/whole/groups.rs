//! Groups: what members write, what is sent to all of them, and what becomes of it, with the real Baileys.

use serde_json::Value;
use whatsapp_simulator::{Contact, Group, Members};

use crate::support::{Gateway, Place, within};

const ID: &str = "120363041234567890@g.us";
const ANA: &str = "+15551112222";
const BEN: &str = "+15553334444";

/// A linked gateway, and a group of its account, Ana and Ben.
async fn with_group(members: Members) -> (Place, Gateway, Group, [Contact; 2]) {
    let place = Place::new().await;
    let gateway = Gateway::start(&place, &[]).await;
    gateway.link(&place).await;
    let ana = place.simulator.contact(ANA, "Ana").await.unwrap();
    let ben = place.simulator.contact(BEN, "Ben").await.unwrap();
    let group = place.simulator.group(ID, "Saturday football", &[ANA, BEN], members).await.unwrap();
    (place, gateway, group, [ana, ben])
}

/// The messages that the gateway has, the oldest first.
async fn messages(gateway: &Gateway) -> Vec<Value> {
    let mut items = gateway.get("/messages").await.json["messages"].as_array().unwrap().clone();
    items.reverse();
    items
}

#[tokio::test(flavor = "multi_thread")]
async fn what_members_write_comes_in_with_its_writer_and_its_group() {
    for members in [Members::ByLid, Members::ByNumber] {
        let (place, gateway, group, _) = with_group(members).await;
        for (number, text) in [(ANA, "who plays?"), (ANA, "and who drives?"), (BEN, "I do")] {
            group.say(number, text).await.unwrap();
        }
        gateway.until(|status| status["messages_received"] == 3).await;
        let told: Vec<_> = messages(&gateway).await;
        let told: Vec<_> = told
            .iter()
            .map(|m| {
                ["kind", "id"]
                    .map(|f| m["chat"][f].as_str().unwrap())
                    .into_iter()
                    .chain(["from", "name", "text"].map(|f| m[f].as_str().unwrap()))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(
            told,
            [
                ["group", ID, ANA, "Ana", "who plays?"],
                ["group", ID, ANA, "Ana", "and who drives?"],
                ["group", ID, BEN, "Ben", "I do"],
            ]
        );
        within("the confirmations", place.simulator.wait_confirmed()).await;
        assert_eq!(place.simulator.retries().await, 0, "all were read at once, with the members' sender keys");
        assert!(gateway.end().await.success());
    }
}
