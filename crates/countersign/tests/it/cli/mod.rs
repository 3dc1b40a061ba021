//! The program itself: started, stopped and commanded as an operator does it.

mod accounts;
mod backups;
mod beside;
mod durable;
mod log_lines;
mod program;
mod readme;
mod reseals;
mod settings;
mod starts;
