// SPDX-License-Identifier: Apache-2.0
// Makes one chosen allocation fail. Two ways to use it:
//
//   in a test program, linked with -Wl,--wrap=malloc and so on: failmalloc.h;
//   in a whole program, as a module in LD_PRELOAD (compiled with FAILMALLOC_PRELOAD), told by the
//   environment: FAIL_AT=N fails the N-th allocation (0: none, only count), FAIL_SCOPE=program
//   counts only what the program's own code asks for (default: libraries too), and FAIL_REPORT=FILE
//   gets the number of allocations counted when the program exits.
#include "failmalloc.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long counted;
static atomic_long fail_at;
static atomic_bool counting;

void failmalloc_arm(long n) {
    atomic_store(&counted, 0);
    atomic_store(&fail_at, n);
    atomic_store(&counting, true);
}

long failmalloc_disarm(void) {
    atomic_store(&counting, false);
    return atomic_load(&counted);
}

// Counts one allocation; true when this is the one to fail.
static bool fails(void) {
    if (!atomic_load(&counting)) return false;
    if (atomic_fetch_add(&counted, 1) + 1 != atomic_load(&fail_at)) return false;
    errno = ENOMEM;
    return true;
}

#ifdef FAILMALLOC_PRELOAD
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

// glibc's own functions behind the public names.
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t each);
void *__libc_realloc(void *p, size_t n);

struct range {
    uintptr_t from, to;
};
static struct range program = {0, UINTPTR_MAX};

// The first object is the program itself.
static int find_program(struct dl_phdr_info *info, size_t size, void *ctx) {
    (void)size;
    struct range *range = ctx;
    *range = (struct range){UINTPTR_MAX, 0};
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type != PT_LOAD) continue;
        uintptr_t from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
        uintptr_t to = from + info->dlpi_phdr[i].p_memsz;
        if (from < range->from) range->from = from;
        if (to > range->to) range->to = to;
    }
    return 1;
}

static long number_of(const char *text) {
    long n = 0;
    for (; text && *text >= '0' && *text <= '9'; text++) n = n * 10 + (*text - '0');
    return n;
}

__attribute__((constructor)) static void begin(void) {
    const char *scope = getenv("FAIL_SCOPE");
    if (scope && strcmp(scope, "program") == 0) dl_iterate_phdr(find_program, &program);
    failmalloc_arm(number_of(getenv("FAIL_AT")));
}

__attribute__((destructor)) static void report(void) {
    long count = failmalloc_disarm();
    const char *path = getenv("FAIL_REPORT");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
    if (fd < 0) return;
    dprintf(fd, "%ld\n", count);
    close(fd);
}

static bool fails_for(const void *caller) {
    uintptr_t at = (uintptr_t)caller;
    return at >= program.from && at < program.to && fails();
}

#define FAILS_HERE fails_for(__builtin_return_address(0))
#define REAL(name) __libc_##name
#define NAME(name) name
#else
#define FAILS_HERE fails()
#define REAL(name) __real_##name
#define NAME(name) __wrap_##name
void *REAL(malloc)(size_t n);
void *REAL(calloc)(size_t n, size_t each);
void *REAL(realloc)(void *p, size_t n);
void *NAME(malloc)(size_t n);
void *NAME(calloc)(size_t n, size_t each);
void *NAME(realloc)(void *p, size_t n);
char *NAME(strdup)(const char *text);
char *NAME(strndup)(const char *text, size_t max);
#endif

void *NAME(malloc)(size_t n) { return FAILS_HERE ? NULL : REAL(malloc)(n); }

void *NAME(calloc)(size_t n, size_t each) { return FAILS_HERE ? NULL : REAL(calloc)(n, each); }

void *NAME(realloc)(void *p, size_t n) { return FAILS_HERE ? NULL : REAL(realloc)(p, n); }

static char *copy(const char *text, size_t n) {
    char *p = REAL(malloc)(n + 1);
    if (!p) return NULL;
    memcpy(p, text, n);
    p[n] = '\0';
    return p;
}

char *NAME(strdup)(const char *text) { return FAILS_HERE ? NULL : copy(text, strlen(text)); }

char *NAME(strndup)(const char *text, size_t max) {
    return FAILS_HERE ? NULL : copy(text, strnlen(text, max));
}
