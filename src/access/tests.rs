use super::*;
use crate::clock::{Mono, Timestamp};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A guard that is asked once a millisecond.
struct Asked {
    guard: Guard,
    now: std::cell::Cell<Mono>,
}

impl Asked {
    fn open(folder: &Path) -> Self {
        Self { guard: Guard::open(folder).unwrap(), now: Default::default() }
    }

    fn admits(&self, given: &str) -> Option<Scope> {
        self.now.set(self.now.get().plus(std::time::Duration::from_millis(1)));
        self.guard.admits(given, self.now.get())
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_token_is_made_once_and_only_its_owner_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let token = ensure(&data).unwrap();
    assert_eq!((ensure(&data).unwrap(), token.len()), (token.clone(), PREFIX.len() + 64));
    assert_eq!(mode(&data.join(FILE)), 0o600);
    assert_eq!(std::fs::read_dir(&data).unwrap().count(), 1);
    std::fs::write(data.join(FILE), "pilothouse_\n").unwrap();
    assert!(matches!(ensure(&data), Err(TokenError::NoToken { .. })));
}

#[test]
fn a_token_that_was_replaced_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Asked::open(folder.path());
    let first = ensure(folder.path()).unwrap();
    assert_eq!(guard.admits(&first), Some(Scope::Admin));
    assert_eq!((guard.admits(""), guard.admits(&first[1..])), (None, None));
    let second = rotate(folder.path()).unwrap();
    assert_eq!((guard.admits(&second), guard.admits(&first)), (Some(Scope::Admin), None));
    assert!(!format!("{:?}", guard.guard).contains(&second));
    std::fs::remove_file(folder.path().join(FILE)).unwrap();
    assert_eq!((guard.admits(&second), guard.admits("")), (None, None));
}

#[test]
fn the_file_is_looked_at_once_a_millisecond() {
    let folder = tempfile::tempdir().unwrap();
    let guard = Guard::open(folder.path()).unwrap();
    let first = ensure(folder.path()).unwrap();
    let at = |micros| Mono::default().plus(std::time::Duration::from_micros(micros));
    assert_eq!(guard.admits(&first, at(0)), Some(Scope::Admin));
    rotate(folder.path()).unwrap();
    assert_eq!((guard.admits(&first, at(999)), guard.admits(&first, at(1_000))), (Some(Scope::Admin), None));
}

#[test]
fn further_tokens_allow_what_they_were_made_for_until_they_are_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let guard = Asked::open(at);
    assert_eq!(list(at).unwrap(), []);
    let reader = add(at, "grafana", Scope::Read, NOW).unwrap();
    let sender = add(at, "shop-1.test_2", Scope::Send, NOW).unwrap();
    assert_eq!((guard.admits(&reader), guard.admits(&sender)), (Some(Scope::Read), Some(Scope::Send)));
    assert_eq!(guard.admits(&ensure(at).unwrap()), Some(Scope::Admin));
    let listed: Vec<_> = list(at).unwrap().into_iter().map(|t| (t.name, t.scope, t.created_at)).collect();
    assert_eq!(listed, [("grafana".into(), Scope::Read, NOW), ("shop-1.test_2".into(), Scope::Send, NOW)]);
    revoke(at, "grafana").unwrap();
    assert_eq!((guard.admits(&reader), guard.admits(&sender)), (None, Some(Scope::Send)));
    let file = at.join("tokens.json");
    let kept = std::fs::read_to_string(&file).unwrap();
    assert!(!kept.contains(&sender[PREFIX.len()..]) && kept.contains("\"scope\": \"send\""), "{kept}");
    assert_eq!(mode(&file), 0o600);
    // The hash is not a token.
    let hash = &list(at).unwrap()[0].sha256;
    assert_eq!((guard.admits(hash), guard.admits(&format!("{PREFIX}{hash}"))), (None, None));
    std::fs::remove_file(&file).unwrap();
    assert_eq!(guard.admits(&sender), None);
}

#[test]
fn what_is_wrong_with_a_further_token_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    add(at, "one", Scope::Read, NOW).unwrap();
    assert!(matches!(add(at, "one", Scope::Send, NOW), Err(TokenError::Taken(_))));
    assert!(matches!(revoke(at, "two"), Err(TokenError::Unknown(_))));
    for name in ["", "a b", "a/b", "ä", &"x".repeat(65)] {
        assert!(matches!(add(at, name, Scope::Read, NOW), Err(TokenError::BadName)), "{name}");
    }
    assert!("write".parse::<Scope>().is_err());
    std::fs::write(at.join("tokens.json"), "[{]").unwrap();
    let error = add(at, "two", Scope::Read, NOW).unwrap_err().to_string();
    assert!(error.contains("tokens.json") && error.contains("delete it"), "{error}");
    assert_eq!(std::fs::read_to_string(at.join("tokens.json")).unwrap(), "[{]", "it is not written over");
    // What can't be read lets nobody in, and locks nobody out.
    let guard = Asked::open(at);
    assert_eq!(guard.admits(&random().unwrap()), None);
    assert_eq!(guard.admits(&ensure(at).unwrap()), Some(Scope::Admin));
}

#[test]
fn of_tokens_added_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for n in 0..8 {
            let at = folder.path();
            scope.spawn(move || add(at, &format!("{n}"), Scope::Read, NOW).unwrap());
        }
    });
    assert_eq!(list(folder.path()).unwrap().len(), 8);
}

#[test]
fn tokens_are_taken_out_of_texts() {
    let token = random().unwrap();
    assert_eq!(masked(&format!("ws://{token}@host/?t={token}")), "ws://pilothouse_***@host/?t=pilothouse_***");
    for text in ["", "pilothouse", "/run/pilothouse_1/x", "pilothouse_"] {
        assert_eq!(masked(text), text);
    }
}
