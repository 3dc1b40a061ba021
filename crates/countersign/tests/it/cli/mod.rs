//! The program itself: started, stopped and commanded as an operator does it.

mod accounts;
mod backups;
mod beside;
mod certificates;
mod clients;
mod durable;
mod log_events;
mod log_lines;
mod log_sinks;
mod managed;
mod packaged;
mod program;
mod readme;
mod reseals;
mod settings;
mod starts;
