//! What is said of keys is so: they work here, and are called as the settings have them.

use super::*;

#[test]
fn the_way_back_is_said_where_something_lies_in_the_place_of_the_messages() {
    let footer = |model: &mut Model, size| text(&drawn(model, size)).lines().last().unwrap_or_default().to_owned();
    for size in [(40, 12), (80, 24), (120, 40)] {
        for keys in ["z", "C", "2z", "\r"] {
            let mut model = model(linked());
            assert!(!footer(&mut model, size).contains("Esc back"), "{size:?}");
            for key in keys.chars() {
                press(&mut model, if key == '\r' { KeyCode::Enter } else { KeyCode::Char(key) });
            }
            let said = footer(&mut model, size);
            assert!(said.contains("Esc back"), "{keys:?} {size:?}: {said}");
            assert!(keys != "\r" || !said.contains("Enter look"), "{said}");
            press(&mut model, KeyCode::Esc);
            let left = footer(&mut model, size);
            // Of two steps, one is left where there is one pane at a time.
            assert!(keys == "2z" || !left.contains("Esc back"), "{keys:?} {size:?}: {left}");
        }
    }
}

#[test]
fn resizing_is_offered_for_what_can_be_resized() {
    let footer = |model: &mut Model, size| text(&drawn(model, size)).lines().last().unwrap_or_default().to_owned();
    let resize = || Msg::Key(KeyEvent::new(KeyCode::Char('w'), KeyModifiers::CONTROL));
    // The size, the keys before, and whether columns and rows can be.
    for (size, keys, columns, rows) in [
        ((40, 12), "", false, false),
        ((80, 24), "", false, false),
        ((80, 40), "4", false, false),
        ((80, 40), "41", false, true),
        ((120, 40), "", true, false),
        ((120, 40), "2", true, true),
        ((120, 40), "z", false, false),
        ((200, 60), "", true, true),
    ] {
        let mut model = model(linked());
        drawn(&mut model, size);
        typed(&mut model, keys);
        update(&mut model, resize(), now());
        let said = footer(&mut model, size);
        assert_eq!((said.contains("wider"), said.contains("more rows")), (columns, rows), "{size:?} {keys}: {said}");
        assert_eq!(said.contains("nothing to resize"), !columns && !rows, "{said}");
    }
}

#[test]
fn what_is_said_names_the_keys_of_the_settings() {
    let mine =
        [("write", "F2"), ("newest", "F3"), ("leave", "F4"), ("up", "F5"), ("input.recipient", "F6"), ("copy", "F7")];
    let settings = mine.map(|(name, key)| (name.to_owned(), vec![key.to_owned()]));
    let mut model = model(linked());
    model.ui.look.keys = crate::tui::Keymap::new(&settings.into()).unwrap();
    let mut shows = |keys: &[KeyCode], what: &str| {
        for key in keys {
            press(&mut model, *key);
        }
        let picture = text(&drawn(&mut model, (120, 40)));
        assert!(picture.contains(what), "{what}: {picture}");
    };
    shows(&[], "press F2 to write");
    shows(&[KeyCode::F(7)], "choose a message with F5 and j, then F7 copies its text");
    shows(&[KeyCode::F(5)], "not following (F3)");
    shows(&[KeyCode::F(3), KeyCode::Char('/'), KeyCode::Char('a'), KeyCode::Enter], "(F4 shows all)");
    shows(&[KeyCode::F(4), KeyCode::F(2), KeyCode::Char('a')], "✗ to whom? F6, or begin with +number");
}
