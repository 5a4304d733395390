//! What there is to link with, where there is little room.

use super::*;

#[test]
fn where_no_qr_fits_what_is_said_works_there() {
    let mut model = model(with_qr());
    let tiny = text(&drawn(&mut model, (40, 12)));
    assert!(tiny.contains("p gives a code") && tiny.contains("http://127.0.0.1:7007/qr"), "{tiny}");
    assert!(!tiny.contains("Z gives") && !tiny.contains("v draw") && tiny.contains("Step 2 of 3\n"), "{tiny}");
    press(&mut model, KeyCode::Char('v'));
    assert_eq!(text(&drawn(&mut model, (40, 12))).lines().last(), Some("no other drawing of the QR fits"));
    // Here the last row is what it lacks.
    let mut model = super::model(with_qr());
    let low = text(&drawn(&mut model, (80, 17)));
    assert!(low.contains("Z gives it the whole screen") && low.contains("Z whole screen"), "{low}");
    press(&mut model, KeyCode::Char('Z'));
    let whole = text(&drawn(&mut model, (80, 17)));
    assert!(model.ui.qr_drawn.get().is_some() && whole.contains("Z back"), "{whole}");
    let tiny = text(&drawn(&mut model, (40, 12)));
    assert!(tiny.contains("Z goes back"), "{tiny}");
    press(&mut model, KeyCode::Char('Z'));
    model.ui.look.read_only = true;
    assert!(!text(&drawn(&mut model, (40, 12))).contains("code to type"));
}

#[test]
fn the_keys_change_only_to_drawings_for_which_there_is_room() {
    let mut model = model(with_qr());
    let mut names = Vec::new();
    for _ in 0..4 {
        drawn(&mut model, (80, 24));
        names.extend(model.ui.qr_drawn.get().map(Drawing::name));
        press(&mut model, KeyCode::Char('v'));
        let said = model.ui.notice.clone().unwrap_or_default();
        assert!(!said.contains("spaces") && !said.contains("half"), "{said}");
    }
    assert_eq!(names, ["sextants", "octants", "sextants", "octants"]);
    let mut model = super::model(with_qr());
    for (rows, another) in [(24, true), (19, false)] {
        let picture = text(&drawn(&mut model, (80, rows)));
        assert!(picture.contains("drawn with "), "{picture}");
        assert_eq!(picture.contains("v changes that") && picture.contains("v draw"), another, "{picture}");
    }
}

#[test]
fn the_steps_for_a_code_are_whole_in_a_tiny_terminal() {
    let tiny = text(&drawn(&mut model(with_code()), (40, 12)));
    assert!(tiny.contains("the code") && tiny.contains(":link for a QR"), "{tiny}");
}

#[test]
fn within_tmux_octants_are_not_used_unless_they_are_asked_for() {
    let mut model = model(with_qr());
    model.ui.look.within = crate::tui::within::Within::Tmux;
    drawn(&mut model, (80, 24));
    assert_eq!(model.ui.qr_drawn.get(), Some(Drawing::Sextant));
    let picture = text(&drawn(&mut model, (80, 20)));
    assert!(model.ui.qr_drawn.get().is_none() && picture.contains("needs 31×21"), "{picture}");
    assert!(picture.contains("v draws it with octants") && picture.contains("v draw  "), "{picture}");
    press(&mut model, KeyCode::Char('v'));
    drawn(&mut model, (80, 20));
    assert_eq!(model.ui.qr_drawn.get(), Some(Drawing::Octant));
}

#[test]
fn what_a_number_is_like_is_whole_in_a_tiny_terminal() {
    let mut model = model(with_qr());
    typed(&mut model, "p");
    let tiny = text(&drawn(&mut model, (40, 12)));
    assert!(tiny.contains("as in +584244370180; Esc leaves "), "{tiny}");
}
