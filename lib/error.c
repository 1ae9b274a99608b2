/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Error codes in words, and which version this is.
 */
#include <tachyon/error.h>
#include <tachyon/version.h>

#include <limits.h>
#include <string.h>

#define TEXT(x) #x
#define VERSION(major, minor, micro) TEXT(major) "." TEXT(minor) "." TEXT(micro)

/* What errno's own text would not say of the codes that carry a meaning of their own here. */
static const char *describe(enum tachyon_error error)
{
	switch (error) {
	case TACHYON_ERR_AGAIN:
		return "nothing there, or no room, now";
	case TACHYON_ERR_CLOSED:
		return "the peer left, or this end was shut down";
	case TACHYON_ERR_CORRUPT:
		return "the peer broke the protocol";
	case TACHYON_ERR_CANCELED:
		return "the wait was canceled";
	case TACHYON_ERR_TIMEDOUT:
		return "the wait timed out";
	case TACHYON_ERR_TOO_BIG:
		return "too big ever to fit";
	case TACHYON_ERR_VERSION:
		return "the peer speaks another protocol";
	case TACHYON_ERR_DENIED:
		return "permission denied";
	case TACHYON_ERR_IN_USE:
		return "the address is in use";
	case TACHYON_ERR_FORKED:
		return "the object belongs to the process that forked this one";
	}
	return NULL;
}

/* The C locale's text, of static lifetime; NULL for a number that errno does not know. */
static const char *describe_errno(int number)
{
#ifdef __GLIBC__
	return strerrordesc_np(number);
#else
	return strerror(number);
#endif
}

const char *tachyon_strerror(int error)
{
	const char *text = NULL;

	if (error == 0)
		return "success";
	if (error < 0 && error > INT_MIN)
		text = describe((enum tachyon_error)error);
	if (!text && error < 0 && error > INT_MIN)
		text = describe_errno(-error);
	return text ? text : "unknown error";
}

const char *tachyon_version(void)
{
	return VERSION(TACHYON_VERSION_MAJOR, TACHYON_VERSION_MINOR, TACHYON_VERSION_MICRO);
}
