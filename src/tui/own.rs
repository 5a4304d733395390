//! The message that was written here last, and what became of it: seen whatever else comes in, and wherever one looks.
//!
//! It says nothing that the gateway has not said: before its answer the message was only given.

use std::sync::Arc;

use crate::state::{Answer, Change, Chat, Delivery, MessageId, RequestId, Snapshot};

/// The most characters of a text that are kept.
const CHARS: usize = 200;

/// The message that was written here last.
#[derive(Clone, Debug)]
pub struct Own {
    /// By which request.
    request: RequestId,
    /// To whom.
    pub chat: Chat,
    /// How it begins.
    pub text: Arc<str>,
    /// Its id, once the gateway has it.
    id: Option<MessageId>,
    /// How far it has come; none: the gateway has not answered yet.
    pub delivery: Option<Box<Delivery>>,
}

impl Own {
    /// A text that is asked to be sent by this request.
    pub fn given(request: RequestId, chat: &Chat, text: &str) -> Self {
        let text = text.chars().take(CHARS).collect::<String>().into();
        Self { request, chat: chat.clone(), text, id: None, delivery: None }
    }

    /// Takes in what the gateway says to a request. Returns whether there is such a message as far as is known.
    pub fn answered(&mut self, request: RequestId, answer: &Answer, snapshot: &Snapshot) -> bool {
        if request != self.request {
            return true;
        }
        match answer {
            Answer::Accepted { id, delivery } => {
                // News of it may have come before the answer.
                let known = snapshot.delivery(id).cloned().map(Box::new);
                (self.id, self.delivery) = (Some(id.clone()), Some(known.unwrap_or_else(|| delivery.clone())));
                true
            }
            Answer::AcceptedBefore { id } => {
                self.id = Some(id.clone());
                self.delivery = snapshot.delivery(id).cloned().map(Box::new);
                self.delivery.is_some()
            }
            Answer::Done | Answer::Refused(_) => false,
        }
    }

    /// The request has no answer, and will have none.
    pub fn is_of(&self, request: RequestId) -> bool {
        self.request == request
    }

    /// Takes a change in.
    pub fn apply(&mut self, change: &Change) {
        if let Change::MessageProgressed { id, delivery, .. } = change
            && self.id.as_ref() == Some(id)
        {
            self.delivery = Some(delivery.clone());
        }
    }

    /// Takes in a snapshot, before which news were missed. Returns whether it is still known how far it has come.
    pub fn replaced(&mut self, snapshot: &Snapshot) -> bool {
        let Some(id) = &self.id else { return true };
        self.delivery = snapshot.delivery(id).cloned().map(Box::new);
        self.delivery.is_some()
    }
}
