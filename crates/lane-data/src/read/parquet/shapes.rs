//! What the fields of Parquet's footer and page headers are.
//!
//! <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>

use super::compact::Fields;
use super::compact::Shape::{Byte, Bytes, Fraction, Integer, List, Long, Struct, Truth};

/// `FileMetaData`; what stands encrypted (8, 9) is not read.
pub(super) const FOOTER: Fields = &[
    (1, Integer),
    (SCHEMA, List(&Struct(SCHEMA_ELEMENT))),
    (3, Long),
    (4, List(&Struct(ROW_GROUP))),
    (5, List(&Struct(KEY_VALUE))),
    (6, Bytes),
    (7, List(&Struct(COLUMN_ORDER))),
    (8, Struct(&[])),
    (9, Bytes),
];
pub(super) const SCHEMA: i64 = 2;
pub(super) const N_CHILDREN: i64 = 5;

/// `PageHeader`: its type, sizes unpacked and packed, checksum, and the header of its kind.
pub(super) const PAGE_HEADER: Fields = &[
    (1, Integer),
    (2, Integer),
    (3, Integer),
    (4, Integer),
    (5, Struct(DATA_PAGE)),
    (6, Struct(&[])),
    (7, Struct(DICTIONARY_PAGE)),
    (8, Struct(DATA_PAGE_V2)),
];

const SCHEMA_ELEMENT: Fields = &[
    (1, Integer),
    (2, Integer),
    (3, Integer),
    (4, Bytes),
    (N_CHILDREN, Integer),
    (6, Integer),
    (7, Integer),
    (8, Integer),
    (9, Integer),
    (10, Struct(LOGICAL_TYPE)),
];

const LOGICAL_TYPE: Fields = &[
    (1, EMPTY),
    (2, EMPTY),
    (3, EMPTY),
    (4, EMPTY),
    (5, Struct(&[(1, Integer), (2, Integer)])),
    (6, EMPTY),
    (7, TIME),
    (8, TIME),
    (10, Struct(&[(1, Byte), (2, Truth)])),
    (11, EMPTY),
    (12, EMPTY),
    (13, EMPTY),
    (14, EMPTY),
    (15, EMPTY),
    (16, Struct(&[(1, Byte)])),
    (17, Struct(&[(1, Bytes)])),
    (18, Struct(&[(1, Bytes), (2, Integer)])),
];
const EMPTY: super::compact::Shape = Struct(&[]);
const TIME: super::compact::Shape =
    Struct(&[(1, Truth), (2, Struct(&[(1, EMPTY), (2, EMPTY), (3, EMPTY)]))]);

const ROW_GROUP: Fields = &[
    (1, List(&Struct(COLUMN_CHUNK))),
    (2, Long),
    (3, Long),
    (4, List(&Struct(&[(1, Integer), (2, Truth), (3, Truth)]))),
    (5, Long),
    (6, Long),
    (7, Integer),
];

const COLUMN_CHUNK: Fields = &[
    (1, Bytes),
    (2, Long),
    (3, Struct(COLUMN_METADATA)),
    (4, Long),
    (5, Integer),
    (6, Long),
    (7, Integer),
    (8, Struct(&[])),
    (9, Bytes),
];

const COLUMN_METADATA: Fields = &[
    (1, Integer),
    (2, List(&Integer)),
    (3, List(&Bytes)),
    (4, Integer),
    (5, Long),
    (6, Long),
    (7, Long),
    (8, List(&Struct(KEY_VALUE))),
    (9, Long),
    (10, Long),
    (11, Long),
    (12, Struct(STATISTICS)),
    (13, List(&Struct(&[(1, Integer), (2, Integer), (3, Integer)]))),
    (14, Long),
    (15, Integer),
    (16, Struct(&[(1, Long), (2, List(&Long)), (3, List(&Long))])),
    (17, Struct(&[(1, Struct(BOX)), (2, List(&Integer))])),
];
const BOX: Fields = &[
    (1, Fraction),
    (2, Fraction),
    (3, Fraction),
    (4, Fraction),
    (5, Fraction),
    (6, Fraction),
    (7, Fraction),
    (8, Fraction),
];

const STATISTICS: Fields = &[
    (1, Bytes),
    (2, Bytes),
    (3, Long),
    (4, Long),
    (5, Bytes),
    (6, Bytes),
    (7, Truth),
    (8, Truth),
    (9, Long),
];

const KEY_VALUE: Fields = &[(1, Bytes), (2, Bytes)];
const COLUMN_ORDER: Fields = &[(1, EMPTY), (2, EMPTY)];

/// Number of values, encoding, encodings of the levels of definition and repetition, statistics.
const DATA_PAGE: Fields =
    &[(1, Integer), (2, Integer), (3, Integer), (4, Integer), (5, Struct(STATISTICS))];

/// Numbers of values, nulls and rows, encoding, bytes of the levels, whether packed, statistics.
const DATA_PAGE_V2: Fields = &[
    (1, Integer),
    (2, Integer),
    (3, Integer),
    (4, Integer),
    (5, Integer),
    (6, Integer),
    (7, Truth),
    (8, Struct(STATISTICS)),
];

/// Number of values, encoding, whether sorted.
const DICTIONARY_PAGE: Fields = &[(1, Integer), (2, Integer), (3, Truth)];
