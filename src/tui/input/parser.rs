//! What the bytes of a terminal mean: keys as xterm sends them, pastes in brackets, the mouse as of SGR 1006.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// The longest sequence that is waited for, in bytes.
const LONGEST: usize = 64;

/// The longest paste that is taken, in bytes; what is more is left out.
const LONGEST_PASTE: usize = 1 << 20;

const PASTE_ENDS: &[u8] = b"\x1b[201~";

/// Takes bytes as they come, in any pieces.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    /// The beginning of something.
    begun: Vec<u8>,
    /// The paste that is under way.
    paste: Option<Vec<u8>>,
}

/// What the beginning of the bytes is.
enum Found {
    /// Nothing that can be told yet.
    Unfinished,
    /// So many bytes that mean this, or nothing.
    Whole(usize, Option<Event>),
    /// So many bytes that begin a paste.
    PasteBegins(usize),
}

impl Parser {
    /// Takes bytes in, and gives what they mean.
    pub fn take(&mut self, bytes: &[u8], mut give: impl FnMut(Event)) {
        for &byte in bytes {
            if let Some(paste) = &mut self.paste {
                paste.push(byte);
                if paste.ends_with(PASTE_ENDS) {
                    paste.truncate(paste.len() - PASTE_ENDS.len());
                    let text = String::from_utf8_lossy(paste).into_owned();
                    self.paste = None;
                    give(Event::Paste(text));
                } else if paste.len() > LONGEST_PASTE {
                    // The end of the paste is still looked for.
                    let keep = paste.split_off(paste.len() - PASTE_ENDS.len());
                    paste.truncate(LONGEST_PASTE - PASTE_ENDS.len());
                    paste.extend(keep);
                }
                continue;
            }
            self.begun.push(byte);
            self.find(&mut give);
        }
    }

    /// Something has begun, and whether that is nothing but Escape, which may be a key.
    pub fn waits_for_more(&self) -> Option<bool> {
        (!self.begun.is_empty()).then(|| self.begun == [0x1b])
    }

    /// No more came in time: what has begun is what it is.
    pub fn time_is_up(&mut self) -> Option<Event> {
        let begun = std::mem::take(&mut self.begun);
        match begun[..] {
            [0x1b] => Some(plain(KeyCode::Esc)),
            [0x1b, byte] => Some(key(KeyCode::Char(char::from(byte)), KeyModifiers::ALT)),
            _ => None,
        }
    }

    fn find(&mut self, give: &mut impl FnMut(Event)) {
        while !self.begun.is_empty() {
            match found(&self.begun) {
                Found::Unfinished if self.begun.len() < LONGEST => return,
                Found::Unfinished => self.begun.clear(),
                Found::Whole(length, event) => {
                    self.begun.drain(..length.clamp(1, self.begun.len()));
                    event.map(&mut *give);
                }
                Found::PasteBegins(length) => {
                    // Byte by byte nothing comes after it here.
                    self.begun.drain(..length.min(self.begun.len()));
                    self.paste = Some(Vec::new());
                    return;
                }
            }
        }
    }
}

fn key(code: KeyCode, modifiers: KeyModifiers) -> Event {
    Event::Key(KeyEvent::new(code, modifiers))
}

fn plain(code: KeyCode) -> Event {
    key(code, KeyModifiers::NONE)
}

fn found(bytes: &[u8]) -> Found {
    match bytes {
        [] | [0x1b] => Found::Unfinished,
        [0x1b, b'[', b'[', rest @ ..] => match rest {
            [] => Found::Unfinished,
            [letter @ b'A'..=b'E', ..] => Found::Whole(4, Some(plain(KeyCode::F(letter - b'A' + 1)))),
            _ => Found::Whole(4, None),
        },
        [0x1b, b'[', rest @ ..] => sequence(rest),
        [0x1b, b'O', rest @ ..] => match rest {
            [] => Found::Unfinished,
            [letter, ..] => Found::Whole(3, named(*letter).map(plain)),
        },
        // Escape, and then another key that begins with it.
        [0x1b, 0x1b, ..] => Found::Whole(1, Some(plain(KeyCode::Esc))),
        [0x1b, rest @ ..] => match character(rest) {
            Found::Whole(length, Some(Event::Key(event))) => {
                Found::Whole(length + 1, Some(key(event.code, event.modifiers | KeyModifiers::ALT)))
            }
            Found::Whole(length, other) => Found::Whole(length + 1, other),
            Found::Unfinished | Found::PasteBegins(_) => Found::Unfinished,
        },
        _ => character(bytes),
    }
}

/// A key that is one character.
fn character(bytes: &[u8]) -> Found {
    let Some(&first) = bytes.first() else { return Found::Unfinished };
    let control = |c: u8| key(KeyCode::Char(char::from(c)), KeyModifiers::CONTROL);
    let event = match first {
        b'\r' => plain(KeyCode::Enter),
        b'\t' => plain(KeyCode::Tab),
        0x7f => plain(KeyCode::Backspace),
        0 => control(b' '),
        1..=0x1a => control(first - 1 + b'a'),
        0x1b => plain(KeyCode::Esc),
        0x1c..=0x1f => control(first - 0x1c + b'4'),
        0x20..=0x7e => plain(KeyCode::Char(char::from(first))),
        _ => return utf8(bytes),
    };
    Found::Whole(1, Some(event))
}

fn utf8(bytes: &[u8]) -> Found {
    let length = match bytes.first() {
        Some(0xc2..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf4) => 4,
        _ => return Found::Whole(1, None),
    };
    match bytes.get(..length).map(std::str::from_utf8) {
        Some(Ok(text)) => Found::Whole(length, text.chars().next().map(|c| plain(KeyCode::Char(c)))),
        Some(Err(_)) => Found::Whole(1, None),
        None if bytes.iter().skip(1).all(|byte| (0x80..0xc0).contains(byte)) => Found::Unfinished,
        None => Found::Whole(1, None),
    }
}

/// What comes after `ESC [`.
fn sequence(rest: &[u8]) -> Found {
    let Some(end) = rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) else {
        // Whatever can't stand in a sequence ends it.
        let broken = rest.iter().position(|byte| !(0x20..=0x3f).contains(byte));
        return broken.map_or(Found::Unfinished, |at| Found::Whole(2 + at, None));
    };
    let (parameters, last) = (&rest[..end], rest[end]);
    let length = 2 + end + 1;
    if parameters == b"200" && last == b'~' {
        return Found::PasteBegins(length);
    }
    let event = match parameters.strip_prefix(b"<") {
        Some(mouse) => mouse_event(mouse, last),
        None => key_event(parameters, last),
    };
    Found::Whole(length, event)
}

/// Numbers between semicolons; what is none is zero, and of `1:2` the first counts.
fn numbers(parameters: &[u8]) -> [u16; 3] {
    let mut all = [0; 3];
    for (number, text) in all.iter_mut().zip(parameters.split(|byte| *byte == b';')) {
        let text = text.split(|byte| *byte == b':').next().unwrap_or_default();
        *number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    }
    all
}

fn key_event(parameters: &[u8], last: u8) -> Option<Event> {
    let [first, modifiers, _] = numbers(parameters);
    let bits = modifiers.saturating_sub(1);
    let mut held = KeyModifiers::NONE;
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        held.set(modifier, bits & bit != 0);
    }
    let code = match (last, first) {
        (b'I', 0) if parameters.is_empty() => return Some(Event::FocusGained),
        (b'O', 0) if parameters.is_empty() => return Some(Event::FocusLost),
        (b'Z', _) => KeyCode::BackTab,
        (b'~', 1 | 7) => KeyCode::Home,
        (b'~', 2) => KeyCode::Insert,
        (b'~', 3) => KeyCode::Delete,
        (b'~', 4 | 8) => KeyCode::End,
        (b'~', 5) => KeyCode::PageUp,
        (b'~', 6) => KeyCode::PageDown,
        (b'~', n @ 11..=15) => KeyCode::F(u8::try_from(n - 10).ok()?),
        (b'~', n @ 17..=21) => KeyCode::F(u8::try_from(n - 11).ok()?),
        (b'~', n @ 23..=24) => KeyCode::F(u8::try_from(n - 12).ok()?),
        (b'u', 13) => KeyCode::Enter,
        (b'u', 9) => KeyCode::Tab,
        (b'u', 27) => KeyCode::Esc,
        (b'u', 127) => KeyCode::Backspace,
        (b'u', n) => KeyCode::Char(char::from_u32(n.into()).filter(|c| !c.is_control())?),
        // With more, R is where the cursor is.
        (letter, 0 | 1) => named(letter)?,
        _ => return None,
    };
    Some(key(code, held))
}

/// Keys that are one letter at the end of a sequence.
fn named(letter: u8) -> Option<KeyCode> {
    Some(match letter {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'H' => KeyCode::Home,
        b'F' => KeyCode::End,
        b'M' => KeyCode::Enter,
        b'P'..=b'S' => KeyCode::F(letter - b'P' + 1),
        _ => return None,
    })
}

fn mouse_event(parameters: &[u8], last: u8) -> Option<Event> {
    let [code, column, row] = numbers(parameters);
    let button = match code & 3 {
        0 => MouseButton::Left,
        1 => MouseButton::Middle,
        _ => MouseButton::Right,
    };
    let kind = match (code & 0b1110_0000, code & 3, last) {
        (0, 0..=2, b'M') => MouseEventKind::Down(button),
        (0, 0..=2, b'm') => MouseEventKind::Up(button),
        (32, 0..=2, _) => MouseEventKind::Drag(button),
        (64, 0, _) => MouseEventKind::ScrollUp,
        (64, 1, _) => MouseEventKind::ScrollDown,
        _ => return None,
    };
    let (column, row) = (column.checked_sub(1)?, row.checked_sub(1)?);
    Some(Event::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(bytes: &[u8]) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        parser.take(bytes, |event| events.push(event));
        events.extend(parser.time_is_up());
        events
    }

    fn one(bytes: &[u8]) -> (KeyCode, KeyModifiers) {
        match events(bytes)[..] {
            [Event::Key(event)] => (event.code, event.modifiers),
            ref other => panic!("{bytes:?}: {other:?}"),
        }
    }

    #[test]
    fn keys_are_what_terminals_send_for_them() {
        const NONE: KeyModifiers = KeyModifiers::NONE;
        const CONTROL: KeyModifiers = KeyModifiers::CONTROL;
        const ALT: KeyModifiers = KeyModifiers::ALT;
        for (bytes, code, modifiers) in [
            (&b"q"[..], KeyCode::Char('q'), NONE),
            ("ñ".as_bytes(), KeyCode::Char('ñ'), NONE),
            ("👋".as_bytes(), KeyCode::Char('👋'), NONE),
            (b"\r", KeyCode::Enter, NONE),
            (b"\x1b\r", KeyCode::Enter, ALT),
            (b"\x1b", KeyCode::Esc, NONE),
            (b"\x7f", KeyCode::Backspace, NONE),
            (b"\x1a", KeyCode::Char('z'), CONTROL),
            (b"\x17", KeyCode::Char('w'), CONTROL),
            (b"\0", KeyCode::Char(' '), CONTROL),
            (b"\x1bx", KeyCode::Char('x'), ALT),
            (b"\x1b\x18", KeyCode::Char('x'), CONTROL.union(ALT)),
            (b"\x1b[", KeyCode::Char('['), ALT),
            (b"\x1b[A", KeyCode::Up, NONE),
            (b"\x1bOB", KeyCode::Down, NONE),
            (b"\x1b[1;5C", KeyCode::Right, CONTROL),
            (b"\x1b[1;2D", KeyCode::Left, KeyModifiers::SHIFT),
            (b"\x1b[Z", KeyCode::BackTab, NONE),
            (b"\x1b[5~", KeyCode::PageUp, NONE),
            (b"\x1b[6~", KeyCode::PageDown, NONE),
            (b"\x1b[1~", KeyCode::Home, NONE),
            (b"\x1bOF", KeyCode::End, NONE),
            (b"\x1bOP", KeyCode::F(1), NONE),
            (b"\x1b[[A", KeyCode::F(1), NONE),
            (b"\x1b[15~", KeyCode::F(5), NONE),
            (b"\x1b[21~", KeyCode::F(10), NONE),
            (b"\x1b[24~", KeyCode::F(12), NONE),
            (b"\x1b[97;5u", KeyCode::Char('a'), CONTROL),
        ] {
            assert_eq!(one(bytes), (code, modifiers), "{bytes:?}");
        }
    }

    #[test]
    fn a_paste_is_one_event_and_holds_what_looks_like_keys() {
        let bytes = b"a\x1b[200~one\r\ntwo\x1b[A\xff\x1b[201~b";
        let [Event::Key(_), Event::Paste(text), Event::Key(_)] = &events(bytes)[..] else { panic!() };
        assert_eq!(text, "one\r\ntwo\x1b[A\u{fffd}");
        let mut long = b"\x1b[200~".to_vec();
        long.extend(vec![b'x'; LONGEST_PASTE + 5_000]);
        long.extend(PASTE_ENDS);
        let [Event::Paste(text)] = &events(&long)[..] else { panic!() };
        assert!(text.len() <= LONGEST_PASTE);
    }

    #[test]
    fn the_mouse_says_where_and_unknown_sequences_say_nothing() {
        let [Event::Mouse(event)] = events(b"\x1b[<64;10;3M")[..] else { panic!() };
        assert_eq!((event.kind, event.column, event.row), (MouseEventKind::ScrollUp, 9, 2));
        let [Event::Mouse(event)] = events(b"\x1b[<0;1;1M")[..] else { panic!() };
        assert_eq!(event.kind, MouseEventKind::Down(MouseButton::Left));
        assert_eq!(events(b"\x1b[<0;0;0M\x1b[?1;2c\x1b[12;34R\x1bOz"), []);
    }

    #[test]
    fn escape_and_a_key_after_it_are_two_keys() {
        assert_eq!(events(b"\x1b\x1b[A").len(), 2);
        assert_eq!(events(b"q\x1bq").len(), 2);
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces_mean_the_same(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"\x1b[O<;0123456789~MmAu".to_vec())], 0..200),
            piece in 1_usize..20
        ) {
            let mut parser = Parser::default();
            let mut pieces = Vec::new();
            for bytes in bytes.chunks(piece) {
                parser.take(bytes, |event| pieces.push(event));
                prop_assert!(parser.begun.len() < LONGEST);
            }
            pieces.extend(parser.time_is_up());
            prop_assert_eq!(pieces, events(&bytes));
        }
    }
}
