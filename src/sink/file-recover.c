// SPDX-License-Identifier: Apache-2.0
// Back to the committed mark: on open, after a failure, and when the directory was exchanged.
//
// What makes a file ours is its content up to the committed length, so that a restored backup is
// recognised; what makes a file pending is that very inode. Before anything is cut or removed, the
// mark is saved once more: a commit that failed in its last fsync might otherwise come back after a
// power cut and name bytes that are gone by then.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/file-internal.h"
#include "sink/place-internal.h"

int file_fail(const struct file *f, const char *file, int r, const char *what,
              struct fault *fault) {
    const char *directory = f->mark.directory ? f->mark.directory : f->directory;
    return fault_set(fault, r, "%s/%s: %s: %s", directory, file, what, error_text(r));
}

void file_close(struct file *f) {
    file_part_close(&f->base);
    file_part_close(&f->head);
    if (f->dir_fd >= 0) close(f->dir_fd);
    f->dir_fd = -1;
}

int file_save_mark(struct file *f, struct fault *fault) {
    if (!f->host.save_mark) return 0;
    AUTO_FINI(buf) struct buf text = buf_make(SIZE_MAX);
    file_mark_write(&text, &f->mark);
    int r = text.error ? text.error : f->host.save_mark(f->host.ctx, buf_str(&text));
    if (r)
        return fault_set(fault, r, "%s: the state cannot be written: %s", f->directory,
                         error_text(r));
    return 0;
}

static int open_directory(struct file *f, const char *directory, struct fault *fault) {
    struct stat st;
    f->dir_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = f->dir_fd < 0 || fstat(f->dir_fd, &st) < 0 ? -errno : 0;
    if (r) return fault_set(fault, r, "%s: %s", directory, error_text(r));
    f->dir_dev = st.st_dev;
    f->dir_ino = st.st_ino;
    return 0;
}

static int remove_pending(struct file *f, struct fault *fault) {
    for (size_t i = 0; i < f->mark.pending_n; i++) {
        const struct file_pending *p = &f->mark.pending[i];
        struct file_id id;
        bool regular = false;
        int r = file_id_get(f->dir_fd, p->file, &id, &regular);
        if (r == -ENOENT) continue;
        if (r == 0 && (!regular || !file_id_same(id, p->id))) continue;
        if (r == 0) r = unlinkat(f->dir_fd, p->file, 0) < 0 ? -errno : 0;
        if (r) return file_fail(f, p->file, r, "cannot be removed", fault);
        f->dir_dirty = true;
    }
    if (f->dir_dirty && fsync(f->dir_fd) < 0)
        return fault_set(fault, -errno, "%s: %s", f->directory, error_text(-errno));
    f->dir_dirty = false;
    file_mark_forget_pending(&f->mark);
    return 0;
}

static int cut(struct file *f, struct fault *fault) {
    struct file_part *p = &f->base;
    if (p->fd < 0 || p->length == f->mark.length) return 0;
    int r = ftruncate(p->fd, f->mark.length) < 0 || fsync(p->fd) < 0 ? -errno : 0;
    if (r) return file_fail(f, p->file, r, "cannot be cut back", fault);
    p->length = f->mark.length;
    return 0;
}

// Somebody may have cut or rewritten the file while we had it open.
static int look_at_base(struct file *f, struct fault *fault) {
    struct stat st;
    if (f->base.fd < 0) return 0;
    if (fstat(f->base.fd, &st) < 0)
        return file_fail(f, f->base.file, -errno, "cannot be examined", fault);
    f->base.length = st.st_size;
    struct hash128 tail = {0};
    bool ours = st.st_size >= f->mark.length &&
                file_part_tail(&f->base, f->mark.length, &tail) == 0 &&
                hash128_eq(tail, f->mark.tail);
    if (ours) return 0;
    fault_set(&f->sink.notice, 0,
              "%s/%s was changed by someone else; it is left alone and a new file is begun",
              f->directory, f->base.file);
    file_part_close(&f->base);
    return 0;
}

// Names are never given twice on one day, even if the last file has gone.
static void set_last(struct file *f) {
    f->last = (struct file_name){0};
    if (f->mark.file && !file_name_parse(f->filename, str_from(f->mark.file), &f->last))
        f->last = (struct file_name){0};
}

int file_settle(struct file *f, struct fault *fault) {
    f->synced = false;
    if (!file_dirty(f)) return 0;
    int r = look_at_base(f, fault);
    if (r) return r;
    r = file_save_mark(f, fault);
    if (r) return r;
    r = cut(f, fault);
    if (r) return r;
    file_part_close(&f->head);
    set_last(f);
    return remove_pending(f, fault);
}

// The marked file, if it is still ours; else a notice, and a new file will be begun.
static int open_base(struct file *f, struct fault *fault) {
    if (!f->mark.file) return 0;
    struct fault why = {0};
    int r = file_part_open(&f->base, f->dir_fd, &f->mark, &why);
    set_last(f);
    if (r == FILE_E_NOT_OURS) {
        fault_set(&f->sink.notice, 0, "%s/%s; it is left alone and a new file is begun",
                  f->mark.directory, why.text);
        return 0;
    }
    if (r == -EBUSY)
        return fault_set(fault, r, "%s/%s: another process writes to it", f->mark.directory,
                         f->mark.file);
    if (r) return file_fail(f, f->mark.file, r, "cannot be opened", fault);
    f->base.name = f->last;
    return 0;
}

// The settings name another directory than the mark: what is open there is finished first.
static int leave_old_directory(struct file *f, struct fault *fault) {
    int r = open_directory(f, f->mark.directory, fault);
    if (r == 0) r = open_base(f, fault);
    if (r == 0) r = file_settle(f, fault);
    file_close(f);
    if (r == -ENOENT || r == -ENOTDIR) {
        fault_set(&f->sink.notice, 0, "%s, where this output was written before, is gone",
                  f->mark.directory);
        r = 0;
    }
    if (r) return r;
    file_mark_fini(&f->mark);
    f->last = (struct file_name){0};
    return 0;
}

static int recover(struct file *f, struct fault *fault) {
    int r = 0;
    if (f->mark.directory && strcmp(f->mark.directory, f->directory) != 0)
        r = leave_old_directory(f, fault);
    if (r) return r;
    bool used = f->mark.directory != NULL;
    r = used ? 0 : place_make(f->directory, fault);
    if (r) return r;
    r = open_directory(f, f->directory, fault);
    if (r == -ENOENT && used)
        return fault_set(fault, r,
                         "%s: the directory is gone; bring it back, or make an empty one to begin "
                         "anew",
                         f->directory);
    if (r) return r;
    if (!used && !(f->mark.directory = mem_copy(f->directory, strlen(f->directory))))
        return -ENOMEM;
    r = open_base(f, fault);
    return r ? r : file_settle(f, fault);
}

int file_recover(struct file *f, struct fault *fault) {
    file_close(f);
    int r = recover(f, fault);
    if (r) file_close(f);
    return r;
}
