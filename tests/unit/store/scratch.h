// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_STORE_SCRATCH_H
#define TESTS_UNIT_STORE_SCRATCH_H
// A directory of its own for each test (of the store and of the sinks), and small file helpers.
// Include after cmocka.

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/parse.h"
#include "base/rand.h"

struct scratch {
    char *dir;
    char **paths; // what scratch_path has returned
    size_t n, cap;
};

static inline int scratch_setup(void **state) {
    struct scratch *s = calloc(1, sizeof *s);
    if (!s || !(s->dir = strdup("/tmp/gatehouse-unit-XXXXXX"))) return -1;
    *state = s;
    return mkdtemp(s->dir) ? 0 : -1;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int type,
                                     struct FTW *ftw) {
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static inline void scratch_remove(const char *path) {
    nftw(path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline int scratch_teardown(void **state) {
    struct scratch *s = *state;
    scratch_remove(s->dir);
    for (size_t i = 0; i < s->n; i++) free(s->paths[i]);
    free(s->paths);
    free(s->dir);
    free(s);
    return 0;
}

// DIR/name; good until the test ends.
static inline const char *scratch_path(struct scratch *s, const char *name) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    buf_addf(&text, "%s/%s", s->dir, name);
    assert_int_equal(mem_grow(&s->paths, &s->cap, s->n + 1, sizeof *s->paths), 0);
    char *path = buf_take(&text);
    assert_non_null(path);
    return s->paths[s->n++] = path;
}

// The content of a file; n == 0 and p == NULL when there is none. To be freed by buf_fini.
static inline struct buf scratch_read(const char *path) {
    struct buf b = buf_make(SIZE_MAX);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char chunk[8192];
    for (ssize_t n; fd >= 0 && (n = read(fd, chunk, sizeof chunk)) > 0;)
        buf_add(&b, chunk, (size_t)n);
    if (fd >= 0) close(fd);
    return b;
}

static inline void scratch_write(const char *path, struct str content) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content.p, content.n), (ssize_t)content.n);
    close(fd);
}

static inline int64_t scratch_size(const char *path) {
    struct stat st;
    return lstat(path, &st) < 0 ? -1 : (int64_t)st.st_size;
}

static inline bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

// Runs `body` in a child; returns its exit status, or 128 + the signal that ended it.
static inline int in_child(int (*body)(void *ctx), void *ctx) {
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) _exit(body(ctx));
    int status = 0;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// GATEHOUSE_SEED, or the clock; printed so that a failure can be had again.
static inline struct rand scratch_rand(void) {
    const char *set = getenv("GATEHOUSE_SEED");
    uint64_t seed = 0;
    if (!set || !parse_u64(str_from(set), &seed)) {
        struct timespec t;
        clock_gettime(CLOCK_REALTIME, &t);
        seed = (uint64_t)t.tv_nsec ^ (uint64_t)t.tv_sec << 20;
    }
    printf("# GATEHOUSE_SEED=%llu\n", (unsigned long long)seed);
    return rand_make(seed);
}

// Run as another user when we are root, to whom permissions mean nothing.
static inline void become_nobody(void) {
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0)) _exit(99);
}

#endif
