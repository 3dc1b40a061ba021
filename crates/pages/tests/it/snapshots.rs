//! What every sample looks like.

use countersign_core::Locale;
use countersign_pages::{assets, mail, render_samples};

/// The hashes of static files change with each of their changes: they are not what a snapshot is about.
fn without_hashes(mut html: String) -> String {
    for asset in assets() {
        let hash = asset.etag.trim_matches('"');
        html = html.replace(hash, "HASH");
    }
    html
}

#[test]
fn every_page_looks_as_it_did() {
    for sample in Locale::ALL.into_iter().flat_map(render_samples) {
        insta::assert_snapshot!(sample.name.clone(), without_hashes(sample.html));
    }
}

#[test]
fn every_mail_reads_as_it_did() {
    for locale in Locale::ALL {
        for (name, mail) in mail::samples(locale) {
            let whole = format!("{}\n\n{}\n\n{}", mail.subject, mail.text, mail.html);
            insta::assert_snapshot!(format!("mail.{name}.{}", locale.as_str()), whole);
        }
    }
}
