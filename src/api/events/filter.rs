//! What a client asks for: where to begin, and which events.

use axum::extract::Query;
use axum::http::{HeaderMap, Uri};

use super::super::Problem;
use crate::state::{EventFilter, FilterError};

/// The types of events that are in no journal.
pub(in crate::api) const LIVE: [&str; 4] = ["link.qr", "link.pairing_code", "link.passkey", "link.passkey_code"];

/// The header with which a client comes back.
const LAST_EVENT_ID: &str = "last-event-id";

/// What a request asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The number after which to begin; none: at the end.
    pub(super) after: Option<u64>,
    /// Which events.
    pub(super) filter: EventFilter,
}

impl Wanted {
    /// Reads the query and the header. The header counts more: a client that comes back asks with its first address.
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Result<Self, Problem> {
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Problem::bad_query(format!("the query can't be read: {}", error.body_text())))?;
        let mut wanted = Self::default();
        for (name, value) in pairs {
            if name == "after" {
                wanted.after = Some(number("after", &value)?);
                continue;
            }
            for value in value.split(',').map(str::trim) {
                match name.as_str() {
                    "type" => wanted.filter.add_type(value, &LIVE).map_err(|error| wrong("type", &error))?,
                    "chat" => wanted.filter.add_chat(value).map_err(|error| wrong("chat", &error))?,
                    _ => {
                        let detail = format!("there is no option {name}; there are after, type and chat");
                        return Err(Problem::bad_query(detail));
                    }
                }
            }
        }
        match headers.get(LAST_EVENT_ID).map(|value| value.to_str().unwrap_or("?")) {
            None | Some("") => {}
            Some(value) => wanted.after = Some(number("Last-Event-ID", value)?),
        }
        Ok(wanted)
    }
}

fn number(field: &'static str, value: &str) -> Result<u64, Problem> {
    value.parse().map_err(|_| {
        Problem::bad_parameter(field, "give the id of an event, a number; 0 begins with the oldest that is kept")
    })
}

fn wrong(field: &'static str, error: &FilterError) -> Problem {
    match error {
        FilterError::TooMany => Problem::bad_query(error.to_string()),
        FilterError::NoSuchType { .. } | FilterError::NotAChat(_) => Problem::bad_parameter(field, error.to_string()),
    }
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

    fn filter(query: &str) -> EventFilter {
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
    fn types_and_chats_are_given_several_times_or_with_commas() {
        let types = filter("?type=message.received,connection.*&type=link.qr");
        assert_eq!(types.types, ["message.received".into(), "connection.*".into(), "link.qr".into()]);
        let one = [crate::state::ChatId::from("15551112222@s.whatsapp.net")];
        for query in ["?chat=%2B15551112222", "?chat=+15551112222", "?chat=15551112222@s.whatsapp.net"] {
            assert_eq!(filter(query).chats, one, "{query}");
        }
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for query in ["?type=message.recieved", "?type=mess*", "?type=*", "?type=", "?type=gap", "?chat=ana", "?chat="]
        {
            assert_eq!(wanted(query, None), Err(400), "{query}");
        }
        assert_eq!(wanted("?afer=3", None), Err(400));
        assert_eq!(wanted(&format!("?type=link.qr{}", ",link.qr".repeat(crate::state::FILTER_VALUES)), None), Err(400));
    }
}
