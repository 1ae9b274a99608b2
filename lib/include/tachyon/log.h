/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * Where the library's log lines go. It never prints: without a callback they are dropped.
 */
#ifndef TACHYON_LOG_H
#define TACHYON_LOG_H

#ifdef __cplusplus
extern "C" {
#endif

enum tachyon_log_level {
	TACHYON_LOG_ERROR = 1,
	TACHYON_LOG_WARNING = 2,
	TACHYON_LOG_INFO = 3,
	TACHYON_LOG_DEBUG = 4,
};

/**
 * Receives one line, without a newline.
 *
 * It runs on the thread that met the cause, possibly under the library's private locks: it must
 * not call back into the library.
 */
typedef void (*tachyon_log_function)(enum tachyon_log_level level, const char *line, void *data);

/**
 * Set the process's log callback.
 *
 * @param function  where lines go; NULL drops them (the default). It and data must stay valid
 *                  until replaced, and until calls under way in other threads have returned
 * @param data      handed to function unchanged
 * @param level     lines of this level and graver ones are delivered
 *
 * @thread any, but best once before anything else
 */
void tachyon_log_set(tachyon_log_function function, void *data, enum tachyon_log_level level);

#ifdef __cplusplus
}
#endif

#endif
