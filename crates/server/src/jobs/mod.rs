//! What the server does on its own: sending mail, telling clients of logouts, writing down when sessions were last used, rotating keys, deleting
//! what expired. Each job is a loop over one step, and the step takes its time from the clock it is handed.

pub mod backchannel;
pub mod cleanup;
pub mod clock;
pub mod keys;
pub mod mail;
pub mod sample;
pub mod seen;

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;

/// The running jobs.
#[derive(Debug)]
pub struct Jobs {
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Jobs {
    /// Starts them all.
    pub fn start(app: &App) -> Self {
        let jobs = Self { tasks: TaskTracker::new(), stop: CancellationToken::new() };
        jobs.every(app, Duration::from_secs(30), clock::step);
        jobs.every(app, Duration::from_secs(30), seen::step);
        jobs.every(app, Duration::from_hours(1), keys::step);
        jobs.every(app, Duration::from_mins(10), cleanup::step);
        jobs.every(app, Duration::from_secs(15), sample::step);
        jobs.tasks.spawn(keys::prepare(app.clone()));
        jobs.spawn_mail(app);
        jobs.tasks.spawn(backchannel::run(app.clone(), jobs.stop.clone()));
        jobs
    }

    /// Stops them, lets the present steps end, and writes down what is only in memory.
    pub async fn stop(self, app: &App) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        seen::step(app.clone()).await;
    }

    fn every<F>(&self, app: &App, period: Duration, round: fn(App) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (app, stop) = (app.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let mut timer = tokio::time::interval(period);
            timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while stop.run_until_cancelled(timer.tick()).await.is_some() {
                round(app.clone()).await;
            }
        });
    }

    fn spawn_mail(&self, app: &App) {
        let (app, stop) = (app.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            let mut timer = tokio::time::interval(Duration::from_secs(15));
            loop {
                tokio::select! {
                    () = stop.cancelled() => break,
                    _ = timer.tick() => {}
                    () = app.mail_bell.notified() => {}
                }
                // A mail server that does not answer must not hold up a stop.
                stop.run_until_cancelled(mail::step(app.clone())).await;
            }
        });
    }
}
