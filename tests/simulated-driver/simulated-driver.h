/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * How tests steer the simulated CUDA driver: a library called libcuda.so.1, built for tests only
 * and never installed, that keeps "device memory" in memory files. It has the functions that
 * libtachyon asks for, and no others: no kernels, no torch.
 *
 * It is stricter than a real one, so that mistakes show:
 * - device memory cannot be touched by the host (SIGSEGV), has another address in each process, and
 *   holds rubbish when it is new;
 * - queued work is done when somebody synchronizes, and never before;
 * - freed memory is overwritten, for those that still have it open;
 * - what a real driver leaves undefined ends the process with a message: calls in a forked child,
 *   of what does not exist, of another context, the end of a queue that has work left.
 *
 * Environment, read by cuInit: SIMULATED_CUDA_DEVICES (1), SIMULATED_CUDA_INIT (its CUresult, 0).
 */
#ifndef SIMULATED_DRIVER_H
#define SIMULATED_DRIVER_H

#include <stddef.h>
#include <stdint.h>

/* Calls of this process so far, save those of cuGetErrorName. */
unsigned int simulated_cuda_calls(void);
/*
 * The number-th call from now on answers result, once; 0: none does. Calls that end something do so
 * nevertheless, as real ones, which may tell of an earlier error.
 */
void simulated_cuda_fail(unsigned int number, int result);
/* The call that did, or NULL. */
const char *simulated_cuda_failed(void);

/* Objects of this process, not ended yet: retained contexts, memory, streams, events. */
size_t simulated_cuda_live(void);
/* Contexts that this thread has entered and not left. */
size_t simulated_cuda_depth(void);

/*
 * Copies that begin from now on are made in pieces of size bytes, with a pause after each; 0: at
 * once.
 */
void simulated_cuda_slow(size_t size, unsigned int pause_us);
/* How many have begun so. */
unsigned int simulated_cuda_slow_copies(void);
/* The number-th copy from now on stops the process, as SIGSTOP does, when half of it is done. */
void simulated_cuda_stop(unsigned int number);

/* As a kernel that the program starts: queued on the legacy default stream. 0, or a CUresult. */
int simulated_cuda_queue_fill(uint64_t memory, unsigned char byte, size_t size);
/* What is in device memory now, whatever is queued. 0, or a CUresult. */
int simulated_cuda_peek(uint64_t memory, void *to, size_t size);
int simulated_cuda_poke(uint64_t memory, const void *from, size_t size);

#endif
