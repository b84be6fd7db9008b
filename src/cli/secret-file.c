// SPDX-License-Identifier: Apache-2.0
#include "cli/secret-file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

static int failed(const char *command, const char *path, const char *what, const char *why) {
    fprintf(stderr, "gatehouse %s: %s: %s%s%s\n", command, path, what, why ? ": " : "",
            why ? why : "");
    return EXIT_FAILED;
}

static int write_all(int fd, struct str text) {
    while (text.n > 0) {
        ssize_t n = write(fd, text.p, text.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        text = str_sub(text, (size_t)n, text.n);
    }
    return 0;
}

// The umask has a say in open(), but none in who may read a key.
static int fill(int fd, struct str text) {
    if (fchmod(fd, 0600) < 0) return -errno;
    int r = write_all(fd, text);
    if (r) return r;
    return fsync(fd) < 0 ? -errno : 0;
}

// Makes the name of the new file as durable as the file.
static int sync_folder_of(const char *path) {
    char folder[PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) + 1 : 0;
    if (n >= sizeof folder) return -ENAMETOOLONG;
    if (n) {
        memcpy(folder, path, n);
        folder[n] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return errno == EACCES ? 0 : -errno; // may be passed but not read: no obstacle
    int r = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return r;
}

int secret_file_write(const char *command, const char *path, struct str text) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return failed(command, path, "exists already; a key is never written over", NULL);
    if (fd < 0) return failed(command, path, "cannot be made", error_text(-errno));
    int r = fill(fd, text);
    if (close(fd) < 0 && r == 0) r = -errno;
    if (r == 0) r = sync_folder_of(path);
    if (r == 0) return EXIT_DONE;
    unlink(path);
    return failed(command, path, "cannot be written", error_text(r));
}

int secret_file_replace(const char *from, const char *to) {
    if (rename(from, to) < 0) return -errno;
    return sync_folder_of(to);
}
