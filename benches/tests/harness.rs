//! The harness itself, on the smallest of its groups.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Runs it, and returns what it printed.
fn bench(args: &[&str]) -> std::io::Result<(bool, String, String)> {
    let bench = Path::new(env!("CARGO_BIN_EXE_bench"));
    let program = bench.with_file_name("pilothouse");
    let mut command = Command::new(bench);
    command.args(args);
    // Without one, the harness builds it.
    if program.exists() {
        command.arg("--program").arg(program);
    }
    let output = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.success(), text(&output.stdout), text(&output.stderr)))
}

#[test]
fn it_measures_writes_what_it_found_and_compares() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figures.json").display().to_string();
    let (good, table, errors) = bench(&["--quick", "--json", &file, "start"]).unwrap();
    assert!(good, "{errors}");
    assert!(table.contains("| start until the API answers "), "{table}");
    let record: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert!(record["machine"]["cores"].as_u64() > Some(0), "{record:#}");
    let keys: Vec<_> = record["rows"].as_array().unwrap().iter().map(|row| row["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["start.api", "start.first", "start.frame", "start.first.frame"]);
    for row in record["rows"].as_array().unwrap() {
        assert_eq!(row["values"].as_array().unwrap().len(), 2, "{row:#}");
        assert!(row["values"][0].as_f64() > Some(0.0) && row["limit"]["values"][0].as_f64() > Some(0.0), "{row:#}");
    }
    let (good, table, errors) = bench(&["--quick", "--markdown", "--compare", &file, "start"]).unwrap();
    assert!(good, "{errors}");
    assert!(table.contains("to beat") && table.contains("ratio"), "{table}");
}

#[test]
fn a_group_that_fails_is_named_and_the_table_is_printed_all_the_same() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_bench")).args(["--quick", "--program", "/bin/true", "start"]).output();
    let output = output.unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && errors.contains("these groups failed: start"), "{errors}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("median"), "{errors}");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_measured() {
    let (good, _, errors) = bench(&["nothing"]).unwrap();
    assert!(!good && errors.contains("there is no group nothing; there are start, "), "{errors}");
    let (good, _, errors) = bench(&["--compare", "/nowhere.json", "start"]).unwrap();
    assert!(!good && errors.contains("/nowhere.json can't be read"), "{errors}");
}
