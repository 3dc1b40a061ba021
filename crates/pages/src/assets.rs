//! What pages link to, under names that contain a hash of the content: a browser may keep each for ever.

use std::sync::LazyLock;

/// A static file, served as it is.
#[derive(Debug)]
pub struct Asset {
    /// `/static/look-0123456789abcdef.css`. Another content has another path: cache it as immutable.
    pub path: String,
    /// The media type, with its charset.
    pub content_type: &'static str,
    /// The body.
    pub bytes: &'static [u8],
    /// A strong entity tag, in quotes.
    pub etag: String,
}

/// All static files.
pub fn assets() -> &'static [Asset] {
    &*ASSETS
}

/// The assets by name, in the order of [`ASSETS`].
#[derive(Clone, Copy)]
pub(crate) enum Name {
    Look,
    Comfort,
    Mark,
    Send,
}

pub(crate) fn path(name: Name) -> &'static str {
    &ASSETS[name as usize].path
}

static ASSETS: LazyLock<[Asset; 4]> = LazyLock::new(|| {
    [
        asset("look", "css", "text/css; charset=utf-8", include_bytes!("../static/look.css")),
        asset("comfort", "js", "text/javascript; charset=utf-8", include_bytes!("../static/comfort.js")),
        asset("mark", "svg", "image/svg+xml", include_bytes!("../static/mark.svg")),
        asset("send", "js", "text/javascript; charset=utf-8", include_bytes!("../static/send.js")),
    ]
});

fn asset(stem: &str, extension: &str, content_type: &'static str, bytes: &'static [u8]) -> Asset {
    let hash = fnv1a(bytes);
    Asset {
        path: format!("/static/{stem}-{hash:016x}.{extension}"),
        content_type,
        bytes,
        etag: format!("\"{hash:016x}\""),
    }
}

/// FNV-1a, 64 bits: it tells versions of our own files apart and guards nothing.
const fn fnv1a(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        at += 1;
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_fnv1a() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_name_finds_its_asset() {
        let table = [
            (Name::Look, "/static/look-"),
            (Name::Comfort, "/static/comfort-"),
            (Name::Mark, "/static/mark-"),
            (Name::Send, "/static/send-"),
        ];
        for (name, start) in table {
            assert!(path(name).starts_with(start), "{}", path(name));
        }
    }

    #[test]
    fn assets_bring_nothing_from_elsewhere() {
        for asset in assets() {
            let text = str::from_utf8(asset.bytes).unwrap();
            assert!(
                !text.contains("://") || text.matches("://").count() == text.matches("//www.w3.org/").count()
            );
            assert!(!text.contains("@import") && !text.contains("innerHTML") && !text.contains("eval("));
        }
    }
}
