/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Error codes. Every function that can fail returns a negative errno value; the ones below carry a
 * meaning of their own here, and share errno's numbers so that nothing is ever translated.
 */
#ifndef TACHYON_ERROR_H
#define TACHYON_ERROR_H

#include <errno.h>

#ifdef __cplusplus
extern "C" {
#endif

enum tachyon_error {
	/** Nothing to take, or no room, now: wait, then try again. */
	TACHYON_ERR_AGAIN = -EAGAIN,
	/** The peer left or died, or this object was shut down: destroy it, connect anew. */
	TACHYON_ERR_CLOSED = -EPIPE,
	/** The peer broke the protocol; the connection is poisoned: destroy it. */
	TACHYON_ERR_CORRUPT = -EBADMSG,
	/** tachyon_*_cancel() was called: a wait gave up; nothing else changed. */
	TACHYON_ERR_CANCELED = -ECANCELED,
	/** A wait ran out of time; nothing else changed. */
	TACHYON_ERR_TIMEDOUT = -ETIMEDOUT,
	/** It would never fit: use a larger ring, or send less. */
	TACHYON_ERR_TOO_BIG = -EMSGSIZE,
	/** The peer speaks another protocol, or none: update one side. */
	TACHYON_ERR_VERSION = -EPROTONOSUPPORT,
	/** The peer's user, or the file's mode, does not allow it. */
	TACHYON_ERR_DENIED = -EACCES,
	/** A live listener owns the address: choose another, or stop that one. */
	TACHYON_ERR_IN_USE = -EADDRINUSE,
	/** The object belongs to the process that forked this one: create a new one here. */
	TACHYON_ERR_FORKED = -ECHILD,
};

/**
 * Say in words what an error code means.
 *
 * @param error  a negative value returned by this library, or 0
 *
 * @return a static string, never NULL; unknown numbers give "unknown error"
 *
 * @thread any
 */
const char *tachyon_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
