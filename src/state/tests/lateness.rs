//! How late messages come in.

use super::*;

/// Messages that come in, one each half second, each of which WhatsApp took so many seconds before, by its clock.
struct Flood {
    world: World,
    number: u64,
}

impl Flood {
    fn new() -> Self {
        Self { world: World::open(), number: 0 }
    }

    fn pass(&mut self, ms: u64) {
        let after = Duration::from_millis(ms);
        self.world.now = Now { wall: self.world.now.wall.plus(after), mono: self.world.now.mono.plus(after) };
    }

    fn comes(&mut self, seconds_old: i64) -> Outcome {
        self.pass(500);
        self.number += 1;
        let taken = self.world.now.wall.as_millis() - seconds_old * 1_000;
        let number = self.number;
        self.world.line(&format!(
            r#"{{"type":"message","from":"{ANA}","body":"x","messageId":"3A{number}","timestampMs":{taken}}}"#
        ))
    }

    fn come(&mut self, n: usize, seconds_old: i64) -> Option<u64> {
        (0..n).for_each(|_| drop(self.comes(seconds_old)));
        self.late()
    }

    fn late(&self) -> Option<u64> {
        self.world.state.snapshot().lateness.map(|view| view.seconds)
    }
}

#[test]
fn messages_that_come_late_one_after_another_are_told_of_until_one_does_not() {
    let mut flood = Flood::new();
    flood.pass(60_000);
    assert_eq!(flood.come(5, 0), None);
    assert_eq!(flood.come(4, 12), None, "not yet a row");
    assert_eq!(flood.come(1, 12), Some(12));
    assert_eq!(flood.come(2, 14), Some(14));
    assert_eq!(flood.come(20, 4), None, "4 s is how it is with a slow network");
    assert_eq!(flood.come(5, 6), Some(6));
    // One in time is enough.
    assert_eq!(flood.come(1, 0), None);
    for _ in 0..10 {
        assert_eq!(flood.come(4, 300), None, "some that are old for a reason of their own");
        assert_eq!(flood.come(1, 0), None);
    }
}

#[test]
fn it_is_told_anew_at_most_once_a_second() {
    let mut flood = Flood::new();
    flood.pass(60_000);
    flood.come(1, 0);
    let told = (0..40)
        .map(|n| flood.comes(10 + n))
        .filter(|outcome| outcome.changes.iter().any(|change| matches!(change, Change::Lateness(Some(_)))));
    assert!((15..=20).contains(&told.count()));
}

#[test]
fn when_no_more_come_nothing_is_said_any_more() {
    let mut flood = Flood::new();
    flood.pass(60_000);
    flood.come(1, 0);
    assert_eq!(flood.come(5, 20), Some(20));
    flood.pass(9_000);
    flood.world.put(Input::TimerFired(TimerId::Lateness));
    assert_eq!(flood.late(), Some(20));
    flood.pass(1_000);
    flood.world.put(Input::TimerFired(TimerId::Lateness));
    assert_eq!(flood.late(), None);
    // After a gap a row begins anew.
    assert_eq!(flood.come(4, 20), None);
    assert_eq!(flood.come(1, 20), Some(20));
    // Nor when the connection is lost.
    flood.world.line(r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost","text":"x"}}"#);
    assert_eq!(flood.late(), None);
}

#[test]
fn what_was_written_while_there_was_no_connection_is_not_late() {
    let mut flood = Flood::new();
    assert_eq!(flood.come(100, 3_600), None);
    flood.pass(60_000);
    flood.come(5, 0);
    flood.world.line(r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost","text":"x"}}"#);
    flood.pass(60_000);
    flood.world.line(r#"{"type":"connection","state":"open"}"#);
    for n in 0..20 {
        // All of them were written within the time without a connection, up to its last second.
        assert_eq!(flood.come(1, 2 + n), None);
    }
}

#[test]
fn a_clock_that_is_off_makes_nothing_late() {
    for off in [-300, -30, 30, 300] {
        let mut flood = Flood::new();
        flood.pass(600_000);
        assert_eq!(flood.come(20, off), None, "{off}");
        assert_eq!(flood.come(5, off + 12), Some(12), "{off}");
        // It is set while messages come.
        flood.come(1, off);
        flood.world.now.wall = flood.world.now.wall.plus(Duration::from_secs(40));
        assert_eq!(flood.come(20, off + 40), None, "{off}");
        // The time without a connection is told by the same clocks.
        flood.world.line(r#"{"type":"connection","state":"closed","reason":{"class":"connection_lost","text":"x"}}"#);
        flood.pass(60_000);
        flood.world.line(r#"{"type":"connection","state":"open"}"#);
        for n in 0..20 {
            assert_eq!(flood.come(1, off + 42 + n), None, "{off}");
        }
    }
}

#[test]
fn a_clock_that_is_set_right_by_and_by_makes_nothing_late() {
    let mut flood = Flood::new();
    flood.pass(60_000);
    // A second an hour, for a day: both clocks of this machine go wrong alike.
    for hours in 0..24 {
        assert_eq!(flood.come(10, hours), None);
        flood.pass(3_600_000);
    }
}
