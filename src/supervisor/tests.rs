//! Real children with tiny limits: shell scripts that behave in one way each.

use super::*;
use crate::protocol::BadLine;

fn tiny() -> Settings {
    let ms = Duration::from_millis;
    Settings {
        limits: Limits { first_pause: ms(1), longest_pause: ms(4), breaker_pause: ms(5), ..Limits::default() },
        stop: StopLimits { after_eof: ms(100), after_term: ms(100), pipes: ms(50) },
        patience: Duration::ZERO,
    }
}

fn shell(script: &str) -> (Handle, mpsc::Receiver<Notice>) {
    shell_with(script, tiny())
}

fn shell_with(script: &str, settings: Settings) -> (Handle, mpsc::Receiver<Notice>) {
    let program = Program {
        program: "/bin/sh".into(),
        args: vec!["-c".into(), script.into()],
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        folder: None,
        prepare: None,
    };
    start(BTreeMap::from([("default".into(), program)]), "default".into(), settings, Clock::start())
}

async fn next(notices: &mut mpsc::Receiver<Notice>) -> Notice {
    tokio::time::timeout(Duration::from_secs(20), notices.recv()).await.expect("a notice").expect("a supervisor")
}

/// The notices until one fits.
async fn until(notices: &mut mpsc::Receiver<Notice>, fits: impl Fn(&Notice) -> bool) -> Vec<Notice> {
    let mut seen = Vec::new();
    loop {
        let notice = next(notices).await;
        let found = fits(&notice);
        seen.push(notice);
        if found {
            return seen;
        }
    }
}

fn exited(notice: &Notice) -> bool {
    matches!(notice, Notice::Bridge(BridgeNotice::Exited { .. }))
}

fn event_is(notice: &Notice, want: &Event) -> bool {
    matches!(notice, Notice::Event { event, .. } if event == want)
}

#[tokio::test]
async fn a_bridge_is_started_heard_and_answered() {
    let (handle, mut notices) = shell(
        "echo '{\"type\":\"ready\"}'; read line; echo \"$line\" >&2; echo '{\"type\":\"error\",\"error\":\"got it\"}'; cat",
    );
    let seen = until(&mut notices, |n| event_is(n, &Event::Ready(None))).await;
    assert!(matches!(seen[0], Notice::Bridge(BridgeNotice::Started { incarnation: Incarnation(1), .. })));
    assert!(handle.command(Incarnation(7), Command::Ping { id: 1 }), "for another run: ignored");
    assert!(handle.command(Incarnation(1), Command::Ping { id: 2 }));
    until(&mut notices, |n| event_is(n, &Event::Error("got it".into()))).await;
    handle.stop();
    let seen = until(&mut notices, exited).await;
    let Some(Notice::Bridge(BridgeNotice::Exited { exit, .. })) = seen.last() else { panic!() };
    assert_eq!(exit.class, ExitClass::Stopped);
    handle.join().await;
}

#[tokio::test]
async fn a_bridge_that_dies_is_told_about_after_all_it_said_and_started_again() {
    let (_handle, mut notices) =
        shell("echo '{\"type\":\"ready\"}'; printf '{\"type\":\"error\",\"error\":\"last\"}'; exit 3");
    for run in 1..=2 {
        let seen = until(&mut notices, exited).await;
        let at = seen.len() - 2;
        assert!(event_is(&seen[at], &Event::Error("last".into())), "half a line counts as a line: {seen:?}");
        let Notice::Bridge(BridgeNotice::Exited { incarnation, exit }) = &seen[at + 1] else { panic!() };
        assert_eq!(
            (*incarnation, exit.text.as_str(), exit.class),
            (Incarnation(run), "exited with code 3", ExitClass::Crash)
        );
        assert!(matches!(next(&mut notices).await, Notice::Bridge(BridgeNotice::BackingOff { .. })));
    }
}

#[tokio::test]
async fn a_crash_loop_opens_the_breaker_and_the_operators_restart_closes_it() {
    let (handle, mut notices) = shell("kill -9 $$");
    let opened = |n: &Notice| matches!(n, Notice::Bridge(BridgeNotice::BreakerOpened { .. }));
    let seen = until(&mut notices, opened).await;
    assert_eq!(seen.iter().filter(|n| exited(n)).count(), 5);
    handle.restart();
    let seen = until(&mut notices, opened).await;
    assert!(seen.iter().filter(|n| exited(n)).count() >= 1);
}

#[tokio::test]
async fn garbage_is_counted_and_what_follows_is_read() {
    let (_handle, mut notices) = shell("echo garbage; printf '\\377\\376\\n'; echo '{\"type\":\"ready\"}'; cat");
    let seen = until(&mut notices, |n| event_is(n, &Event::Ready(None))).await;
    let bad: Vec<_> = seen
        .iter()
        .filter_map(|n| match n {
            Notice::Bridge(BridgeNotice::BadLine { error, .. }) => Some(error.clone()),
            _ => None,
        })
        .collect();
    assert_eq!(bad, [BadLine::NotAnEvent { bytes: 7 }, BadLine::NotAnEvent { bytes: 2 }]);
}

#[tokio::test]
async fn a_bridge_that_ignores_eof_and_term_is_killed_with_its_children() {
    let (handle, mut notices) = shell(
        "trap '' TERM; sleep 1000 & echo \"{\\\"type\\\":\\\"error\\\",\\\"error\\\":\\\"$!\\\"}\"; while :; do sleep 1000; done",
    );
    let seen = until(&mut notices, |n| matches!(n, Notice::Event { event: Event::Error(_), .. })).await;
    let Some(Notice::Event { event: Event::Error(grandchild), .. }) = seen.last() else { panic!() };
    handle.stop();
    let seen = until(&mut notices, exited).await;
    let Some(Notice::Bridge(BridgeNotice::Exited { exit, .. })) = seen.last() else { panic!() };
    assert_eq!(exit.text, "was killed by signal 9");
    let stat = std::fs::read_to_string(format!("/proc/{grandchild}/stat"));
    assert!(stat.is_err() || stat.is_ok_and(|s| s.contains(" Z ")), "the grandchild {grandchild} lives");
    handle.join().await;
}

#[tokio::test]
async fn one_that_the_operator_has_started_anew_is_not_said_to_have_ended_by_itself() {
    let (handle, mut notices) = shell("echo '{\"type\":\"ready\"}'; cat");
    until(&mut notices, |n| event_is(n, &Event::Ready(None))).await;
    handle.restart();
    let seen = until(&mut notices, exited).await;
    let Some(Notice::Bridge(BridgeNotice::Exited { exit, .. })) = seen.last() else { panic!() };
    assert_eq!((&*exit.text, exit.class), ("was stopped as asked", ExitClass::Operator));
}

#[tokio::test]
async fn a_grandchild_that_holds_the_pipe_does_not_hold_up_the_restart() {
    let (_handle, mut notices) = shell("setsid sleep 15 & echo '{\"type\":\"ready\"}'; exit 0");
    until(&mut notices, exited).await;
    until(&mut notices, |n| matches!(n, Notice::Bridge(BridgeNotice::Started { incarnation: Incarnation(2), .. })))
        .await;
}

#[tokio::test]
async fn a_program_that_is_not_there_is_refused_and_not_retried() {
    let program =
        Program { program: "/nonexistent/bridge".into(), args: vec![], env: vec![], folder: None, prepare: None };
    let programs = BTreeMap::from([("default".into(), program)]);
    let (handle, mut notices) = start(programs, "default".into(), tiny(), Clock::start());
    let Notice::Bridge(BridgeNotice::Refused { why }) = next(&mut notices).await else { panic!() };
    assert!(why.contains("/nonexistent/bridge"), "{why}");
    handle.restart();
    assert!(matches!(next(&mut notices).await, Notice::Bridge(BridgeNotice::Refused { .. })));
    handle.stop();
    assert_eq!(next(&mut notices).await, Notice::Bridge(BridgeNotice::Stopped));
}

#[tokio::test]
async fn a_refused_run_is_ended_and_not_followed_by_another() {
    let (handle, mut notices) = shell("echo '{\"type\":\"ready\"}'; cat");
    until(&mut notices, |n| event_is(n, &Event::Ready(None))).await;
    handle.refuse(Incarnation(1), "other major".into());
    let seen = until(&mut notices, |n| matches!(n, Notice::Bridge(BridgeNotice::Refused { .. }))).await;
    assert!(exited(&seen[seen.len() - 2]));
}

fn class(notice: &Notice) -> Option<ExitClass> {
    match notice {
        Notice::Bridge(BridgeNotice::Exited { exit, .. }) => Some(exit.class),
        _ => None,
    }
}

#[tokio::test]
async fn a_run_is_refused_though_it_ended_before_it_was_judged() {
    let slow =
        Limits { first_pause: Duration::from_secs(100), longest_pause: Duration::from_secs(100), ..tiny().limits };
    let (handle, mut notices) = shell_with("echo '{\"type\":\"ready\"}'", Settings { limits: slow, ..tiny() });
    until(&mut notices, |n| matches!(n, Notice::Bridge(BridgeNotice::BackingOff { .. }))).await;
    handle.refuse(Incarnation(1), "other major".into());
    assert_eq!(next(&mut notices).await, Notice::Bridge(BridgeNotice::Refused { why: "other major".into() }));
    handle.restart();
    assert!(matches!(next(&mut notices).await, Notice::Bridge(BridgeNotice::Started { .. })));
}

#[tokio::test]
async fn how_a_run_ended_says_whether_another_follows() {
    let out = "echo '{\"type\":\"connection\",\"state\":\"logged_out\"}'";
    let again = "echo '{\"type\":\"connection\",\"state\":\"connecting\"}'";
    for (script, want, follows) in [
        ("exit 0".to_owned(), ExitClass::Clean, true),
        ("exit 1".to_owned(), ExitClass::Crash, true),
        ("kill -SEGV $$".to_owned(), ExitClass::Crash, true),
        (format!("{out}; exit 0"), ExitClass::LoggedOut, true),
        (format!("{out}; exit 4"), ExitClass::LoggedOut, true),
        (format!("{out}; {again}; exit 0"), ExitClass::Clean, true),
        ("exit 78".to_owned(), ExitClass::BadConfiguration, false),
    ] {
        let (_handle, mut notices) = shell(&script);
        let seen = until(&mut notices, exited).await;
        assert_eq!(seen.last().and_then(class), Some(want), "{script}");
        let then = next(&mut notices).await;
        assert_eq!(matches!(then, Notice::Bridge(BridgeNotice::BackingOff { .. })), follows, "{script}: {then:?}");
        assert_eq!(matches!(then, Notice::Bridge(BridgeNotice::Refused { .. })), !follows, "{script}: {then:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_to_be_replaced_is_ended_and_followed_at_once() {
    let (handle, mut notices) = shell("echo '{\"type\":\"ready\"}'; cat");
    until(&mut notices, |n| event_is(n, &Event::Ready(None))).await;
    handle.replace(Incarnation(7), ExitClass::Memory);
    handle.replace(Incarnation(1), ExitClass::Memory);
    let seen = until(&mut notices, exited).await;
    assert_eq!(seen.last().and_then(class), Some(ExitClass::Memory));
    assert!(matches!(next(&mut notices).await, Notice::Bridge(BridgeNotice::Started { .. })), "without a pause");
}

#[tokio::test]
async fn a_bridge_that_does_not_take_what_it_is_told_is_replaced() {
    let settings = Settings { patience: Duration::from_millis(200), ..tiny() };
    let (handle, mut notices) = shell_with("echo '{\"type\":\"ready\"}'; exec sleep 1000", settings);
    until(&mut notices, |n| event_is(n, &Event::Ready(None))).await;
    let text = "x".repeat(100_000).into();
    handle.command(Incarnation(1), Command::Send { to: "+15551112222".into(), text, message_id: None });
    let seen = until(&mut notices, exited).await;
    assert_eq!(seen.last().and_then(class), Some(ExitClass::Unresponsive), "no heartbeat: its pipe is full");
}

#[tokio::test]
async fn a_process_that_holds_the_pipe_and_talks_does_not_hold_up_the_restart() {
    let talk = "while echo '{\"type\":\"dance\"}'; do :; done";
    let (_handle, mut notices) = shell(&format!("setsid sh -c {talk:?} & exit 0"));
    until(&mut notices, |n| matches!(n, Notice::Bridge(BridgeNotice::Started { incarnation: Incarnation(2), .. })))
        .await;
}

#[tokio::test]
async fn a_supervisor_that_is_dropped_leaves_nothing_of_the_group_behind() {
    let (handle, mut notices) =
        shell("sleep 1000 & echo \"{\\\"type\\\":\\\"error\\\",\\\"error\\\":\\\"$!\\\"}\"; sleep 1000");
    let seen = until(&mut notices, |n| matches!(n, Notice::Event { event: Event::Error(_), .. })).await;
    let Some(Notice::Event { event: Event::Error(grandchild), .. }) = seen.last() else { panic!() };
    handle.task.abort();
    let stat = format!("/proc/{grandchild}/stat");
    let gone = || std::fs::read_to_string(&stat).map_or(true, |stat| stat.contains(" Z "));
    let looking = async {
        while !gone() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), looking).await.expect("it is gone");
}

#[tokio::test]
async fn when_nobody_takes_what_is_read_the_bridge_waits_and_nothing_is_lost() {
    let script = "i=0; while [ $i -lt 2000 ]; do echo \"{\\\"type\\\":\\\"error\\\",\\\"error\\\":\\\"$i\\\"}\"; i=$((i+1)); done";
    let (handle, mut notices) = shell(script);
    // The run is over long before we begin to take anything: what it said waits in the pipe.
    let mut want = 0;
    for notice in until(&mut notices, exited).await {
        if let Notice::Event { event: Event::Error(n), .. } = notice {
            assert_eq!(n, want.to_string());
            want += 1;
        }
    }
    assert_eq!(want, 2000);
    handle.stop();
}
