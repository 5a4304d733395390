//! What is said is so now: what was asked for, what went wrong before, what became of what was written.

use super::*;
use crate::state::{Incarnation, RequestId, Transition};

const CODE: &str = "asking for a pairing code for +15551112222";

pub(super) fn changed(model: &mut Model, change: Change) {
    update(model, Msg::Update(Update::Changes(vec![Arc::new(change)])), now());
}

fn last_line(model: &mut Model) -> String {
    text(&drawn(model, (80, 24))).lines().last().unwrap_or_default().to_owned()
}

pub(super) fn shows(model: &mut Model, what: &str) -> bool {
    text(&drawn(model, (80, 24))).contains(what)
}

fn bridge(change: impl FnOnce(&mut crate::state::BridgeView), model: &Model) -> Change {
    let mut view = model.snapshot.bridge.clone();
    change(&mut view);
    Change::Bridge(view)
}

fn standing(state: ConnectionState) -> Change {
    Change::Connection(ConnectionView { state, since: ago(0), reason: None, retry_at: None, proven_at: None })
}

#[test]
fn what_was_asked_for_is_said_until_it_shows_itself() {
    let mut model = model(with_qr());
    typed(&mut model, &format!("p{ANA}"));
    press(&mut model, KeyCode::Enter);
    assert_eq!(last_line(&mut model), CODE);
    changed(&mut model, Change::Queue(3));
    assert_eq!(last_line(&mut model), CODE, "it has not come yet");
    changed(&mut model, Change::Pairing(with_code().pairing));
    assert!(!shows(&mut model, CODE), "{}", last_line(&mut model));

    let mut model = super::model(linked());
    typed(&mut model, "ry");
    assert_eq!(last_line(&mut model), "restarting the bridge");
    let next = bridge(|view| view.incarnation = Incarnation(2), &model);
    changed(&mut model, next);
    assert!(!last_line(&mut model).contains("restarting"));

    let mut model = super::model(linked());
    typed(&mut model, ":log out");
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "log out");
    press(&mut model, KeyCode::Enter);
    assert_eq!(last_line(&mut model), "logging out");
    changed(&mut model, standing(ConnectionState::LoggedOut));
    assert!(!last_line(&mut model).contains("logging out"));
}

#[test]
fn what_was_asked_for_and_went_wrong_says_why_instead() {
    let mut model = model(linked());
    typed(&mut model, ":log out");
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "log out");
    press(&mut model, KeyCode::Enter);
    let why = "the account was not logged out: ask for it again";
    changed(&mut model, Change::Error(LastError { at: ago(0), text: why.into() }));
    assert_eq!(last_line(&mut model), why);
    // A refusal takes it back too.
    typed(&mut model, "ry");
    let answer = Answer::Refused(Refusal::Unavailable);
    update(&mut model, Msg::Update(Update::Answer { id: RequestId(2), answer }), now());
    press(&mut model, KeyCode::Char('?'));
    press(&mut model, KeyCode::Esc);
    assert!(!last_line(&mut model).contains("restarting"));
}

#[test]
fn what_went_wrong_before_is_not_said_of_now() {
    let killed = "the bridge was killed by signal 9";
    let mut failing = failing();
    failing.last_error = Some(LastError { at: ago(30), text: killed.into() });
    assert!(shows(&mut model(failing), killed), "it has not come up since");

    // It linked anew since.
    let mut unlinked = with_code();
    unlinked.last_error = Some(LastError { at: ago(100), text: killed.into() });
    assert!(!shows(&mut model(unlinked.clone()), killed));
    unlinked.last_error = Some(LastError { at: ago(5), text: "no code for this number".into() });
    assert!(shows(&mut model(unlinked), "no code for this number"), "this is about the link that is made now");

    // It was connected since, and the connection was lost.
    let mut lost = started();
    lost.last_error = Some(LastError { at: ago(50), text: killed.into() });
    assert!(shows(&mut model(lost.clone()), killed));
    lost.timeline = [Transition { state: ConnectionState::Open, at: ago(40), reason: None }].into();
    assert!(!shows(&mut model(lost), killed));

    // The operator had it started anew since.
    let mut asked = started();
    asked.last_error = Some(LastError { at: ago(50), text: killed.into() });
    asked.bridge.last_exit =
        Some(LastExit { at: ago(10), text: "was stopped as asked".into(), class: ExitClass::Operator });
    assert!(!shows(&mut model(asked), killed));
}

#[test]
fn memory_that_nobody_has_looked_at_yet_is_on_the_way() {
    let mut snapshot = linked();
    snapshot.bridge.rss_bytes = None;
    for size in SIZES {
        let picture = text(&drawn(&mut model(snapshot.clone()), size));
        assert!(picture.contains("bridge …") || picture.contains("bridge     …"), "{picture}");
    }
    snapshot.bridge.pid = None;
    assert!(shows(&mut model(snapshot), "bridge –"), "nothing runs");
}

/// A gateway to which nobody but Ana has written.
pub(super) fn calm() -> Snapshot {
    let mut snapshot = linked();
    snapshot.feed = [Arc::new(incoming(1, Some("Ana"), "Hola"))].into();
    snapshot
}

#[test]
fn where_it_waits_for_is_said() {
    for (snapshot, says) in [
        (with_code(), "waits until an account is linked"),
        (logged_out(), "waits until an account is linked"),
        (started(), "waits until connected"),
    ] {
        let mut model = model(snapshot);
        typed(&mut model, "i+15551112222 Hola");
        assert!(shows(&mut model, says), "{says}");
    }
}

#[test]
fn a_number_is_taken_as_people_write_it_and_the_one_of_before_is_only_offered() {
    let mut model = model(with_code());
    typed(&mut model, "p");
    assert!(matches!(&model.ui.overlay, Some(crate::tui::model::Overlay::Number(input)) if input.value() == ANA));
    update(&mut model, Msg::Key(KeyEvent::new(KeyCode::Char('u'), KeyModifiers::CONTROL)), now());
    typed(&mut model, "+1 (555) 333-44.44");
    let asked = press(&mut model, KeyCode::Enter);
    let Request::SetLinking(linking) = &asked.requests[0].request else { panic!("{asked:?}") };
    assert_eq!(linking.phone_number.as_ref().map(|number| number.as_str()), Some("+15553334444"));
    assert!(shows(&mut super::model(with_code()), "for +15551112222, expires"), "whose code it is");
}

#[test]
fn the_help_says_what_the_marks_mean() {
    let mut model = model(calm());
    press(&mut model, KeyCode::Char('?'));
    let picture = text(&drawn(&mut model, (120, 60)));
    for line in ["✓✓              delivered", "⊖               not sent in time", "›               with the bridge"]
    {
        assert!(picture.contains(line), "{line}: {picture}");
    }
}

#[test]
fn what_is_to_be_done_is_said_to_its_end_also_where_lines_are_short() {
    let mut model = model(linked());
    typed(&mut model, "ry");
    let answer = Answer::Refused(Refusal::NotConnected);
    update(&mut model, Msg::Update(Update::Answer { id: RequestId(1), answer }), now());
    for size in [(80, 24), (60, 20)] {
        let picture = text(&drawn(&mut model, size));
        let last: Vec<_> = picture.lines().rev().take(2).collect();
        assert!(last[0].ends_with("here alone"), "{picture}");
        assert!(last[1].starts_with("WhatsApp is not connected"), "{picture}");
    }
    press(&mut model, KeyCode::Esc);
    assert!(last_line(&mut model).starts_with("i write"), "one line again");
}

#[test]
fn what_was_lost_and_is_on_its_way_back_needs_no_advice() {
    let mut snapshot = started();
    let text = "the connection to WhatsApp was lost".to_owned();
    let reason = Some(Reason { class: ReasonClass::ConnectionLost, code: Some(428), text });
    snapshot.timeline = [
        Transition { state: ConnectionState::Closed, at: ago(61), reason: reason.clone() },
        Transition { state: ConnectionState::Connecting, at: ago(60), reason },
    ]
    .into();
    let mut model = model(snapshot);
    press(&mut model, KeyCode::Char('2'));
    assert!(shows(&mut model, "the connection to WhatsApp was lost") && !shows(&mut model, "press r to try again"));
    changed(&mut model, standing(ConnectionState::Closed));
    model.snapshot.timeline.push_back(Transition { state: ConnectionState::Closed, at: ago(0), reason: None });
    assert!(shows(&mut model, "press r to try again"));
}

#[test]
fn a_held_message_says_what_matters_within_a_small_terminal() {
    let mut snapshot = linked();
    let text = "WhatsApp restricts this account: it may not start new chats for some time".into();
    snapshot.restriction = Some(RestrictionView {
        class: "reachout_timelock".into(),
        since: ago(60),
        until: ago(-3_600),
        until_told: false,
        text,
        held: 2,
    });
    assert!(shows(&mut model(snapshot), "2 messages are held (/ state:queued): no new chats until 2026-11-24 13:00;"));
}

#[test]
fn who_writes_where_nothing_can_be_sent_is_told_so_and_how_to_get_on() {
    let mut model = model(calm());
    model.ui.look.read_only = true;
    typed(&mut model, "i+15551112222 Hola");
    assert!(shows(&mut model, "To Ana +15551112222  ✗ read-only: it would not be sent"));
    assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
    let says = "read-only: nothing was done; Esc and then W lets this console change things";
    assert_eq!(last_line(&mut model), says, "in the box W is a letter");
    press(&mut model, KeyCode::Esc);
    press(&mut model, KeyCode::Char('W'));
    assert!(!model.ui.look.read_only);
    assert_eq!(press(&mut model, KeyCode::Char('i')).requests, []);
    assert_eq!(press(&mut model, KeyCode::Enter).requests.len(), 1);

    let mut model = super::model(calm());
    typed(&mut model, "iHola");
    press(&mut model, KeyCode::Enter);
    assert!(last_line(&mut model).starts_with("to whom? Ctrl-t chooses a chat"), "@ would be a letter of the text");
}

#[test]
fn a_state_that_there_is_not_is_no_empty_list_and_waiting_is_one() {
    let mut model = model(linked());
    typed(&mut model, "/state:lost");
    assert!(shows(&mut model, "no such state: queued dispatched sent delivered read failed expired cancelled"));
    model = super::model(linked());
    for word in ["state:waiting", "state:waits", "state:queued"] {
        typed(&mut model, &format!("/{word}"));
        let kept = model.ui.feed.filter().is_some_and(|sieve| {
            let ours = |state| sieve.lets_through(&outgoing(1, "x", state));
            ours(DeliveryState::Queued) && !ours(DeliveryState::Sent)
        });
        assert!(kept, "{word}");
        press(&mut model, KeyCode::Esc);
    }
}

#[test]
fn a_gateway_that_stays_away_says_how_to_start_one() {
    let mut model = model(linked());
    model.ui.attached = Some("unix:/run/pilothouse.sock".to_owned());
    let lost = |since| {
        let (retry_at, why) = (now().wall.plus(Duration::from_secs(4)), "no gateway answers".into());
        Msg::Update(Update::Lost(crate::link::Lost { since: ago(since), retry_at, why }))
    };
    let advice = "q leaves, and pilothouse --keep starts one; no gateway answers";
    update(&mut model, lost(3), now());
    assert!(!shows(&mut model, advice), "it may only be starting anew");
    update(&mut model, lost(30), now());
    assert!(shows(&mut model, advice));
    model.ui.attached = Some("http://127.0.0.1:7007".to_owned());
    assert!(!shows(&mut model, advice), "it may be on another computer");
}

#[test]
fn a_time_is_that_of_what_is_said_before_it() {
    let since = "since 11:59:00";
    let mut failing = disk_full();
    failing.connection.since = ago(60);
    let mut draining = started();
    draining.bridge.state = BridgeState::Draining;
    let mut silent = started();
    silent.bridge.silent = true;
    for snapshot in [failing, draining, silent] {
        let mut model = model(snapshot);
        let first = text(&drawn(&mut model, (80, 24))).lines().next().unwrap_or_default().to_owned();
        assert!(!first.contains(since), "{first}");
        press(&mut model, KeyCode::Char('2'));
        assert!(shows(&mut model, since), "of the connection it is said all the same");
        assert!(!shows(&mut model, "since      11:59:00"));
    }
    assert!(shows(&mut model(linked()), "● connected since 11:59:00"));
}

#[test]
fn keys_of_the_messages_are_not_offered_where_a_code_to_link_with_has_their_place() {
    let mut snapshot = with_qr();
    snapshot.feed = calm().feed;
    let mut model = model(snapshot);
    for words in ["Enter look", "a answer", "/ filter", "C chats"] {
        assert!(!last_line(&mut model).contains(words), "{words}");
    }
    press(&mut model, KeyCode::Char('z'));
    let picture = text(&drawn(&mut model, (120, 40)));
    assert!(picture.contains("Hola") && picture.contains("Enter look"), "there they are: {picture}");
}

#[test]
fn before_a_logout_it_is_said_what_will_go_out_from_the_next_account() {
    for (queue, says) in [(0, "Nothing waits to be sent."), (2, "2 messages wait for the next account.")] {
        let mut snapshot = linked();
        snapshot.queue = queue;
        let mut model = model(snapshot);
        typed(&mut model, ":log out");
        press(&mut model, KeyCode::Enter);
        assert!(shows(&mut model, &format!("Unlinks +15550009999 Office. {says}")));
    }
}

#[test]
fn one_letter_in_the_wrong_place_interrupts_nothing_that_goes_well() {
    for snapshot in [linked(), super::passkey::demanded()] {
        let mut model = model(snapshot);
        assert_eq!(press(&mut model, KeyCode::Char('r')).requests, []);
        assert!(shows(&mut model, "Restart the bridge, though all is well?"));
        assert_eq!(press(&mut model, KeyCode::Char('l')).requests, [], "who goes on typing");
        assert!(model.ui.overlay.is_none());
        press(&mut model, KeyCode::Char('r'));
        let asked = press(&mut model, KeyCode::Char('y'));
        assert_eq!(asked.requests[0].request, Request::RestartBridge);
    }
    // Where it helps it is done at once.
    for snapshot in [failing(), logged_out(), started(), disk_full()] {
        assert_eq!(press(&mut model(snapshot), KeyCode::Char('r')).requests.len(), 1);
    }
}

#[test]
fn another_drawing_is_another_than_the_one_that_is_there() {
    for (size, drawn, next) in [((80, 24), "sextants", "octants"), ((120, 40), "half blocks", "sextants")] {
        let mut model = model(with_qr());
        super::drawn(&mut model, size);
        assert_eq!(model.ui.qr_drawn.get().map(Drawing::name), Some(drawn));
        press(&mut model, KeyCode::Char('v'));
        super::drawn(&mut model, size);
        assert_eq!(model.ui.qr_drawn.get().map(Drawing::name), Some(next));
    }
}

#[test]
fn what_is_as_it_should_be_is_not_in_the_colour_of_trouble() {
    let mut snapshot = linked();
    (snapshot.counters.messages_cancelled, snapshot.counters.duplicates) = (7, 30);
    let mut model = model(snapshot);
    let buffer = drawn(&mut model, (120, 60));
    let picture = text(&buffer);
    let colour = |label: &str, n: &str| {
        let (row, line) = picture.lines().enumerate().find(|(_, line)| line.contains(label)).expect(label);
        let column = line[..line.find(label).unwrap()].chars().count() + label.len();
        let rest: String = line.chars().skip(column).collect();
        let at = column + rest.find(n).unwrap();
        buffer[(u16::try_from(at).unwrap(), u16::try_from(row).unwrap())].fg
    };
    let bad = colour("failed", "1");
    assert_ne!(bad, Color::Reset);
    assert_eq!([colour("cancelled", "7"), colour("duplicates", "30")], [Color::Reset; 2]);
}

#[test]
fn the_timeline_says_how_the_bridge_ended_and_the_header_says_it_once() {
    let mut snapshot = linked();
    let text = "the bridge was killed by signal 9";
    let ended = Some(Reason { class: ReasonClass::BridgeEnded, code: None, text: text.into() });
    snapshot.timeline = [
        Transition { state: ConnectionState::Open, at: ago(100), reason: None },
        Transition { state: ConnectionState::Down, at: ago(50), reason: ended.clone() },
        Transition { state: ConnectionState::Connecting, at: ago(49), reason: ended.clone() },
        Transition { state: ConnectionState::Open, at: ago(48), reason: None },
    ]
    .into();
    let count = |model: &mut Model| text_of(model).matches(text).count();
    let mut up = model(snapshot.clone());
    typed(&mut up, "2");
    assert!(text_of(&mut up).contains("○ down for 1 s"), "{}", text_of(&mut up));
    assert_eq!(count(&mut up), 1, "what comes after it does not say it again: {}", text_of(&mut up));

    // While it is so the last error says it; a restart that was asked for is no trouble.
    snapshot.timeline.clear();
    snapshot.connection.state = ConnectionState::Connecting;
    snapshot.connection.reason = ended;
    assert_eq!(count(&mut model(snapshot.clone())), 0);
    snapshot.last_error = Some(LastError { at: ago(1), text: text.into() });
    assert_eq!(count(&mut model(snapshot)), 1);
}

fn text_of(model: &mut Model) -> String {
    text(&drawn(model, (120, 40)))
}

#[test]
fn messages_that_come_late_are_told_of_at_every_size() {
    let mut snapshot = linked();
    snapshot.lateness = Some(crate::state::LatenessView { seconds: 12, at: ago(1) });
    for size in SIZES.into_iter().chain([(40, 10)]) {
        let picture = text(&drawn(&mut model(snapshot.clone()), size));
        assert!(picture.contains("messages come 12 s late"), "{picture}");
    }
    let mut lost = model(snapshot);
    lost.ui.lost = Some(crate::link::Lost { since: ago(9), why: "x".into(), retry_at: ago(-5) });
    assert!(!text_of(&mut lost).contains("late"), "nobody knows");
}

#[test]
fn what_was_lost_is_said_with_what_it_is() {
    let mut snapshot = linked();
    snapshot.counters.log_lines_dropped = 7;
    snapshot.counters.unknown_events = 2;
    let mut model = model(snapshot);
    let drawn = |model: &mut Model| {
        typed(model, "3");
        text_of(model)
    };
    let picture = drawn(&mut model);
    for told in ["7 of the bridge's log", "2 events of the bridge"] {
        assert!(picture.contains(told), "{told}: {picture}");
    }
    assert!(!picture.contains("lost log lines"), "{picture}");
    model.snapshot.counters.log_lines_dropped = 0;
    model.snapshot.host.log_lines_dropped = 3;
    model.ui.look.resyncs = 1;
    let picture = drawn(&mut model);
    for told in ["3 of the gateway's log", "1 of this console"] {
        assert!(picture.contains(told), "{told}: {picture}");
    }
    model.snapshot.host.log_lines_dropped = 0;
    assert!(drawn(&mut model).contains("lost log lines"));
}

#[test]
fn it_is_said_how_late_loops_and_clients_are_and_how_long_messages_took() {
    let mut model = model(linked());
    let drawn = |model: &mut Model, keys| {
        typed(model, keys);
        text_of(model)
    };
    let picture = drawn(&mut model, "3");
    assert!(!picture.contains("clients") && !picture.contains("sent in"), "{picture}");
    let host = &mut model.snapshot.host;
    host.event_loop_lag = LagSample { host_ms: 1_250, bridge_ms: Some(9) };
    host.event_streams = crate::state::StreamsSample { open: 2, behind: 12 };
    host.message_times.until_sent[2] = 98;
    host.message_times.until_sent[9] = 2;
    host.message_times.until_delivered[16] = 1;
    let picture = drawn(&mut model, "3");
    for told in ["2 clients, 12 behind", "sent in    p50 ≤500 ms p99 ≤5 min", "arrived in p50 >7 d", "0.1s"] {
        assert!(picture.contains(told), "{told}: {picture}");
    }
    assert!(drawn(&mut model, "2").contains("loop lag   host 1.2 s, bridge <10 ms"));
    model.snapshot.host.event_loop_lag.bridge_ms = None;
    assert!(drawn(&mut model, "2").contains("loop lag   host 1.2 s "));
}

#[test]
fn a_console_does_not_say_that_nothing_happened_before_it_began() {
    let drawn = |started_at, later: i64, keys: &str| {
        let mut snapshot = linked();
        snapshot.started_at = started_at;
        let mut model = model(snapshot);
        typed(&mut model, keys);
        let now = Now { wall: ago(-later), ..now() };
        let area = Rect::new(0, 0, 120, 40);
        update(&mut model, Msg::Resized(120, 40), now);
        let mut buffer = Buffer::empty(area);
        view::view(&model, Theme::new(true), area, &mut buffer, now);
        text(&buffer)
    };
    for (started_at, later, keys, says) in [
        (ago(900), 0, "3", "none since 12:00"),
        (ago(900), 299, "3", "none since 12:00"),
        (ago(900), 300, "3", "none in 5 min"),
        (ago(900), 300, "3]", "none since 12:00"),
        // The gateway may have got a lot within its first second.
        (ago(1), 0, "3", "none since 12:00"),
    ] {
        let picture = drawn(started_at, later, keys);
        assert!(picture.contains(says), "{says}: {picture}");
    }
}

#[test]
fn states_of_other_days_stand_in_the_same_columns() {
    let mut snapshot = linked();
    for (state, at) in
        [(ConnectionState::Connecting, 200_000), (ConnectionState::Open, 600), (ConnectionState::Open, 60)]
    {
        snapshot.timeline.push_back(crate::state::Transition { state, at: ago(at), reason: None });
    }
    let mut model = model(snapshot);
    typed(&mut model, "2");
    let picture = text_of(&mut model);
    let column = |what: &str| {
        let line = picture.lines().find(|line| line.contains(what)).unwrap_or_else(|| panic!("{what}: {picture}"));
        line.chars().position(|c| "◌●".contains(c))
    };
    assert_eq!(column("◌ connecting for"), column("● connected for"));
}
