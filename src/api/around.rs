//! What is done around every answer: who may ask is let through, the time is taken, and what every answer has is set.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use tower::Service;

use super::stats::AnswerKind;
use super::{Api, access};

/// A service within. It is a service of its own, and not a function for `axum::middleware`, since that one clones what
/// is within and boxes it for each request.
#[derive(Clone, Debug)]
pub(super) struct Around<S> {
    api: Api,
    within: S,
}

impl<S> Around<S> {
    pub(super) const fn new(api: Api, within: S) -> Self {
        Self { api, within }
    }
}

impl<S> Service<Request> for Around<S>
where
    S: Service<Request, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.within.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let api = self.api.clone();
        let start = api.clock.mono();
        let method = request.method().clone();
        let path = tracing::enabled!(tracing::Level::DEBUG).then(|| request.uri().path().to_owned());
        let route = request.extensions().get::<MatchedPath>().cloned();
        let origin = api.web.origin(request.headers());
        let refused = api.web.answers(&request).or_else(|| access::refused(&api, &request, start));
        let answer = match refused {
            Some(refused) => Err(refused),
            None => Ok(self.within.call(request)),
        };
        Box::pin(async move {
            let mut response = match answer {
                Ok(answer) => answer.await?,
                Err(refused) => refused,
            };
            let took = api.clock.mono().since(start);
            api.stats.answered(AnswerKind::of(&method, route, response.status()), took);
            tracing::debug!(%method, path, status = response.status().as_u16(), ?took, "answered");
            let headers = response.headers_mut();
            headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
            api.web.allow(origin, headers);
            headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            Ok(response)
        })
    }
}
