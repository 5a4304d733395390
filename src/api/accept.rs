//! Choosing among the forms of an answer by `Accept`, as RFC 9110 §12.5.1 has it.

use axum::http::{HeaderMap, StatusCode, header};

use super::Problem;

/// A range of media types that the caller takes, and how gladly.
#[derive(Debug)]
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// Thousandths, from 0, not at all, to 1,000.
    quality: u16,
}

impl<'a> Range<'a> {
    /// None: it can't be read, and is passed over.
    fn of(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let mut quality = Some(1_000);
        for parameter in parts {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            if name.trim().eq_ignore_ascii_case("q") {
                quality = thousandths(value.trim());
            }
        }
        let whole = !kind.is_empty() && !subtype.is_empty() && (kind != "*" || subtype == "*");
        whole.then_some(Self { kind, subtype, quality: quality? })
    }

    /// How closely it names a type: 2 the type itself, 1 its family, 0 anything. None: another type.
    fn closeness(&self, offer: &str) -> Option<u8> {
        let (kind, subtype) = offer.split_once('/')?;
        if self.kind == "*" {
            Some(0)
        } else if !self.kind.eq_ignore_ascii_case(kind) {
            None
        } else if self.subtype == "*" {
            Some(1)
        } else {
            self.subtype.eq_ignore_ascii_case(subtype).then_some(2)
        }
    }
}

/// A weight such as `0.75`, with at most three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 3 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let decimals: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" => Some(decimals),
        "1" if decimals == 0 => Some(1_000),
        _ => None,
    }
}

/// Which of these media types the caller likes best; of those that he likes as well, the first. Without an `Accept`
/// that can be read, the first of all.
///
/// # Errors
/// 406 with the list when he takes none of them.
pub(super) fn choose<'a, T>(headers: &HeaderMap, offers: &'a [(&'static str, T)]) -> Result<&'a T, Problem> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let ranges: Vec<_> = values.flat_map(|value| value.split(',')).filter_map(Range::of).collect();
    let quality = |offer: &str| {
        let close = ranges.iter().filter_map(|range| range.closeness(offer).map(|close| (close, range.quality)));
        // Of two that name it as closely the kinder one counts.
        close.max().map_or(u16::from(ranges.is_empty()), |(_, quality)| quality)
    };
    let best = offers.iter().rev().max_by_key(|(name, _)| quality(name));
    match best {
        Some((name, offer)) if quality(name) > 0 => Ok(offer),
        Some(_) | None => Err(not_acceptable(offers)),
    }
}

fn not_acceptable<T>(offers: &[(&'static str, T)]) -> Problem {
    let names = offers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    let detail = format!("the header Accept takes none of what there is here: {names}");
    Problem::new(StatusCode::NOT_ACCEPTABLE, "not-acceptable", "Not in a form that is accepted", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OFFERS: [(&str, char); 4] =
        [("application/json", 'j'), ("image/png", 'p'), ("image/svg+xml", 's'), ("text/plain", 't')];

    fn chosen(accept: &[&str]) -> Option<char> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, value.parse().unwrap());
        }
        choose(&headers, &OFFERS).ok().copied()
    }

    #[test]
    fn the_form_that_is_liked_best_is_chosen() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8";
        for (accept, want) in [
            ("*/*", Some('j')),
            ("", Some('j')),
            ("image/png", Some('p')),
            ("IMAGE/PNG", Some('p')),
            ("image/*", Some('p')),
            ("image/*, image/svg+xml;q=1", Some('p')),
            ("image/*;q=0.5, image/svg+xml", Some('s')),
            ("image/png;q=0, image/*", Some('s')),
            ("text/plain; charset=utf-8", Some('t')),
            ("text/plain;q=0.1, application/json;q=0.2", Some('j')),
            ("text/plain ; Q=0.3 , application/json ; q=0.29", Some('t')),
            ("application/json;q=0, */*;q=0.001", Some('p')),
            ("*/*, application/json;q=0.5", Some('p')),
            ("image/svg+xml;q=0.2, image/svg+xml;q=0.8, image/png;q=0.5", Some('s')),
            (browser, Some('j')),
            ("text/html", None),
            ("text/html, image/webp", None),
            ("image/png;q=0", None),
            ("*/*;q=0", None),
            ("application/json;q=0.000", None),
            // What can't be read is passed over.
            ("image/png;q=2", Some('j')),
            ("image/png;q=0.1234, text/plain;q=0.1", Some('t')),
            ("image/png;q=, text/plain", Some('t')),
            ("image, */png, /, text/plain", Some('t')),
            ("nonsense", Some('j')),
        ] {
            assert_eq!(chosen(&[accept]), want, "{accept:?}");
        }
        assert_eq!(chosen(&[]), Some('j'));
        assert_eq!(chosen(&["text/html", "text/plain"]), Some('t'), "several headers are one list");
    }

    #[test]
    fn the_refusal_names_what_there_is() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, "text/html".parse().unwrap());
        let problem = serde_json::to_value(choose(&headers, &OFFERS).unwrap_err()).unwrap();
        assert_eq!(
            (&problem["status"], &problem["type"]),
            (&406.into(), &"urn:pilothouse:problem:not-acceptable".into())
        );
        assert!(OFFERS.iter().all(|(name, _)| problem["detail"].as_str().unwrap().contains(name)), "{problem}");
    }
}
