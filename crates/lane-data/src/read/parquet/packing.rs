//! How pages are packed, and that they do not grow beyond what they state.
//!
//! The decoder makes room for what a page states, and stops there, except with gzip, which it unpacks
//! to the end however far that is.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use ::parquet::basic::Compression;
use flate2::read::MultiGzDecoder;

use super::page_header::Page;

/// Whether pages of this kind must be unpacked to know their size; refuses kinds that are not read.
pub(super) fn hides_size(packing: Compression) -> Result<bool, String> {
    match packing {
        Compression::UNCOMPRESSED
        | Compression::SNAPPY
        | Compression::ZSTD(_)
        | Compression::LZ4_RAW => Ok(false),
        Compression::GZIP(_) => Ok(true),
        // The frames of the older LZ4 do not state their sizes either, and hardly anyone writes them.
        other => {
            let found = other.to_string();
            let found = found.split('(').next().unwrap_or_default();
            Err(format!("compressed by {found}, expected SNAPPY, ZSTD, GZIP, LZ4_RAW or nothing"))
        }
    }
}

/// Refuses a page that gzip would unpack to more than it states. One that is damaged is left to the
/// decoder.
pub(super) fn check_gzip(file: &mut (impl BufRead + Seek), page: Page) -> Result<(), String> {
    let failed = |error: io::Error| format!("page at byte {}: {error}", page.start);
    file.seek(SeekFrom::Start(page.start)).map_err(failed)?;
    let packed = BufReader::new(file.take(page.packed));
    let mut unpacked = MultiGzDecoder::new(packed).take(page.unpacked.saturating_add(1));
    let n_bytes = io::copy(&mut unpacked, &mut io::sink());
    if n_bytes.is_ok_and(|n_bytes| page.unpacked < n_bytes) {
        return Err(format!(
            "page at byte {}: it unpacks to more than the {} bytes that it states",
            page.start, page.unpacked
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use ::parquet::basic::{BrotliLevel, GzipLevel};
    use flate2::write::GzEncoder;

    use super::*;

    fn packed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[track_caller]
    fn check(page: &[u8], unpacked: u64, expected: Result<(), &str>) {
        let file = [b"ahead", page, b"behind"].concat();
        let page = Page { start: 5, packed: page.len() as u64, unpacked };
        assert_eq!(check_gzip(&mut Cursor::new(file), page), expected.map_err(Into::into));
    }

    #[test]
    fn a_page_unpacks_to_no_more_than_it_states() {
        let page = packed(&[b'a'; 1000]);
        check(&page, 1000, Ok(()));
        check(&page, 1001, Ok(()));
        let grows = "page at byte 5: it unpacks to more than the 999 bytes that it states";
        check(&page, 999, Err(grows));
        // One stream behind another is one page.
        check(&page.repeat(2), 2000, Ok(()));
        check(&page.repeat(2), 999, Err(grows));
        // Not gzip at all, or cut off: the decoder says so.
        check(b"plain", 999, Ok(()));
        check(&page[..page.len() / 2], 2000, Ok(()));
    }

    #[test]
    fn kinds_that_are_not_read_are_refused_by_name() {
        assert_eq!(hides_size(Compression::SNAPPY), Ok(false));
        assert_eq!(hides_size(Compression::GZIP(GzipLevel::default())), Ok(true));
        let said = |name| {
            Err(format!("compressed by {name}, expected SNAPPY, ZSTD, GZIP, LZ4_RAW or nothing"))
        };
        assert_eq!(hides_size(Compression::LZ4), said("LZ4"));
        let brotli = Compression::BROTLI(BrotliLevel::default());
        assert_eq!(hides_size(brotli), said("BROTLI"));
    }
}
