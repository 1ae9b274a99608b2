/* SPDX-License-Identifier: MIT */
/* SPDX-FileCopyrightText: 2026 The Tachyon authors */
/* Runs the tests of a program one by one, each in a process of its own, and prints TAP. */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOWDOWN 3
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SLOWDOWN 3
#endif
#endif
#ifndef SLOWDOWN
#define SLOWDOWN 1
#endif

#define DEFAULT_TIMEOUT_S 30
#define EXIT_USAGE 2
#define EXIT_ALL_SKIPPED 77
#define MAX_FDS 4096
#define SHARED_MEMORY "/dev/shm"

/* What a test's processes tell the harness: a page they all share. */
struct verdict {
	atomic_uint checks;
	atomic_bool is_decided;
	atomic_bool is_skipped;
	char reason[1024];
};

enum outcome { PASSED, FAILED, SKIPPED };

/* What the process held before the test: fds are told apart by their number. */
struct holdings {
	bool fds[MAX_FDS];
	unsigned int mappings;
};

static struct test *first;
static struct test **last = &first;
static void (*setup)(void);
static struct verdict *verdict;
static char dir[PATH_MAX];

void test_register(struct test *test)
{
	*last = test;
	last = &test->next;
}

void test_set_setup(void (*fn)(void))
{
	setup = fn;
}

const char *test_dir(void)
{
	return dir;
}

const char *test_name(void)
{
	return strrchr(dir, '/') + 1;
}

bool test_is_long(void)
{
	const char *const text = getenv("TACHYON_TEST_LONG");

	return text && strcmp(text, "1") == 0;
}

void test_count_check(void)
{
	atomic_fetch_add_explicit(&verdict->checks, 1, memory_order_relaxed);
}

/* The first word counts: what fails after a failure is its echo. */
__attribute__((format(printf, 1, 0))) static void decide(const char *format, va_list args)
{
	if (atomic_exchange(&verdict->is_decided, true))
		return;
	vsnprintf(verdict->reason, sizeof(verdict->reason), format, args);
}

__attribute__((format(printf, 1, 2))) static void decide_failed(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	decide(format, args);
	va_end(args);
}

void test_fail(const char *file, int line, const char *format, ...)
{
	char text[900];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	decide_failed("%s:%d: %s", file, line, text);
	_exit(EXIT_FAILURE);
}

void test_fail_eq(const char *file, int line, const char *a_text, intmax_t a, const char *b_text,
		  intmax_t b)
{
	test_fail(file, line, "CHECK_EQ(%s, %s): %jd (0x%jx) is not %jd (0x%jx)", a_text, b_text, a,
		  (uintmax_t)a, b, (uintmax_t)b);
}

void test_check_str_eq(const char *file, int line, const char *a_text, const char *a,
		       const char *b_text, const char *b)
{
	test_count_check();
	if (a == b || (a && b && strcmp(a, b) == 0))
		return;
	test_fail(file, line, "CHECK_STR_EQ(%s, %s): \"%s\" is not \"%s\"", a_text, b_text,
		  a ? a : "(null)", b ? b : "(null)");
}

void test_check_mem_eq(const char *file, int line, const char *a_text, const void *a,
		       const char *b_text, const void *b, size_t size)
{
	const unsigned char *x = a;
	const unsigned char *y = b;

	test_count_check();
	for (size_t i = 0; i < size; i++) {
		if (x[i] != y[i])
			test_fail(file, line,
				  "CHECK_MEM_EQ(%s, %s): byte %zu of %zu: 0x%02x is not 0x%02x",
				  a_text, b_text, i, size, x[i], y[i]);
	}
}

void test_skip(const char *reason)
{
	atomic_store(&verdict->is_skipped, true);
	decide_failed("%s", reason);
	_exit(EXIT_SUCCESS);
}

pid_t run_child(int (*fn)(void *arg), void *arg)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0)
		test_fail(__FILE__, __LINE__, "fork: %s", strerror(errno));
	if (pid == 0)
		exit(fn(arg));
	return pid;
}

int wait_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			test_fail(__FILE__, __LINE__, "waitpid(%d): %s", (int)pid, strerror(errno));
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* --- in the test's process ------------------------------------------------------------------ */

static void list_fds(bool fds[MAX_FDS])
{
	DIR *const proc = opendir("/proc/self/fd");
	const struct dirent *entry;

	memset(fds, 0, MAX_FDS * sizeof(*fds));
	if (!proc)
		return;
	while ((entry = readdir(proc))) {
		const int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(proc) && fd < MAX_FDS)
			fds[fd] = true;
	}
	closedir(proc);
}

/* Of memory files, and of files in shared memory. */
static unsigned int count_shared_mappings(void)
{
	FILE *const maps = fopen("/proc/self/maps", "re");
	char line[PATH_MAX + 128];
	unsigned int count = 0;

	if (!maps)
		return 0;
	while (fgets(line, sizeof(line), maps))
		count += strstr(line, "/memfd:") || strstr(line, SHARED_MEMORY "/");
	fclose(maps);
	return count;
}

static void look_around(struct holdings *holdings)
{
	holdings->mappings = count_shared_mappings();
	list_fds(holdings->fds);
}

static bool compare_fds(const struct holdings *before, const struct holdings *after)
{
	for (int fd = 0; fd < MAX_FDS; fd++) {
		char link[64];
		char target[256] = "";

		if (before->fds[fd] == after->fds[fd])
			continue;
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		if (after->fds[fd] && readlink(link, target, sizeof(target) - 1) >= 0)
			decide_failed("left fd %d open: %s", fd, target);
		else
			decide_failed("closed fd %d, which was not its own", fd);
		return false;
	}
	return true;
}

static bool left_nothing_behind(const struct holdings *before)
{
	struct holdings after;
	const pid_t child = waitpid(-1, NULL, WNOHANG);

	if (child >= 0) {
		decide_failed("left a child process behind%s", child ? ", not waited for" : "");
		return false;
	}
	look_around(&after);
	if (!compare_fds(before, &after))
		return false;
	if (after.mappings > before->mappings) {
		decide_failed("left %u shared mappings behind", after.mappings - before->mappings);
		return false;
	}
	return true;
}

/* Does not return: what a test leaves in memory must not reach the next. */
static _Noreturn void run_in_child(const struct test *test)
{
	struct holdings before;

	/* TAP owns our stdout; orphans of the test are ours to find. */
	if (setpgid(0, 0) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0 || chdir(dir) < 0 ||
	    setrlimit(RLIMIT_CORE, &(struct rlimit){0}) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		decide_failed("harness: %s", strerror(errno));
		_exit(EXIT_FAILURE);
	}
	if (setup)
		setup();

	look_around(&before);
	test->run();
	if (atomic_load(&verdict->is_decided))
		_exit(EXIT_FAILURE);
	if (atomic_load(&verdict->checks) == 0) {
		decide_failed("asserts nothing");
		_exit(EXIT_FAILURE);
	}
	if (!left_nothing_behind(&before))
		_exit(EXIT_FAILURE);

	/* Not _exit(): the sanitizers report at exit, and by the status. */
	exit(EXIT_SUCCESS);
}

/* --- in the harness -------------------------------------------------------------------------- */

static unsigned int timeout_s(const struct test *test)
{
	const char *const text = getenv("TEST_TIMEOUT");
	const unsigned int usual =
		text && atoi(text) > 0 ? (unsigned int)atoi(text) : DEFAULT_TIMEOUT_S * SLOWDOWN;

	return test->timeout_s > 0 ? test->timeout_s * SLOWDOWN : usual;
}

static int remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void remove_dir(void)
{
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static bool make_dir(void)
{
	const char *const tmp = getenv("TMPDIR");
	char real[PATH_MAX];

	/* Without symlinks, so that it is what getcwd() says. */
	if (!realpath(tmp ? tmp : "/tmp", real))
		return false;
	snprintf(dir, sizeof(dir), "%.4000s/tachyon-test-XXXXXX", real);
	return mkdtemp(dir) != NULL;
}

/* Lock files stay: a listener never unlinks its own. */
static bool is_lock_file(const char *name)
{
	const size_t length = strlen(name);

	return length > 5 && strcmp(name + length - 5, ".lock") == 0;
}

static bool dir_is_empty(void)
{
	DIR *const listing = opendir(dir);
	const struct dirent *entry;
	bool is_empty = true;

	if (!listing) {
		decide_failed("removed its own directory");
		return false;
	}
	while (is_empty && (entry = readdir(listing))) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    is_lock_file(entry->d_name))
			continue;
		decide_failed("left a file behind: %s", entry->d_name);
		is_empty = false;
	}
	closedir(listing);
	return is_empty;
}

static bool is_of_the_test(const char *name)
{
	return strncmp(name, "tachyon.", 8) == 0 && strstr(name, test_name());
}

/* Whatever became of the test: its names would stay until the machine is restarted. */
static void remove_names(void)
{
	DIR *const listing = opendir(SHARED_MEMORY);
	const struct dirent *entry;
	char path[PATH_MAX];

	if (!listing)
		return;
	while ((entry = readdir(listing))) {
		if (!is_of_the_test(entry->d_name))
			continue;
		decide_failed("left a name in shared memory: %s", entry->d_name);
		snprintf(path, sizeof(path), SHARED_MEMORY "/%s", entry->d_name);
		if (remove(path) < 0)
			decide_failed("%s: %s", path, strerror(errno));
	}
	closedir(listing);
}

static struct timespec until(const struct timespec *deadline)
{
	struct timespec now;
	struct timespec left;

	clock_gettime(CLOCK_MONOTONIC, &now);
	left.tv_sec = deadline->tv_sec - now.tv_sec;
	left.tv_nsec = deadline->tv_nsec - now.tv_nsec;
	if (left.tv_nsec < 0) {
		left.tv_nsec += 1000000000;
		left.tv_sec--;
	}
	if (left.tv_sec < 0)
		left = (struct timespec){0};
	return left;
}

/* SIGCHLD, SIGINT and SIGTERM are blocked, and taken here. False when the time ran out. */
static bool wait_for_end(pid_t pid, unsigned int seconds, const sigset_t *signals)
{
	struct timespec deadline;

	clock_gettime(CLOCK_MONOTONIC, &deadline);
	deadline.tv_sec += seconds;
	for (;;) {
		siginfo_t info = {0};
		const struct timespec left = until(&deadline);
		int signal;

		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		    info.si_pid == pid)
			return true;
		if (left.tv_sec == 0 && left.tv_nsec == 0)
			return false;
		signal = sigtimedwait(signals, NULL, &left);
		if (signal == SIGINT || signal == SIGTERM) {
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
			remove_names();
			remove_dir();
			exit(128 + signal);
		}
	}
}

static enum outcome judge(const struct test *test, bool ended, int status)
{
	if (atomic_load(&verdict->is_skipped)) {
		remove_names();
		return SKIPPED;
	}
	if (!ended)
		decide_failed("timed out after %u s", timeout_s(test));
	else if (WIFSIGNALED(status))
		decide_failed("killed by signal %d (%s)", WTERMSIG(status),
			      strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		decide_failed("exited with status %d", WEXITSTATUS(status));
	else
		dir_is_empty();
	remove_names();
	return atomic_load(&verdict->is_decided) ? FAILED : PASSED;
}

static enum outcome run_test(const struct test *test)
{
	enum outcome outcome;
	sigset_t signals;
	sigset_t before;
	int status = 0;
	bool ended;
	pid_t pid;

	memset(verdict, 0, sizeof(*verdict));
	if (!make_dir()) {
		decide_failed("no temporary directory: %s", strerror(errno));
		return FAILED;
	}
	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigprocmask(SIG_BLOCK, &signals, &before);

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		run_in_child(test);
	}
	if (pid < 0) {
		decide_failed("fork: %s", strerror(errno));
		outcome = FAILED;
	} else {
		setpgid(pid, pid);
		ended = wait_for_end(pid, timeout_s(test), &signals);
		/* Before its number is free for others: whatever the test started goes, too. */
		kill(-pid, SIGKILL);
		waitpid(pid, &status, 0);
		while (waitpid(-pid, NULL, 0) > 0)
			;
		outcome = judge(test, ended, status);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	remove_dir();
	return outcome;
}

static enum outcome report(unsigned int number, const struct test *test)
{
	const enum outcome outcome = run_test(test);

	switch (outcome) {
	case PASSED:
		printf("ok %u - %s\n", number, test->name);
		break;
	case FAILED:
		printf("not ok %u - %s\n# %s: %s\n", number, test->name, test->name,
		       verdict->reason);
		break;
	case SKIPPED:
		printf("ok %u - %s # SKIP %s\n", number, test->name, verdict->reason);
		break;
	}
	fflush(stdout);
	return outcome;
}

static bool is_wanted(const struct test *test, int pattern_count, char *const *patterns)
{
	for (int i = 0; i < pattern_count; i++) {
		if (fnmatch(patterns[i], test->name, 0) == 0)
			return true;
	}
	return pattern_count == 0;
}

static int list_tests(void)
{
	for (const struct test *test = first; test; test = test->next)
		puts(test->name);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	unsigned int counts[] = {[PASSED] = 0, [FAILED] = 0, [SKIPPED] = 0};
	unsigned int wanted = 0;
	unsigned int number = 0;

	if (argc > 1 && strcmp(argv[1], "--list") == 0)
		return list_tests();

	for (const struct test *test = first; test; test = test->next)
		wanted += is_wanted(test, argc - 1, argv + 1);
	if (wanted == 0) {
		fprintf(stderr, "%s: no such test\n", argv[0]);
		return EXIT_USAGE;
	}
	/* Orphans of a test come to us, and are reaped before the next test starts. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) {
		perror("prctl");
		return EXIT_USAGE;
	}
	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (verdict == MAP_FAILED) {
		perror("mmap");
		return EXIT_USAGE;
	}

	printf("1..%u\n", wanted);
	for (const struct test *test = first; test; test = test->next) {
		if (is_wanted(test, argc - 1, argv + 1))
			counts[report(++number, test)]++;
	}
	if (counts[FAILED] > 0)
		return EXIT_FAILURE;
	if (counts[PASSED] > 0 || getenv("MESON_TEST_ITERATION"))
		return EXIT_SUCCESS;
	return EXIT_ALL_SKIPPED;
}
