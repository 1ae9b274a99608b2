// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: 2026 The Tachyon authors

//! Errors, as this crate and as std has them.

use std::io;

use tachyon::{Bus, Error, ErrorKind};

#[test]
fn an_error_becomes_an_io_error_with_its_number() {
    let error = Bus::listen("@tachyon-rust-error", 0).unwrap_err();
    let io_error = io::Error::from(error);

    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(io_error.raw_os_error(), Some(libc::EINVAL));
    assert_eq!(io_error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_question_mark_suffices_in_a_function_of_io() {
    fn open() -> io::Result<Bus> {
        Ok(Bus::listen("@tachyon-rust-error", 0)?)
    }

    assert_eq!(open().unwrap_err().raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn each_number_has_its_kind_there_and_back() {
    for (errno, kind) in [
        (libc::EAGAIN, ErrorKind::WouldBlock),
        (libc::EPIPE, ErrorKind::Closed),
        (libc::EBADMSG, ErrorKind::Corrupt),
        (libc::ECANCELED, ErrorKind::Canceled),
        (libc::ETIMEDOUT, ErrorKind::TimedOut),
        (libc::EMSGSIZE, ErrorKind::TooBig),
        (libc::EPROTONOSUPPORT, ErrorKind::Version),
        (libc::EACCES, ErrorKind::Denied),
        (libc::EADDRINUSE, ErrorKind::InUse),
        (libc::ECHILD, ErrorKind::Forked),
        (libc::EINVAL, ErrorKind::Invalid),
        (libc::EBUSY, ErrorKind::Busy),
        (libc::ENOENT, ErrorKind::NotFound),
        (libc::EEXIST, ErrorKind::Exists),
        (libc::ENOMEM, ErrorKind::Other),
    ] {
        let error = Error::from(io::Error::from_raw_os_error(errno));

        assert_eq!(error.kind(), kind);
        assert_eq!(error.raw_os_error(), errno);
        assert_eq!(io::Error::from(error).raw_os_error(), Some(errno));
    }
}

#[test]
fn an_io_error_without_a_number_keeps_its_kind() {
    for kind in [
        io::ErrorKind::WouldBlock,
        io::ErrorKind::BrokenPipe,
        io::ErrorKind::TimedOut,
        io::ErrorKind::PermissionDenied,
        io::ErrorKind::AddrInUse,
        io::ErrorKind::InvalidInput,
        io::ErrorKind::ResourceBusy,
        io::ErrorKind::OutOfMemory,
        io::ErrorKind::Interrupted,
        io::ErrorKind::NotFound,
    ] {
        let error = Error::from(io::Error::from(kind));

        assert_eq!(io::Error::from(error).kind(), kind);
    }
    let odd = Error::from(io::Error::other("odd"));
    assert_eq!(odd.raw_os_error(), libc::EIO);
}

#[test]
fn the_questions_have_their_answers() {
    let error = |errno| Error::from(io::Error::from_raw_os_error(errno));

    assert!(error(libc::EPIPE).is_closed() && !error(libc::EAGAIN).is_closed());
    assert!(error(libc::ETIMEDOUT).is_timeout() && !error(libc::EPIPE).is_timeout());
    assert!(error(libc::EAGAIN).would_block() && !error(libc::ETIMEDOUT).would_block());
}

#[test]
fn an_error_says_what_it_means() {
    let error = Error::from(io::Error::from_raw_os_error(libc::EMSGSIZE));

    assert!(!error.to_string().is_empty());
    assert_ne!(
        error.to_string(),
        Error::from(io::Error::other("")).to_string()
    );
    let debug = format!("{error:?}");
    assert!(
        debug.contains("TooBig") && debug.contains(&libc::EMSGSIZE.to_string()),
        "{debug}"
    );
}

#[test]
fn the_version_is_that_of_the_crate() {
    assert_eq!(tachyon::version(), env!("CARGO_PKG_VERSION"));
}
