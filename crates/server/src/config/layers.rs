//! The sources, laid over each other: defaults, file, environment, command line.

use std::collections::BTreeMap;
use std::path::Path;
use std::{fs, io};

use serde_path_to_error::Segment;
use toml::de::{DeTable, DeValue};
use toml::{Table, Value};

use super::env;
use super::error::{ConfigError, ConfigErrors, Origin};
use super::findings::Findings;
use super::nearest::nearest;
use super::setting::{SETTINGS, Setting};
use super::{LoadArgs, raw};

/// The value of each setting so far.
pub(super) struct Layers {
    values: Table,
    findings: Findings,
}

impl Layers {
    /// The lowest layer.
    pub(super) fn defaults() -> Self {
        let mut layers = Self { values: Table::new(), findings: Findings::default() };
        for setting in SETTINGS {
            layers.reset(setting);
        }
        layers
    }

    /// A TOML file. Where it cannot be read nothing else is looked at: what it says would be told as missing.
    pub(super) fn lay_file(&mut self, path: &Path) -> Result<(), ConfigErrors> {
        let text = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
        self.lay_text(path, &text);
        Ok(())
    }

    /// What such a file says.
    pub(super) fn lay_text(&mut self, path: &Path, text: &str) {
        let whole = || Origin::WholeFile(path.to_owned());
        let (spanned, errors) = DeTable::parse_recoverable(text);
        let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        for error in &errors {
            // The error's own text would quote the line, and with it a password.
            let origin =
                error.span().map_or_else(whole, |span| Origin::File(path.to_owned(), line(span.start)));
            self.findings.stray(origin, format!("is not TOML: {}", error.message()));
        }
        // Parsed once more for plain values: the ones above carry their places.
        let Ok(values) = text.parse::<Table>() else {
            if errors.is_empty() {
                self.findings.stray(whole(), "is not TOML".to_owned());
            }
            return;
        };
        for (section, inside) in spanned.get_ref() {
            let origin = Origin::File(path.to_owned(), line(section.span().start));
            let keys = match inside.get_ref() {
                DeValue::Table(inside) if !inside.is_empty() || is_section(section.get_ref()) => {
                    inside.keys()
                }
                _ => {
                    self.findings.stray(origin, unknown(section.get_ref()));
                    continue;
                }
            };
            for key in keys {
                let origin = Origin::File(path.to_owned(), line(key.span().start));
                let value =
                    values.get(&**section.get_ref()).and_then(|section| section.get(&**key.get_ref()));
                self.lay_named(&format!("{}.{}", section.get_ref(), key.get_ref()), value, origin);
            }
        }
    }

    fn lay_named(&mut self, name: &str, value: Option<&Value>, origin: Origin) {
        match (Setting::find(name), value) {
            (Some(setting), Some(value)) => self.lay(setting, value.clone(), origin),
            _ => self.findings.stray(origin, unknown(name)),
        }
    }

    /// The environment.
    pub(super) fn lay_env(&mut self, env: &BTreeMap<String, String>) {
        for variable in env::variables(env) {
            let origin = Origin::Env(variable.name.to_owned());
            let Some(setting) = variable.setting else {
                let nearest = env::nearest_name(variable.name);
                let problem = inline_key(variable.name)
                    .unwrap_or_else(|| format!("no setting has this variable; the nearest is {nearest}"));
                self.findings.stray(origin, problem);
                continue;
            };
            match setting.value(variable.value) {
                Ok(value) => self.lay(setting, value, origin),
                Err(problem) => {
                    self.findings.came_from(setting.key, origin);
                    self.findings.malformed(setting.key, problem);
                }
            }
        }
    }

    /// The command line; its `--config` was laid before.
    pub(super) fn lay_args(&mut self, args: LoadArgs) {
        let data = args.data.map(|path| path.into_os_string().into_string());
        if let Some(Err(_)) = data {
            self.findings.came_from("server.data", Origin::Args);
            self.findings.malformed("server.data", "must be a path in UTF-8");
        }
        let listen = args.listen.map(|address| address.to_string());
        for (key, value) in [("server.listen", listen), ("server.data", data.and_then(Result::ok))] {
            if let (Some(setting), Some(value)) = (Setting::find(key), value) {
                self.lay(setting, Value::String(value), Origin::Args);
            }
        }
    }

    /// Reads what lies on top. A setting that is malformed is noted and its default taken, so that the others are read
    /// too.
    pub(super) fn read(mut self) -> Result<(raw::Config, Findings), ConfigErrors> {
        // Each round either ends or takes one setting back to its default, which is well-formed.
        for _ in 0..=SETTINGS.len() {
            let error = match serde_path_to_error::deserialize(Value::Table(self.values.clone())) {
                Ok(raw) => return Ok((raw, self.findings)),
                Err(error) => error,
            };
            let problem = error.inner().message().to_owned();
            let Some(setting) = setting_at(error.path()) else {
                self.findings.stray(Origin::Preset, problem);
                break;
            };
            self.findings.malformed(setting.key, problem);
            self.reset(setting);
        }
        Err(self.findings.into_errors().unwrap_or(ConfigErrors(Vec::new())))
    }

    fn lay(&mut self, setting: &'static Setting, value: Value, origin: Origin) {
        self.findings.came_from(setting.key, origin);
        self.put(setting, Some(value));
    }

    fn reset(&mut self, setting: &Setting) {
        self.put(setting, setting.preset_value());
    }

    fn put(&mut self, setting: &Setting, value: Option<Value>) {
        let (section, key) = setting.parts();
        let section = self.values.entry(section).or_insert_with(|| Value::Table(Table::new()));
        if let Value::Table(section) = section {
            match value {
                Some(value) => section.insert(key.to_owned(), value),
                None => section.remove(key),
            };
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> ConfigErrors {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied => ": run this as the server's user (`runuser -u countersign -- …`)",
        _ => "",
    };
    ConfigErrors(vec![ConfigError {
        origin: Origin::WholeFile(path.to_owned()),
        key: String::new(),
        problem: format!("cannot be read: {error}{advice}"),
    }])
}

fn unknown(name: &str) -> String {
    if let Some(problem) = inline_key(name) {
        return problem;
    }
    if is_section(name) {
        return format!("{name} is a section: write [{name}]");
    }
    // A name without its section is looked for in all of them.
    let written = |setting: &Setting| if name.contains('.') { setting.key } else { setting.parts().1 };
    let nearest = nearest(name, SETTINGS.iter().map(|setting| (written(setting), setting.key)));
    format!("there is no setting {name}; the nearest is {nearest}")
}

fn is_section(name: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.parts().0 == name)
}

/// The one wrong name that tells of a bad plan.
fn inline_key(name: &str) -> Option<String> {
    ["server.master_key", "COUNTERSIGN_SERVER_MASTER_KEY"].contains(&name).then(|| {
        "the master key is never given here, where logs and process lists show it: write it to a file and name that in \
         server.master_key_file"
            .to_owned()
    })
}

fn setting_at(path: &serde_path_to_error::Path) -> Option<&'static Setting> {
    let mut names = path.iter().filter_map(|segment| match segment {
        Segment::Map { key } => Some(key.as_str()),
        _ => None,
    });
    Setting::find(&format!("{}.{}", names.next()?, names.next()?))
}
