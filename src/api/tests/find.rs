//! `GET /messages` and `GET /chats`.

use super::*;

/// A bridge's message, with its number as its time in minutes.
fn incoming(n: u32, chat: &str, kind: &str, body: &str) -> String {
    let at = 1_790_000_000_000_u64 + u64::from(n) * 60_000;
    json!({
        "type": "message", "from": "+15551112222", "name": "Ana", "body": body, "messageId": format!("B{n}"), "kind": kind,
        "timestampMs": at, "chat": {"kind": "person", "id": format!("{chat}@s.whatsapp.net")}
    })
    .to_string()
}

/// Ten messages of two chats, and one of ours.
async fn filled() -> Harness {
    let mut harness = Harness::connected().await;
    for n in 0..9 {
        let (chat, kind) = (["15551112222", "15553334444"][n as usize % 2], ["text", "image"][usize::from(n == 4)]);
        harness.says(&incoming(n, chat, kind, &format!("good morning {n}"))).await;
    }
    harness.says(&incoming(9, "15551112222", "text", &"é".repeat(5_000))).await;
    harness.until(|s| s.feed.len() == 10).await;
    post(&harness, "/send", json!({"to": "+15551112222", "text": "buenos días"})).await;
    let Command::Send { message_id: Some(id), .. } = harness.command().await else { panic!() };
    harness.says(&format!(r#"{{"type":"sent","to":"+15551112222","ok":true,"messageId":"{id}"}}"#)).await;
    harness.until(|s| s.feed.len() == 11 && s.counters.messages_sent == 1).await;
    while get(&harness, "/chats").await.json()["complete"] != json!(true) {
        tokio::task::yield_now().await;
    }
    harness
}

async fn ids(harness: &Harness, query: &str) -> Vec<String> {
    let answer = get(harness, &format!("/messages?{query}")).await;
    assert_eq!(answer.status, StatusCode::OK, "{query}: {}", answer.text);
    let of = |message: &Value| match message["direction"].as_str() {
        Some("in") => message["id"].as_str().unwrap().to_owned(),
        _ => "ours".to_owned(),
    };
    answer.json()["messages"].as_array().unwrap().iter().map(of).collect()
}

#[tokio::test]
async fn each_parameter_says_which_messages() {
    let harness = filled().await;
    assert_eq!(ids(&harness, "limit=3").await, ["ours", "B9", "B8"]);
    assert_eq!(ids(&harness, "limit=2&order=asc").await, ["B0", "B1"]);
    for chat in ["15553334444@s.whatsapp.net", "%2B15553334444", "+15553334444"] {
        assert_eq!(ids(&harness, &format!("chat={chat}")).await, ["B7", "B5", "B3", "B1"], "{chat}");
    }
    assert_eq!(ids(&harness, "direction=out").await, ["ours"]);
    assert_eq!(ids(&harness, "direction=in&limit=1").await, ["B9"]);
    assert_eq!(ids(&harness, "state=sent").await, ["ours"]);
    assert!(ids(&harness, "state=failed").await.is_empty());
    assert_eq!(ids(&harness, "kind=image").await, ["B4"]);
    // 14:13:20 is the time of the first.
    let times = "from=2026-09-21T14:14:20Z&to=2026-09-21T16:16:20%2B02:00";
    assert_eq!(ids(&harness, times).await, ["B2", "B1"]);
    assert_eq!(ids(&harness, "q=good%20morn&limit=2").await, ["B8", "B7"]);
    assert_eq!(ids(&harness, "q=DIAS").await, ["ours"]);
    assert_eq!(ids(&harness, "q=good&chat=%2B15553334444&order=asc&limit=2").await, ["B1", "B3"]);
    assert_eq!(ids(&harness, "q=good&kind=image").await, ["B4"]);
    assert!(ids(&harness, "q=%22good%20OR%20bad%22*").await.is_empty());
    harness.end().await;
}

#[tokio::test]
async fn pages_follow_each_other_by_their_cursors() {
    let harness = filled().await;
    let all = ids(&harness, "").await;
    for order in ["desc", "asc"] {
        let (mut paged, mut path) = (Vec::new(), format!("order={order}&limit=4"));
        loop {
            paged.extend(ids(&harness, &path).await);
            match get(&harness, &format!("/messages?{path}")).await.json()["next_cursor"].as_str() {
                Some(cursor) => path = format!("order={order}&limit=4&cursor={cursor}"),
                None => break,
            }
            // What comes in meanwhile is newer than all pages of this order.
            if order == "desc" {
                post(&harness, "/send", json!({"to": "+15551112222", "text": "meanwhile"})).await;
            }
        }
        if order == "asc" {
            paged.reverse();
            paged.drain(..paged.len() - all.len());
        }
        assert_eq!(paged, all, "{order}");
    }
    harness.end().await;
}

#[tokio::test]
async fn a_list_has_the_beginning_of_a_long_text_and_the_message_alone_all_of_it() {
    let harness = filled().await;
    let list = get(&harness, "/messages?direction=in&limit=1").await.json();
    let message = &list["messages"][0];
    assert_eq!(message["text"].as_str().unwrap().chars().count(), 1_000);
    assert_eq!((&message["truncated"], &message["at"]), (&json!(true), &json!("2026-09-21T14:22:20.000Z")));
    assert_eq!((&message["name"], &message.get("state")), (&json!("Ana"), &None));
    let path = format!("/messages/B9?chat={}", message["chat"]["id"].as_str().unwrap());
    let alone = get(&harness, &path).await.json();
    assert_eq!(alone["text"].as_str().unwrap().chars().count(), 5_000);
    assert_eq!((&alone["truncated"], &alone["events"]), (&json!(false), &json!([])));
    for path in ["/messages/B9", "/messages/B9?chat=1@g.us", "/messages/no?chat=15551112222@s.whatsapp.net"] {
        assert_eq!(get(&harness, path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let ours = &get(&harness, "/messages?direction=out").await.json()["messages"][0];
    assert_eq!((&ours["state"], &ours["attempts"]), (&json!("sent"), &json!(1)));
    assert!(ours["sent_at"].is_string() && ours["delivered_at"].is_null());
    harness.end().await;
}

#[tokio::test]
async fn a_group_comes_with_its_subject() {
    let harness = Harness::connected().await;
    let id = "120363041234567890@g.us";
    let message = json!({
        "type": "message", "from": "+15551112222", "name": "Ana", "body": "who plays?", "messageId": "B1", "kind": "text",
        "chat": {"kind": "group", "id": id}
    });
    harness.says(&message.to_string()).await;
    harness.until(|s| s.feed.len() == 1).await;
    while get(&harness, "/chats").await.json()["complete"] != json!(true) {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        get(&harness, "/chats").await.json()["chats"][0]["name"],
        Value::Null,
        "the writer's name is not the group's"
    );
    let groups = json!({"type": "groups", "groups": [{"id": id, "subject": "Saturday football"}]});
    harness.says(&groups.to_string()).await;
    harness.until(|s| s.groups.of(&id.into()).is_some()).await;
    let chats = get(&harness, "/chats").await.json();
    assert_eq!((&chats["chats"][0]["id"], &chats["chats"][0]["name"]), (&json!(id), &json!("Saturday football")));
    // The last subject is known after a restart, while no bridge has told anything yet.
    harness.says(&groups.to_string().replace("Saturday football", "Sunday tennis")).await;
    harness.until(|s| s.groups.of(&id.into()) == Some("Sunday tennis")).await;
    let harness = harness.again().await;
    assert!(harness.handle.feed().look(|s| s.groups.of(&id.into()) == Some("Sunday tennis")), "consoles have it too");
    assert_eq!(get(&harness, "/chats").await.json()["chats"][0]["name"], "Sunday tennis");
    harness.end().await;
}

#[tokio::test]
async fn chats_come_with_name_time_and_last_message() {
    let harness = filled().await;
    let page = get(&harness, "/chats?limit=1").await.json();
    let chat = &page["chats"][0];
    assert_eq!(chat["id"], "15551112222@s.whatsapp.net");
    assert_eq!((&chat["name"], &chat["kind"]), (&json!("Ana"), &json!("person")));
    assert_eq!((&chat["last_message"]["text"], &page["complete"]), (&json!("buenos días"), &json!(true)));
    assert_eq!(chat["last_message_at"], chat["last_message"]["at"]);
    let next = page["next_cursor"].as_str().unwrap();
    let page = get(&harness, &format!("/chats?limit=1&cursor={next}")).await.json();
    assert_eq!(page["chats"][0]["last_message"]["id"], "B7");
    assert_eq!((page["chats"].as_array().unwrap().len(), &page["next_cursor"]), (1, &Value::Null));
    harness.end().await;
}

#[tokio::test]
async fn a_wrong_parameter_is_refused_with_its_name_and_what_to_give() {
    let harness = Harness::connected().await;
    let long = "a".repeat(201);
    for (query, field) in [
        ("limit=0", Some("limit")),
        ("limit=201", Some("limit")),
        ("limit=", Some("limit")),
        ("limit=-1", Some("limit")),
        ("limit=99999999999999999999", Some("limit")),
        ("order=up", Some("order")),
        ("direction=IN", Some("direction")),
        ("state=lost", Some("state")),
        ("kind=", Some("kind")),
        ("from=yesterday", Some("from")),
        ("from=2026-09-21T14:13:20+02:00", Some("from")),
        ("to=1", Some("to")),
        ("from=2026-09-21T14:13:20Z&to=2026-09-21T14:13:20Z", Some("to")),
        ("chat=", Some("chat")),
        ("chat=12", Some("chat")),
        (&format!("chat={long}@g.us"), Some("chat")),
        ("q=", Some("q")),
        ("q=%F0%9F%91%8D", Some("q")),
        (&format!("q={long}"), Some("q")),
        (&format!("q={}", "a+".repeat(17)), Some("q")),
        ("cursor=", Some("cursor")),
        ("cursor=a1", Some("cursor")),
        ("cursor=dzz", Some("cursor")),
        ("cursor=d1&order=asc", Some("cursor")),
        ("limit=1&limit=2", Some("limit")),
        ("search=x", None),
    ] {
        let answer = get(&harness, &format!("/messages?{query}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let problem = answer.json();
        assert_eq!(problem["type"], "urn:pilothouse:problem:bad-query", "{query}");
        assert_eq!(problem.get("field").and_then(Value::as_str), field, "{query}");
        assert!(problem["detail"].as_str().unwrap().len() > 20, "{query}: {problem}");
    }
    for query in ["limit=0", "cursor=d1", "q=x"] {
        assert_eq!(get(&harness, &format!("/chats?{query}")).await.status, StatusCode::BAD_REQUEST, "{query}");
    }
    assert_eq!(get(&harness, "/messages/x?q=y").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&harness, "/messages?cursor=d-5").await.status, StatusCode::OK, "it is behind the last");
    harness.end().await;
}

#[tokio::test]
async fn too_many_at_once_are_told_to_come_back() {
    let harness = Harness::connected().await;
    let look_ups = LookUps::default();
    let taken: Vec<_> = (0..2).map(|_| look_ups.take().unwrap()).collect();
    let ask = |path: &'static str| {
        let router = super::api_with(&harness, look_ups.clone());
        async move { answered(router.oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap()).await }
    };
    for path in ["/messages", "/messages?q=x", "/chats"] {
        let busy = ask(path).await;
        assert_eq!(busy.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(busy.headers[header::RETRY_AFTER], "1");
        assert_eq!(busy.json()["type"], "urn:pilothouse:problem:too-many-look-ups");
    }
    drop(taken);
    assert_eq!(ask("/messages").await.status, StatusCode::OK);
    harness.end().await;
}
