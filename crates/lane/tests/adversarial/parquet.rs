//! Parquet files of wrong types, damaged ones, and ones that grow.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, DictionaryArray, Float64Array, Int64Array, ListArray, RecordBatch,
    StringArray, StructArray,
};
use arrow::datatypes::{DataType, Field, Int32Type, Int64Type, Schema};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::file::properties::WriterProperties;

use crate::place::Place;

fn written(batch: &RecordBatch, properties: WriterProperties) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
    bytes
}

fn table(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let fields: Vec<Field> =
        columns.iter().map(|(name, it)| Field::new(*name, it.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, it)| it).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    written(&batch, WriterProperties::default())
}

fn strings(values: &[&str]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn texts() -> ArrayRef {
    strings(&["a fine day", "a bad day"])
}

fn labels() -> ArrayRef {
    strings(&["good", "bad"])
}

fn report(files: Vec<(&str, Vec<u8>)>) -> String {
    let place = Place::new();
    let mut cases = Vec::new();
    for (name, bytes) in files {
        place.write(name, bytes);
        cases.push((name, format!("noise --data {name} --rate 0.5 --out noisy.csv")));
    }
    place.report(cases)
}

#[test]
fn columns_of_another_kind() {
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(vec![Some(vec![Some(1)]), None]);
    let field = Arc::new(Field::new("a", DataType::Utf8, true));
    let records = StructArray::from(vec![(field, texts())]);
    let none: ArrayRef = strings(&[]);
    insta::assert_snapshot!(report(vec![
        (
            "text_is_a_number.parquet",
            table(vec![("text", Arc::new(Int64Array::from(vec![1, 2]))), ("label", labels())]),
        ),
        (
            "text_is_bytes.parquet",
            table(vec![
                ("text", Arc::new(BinaryArray::from(vec![&b"\xff"[..], &b"a"[..]]))),
                ("label", labels()),
            ]),
        ),
        ("text_is_a_list.parquet", table(vec![("text", Arc::new(lists)), ("label", labels())])),
        ("text_is_a_record.parquet", table(vec![("text", Arc::new(records)), ("label", labels())])),
        (
            "label_is_a_fraction.parquet",
            table(vec![("text", texts()), ("label", Arc::new(Float64Array::from(vec![1.5, 2.0])))]),
        ),
        (
            "text_is_null.parquet",
            table(vec![
                ("text", Arc::new(StringArray::from(vec![Some("a fine day"), None]))),
                ("label", labels()),
            ]),
        ),
        (
            "label_is_null.parquet",
            table(vec![
                ("text", texts()),
                ("label", Arc::new(StringArray::from(vec![Some("good"), None]))),
            ]),
        ),
        (
            "nul_in_text.parquet",
            table(vec![("text", strings(&["a fine\0day", "a bad day"])), ("label", labels())]),
        ),
        ("no_rows.parquet", table(vec![("text", none.clone()), ("label", none)])),
        ("other_columns.parquet", table(vec![("words", texts()), ("class\u{1b}[2J", labels())])),
        (
            "column_twice.parquet",
            table(vec![("text", texts()), ("text", texts()), ("label", labels())]),
        ),
    ]));
}

#[test]
fn damaged_files() {
    let whole = table(vec![("text", texts()), ("label", labels())]);
    let n = whole.len();
    let with_end = |end: &[u8]| [&whole[..n - end.len()], end].concat();
    let footer = |length: u32| with_end(&[&length.to_le_bytes()[..], b"PAR1"].concat());
    let mut middle = whole.clone();
    middle[n - 60..n - 40].fill(0xff);
    let mut pages = whole.clone();
    pages[4..40].fill(0xff);
    insta::assert_snapshot!(report(vec![
        ("half.parquet", whole[..n / 2].to_vec()),
        ("other_magic.parquet", with_end(b"PAR2")),
        ("encrypted.parquet", with_end(b"PARE")),
        ("footer_of_4_gb.parquet", footer(u32::MAX)),
        ("footer_of_nothing.parquet", footer(0)),
        ("footer_overwritten.parquet", middle),
        ("pages_overwritten.parquet", pages),
        ("magic_alone.parquet", b"PAR1".to_vec()),
        ("empty.parquet", Vec::new()),
        ("table_of_text.parquet", b"text,label\na,b\n".to_vec()),
    ]));
}

/// A number as Thrift's compact protocol has it, seven bits a byte.
fn number(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A file of a footer alone: version 1, then its fields from the schema on.
fn footer_alone(fields: &[&[u8]]) -> Vec<u8> {
    let footer = [&[0x15, 2][..], &fields.concat(), &[0]].concat();
    [b"PAR1", &footer[..], &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat()
}

/// A column that states so many within it.
fn column_of(n_children: u64) -> Vec<u8> {
    [&[0x35, 0, 0x18, 1, b'a', 0x15][..], &number(2 * n_children), &[0]].concat()
}

#[test]
fn footers_that_state_more_than_there_is() {
    let schema = |n: u64| [&[0x19, 0xfc][..], &number(n)].concat();
    let deep = column_of(1).repeat(100_000);
    let one = [schema(2), column_of(1), column_of(0)].concat();
    let groups = [&[0x16, 4, 0x19, 0xfc][..], &number(i32::MAX as u64)].concat();
    insta::assert_snapshot!(report(vec![
        ("a_billion_columns.parquet", footer_alone(&[&schema(1_000_000_000), &column_of(0)])),
        ("a_billion_within_one.parquet", footer_alone(&[&schema(1), &column_of(1_000_000_000)])),
        ("fewer_than_none.parquet", footer_alone(&[&schema(1), &[0x55, 1, 0]])),
        (
            "100000_within_one_another.parquet",
            footer_alone(&[&schema(100_001), &deep, &column_of(0)]),
        ),
        ("two_billion_row_groups.parquet", footer_alone(&[&one, &groups])),
        ("rows_in_words.parquet", footer_alone(&[&one, &[0x18, 3, b't', b'w', b'o']])),
    ]));
}

/// A text of one letter, 80 MB long and a few kB packed.
fn compressed(compression: Compression) -> Vec<u8> {
    let long = "x".repeat(80_000_000);
    let batch = RecordBatch::try_from_iter([("text", strings(&[&long, "b"])), ("label", labels())])
        .unwrap();
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    written(&batch, properties)
}

/// The same by gzip, which does not stop at the kilobyte that its page states.
fn compressed_beyond_what_is_stated() -> Vec<u8> {
    let mut bytes = compressed(Compression::GZIP(GzipLevel::default()));
    // Behind the type of the first page, its size unpacked.
    let [field, size @ ..]: &mut [u8; 5] = bytes[6..].first_chunk_mut().unwrap();
    assert_eq!((*field, size.map(|it| it >> 7)), (0x15, [1, 1, 1, 0]));
    *size = [0xd0, 0x8f, 0x80, 0];
    bytes
}

/// Rows that all name one value of a dictionary.
fn repeated(value: &str, n_rows: usize) -> Vec<u8> {
    let column = |values: &[&str]| -> ArrayRef {
        let keys = (0..n_rows).map(|row| i32::from(values.len() > 1 && row == 0));
        let keys = arrow::array::PrimitiveArray::<Int32Type>::from_iter_values(keys);
        Arc::new(DictionaryArray::new(keys, strings(values)))
    };
    let columns = [("text", column(&[value])), ("label", column(&["good", "bad"]))];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(1 << 30)
        .set_data_page_row_count_limit(n_rows)
        .set_data_page_size_limit(1 << 30)
        .set_statistics_enabled(parquet::file::properties::EnabledStatistics::None)
        .build();
    written(&batch, properties)
}

#[test]
fn files_that_grow_when_they_are_unpacked() {
    let files = vec![
        ("page_of_80_mb.parquet", compressed(Compression::ZSTD(ZstdLevel::default()))),
        ("page_of_80_mb_that_states_1_kb.parquet", compressed_beyond_what_is_stated()),
        ("one_row_3000000_times.parquet", repeated("a day", 3_000_000)),
        ("one_mb_3000_times.parquet", repeated(&"z".repeat(1_000_000), 3000)),
    ];
    for (name, bytes) in &files {
        assert!(bytes.len() < 200_000, "{name} has {} bytes and is no bomb", bytes.len());
    }
    insta::assert_snapshot!(report(files));
}
