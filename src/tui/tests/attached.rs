//! A console whose gateway is in another process, and may be out of reach.

use super::*;
use crate::clock::Clock;
use crate::link::Lost;
use crate::state::RequestId;
use crate::telemetry::{Line, Part, Ring};

const PLACE: &str = "unix:/run/user/1000/pilothouse.sock";

fn attached(snapshot: Snapshot) -> Model {
    let mut model = model(snapshot);
    model.ui.attached = Some(PLACE.to_owned());
    model
}

fn broken(since: i64) -> Msg {
    let retry_at = now().wall.plus(Duration::from_secs(4));
    let why = format!("no gateway answers at {PLACE}").into();
    Msg::Update(Update::Lost(Lost { since: ago(since), retry_at, why }))
}

fn mended() -> Msg {
    Msg::Update(Update::Snapshot(Box::new(linked())))
}

#[test]
fn it_says_where_the_gateway_is_and_when_it_was_lost() {
    for (name, size) in [("80x24", (80, 24)), ("120x40", (120, 40))] {
        let mut model = attached(linked());
        insta::assert_snapshot!(format!("attached_{name}"), text(&drawn(&mut model, size)));
        update(&mut model, broken(12), now());
        insta::assert_snapshot!(format!("lost_{name}"), text(&drawn(&mut model, size)));
    }
    let mut tiny = attached(with_qr());
    update(&mut tiny, broken(300), now());
    tiny.ui.whole_screen = true;
    for size in [(40, 10), (80, 40)] {
        let picture = text(&drawn(&mut tiny, size));
        assert!(picture.contains("lost 5 min ago; ") && picture.contains("again in 4 s"), "{picture}");
    }
}

#[test]
fn nothing_is_asked_while_the_gateway_is_lost_and_nothing_written_gets_lost() {
    let mut model = attached(linked());
    typed(&mut model, "i+15551112222 Hola");
    update(&mut model, broken(1), now());
    let picture = text(&drawn(&mut model, (80, 24)));
    assert!(picture.contains("✗ no connection to the gateway: it would not be sent"), "said before Enter: {picture}");
    let outcome = press(&mut model, KeyCode::Enter);
    assert!(outcome.requests.is_empty());
    assert!(model.ui.notice.as_ref().is_some_and(|notice| notice.contains("nothing was done")));
    assert_eq!(model.ui.input.value(), "+15551112222 Hola");
    press(&mut model, KeyCode::Esc);
    assert!(press(&mut model, KeyCode::Char('r')).requests.is_empty());
    // What was asked for in a box that was open before is not asked either.
    for snapshot in [with_qr(), with_code()] {
        let mut model = attached(snapshot);
        press(&mut model, KeyCode::Char('p'));
        update(&mut model, broken(1), now());
        typed(&mut model, ANA);
        assert!(press(&mut model, KeyCode::Enter).requests.is_empty());
    }

    update(&mut model, mended(), now());
    assert!(model.ui.lost.is_none() && model.ui.look.resyncs == 0, "the line was lost, and the console not slow");
    press(&mut model, KeyCode::Char('i'));
    let sent = press(&mut model, KeyCode::Enter).requests;
    assert!(matches!(&sent[0].request, Request::Send { text, .. } if &**text == "Hola"), "{sent:?}");

    // A request that got lost with the line comes back, with why.
    let why = "not done: the line broke".into();
    update(&mut model, Msg::Update(Update::Unanswered { id: sent[0].id, why }), now());
    assert_eq!(model.ui.notice.as_deref(), Some("not done: the line broke"));
    assert_eq!(model.ui.input.value(), "+15551112222 Hola");
    update(&mut model, Msg::Update(Update::Unanswered { id: RequestId(999), why: "x".into() }), now());
}

#[test]
fn what_is_asked_again_is_said() {
    let mut model = attached(linked());
    typed(&mut model, "i+15551112222 Hola");
    press(&mut model, KeyCode::Enter);
    update(&mut model, broken(1), now());
    let picture = text(&drawn(&mut model, (80, 24)));
    assert!(picture.contains("what was sent last is not answered for"), "{picture}");
}

#[test]
fn a_lost_gateway_is_counted_by_the_second_and_no_faster() {
    let mut model = attached(Snapshot::new(ago(5)));
    drawn(&mut model, (80, 24));
    assert_eq!(next_wake(&model, now()), None);
    update(&mut model, broken(1), now());
    assert_eq!(next_wake(&model, now()), Some(Duration::from_secs(1)));
}

#[test]
fn quitting_leaves_the_gateway_and_asks_nothing() {
    let mut here = model(linked());
    assert!(!press(&mut here, KeyCode::Char('q')).quit, "messages wait");
    let mut there = attached(linked());
    assert!(press(&mut there, KeyCode::Char('q')).quit);
}

#[test]
fn what_is_said_at_the_start_goes_with_the_first_key_or_by_itself() {
    let greeted = || {
        let mut model = model(started());
        model.ui.greeting = Some(("it goes on".to_owned(), Mono::new(Duration::from_secs(5))));
        assert!(text(&drawn(&mut model, (80, 24))).contains("it goes on"));
        model
    };
    let mut pressed = greeted();
    press(&mut pressed, KeyCode::Char('2'));
    let mut waited = greeted();
    assert_eq!(next_wake(&waited, now()), Some(Duration::from_secs(5)));
    let later = Now { mono: Mono::new(Duration::from_secs(5)), ..now() };
    update(&mut waited, Msg::Woken, later);
    for mut model in [pressed, waited] {
        assert!(!text(&drawn(&mut model, (80, 24))).contains("it goes on"));
        assert_eq!(model.ui.greeting, None);
    }
}

#[test]
fn the_gateways_log_is_shown_and_filtered_as_if_it_were_here() {
    let mut model = attached(linked());
    let ring = Ring::new(Clock::start());
    let news = ring.watch();
    model.ui.look.log_view.ring = Some(ring);
    let line =
        |level, target: &'static str, text: &str| Line { at: ago(3), level, target: target.into(), text: text.into() };
    let part = |before, lines| Msg::Update(Update::Logged(Part { of: ago(90), before, lines }));
    let first = [
        line(tracing::Level::INFO, "pilothouse::app", "the API listens"),
        line(tracing::Level::WARN, "bridge", "slow"),
    ];
    let outcome = update(&mut model, part(7, first.to_vec()), now());
    // Whoever shows the log follows the ring; a pane that is not shown is not drawn.
    assert!(!outcome.redraw && *news.borrow() == 2);
    typed(&mut model, "4");
    let shown = |model: &mut Model| text(&drawn(model, (80, 24)));
    let picture = shown(&mut model);
    assert!(picture.contains("app: the API listens") && picture.contains("bridge: slow"), "{picture}");
    assert!(!picture.contains("missing"), "what came before it was attached is in the file alone");
    // The line breaks and is mended: what is known is not taken twice.
    update(&mut model, broken(1), now());
    update(&mut model, mended(), now());
    let again = [first.to_vec(), vec![line(tracing::Level::INFO, "bridge", "well again")]].concat();
    update(&mut model, part(7, again), now());
    assert_eq!(*news.borrow(), 3);
    update(&mut model, part(15, vec![line(tracing::Level::INFO, "bridge", "much later")]), now());
    let picture = shown(&mut model);
    assert!(picture.contains("5 lines are missing here"), "{picture}");
    while model.ui.look.log_view.level != tracing::Level::WARN {
        press(&mut model, KeyCode::Char('L'));
    }
    let picture = shown(&mut model);
    assert!(
        picture.contains("slow") && picture.contains("are missing") && !picture.contains("much later"),
        "{picture}"
    );
}
