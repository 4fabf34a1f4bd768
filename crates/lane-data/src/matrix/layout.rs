//! Which columns of a table are the numbers, and which name the rows.

use std::path::Path;

use crate::error::DataError;
use crate::place::Place;
use crate::shown::shown;

/// What names the rows of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// The row's name in the data, in a column called `id`.
    Id,
    /// The row's number in the data from 0, in a column called `row` or in a first one without name.
    Row,
}

/// The columns of a file by what they are for; positions count the columns of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Where the numbers of a row stand.
    positions: Vec<usize>,
    /// What the file calls them.
    names: Option<Vec<String>>,
    key: Option<(Key, usize, String)>,
    epoch: Option<usize>,
    place: Place,
}

impl Layout {
    /// So many columns of numbers and nothing else.
    pub(super) fn unnamed(n_columns: usize) -> Self {
        let positions = (0..n_columns).collect();
        Self { positions, names: None, key: None, epoch: None, place: Place::Schema }
    }

    /// What the columns called so are for; `is_number` says which can be numbers.
    pub(super) fn of_names(
        path: &Path,
        place: Place,
        names: &[String],
        is_number: impl Fn(usize) -> bool,
    ) -> Result<Self, DataError> {
        let mut layout = Self { place, ..Self::unnamed(0) };
        for (position, name) in names.iter().enumerate() {
            if names[..position].contains(name) {
                let column = name.clone();
                return Err(DataError::RepeatedColumn { path: path.into(), place, column });
            }
            match name.as_str() {
                "id" => layout.key = Some((Key::Id, position, name.clone())),
                "row" => layout.take_row_key(position, name),
                "" if position == 0 => layout.take_row_key(position, name),
                "epoch" => layout.epoch = Some(position),
                _ if is_number(position) => layout.positions.push(position),
                _ => {}
            }
        }
        let of_numbers: Vec<String> =
            layout.positions.iter().map(|it| names[*it].clone()).collect();
        // Numbers in order, as a data frame without names has them, name nothing.
        let is_named = !of_numbers.iter().enumerate().all(|(at, name)| *name == at.to_string());
        layout.names = is_named.then_some(of_numbers);
        Ok(layout)
    }

    /// The same, with so many numbers in one column of lists.
    pub(super) fn with_list(self, n_columns: usize) -> Self {
        Self { positions: (0..n_columns).collect(), names: None, ..self }
    }

    /// A row number; an `id` goes before it.
    fn take_row_key(&mut self, position: usize, name: &str) {
        if self.key.is_none() {
            self.key = Some((Key::Row, position, name.into()));
        }
    }

    pub(super) fn n_columns(&self) -> usize {
        self.positions.len()
    }

    pub(super) fn key(&self) -> Option<Key> {
        self.key.as_ref().map(|it| it.0)
    }

    pub(super) fn key_position(&self) -> Option<usize> {
        self.key.as_ref().map(|it| it.1)
    }

    /// As the file calls it.
    pub(super) fn key_name(&self) -> &str {
        self.key.as_ref().map_or("", |it| &it.2)
    }

    pub(super) fn epoch_position(&self) -> Option<usize> {
        self.epoch
    }

    pub(super) fn positions(&self) -> &[usize] {
        &self.positions
    }

    pub(super) fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The name of a column of numbers, else its number from 0.
    pub(super) fn name(&self, column: usize) -> String {
        let name = self.names.as_ref().and_then(|it| it.get(column));
        name.map_or_else(|| column.to_string(), |name| shown(name))
    }

    pub(super) fn refuse_epochs(&self, path: &Path) -> Result<(), DataError> {
        if self.epoch.is_none() {
            return Ok(());
        }
        Err(DataError::MatrixColumns {
            path: path.into(),
            place: self.place,
            found: "a column `epoch`".into(),
            expected: "one row a text",
        })
    }

    pub(super) fn choose(mut self, path: &Path, names: &[String]) -> Result<Self, DataError> {
        let Some(found) = self.names else {
            let (n_found, n_expected) = (self.positions.len(), names.len());
            if n_found == n_expected {
                return Ok(self);
            }
            return Err(DataError::ColumnCount { path: path.into(), n_found, n_expected });
        };
        let mut positions = Vec::with_capacity(names.len());
        for name in names {
            let Some(at) = found.iter().position(|it| it == name) else {
                let (path, place, column) = (path.into(), self.place, name.clone());
                return Err(DataError::MissingColumn { path, place, column, found });
            };
            positions.push(self.positions[at]);
        }
        self.positions = positions;
        self.names = Some(names.to_vec());
        Ok(self)
    }
}
