//! What was promised against what there is.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use anyhow::Context;
use rusqlite::{Connection, OpenFlags};
use whatsapp_simulator::Received;

use crate::traffic::{Accepted, Written};

/// A message in the database.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) incoming: bool,
    pub(crate) state: String,
}

/// Everything that is to be compared.
#[derive(Default)]
pub(crate) struct Evidence {
    pub(crate) accepted: Vec<Accepted>,
    pub(crate) written: Vec<Written>,
    /// What each contact's phone shows.
    pub(crate) shown: BTreeMap<String, Vec<Received>>,
    /// The table of messages, in order.
    pub(crate) rows: Vec<Row>,
    /// The ids of the messages that the journal says came, in order.
    pub(crate) journal: Vec<String>,
    /// How often the bridge asked for a message again since it could not decrypt it.
    pub(crate) undecryptable: u64,
}

impl Evidence {
    /// Reads what the program has on disk.
    pub(crate) fn read(&mut self, database: &Path) -> anyhow::Result<()> {
        let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .with_context(|| format!("opening {}", database.display()))?;
        let mut rows =
            connection.prepare("SELECT id, body, direction, coalesce(state, '') FROM messages ORDER BY n")?;
        let rows = rows.query_map([], |row| {
            let direction: String = row.get(2)?;
            Ok(Row { id: row.get(0)?, body: row.get(1)?, incoming: direction == "in", state: row.get(3)? })
        })?;
        self.rows = rows.collect::<Result<_, _>>()?;
        let mut journal =
            connection.prepare("SELECT message_id FROM journal WHERE type = 'message.received' ORDER BY seq")?;
        self.journal = journal.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(())
    }
}

/// What is wrong: each a sentence with the message's id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Messages that are not where they should be, or could not be decrypted.
    pub lost: Vec<String>,
    /// Messages that are there more than once.
    pub doubled: Vec<String>,
    /// Messages that overtook another one of their chat.
    pub overtaken: Vec<String>,
    /// Messages that the API calls something else than what became of them.
    pub untrue: Vec<String>,
}

impl Findings {
    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.all().next().is_none()
    }

    /// Everything that is wrong.
    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.lost.iter().chain(&self.doubled).chain(&self.overtaken).chain(&self.untrue)
    }

    /// Compares.
    pub(crate) fn of(evidence: &Evidence) -> Self {
        let mut findings = Self::default();
        findings.outgoing(evidence);
        findings.incoming(evidence);
        for n in 0..evidence.undecryptable {
            findings.lost.push(format!("in: the bridge could not decrypt a message ({} of such)", n + 1));
        }
        findings
    }

    fn outgoing(&mut self, evidence: &Evidence) {
        let states: HashMap<&str, &str> = evidence.rows.iter().map(|row| (&*row.id, &*row.state)).collect();
        let nothing = Vec::new();
        let mut last: HashMap<&str, (usize, &str)> = HashMap::new();
        for Accepted { to, id, text, .. } in &evidence.accepted {
            let shown = evidence.shown.get(to).unwrap_or(&nothing);
            let state = states.get(id.as_str()).copied().unwrap_or("not in the database");
            let Some(at) = shown.iter().position(|m| m.id == *id && m.text == *text) else {
                self.lost.push(format!("out: {id} ({text:?}) was accepted and is not at the contact; it is {state}"));
                continue;
            };
            if !["sent", "delivered", "read"].contains(&state) {
                self.untrue.push(format!("out: {id} ({text:?}) is at the contact; the API calls it {state}"));
            }
            let copies = shown.iter().filter(|m| m.text == *text).count();
            if copies > 1 {
                self.doubled.push(format!("out: {id} ({text:?}) is shown {copies} times"));
            }
            let before = last.insert(to, (at, id));
            if let Some((_, earlier)) = before.filter(|(place, _)| *place > at) {
                self.overtaken.push(format!("out: {id} ({text:?}) came before {earlier}"));
            }
        }
    }

    fn incoming(&mut self, evidence: &Evidence) {
        let rows: Vec<_> = evidence.rows.iter().filter(|row| row.incoming).collect();
        let kept = Places::of(rows.iter().map(|row| row.id.as_str()));
        let journal = Places::of(evidence.journal.iter().map(String::as_str));
        for (name, places) in [("messages", &kept), ("journal", &journal)] {
            let mut last: HashMap<&str, (usize, &str)> = HashMap::new();
            for Written { from, id, text } in &evidence.written {
                let Some(&(at, count)) = places.0.get(id.as_str()) else {
                    self.lost.push(format!("in: {id} ({text:?}) is not in {name}"));
                    continue;
                };
                if count > 1 {
                    self.doubled.push(format!("in: {id} ({text:?}) is in {name} {count} times"));
                }
                let before = last.insert(from, (at, id));
                if let Some((_, earlier)) = before.filter(|(place, _)| *place > at) {
                    self.overtaken.push(format!("in: {id} ({text:?}) came before {earlier} in {name}"));
                }
            }
        }
        for Written { id, text, .. } in &evidence.written {
            let body = kept.0.get(id.as_str()).map(|(at, _)| &rows[*at].body);
            if let Some(body) = body.filter(|body| *body != text) {
                self.lost.push(format!("in: {id} ({text:?}) reads {body:?}"));
            }
        }
    }
}

/// Where each id stands first, and how often it is there.
struct Places<'a>(HashMap<&'a str, (usize, usize)>);

impl<'a> Places<'a> {
    fn of(ids: impl Iterator<Item = &'a str>) -> Self {
        let mut places = HashMap::new();
        for (at, id) in ids.enumerate() {
            places.entry(id).or_insert((at, 0)).1 += 1;
        }
        Self(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: &str = "+15551112222";

    fn sound() -> Evidence {
        let accepted = |id: &str| Accepted { to: ANA.into(), id: id.into(), text: format!("to {id}"), repeated: false };
        let written = |id: &str| Written { from: ANA.into(), id: id.into(), text: format!("from {id}") };
        let row = |id: &str, incoming| {
            let (word, state) = if incoming { ("from", "") } else { ("to", "delivered") };
            Row { id: id.into(), body: format!("{word} {id}"), incoming, state: state.into() }
        };
        let shown = |id: &str| Received { id: id.into(), text: format!("to {id}"), copies: 1 };
        Evidence {
            accepted: vec![accepted("A"), accepted("B")],
            written: vec![written("X"), written("Y")],
            shown: BTreeMap::from([(ANA.to_owned(), vec![shown("A"), shown("B")])]),
            rows: vec![row("A", false), row("X", true), row("Y", true), row("B", false)],
            journal: vec!["X".to_owned(), "Y".to_owned()],
            undecryptable: 0,
        }
    }

    fn counts(change: impl FnOnce(&mut Evidence)) -> [usize; 4] {
        let mut evidence = sound();
        change(&mut evidence);
        let findings = Findings::of(&evidence);
        [findings.lost.len(), findings.doubled.len(), findings.overtaken.len(), findings.untrue.len()]
    }

    #[test]
    fn what_is_sound_has_no_findings() {
        assert_eq!(counts(|_| {}), [0, 0, 0, 0]);
        assert!(Findings::of(&sound()).is_empty());
    }

    #[test]
    fn what_is_lost_is_found() {
        let shown = |e: &mut Evidence| e.shown.remove(ANA).unwrap_or_default();
        assert_eq!(counts(|e| drop(shown(e))), [2, 0, 0, 0]);
        assert_eq!(counts(|e| drop(e.rows.remove(1))), [1, 0, 0, 0]);
        assert_eq!(counts(|e| drop(e.journal.pop())), [1, 0, 0, 0]);
        assert_eq!(counts(|e| e.rows[1].body.clear()), [1, 0, 0, 0]);
        assert_eq!(counts(|e| e.undecryptable = 1), [1, 0, 0, 0]);
    }

    #[test]
    fn what_is_doubled_is_found() {
        let again = |e: &mut Evidence| {
            let shown = e.shown.entry(ANA.to_owned()).or_default();
            shown.push(Received { id: "C".into(), ..shown[0].clone() });
        };
        assert_eq!(counts(again), [0, 1, 0, 0]);
        assert_eq!(counts(|e| e.journal.push("X".to_owned())), [0, 1, 0, 0]);
    }

    #[test]
    fn what_overtook_and_what_is_called_wrong_is_found() {
        assert_eq!(counts(|e| e.journal.reverse()), [0, 0, 1, 0]);
        assert_eq!(counts(|e| e.accepted.reverse()), [0, 0, 1, 0]);
        assert_eq!(counts(|e| e.rows[0].state = "failed".to_owned()), [0, 0, 0, 1]);
    }
}
