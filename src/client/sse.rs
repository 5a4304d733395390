//! Server-sent events, as the HTML standard reads them.

/// The longest event, in bytes: many times what a message has.
const MAX_BYTES: usize = 4 << 20;

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// The id that the stream is at now; none: it has told none yet.
    pub(super) id: Option<String>,
    /// What is told; none: only the id is new.
    pub(super) data: Option<String>,
}

/// Puts events together from pieces of a stream.
#[derive(Debug, Default)]
pub(super) struct Parser {
    bytes: Vec<u8>,
    /// How much of it is read.
    read: usize,
    id: Option<String>,
    data: Option<String>,
}

/// An event is longer than any can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Parser {
    /// Takes a piece of the stream.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), TooLong> {
        self.bytes.drain(..std::mem::take(&mut self.read));
        self.bytes.extend_from_slice(piece);
        let held = self.bytes.len() + self.data.as_ref().map_or(0, String::len);
        if held > MAX_BYTES { Err(TooLong) } else { Ok(()) }
    }

    /// The next event that is whole.
    pub(super) fn next(&mut self) -> Option<Event> {
        loop {
            let rest = self.bytes.get(self.read..)?;
            let end = rest.iter().position(|byte| *byte == b'\n')?;
            let line = String::from_utf8_lossy(rest.get(..end)?).into_owned();
            self.read += end + 1;
            let line = line.strip_suffix('\r').unwrap_or(&line);
            if line.is_empty() {
                let data = self.data.take();
                if data.is_some() || self.id.is_some() {
                    return Some(Event { id: self.id.clone(), data });
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => self.id = Some(value.to_owned()),
                "data" => match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    none => *none = Some(value.to_owned()),
                },
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(id: Option<&str>, data: Option<&str>) -> Event {
        Event { id: id.map(str::to_owned), data: data.map(str::to_owned) }
    }

    fn all(pieces: &[&[u8]]) -> Vec<Event> {
        let mut parser = Parser::default();
        let mut events = Vec::new();
        for piece in pieces {
            parser.push(piece).unwrap();
            events.extend(std::iter::from_fn(|| parser.next()));
        }
        events
    }

    const STREAM: &str =
        "retry: 2000\nid: 4\n\n: hello\n\nid: 5\nevent: x\ndata: {\"a\":1}\n\nevent: live\ndata:b\r\ndata: c\r\n\r\n";

    #[test]
    fn events_are_read_with_the_id_that_the_stream_is_at() {
        let found = all(&[STREAM.as_bytes()]);
        let told: Vec<_> = found.into_iter().filter(|event| event.data.is_some()).collect();
        assert_eq!(told, [event(Some("5"), Some("{\"a\":1}")), event(Some("5"), Some("b\nc"))]);
        assert_eq!(all(&[b"id: 4\n\n"]), [event(Some("4"), None)]);
        assert_eq!(all(&[b": only a comment\n\nretry: 1\n\n"]), []);
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let mut parser = Parser::default();
        let piece = [b'x'; 1 << 16];
        assert!((0..100).any(|_| parser.push(&piece).is_err()));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_stream_is_cut(cuts in proptest::collection::vec(0..STREAM.len(), 0..8)) {
            let mut cuts = cuts;
            cuts.extend([0, STREAM.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|ends| &STREAM.as_bytes()[ends[0]..ends[1]]).collect();
            prop_assert_eq!(all(&pieces), all(&[STREAM.as_bytes()]));
        }

        #[test]
        fn any_bytes_are_read(bytes in any::<Vec<u8>>()) {
            let mut parser = Parser::default();
            let _ = parser.push(&bytes);
            while parser.next().is_some() {}
        }
    }
}
