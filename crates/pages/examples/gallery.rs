//! Writes every sample of every page and mail, in both languages, to the folder named on the command line, with the
//! stylesheet beside it: `cargo run -p countersign-pages --example gallery -- target/gallery`.

use countersign_core::Locale;
use countersign_pages::{assets, mail, render_samples};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.ok_or_else(|| io::Error::other("name a folder to write to"))?;
    fs::create_dir_all(folder.join("static"))?;
    for asset in assets() {
        fs::write(folder.join(asset.path.trim_start_matches('/')), asset.bytes)?;
    }
    Locale::ALL.into_iter().try_for_each(|locale| write_language(&folder, locale))
}

fn write_language(folder: &Path, locale: Locale) -> io::Result<()> {
    for sample in render_samples(locale) {
        let relative = sample.html.replace("\"/static/", "\"static/");
        fs::write(folder.join(sample.name + ".html"), relative)?;
    }
    for (name, mail) in mail::samples(locale) {
        let stem = format!("mail-{name}.{}", locale.as_str());
        fs::write(folder.join(format!("{stem}.html")), mail.html)?;
        fs::write(folder.join(format!("{stem}.txt")), format!("{}\n\n{}", mail.subject, mail.text))?;
    }
    Ok(())
}
