//! What a start needs beside the configuration: the data folder and the master key (attack ADM-17).

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use countersign_core::seal::MasterKey;
use countersign_core::{Random, random};
use zeroize::Zeroizing;

use super::checked::Config;
use super::error::{ConfigError, ConfigErrors, Origin};

/// A key is short; whatever is longer is another file.
const MAX_KEY_BYTES: u64 = 4096;

impl Config {
    /// Makes the data folder where there is none (mode 0700), in dev mode also a master key (mode 0600), and reads the
    /// master key.
    pub fn prepare(&self, random: &dyn Random) -> Result<MasterKey, ConfigErrors> {
        self.make_data_folder()?;
        if self.dev {
            make_key(&self.master_key_file, random)
                .map_err(|error| self.refuse_key(format!("cannot be made: {error}")))?;
        }
        self.master_key()
    }

    /// Makes the data folder where there is none (mode 0700).
    pub fn make_data_folder(&self) -> Result<(), ConfigErrors> {
        let folder = DirBuilder::new().recursive(true).mode(0o700).create(&self.data);
        folder.map_err(|error| refuse("server.data", format!("{}: {error}", self.data.display())))
    }

    /// Reads the master key; makes nothing.
    pub fn master_key(&self) -> Result<MasterKey, ConfigErrors> {
        let unreadable = |error: io::Error| self.refuse_key(format!("cannot be read: {error}"));
        let file = File::open(&self.master_key_file).map_err(unreadable)?;
        // Of the file that is open, not of the name: it cannot be changed in between.
        let metadata = file.metadata().map_err(unreadable)?;
        if !metadata.is_file() || metadata.len() > MAX_KEY_BYTES {
            return Err(self.refuse_key("is no key file: 32 or more random bytes"));
        }
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if is_open(metadata.mode(), ours) {
            let path = self.master_key_file.display();
            return Err(self.refuse_key(format!("can be read by others: `chmod 600 {path}`")));
        }
        // Room for all of it from the start: a vector that grows leaves copies behind.
        let mut bytes = Vec::with_capacity(usize::try_from(MAX_KEY_BYTES).unwrap_or(0));
        file.take(MAX_KEY_BYTES).read_to_end(&mut bytes).map_err(unreadable)?;
        MasterKey::new(bytes).map_err(|error| {
            self.refuse_key(format!("{error}: make one with `(umask 077; head -c 32 /dev/urandom > FILE)`"))
        })
    }

    fn refuse_key(&self, problem: impl AsRef<str>) -> ConfigErrors {
        refuse("server.master_key_file", format!("{} {}", self.master_key_file.display(), problem.as_ref()))
    }
}

/// Whether others may read or write a key file of this mode. A group may read one that is not this user's own, or nobody here
/// could: so are secrets handed to a container, root's own and for its group (`fsGroup` in Kubernetes).
const fn is_open(mode: u32, ours: bool) -> bool {
    mode & if ours { 0o077 } else { 0o037 } != 0
}

fn refuse(key: &str, problem: String) -> ConfigErrors {
    ConfigErrors(vec![ConfigError { origin: Origin::Preset, key: key.to_owned(), problem }])
}

/// Writes a new key, unless there is one. It appears under its name only when it is whole and on disk, whoever else
/// starts or whatever breaks in between.
fn make_key(path: &Path, random: &dyn Random) -> io::Result<()> {
    if path.try_exists()? {
        return Ok(());
    }
    let unique = u64::from_be_bytes(random::bytes(random));
    let draft = path.with_extension(format!("{unique:016x}"));
    let result = write_key(&draft, random).and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    });
    // Another name of the same key, or half of one; a stray one harms nobody.
    let _ = fs::remove_file(&draft);
    result?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn write_key(path: &Path, random: &dyn Random) -> io::Result<()> {
    let key = Zeroizing::new(random::bytes::<32>(random));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&*key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LoadArgs, Mode};
    use countersign_core::random::Counter;
    use countersign_core::seal::Purpose;
    use std::collections::BTreeMap;
    use std::os::unix::fs::PermissionsExt as _;
    use tempfile::TempDir;

    fn dev(data: &Path) -> Config {
        let args = LoadArgs { data: Some(data.to_owned()), ..LoadArgs::default() };
        Config::load(Mode::Dev, args, &BTreeMap::new()).unwrap()
    }

    fn production(key_file: &Path) -> Config {
        let env = BTreeMap::from([
            ("COUNTERSIGN_SERVER_PUBLIC_URL".to_owned(), "https://login.example.com".to_owned()),
            ("COUNTERSIGN_SERVER_MASTER_KEY_FILE".to_owned(), key_file.display().to_string()),
        ]);
        let args = LoadArgs { data: key_file.parent().map(Path::to_owned), ..LoadArgs::default() };
        Config::load(Mode::Production, args, &env).unwrap()
    }

    fn write(folder: &TempDir, bytes: &[u8], mode: u32) -> Config {
        let path = folder.path().join("key");
        let _ = fs::remove_file(&path);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        production(&path)
    }

    #[test]
    fn dev_mode_makes_a_folder_and_a_key_once() {
        let folder = TempDir::new().unwrap();
        let config = dev(&folder.path().join("a/data"));
        let sealed = |key: &MasterKey| key.mac_key(Purpose::Codes).sign(b"same");
        let first = config.prepare(&Counter::new(1)).unwrap();
        let second = config.prepare(&Counter::new(99)).unwrap();
        assert_eq!(sealed(&first), sealed(&second));
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&config.master_key_file), 0o600);
        assert_eq!(mode(&config.data), 0o700);
        assert_eq!(fs::metadata(&config.master_key_file).unwrap().len(), 32);
        assert_eq!(fs::read_dir(&config.data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn adm_17_production_makes_no_key() {
        let folder = TempDir::new().unwrap();
        let config = production(&folder.path().join("key"));
        let errors = config.prepare(&Counter::new(1)).unwrap_err().to_string();
        assert!(errors.contains("server.master_key_file") && errors.contains("cannot be read"), "{errors}");
    }

    #[test]
    fn adm_17_a_group_may_read_a_key_file_of_somebody_else_and_no_more() {
        let table = [
            (0o600, true, false),
            (0o440, true, true),
            (0o440, false, false),
            (0o640, false, false),
            (0o660, false, true),
            (0o444, false, true),
            (0o602, false, true),
        ];
        for (mode, ours, open) in table {
            assert_eq!(is_open(mode, ours), open, "{mode:o} {ours}");
        }
    }

    #[test]
    fn adm_17_a_weak_or_open_key_file_refuses_the_start() {
        let folder = TempDir::new().unwrap();
        let good: Vec<u8> = (1..=32).collect();
        assert!(write(&folder, &good, 0o600).prepare(&Counter::new(1)).is_ok());
        assert!(write(&folder, &good, 0o400).master_key().is_ok());
        let table = [
            (good.clone(), 0o640, "chmod 600"),
            (good.clone(), 0o604, "chmod 600"),
            (good[..31].to_vec(), 0o600, "fewer than 32 bytes"),
            (vec![0; 64], 0o600, "repeats itself"),
            (b"changemechangemechangemechangeme".to_vec(), 0o600, "repeats itself"),
            (vec![7; 5000], 0o600, "no key file"),
            (Vec::new(), 0o600, "fewer than 32 bytes"),
        ];
        for (bytes, mode, problem) in table {
            let errors = write(&folder, &bytes, mode).prepare(&Counter::new(1)).unwrap_err().to_string();
            assert!(errors.contains(problem), "{errors}");
        }
        assert!(production(folder.path()).master_key().is_err(), "a folder is no key");
    }
}
