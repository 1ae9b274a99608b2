/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * One log line at the lowest place that knows the cause; none on the path of a message or frame.
 */
#ifndef TACH_LOG_H
#define TACH_LOG_H

#include <tachyon/log.h>

void tach_log(enum tachyon_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
