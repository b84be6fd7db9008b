// SPDX-License-Identifier: Apache-2.0
// One open file. It is opened for appending only and locked, so that two processes never write the
// same one; documents go out by writev from where they lie, without a copy.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "sink/file-internal.h"

enum { OPEN_FLAGS = O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC };
enum { RUN_DOCS = 128 };

void file_part_close(struct file_part *p) {
    if (p->fd >= 0) close(p->fd);
    free(p->file);
    *p = (struct file_part){.fd = -1};
}

static int not_ours(const char *file, const char *why, struct fault *fault) {
    return fault_set(fault, FILE_E_NOT_OURS, "%s %s", file, why);
}

static int lock(int fd) { return flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0; }

static int adopt(struct file_part *p, const char *file) {
    struct stat st;
    if (fstat(p->fd, &st) < 0) return -errno;
    p->dev = st.st_dev;
    p->ino = st.st_ino;
    p->length = st.st_size;
    p->file = mem_copy(file, strlen(file));
    return p->file ? 0 : -ENOMEM;
}

// What open says of things that are not our regular file.
static bool is_something_else(int error) {
    return error == ELOOP || error == EISDIR || error == ENXIO || error == ENODEV ||
           error == ENOENT;
}

static int open_existing(int dir_fd, const char *file, int *ret, struct stat *st,
                         struct fault *fault) {
    int fd = openat(dir_fd, file, OPEN_FLAGS);
    if (fd < 0 && errno == ENOENT) return not_ours(file, "is gone", fault);
    if (fd < 0 && is_something_else(errno)) return not_ours(file, "is not a regular file", fault);
    if (fd < 0) return -errno;
    int r = fstat(fd, st) < 0 ? -errno : 0;
    if (r == 0 && !S_ISREG(st->st_mode)) r = not_ours(file, "is not a regular file", fault);
    if (r) close(fd);
    else *ret = fd;
    return r;
}

// An empty file of our name and owner: left by a crash between making it and remembering that.
static int take_empty(int dir_fd, const char *file, int *ret, struct fault *fault) {
    struct stat st;
    int fd = -1;
    int r = open_existing(dir_fd, file, &fd, &st, fault);
    if (r == -EACCES || r == -EPERM || r == -ETXTBSY) return not_ours(file, "is not ours", fault);
    if (r) return r;
    bool empty = st.st_size == 0 && st.st_nlink == 1 && st.st_uid == geteuid();
    // Once it is locked nobody else writes to it: look again.
    if (empty && lock(fd) == 0 && fstat(fd, &st) == 0 && st.st_size == 0) {
        *ret = fd;
        return 0;
    }
    close(fd);
    return not_ours(file, "is there already", fault);
}

int file_part_make(struct file_part *ret, int dir_fd, const char *file, mode_t mode,
                   struct fault *fault) {
    struct file_part p = {.fd = openat(dir_fd, file, OPEN_FLAGS | O_CREAT | O_EXCL, mode)};
    bool made = p.fd >= 0;
    if (!made && errno != EEXIST) return -errno;
    int r = made ? lock(p.fd) : take_empty(dir_fd, file, &p.fd, fault);
    if (made && r == -EWOULDBLOCK) r = not_ours(file, "was taken by another process", fault);
    if (r == 0 && fchmod(p.fd, mode) < 0) r = -errno;
    if (r == 0) r = adopt(&p, file);
    if (r == 0) *ret = p;
    else file_part_close(&p);
    return r;
}

int file_part_tail(const struct file_part *p, int64_t length, struct hash128 *ret) {
    char tail[FILE_TAIL_BYTES];
    size_t want = length < FILE_TAIL_BYTES ? (size_t)length : FILE_TAIL_BYTES;
    size_t have = 0;
    while (have < want) {
        ssize_t n = pread(p->fd, tail + have, want - have, length - (int64_t)(want - have));
        if (n < 0 && errno != EINTR) return -errno;
        if (n == 0) return -EIO; // somebody cut it
        if (n > 0) have += (size_t)n;
    }
    *ret = hash128((struct str){tail, want});
    return 0;
}

static int check_content(const struct file_part *p, const struct file_mark *mark,
                         struct fault *fault) {
    if (p->length < mark->length)
        return not_ours(p->file, "is shorter than what was written to it", fault);
    struct hash128 tail;
    int r = file_part_tail(p, mark->length, &tail);
    if (r) return r;
    if (!hash128_eq(tail, mark->tail))
        return not_ours(p->file, "does not hold what was written to it", fault);
    return 0;
}

int file_part_open(struct file_part *ret, int dir_fd, const struct file_mark *mark,
                   struct fault *fault) {
    struct file_part p = {.fd = -1};
    struct stat st;
    int r = open_existing(dir_fd, mark->file, &p.fd, &st, fault);
    if (r) return r;
    r = adopt(&p, mark->file);
    if (r == 0) r = check_content(&p, mark, fault);
    if (r == 0) r = lock(p.fd);
    if (r == -EWOULDBLOCK) r = -EBUSY;
    if (r == 0) *ret = p;
    else file_part_close(&p);
    return r;
}

bool file_part_in_place(const struct file_part *p, int dir_fd) {
    struct stat st;
    return fstatat(dir_fd, p->file, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_dev == p->dev &&
           st.st_ino == p->ino && st.st_size == p->length;
}

// Drops the first n bytes from the list; returns how many entries are used up.
static size_t advance(struct iovec *v, size_t count, size_t n) {
    size_t i = 0;
    while (i < count && n >= v[i].iov_len) n -= v[i++].iov_len;
    if (i < count) {
        v[i].iov_base = (char *)v[i].iov_base + n;
        v[i].iov_len -= n;
    }
    return i;
}

static int write_all(struct file_part *p, struct iovec *v, size_t count) {
    while (count > 0) {
        ssize_t n = writev(p->fd, v, (int)count);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        p->length += n;
        size_t used = advance(v, count, (size_t)n);
        v += used;
        count -= used;
    }
    return 0;
}

int file_part_write(struct file_part *p, const struct sink_doc *docs, size_t n) {
    static char line_end[] = "\n"; // never written to; iovec knows no const
    struct iovec v[2 * RUN_DOCS];
    for (size_t at = 0; at < n; at += RUN_DOCS) {
        size_t run = n - at < RUN_DOCS ? n - at : RUN_DOCS;
        for (size_t i = 0; i < run; i++) {
            struct str d = docs[at + i].document;
            memcpy(&v[2 * i].iov_base, &d.p, sizeof d.p);
            v[2 * i].iov_len = d.n;
            v[2 * i + 1] = (struct iovec){line_end, 1};
        }
        int r = write_all(p, v, 2 * run);
        if (r) return r;
    }
    return 0;
}
