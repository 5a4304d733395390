//! The operator's own editor.

use std::os::unix::fs::PermissionsExt;

use super::{Terminal, script};
use crate::support::Place;

#[tokio::test(flavor = "multi_thread")]
async fn writes_in_the_operators_own_editor_and_the_gateway_goes_on() {
    let place = Place::new().await;
    let bridge = script(
        &place,
        r#"#!/bin/sh
echo '{"type":"ready"}'
while [ ! -e in-the-editor ]; do sleep 0.05; done
echo '{"type":"message","from":"+15551112222","body":"came meanwhile"}'
cat >/dev/null
"#,
    );
    let editor = place.home().join("editor.sh");
    // It says what it was given, and takes a line of keys: none of them may be missing.
    let text = r#"#!/bin/sh
echo "editing: $(cat "$1")"
touch in-the-editor
read -r line
[ "$line" = suspend ] && kill -STOP $$ && read -r line
printf '%s\nsecond line\n' "$line" >>"$1"
[ "$line" != fail ]
"#;
    std::fs::write(&editor, text).unwrap();
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut terminal = Terminal::console_with(&place, (100, 30), Some(&bridge), &[("EDITOR", &editor)]);
    terminal.shows("● connected").await;
    terminal.types("i+15551112222 begun ");
    terminal.shows("begun").await;
    terminal.types("\x05");
    terminal.shows("editing: +15551112222 begun").await;
    terminal.types("by hand\n");
    terminal.shows("Ctrl-e editor").await;
    terminal.shows("second line").await;
    terminal.shows("+15551112222 begun by hand").await;
    terminal.shows("came meanwhile").await;
    // Whoever suspends it gets it back: nothing else could.
    terminal.types("\x05");
    terminal.shows("editing: ").await;
    terminal.types("suspend\n");
    terminal.types("once more\n");
    terminal.shows("Ctrl-e editor").await;
    terminal.shows("once more").await;
    // An editor that fails changes nothing.
    terminal.types("\x05");
    terminal.shows("editing: ").await;
    terminal.types("fail\n");
    terminal.shows("the text stays as it was").await;
    terminal.types("\x1b");
    terminal.shows("q quit").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());

    // What was begun is there after a restart.
    let mut terminal = Terminal::console(&place, (100, 30), Some(&bridge));
    terminal.shows("once more").await;
    terminal.quits();
    assert!(terminal.ended().await.0.success());
}
