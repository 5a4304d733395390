//! Reading what the query of a request asks for, with errors that say which parameter is wrong.

use std::str::FromStr;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error;

use super::Problem;
use crate::clock::Timestamp;
use crate::state::{ChatId, Phone, Place};

/// How many there are on a page when nothing is said, and at most.
pub(super) const LIMIT: usize = 50;
pub(super) const MAX_LIMIT: usize = 200;

/// The longest id of a chat.
pub(super) const CHAT_CHARS: usize = 100;

/// The parameters of a request. Each is taken once; what is left at the end is not known.
#[derive(Debug)]
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read: Result<Query<Vec<(String, String)>>, QueryRejection> = Query::from_request_parts(parts, state).await;
        let Query(pairs) = read.map_err(|error| Problem::bad_query(error.body_text()))?;
        Ok(Self(pairs))
    }
}

impl Parameters {
    /// Takes a parameter.
    pub(super) fn take(&mut self, name: &'static str) -> Result<Option<String>, Problem> {
        let Some(at) = self.0.iter().position(|(found, _)| found == name) else { return Ok(None) };
        let (_, value) = self.0.swap_remove(at);
        if self.0.iter().any(|(found, _)| found == name) {
            return Err(Problem::bad_parameter(name, "it is there twice; give it once"));
        }
        Ok(Some(value))
    }

    /// Takes a parameter that has one of a few values.
    pub(super) fn one_of<T: Copy>(
        &mut self,
        name: &'static str,
        values: &[(&'static str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(value) = self.take(name)? else { return Ok(None) };
        let found = values.iter().find(|(word, _)| *word == value).map(|(_, found)| *found);
        found.map(Some).ok_or_else(|| {
            let words: Vec<_> = values.iter().map(|(word, _)| *word).collect();
            Problem::bad_parameter(name, format!("give one of {}", words.join(", ")))
        })
    }

    /// Takes how many there are to be on a page.
    pub(super) fn limit(&mut self) -> Result<usize, Problem> {
        let Some(value) = self.take("limit")? else { return Ok(LIMIT) };
        let bad = || Problem::bad_parameter("limit", format!("give a number from 1 to {MAX_LIMIT}"));
        usize::from_str(&value).ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(bad)
    }

    /// Takes a time.
    pub(super) fn time(&mut self, name: &'static str) -> Result<Option<Timestamp>, Problem> {
        let Some(value) = self.take(name)? else { return Ok(None) };
        let time: Result<Timestamp, Error> = Timestamp::deserialize(value.as_str().into_deserializer());
        time.map(Some).map_err(|_| {
            let detail = "give a time as in 2026-09-21T14:13:20Z; a + before a time zone is written %2B";
            Problem::bad_parameter(name, detail)
        })
    }

    /// Takes a chat: its id, or the number of a person.
    pub(super) fn chat(&mut self) -> Result<Option<ChatId>, Problem> {
        let Some(value) = self.take("chat")? else { return Ok(None) };
        let bad = |detail: String| Problem::bad_parameter("chat", detail);
        if value.contains('@') {
            let fits = value.chars().count() <= CHAT_CHARS;
            return if fits { Ok(Some(value.into())) } else { Err(bad("it is too long for a chat's id".to_owned())) };
        }
        // A + that was not written as %2B has become a space.
        let number = value.strip_prefix(' ').map_or_else(|| value.clone(), |digits| format!("+{digits}"));
        let phone = number
            .parse::<Phone>()
            .map_err(|error| bad(format!("{error}; or give the id of a chat, such as 1203630@g.us")))?;
        Ok(Some(ChatId::of_phone(&phone)))
    }

    /// Takes the place where a page begins, in a list of this sort.
    pub(super) fn cursor(&mut self, sort: char) -> Result<Option<Place>, Problem> {
        let Some(value) = self.take("cursor")? else { return Ok(None) };
        let place = value.strip_prefix(sort).and_then(|hex| i64::from_str_radix(hex, 16).ok());
        place.map(Place).map(Some).ok_or_else(|| {
            let detail = "it is not one that this list gave; take `next_cursor` of an answer in the same order as it is, \
                or leave it out for the first page";
            Problem::bad_parameter("cursor", detail)
        })
    }

    /// Nothing else may be there.
    pub(super) fn end(self, known: &str) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = name.chars().take(40).collect();
                Err(Problem::bad_query(format!("there is no parameter {name:?}; there are {known}")))
            }
        }
    }
}

/// A place in a list of this sort as callers see it.
pub(super) fn cursor(sort: char, place: Place) -> String {
    format!("{sort}{:x}", place.0)
}
