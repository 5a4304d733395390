//! What groups are called, as far as the bridge has told.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::ChatId;
use crate::protocol::Group;

/// How many groups' subjects are known at most. Those that are told later are then not.
pub const GROUPS_CAPACITY: usize = 1_000;

/// The most characters of a subject that are kept: WhatsApp lets people write 100.
const SUBJECT_CHARS: usize = 100;

/// Groups by their ids, and their subjects. A bridge tells them at each login; they are kept for the time until then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subjects(Arc<BTreeMap<ChatId, CompactString>>);

impl Subjects {
    /// What this group is called; none when that is not known.
    pub fn of(&self, chat: &ChatId) -> Option<&str> {
        self.0.get(chat).map(CompactString::as_str)
    }

    /// All groups whose subject is known, by their ids.
    pub fn all(&self) -> impl Iterator<Item = (&ChatId, &str)> {
        self.0.iter().map(|(id, subject)| (id, subject.as_str()))
    }

    /// Those that are not called so in `old`.
    pub fn since(&self, old: &Self) -> Vec<Group> {
        let new = self.all().filter(|(id, subject)| old.of(id) != Some(subject));
        new.map(|(id, subject)| Group { id: id.as_str().into(), subject: subject.into() }).collect()
    }

    /// These, and what is told; none when that says nothing new.
    #[must_use]
    pub fn with(&self, told: Vec<Group>) -> Option<Self> {
        let mut subjects = (*self.0).clone();
        for Group { id, subject } in told {
            let (id, subject) = (ChatId::from(id), subject.chars().take(SUBJECT_CHARS).collect());
            if subjects.len() < GROUPS_CAPACITY || subjects.contains_key(&id) {
                subjects.insert(id, subject);
            }
        }
        (subjects != *self.0).then(|| Self(Arc::new(subjects)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(subjects: &Subjects, id: &str, subject: &str) -> Option<Subjects> {
        subjects.with(vec![Group { id: id.into(), subject: subject.into() }])
    }

    #[test]
    fn a_subject_is_known_from_when_it_was_told_and_the_last_one_counts() {
        let none = Subjects::default();
        let one = told(&none, "1@g.us", "football").unwrap();
        assert_eq!((none.of(&"1@g.us".into()), one.of(&"1@g.us".into())), (None, Some("football")));
        assert_eq!(told(&one, "1@g.us", "football"), None, "nothing new");
        let renamed = told(&one, "1@g.us", "tennis").unwrap();
        assert_eq!(renamed.of(&"1@g.us".into()), Some("tennis"));
        let two = told(&renamed, "2@g.us", "chess").unwrap();
        let news = |new: &Subjects, old| new.since(old).into_iter().map(|group| group.subject).collect::<Vec<_>>();
        assert_eq!(
            (news(&two, &renamed), news(&two, &one), news(&two, &two)),
            (vec!["chess".into()], vec!["tennis".into(), "chess".into()], vec![])
        );
    }

    #[test]
    fn whatever_a_bridge_tells_it_is_bounded() {
        let many = (0..GROUPS_CAPACITY + 10)
            .map(|n| Group { id: format!("{n}@g.us").into(), subject: "x".repeat(500).into() });
        let full = Subjects::default().with(many.collect()).unwrap();
        assert_eq!((full.0.len(), full.of(&"0@g.us".into()).unwrap().len()), (GROUPS_CAPACITY, SUBJECT_CHARS));
        assert_eq!(told(&full, "another@g.us", "one too many"), None);
        assert!(told(&full, "0@g.us", "renamed").is_some());
    }
}
