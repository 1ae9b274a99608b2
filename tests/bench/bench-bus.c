/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/*
 * What a bus costs over the least that could do the same, between two processes on two CPUs.
 *
 * Every round runs each variant once, in an order that rotates; a ratio is to the floor's time of
 * the same round, and the table shows medians over the rounds, and the quartiles of the ratio. Each
 * message carries 32 bytes, all of which the reader compares. The floors:
 *
 * ping-pong  One cache line each way. A side stores payload and sequence into its line, and spins
 *            on the other's sequence without a pause.
 * stream     A ring of cache lines, as large as the bus's. The producer stores payload and
 *            sequence into the next line; the consumer spins on that line's sequence. The consumer
 *            stores how far it read every quarter of the ring, and the producer loads that only
 *            when its copy says full. Less cannot move these bytes with back-pressure: one line
 *            crosses for each message, and one more for a quarter of a ring. It cannot do what a
 *            bus does: sizes, sleepers, ends, checks of the peer.
 * wake       A datagram socketpair: the sleeper polls it and takes one byte, the waker sends it.
 *            The waker lets it sleep for a while first. The time is from before the send until
 *            the sleeper holds the byte, or the message.
 *
 * It is a benchmark, not a test: it fails only when something is broken. Where something else runs
 * beside it, `chrt -f 50 bench-bus` keeps that away.
 */
#include "bench-bus.h"

#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS_MAX 1000
#define WATCHDOG_SECONDS 600

_Noreturn void bench_die(const char *what, int code)
{
	fprintf(stderr, "bench-bus: %s: %s\n", what, tachyon_strerror(code));
	exit(1);
}

void bench_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

uint64_t bench_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Of the time stamp counter; 0 where there is none. */
static uint64_t now_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return 0;
#endif
}

static void meet(struct bench_side *side)
{
	_Atomic uint64_t *const other = &side->shared->arrived[!side->role];

	side->barriers++;
	atomic_store_explicit(&side->shared->arrived[side->role], side->barriers,
			      memory_order_release);
	while (atomic_load_explicit(other, memory_order_acquire) < side->barriers)
		bench_relax();
}

/* --- the variants --- */

enum {
	PING_LINE,
	PING_BUS,
	STREAM_LINE,
	STREAM_BATCHES,
	STREAM_BUS,
	WAKE_BELL,
	WAKE_BUS,
	VARIANTS
};

struct variant {
	const char *name;
	void (*run[2])(struct bench_side *side);
	int floor;  /* the variant it is compared with */
	double aim; /* the ratio to reach; 0: none is set */
	enum { EXCHANGE, MESSAGE, WAKE } unit;
};

static const struct variant variants[VARIANTS] = {
	[PING_LINE] = {"ping-pong, cache lines",
		       {bench_ping_line, bench_pong_line},
		       PING_LINE,
		       0,
		       EXCHANGE},
	[PING_BUS] =
		{"ping-pong, bus", {bench_ping_bus, bench_pong_bus}, PING_LINE, 1.15, EXCHANGE},
	[STREAM_LINE] = {"stream, cache lines",
			 {bench_stream_line, bench_drain_line},
			 STREAM_LINE,
			 0,
			 MESSAGE},
	[STREAM_BATCHES] = {"stream, bus, batches of 32",
			    {bench_stream_batches, bench_drain_batches},
			    STREAM_LINE,
			    1.25,
			    MESSAGE},
	[STREAM_BUS] = {"stream, bus, each sent",
			{bench_stream_bus, bench_drain_bus},
			STREAM_LINE,
			1.25,
			MESSAGE},
	[WAKE_BELL] = {"wake, doorbell and poll",
		       {bench_wake_bell, bench_sleep_bell},
		       WAKE_BELL,
		       0,
		       WAKE},
	[WAKE_BUS] = {"wake, bus", {bench_wake_bus, bench_sleep_bus}, WAKE_BELL, 0, WAKE},
};

static const char *const units[] = {
	[EXCHANGE] = "exchange",
	[MESSAGE] = "message",
	[WAKE] = "wake",
};

struct figures {
	double ns[ROUNDS_MAX];
	double ticks[ROUNDS_MAX];
	double ratio[ROUNDS_MAX];
	uint64_t calls[2];
	uint64_t units;
};

struct plan {
	unsigned rounds;
	uint64_t counts[3]; /* by unit */
	int cpus[2];
};

static int compare_doubles(const void *a, const void *b)
{
	const double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

/* The value below which so many fourths of all lie. */
static double quartile(const double *values, size_t count, unsigned fourths)
{
	static double sorted[ROUNDS_MAX > BENCH_WAKES_MAX ? ROUNDS_MAX : BENCH_WAKES_MAX];

	memcpy(sorted, values, count * sizeof(*values));
	qsort(sorted, count, sizeof(*sorted), compare_doubles);
	return sorted[(count - 1) * fourths / 4];
}

static double median(const double *values, size_t count)
{
	return quartile(values, count, 2);
}

static double median_latency(const struct bench_shared *shared, uint64_t count)
{
	static double latencies[BENCH_WAKES_MAX];

	for (uint64_t i = 0; i < count; i++)
		latencies[i] = (double)shared->latencies_ns[i];
	return median(latencies, count);
}

/* Both processes go through the same steps; only the producer keeps the figures. */
static void run_once(struct bench_side *side, const struct variant *variant,
		     struct figures *figures, unsigned round)
{
	struct bench_shared *shared = side->shared;
	uint64_t start_ns, start_ticks, calls;
	double ns, ticks_per_ns;

	meet(side);
	calls = tachyon_system_calls();
	start_ns = bench_now_ns();
	start_ticks = now_ticks();
	variant->run[side->role](side);
	shared->calls[side->role] = tachyon_system_calls() - calls;
	meet(side);
	ns = (double)(bench_now_ns() - start_ns);
	ticks_per_ns = (double)(now_ticks() - start_ticks) / ns;

	side->base += side->count;
	if (side->role == BENCH_CONSUMER)
		return;
	figures->ns[round] = variant->unit == WAKE ? median_latency(shared, side->count)
						   : ns / (double)side->count;
	figures->ticks[round] = figures->ns[round] * ticks_per_ns;
	figures->calls[BENCH_PRODUCER] += shared->calls[BENCH_PRODUCER];
	figures->calls[BENCH_CONSUMER] += shared->calls[BENCH_CONSUMER];
	figures->units += side->count;
}

static void run_all(struct bench_side *side, const struct plan *plan, struct figures *figures)
{
	/* Round 0 warms up, and counts for nothing. */
	for (unsigned round = 0; round <= plan->rounds; round++) {
		if (round == 1)
			memset(figures, 0, VARIANTS * sizeof(*figures));
		for (unsigned i = 0; i < VARIANTS; i++) {
			const unsigned which = (i + round) % VARIANTS;

			side->count = plan->counts[variants[which].unit];
			run_once(side, &variants[which], &figures[which], round ? round - 1 : 0);
		}
	}
}

static void finish_ratios(struct figures *figures, unsigned rounds)
{
	for (unsigned which = 0; which < VARIANTS; which++) {
		const struct figures *floor = &figures[variants[which].floor];

		for (unsigned round = 0; round < rounds; round++)
			figures[which].ratio[round] = figures[which].ns[round] / floor->ns[round];
	}
}

static void print_row(const struct variant *variant, const struct figures *figures, unsigned rounds)
{
	const struct figures *found = &figures[variant - variants];
	const double ratio = median(found->ratio, rounds);

	printf("%-27s %9.1f %10.1f ", variant->name, median(found->ns, rounds),
	       median(found->ticks, rounds));
	if (found == &figures[variant->floor]) {
		printf("%6s  the floor, per %s\n", "1", units[variant->unit]);
		return;
	}
	printf("%6.2f %6.2f .. %4.2f ", ratio, quartile(found->ratio, rounds, 1),
	       quartile(found->ratio, rounds, 3));
	if (variant->aim > 0)
		printf("%5.2f %4s  ", variant->aim, ratio <= variant->aim ? "yes" : "NO");
	else
		printf("%5s %4s  ", "-", "-");
	printf("%.4f, %.4f per %s\n", (double)found->calls[BENCH_PRODUCER] / (double)found->units,
	       (double)found->calls[BENCH_CONSUMER] / (double)found->units, units[variant->unit]);
}

static void print_table(const struct figures *figures, const struct plan *plan)
{
	struct utsname kernel;

	uname(&kernel);
	printf("libtachyon %s, %s %s, CPUs %d and %d, %u rounds, medians; 32 B each\n",
	       tachyon_version(), kernel.sysname, kernel.release, plan->cpus[BENCH_PRODUCER],
	       plan->cpus[BENCH_CONSUMER], plan->rounds);
	printf("%-27s %9s %10s %6s %14s %5s %4s  %s\n", "variant", "ns", "TSC ticks", "ratio",
	       "quartiles", "aim", "met", "system calls: producer, consumer");
	for (unsigned which = 0; which < VARIANTS; which++)
		print_row(&variants[which], figures, plan->rounds);
}

/* --- the two processes --- */

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		bench_die("sched_setaffinity", -errno);
}

static struct tachyon_bus *open_bus(struct bench_side *side, const char *address, uint32_t spin)
{
	const struct tachyon_bus_options options = {
		.size = sizeof(options),
		.spin = spin,
		.ring_size = BENCH_RING_SIZE,
	};
	struct tachyon_bus *bus;

	if (side->role == BENCH_PRODUCER)
		bench_expect(tachyon_bus_listen(address, &options, &bus), "listen");
	else
		bench_expect(tachyon_bus_connect(address, &options, &bus), "connect");
	return bus;
}

static void run_side(struct bench_side *side, const char *address, const struct plan *plan,
		     struct figures *figures)
{
	pin(plan->cpus[side->role]);
	side->bus = open_bus(side, address, 0);
	side->sleepy_bus = open_bus(side, address, TACHYON_SPIN_NEVER);
	side->base = 1;
	run_all(side, plan, figures);
	if (side->role == BENCH_PRODUCER)
		signal(SIGCHLD, SIG_DFL);
	meet(side);
	tachyon_bus_destroy(side->sleepy_bus);
	tachyon_bus_destroy(side->bus);
}

static void on_child_exit(int signal)
{
	static const char text[] = "bench-bus: the consumer ended early\n";

	(void)signal;
	(void)!write(STDERR_FILENO, text, sizeof(text) - 1);
	_exit(1);
}

static pid_t start_consumer(struct bench_side *side, const char *address, const struct plan *plan,
			    struct figures *figures)
{
	const pid_t producer = getpid();
	const pid_t pid = fork();

	if (pid != 0)
		return pid;

	signal(SIGCHLD, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != producer)
		_exit(1);
	side->role = BENCH_CONSUMER;
	run_side(side, address, plan, figures);
	exit(0);
}

static int run_both(const struct plan *plan)
{
	static struct figures figures[VARIANTS];
	struct bench_side side = {0};
	char address[64];
	int bells[2];
	pid_t consumer;
	int status;

	side.shared = mmap(NULL, sizeof(*side.shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (side.shared == MAP_FAILED ||
	    socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, bells) < 0)
		bench_die("set-up", -errno);
	snprintf(address, sizeof(address), "@tachyon-bench-bus-%d", (int)getpid());

	signal(SIGCHLD, on_child_exit);
	alarm(WATCHDOG_SECONDS);
	side.bell = bells[BENCH_CONSUMER];
	consumer = start_consumer(&side, address, plan, figures);
	if (consumer < 0)
		bench_die("fork", -errno);
	side.bell = bells[BENCH_PRODUCER];
	side.role = BENCH_PRODUCER;
	run_side(&side, address, plan, figures);

	finish_ratios(figures, plan->rounds);
	print_table(figures, plan);
	return waitpid(consumer, &status, 0) == consumer && status == 0 ? 0 : 1;
}

/* --- the command line --- */

static int core_of(int cpu, const char *what)
{
	char path[96];
	FILE *file;
	int id = -1;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
	file = fopen(path, "re");
	if (!file)
		return -1;
	if (fscanf(file, "%d", &id) != 1)
		id = -1;
	fclose(file);
	return id;
}

/* Two threads of one core share its first cache: no line would cross. */
static bool share_a_core(int cpu, int other)
{
	return core_of(cpu, "core_id") >= 0 &&
	       core_of(cpu, "core_id") == core_of(other, "core_id") &&
	       core_of(cpu, "physical_package_id") == core_of(other, "physical_package_id");
}

/* The first CPU that we may use, and the first on another core, or else any other. */
static bool choose_cpus(int cpus[2])
{
	cpu_set_t allowed;
	int found = 0;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) < 0)
		bench_die("sched_getaffinity", -errno);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET((size_t)cpu, &allowed))
			continue;
		if (found < 2)
			cpus[found++] = cpu;
		if (found == 2 && cpu != cpus[0] && !share_a_core(cpus[0], cpu)) {
			cpus[1] = cpu;
			return true;
		}
	}
	return found == 2;
}

static int usage(void)
{
	fprintf(stderr, "usage: bench-bus [--rounds=N] [--exchanges=N] [--messages=N] [--wakes=N] "
			"[--cpus=A,B]\n");
	return 2;
}

static int parse(int argc, char **argv, struct plan *plan)
{
	static const struct option options[] = {
		{"rounds", required_argument, NULL, 'r'},
		{"exchanges", required_argument, NULL, 'e'},
		{"messages", required_argument, NULL, 'm'},
		{"wakes", required_argument, NULL, 'w'},
		{"cpus", required_argument, NULL, 'c'},
		{NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'r')
			plan->rounds = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'e')
			plan->counts[EXCHANGE] = strtoull(optarg, NULL, 10);
		else if (option == 'm')
			plan->counts[MESSAGE] = strtoull(optarg, NULL, 10);
		else if (option == 'w')
			plan->counts[WAKE] = strtoull(optarg, NULL, 10);
		else if (option != 'c' ||
			 sscanf(optarg, "%d,%d", &plan->cpus[0], &plan->cpus[1]) != 2)
			return -EINVAL;
	}
	return optind == argc && plan->rounds >= 1 && plan->rounds <= ROUNDS_MAX &&
			       plan->counts[EXCHANGE] >= 1 && plan->counts[MESSAGE] >= 1 &&
			       plan->counts[WAKE] >= 1 && plan->counts[WAKE] <= BENCH_WAKES_MAX
		       ? 0
		       : -EINVAL;
}

int main(int argc, char **argv)
{
	struct plan plan = {
		.rounds = 21,
		.counts = {[EXCHANGE] = 20000, [MESSAGE] = 500000, [WAKE] = 100},
		.cpus = {-1, -1},
	};

	if (parse(argc, argv, &plan) < 0)
		return usage();
	if (plan.cpus[0] < 0 && !choose_cpus(plan.cpus)) {
		printf("bench-bus: needs two CPUs\n");
		return 0;
	}
	return run_both(&plan);
}
