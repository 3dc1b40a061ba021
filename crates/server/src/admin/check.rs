//! Looks whether a service can do its work: what `countersign doctor` asks it.

mod around;

use countersign_core::key::{Alg, Key, State};
use countersign_core::revocation::Epoch;
use countersign_core::time::trust::lies_ahead;
use countersign_core::{Span, Time};
use countersign_store::Error;
use countersign_store::audit::{Filter, events};
use countersign_store::key::keys;

use crate::app::App;

use self::around::around;
use super::{Finding, Level};

/// A round of the job that rotates keys may be late by this.
const LATE: Span = Span::days(2);
/// The clock of a machine that lost it shows a time before this release was made: 2026-01-01.
const RELEASED: Time = Time::from_micros(1_767_225_600_000_000);

/// Everything that only an open service can know.
pub(super) async fn check(app: &App) -> Vec<Finding> {
    let inside = vec![
        database(app).await,
        schema(app).await,
        clock(app).await,
        signing_keys(app).await,
        mail(app).await,
    ];
    [inside, epoch(app).await.into_iter().collect(), around(app).await].concat()
}

async fn database(app: &App) -> Finding {
    match app.store.ready().await {
        Ok(()) => Finding::new("database", Level::Fine, format!("{} answers", app.config.store)),
        Err(error) => Finding::new("database", Level::Broken, format!("{}: {error}", app.config.store)),
    }
}

async fn schema(app: &App) -> Finding {
    match app.store.prove_statements().await {
        Ok(()) => Finding::new("schema", Level::Fine, "all statements fit it"),
        Err(error @ Error::Unavailable(_)) => Finding::new("schema", Level::Broken, error.to_string()),
        Err(error) => Finding::new(
            "schema",
            Level::Broken,
            format!("{error}. Was the database changed by hand? `countersign migrate` brings it up to date"),
        ),
    }
}

async fn clock(app: &App) -> Finding {
    let newest = events(&app.store, &Filter { limit: 1, ..Filter::default() }).await;
    let newest = newest.ok().and_then(|lines| lines.first().map(|line| line.at));
    judge_clock(app.clock.now(), newest, app.clock_watch.wary(app.clock.passed()))
}

fn judge_clock(now: Time, newest: Option<Time>, wary: Span) -> Finding {
    let broken = |words: String| Finding::new("clock", Level::Broken, words);
    match newest {
        _ if now < RELEASED => {
            broken(format!("it says {now}: set it, else every token is refused elsewhere"))
        }
        Some(newest) if now + Span::minutes(1) < newest => broken(format!(
            "it says {now}, but something was written at {newest}: it was set back. Sessions live longer than they should"
        )),
        _ if wary > Span::ZERO => Finding::new(
            "clock",
            Level::Warning,
            format!(
                "it says {now}, and was set, or nothing ran for long: nothing is deleted and no key is replaced for another \
                 {} min of running. If it is right there is nothing to do, else set it",
                wary.as_seconds() / 60 + 1
            ),
        ),
        _ => Finding::new("clock", Level::Fine, format!("it says {now}")),
    }
}

async fn epoch(app: &App) -> Option<Finding> {
    // Where the database does not answer there is a finding already.
    judge_epoch(app.store.epoch().await.ok()?, app.clock.now())
}

fn judge_epoch(epoch: Epoch, now: Time) -> Option<Finding> {
    let words = format!(
        "everything issued before {} is refused, which is still to come: nobody stays logged in. The clock was ahead when \
         everything was ended. Set it right, stop the server, run `countersign restore --in-place --epoch-bump`, and start it",
        epoch.not_before()
    );
    epoch.lies_ahead(now).then(|| Finding::new("epoch", Level::Broken, words))
}

async fn signing_keys(app: &App) -> Finding {
    let stored = match keys(&app.store).await {
        Ok(stored) => stored,
        Err(error) => return Finding::new("keys", Level::Broken, error.to_string()),
    };
    let keys: Vec<_> = stored.into_iter().map(|stored| stored.key).collect();
    judge_keys(&keys, app.config.token_alg, app.policy.key.active, app.clock.now())
}

fn judge_keys(keys: &[Key], wanted: Alg, life: Span, now: Time) -> Finding {
    // Another algorithm takes over when its first key was published for long enough.
    let find = |state| {
        let keys = || keys.iter().filter(|key| key.state == state);
        keys().find(|key| key.alg == wanted).or_else(|| keys().next())
    };
    let warning = |words: String| Finding::new("keys", Level::Warning, words);
    let Some(active) = find(State::Active) else {
        return Finding::new(
            "keys",
            Level::Broken,
            "nothing signs tokens: restart the server, which makes a key",
        );
    };
    if lies_ahead(active.since, now) {
        return warning(format!(
            "{} signs since {}, which is still to come: the clock was ahead. The server dates the key anew while it runs, or \
             `countersign keys rotate` does",
            active.kid, active.since
        ));
    }
    if now > active.since + life + LATE {
        return warning(format!(
            "{} signs since {}, longer than keys.active: the server rotates keys while it runs, or `countersign keys rotate` does",
            active.kid, active.since
        ));
    }
    if find(State::Next).is_none() {
        return warning("no next key is published: the server makes one while it runs".to_owned());
    }
    Finding::new("keys", Level::Fine, format!("{} signs with {}", active.kid, active.alg.as_str()))
}

async fn mail(app: &App) -> Finding {
    match (&app.mailer, &app.config.smtp) {
        (Some(mailer), Some(smtp)) => match mailer.probe().await {
            Ok(()) => Finding::new("mail", Level::Fine, format!("{}:{} takes mail", smtp.host, smtp.port)),
            Err(error) => Finding::new(
                "mail",
                Level::Broken,
                format!("{}:{}: {error}. Look at mail.smtp_url and mail.tls", smtp.host, smtp.port),
            ),
        },
        _ if app.config.dev => Finding::new("mail", Level::Fine, "all of it is at /dev/inbox"),
        _ => Finding::new(
            "mail",
            Level::Warning,
            "mail.smtp_url is not set: nobody can register or recover a password",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Time = Time::from_micros(1_800_000_000_000_000);

    #[test]
    fn a_clock_that_was_set_back_is_found() {
        let table = [
            (Time::from_micros(0), None, Span::ZERO, Level::Broken),
            (NOW, None, Span::ZERO, Level::Fine),
            (NOW, Some(NOW), Span::ZERO, Level::Fine),
            (NOW, Some(NOW), Span::seconds(1), Level::Warning),
            (NOW, Some(NOW + Span::seconds(59)), Span::ZERO, Level::Fine),
            (NOW, Some(NOW + Span::hours(1)), Span::days(1), Level::Broken),
        ];
        for (now, newest, wary, level) in table {
            assert_eq!(judge_clock(now, newest, wary).level, level, "{now} {newest:?} {wary:?}");
        }
    }

    #[test]
    fn sto_16_an_epoch_of_a_clock_that_was_ahead_is_found() {
        assert_eq!(judge_epoch(Epoch::BEGINNING, NOW), None);
        assert_eq!(judge_epoch(Epoch::ending(NOW, Span::minutes(1)), NOW), None);
        let found = judge_epoch(Epoch::from_time(NOW + Span::days(9)), NOW);
        assert!(
            found.is_some_and(|found| found.level == Level::Broken && found.words.contains("--epoch-bump"))
        );
    }

    #[test]
    fn keys_that_do_not_move_on_are_found() {
        let key = |state, age| Key {
            kid: "k".to_owned(),
            alg: Alg::Es256,
            state,
            created_at: NOW - age,
            since: NOW - age,
        };
        let (next, life) = (key(State::Next, Span::ZERO), Span::days(90));
        let table = [
            (vec![], Level::Broken),
            (vec![next.clone()], Level::Broken),
            (vec![key(State::Active, Span::days(1))], Level::Warning),
            (vec![key(State::Active, Span::days(92)), next.clone()], Level::Fine),
            (vec![key(State::Active, Span::days(-1)), next.clone()], Level::Warning),
            (vec![key(State::Active, Span::days(93)), next], Level::Warning),
        ];
        for (keys, level) in table {
            assert_eq!(judge_keys(&keys, Alg::Es256, life, NOW).level, level, "{keys:?}");
        }
    }
}
