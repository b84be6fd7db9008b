// SPDX-License-Identifier: Apache-2.0
// A file that is put aside when it is full, under a name with the time in it, as Beats (lumberjack)
// do it. Every name is looked up in the directory that was opened at first, and a link that
// somebody has put in the place of a file is not followed.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "http/tracer-internal.h"

#define PREFIX "http-request-trace-"
#define SUFFIX ".ndjson"
#define TIME_SHAPE "-0000-00-00T00-00-00.000"

enum { NAME_KEPT_BYTES = 120, NAME_MAX_BYTES = 256, RENAME_TRIES = 1000 };

static bool is_name_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
}

static char *make_stem(const char *name) {
    AUTO_FINI(buf) struct buf stem = buf_make(NAME_MAX_BYTES);
    buf_addz(&stem, PREFIX);
    for (size_t i = 0; name[i] && i < NAME_KEPT_BYTES; i++)
        buf_addc(&stem, is_name_char(name[i]) ? name[i] : '_');
    return buf_take(&stem);
}

static int open_file(struct trace_file *f) {
    char name[NAME_MAX_BYTES];
    struct stat info;
    snprintf(name, sizeof name, "%s" SUFFIX, f->stem);
    int fd = openat(f->directory, name,
                    O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
    if (fd < 0) return -errno;
    int e = fstat(fd, &info) < 0 ? -errno : 0;
    if (!e && !S_ISREG(info.st_mode)) e = -EINVAL;
    if (!e && fchmod(fd, 0600) < 0) e = -errno;
    if (e) {
        close(fd);
        return e;
    }
    f->fd = fd;
    f->size = (size_t)info.st_size;
    return 0;
}

int trace_file_open(struct trace_file *f, const char *directory, const char *name,
                    struct fault *fault) {
    *f = (struct trace_file){.directory = -1, .fd = -1};
    if (mkdir(directory, 0700) < 0 && errno != EEXIST)
        return fault_set(fault, -errno, "request tracer: %s cannot be made: %s", directory,
                         error_text(-errno));
    f->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->directory < 0)
        return fault_set(fault, -errno, "request tracer: %s cannot be opened: %s", directory,
                         error_text(-errno));
    f->stem = make_stem(name);
    if (!f->stem) return -ENOMEM;
    int e = open_file(f);
    if (e)
        return fault_set(fault, e, "request tracer: %s/%s" SUFFIX " cannot be written: %s",
                         directory, f->stem, error_text(e));
    return 0;
}

void trace_file_close(struct trace_file *f) {
    if (f->fd >= 0) close(f->fd);
    if (f->directory >= 0) close(f->directory);
    free(TAKE(f->stem));
    f->fd = f->directory = -1;
}

// "-2006-01-02T15-04-05.000.ndjson" behind the stem.
static bool is_old_name(const char *stem, const char *name) {
    static const char shape[] = TIME_SHAPE SUFFIX;
    size_t n = strlen(stem);
    if (strncmp(name, stem, n) != 0 || strlen(name + n) != sizeof shape - 1) return false;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        bool digit = name[n + i] >= '0' && name[n + i] <= '9';
        if (shape[i] == '0' ? !digit : name[n + i] != shape[i]) return false;
    }
    return true;
}

// The names sort as the times do.
struct old_names {
    char (*names)[NAME_MAX_BYTES];
    size_t count, cap;
};
static void old_names_fini(struct old_names *old) { free(old->names); }
DEFINE_AUTO_FINI(old_names)

static int compare_names(const void *a, const void *b) { return strcmp(a, b); }

static int list_old(int directory, const char *stem, struct old_names *ret) {
    int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    int e = dir ? 0 : -errno;
    for (struct dirent *entry; !e && (entry = readdir(dir));) {
        if (!is_old_name(stem, entry->d_name)) continue;
        e = mem_grow(&ret->names, &ret->cap, ret->count + 1, sizeof *ret->names);
        if (!e) snprintf(ret->names[ret->count++], NAME_MAX_BYTES, "%s", entry->d_name);
    }
    if (dir) closedir(dir);
    else if (fd >= 0) close(fd);
    if (ret->count > 1) qsort(ret->names, ret->count, sizeof *ret->names, compare_names);
    return e;
}

static int remove_old(int directory, const char *stem, size_t keep) {
    AUTO_FINI(old_names) struct old_names old = {NULL, 0, 0};
    int e = list_old(directory, stem, &old);
    for (size_t i = 0; !e && i + keep < old.count; i++)
        if (unlinkat(directory, old.names[i], 0) < 0 && errno != ENOENT) e = -errno;
    return e;
}

static void old_name(const char *stem, int64_t ms, char ret[NAME_MAX_BYTES]) {
    time_t s = (time_t)(ms / 1000);
    struct tm tm = {0};
    char text[32] = "";
    gmtime_r(&s, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H-%M-%S", &tm);
    snprintf(ret, NAME_MAX_BYTES, "%s-%s.%03d" SUFFIX, stem, text, (int)(ms % 1000));
}

// Files that were put aside in the same millisecond go by the next one that is free.
static int put_aside(struct trace_file *f, int64_t now_ms) {
    char from[NAME_MAX_BYTES], to[NAME_MAX_BYTES];
    snprintf(from, sizeof from, "%s" SUFFIX, f->stem);
    for (int i = 0; i < RENAME_TRIES; i++) {
        old_name(f->stem, now_ms + i, to);
        if (renameat2(f->directory, from, f->directory, to, RENAME_NOREPLACE) == 0) return 0;
        if (errno == ENOENT) return 0; // somebody has removed it
        if (errno != EEXIST) return -errno;
    }
    return -EEXIST;
}

static int turn_over(struct trace_file *f, int64_t now_ms) {
    if (f->fd >= 0) close(f->fd);
    f->fd = -1;
    int e = put_aside(f, now_ms);
    int removed = remove_old(f->directory, f->stem, TRACE_FILES_KEPT);
    if (!e) e = open_file(f);
    return e ? e : removed;
}

int trace_file_write(struct trace_file *f, struct str line, int64_t now_ms) {
    int e = f->fd < 0 ? open_file(f) : 0;
    if (!e && f->size > 0 && f->size + line.n > TRACE_FILE_BYTES) e = turn_over(f, now_ms);
    if (e) return e;
    ssize_t n = write(f->fd, line.p, line.n);
    if (n == (ssize_t)line.n) {
        f->size += line.n;
        return 0;
    }
    e = n < 0 ? -errno : -ENOSPC;
    return ftruncate(f->fd, (off_t)f->size) < 0 ? -errno : e; // no half line
}

static int delete_all(int directory, const char *stem) {
    char name[NAME_MAX_BYTES];
    snprintf(name, sizeof name, "%s" SUFFIX, stem);
    int e = remove_old(directory, stem, 0);
    if (unlinkat(directory, name, 0) < 0 && errno != ENOENT) e = -errno;
    return e;
}

int http_tracer_delete(const char *directory, const char *name, struct fault *fault) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT) return 0;
    if (fd < 0)
        return fault_set(fault, -errno, "request tracer: %s cannot be opened: %s", directory,
                         error_text(-errno));
    AUTO_MEM char *stem = make_stem(name);
    int e = stem ? delete_all(fd, stem) : -ENOMEM;
    close(fd);
    if (e)
        fault_set(fault, 0, "request tracer: old files in %s cannot be deleted: %s", directory,
                  error_text(e));
    return e;
}
