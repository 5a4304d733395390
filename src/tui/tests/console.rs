//! Panes, layouts, keys, the palette, and what a console that is read-only refuses.

use super::*;
use crate::clock::Clock;
use crate::state::{StreamsSample, Transition};
use crate::telemetry::{Line, Ring};
use crate::tui::keymap::{Action, Context, KEYS};
use crate::tui::layout;
use crate::tui::model::Overlay;
use crate::tui::within::Within;

fn pressed_with(model: &mut Model, code: char, modifiers: KeyModifiers) -> Outcome {
    update(model, Msg::Key(KeyEvent::new(KeyCode::Char(code), modifiers)), now())
}

fn control(model: &mut Model, code: char) -> Outcome {
    pressed_with(model, code, KeyModifiers::CONTROL)
}

/// With a day behind it.
fn eventful() -> Snapshot {
    let mut snapshot = linked();
    let lost = |class, text: &str| Some(Reason { class, code: Some(428), text: text.to_owned() });
    for (state, at, reason) in [
        (ConnectionState::Down, 90_000, None),
        (ConnectionState::Connecting, 89_990, None),
        (ConnectionState::Open, 89_980, None),
        (ConnectionState::Closed, 4_000, lost(ReasonClass::ConnectionLost, "the connection to WhatsApp was lost")),
        (ConnectionState::Connecting, 3_990, None),
        (ConnectionState::Open, 3_980, None),
        (ConnectionState::Unverified, 300, None),
        (ConnectionState::Open, 60, None),
    ] {
        snapshot.timeline.push_back(Transition { state, at: ago(at), reason });
    }
    snapshot.connection.proven_at = Some(ago(4));
    snapshot.counters.protocol_errors = 3;
    snapshot.host.event_streams = StreamsSample { open: 2, behind: 12 };
    snapshot.host.message_times.until_sent[..8].copy_from_slice(&[40, 90, 31, 8, 0, 2, 0, 1]);
    snapshot.host.message_times.until_delivered[1..14].copy_from_slice(&[9, 60, 41, 20, 12, 3, 0, 1, 4, 0, 2, 5, 1]);
    snapshot
}

/// A console that has seen traffic, with a log.
pub(super) fn busy() -> Model {
    let mut model = model(eventful());
    for n in 0..40_i64 {
        let then = ago(n * 70);
        model.ui.traffic.received.count(u32::try_from(n % 7).unwrap(), then);
    }
    let mut back = crate::tui::series::Traffic::default();
    for n in (0..200_i64).rev() {
        let then = ago(n * 9);
        back.received.count(u32::try_from(n * n % 11 % 5).unwrap(), then);
        back.sent.count(u32::from(n % 6 == 0), then);
        back.requests.count(u32::try_from(n % 13).unwrap(), then);
        back.host.set(7_000 + u32::try_from(n % 50).unwrap() * 20, then);
        back.bridge.set(98_000, then);
    }
    model.ui.traffic = back;
    model.ui.look.log_view.ring = Some(logged());
    model
}

fn logged() -> Arc<Ring> {
    let ring = Ring::new(Clock::start());
    let line = |ago_s, level, target: &'static str, text: &str| Line {
        at: ago(ago_s),
        level,
        target: target.into(),
        text: text.to_owned(),
    };
    ring.push(line(30, tracing::Level::INFO, "pilothouse::app", "the API listens address=127.0.0.1:7007"));
    ring.push(line(20, tracing::Level::INFO, "bridge", "connected to \u{1b}[31mWA v2.3000"));
    ring.push(line(10, tracing::Level::WARN, "pilothouse::supervisor", "the bridge is slow to answer"));
    ring.push(line(5, tracing::Level::ERROR, "bridge", &"a long line about what went wrong ".repeat(9)));
    ring
}

fn pane(key: &str) -> Model {
    let mut model = busy();
    typed(&mut model, key);
    model
}

#[test]
fn each_pane_looks_as_it_should_at_each_size() {
    let panes = [("feed", ""), ("status", "2"), ("metrics", "3"), ("log", "4"), ("zoomed_metrics", "3z")];
    for (name, keys) in panes {
        for size in [(40, 12), (80, 24), (80, 40), (120, 40), (200, 60)] {
            let mut model = pane(keys);
            insta::assert_snapshot!(format!("pane_{name}_{}x{}", size.0, size.1), text(&drawn(&mut model, size)));
        }
    }
}

#[test]
fn help_palette_and_questions_look_as_they_should() {
    let read_only = {
        let mut model = pane("W");
        typed(&mut model, "r");
        model
    };
    for (name, mut model) in [
        ("help", pane("?")),
        ("help_scrolled", pane("?jjjj")),
        ("palette", pane(":")),
        ("palette_search", pane(":rest")),
        ("palette_nothing", pane(":xqj")),
        ("stop", pane("qsto")),
        ("read_only", read_only),
        ("resizing", {
            let mut model = busy();
            model.ui.size = (120, 40);
            control(&mut model, 'w');
            model
        }),
    ] {
        for size in [(40, 12), (80, 24), (120, 40)] {
            insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), text(&drawn(&mut model, size)));
        }
    }
}

#[test]
fn who_is_here_for_the_first_time_is_led_by_three_steps() {
    let mut fresh = linked();
    fresh.feed.clear();
    let steps = [("Step 1 of 3", installing()), ("Step 2 of 3", with_qr()), ("Step 3 of 3", fresh)];
    for (step, snapshot) in steps {
        let mut model = model(snapshot);
        let picture = text(&drawn(&mut model, (120, 40)));
        assert!(picture.contains(step), "{picture}");
        insta::assert_snapshot!(step.replace(' ', "_"), text(&drawn(&mut model, (80, 24))));
    }
    assert!(!text(&drawn(&mut model(linked()), (120, 40))).contains("Step"));
}

#[test]
fn the_status_is_always_there_and_panes_go_by_priority() {
    for columns in [layout::SMALLEST.0, 61, 119, 121, 200] {
        for rows in [layout::SMALLEST.1, 16, 31, 37, 55] {
            for keys in ["", "2", "3", "4", "i", "z", "3z"] {
                let mut model = pane(keys);
                let picture = text(&drawn(&mut model, (columns, rows)));
                assert!(picture.contains("● connected"), "{columns}×{rows} {keys}\n{picture}");
            }
        }
    }
}

#[test]
fn areas_never_overlap_nor_leave_the_screen() {
    for snapshot in [linked(), with_qr(), with_code(), installing()] {
        for (columns, rows) in (40..220).step_by(13).flat_map(|c| (10..64).step_by(5).map(move |r| (c, r))) {
            let mut model = model(snapshot.clone());
            model.ui.look.log = rows % 2 == 0;
            model.ui.look.sizes = layout::possible(Default::default(), (columns.max(120), rows.max(36)));
            let area = Rect::new(0, 0, columns, rows);
            let places = layout::places(&model, area, now()).unwrap();
            let mut all: Vec<_> = places.panes.iter().map(|(_, area)| *area).collect();
            all.extend([places.head, places.link, places.input, places.foot]);
            all.retain(|area| !area.is_empty());
            let cells: u32 = all.iter().map(|area| area.area()).sum();
            assert_eq!(cells, area.area(), "{columns}×{rows}: {places:?}");
            assert!(all.iter().all(|one| area.intersection(*one) == *one), "{places:?}");
        }
    }
}

#[test]
fn tab_goes_round_the_panes_and_back() {
    let mut model = busy();
    let mut seen = vec![model.ui.focus];
    for _ in 0..5 {
        press(&mut model, KeyCode::Tab);
        seen.push(model.ui.focus);
    }
    assert_eq!(seen, [Focus::Feed, Focus::Compose, Focus::Status, Focus::Metrics, Focus::Log, Focus::Feed]);
    press(&mut model, KeyCode::BackTab);
    assert_eq!(model.ui.focus, Focus::Log);
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.ui.focus, Focus::Feed);
}

#[test]
fn the_input_box_gives_the_focus_back_to_where_it_was() {
    let mut model = pane("3i");
    assert_eq!(model.ui.focus, Focus::Compose);
    assert!(text(&drawn(&mut model, (80, 24))).contains("Metrics"));
    press(&mut model, KeyCode::Esc);
    assert_eq!(model.ui.focus, Focus::Metrics);
}

#[test]
fn a_pane_that_is_too_long_scrolls_as_far_as_it_goes() {
    let mut model = pane("2");
    drawn(&mut model, (40, 12));
    let most = model.ui.look.scroll[0].most.get();
    assert!(most > 0);
    typed(&mut model, "jj");
    assert_eq!(model.ui.look.scroll[0].at.get(), 2);
    press(&mut model, KeyCode::End);
    assert_eq!(model.ui.look.scroll[0].at.get(), most);
    typed(&mut model, "k");
    assert_eq!(model.ui.look.scroll[0].at.get(), most - 1);
    press(&mut model, KeyCode::Home);
    assert_eq!((model.ui.look.scroll[0].at.get(), model.ui.feed.chosen()), (0, None));
}

#[test]
fn the_log_is_filtered_by_level_and_origin_and_is_safe_to_draw() {
    let mut model = pane("4");
    let all = text(&drawn(&mut model, (120, 40)));
    assert!(all.contains("app: the API listens") && all.contains("bridge: connected to ␛[31mWA"), "{all}");
    typed(&mut model, "LL");
    let warnings = text(&drawn(&mut model, (120, 40)));
    assert!(warnings.contains("Log: warn and above, all origins (L o)"), "{warnings}");
    assert!(!warnings.contains("the API listens") && warnings.contains("slow to answer"));
    typed(&mut model, "LLo");
    let bridge = text(&drawn(&mut model, (120, 40)));
    assert!(bridge.contains("Log: all levels, bridge"), "{bridge}");
    assert!(!bridge.contains("slow to answer") && bridge.contains("connected to"));
    typed(&mut model, "ooo");
    assert_eq!(model.ui.look.log_view.target, None);
    // From the log its key hides it.
    typed(&mut model, "4");
    assert_eq!((model.ui.focus, model.ui.look.log), (Focus::Feed, false));
}

#[test]
fn graphs_show_other_times() {
    let mut model = pane("3");
    for (keys, range) in [("]", Range::Hour), ("]]", Range::Day), ("[", Range::Hour), ("[[", Range::FiveMinutes)] {
        typed(&mut model, keys);
        assert_eq!(model.ui.look.range, range);
        assert!(text(&drawn(&mut model, (120, 40))).contains(&format!("Metrics, {}", range.name())));
    }
}

#[test]
fn time_wakes_the_console_only_for_graphs_that_are_seen_and_move() {
    let mut model = busy();
    model.ui.size = (80, 24);
    assert_eq!(next_wake(&model, now()), None, "the graphs are not shown");
    typed(&mut model, "3");
    assert_eq!(next_wake(&model, now()), Some(Duration::from_secs(10)));
    typed(&mut model, "]");
    assert_eq!(next_wake(&model, now()), Some(Duration::from_secs(60)));
    let later = Now { wall: now().wall.plus(Duration::from_secs(4_000)), ..now() };
    assert_eq!(next_wake(&model, later), None, "an hour without anything");
}

#[test]
fn panes_are_resized_by_arrows_within_what_there_is_room_for() {
    let mut model = busy();
    model.ui.size = (120, 40);
    let before = layout::present_sizes(&model);
    control(&mut model, 'w');
    press(&mut model, KeyCode::Right);
    press(&mut model, KeyCode::Char('l'));
    assert_eq!(layout::present_sizes(&model).side, before.side + 4);
    for _ in 0..100 {
        press(&mut model, KeyCode::Right);
    }
    assert_eq!(layout::present_sizes(&model).side, 60);
    press(&mut model, KeyCode::Char('='));
    assert_eq!(layout::present_sizes(&model), before);
    press(&mut model, KeyCode::Enter);
    typed(&mut model, "2");
    control(&mut model, 'w');
    press(&mut model, KeyCode::Down);
    assert_eq!(layout::present_sizes(&model).status, before.status + 2);
    press(&mut model, KeyCode::Char('x'));
    assert!(!model.ui.look.resizing, "any other key ends it");
    press(&mut model, KeyCode::Char('j'));
    assert_eq!(layout::present_sizes(&model).status, before.status + 2);
}

#[test]
fn a_pane_is_zoomed_and_esc_brings_the_others_back() {
    let mut model = pane("3z");
    let picture = text(&drawn(&mut model, (120, 40)));
    assert!(picture.contains("Metrics") && !picture.contains("Messages"), "{picture}");
    press(&mut model, KeyCode::Esc);
    assert!(text(&drawn(&mut model, (120, 40))).contains("Messages"));
}

#[test]
fn the_palette_finds_and_does_any_action() {
    let mut model = busy();
    typed(&mut model, ":restart");
    press(&mut model, KeyCode::Enter);
    let outcome = press(&mut model, KeyCode::Char('y'));
    assert_eq!(outcome.requests.first().map(|ask| &ask.request), Some(&Request::RestartBridge));
    assert!(model.ui.overlay.is_none());
    typed(&mut model, ":metr");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.ui.focus, Focus::Metrics);
    typed(&mut model, ":");
    update(&mut model, Msg::Paste("zoom".to_owned()), now());
    press(&mut model, KeyCode::Enter);
    assert!(model.ui.look.zoomed);
    typed(&mut model, ":");
    let Some(Overlay::Palette(palette)) = &model.ui.overlay else { panic!() };
    let all: Vec<_> = actions(&palette.found);
    let browse = KEYS.iter().filter(|row| row.context == Context::Browse).map(|row| row.action);
    assert!(browse.filter(|action| *action != Action::Palette).all(|action| all.contains(&action)));
}

fn actions(found: &[crate::tui::palette::Entry]) -> Vec<Action> {
    use crate::tui::palette::Entry;
    let action = |entry: &Entry| match entry {
        Entry::Key(row) => Some(row.action),
        Entry::Verb(_) => None,
    };
    found.iter().filter_map(action).collect()
}

/// Opens the palette and types a line into it, with Enter.
fn said(model: &mut Model, line: &str) -> Outcome {
    typed(model, ":");
    typed(model, line);
    press(model, KeyCode::Enter)
}

#[test]
fn the_palette_does_what_is_said_in_words() {
    let mut model = busy();
    let outcome = said(&mut model, "send +15553334444 Hola, ¿qué tal?");
    let Request::Send { chat, text, .. } = &outcome.requests[0].request else { panic!("{outcome:?}") };
    assert_eq!((chat.address(), &**text), ("+15553334444", "Hola, ¿qué tal?"));
    said(&mut model, "messages --search harbour");
    assert_eq!(model.ui.feed.filter().map(|sieve| sieve.text().to_owned()), Some("harbour".to_owned()));
    said(&mut model, "theme soft");
    assert_eq!(model.ui.look.theme, crate::tui::Palette::Soft);
    let mut unlinked = super::model(with_code());
    let outcome = said(&mut unlinked, "pair +15553334444");
    let linking = Linking { use_pairing_code: true, phone_number: "+15553334444".parse().ok() };
    assert_eq!(outcome.requests[0].request, Request::SetLinking(linking));
    let outcome = said(&mut unlinked, "link");
    let Request::SetLinking(linking) = &outcome.requests[0].request else { panic!("{outcome:?}") };
    assert!(!linking.use_pairing_code, "by a QR again");
    assert_eq!(said(&mut super::model(logged_out()), "link").requests[0].request, Request::RestartBridge);
    assert_eq!(said(&mut model, "link").requests, [], "an account is linked");
}

#[test]
fn a_verb_that_needs_words_asks_for_them_and_says_what_is_wrong() {
    let mut model = busy();
    assert_eq!(said(&mut model, "send").requests, []);
    let line = |model: &Model| match &model.ui.overlay {
        Some(Overlay::Palette(palette)) => palette.input.value().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(line(&model), "send ");
    typed(&mut model, "0424 Hola");
    assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
    let picture = text(&drawn(&mut model, (80, 24)));
    assert!(picture.contains("✗ a number starts with +"), "{picture}");
    assert_eq!(line(&model), "send 0424 Hola", "nothing is lost");
    typed(&mut model, "!");
    assert!(!text(&drawn(&mut model, (80, 24))).contains('✗'), "it is looked at anew");
}

#[test]
fn logging_out_is_confirmed_by_typing() {
    for (line, local) in [("log out", false), ("log out local", true)] {
        let mut model = busy();
        assert_eq!(said(&mut model, line).requests, []);
        let picture = text(&drawn(&mut model, (80, 24)));
        assert!(picture.contains("Type log out and press Enter"), "{picture}");
        typed(&mut model, "yes");
        assert_eq!(press(&mut model, KeyCode::Enter).requests, []);
        typed(&mut model, "log out");
        assert_eq!(press(&mut model, KeyCode::Enter).requests[0].request, Request::LogOut { local });
    }
    let mut unlinked = super::model(with_qr());
    said(&mut unlinked, "log out");
    assert!(unlinked.ui.overlay.is_none() && unlinked.ui.notice.is_some(), "nothing is asked for nothing");
    let mut model = busy();
    let id = crate::state::RequestId(7);
    let refused = Update::Answer { id, answer: Answer::Refused(Refusal::NotConnected) };
    update(&mut model, Msg::Update(refused), now());
    assert!(model.ui.notice.as_ref().is_some_and(|notice| notice.contains(":log out local")), "{:?}", model.ui.notice);
}

#[test]
fn what_the_input_box_does_is_in_the_palette_too() {
    let mut model = busy();
    assert!(said(&mut model, "editor").edit.is_some());
    press(&mut model, KeyCode::Esc);
    said(&mut model, "recipient");
    assert!(matches!(model.ui.overlay, Some(Overlay::Recipient(_))));
    press(&mut model, KeyCode::Enter);
    assert_eq!((model.ui.focus, model.ui.recipient.is_some()), (Focus::Compose, true));
}

#[test]
fn other_keys_from_the_settings_work_and_are_shown() {
    let mut model = busy();
    let settings = [("quit".to_owned(), vec!["F10".to_owned()]), ("restart_bridge".to_owned(), vec!["F9".to_owned()])];
    model.ui.look.keys = crate::tui::Keymap::new(&settings.into()).unwrap();
    press(&mut model, KeyCode::Char('q'));
    assert!(model.ui.overlay.is_none());
    let picture = text(&drawn(&mut model, (120, 40)));
    assert!(picture.contains("F10 quit") && picture.contains("F9 restart bridge"), "{picture}");
    model.snapshot.connection = logged_out().connection;
    assert!(text(&drawn(&mut model, (120, 40))).contains("press F9 to link again"));
    press(&mut model, KeyCode::F(10));
    typed(&mut model, "stop");
    assert!(press(&mut model, KeyCode::Enter).quit);
}

#[test]
fn words_and_questions_of_a_console_that_is_read_only_ask_the_engine_for_nothing() {
    for line in ["send +15551112222 Hola", "pair +15551112222", "link", "log out", "log out local"] {
        let mut model = super::model(with_code());
        typed(&mut model, "W");
        let outcome = said(&mut model, line);
        assert!(outcome.requests.is_empty() && model.ui.overlay.is_none(), "{line}: {outcome:?}");
        let words = "W lets this console change things";
        assert!(model.ui.notice.as_ref().is_some_and(|notice| notice.contains(words)), "{:?}", model.ui.notice);
    }
    let mut model = pane("Wi+15551112222 Hola");
    press(&mut model, KeyCode::Enter);
    assert_eq!(model.ui.input.value(), "+15551112222 Hola", "nothing of it is lost");
    assert!(model.ui.notice.as_ref().unwrap().contains("W lets this console change things"));
    press(&mut model, KeyCode::Esc);
    let asked = Overlay::Resend(Arc::new(outgoing(1, "again", DeliveryState::Failed)));
    model.ui.overlay = Some(asked.clone());
    assert_eq!(press(&mut model, KeyCode::Char('y')).requests, [], "though it was asked already");
    typed(&mut model, "W");
    model.ui.overlay = Some(asked);
    assert_eq!(press(&mut model, KeyCode::Char('y')).requests.len(), 1);
    typed(&mut model, "r");
    assert_eq!(press(&mut model, KeyCode::Char('y')).requests.len(), 1);
}

#[test]
fn what_is_seen_in_the_place_of_the_messages_is_brought_there_from_any_pane() {
    for (key, title) in [("C", "Chats"), ("\r", "Message "), ("J", "\"message\""), ("/", "Messages")] {
        for from in ["2", "3", "4"] {
            let mut model = pane(from);
            match key {
                "\r" => drop(press(&mut model, KeyCode::Enter)),
                key => typed(&mut model, key),
            }
            assert_eq!(model.ui.focus, Focus::Feed, "{key} from {from}");
            let picture = text(&drawn(&mut model, (80, 24)));
            assert!(picture.contains(title), "{key} from {from}: {picture}");
        }
    }
}

#[test]
fn the_box_grows_with_its_lines_in_every_layout() {
    for (size, zoomed) in [((80, 24), false), ((120, 40), false), ((80, 24), true), ((120, 40), true)] {
        let mut model = busy();
        model.ui.look.zoomed = zoomed;
        drawn(&mut model, size);
        typed(&mut model, "i");
        update(&mut model, Msg::Paste("one\ntwo\nthree".to_owned()), now());
        let area = Rect::new(0, 0, size.0, size.1);
        assert_eq!(layout::places(&model, area, now()).unwrap().input.height, 5, "{size:?} {zoomed}");
        assert!(text(&drawn(&mut model, size)).contains("two"), "{size:?} {zoomed}");
    }
}

#[test]
fn the_help_has_only_what_works_here_and_now() {
    let help = |model: &mut Model| {
        typed(model, "?");
        text(&drawn(model, (80, 60)))
    };
    let linked = help(&mut busy());
    assert!(linked.contains("answer the chosen message") && !linked.contains("pairing code"), "{linked}");
    let unlinked = help(&mut model(with_qr()));
    assert!(unlinked.contains("pairing code") && !unlinked.contains("answer the chosen"), "{unlinked}");
    let log = help(&mut pane("4"));
    assert!(log.contains("only from one origin"), "{log}");
}

#[test]
fn themes_have_other_colours_and_the_same_words() {
    let mut model = busy();
    let mut pictures = Vec::new();
    let mut colours = Vec::new();
    for _ in 0..3 {
        let buffer = drawn(&mut model, (120, 40));
        pictures.push(text(&buffer).lines().take(39).map(str::to_owned).collect::<Vec<_>>());
        colours.push(buffer.content.iter().map(|cell| cell.fg.to_string()).collect::<std::collections::BTreeSet<_>>());
        typed(&mut model, "T");
    }
    assert!(pictures.iter().all(|picture| *picture == pictures[0]));
    assert!(colours[0] != colours[1] && colours[1] != colours[2]);
    assert_eq!(model.ui.look.theme, crate::tui::Palette::Terminal);
}

#[test]
fn in_ascii_nothing_of_ours_is_anything_else() {
    let mut feed = linked();
    feed.feed.retain(|message| message.body.is_ascii() && message.name.as_deref().is_none_or(str::is_ascii));
    for snapshot in [feed, logged_out(), with_code(), installing(), passkey::refused()] {
        for keys in ["", "2", "3", "4", "?", ":", "q", "i"] {
            let mut model = model(snapshot.clone());
            model.ui.traffic = busy().ui.traffic;
            typed(&mut model, keys);
            for size in [(40, 12), (80, 24), (120, 40)] {
                model.ui.size = size;
                let area = Rect::new(0, 0, size.0, size.1);
                let mut buffer = Buffer::empty(area);
                view::view(&model, Theme::new(true).ascii(true), area, &mut buffer, now());
                for cell in &buffer.content {
                    assert!(cell.symbol().is_ascii(), "{:?} in\n{}", cell.symbol(), text(&buffer));
                }
            }
        }
    }
}

#[test]
fn the_operator_is_told_when_things_turn_and_once() {
    use crate::tui::Notify;
    use crate::tui::attention::Attention;
    let mut attention = Attention::default();
    let mut told = |snapshot, notify| attention.news(&model(snapshot), true, notify, Within::Nothing);
    assert_eq!(told(started(), Notify::Bell), "\u{1b}]2;◌ connecting · Pilothouse\u{7}");
    assert_eq!(told(linked(), Notify::Bell), "\u{1b}]2;● connected +15550009999 · Pilothouse\u{7}");
    assert_eq!(told(linked(), Notify::Bell), "");
    attention.forget_title();
    let mut told = |snapshot, notify| attention.news(&model(snapshot), true, notify, Within::Nothing);
    assert_eq!(told(linked(), Notify::Bell).matches("\u{1b}]2;").count(), 1, "the terminal was the shell's meanwhile");
    assert!(told(lost(), Notify::Bell).ends_with("\u{7}\u{7}"), "the title, and the bell");
    assert_eq!(told(started(), Notify::Osc9).matches("]9;").count(), 0, "on the way");
    let back = told(linked(), Notify::Osc777);
    assert!(back.ends_with("\u{1b}]777;notify;Pilothouse;● connected +15550009999\u{7}"), "{back:?}");
    let mut hostile = lost();
    hostile.account = Some(AccountInfo { phone: Some("\u{7}\u{1b}]0;x;y".into()), lid: None, name: None });
    let sequence = told(hostile, Notify::Osc9);
    assert_eq!(sequence.matches('\u{1b}').count(), 2, "{sequence:?}");
    assert_eq!(sequence.matches('\u{7}').count(), 2, "{sequence:?}");
}

#[test]
fn esc_leaves_the_innermost_first() {
    let mut model = busy();
    typed(&mut model, "zki");
    press(&mut model, KeyCode::Esc);
    assert_eq!((model.ui.focus, model.ui.look.zoomed), (Focus::Feed, true), "the input box");
    press(&mut model, KeyCode::Enter);
    assert!(model.ui.detail.is_some());
    press(&mut model, KeyCode::Esc);
    assert!(model.ui.detail.is_none() && model.ui.look.zoomed, "the message");
    press(&mut model, KeyCode::Esc);
    assert!(!model.ui.look.zoomed && model.ui.feed.is_frozen(), "the single pane");
    press(&mut model, KeyCode::Esc);
    assert!(!model.ui.feed.is_frozen());
}

#[test]
fn what_lies_over_the_screen_lies_over_the_qr_too() {
    let mut model = model(with_qr());
    typed(&mut model, "Z?");
    assert!(text(&drawn(&mut model, (120, 40))).contains("Keys"));
}

#[test]
fn the_palette_says_how_many_more_there_are() {
    for size in [(40, 12), (80, 24)] {
        let mut model = pane(":");
        let picture = text(&drawn(&mut model, size));
        let more = picture.lines().find_map(|line| line.split_once(" ↓ ")?.1.split_once(" more "));
        let more: usize = more.unwrap_or_else(|| panic!("{picture}")).0.parse().unwrap();
        assert!(!picture.contains("leaves…") && !picture.contains("word…"), "{picture}");
        for _ in 0..200 {
            press(&mut model, KeyCode::Down);
        }
        let last = text(&drawn(&mut model, size));
        let Some(Overlay::Palette(palette)) = &model.ui.overlay else { panic!("{last}") };
        let rows = usize::from((size.1 - 2).min(20)) - 3;
        assert_eq!(more, palette.found.len() - rows, "{picture}");
        assert!(!last.contains("↓") || !last.contains(" more "), "{last}");
    }
}

#[test]
fn resizing_is_offered_where_there_is_something_to_resize_and_else_says_why_not() {
    for (keys, size, offered, says) in [
        ("", (120, 40), true, "narrower"),
        ("z", (120, 40), false, "nothing to resize"),
        ("", (80, 24), false, "nothing to resize"),
        ("2", (120, 40), true, "more rows"),
    ] {
        let mut model = pane(keys);
        drawn(&mut model, size);
        typed(&mut model, "?");
        let help = text(&drawn(&mut model, (size.0, 70)));
        drawn(&mut model, size);
        press(&mut model, KeyCode::Esc);
        control(&mut model, 'w');
        let picture = text(&drawn(&mut model, size));
        assert!(picture.contains(says), "{keys} {size:?}: {picture}");
        assert_eq!(model.ui.look.resizing, offered);
        // The messages alone have no rows to give.
        assert!(!offered || keys == "2" || !picture.contains("more rows"), "{picture}");
        assert!(size != (120, 40) || help.contains("resize panes") == offered, "{help}");
    }
}

#[test]
fn the_footer_of_figures_and_log_has_what_changes_them() {
    for (key, hint) in [("3", "] longer"), ("4", "L level")] {
        let picture = text(&drawn(&mut pane(key), (80, 24)));
        let footer = picture.lines().last().unwrap();
        assert!(footer.contains(hint) && footer.contains("q quit"), "{footer}");
    }
}

#[test]
fn the_footer_always_says_how_to_get_help_every_action_and_out() {
    for columns in [40, 44, 53, 60, 79, 80, 100, 120, 160, 200] {
        for snapshot in [linked(), with_qr(), lost(), logged_out(), passkey::to_compare()] {
            for keys in ["", "k", "2", "3", "4", "i"] {
                let mut model = model(snapshot.clone());
                typed(&mut model, keys);
                model.ui.notice = None;
                let picture = text(&drawn(&mut model, (columns, 24)));
                let footer = picture.lines().last().unwrap();
                let always: &[&str] = match keys {
                    "i" => &["F1 help", "Esc leave"],
                    _ => &[": all actions", "? help", "q quit"],
                };
                assert!(always.iter().all(|hint| footer.contains(hint)), "{columns} {keys}: {footer}");
                let helps =
                    model.snapshot.connection.state == ConnectionState::LoggedOut && keys != "i" && columns >= 80;
                assert!(!helps || footer.contains("r restart bridge"), "{columns} {keys}: {footer}");
            }
        }
    }
    let picture = text(&drawn(&mut busy(), (120, 40)));
    assert!(picture.lines().last().unwrap().contains("r restart bridge"), "{picture}");
}

#[test]
fn within_screen_a_title_has_nothing_that_it_would_garble_and_notifications_get_through() {
    let mut attention = crate::tui::attention::Attention::default();
    let mut told = |snapshot| attention.news(&model(snapshot), true, crate::tui::Notify::Osc9, Within::Screen);
    assert_eq!(told(linked()), "\x1b]2;connected +15550009999 - Pilothouse\x07");
    let told = told(failing());
    assert!(told.starts_with("\x1b]2;the bridge ended"), "{told:?}");
    assert!(told.contains("\x1bP\x1b]9;Pilothouse: ✗ the bridge ended") && told.ends_with("\x07\x1b\\"), "{told:?}");
}
