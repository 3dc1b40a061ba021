//! The only unsafe code of the workspace: SQLite takes its file system as C functions (<https://sqlite.org/vfs.html>).
//!
//! The operating system's own functions do the work; opening, writing, truncating, syncing and closing ask the disk first.

#![expect(unsafe_code, reason = "SQLite's file system is an interface of C")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::ptr;
use std::sync::OnceLock;

use anyhow::{Context as _, ensure};
use libsqlite3_sys::{
    SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR_FSYNC, SQLITE_IOERR_WRITE, SQLITE_OK, SQLITE_OPEN_MAIN_DB,
    SQLITE_OPEN_READWRITE, SQLITE_OPEN_WAL, sqlite3_file, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs,
    sqlite3_vfs_find, sqlite3_vfs_register,
};

use super::{Change, DISK, Fault, Verdict};

/// The operating system's functions.
struct Original {
    vfs: *mut sqlite3_vfs,
    /// For databases, and for their logs: those need no locks.
    methods: [OnceLock<Methods>; 2],
}

/// A file's functions: the operating system's, and those with ours among them.
struct Methods {
    original: *const sqlite3_io_methods,
    ours: sqlite3_io_methods,
}

// SAFETY: the pointers lead to constants of SQLite's, which are never written to and live as long as the process.
unsafe impl Send for Original {}
// SAFETY: as above; nothing here is written to after it was set once.
unsafe impl Sync for Original {}
// SAFETY: as above.
unsafe impl Send for Methods {}
// SAFETY: as above.
unsafe impl Sync for Methods {}

static ORIGINAL: OnceLock<Original> = OnceLock::new();

/// Puts the disk under every database that this process opens from now on. Again and again does nothing.
pub(crate) fn install() -> anyhow::Result<()> {
    if ORIGINAL.get().is_some() {
        return Ok(());
    }
    // SAFETY: null asks for the default one, which SQLite makes on first use.
    let default = unsafe { sqlite3_vfs_find(ptr::null()) };
    ensure!(!default.is_null(), "SQLite has no file system");
    // SAFETY: it is not null, and SQLite's own; it is copied, not changed.
    let mut vfs = unsafe { *default };
    vfs.zName = c"breakable".as_ptr();
    vfs.pNext = ptr::null_mut();
    vfs.xOpen = Some(open);
    let original = Original { vfs: default, methods: [OnceLock::new(), OnceLock::new()] };
    ORIGINAL.set(original).ok().context("installed twice at once")?;
    // SAFETY: SQLite keeps the pointer, and the box is never freed. The functions in it are the default one's, which use
    // the fields that were copied, and ours.
    let registered = unsafe { sqlite3_vfs_register(Box::into_raw(Box::new(vfs)), 1) };
    ensure!(registered == SQLITE_OK, "SQLite refuses the file system: {registered}");
    Ok(())
}

/// `xOpen`: the operating system opens the file, then ours stand among its functions.
unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: *const c_char,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let Some(original) = ORIGINAL.get() else { return SQLITE_CANTOPEN };
    if let Verdict::Fail(_) = DISK.lock().may_open(flags & SQLITE_OPEN_READWRITE != 0) {
        // SAFETY: SQLite hands in a file to be filled; without functions it counts as not open.
        unsafe { (*file).pMethods = ptr::null() };
        return SQLITE_CANTOPEN;
    }
    // SAFETY: `install` put a default file system there, which can open files; the arguments are passed on as they came,
    // and the file has the size that the default one asks for.
    let opened = unsafe { (*original.vfs).xOpen.map(|open| open(original.vfs, name, file, flags, out)) };
    if opened != Some(SQLITE_OK) {
        return opened.unwrap_or(SQLITE_CANTOPEN);
    }
    if flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL) == 0 || name.is_null() {
        return SQLITE_OK;
    }
    let kind = usize::from(flags & SQLITE_OPEN_WAL != 0);
    // SAFETY: the file was opened, so it has functions.
    let methods = original.methods[kind].get_or_init(|| unsafe { ours((*file).pMethods) });
    // SAFETY: as above, and the name that it was opened by is a text that ends with 0.
    unsafe {
        if ptr::eq((*file).pMethods, methods.original) {
            DISK.lock().opened(file as usize, Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())));
            (*file).pMethods = &raw const methods.ours;
        }
    }
    SQLITE_OK
}

/// # Safety
/// `original` leads to functions that live as long as the process.
unsafe fn ours(original: *const sqlite3_io_methods) -> Methods {
    // SAFETY: by contract.
    let mut ours = unsafe { *original };
    ours.xWrite = Some(write);
    ours.xTruncate = Some(truncate);
    ours.xSync = Some(sync);
    ours.xClose = Some(close);
    Methods { original, ours }
}

/// The operating system's functions for a file that has ours.
///
/// # Safety
/// The file is open.
unsafe fn original(file: *mut sqlite3_file) -> Option<&'static sqlite3_io_methods> {
    // SAFETY: by contract.
    let own = unsafe { (*file).pMethods };
    let mut all = ORIGINAL.get()?.methods.iter().filter_map(OnceLock::get);
    let methods = all.find(|methods| ptr::eq(&raw const methods.ours, own))?;
    // SAFETY: a constant of SQLite's.
    Some(unsafe { &*methods.original })
}

const fn code(fault: Fault) -> c_int {
    match fault {
        Fault::Full => SQLITE_FULL,
        _ => SQLITE_IOERR_WRITE,
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    bytes: *const c_void,
    amount: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let (Ok(length), Ok(at)) = (usize::try_from(amount), usize::try_from(offset)) else {
        return SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite calls this for open files.
    let Some(write) = unsafe { original(file) }.and_then(|methods| methods.xWrite) else {
        return SQLITE_IOERR_WRITE;
    };
    // SAFETY: SQLite hands in so many bytes.
    let given = unsafe { std::slice::from_raw_parts(bytes.cast::<u8>(), length) };
    let verdict = DISK.lock().change(file as usize, Change::Write(at, given.to_vec()));
    match verdict {
        // SAFETY: the arguments are passed on as they came, to the function that they were meant for.
        Verdict::Pass => unsafe { write(file, bytes, amount, offset) },
        Verdict::Torn => {
            // SAFETY: likewise, but fewer bytes.
            unsafe { write(file, bytes, amount / 2, offset) };
            SQLITE_IOERR_WRITE
        }
        Verdict::Fail(fault) => code(fault),
    }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    let Ok(at) = usize::try_from(size) else { return SQLITE_IOERR_WRITE };
    // SAFETY: SQLite calls this for open files.
    let Some(truncate) = unsafe { original(file) }.and_then(|methods| methods.xTruncate) else {
        return SQLITE_IOERR_WRITE;
    };
    let verdict = DISK.lock().change(file as usize, Change::Truncate(at));
    match verdict {
        // SAFETY: the arguments are passed on as they came, to the function that they were meant for.
        Verdict::Pass => unsafe { truncate(file, size) },
        Verdict::Torn => SQLITE_IOERR_WRITE,
        Verdict::Fail(fault) => code(fault),
    }
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls this for open files.
    let Some(sync) = unsafe { original(file) }.and_then(|methods| methods.xSync) else {
        return SQLITE_IOERR_FSYNC;
    };
    if DISK.lock().may_sync() != Verdict::Pass {
        return SQLITE_IOERR_FSYNC;
    }
    // SAFETY: the arguments are passed on as they came, to the function that they were meant for.
    let synced = unsafe { sync(file, flags) };
    if synced == SQLITE_OK && DISK.lock().synced(file as usize) != Verdict::Pass {
        return SQLITE_IOERR_FSYNC;
    }
    synced
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    DISK.lock().closed(file as usize);
    // SAFETY: SQLite calls this for open files.
    let Some(close) = unsafe { original(file) }.and_then(|methods| methods.xClose) else { return SQLITE_OK };
    // SAFETY: the file is passed on to the function that it was meant for.
    unsafe { close(file) }
}
