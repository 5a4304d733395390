//! Scrolling over all that is kept, which is far more than the console holds, and filtering it.

use super::*;
use crate::state::{
    FEED_CAPACITY, Filter, Find, FindError, Found, LISTED_CHARS, Listed, ListedChat, LookUp, Order, Page, Place,
    RequestId,
};
use crate::tui::feed::sieve::{Meant, Sieve};
use crate::tui::feed::window::CAPACITY;

/// A console on a gateway that keeps many messages. What is looked up is answered when the test says so.
pub(super) struct Desk {
    pub(super) model: Model,
    kept: Vec<Arc<Message>>,
    pub(super) chats: Vec<ListedChat>,
    /// What is looked up: one page of the feed, and one message.
    asked: Vec<(RequestId, LookUp)>,
    answers: usize,
}

impl Desk {
    fn new(kept: usize) -> Self {
        Self::with((0..kept).map(numbered))
    }

    pub(super) fn with(kept: impl Iterator<Item = Message>) -> Self {
        Self::with_chats(kept, Vec::new())
    }

    /// What is looked up at the start is answered.
    pub(super) fn with_chats(kept: impl Iterator<Item = Message>, chats: Vec<ListedChat>) -> Self {
        let kept: Vec<_> = kept.map(Arc::new).collect();
        let mut snapshot = linked();
        snapshot.feed = kept.iter().rev().take(FEED_CAPACITY).rev().cloned().collect();
        let mut desk = Self { model: model(snapshot), kept, chats, asked: Vec::new(), answers: 0 };
        desk.take(Msg::Resized(80, 24));
        desk.settle();
        desk.answers = 0;
        drawn(&mut desk.model, (80, 24));
        desk
    }

    pub(super) fn take(&mut self, msg: Msg) -> Outcome {
        let mut outcome = update(&mut self.model, msg, now());
        self.asked.append(&mut outcome.look_ups);
        let pages = self.asked.iter().filter(|(_, what)| matches!(what, LookUp::Messages { .. })).count();
        assert!(pages <= 1 && self.asked.len() <= 3, "one of each at a time: {:?}", self.asked);
        outcome
    }

    pub(super) fn press(&mut self, code: KeyCode) -> Outcome {
        self.take(key(code))
    }

    fn comes(&mut self) {
        self.gets(numbered(self.kept.len()));
    }

    pub(super) fn gets(&mut self, message: Message) {
        let message = Arc::new(message);
        self.kept.push(Arc::clone(&message));
        self.take(Msg::Update(Update::Changes(vec![Arc::new(Change::MessageAdded(message))])));
    }

    pub(super) fn types(&mut self, text: &str) {
        for c in text.chars() {
            self.press(KeyCode::Char(c));
        }
    }

    fn screen(&mut self) -> String {
        text(&drawn(&mut self.model, (100, 30)))
    }

    /// Answers one look-up. Returns what follows, if there was one.
    pub(super) fn answered(&mut self) -> Option<Outcome> {
        let (id, what) = (!self.asked.is_empty()).then(|| self.asked.remove(0))?;
        let found = self.look_up(&what);
        self.answers += 1;
        Some(self.take(Msg::Update(Update::Found { id, found })))
    }

    fn answer(&mut self) -> bool {
        self.answered().is_some()
    }

    pub(super) fn forgets(&mut self) {
        self.kept.clear();
    }

    fn fails(&mut self) {
        let (id, _) = self.asked.pop().unwrap();
        let found = Found::Failed(FindError::Store("the disk is gone".to_owned()));
        self.take(Msg::Update(Update::Found { id, found }));
    }

    pub(super) fn settle(&mut self) {
        while self.answer() {}
    }

    fn look_up(&self, what: &LookUp) -> Found {
        let (find, behind) = match what {
            LookUp::Messages { find, behind } => (find, behind),
            LookUp::Chats { .. } => {
                return Found::Chats(Page { items: self.chats.clone(), next: None, complete: true });
            }
            LookUp::Message { chat, id, about } => {
                let in_chat = || self.kept.iter().filter(|m| m.chat.id == *chat);
                let message = in_chat().find(|m| m.id == *id).map(|m| Box::new((**m).clone()));
                let about = in_chat().filter(|m| m.is_about(id)).take(*about).map(|m| (**m).clone()).collect();
                return Found::Message { message, about };
            }
        };
        let place_of = |at: usize| Place(i64::try_from(at).unwrap() * 3);
        let after = match behind {
            Some((_, id)) => self.kept.iter().position(|m| m.id == *id).map(place_of),
            None => find.after,
        };
        let is_meant = |message: &Message| {
            let Filter { chat, direction, state, search, beginnings: true, .. } = &find.filter else {
                return find.filter == Filter::default();
            };
            let fold = |text: &str| text.to_lowercase().replace('é', "e").replace('ö', "o");
            let has = |word: &str| fold(&message.body).split(' ').any(|w| w.starts_with(&fold(word)));
            chat.as_ref().is_none_or(|chat| message.chat.id == *chat)
                && direction.is_none_or(|direction| message.direction == direction)
                && state.is_none_or(|state| message.delivery.as_ref().is_some_and(|d| d.state == state))
                && search.as_ref().is_none_or(|search| search.split(' ').all(has))
        };
        let kept = self.kept.iter().enumerate().filter(|(_, message)| is_meant(message));
        let all = kept.map(|(at, message)| (place_of(at), message));
        let listed = |(place, message): (Place, &Arc<Message>)| {
            let body: String = message.body.chars().take(LISTED_CHARS).collect();
            let truncated = body.len() < message.body.len();
            Listed { message: Message { body: body.into(), ..(**message).clone() }, truncated, place }
        };
        let Find { order, limit, .. } = *find;
        let mut items: Vec<_> = match order {
            Order::OldestFirst => {
                all.filter(|(p, _)| after.is_none_or(|a| *p > a)).take(limit + 1).map(listed).collect()
            }
            Order::NewestFirst => {
                all.rev().filter(|(p, _)| after.is_none_or(|a| *p < a)).take(limit + 1).map(listed).collect()
            }
        };
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|listed| listed.place);
        Found::Messages(Page { items, next, complete: true })
    }

    fn bodies(&self) -> Vec<String> {
        let rows = self.model.rows();
        (0..rows.len()).filter_map(|at| rows.get(at)).map(|m| m.body.to_string()).collect()
    }

    fn chosen(&self) -> Option<&str> {
        self.model.chosen().map(|m| &*m.body)
    }

    /// Whether the rows are a part of what is kept, without a gap and with nothing twice.
    fn is_whole(&self) -> bool {
        let rows = self.bodies();
        let Some(first) = rows.first() else { return true };
        let start = self.kept.iter().position(|m| *m.body == **first).unwrap();
        self.kept.iter().skip(start).map(|m| m.body.to_string()).take(rows.len()).eq(rows)
    }
}

fn numbered(n: usize) -> Message {
    Message { id: format!("3A{n:08}").into(), ..incoming(1, Some("Ana"), &format!("message {n}")) }
}

#[test]
fn all_that_is_kept_can_be_scrolled_through_in_a_bounded_window() {
    let mut desk = Desk::new(2_000);
    for up in [KeyCode::Char('k'), KeyCode::Char('j')] {
        for n in 0..2_100 {
            desk.press(up);
            desk.settle();
            assert!(n % 50 > 0 || (desk.bodies().len() <= CAPACITY && desk.is_whole()));
        }
        let oldest = (up == KeyCode::Char('k')).then_some("message 0");
        assert_eq!(desk.chosen(), oldest, "behind the newest it is followed again");
    }
    assert!(desk.answers < 80, "{} look-ups", desk.answers);
    assert_eq!(desk.bodies().last().map(String::as_str), Some("message 1999"));
}

#[test]
fn the_oldest_is_one_key_away_and_so_is_the_newest() {
    let mut desk = Desk::new(100_000);
    desk.press(KeyCode::Char('g'));
    assert!(text(&drawn(&mut desk.model, (120, 40))).contains("looking …"));
    desk.settle();
    assert_eq!(desk.chosen(), Some("message 0"));
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    assert!(screen.contains("message 0") && screen.contains("the oldest kept"), "{screen}");
    desk.press(KeyCode::Char('G'));
    desk.settle();
    assert_eq!((desk.chosen(), desk.answers <= 2), (None, true));
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("message 99999"));
}

#[test]
fn what_is_looked_at_does_not_move_while_thousands_of_messages_come() {
    let mut desk = Desk::new(1_000);
    for _ in 0..30 {
        desk.press(KeyCode::Char('k'));
    }
    let before = text(&drawn(&mut desk.model, (80, 24)));
    for n in 0..3_000 {
        desk.comes();
        if n % 100 == 0 {
            desk.settle();
        }
    }
    let after = text(&drawn(&mut desk.model, (80, 24)));
    let lines = |screen: &str| screen.lines().filter(|l| l.contains("message ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&before), lines(&after));
    assert!(after.contains("3000 new below (G)"), "{after}");
    for _ in 0..3_100 {
        desk.press(KeyCode::Char('j'));
        desk.settle();
    }
    assert_eq!(desk.chosen(), None);
    assert_eq!(desk.bodies().last().map(String::as_str), Some("message 3999"));
}

#[test]
fn a_screenful_up_skips_nothing() {
    let mut desk = Desk::new(2_000);
    let shown = |desk: &mut Desk| -> Vec<usize> {
        let screen = text(&drawn(&mut desk.model, (80, 24)));
        let numbers = screen.split("message ").skip(1);
        numbers.map(|rest| rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()).collect()
    };
    let mut last = shown(&mut desk);
    for _ in 0..50 {
        desk.press(KeyCode::PageUp);
        desk.settle();
        let now = shown(&mut desk);
        assert!(now.first() < last.first() && now.last() >= last.first().and_then(|n| n.checked_sub(1)).as_ref());
        last = now;
    }
}

#[test]
fn what_can_not_be_looked_up_is_said_and_tried_again_by_a_key() {
    let mut desk = Desk::new(1_000);
    desk.press(KeyCode::Char('g'));
    desk.fails();
    for _ in 0..FEED_CAPACITY {
        desk.press(KeyCode::Char('k'));
    }
    desk.fails();
    assert_eq!(desk.asked, [], "it is not tried without end");
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("the disk is gone"));
    desk.press(KeyCode::Char('k'));
    desk.settle();
    desk.press(KeyCode::Char('k'));
    assert_eq!(desk.chosen(), Some("message 699"));
}

#[test]
fn a_day_that_ends_is_seen_between_its_messages() {
    let mut desk = Desk::new(0);
    let of = |n, at| Arc::new(Message { at, ..numbered(n) });
    desk.model.snapshot.feed = [of(1, ago(100_000)), of(2, ago(90_000)), of(3, ago(10))].into();
    let screen = text(&drawn(&mut desk.model, (80, 24)));
    assert_eq!(screen.matches("── 2026-11-24 ──").count(), 1, "{screen}");
    assert_eq!(screen.matches("──  2026-11-23").count(), 0, "{screen}");
    desk.press(KeyCode::Char('k'));
    desk.press(KeyCode::Char('k'));
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("Messages of 2026-11-23"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn wherever_one_goes_and_whatever_comes_the_rows_have_no_gap(
        kept in 0_usize..1_200, steps in prop::collection::vec(0_u8..9, 0..120)
    ) {
        let mut desk = Desk::new(kept);
        for step in steps {
            let frozen = desk.model.chosen().cloned();
            match step {
                0 => desk.comes(),
                1 => for _ in 0..60 { desk.comes() },
                2 => drop(desk.answer()),
                3 => drop(desk.press(KeyCode::PageUp)),
                4 => drop(desk.press(KeyCode::PageDown)),
                5 => drop(desk.press(KeyCode::Char('g'))),
                6 => drop(desk.press(KeyCode::Char('G'))),
                7 => for _ in 0..70 { drop(desk.press(KeyCode::Char('k'))) },
                _ => {
                    // The console was too slow to be told everything.
                    let mut snapshot = linked();
                    snapshot.feed = desk.kept.iter().rev().take(FEED_CAPACITY).rev().cloned().collect();
                    drop(desk.take(Msg::Update(Update::Snapshot(Box::new(snapshot)))));
                }
            }
            prop_assert!(desk.is_whole(), "after {step}: {:?}", desk.bodies());
            prop_assert!(desk.bodies().len() <= CAPACITY);
            if let (Some(frozen), 0..=1 | 8) = (&frozen, step) {
                prop_assert_eq!(desk.model.chosen(), Some(frozen));
            }
        }
        desk.settle();
        prop_assert!(desk.is_whole());
    }
}

/// Messages of two people, some of ours, some of them failed, photos and a group.
fn mixed(n: usize) -> Message {
    let at = ago(200_000 - i64::try_from(n).unwrap());
    let message = match n % 10 {
        0 => outgoing(0, "order shipped", DeliveryState::Read),
        1 => outgoing(0, "order lost", DeliveryState::Failed),
        2 => Message { kind: "image".into(), ..incoming(0, Some("Ben"), "Caf\u{e9} at the harbour") },
        3 => Message {
            chat: Chat { id: "g@g.us".into(), kind: ChatKind::Group, phone: None, lid: None },
            ..incoming(0, Some("Carla"), "Re: meeting")
        },
        _ => incoming(0, Some("Ana"), "hello \u{1f600} world"),
    };
    Message { id: format!("3A{n:08}").into(), at, ..message }
}

/// How many of the newest messages that this filter lets through are shown, out of so many.
fn shown_of(kept: usize, filter: &str) -> Vec<usize> {
    let mut desk = Desk::with((0..kept).map(mixed));
    desk.types("/");
    desk.types(filter);
    desk.press(KeyCode::Enter);
    desk.settle();
    let rows = desk.model.rows();
    (0..rows.len()).map(|at| rows.get(at).unwrap().id.as_str()[2..].parse::<usize>().unwrap() % 10).collect()
}

#[test]
fn a_filter_looks_where_it_is_told_to() {
    for (filter, wanted) in [
        ("shipped", &[0][..]),
        ("SHIP ord", &[0]),
        ("cafe", &[2]),
        ("caf\u{e9} harb", &[2]),
        ("\u{1f600}", &[4, 5, 6, 7, 8, 9]),
        ("HELLO wörld", &[4, 5, 6, 7, 8, 9]),
        ("\"lo \u{1f600} wo\"", &[4, 5, 6, 7, 8, 9]),
        ("state:failed", &[1]),
        ("!state:failed to:+1555", &[0]),
        ("to:+1555", &[0, 1]),
        ("from:me", &[0, 1]),
        ("to:me !from:ana", &[2, 3]),
        ("from:ben", &[2]),
        ("chat:g.us", &[3]),
        ("chat:g@g.us", &[3]),
        ("chat:+15551112222 !from:ana !from:me", &[2]),
        ("kind:ima", &[2]),
        ("!hello !order !re", &[2]),
        ("re:", &[3]),
        ("!", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("state: from:", &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ("owl", &[]),
        ("state:nonsense", &[]),
    ] {
        let shown = shown_of(60, filter);
        let all = (0..60).map(|n| n % 10).filter(|n| wanted.contains(n));
        assert_eq!(shown, all.collect::<Vec<_>>(), "{filter}");
    }
}

#[test]
fn a_filter_goes_through_what_is_kept_and_takes_in_what_comes() {
    let mut desk = Desk::with((0..3_000).map(mixed));
    desk.types("/state:failed");
    assert!(desk.screen().contains("order lost"), "live, before anything is looked up");
    desk.settle();
    desk.press(KeyCode::Enter);
    let before = desk.model.rows().len();
    assert!(before > 100, "{before}");
    desk.gets(mixed(3_001));
    desk.gets(mixed(3_002));
    assert_eq!(desk.model.rows().len(), before + 1);
    assert!(desk.screen().contains("Messages like state:failed"));
    for _ in 0..400 {
        desk.press(KeyCode::Char('k'));
        desk.settle();
    }
    assert_eq!(desk.model.chosen().map(|m| m.id.to_string()), Some("3A00000001".to_owned()));
    // Back to the newest of them, then to all.
    desk.press(KeyCode::Esc);
    assert!(desk.model.chosen().is_none() && desk.model.ui.feed.filter().is_some());
    desk.press(KeyCode::Esc);
    assert!(desk.model.ui.feed.filter().is_none());
    assert_eq!(desk.model.rows().len(), FEED_CAPACITY);
}

#[test]
fn what_the_store_can_not_find_is_looked_for_within_bounds_and_it_is_said() {
    let mut desk = Desk::with((0..60_000).map(numbered));
    desk.types("/\"ssage 17\"");
    desk.settle();
    desk.press(KeyCode::Enter);
    assert!(desk.answers < 100, "{}", desk.answers);
    let screen = desk.screen();
    assert!(screen.contains("looked at 20") && screen.contains("nothing found yet; k looks on"), "{screen}");
    desk.press(KeyCode::Char('k'));
    desk.settle();
    desk.press(KeyCode::Char('k'));
    desk.settle();
    let screen = desk.screen();
    assert!(screen.contains("message 17999"), "{screen}");
}

#[test]
fn a_filter_that_is_typed_on_waits_for_no_answer_to_what_was_typed_before() {
    let mut desk = Desk::with((0..3_000).map(mixed));
    desk.types("/ord");
    assert!(!desk.asked.is_empty());
    desk.types("er lost");
    desk.settle();
    assert!(desk.bodies().iter().all(|body| body == "order lost"), "the late answer is dropped");
    desk.press(KeyCode::Esc);
    assert!(desk.model.ui.feed.filter().is_none() && desk.model.ui.overlay.is_none());
}

#[test]
fn a_search_jumps_from_one_to_the_next_among_all_the_others() {
    let of = |n| if n % 700 == 5 { mixed(1) } else { numbered(n) };
    let mut desk = Desk::with((0..3_000).map(|n| Message { id: format!("3A{n:08}").into(), ..of(n) }));
    let ids: Vec<_> = (0..3_000).filter(|n| n % 700 == 5).collect();
    let mut chosen = Vec::new();
    desk.press(KeyCode::Char('n'));
    assert!(desk.screen().contains("nothing to search for yet"));
    desk.types("/lost");
    desk.settle();
    desk.press(KeyCode::Enter);
    for key in ["n", "n", "n", "n", "n", "n", "N", "N", "N", "N", "N"] {
        desk.types(key);
        desk.settle();
        chosen.extend(desk.model.chosen().map(|m| m.id.as_str()[2..].parse::<usize>().unwrap()));
    }
    let [a, b, c, d, e] = [ids[0], ids[1], ids[2], ids[3], ids[4]];
    assert_eq!(chosen, [e, d, c, b, a, a, b, c, d, e, e]);
    assert!(desk.screen().contains("nothing newer is like lost"));
    assert!(desk.model.ui.feed.filter().is_none() && desk.model.rows().len() > 20, "with all the others around");
}

#[test]
fn what_no_longer_fits_the_filter_goes_and_what_now_does_comes() {
    let mut desk =
        Desk::with([outgoing(1, "one", DeliveryState::Queued), outgoing(2, "two", DeliveryState::Sent)].into_iter());
    desk.types("/state:queued");
    desk.press(KeyCode::Enter);
    assert_eq!(desk.bodies(), ["one"]);
    let to = |id: &str, state| {
        let mut delivery = Delivery::queued(now().wall);
        delivery.state = state;
        let change =
            Change::MessageProgressed { id: id.into(), from: DeliveryState::Queued, delivery: Box::new(delivery) };
        Msg::Update(Update::Changes(vec![Arc::new(change)]))
    };
    desk.take(to("3EB01", DeliveryState::Dispatched));
    assert_eq!(desk.bodies(), Vec::<String>::new());
    desk.take(to("3EB01", DeliveryState::Queued));
    assert_eq!(desk.bodies(), ["one"]);
}

#[test]
fn a_filter_is_written_in_the_last_line() {
    let mut desk = Desk::with((0..30).map(mixed));
    desk.types("/");
    insta::assert_snapshot!("filter_empty", text(&drawn(&mut desk.model, (80, 24))));
    desk.types("state:failed");
    insta::assert_snapshot!("filter_written", text(&drawn(&mut desk.model, (80, 24))));
}

proptest! {
    #[test]
    fn no_filter_keeps_out_of_the_store_what_it_lets_through_here(filter in "[!a-z:\" 1\u{e9}]{0,20}|(from|to|chat|state|kind):[a-z]{0,3}", n in 0_usize..10) {
        let message = mixed(n);
        if let Some(sieve) = Sieve::parse(&filter, |_, _| Meant::default()) && sieve.lets_through(&message) {
            prop_assert!(sieve.keeps(&message));
            let narrowed = sieve.narrowed();
            prop_assert!(narrowed.direction.is_none_or(|d| d == message.direction));
            prop_assert!(narrowed.state.is_none_or(|s| Some(s) == message.delivery.as_ref().map(|d| d.state)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_is_kept_and_whichever_keys_are_pressed_the_terminal_is_safe(
        kept in prop::collection::vec((any::<String>(), any::<Option<String>>(), 0_u8..7), 0..60),
        keys in prop::collection::vec(("[jkgGnNCJRyai/]|enter|esc|down|up", (0_u16..140, 0_u16..50)), 1..40),
    ) {
        let message = |(n, (body, name, kind)): (usize, (String, Option<String>, u8))| {
            let kind = ["text", "image", "edit", "revoke", "reaction", "\u{1b}[31m", "text"][usize::from(kind)];
            let target = crate::state::Target { id: format!("3A{:08}", n / 2).into(), from_me: n % 2 == 0 };
            let message = if n % 5 == 0 { outgoing(1, &body, DeliveryState::Failed) } else { incoming(1, name.as_deref(), &body) };
            Message { id: format!("3A{n:08}").into(), kind: kind.into(), target: Some(Box::new(target)), ..message }
        };
        let mut desk = Desk::with(kept.into_iter().enumerate().map(message));
        for (key, size) in keys {
            let code = match key.as_str() {
                "enter" => KeyCode::Enter,
                "esc" => KeyCode::Esc,
                "down" => KeyCode::PageDown,
                "up" => KeyCode::PageUp,
                key => KeyCode::Char(key.chars().next().unwrap_or(' ')),
            };
            desk.press(code);
            desk.settle();
            let buffer = drawn(&mut desk.model, size);
            for cell in &buffer.content {
                prop_assert!(!cell.symbol().chars().any(char::is_control), "{:?}", cell.symbol());
            }
        }
    }
}

#[test]
fn what_the_store_is_asked_for_is_what_was_written() {
    // The store folds an é and leaves an ø: it must not be asked for an o.
    let narrowed = Sieve::parse("Smørre-brød !x state:fail", |_, _| Meant::default()).unwrap().narrowed();
    assert_eq!((narrowed.search.as_deref(), narrowed.state), (Some("Smørre brød"), Some(DeliveryState::Failed)));
}

#[test]
fn a_filter_that_is_pasted_holds_at_once() {
    let mut desk = Desk::new(20);
    desk.press(KeyCode::Char('/'));
    update(&mut desk.model, Msg::Paste("message 7".to_owned()), now());
    assert_eq!(desk.model.ui.feed.filter().map(Sieve::text), Some("message 7"));
}

#[test]
fn in_a_narrow_pane_who_wrote_stands_above_what_he_wrote() {
    let read = outgoing(2, "so it did, and in time for once", DeliveryState::Read);
    let mut desk = Desk::with([incoming(1, Some("Ana"), "the boat left"), read].into_iter());
    let tiny = text(&drawn(&mut desk.model, (40, 12)));
    let lines: Vec<_> = tiny.lines().skip(2).take(4).map(|line| line.trim_matches(['│', ' '])).collect();
    assert_eq!(lines, ["11:59 Ana", "the boat left", "11:59 → Ana ◉", "so it did, and in time for once"], "{tiny}");
    assert!(text(&drawn(&mut desk.model, (80, 24))).contains("11:59:01 Ana"));
    desk.press(KeyCode::Char('k'));
    desk.comes();
    drawn(&mut desk.model, (40, 12));
    let tiny = text(&drawn(&mut desk.model, (40, 12)));
    assert!(tiny.contains("Messages, 1 new below (G)"), "{tiny}");
}

#[test]
fn where_there_is_room_a_name_is_whole() {
    let mut desk = Desk::with([incoming(1, Some("Maximiliana Featherstone"), "the boat left")].into_iter());
    assert!(text(&drawn(&mut desk.model, (200, 60))).contains("Maximiliana Featherstone"));
}

/// A group is called so from now on, or so it was told before.
fn called(id: &str, subject: &str) -> crate::state::Subjects {
    let told = vec![crate::protocol::Group { id: id.into(), subject: subject.into() }];
    crate::state::Subjects::default().with(told).unwrap()
}

#[test]
fn a_filter_finds_chats_by_the_subjects_of_groups_and_by_the_names_of_people() {
    const GROUP: &str = "120363041234567890@g.us";
    let group = |message: Message| Message { chat: Chat::group(GROUP.into()), ..message };
    let kept = || {
        let all = [
            group(incoming(1, Some("Ben"), "who plays?")),
            group(Message { id: "3A1000".into(), ..outgoing(2, "I do", DeliveryState::Sent) }),
            incoming(3, Some("Ana María"), "hello"),
            Message { id: "3A1001".into(), ..outgoing(4, "hi Ana", DeliveryState::Sent) },
        ];
        Desk::with(all.into_iter())
    };
    for (filter, shown) in [
        ("chat:football", &["who plays?", "I do"][..]),
        ("chat:FÚTBOL", &[]),
        ("chat:\"saturday foot\"", &["who plays?", "I do"]),
        ("chat:football from:ben", &["who plays?"]),
        ("to:football", &["I do"]),
        ("to:\"ana maria\"", &["hi Ana"]),
        ("chat:maria", &["hello", "hi Ana"]),
        ("!chat:football", &["hello", "hi Ana"]),
        // Who wrote in a group is not what the group is called.
        ("chat:ben", &[]),
        ("from:ben", &["who plays?"]),
    ] {
        // Known from the start, as after a restart; or told while the filter stands.
        for at_the_start in [true, false] {
            let mut desk = kept();
            if at_the_start {
                desk.model.snapshot.groups = called(GROUP, "Saturday football");
            }
            desk.types("/");
            desk.types(filter);
            desk.press(KeyCode::Enter);
            desk.settle();
            desk.take(Msg::Update(Update::Changes(vec![Arc::new(Change::Groups(called(GROUP, "Saturday football")))])));
            desk.settle();
            assert_eq!(desk.bodies(), shown, "{filter} {at_the_start}");
        }
    }
}

#[test]
fn whoever_looks_at_a_message_keeps_it_when_the_group_gets_another_subject() {
    let mut desk = Desk::with((0..600).map(mixed));
    desk.model.snapshot.groups = called("g@g.us", "football");
    desk.types("/chat:foot");
    desk.press(KeyCode::Enter);
    desk.settle();
    desk.press(KeyCode::Char('k'));
    let chosen = desk.model.chosen().map(|message| message.id.clone());
    assert!(chosen.is_some());
    desk.take(Msg::Update(Update::Changes(vec![Arc::new(Change::Groups(called("g@g.us", "tennis")))])));
    desk.settle();
    assert_eq!(desk.model.chosen().map(|message| message.id.clone()), chosen);
    desk.press(KeyCode::Esc);
    assert_eq!(desk.bodies(), Vec::<String>::new(), "nothing is called so any more");
}
