use std::num::NonZeroU16;

use proptest::prelude::*;
use ratatui::buffer::{Cell, CellWidth};
use ratatui::style::{Color, Modifier, Style};

use super::*;

const AREA: Rect = Rect { x: 0, y: 0, width: 30, height: 9 };

/// A terminal that shows what it is given.
struct Shown {
    painter: Painter<Vec<u8>>,
    terminal: vt100::Parser,
}

impl Shown {
    fn new() -> Self {
        let of = |n| NonZeroU16::new(n).unwrap();
        Self { painter: Painter::new(Vec::new()), terminal: vt100::Parser::new(of(AREA.height), of(AREA.width), 0) }
    }

    /// Paints, and returns what that took.
    fn paint(&mut self, frame: &Frame) -> String {
        let Frame { buffer, drawn } = frame;
        let count = self.painter.paint(buffer.area, |own| {
            own.clone_from(buffer);
            *drawn
        });
        let bytes = std::mem::take(self.painter.out());
        assert_eq!(count.unwrap(), bytes.len());
        let of = |n| NonZeroU16::new(n).unwrap();
        self.terminal.screen_mut().set_size(of(buffer.area.height), of(buffer.area.width));
        self.terminal.process(&bytes);
        String::from_utf8(bytes).unwrap()
    }

    /// What is not as it was to be.
    fn wrong(&self, Frame { buffer, drawn }: &Frame) -> Option<String> {
        let screen = self.terminal.screen();
        let mut x_behind = (0, 0);
        for y in 0..buffer.area.height {
            for x in 0..buffer.area.width {
                let (cell, shown) = (&buffer[(x, y)], screen.cell(y, x).unwrap());
                if (x_behind.1 == y && x < x_behind.0) || is_as(cell, shown) {
                    x_behind = if x < x_behind.0 && x_behind.1 == y { x_behind } else { (x + cell.cell_width(), y) };
                    continue;
                }
                return Some(format!("{x},{y}: {cell:?} is shown as {shown:?}\n{}", screen.contents()));
            }
        }
        let cursor = (!screen.hide_cursor()).then(|| screen.cursor_position()).map(|(y, x)| Position { x, y });
        (cursor != drawn.cursor).then(|| format!("the cursor is at {cursor:?} instead of {:?}", drawn.cursor))
    }
}

/// Whether a terminal shows this cell, as far as it can be seen.
fn is_as(cell: &Cell, shown: &vt100::Cell) -> bool {
    let blank = cell.symbol() == " ";
    let has = |modifier| cell.modifier.contains(modifier);
    let text = if shown.has_contents() { shown.contents() } else { " " };
    let seen = shown.bgcolor() == color(cell.bg)
        && shown.inverse() == has(Modifier::REVERSED)
        && shown.underline() == has(Modifier::UNDERLINED);
    let seen_in_text = blank
        || (shown.fgcolor() == color(cell.fg)
            && shown.bold() == has(Modifier::BOLD)
            && shown.italic() == has(Modifier::ITALIC)
            && shown.dim() == has(Modifier::DIM));
    // Of these some terminals, and that of the tests, have another mind.
    let width = cell.symbol().contains('\u{fe0f}') || shown.is_wide() == (cell.cell_width() > 1);
    text == cell.symbol() && seen && seen_in_text && width
}

fn color(color: Color) -> vt100::Color {
    match color {
        Color::Reset => vt100::Color::Default,
        Color::Cyan => vt100::Color::Idx(6),
        Color::White => vt100::Color::Idx(15),
        Color::DarkGray => vt100::Color::Idx(8),
        Color::Black => vt100::Color::Idx(0),
        Color::Indexed(n) => vt100::Color::Idx(n),
        Color::Rgb(r, g, b) => vt100::Color::Rgb(r, g, b),
        Color::Red | Color::Green | Color::Yellow | Color::Blue | Color::Magenta | Color::Gray => panic!("not tried"),
        Color::LightRed | Color::LightGreen | Color::LightYellow => panic!("not tried"),
        Color::LightBlue | Color::LightMagenta | Color::LightCyan => panic!("not tried"),
    }
}

/// A picture.
#[derive(Clone, Debug)]
struct Frame {
    buffer: Buffer,
    drawn: Drawn,
}

/// What comes next.
#[derive(Clone, Debug)]
enum Step {
    /// Texts are written over what there was: columns and rows in parts of the whole.
    Texts(Vec<(f32, f32, String, Style)>),
    /// The rows of a part move down, or up, and another text comes in.
    Moves(Rect, i16, String, Style),
    /// Everything is gone.
    Nothing,
    /// The terminal has another size.
    Resized(u16, u16),
    /// The cursor is elsewhere.
    Cursor(Option<(f32, f32)>),
    /// What the terminal shows is not known any more.
    Forgotten,
}

impl Step {
    fn apply(&self, frame: &mut Frame) {
        let Frame { buffer, drawn } = frame;
        let area = buffer.area;
        let place = |(x, y): (f32, f32)| {
            let of = |part: f32, all: u16| ((f32::from(all) * part) as u16).min(all - 1);
            (of(x, area.width), of(y, area.height))
        };
        match self {
            Self::Texts(texts) => {
                for (x, y, text, style) in texts {
                    let (x, y) = place((*x, *y));
                    write(buffer, x, y, text, *style);
                }
            }
            Self::Moves(part, down, text, style) => {
                let part = part.intersection(area);
                let before = buffer.clone();
                for y in part.top()..part.bottom() {
                    for x in part.left()..part.right() {
                        let from =
                            y.checked_add_signed(-down).filter(|from| (part.top()..part.bottom()).contains(from));
                        buffer[(x, y)] = from.map_or(Cell::EMPTY, |from| before[(x, from)].clone());
                    }
                    halves(buffer, y);
                }
                if !part.is_empty() {
                    write(buffer, part.x, if *down > 0 { part.top() } else { part.bottom() - 1 }, text, *style);
                }
                drawn.moving = Some(part);
            }
            Self::Nothing => buffer.reset(),
            Self::Resized(width, height) => {
                *buffer = Buffer::empty(Rect::new(0, 0, *width, *height));
                drawn.cursor = None;
            }
            Self::Cursor(at) => drawn.cursor = at.map(|at| place(at).into()),
            Self::Forgotten => {}
        }
    }
}

fn write(buffer: &mut Buffer, x: u16, y: u16, text: &str, style: Style) {
    buffer.set_stringn(x, y, text, usize::from(buffer.area.width - x), style);
    halves(buffer, y);
}

/// What is left of half a wide character is nothing, as on a terminal.
fn halves(buffer: &mut Buffer, y: u16) {
    let mut x = 0;
    while x < buffer.area.width {
        let width = buffer[(x, y)].cell_width().max(1);
        if x + width > buffer.area.width || (1..width).any(|n| buffer[(x + n, y)].symbol() != " ") {
            buffer[(x, y)].reset();
            x += 1;
        } else {
            (1..width).for_each(|n| buffer[(x + n, y)].reset());
            x += width;
        }
    }
}

fn style() -> impl Strategy<Value = Style> {
    let named = [Color::Reset, Color::Reset, Color::Cyan, Color::White, Color::DarkGray, Color::Black];
    let color = || {
        prop_oneof![
            4 => proptest::sample::select(named.to_vec()),
            1 => any::<u8>().prop_map(Color::Indexed),
            1 => Just(Color::Rgb(1, 2, 3))
        ]
    };
    // The terminal of the tests knows no dim where it is bold.
    let modifiers = [Modifier::BOLD, Modifier::REVERSED, Modifier::UNDERLINED, Modifier::ITALIC];
    let modifiers = prop_oneof![2 => Just(vec![]), 1 => proptest::sample::subsequence(modifiers.to_vec(), 0..3)];
    (color(), prop_oneof![3 => Just(Color::Reset), 1 => color()], modifiers)
        .prop_map(|(fg, bg, modifiers)| modifiers.into_iter().fold(Style::new().fg(fg).bg(bg), Style::add_modifier))
}

fn step() -> impl Strategy<Value = Step> {
    let part = || 0.0_f32..1.0;
    let text = || "[ab ]{1,9}|[ab ]{1,9}| {1,30}|[─▄é]{1,3}|好|a👍b|❤️|a好b";
    let rect = (0_u16..20, 0_u16..6, 1_u16..40, 1_u16..14).prop_map(|(x, y, w, h)| Rect::new(x, y, w, h));
    prop_oneof![
        5 => proptest::collection::vec((part(), part(), text(), style()), 0..12).prop_map(Step::Texts),
        5 => (rect, -4_i16..5, text(), style()).prop_map(|(area, by, text, style)| Step::Moves(area, by, text, style)),
        1 => Just(Step::Nothing),
        1 => (1_u16..40, 1_u16..14).prop_map(|(width, height)| Step::Resized(width, height)),
        1 => proptest::option::of((part(), part())).prop_map(Step::Cursor),
        1 => Just(Step::Forgotten),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn the_terminal_shows_what_was_drawn_whatever_was_there_before(steps in proptest::collection::vec(step(), 1..12)) {
        let mut shown = Shown::new();
        let mut frame = Frame { buffer: Buffer::empty(AREA), drawn: Drawn::default() };
        for step in steps {
            step.apply(&mut frame);
            if matches!(step, Step::Forgotten) {
                shown.terminal.process("\x1b[2;3r\x1b[7;1Hwhat others wrote\x1b[H好好好".as_bytes());
                shown.painter.forget();
            }
            let bytes = shown.paint(&frame);
            if let Some(wrong) = shown.wrong(&frame) {
                prop_assert!(false, "{}\nafter {:?}: {:?}", wrong, step, bytes);
            }
            prop_assert_eq!(shown.paint(&frame), "", "what is shown is drawn again");
        }
    }
}

fn rows(rows: impl IntoIterator<Item = impl AsRef<str>>) -> Frame {
    let mut buffer = Buffer::empty(Rect { width: 60, ..AREA });
    for (y, row) in (0..).zip(rows) {
        buffer.set_string(0, y, row.as_ref(), Style::new());
    }
    Frame { buffer, drawn: Drawn { cursor: None, moving: Some(Rect { width: 60, ..AREA }) } }
}

/// What the second picture takes, the end of it left out.
fn second(first: &Frame, second: &Frame) -> String {
    let mut shown = Shown::new();
    shown.paint(first);
    let bytes = shown.paint(second);
    assert_eq!(shown.wrong(second), None);
    let bytes = bytes.strip_suffix("\x1b[?2026l").unwrap_or(&bytes);
    bytes.strip_suffix("\x1b[?25l").unwrap().to_owned()
}

#[test]
fn down_a_column_takes_no_colour_from_row_to_row() {
    let frame = |n: u32| {
        let mut frame = rows(["", "", ""]);
        for (y, n) in (1..4).zip(n..) {
            frame.buffer.set_string(0, y, format!("Ana {n}"), Style::new().fg(Color::Cyan));
            frame.buffer.set_string(20, y, format!("message {n}"), Style::new());
        }
        frame
    };
    let bytes = second(&frame(10), &frame(20));
    assert_eq!(bytes, "\x1b[2;5H\x1b[36m2\n\x082\n\x082\x1b[23C\x1b[m2\x1b[2;29H2\n\x082");
}

#[test]
fn what_is_the_same_is_written_again_where_it_is_shorter_than_to_go_over_it() {
    assert_eq!(second(&rows(["1 2 3 abcdef 4"]), &rows(["5 6 7 abcdef 8"])), "\x1b[1H5 6 7\x1b[8C8");
}

#[test]
fn rows_that_moved_are_moved_by_the_terminal() {
    let text =
        |n: usize| format!("row {n} {}", ["lorem ipsum dolor", "sit amet", "consectetur adipiscing"][n % 3].repeat(2));
    let frame = |from: usize| rows((from..from + 9).map(text));
    let up = second(&frame(0), &frame(1));
    assert_eq!(up, format!("\x1b[1;9r\x1b[1H\x1b[1M\x1b[r\x1b[9H{}", text(9)));
    let down = second(&frame(2), &frame(0));
    assert!(down.starts_with("\x1b[1;9r\x1b[1H\x1b[2L\x1b[r") && down.contains(&text(1)), "{down:?}");
}

#[test]
fn what_moves_along_is_put_back_before_anything_is_shown_where_that_is_shorter() {
    let frame = |from: u8, columns: u16| {
        let area = Rect { width: 50 + columns, ..AREA };
        let mut buffer = Buffer::empty(area);
        for (y, letter) in (0..9).zip(b'a'..) {
            let texts = [(letter, 50), (b'A' + from + letter - b'a', columns)];
            for (x, (letter, columns)) in [0, 50].into_iter().zip(texts) {
                buffer.set_string(x, y, char::from(letter).to_string().repeat(columns.into()), Style::new());
            }
        }
        Frame { buffer, drawn: Drawn { cursor: None, moving: Some(Rect { x: 50, width: columns, ..area }) } }
    };
    let long = second(&frame(0, 150), &frame(1, 150));
    assert!(long.starts_with("\x1b[?2026h\x1b[1;9r\x1b[1H\x1b[1M\x1b[r") && long.len() < 750, "{long:?}");
    let short = second(&frame(0, 40), &frame(1, 40));
    assert!(!short.contains("\x1b[1M") && short.len() < 450, "{short:?}");
}

#[test]
fn many_blanks_are_erased() {
    let long = "x".repeat(50);
    assert_eq!(second(&rows([&long]), &rows(["x"])), "\x1b[1;2H\x1b[49X");
    assert_eq!(second(&rows([&long]), &rows([format!("x{:48}x", "")])), "\x1b[1;2H\x1b[48X");
}

#[test]
fn a_cursor_that_is_shown_stays_where_it_is() {
    let mut frame = rows(["write"]);
    frame.drawn.cursor = Some(Position::new(5, 0));
    let mut shown = Shown::new();
    assert!(shown.paint(&frame).ends_with("\x1b[?25h"));
    frame.buffer.set_string(5, 0, "s", Style::new());
    frame.drawn.cursor = Some(Position::new(6, 0));
    assert_eq!(shown.paint(&frame), "\x1b[1;6Hs\x1b[?25h");
}
