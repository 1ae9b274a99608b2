/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * The whole public interface of libtachyon. Concepts and wire facts: lib/PROTOCOL.md.
 */
#ifndef TACHYON_H
#define TACHYON_H

#include <tachyon/bus.h>
#include <tachyon/error.h>
#include <tachyon/frame.h>
#include <tachyon/log.h>
#include <tachyon/stream.h>
#include <tachyon/version.h>

#endif
