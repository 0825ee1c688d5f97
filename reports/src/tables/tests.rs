//! One table in every notation.

use super::*;

fn table() -> Table {
    let mut table = Table::new(
        "costs",
        "Cost of 100% honest runs",
        &[
            ("role", Align::Left),
            ("operations", Align::Left),
            ("time, ms", Align::Right),
        ],
    );
    table.push(vec![
        "user_1".into(),
        Cell::Terms(vec![(13, "h"), (2, "rnd")]),
        "1.5".into(),
    ]);
    table.rule();
    table.push(vec!["server".into(), Cell::Terms(vec![]), "10.25".into()]);
    table.note("A note & more.");
    table
}

#[test]
fn a_terminal_gets_columns_under_each_other() {
    let expected = "Cost of 100% honest runs

  role    operations        time, ms
  ------  ----------------  --------
  user_1  13 T_h + 2 T_rnd       1.5
  ------  ----------------  --------
  server  -                    10.25

  A note & more.
";
    assert_eq!(text(&[table()]), expected);
}

#[test]
fn a_page_gets_escaped_markdown() {
    let expected = "**Cost of 100% honest runs**

| role | operations | time, ms |
| --- | --- | --: |
| user\\_1 | 13 T\\_h + 2 T\\_rnd | 1.5 |
| server | - | 10.25 |

A note & more.
";
    assert_eq!(markdown(&[table()]), expected);
}

#[test]
fn a_paper_gets_booktabs_and_formulas() {
    let shown = latex(&[table()]);
    for part in [
        "\\caption{Cost of 100\\% honest runs}",
        "\\label{tab:costs}",
        "\\begin{tabular}{llr}\n\\toprule\nrole & operations & time, ms \\\\\n\\midrule\n",
        "user\\_1 & $13\\,T_{\\mathrm{h}} + 2\\,T_{\\mathrm{rnd}}$ & 1.5 \\\\\n\\midrule\n",
        "server & -- & 10.25 \\\\\n\\bottomrule\n",
        "A note \\& more.",
    ] {
        assert!(shown.contains(part), "{part}\n{shown}");
    }
}

#[test]
fn a_spreadsheet_gets_cells_alone() {
    let expected = "role,operations,\"time, ms\"\nuser_1,13 T_h + 2 T_rnd,1.5\nserver,-,10.25\n";
    assert_eq!(csv(&table()), expected);
}
