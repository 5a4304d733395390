//! How long the program takes to be there.

use portable_pty::CommandBuilder;

use crate::bench::Bench;
use crate::figures::Row;
use crate::roles::{Plain, Role, this_program};
use crate::subject::{Console, Headless, Room};

/// What the console shows with its first frame, as what quitting does or as a key.
const SHOWN: &str = "quit";

pub(super) fn measure(bench: &mut Bench) -> anyhow::Result<()> {
    let runs = bench.runs(15);
    let (mut first, mut again, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        bare.push(Plain::start(16)?.start.as_secs_f64() * 1e3);
        let room = Room::told(0)?;
        for times in [&mut first, &mut again] {
            let mut headless = Headless::start(&bench.program, &room)?;
            times.push(headless.until_answer()?.as_secs_f64() * 1e3);
            headless.end()?;
        }
    }
    let row = Row::new("start.api", "start until the API answers", "ms", again);
    bench.record.add(row.target(15.0).seed(500.0).limit("a bare axum server", bare.clone()));
    let row = Row::new("start.first", "the same for the first time, with a database to be made", "ms", first);
    bench.record.add(row.target(15.0).seed(500.0).limit("a bare axum server", bare));

    let (mut first, mut again, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let room = Room::told(0)?;
        bare.push(one_line(&room)?);
        for times in [&mut first, &mut again] {
            let console = Console::start(&bench.program, &room)?;
            times.push(console.until_shown(SHOWN)?.as_secs_f64() * 1e3);
            console.end()?;
        }
    }
    let line = "a process that draws one line";
    let row = Row::new("start.frame", "start until the first frame is drawn", "ms", again);
    bench.record.add(row.target(15.0).seed(500.0).limit(line, bare.clone()));
    let row = Row::new("start.first.frame", "the same for the first time", "ms", first);
    bench.record.add(row.target(15.0).seed(500.0).limit(line, bare));
    Ok(())
}

/// How long a process takes that draws one line.
fn one_line(room: &Room) -> anyhow::Result<f64> {
    let mut command = CommandBuilder::new(this_program()?);
    let (name, role) = Role::OneLine.variable()?;
    command.env(name, role);
    Ok(Console::spawn(command, room)?.until_shown(SHOWN)?.as_secs_f64() * 1e3)
}
