//! Whose the data is. A command that opens the database itself makes files beside it: as another user it would leave some
//! that the server cannot read or write, and a server that cannot start. Nor does a server start on what is another's.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::bail;
use countersign::config::Config;
use countersign_store::db::StoreUrl;

/// Refuses unless what is there of it is this user's.
pub(super) fn demand(config: &Config) -> anyhow::Result<()> {
    demand_files(config, |owner, own| owner == own)
}

/// Refuses to serve what is another user's. A folder of root's is not: a volume may be root's and let the server in by its
/// group, and what the server makes there is its own.
pub(super) fn demand_of_server(config: &Config) -> anyhow::Result<()> {
    const ROOT: u32 = 0;
    demand_files(config, |owner, own| owner == own || owner == ROOT)
}

fn demand_files(config: &Config, folder_fits: impl Fn(u32, u32) -> bool) -> anyhow::Result<()> {
    let database = match &config.store {
        StoreUrl::Sqlite(path) => Some(path.as_path()),
        StoreUrl::Memory | StoreUrl::Postgres(_) => None,
    };
    let own = rustix::process::geteuid().as_raw();
    for path in [Some(config.data.as_path()), database].into_iter().flatten() {
        let Ok(metadata) = fs::metadata(path) else { continue };
        let owner = metadata.uid();
        let fits = if path == config.data { folder_fits(owner, own) } else { owner == own };
        if !fits {
            bail!("{}", advice(path, &name_of(owner, &users())));
        }
    }
    Ok(())
}

fn advice(path: &Path, user: &str) -> String {
    format!(
        "{} belongs to {user}, and this command would leave files there that {user} cannot use: run it as `runuser -u {user} -- \
         countersign …`",
        path.display()
    )
}

/// Who is who on this machine, as far as a file says.
fn users() -> String {
    fs::read_to_string("/etc/passwd").unwrap_or_default()
}

/// The name of a user, or its number where it has none.
fn name_of(uid: u32, users: &str) -> String {
    let mut lines = users.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    lines.next().unwrap_or_else(|| format!("user {uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_called_by_name_where_there_is_one() {
        let users = "root:x:0:0:root:/root:/bin/bash\nnonsense\ncountersign:x:998:998::/var/lib/countersign:/sbin/nologin\n";
        assert_eq!(name_of(998, users), "countersign");
        assert_eq!(name_of(7, users), "user 7");
        let advice = advice(Path::new("/var/lib/countersign"), "countersign");
        assert!(advice.contains("`runuser -u countersign -- countersign …`"), "{advice}");
    }
}
