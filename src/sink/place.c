// SPDX-License-Identifier: Apache-2.0
// Whether a place would do is found out by doing: permission bits say little about read-only
// mounts, quotas and access lists.
#include "sink/place-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { LOW_SPACE_MB = 100 };

char *place_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (!slash) return mem_copy(".", 1);
    return mem_copy(path, slash == path ? 1 : (size_t)(slash - path));
}

int place_make(const char *directory, struct fault *fault) {
    AUTO_MEM char *path = mem_copy(directory, strlen(directory));
    if (!path) return -ENOMEM;
    for (char *at = path + 1; *path; at++) {
        if (*at && *at != '/') continue;
        char kept = *at;
        *at = '\0';
        if (mkdir(path, 0750) < 0 && errno != EEXIST)
            return fault_set(fault, -errno, "%s: cannot be made: %s", path, error_text(-errno));
        *at = kept;
        if (!kept) break;
    }
    return 0;
}

static int try_space(int fd, const char *directory, struct fault *notice, struct fault *fault) {
    struct statvfs v;
    if (fstatvfs(fd, &v) < 0) return 0; // not every file system tells
    unsigned long long mb = (unsigned long long)v.f_bavail * v.f_frsize >> 20;
    if (v.f_blocks > 0 && v.f_bavail == 0)
        return fault_set(fault, -ENOSPC, "%s: %s", directory, error_text(-ENOSPC));
    if (v.f_blocks > 0 && mb < LOW_SPACE_MB)
        fault_set(notice, 0, "%s: only %llu MB are free", directory, mb);
    return 0;
}

// O_TMPFILE where the file system has it; else a name that nobody else uses.
static int try_file(const char *directory) {
    int fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd >= 0 ? fd : -errno;
    AUTO_FINI(buf) struct buf name = buf_make(8192);
    buf_addf(&name, "%s/.gatehouse-test-%ld", directory, (long)getpid());
    const char *path = buf_z(&name);
    if (!path) return -ENOMEM;
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return -errno;
    unlink(path);
    return fd;
}

// The nearest directory above that exists says whether the missing ones can be made.
static int try_missing(const char *directory, struct fault *notice, struct fault *fault) {
    AUTO_MEM char *above = place_of(directory);
    for (int i = 0; above && i < PATH_MAX && access(above, F_OK) < 0; i++) {
        char *next = place_of(above);
        free(above);
        above = next;
    }
    if (!above) return -ENOMEM;
    if (access(above, W_OK | X_OK) < 0)
        return fault_set(fault, -errno, "%s: does not exist and cannot be made: %s: %s", directory,
                         above, error_text(-errno));
    fault_set(notice, 0, "%s: does not exist yet; it will be made", directory);
    return 0;
}

int place_try(const char *directory, bool may_make, struct fault *notice, struct fault *fault) {
    struct stat st;
    int r = stat(directory, &st) < 0 ? -errno : 0;
    if (r == -ENOENT && may_make) return try_missing(directory, notice, fault);
    if (r == 0 && !S_ISDIR(st.st_mode)) r = -ENOTDIR;
    if (r) return fault_set(fault, r, "%s: %s", directory, error_text(r));
    int fd = try_file(directory);
    if (fd < 0)
        return fault_set(fault, fd, "%s: no file can be made there: %s", directory, error_text(fd));
    r = try_space(fd, directory, notice, fault);
    close(fd);
    return r;
}
