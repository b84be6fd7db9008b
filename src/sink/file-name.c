// SPDX-License-Identifier: Apache-2.0
// A name is a day and a number, and sorts by these: what the newest and the oldest file is can be
// told from the directory alone, without trusting times of change.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/time.h"
#include "sink/file-internal.h"

enum { DAY_DIGITS = 8 };

int64_t file_day(int64_t now_ms) {
    char text[TIME_RFC3339_MAX];
    time_format_rfc3339(now_ms, text);
    int64_t day = 0;
    for (const char *p = text; p < text + sizeof "2026-11-22" - 1; p++)
        if (*p != '-') day = day * 10 + (*p - '0');
    return day;
}

static bool parse_digits(struct str s, int64_t max, int64_t *ret) {
    uint64_t value;
    if (!parse_u64(s, &value) || value > (uint64_t)max) return false;
    *ret = (int64_t)value;
    return true;
}

bool file_name_parse(const char *base, struct str text, struct file_name *ret) {
    struct str prefix = str_from(base);
    const struct str suffix = STR(".ndjson");
    if (!str_starts(text, prefix) || !str_ends(text, suffix)) return false;
    if (text.n < prefix.n + 1 + DAY_DIGITS + suffix.n || text.p[prefix.n] != '-') return false;
    struct str middle = str_sub(text, prefix.n + 1, text.n - suffix.n);
    struct str rest = str_sub(middle, DAY_DIGITS, middle.n);
    struct file_name name = {0};
    if (!parse_digits(str_sub(middle, 0, DAY_DIGITS), 99999999, &name.day)) return false;
    if (rest.n) {
        struct str number = str_sub(rest, 1, rest.n);
        if (rest.p[0] != '-' || !parse_digits(number, FILE_INDEX_MAX, &name.index)) return false;
        if (number.p[0] == '0') return false; // ours have no leading zeros, and -0 is not used
    }
    *ret = name;
    return name.day > 0;
}

char *file_name_text(const char *base, struct file_name name) {
    AUTO_FINI(buf) struct buf text = buf_make(8192);
    buf_addf(&text, "%s-%08lld", base, (long long)name.day);
    if (name.index) buf_addf(&text, "-%lld", (long long)name.index);
    buf_addz(&text, ".ndjson");
    return buf_take(&text);
}

int file_name_cmp(struct file_name a, struct file_name b) {
    if (a.day != b.day) return a.day < b.day ? -1 : 1;
    if (a.index != b.index) return a.index < b.index ? -1 : 1;
    return 0;
}

// Calls `each` for every name of the pattern. Outcomes: 0; -errno; what `each` returns.
static int walk(int dir_fd, const char *base, int (*each)(void *ctx, struct file_name name),
                void *ctx) {
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    if (!dir) {
        int r = -errno;
        if (fd >= 0) close(fd);
        return r;
    }
    int r = 0;
    errno = 0;
    for (struct dirent *e = readdir(dir); e && r == 0; e = r ? NULL : readdir(dir)) {
        struct file_name name;
        if (file_name_parse(base, str_from(e->d_name), &name)) r = each(ctx, name);
        errno = 0;
    }
    if (r == 0 && errno) r = -errno;
    closedir(dir);
    return r;
}

struct last {
    int64_t day, index;
};

static int note_last(void *ctx, struct file_name name) {
    struct last *last = ctx;
    if (name.day == last->day && name.index > last->index) last->index = name.index;
    return 0;
}

int file_name_last(int dir_fd, const char *base, int64_t day, int64_t *ret) {
    struct last last = {.day = day, .index = -1};
    int r = walk(dir_fd, base, note_last, &last);
    if (r) return r;
    *ret = last.index;
    return 0;
}

struct older {
    struct file_name current;
    struct file_name *names;
    size_t n, cap;
};

static int note_older(void *ctx, struct file_name name) {
    struct older *o = ctx;
    if (file_name_cmp(name, o->current) >= 0) return 0;
    int r = mem_grow(&o->names, &o->cap, o->n + 1, sizeof *o->names);
    if (r == 0) o->names[o->n++] = name;
    return r;
}

static int by_age(const void *a, const void *b) {
    return file_name_cmp(*(const struct file_name *)a, *(const struct file_name *)b);
}

// A file that another process is writing has the pattern, but is not ours to remove.
static void remove_old(int dir_fd, const char *base, struct file_name name) {
    AUTO_MEM char *file = file_name_text(base, name);
    if (!file) return;
    int fd = openat(dir_fd, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    struct stat st;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(dir_fd, file, 0);
    close(fd);
}

void file_name_prune(int dir_fd, const char *base, struct file_name current, int64_t keep) {
    struct older o = {.current = current};
    int r = walk(dir_fd, base, note_older, &o);
    if (r == 0 && o.n > 0) {
        qsort(o.names, o.n, sizeof *o.names, by_age);
        size_t others = (size_t)keep - 1;
        for (size_t i = 0; i + others < o.n; i++) remove_old(dir_fd, base, o.names[i]);
    }
    free(o.names);
}
