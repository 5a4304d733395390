//! What groups are called on the screen.

use unicode_width::UnicodeWidthStr;

use super::sanitize;
use crate::state::{Chat, Subjects};

/// So many characters of an id are shown where there is little room.
const TAIL: usize = 8;

/// A group by its subject, or by the end of its id when that is all that is known.
pub fn called(subjects: &Subjects, chat: &Chat) -> String {
    if let Some(subject) = subjects.of(&chat.id) {
        return subject.to_owned();
    }
    short(chat.id.as_str())
}

/// The end of an id, where most begin alike.
pub fn short(id: &str) -> String {
    let user = id.split('@').next().unwrap_or(id);
    match user.char_indices().nth_back(TAIL - 1) {
        Some((at, _)) if at > 0 => format!("…{}", &user[at..]),
        Some(_) | None => user.to_owned(),
    }
}

/// Who wrote in which group, in so many columns: of both there is something to read.
pub fn writer(subjects: &Subjects, chat: &Chat, name: &str, columns: usize) -> String {
    let group = called(subjects, chat);
    let rest = " in ".len() + group.width();
    // What the group leaves, and half of it all in any case.
    let name = sanitize::line(name, columns.saturating_sub(rest).max(columns / 2));
    sanitize::line(&format!("{name} in {group}"), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{ChatKind, Group};

    #[test]
    fn of_writer_and_group_there_is_something_to_read() {
        let chat = Chat { id: "120363041234567890@g.us".into(), kind: ChatKind::Group, phone: None, lid: None };
        let told = Group { id: "120363041234567890@g.us".into(), subject: "Saturday football".into() };
        let known = Subjects::default().with(vec![told]).unwrap();
        let unknown = Subjects::default();
        for (subjects, name, columns, shown) in [
            (&known, "Ana", 40, "Ana in Saturday football"),
            (&known, "Ana", 19, "Ana in Saturday fo…"),
            (&known, "Christopher Montgomery", 19, "Christop… in Satur…"),
            (&known, "Christopher Montgomery", 13, "Chris… in Sa…"),
            (&unknown, "Ana", 19, "Ana in …34567890"),
            (&unknown, "Christopher", 19, "Christop… in …3456…"),
            (&known, "", 0, ""),
        ] {
            assert_eq!(writer(subjects, &chat, name, columns), shown);
        }
        let short = Chat { id: "123@g.us".into(), ..chat };
        assert_eq!(called(&unknown, &short), "123");
    }
}
