//! The `Idempotency-Key` header: draft-ietf-httpapi-idempotency-key-header.
//!
//! What a key was used for is decided by the engine and kept on disk. Here is only what the header says, and which keys
//! are being answered: a second request with one of them is told to come back, as the draft has it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::{HeaderMap, StatusCode};

use super::Problem;
use crate::state::IdempotencyKey;

const HEADER: &str = "idempotency-key";

/// The keys of requests that are being answered. As many as there are such requests.
#[derive(Clone, Debug, Default)]
pub struct KeysInUse(Arc<Mutex<HashSet<IdempotencyKey>>>);

/// A key that is being answered for as long as this lives.
#[derive(Debug)]
pub(super) struct InUse {
    keys: KeysInUse,
    key: IdempotencyKey,
}

impl KeysInUse {
    /// Takes a key, unless another request has it.
    pub(super) fn take(&self, key: &IdempotencyKey) -> Result<InUse, Problem> {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone()) {
            return Ok(InUse { keys: self.clone(), key: key.clone() });
        }
        let detail = "a request with this Idempotency-Key is still being answered; ask again to get its answer";
        let title = "The request is still being answered";
        Err(Problem::new(StatusCode::CONFLICT, "idempotency-key-in-use", title, detail).retry_after(1))
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.keys.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

/// The key of a request, if it has one.
pub(super) fn key(headers: &HeaderMap) -> Result<Option<IdempotencyKey>, Problem> {
    let bad = |why: String| {
        let title = "The Idempotency-Key is not valid";
        Problem::new(StatusCode::BAD_REQUEST, "bad-idempotency-key", title, format!("Idempotency-Key: {why}"))
    };
    let mut values = headers.get_all(HEADER).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(bad("there is more than one; give one".to_owned()));
    }
    let value = value.to_str().map_err(|_| bad(crate::state::KeyError::Unprintable.to_string()))?;
    IdempotencyKey::of_header(value.trim()).map(Some).map_err(|error| bad(error.to_string()))
}
