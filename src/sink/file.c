// SPDX-License-Identifier: Apache-2.0
// NDJSON files that rotate by size and by day (UTC). The mark names the file that was written last
// and how long it was at the last commit. A file that is begun in the middle of a page is put into
// the mark as pending before its first byte is written: whatever happens then, the next start knows
// which bytes and which files were never committed, and takes them away.
//
// A file or directory that someone else has moved, replaced or changed is noticed before each page
// and never touched again: for a file, the next free name is taken; a directory that has vanished
// is waited for, because it may be a volume that is not mounted just now.
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sink/file-internal.h"
#include "sink/place-internal.h"

enum { NAME_TRIES = 1000 };

// ---- opening

static struct sink *file_free(struct sink *s) {
    struct file *f = (struct file *)s;
    if (!f) return NULL;
    file_close(f);
    file_mark_fini(&f->mark);
    free(f->directory);
    free(f->filename);
    free(f->new_file);
    free(f);
    return NULL;
}

static struct file *file_new(const struct sink_opts *opts, const struct sink_host *host) {
    const char *filename = opts->filename ? opts->filename : "gatehouse";
    struct file *f = mem_new(sizeof *f);
    if (!f) return NULL;
    f->sink.type = &sink_file;
    f->host = *host;
    f->dir_fd = f->base.fd = f->head.fd = -1;
    f->rotate_bytes = opts->rotate_every_kb * 1024;
    f->keep = opts->number_of_files;
    f->mode = opts->permissions ? (mode_t)opts->permissions : 0600;
    f->prune_due = true;
    f->directory = mem_copy(opts->path, strlen(opts->path));
    f->filename = mem_copy(filename, strlen(filename));
    if (!f->directory || !f->filename) file_free(&f->sink), f = NULL;
    return f;
}

// `test output`: what open would meet, without changing anything.
static int try_open(struct file *f, struct fault *fault) {
    bool used = f->mark.directory && strcmp(f->mark.directory, f->directory) == 0;
    int r = place_try(f->directory, !used, &f->sink.notice, fault);
    if (r || !used || !f->mark.file) return r;
    f->dir_fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (f->dir_fd < 0) return file_fail(f, "", -errno, "cannot be opened", fault);
    struct fault why = {0};
    r = file_part_open(&f->base, f->dir_fd, &f->mark, &why);
    if (r == FILE_E_NOT_OURS)
        return fault_set(&f->sink.notice, 0, "%s/%s; a new file will be begun", f->directory,
                         why.text);
    if (r == -EBUSY)
        return fault_set(&f->sink.notice, 0, "%s/%s: another process writes to it just now",
                         f->directory, f->mark.file);
    return r ? file_fail(f, f->mark.file, r, "cannot be opened", fault) : 0;
}

static int file_open(struct sink **ret, const struct sink_opts *opts, const struct sink_host *host,
                     struct str mark, struct fault *fault) {
    if (!opts->path || !*opts->path)
        return fault_set(fault, -EINVAL, "%s: no path is set", opts->name);
    if (opts->filename && (!*opts->filename || strchr(opts->filename, '/')))
        return fault_set(fault, -EINVAL, "%s: filename must be a name, not a path: %s", opts->name,
                         opts->filename);
    struct file *f = file_new(opts, host);
    if (!f) return fault_set(fault, -ENOMEM, "%s: no memory", opts->name);
    int r = file_mark_read(mark, &f->mark, fault);
    if (r == 0) r = opts->dry_run ? try_open(f, fault) : file_recover(f, fault);
    if (opts->dry_run) file_close(f);
    if (r == 0) *ret = &f->sink;
    else file_free(&f->sink);
    return r;
}

// ---- beginning a file

static int next_name(struct file *f, int64_t day, struct file_name *ret, struct fault *fault) {
    int64_t index;
    int r = file_name_last(f->dir_fd, f->filename, day, &index);
    if (r) return fault_set(fault, r, "%s: cannot be read: %s", f->directory, error_text(r));
    if (f->last.day == day && f->last.index > index) index = f->last.index;
    *ret = (struct file_name){.day = day, .index = index < 0 ? 0 : index + 1};
    return 0;
}

// A leftover of a crash has the highest name of the day: it is used up before the next is made.
static int make_part(struct file *f, int64_t day, struct file_part *ret, struct fault *fault) {
    struct file_name name;
    int r = next_name(f, day, &name, fault);
    if (r) return r;
    bool leftover = name.index > 0 && (f->last.day != day || f->last.index < name.index - 1);
    if (leftover) name.index--;
    for (int tries = 0; tries < NAME_TRIES && name.index <= FILE_INDEX_MAX; tries++, name.index++) {
        AUTO_MEM char *file = file_name_text(f->filename, name);
        if (!file) return -ENOMEM;
        r = file_part_make(ret, f->dir_fd, file, f->mode, fault);
        if (r < 0) return file_fail(f, file, r, "cannot be made", fault);
        if (r == FILE_E_NOT_OURS) continue;
        ret->name = name;
        return 0;
    }
    return fault_set(fault, -EEXIST, "%s: no free file name is left for the day", f->directory);
}

// From here on a crash leaves nothing behind that the next start does not know of.
static int remember_pending(struct file *f, const struct file_part *p, struct fault *fault) {
    struct file_id id;
    int r = file_id_get(p->fd, "", &id, NULL);
    if (r) return file_fail(f, p->file, r, "cannot be examined", fault);
    r = file_mark_add_pending(&f->mark, p->file, id);
    return r ? r : file_save_mark(f, fault);
}

static int begin_file(struct file *f, int64_t day, struct fault *fault) {
    if (f->head.fd >= 0 && fdatasync(f->head.fd) < 0)
        return file_fail(f, f->head.file, -errno, "cannot be written", fault);
    struct file_part p = {.fd = -1};
    int r = make_part(f, day, &p, fault);
    if (r) return r;
    size_t pending = f->mark.pending_n;
    r = remember_pending(f, &p, fault);
    if (r) {
        unlinkat(f->dir_fd, p.file, 0); // empty, and nobody knows of it
        if (f->mark.pending_n > pending) free(f->mark.pending[--f->mark.pending_n].file);
        file_part_close(&p);
        return r;
    }
    file_part_close(&f->head);
    f->head = p;
    f->last = p.name;
    f->dir_dirty = true;
    f->prune_due = true;
    return 0;
}

// ---- delivering

static int check_directory(struct file *f, struct fault *fault) {
    struct stat st;
    int r = stat(f->directory, &st) < 0 ? -errno : 0;
    if (r)
        return fault_set(fault, r, "%s: the directory is gone or out of reach: %s", f->directory,
                         error_text(r));
    if (f->dir_fd >= 0 && st.st_dev == f->dir_dev && st.st_ino == f->dir_ino) return 0;
    if (file_dirty(f))
        return fault_set(fault, -ESTALE, "%s: the directory was exchanged", f->directory);
    return file_recover(f, fault);
}

static int check_place(struct file *f, struct fault *fault) {
    int r = check_directory(f, fault);
    if (r) return r;
    struct file_part *p = file_writer(f);
    if (!p || file_part_in_place(p, f->dir_fd)) return 0;
    if (file_dirty(f))
        return fault_set(fault, -ESTALE, "%s/%s: was moved or changed by someone else",
                         f->directory, p->file);
    fault_set(&f->sink.notice, 0,
              "%s/%s was moved, removed or changed by someone else; a new file is begun",
              f->directory, p->file);
    file_part_close(&f->base);
    return 0;
}

// How many of the documents go into the file before it has to rotate. An empty file takes one of
// any size.
static size_t count_fitting(const struct file *f, const struct file_part *p,
                            const struct sink_doc *docs, size_t n) {
    if (f->rotate_bytes <= 0) return n;
    int64_t length = p->length;
    size_t i = 0;
    for (; i < n; i++) {
        int64_t more = (int64_t)docs[i].document.n + 1;
        if (length > 0 && length + more > f->rotate_bytes) break;
        length += more;
    }
    return i;
}

static int write_page(struct file *f, const struct sink_doc *docs, size_t n, int64_t day,
                      struct fault *fault) {
    while (n > 0) {
        struct file_part *p = file_writer(f);
        size_t run = p && p->name.day == day ? count_fitting(f, p, docs, n) : 0;
        if (run == 0) {
            int r = begin_file(f, day, fault);
            if (r) return r;
            continue;
        }
        int r = file_part_write(p, docs, run);
        if (r) return file_fail(f, p->file, r, "cannot be written", fault);
        docs += run;
        n -= run;
    }
    return 0;
}

static int file_deliver(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                        struct sink_reply *replies, struct fault *fault) {
    struct file *f = (struct file *)s;
    if (n == 0) return 0;
    f->synced = false;
    int r = check_place(f, fault);
    if (r) return r;
    r = write_page(f, docs, n, file_day(now_ms), fault);
    if (r) return r;
    for (size_t i = 0; i < n; i++) replies[i] = (struct sink_reply){.verdict = SINK_DELIVERED};
    return 0;
}

// ---- committing

static int sync_part(struct file *f, struct file_part *p, struct fault *fault) {
    struct stat st;
    if (fdatasync(p->fd) < 0 || fstat(p->fd, &st) < 0)
        return file_fail(f, p->file, -errno, "cannot be written", fault);
    if (st.st_size != p->length)
        return fault_set(fault, -ESTALE, "%s/%s: was changed by someone else", f->directory,
                         p->file);
    return 0;
}

static int sync_all(struct file *f, struct fault *fault) {
    int r = 0;
    if (f->base.fd >= 0 && f->base.length > f->mark.length) r = sync_part(f, &f->base, fault);
    if (r == 0 && f->head.fd >= 0) r = sync_part(f, &f->head, fault);
    if (r || !f->dir_dirty) return r;
    if (fsync(f->dir_fd) < 0)
        return fault_set(fault, -errno, "%s: %s", f->directory, error_text(-errno));
    f->dir_dirty = false;
    return 0;
}

static int file_sync(struct sink *s, const struct sink_position *at, struct buf *ret_mark,
                     struct fault *fault) {
    struct file *f = (struct file *)s;
    (void)at;
    f->synced = false;
    if (!file_dirty(f)) return 0;
    int r = sync_all(f, fault);
    if (r) return r;
    const struct file_part *p = file_writer(f);
    if (!p) return fault_set(fault, -ESTALE, "%s: nothing is open to be synced", f->directory);
    r = file_part_tail(p, p->length, &f->new_tail);
    if (r) return file_fail(f, p->file, r, "cannot be read", fault);
    const struct file_mark next = {
        .directory = f->directory, .file = p->file, .length = p->length, .tail = f->new_tail};
    file_mark_write(ret_mark, &next);
    free(f->new_file);
    f->new_file = mem_copy(p->file, strlen(p->file));
    if (ret_mark->error || !f->new_file) return ret_mark->error ? ret_mark->error : -ENOMEM;
    f->synced = true;
    return 0;
}

static void file_committed(struct sink *s) {
    struct file *f = (struct file *)s;
    if (!f->synced) return;
    f->synced = false;
    if (f->head.fd >= 0) {
        file_part_close(&f->base);
        f->base = f->head;
        f->head = (struct file_part){.fd = -1};
    }
    free(f->mark.file);
    f->mark.file = TAKE(f->new_file);
    f->mark.length = f->base.length;
    f->mark.tail = f->new_tail;
    file_mark_forget_pending(&f->mark);
    if (f->prune_due && f->keep > 0) file_name_prune(f->dir_fd, f->filename, f->base.name, f->keep);
    f->prune_due = false;
}

static int file_rollback(struct sink *s, struct fault *fault) {
    return file_settle((struct file *)s, fault);
}

const struct sink_type sink_file = {
    .name = "file",
    .guarantee = "exactly once",
    .open = file_open,
    .deliver = file_deliver,
    .sync = file_sync,
    .committed = file_committed,
    .rollback = file_rollback,
    .free = file_free,
};
