//! What a client asks for: where to begin, and which events.

use axum::extract::Query;
use axum::http::{HeaderMap, Uri};

use super::super::Problem;
use crate::state::{ChatId, JournalKind, Phone};

/// The types of events that are in no journal.
pub(in crate::api) const LIVE: [&str; 4] = ["link.qr", "link.pairing_code", "link.passkey", "link.passkey_code"];

/// The header with which a client comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// The most values that one request may have: each event is compared with all of them.
pub(in crate::api) const MAX_VALUES: usize = 100;

/// Which events are wanted. Without any value: all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    /// Types, or families such as `message.*`.
    types: Vec<Box<str>>,
    chats: Vec<ChatId>,
}

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The number after which to begin; none: at the end.
    pub(super) after: Option<u64>,
    /// Which events.
    pub(super) filter: Filter,
}

impl Wanted {
    /// Reads the query and the header. The header counts more: a client that comes back asks with its first address.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Problem::bad_query(format!("the query can't be read: {}", error.body_text())))?;
        let mut wanted = Self::default();
        let mut values = 0;
        for (name, value) in pairs {
            if name == "after" {
                wanted.after = Some(number("after", &value)?);
                continue;
            }
            for value in value.split(',').map(str::trim) {
                match name.as_str() {
                    "type" => wanted.filter.types.push(kind(value)?),
                    "chat" => wanted.filter.chats.push(chat(value)?),
                    _ => {
                        return Err(Problem::bad_query(format!(
                            "there is no option {name}; there are after, type and chat"
                        )));
                    }
                }
                values += 1;
            }
        }
        if values > MAX_VALUES {
            return Err(Problem::bad_query(format!(
                "there are {values} types and chats, and at most {MAX_VALUES} are taken"
            )));
        }
        match headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("?")) {
            None | Some("") => {}
            Some(value) => wanted.after = Some(number("Last-Event-ID", value)?),
        }
        Ok(wanted)
    }
}

impl Filter {
    /// Whether an event of this type, in this chat if in any, is wanted.
    pub(super) fn wants(&self, kind: &str, chat: Option<&ChatId>) -> bool {
        let of_type = |wanted: &str| match wanted.strip_suffix('*') {
            Some(family) => kind.starts_with(family),
            None => kind == wanted,
        };
        (self.types.is_empty() || self.types.iter().any(|wanted| of_type(wanted)))
            && (self.chats.is_empty() || chat.is_some_and(|chat| self.chats.contains(chat)))
    }
}

fn number(field: &'static str, value: &str) -> Result<u64, Problem> {
    value.parse().map_err(|_| {
        Problem::bad_parameter(field, "give the id of an event, a number; 0 begins with the oldest that is kept")
    })
}

/// A type, or the family of some.
fn kind(value: &str) -> Result<Box<str>, Problem> {
    let mut known = JournalKind::ALL.map(JournalKind::as_str).into_iter().chain(LIVE);
    let fits = |known: &str| match value.strip_suffix(".*") {
        Some(family) => known.split_once('.').is_some_and(|(of, _)| of == family),
        None => known == value,
    };
    if known.any(fits) {
        return Ok(value.into());
    }
    let all: Vec<_> = JournalKind::ALL.map(JournalKind::as_str).into_iter().chain(LIVE).collect();
    Err(Problem::bad_parameter("type", format!("there are {}, and families such as message.*", all.join(", "))))
}

/// A chat by its id, or a person's by the number.
fn chat(value: &str) -> Result<ChatId, Problem> {
    if value.contains('@') {
        return Ok(ChatId::from(value));
    }
    // In a query a plus sign is a space, when it is not written as %2B.
    let phone = value.parse::<Phone>().or_else(|error| format!("+{value}").parse().map_err(|_| error));
    phone
        .map(|phone| ChatId::of_phone(&phone))
        .map_err(|error| Problem::bad_parameter("chat", format!("{error}; or give a chat's id such as 1203630@g.us")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::response::IntoResponse;

    fn wanted(query: &str, header: Option<&'static str>) -> Result<Wanted, u16> {
        let uri = format!("/events{query}").parse().unwrap();
        let headers = header.map(|value| (LAST_EVENT_ID.parse().unwrap(), HeaderValue::from_static(value)));
        Wanted::of(&uri, &headers.into_iter().collect()).map_err(|problem| problem.into_response().status().as_u16())
    }

    fn filter(query: &str) -> Filter {
        wanted(query, None).unwrap().filter
    }

    #[test]
    fn the_place_comes_from_the_header_before_the_query() {
        let after = |query, header| wanted(query, header).map(|wanted| wanted.after);
        assert_eq!(after("", None), Ok(None));
        assert_eq!(after("?after=0", None), Ok(Some(0)));
        assert_eq!(after("?after=0", Some("17")), Ok(Some(17)));
        assert_eq!(after("?after=3", Some("")), Ok(Some(3)));
        for (query, header) in [("?after=", None), ("?after=-1", None), ("?after=1e3", None), ("", Some("x"))] {
            assert_eq!(after(query, header), Err(400), "{query} {header:?}");
        }
    }

    #[test]
    fn types_and_chats_are_lists_and_both_must_fit() {
        let one = ChatId::from("15551112222@s.whatsapp.net");
        let all = filter("");
        assert!(all.wants("message.status", Some(&one)) && all.wants("connection.changed", None));
        let types = filter("?type=message.received,connection.*&type=link.qr");
        for (kind, fits) in [
            ("message.received", true),
            ("message.status", false),
            ("connection.changed", true),
            ("link.qr", true),
            ("link.pairing_code", false),
        ] {
            assert_eq!(types.wants(kind, None), fits, "{kind}");
        }
        for query in ["?chat=%2B15551112222", "?chat=+15551112222", "?chat=1@g.us,15551112222@s.whatsapp.net"] {
            let chats = filter(query);
            assert!(chats.wants("message.status", Some(&one)), "{query}");
            assert!(!chats.wants("message.status", Some(&"2@g.us".into())) && !chats.wants("connection.changed", None));
        }
        let both = filter("?chat=1@g.us&type=message.*");
        assert!(both.wants("message.edited", Some(&"1@g.us".into())) && !both.wants("link.qr", Some(&"1@g.us".into())));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for query in ["?type=message.recieved", "?type=mess*", "?type=*", "?type=", "?type=gap", "?chat=ana", "?chat="]
        {
            assert_eq!(wanted(query, None), Err(400), "{query}");
        }
        assert_eq!(wanted("?afer=3", None), Err(400));
        assert_eq!(wanted(&format!("?type=link.qr{}", ",link.qr".repeat(MAX_VALUES)), None), Err(400));
    }
}
