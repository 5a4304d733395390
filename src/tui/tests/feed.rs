//! Scrolling over all that is kept, which is far more than the console holds.

use super::*;
use crate::state::{FEED_CAPACITY, Find, FindError, Found, Listed, LookUp, Order, Page, Place, RequestId};
use crate::tui::feed::window::CAPACITY;

/// A console on a gateway that keeps many messages. What is looked up is answered when the test says so.
struct Desk {
    model: Model,
    kept: Vec<Arc<Message>>,
    asked: Option<(RequestId, LookUp)>,
    answers: usize,
}

impl Desk {
    fn new(kept: usize) -> Self {
        let kept: Vec<_> = (0..kept).map(|n| Arc::new(numbered(n))).collect();
        let mut snapshot = linked();
        snapshot.feed = kept.iter().rev().take(FEED_CAPACITY).rev().cloned().collect();
        let mut desk = Self { model: model(snapshot), kept, asked: None, answers: 0 };
        drawn(&mut desk.model, (80, 24));
        desk
    }

    fn take(&mut self, msg: Msg) {
        let mut outcome = update(&mut self.model, msg, now());
        assert!(outcome.look_ups.len() <= 1 && (outcome.look_ups.is_empty() || self.asked.is_none()), "one at a time");
        self.asked = outcome.look_ups.pop().or(self.asked.take());
    }

    fn press(&mut self, code: KeyCode) {
        self.take(key(code));
    }

    fn comes(&mut self) {
        let message = Arc::new(numbered(self.kept.len()));
        self.kept.push(Arc::clone(&message));
        self.take(Msg::Update(Update::Changes(vec![Arc::new(Change::MessageAdded(message))])));
    }

    /// Answers one look-up. Returns whether there was one.
    fn answer(&mut self) -> bool {
        let Some((id, what)) = self.asked.take() else { return false };
        let found = self.look_up(&what);
        self.answers += 1;
        self.take(Msg::Update(Update::Found { id, found }));
        true
    }

    fn settle(&mut self) {
        while self.answer() {}
    }

    fn look_up(&self, what: &LookUp) -> Found {
        let LookUp::Messages { find, behind } = what;
        let place_of = |at: usize| Place(i64::try_from(at).unwrap() * 3);
        let after = match behind {
            Some((_, id)) => self.kept.iter().position(|m| m.id == *id).map(place_of),
            None => find.after,
        };
        let all = self.kept.iter().enumerate().map(|(at, message)| (place_of(at), message));
        let listed =
            |(place, message): (Place, &Arc<Message>)| Listed { message: (**message).clone(), truncated: false, place };
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
        match up {
            KeyCode::Char('k') => assert_eq!(desk.chosen(), Some("message 0")),
            _ => assert_eq!(desk.chosen(), None, "behind the newest it is followed again"),
        }
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
    assert!(screen.contains("message 0") && screen.contains("the oldest that is kept"), "{screen}");
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
    let (id, _) = desk.asked.take().unwrap();
    let found = Found::Failed(FindError::Store("the disk is gone".to_owned()));
    desk.take(Msg::Update(Update::Found { id, found }));
    for _ in 0..FEED_CAPACITY {
        desk.press(KeyCode::Char('k'));
    }
    let (id, _) = desk.asked.take().unwrap();
    let found = Found::Failed(FindError::Store("the disk is gone".to_owned()));
    desk.take(Msg::Update(Update::Found { id, found }));
    assert_eq!(desk.asked, None, "it is not tried without end");
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
                3 => desk.press(KeyCode::PageUp),
                4 => desk.press(KeyCode::PageDown),
                5 => desk.press(KeyCode::Char('g')),
                6 => desk.press(KeyCode::Char('G')),
                7 => for _ in 0..70 { desk.press(KeyCode::Char('k')) },
                _ => {
                    // The console was too slow to be told everything.
                    let mut snapshot = linked();
                    snapshot.feed = desk.kept.iter().rev().take(FEED_CAPACITY).rev().cloned().collect();
                    desk.take(Msg::Update(Update::Snapshot(Box::new(snapshot))));
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
