//! One device of a person: it does this and that, and now and then what it must not.

use std::sync::Arc;

use super::World;
use super::person::{Handle, Person, Wallet};
use crate::dice::Dice;
use crate::history::{Answer, Call};

/// A person lives for so many events; what is left of a history is for the last look.
const LIFE: usize = 92;
/// Sessions that a person holds at once.
const SESSIONS: usize = 5;
/// Attempts at a birth.
const ATTEMPTS: u32 = 20;

/// Registers until the mail is there. Whether an account comes of it is for the devices, all at once.
pub(super) async fn birth(world: &World, person: &Person) -> bool {
    for _ in 0..ATTEMPTS {
        person.ask(world, Call::Register(0)).await;
        for _ in 0..ATTEMPTS {
            match person.ask(world, Call::Mail).await {
                Answer::Done => return true,
                Answer::Unknown => {}
                _ => break,
            }
        }
    }
    world.problem(format!("{} could not be registered", person.email));
    false
}

/// Does this and that until the person's time is over.
pub(super) async fn live(world: Arc<World>, person: Arc<Person>, mut dice: Dice) {
    person.ask(&world, Call::Verify).await;
    let mut lives = world.lives();
    while person.events() < LIFE && !world.stopped() {
        let call = if lives == world.lives() {
            person.wallet(|wallet| choose(wallet, &mut dice))
        } else {
            // The server is back: is what this device holds still there?
            lives = world.lives();
            person.wallet(|wallet| {
                one(wallet, &mut dice).map_or(Call::LogIn(wallet.password), |handle| check(&handle))
            })
        };
        person.ask(&world, call).await;
    }
}

/// Asks for all that the person holds, one after the other.
pub(super) async fn look_once_more(world: &World, person: &Person) {
    person.ask(world, Call::LogIn(person.wallet(|wallet| wallet.password))).await;
    for handle in person.wallet(|wallet| wallet.held()) {
        person.ask(world, check(&handle)).await;
        if handle.has_tokens() {
            person.ask(world, Call::Refresh(handle.id, handle.proof)).await;
        }
        if let Some(older) = handle.older.first() {
            let spent = if handle.has_tokens() {
                Call::Refresh(handle.id, *older)
            } else {
                Call::Check(handle.id, Some(*older))
            };
            person.ask(world, spent).await;
        }
    }
    person.ask(world, Call::Verify).await;
}

fn one(wallet: &Wallet, dice: &mut Dice) -> Option<Handle> {
    dice.one_of(&wallet.held()).cloned()
}

fn check(handle: &Handle) -> Call {
    let (session, cookie) = handle.by(handle.proof);
    Call::Check(session, cookie)
}

/// What to do next.
fn choose(wallet: &mut Wallet, dice: &mut Dice) -> Call {
    let Some(handle) = one(wallet, dice) else { return log_in(wallet, dice) };
    // Now and then by a proof that was replaced.
    let proof = if dice.below(6) == 0 { dice.one_of(&handle.older).copied() } else { None };
    let proof = proof.unwrap_or(handle.proof);
    let (session, cookie) = handle.by(proof);
    match dice.below(100) {
        0..36 if handle.has_tokens() => Call::Refresh(handle.id, proof),
        0..60 => Call::Check(session, cookie),
        60..78 => log_in(wallet, dice),
        78..86 => Call::LogOut(session, cookie),
        86..95 => {
            let new = wallet.next_password;
            wallet.next_password += 1;
            Call::Change { session, cookie, current: guess(wallet, dice), new }
        }
        _ => Call::Verify,
    }
}

fn log_in(wallet: &mut Wallet, dice: &mut Dice) -> Call {
    wallet.make_room(SESSIONS);
    let password = guess(wallet, dice);
    if dice.below(2) == 0 { Call::LogIn(password) } else { Call::LogInForTokens(password) }
}

/// The password that counts, as far as anybody knows, and now and then another one.
fn guess(wallet: &Wallet, dice: &mut Dice) -> u32 {
    if dice.below(6) > 0 {
        return wallet.password;
    }
    u32::try_from(dice.below(wallet.next_password as usize)).unwrap_or(0)
}
