//! A grid of cells: the attack matrix and the desynchronisation laboratory.
//!
//! Every cell is told three times: by colour, by hatch, and by a word or a number; a cell that was not
//! run is hatched, never blank.

use super::Figure;
use super::palette::{GREY_INK, GRID, Hatch, INK, PAPER};
use super::scene::{
    Anchor, Area, Colour, LEGEND_PX, MARGIN_PX, Scene, WIDTH_PX, shortened, text_width,
};
use crate::table::{Line, Table, table};

table! {
    /// The data of a figure of cells.
    GridData, "grid.csv",
    "one row per cell, by row and then by column of the grid";
    /// One cell.
    GridCell<'a> {
        row: &'a str, "text", "Row of the grid.";
        column: &'a str, "text", "Column of the grid.";
        state: &'a str, "text", "What the cell says: a word of the legend.";
        text: &'a str, "text", "What is written in it.";
        detail: &'a str, "text", "What stands behind it.";
    }
}

/// What a cell says, from good to bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CellState {
    /// Nothing was run here.
    NotRun,
    /// It was run and says nothing: the attacker never acted.
    Unexercised,
    /// It was run and says nothing: the control was not beaten.
    Untested,
    /// All is well.
    Good,
    /// Worse than it should be, but it holds or heals.
    Middling,
    /// Broken without anyone noticing.
    Silent,
    /// Broken.
    Bad,
}

impl CellState {
    const fn style(self) -> (Colour, Hatch) {
        match self {
            Self::NotRun => (GRID, Hatch::Falling),
            Self::Unexercised => (Colour::opaque(0xD8, 0xD8, 0xD8), Hatch::Upright),
            Self::Untested => (Colour::opaque(0xB0, 0xB0, 0xB0), Hatch::Level),
            Self::Good => (Colour::opaque(0x56, 0xB4, 0xE9), Hatch::None),
            Self::Middling => (Colour::opaque(0xE6, 0x9F, 0x00), Hatch::Rising),
            Self::Silent => (Colour::opaque(0xCC, 0x79, 0xA7), Hatch::Upright),
            Self::Bad => (Colour::opaque(0xD5, 0x5E, 0x00), Hatch::Cross),
        }
    }
}

/// One cell of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it says.
    pub state: CellState,
    /// The word of the legend for it.
    pub word: String,
    /// What is written in it; short.
    pub text: String,
    /// What stands behind it: counts and interval.
    pub detail: String,
    /// A dot in the corner: what was claimed differs from what came out.
    pub marked: bool,
}

/// A grid of cells.
#[derive(Clone, Debug)]
pub struct Grid {
    /// File name.
    pub name: String,
    /// Line above it.
    pub title: String,
    /// What rows are.
    pub row_title: String,
    /// What columns are.
    pub column_title: String,
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Cells by row, then by column; `None` where nothing was run.
    pub cells: Vec<Vec<Option<Cell>>>,
    /// What the corner mark means; empty when none is used.
    pub mark_meaning: String,
    /// Trials, level and method, for the caption.
    pub caption: String,
}

impl Grid {
    /// Width of the row names.
    fn left(&self) -> i32 {
        let widest = self
            .rows
            .iter()
            .map(|name| text_width(name, ROW_PX))
            .max()
            .unwrap_or(0);
        (widest + 2 * MARGIN_PX).clamp(160, 720)
    }

    fn cell_width(&self) -> i32 {
        let room = WIDTH_PX - MARGIN_PX - self.left();
        (room / self.columns.len().max(1) as i32).min(300)
    }

    /// Column names stand upright when they are wider than their column.
    fn upright_names(&self) -> bool {
        let widest = self
            .columns
            .iter()
            .map(|name| text_width(name, ROW_PX))
            .max()
            .unwrap_or(0);
        widest + 16 > self.cell_width()
    }

    fn head(&self) -> i32 {
        let widest = self
            .columns
            .iter()
            .map(|name| text_width(name, ROW_PX))
            .max()
            .unwrap_or(0);
        if self.upright_names() {
            (widest + 30).min(420)
        } else {
            60
        }
    }

    fn states(&self) -> Vec<(CellState, String)> {
        let mut states: Vec<(CellState, String)> = Vec::new();
        for cell in self.cells.iter().flatten() {
            let entry = cell.as_ref().map_or_else(
                || (CellState::NotRun, String::from("not run")),
                |cell| (cell.state, cell.word.clone()),
            );
            if !states.contains(&entry) {
                states.push(entry);
            }
        }
        states.sort();
        states
    }

    fn top(&self) -> i32 {
        90 + self.key_rows().len() as i32 * KEY_ROW_PX + 10 + self.head()
    }

    /// The key in rows: state, word, and how far from the left it stands.
    fn key_rows(&self) -> Vec<Vec<(CellState, String, i32)>> {
        let mut rows: Vec<Vec<(CellState, String, i32)>> = Vec::new();
        let mut at = WIDTH_PX;
        for (state, word) in self.states() {
            let width = 56 + 14 + text_width(&word, LEGEND_PX) + 40;
            if at + width > WIDTH_PX - MARGIN_PX {
                rows.push(Vec::new());
                at = MARGIN_PX;
            }
            if let Some(row) = rows.last_mut() {
                row.push((state, word, at));
            }
            at += width;
        }
        rows
    }

    fn paint_key(&self, scene: &mut Scene) {
        for (row, entries) in self.key_rows().into_iter().enumerate() {
            let y = 90 + row as i32 * KEY_ROW_PX;
            for (state, word, left) in entries {
                let (colour, hatch) = state.style();
                let area = Area {
                    left,
                    top: y,
                    right: left + 56,
                    bottom: y + 40,
                };
                scene.hatched(area, colour, hatch);
                scene.text(&word, (left + 70, y + 20), LEGEND_PX, INK, Anchor::Left);
            }
        }
    }

    fn paint_cell(scene: &mut Scene, area: Area, cell: Option<&Cell>) {
        let Some(cell) = cell else {
            let (colour, hatch) = CellState::NotRun.style();
            scene.hatched(area, colour, hatch);
            return;
        };
        let (colour, hatch) = cell.state.style();
        scene.hatched(area, colour, hatch);
        let width = area.right - area.left;
        let text = shortened(&cell.text, CELL_PX, width - 12);
        if !text.is_empty() {
            let (x, y) = ((area.left + area.right) / 2, (area.top + area.bottom) / 2);
            let half = text_width(&text, CELL_PX) / 2 + 6;
            let paper = Area {
                left: x - half,
                top: y - 21,
                right: x + half,
                bottom: y + 21,
            };
            scene.rectangle(paper, PAPER.faded(90));
            scene.text(&text, (x, y), CELL_PX, INK, Anchor::Centre);
        }
        if cell.marked {
            let (x, y) = (area.right - 14, area.top + 14);
            scene.circle((x, y), 11, PAPER);
            scene.circle((x, y), 8, INK);
        }
    }
}

impl Figure for Grid {
    fn name(&self) -> &str {
        &self.name
    }

    fn height(&self) -> i32 {
        self.top() + self.rows.len() as i32 * CELL_HEIGHT_PX + 190
    }

    fn title(&self) -> String {
        self.title.clone()
    }

    fn description(&self) -> String {
        let mut text = format!("A grid of {} by {}.", self.row_title, self.column_title);
        for (row, cells) in self.rows.iter().zip(&self.cells) {
            for (column, cell) in self.columns.iter().zip(cells) {
                if let Some(cell) = cell {
                    text.push_str(&format!(" {row}, {column}: {} {}.", cell.word, cell.detail));
                }
            }
        }
        text
    }

    fn caption(&self) -> String {
        let mut text = self.caption.clone();
        if self
            .cells
            .iter()
            .flatten()
            .flatten()
            .any(|cell| cell.marked)
        {
            text.push_str(&format!(" · dot: {}", self.mark_meaning));
        }
        text
    }

    fn data(&self) -> Vec<u8> {
        let mut out = Vec::new();
        GridData::SCHEMA.header(&mut out);
        for (row, cells) in self.rows.iter().zip(&self.cells) {
            for (column, cell) in self.columns.iter().zip(cells) {
                let mut line = Line::new(&mut out);
                let cell = GridCell {
                    row,
                    column,
                    state: cell.as_ref().map_or("not run", |cell| cell.word.as_str()),
                    text: cell.as_ref().map_or("", |cell| cell.text.as_str()),
                    detail: cell.as_ref().map_or("", |cell| cell.detail.as_str()),
                };
                GridData::cells(&cell, &mut line);
                line.end();
            }
        }
        out
    }

    fn paint(&self, scene: &mut Scene) {
        if self.rows.is_empty() || self.columns.is_empty() {
            scene.no_data("there is no cell");
            return;
        }
        self.paint_key(scene);
        let (left, top, width) = (self.left(), self.top(), self.cell_width());
        for (index, name) in self.columns.iter().enumerate() {
            let x = left + index as i32 * width + width / 2;
            if self.upright_names() {
                let name = shortened(name, ROW_PX, 400);
                let half = text_width(&name, ROW_PX) / 2;
                scene.upward_text(&name, (x, top - 14 - half), ROW_PX, INK);
            } else {
                scene.text(name, (x, top - 30), ROW_PX, INK, Anchor::Centre);
            }
        }
        for (index, name) in self.rows.iter().enumerate() {
            let y = top + index as i32 * CELL_HEIGHT_PX + CELL_HEIGHT_PX / 2;
            let name = shortened(name, ROW_PX, left - 30);
            scene.text(&name, (left - 16, y), ROW_PX, INK, Anchor::Right);
            for (column, cell) in self.cells[index].iter().enumerate() {
                let x = left + column as i32 * width;
                let area = Area {
                    left: x + 2,
                    top: y - CELL_HEIGHT_PX / 2 + 2,
                    right: x + width - 2,
                    bottom: y + CELL_HEIGHT_PX / 2 - 2,
                };
                Self::paint_cell(scene, area, cell.as_ref());
            }
        }
        let below = top + self.rows.len() as i32 * CELL_HEIGHT_PX + 34;
        let axes = format!("rows: {} · columns: {}", self.row_title, self.column_title);
        scene.text(&axes, (left, below), LEGEND_PX - 6, GREY_INK, Anchor::Left);
    }
}

const ROW_PX: i32 = 36;
const CELL_PX: i32 = 34;
const CELL_HEIGHT_PX: i32 = 64;
const KEY_ROW_PX: i32 = 54;
