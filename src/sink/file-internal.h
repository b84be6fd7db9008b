// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_FILE_INTERNAL_H
#define SINK_FILE_INTERNAL_H
// What the parts of the file sink share: names (file-name.c), the mark (file-mark.c), one open file
// (file-part.c), recovery (file-recover.c), and the sink itself (file.c).

#include <sys/types.h>

#include "base/hash.h"
#include "sink/types-internal.h"

// ---- names: BASE-YYYYMMDD.ndjson, then BASE-YYYYMMDD-1.ndjson, -2, ... as Filebeat 8 has them

struct file_name {
    int64_t day;   // 20261122; 0: none
    int64_t index; // 0: without a number
};
enum { FILE_INDEX_MAX = 999999999 };

int64_t file_day(int64_t now_ms); // the UTC day as a number
bool file_name_parse(const char *base, struct str text, struct file_name *ret);
char *file_name_text(const char *base, struct file_name name); // malloc'ed; NULL: no memory
int file_name_cmp(struct file_name a, struct file_name b);

// The highest index that the directory has for the day; -1 when there is none. Outcomes: 0; -errno.
int file_name_last(int dir_fd, const char *base, int64_t day, int64_t *ret) MUST_USE;

// Removes the oldest files of the pattern until `keep` are left, `current` among them. Files newer
// than `current`, locked ones and whatever is not a regular file stay. Trouble is ignored: there is
// a next time.
void file_name_prune(int dir_fd, const char *base, struct file_name current, int64_t keep);

// ---- the mark

// Which file it is, whatever its name: inode and time of birth. Device numbers may change when a
// machine starts again, so the device counts only where the file system knows no birth.
struct file_id {
    int64_t inode, device;
    int64_t born_ns; // 0: unknown
};
// Outcomes: 0; -errno. `name` may be "" for dir_fd itself; symbolic links are not followed.
int file_id_get(int dir_fd, const char *name, struct file_id *ret, bool *ret_regular) MUST_USE;
bool file_id_same(struct file_id a, struct file_id b);

// A file that was made since the last commit.
struct file_pending {
    char *file;
    struct file_id id;
};

struct file_mark {
    char *directory;     // NULL: nothing was ever committed
    char *file;          // the file that was written last; NULL when there is none
    int64_t length;      // bytes of it that are committed
    struct hash128 tail; // of the last FILE_TAIL_BYTES (or fewer) of these
    struct file_pending *pending;
    size_t pending_n, pending_cap;
};
enum { FILE_TAIL_BYTES = 4096 };

void file_mark_fini(struct file_mark *m);
DEFINE_AUTO_FINI(file_mark)
void file_mark_forget_pending(struct file_mark *m);
int file_mark_add_pending(struct file_mark *m, const char *file, struct file_id id) MUST_USE;
// JSON, one line.
void file_mark_write(struct buf *out, const struct file_mark *m);
// Outcomes: 0 (the mark of another kind of sink is as good as none); -EINVAL with fault; -ENOMEM.
int file_mark_read(struct str text, struct file_mark *ret, struct fault *fault) MUST_USE;

// ---- one open file

struct file_part {
    int fd; // -1: none
    char *file;
    struct file_name name; // day 0 when the file's name is not of the present pattern
    int64_t length;        // bytes, all written by us
    dev_t dev;
    ino_t ino;
};

void file_part_close(struct file_part *p);

// Outcomes beyond 0 and -errno: the name is taken by something that is not ours; `fault` says what.
enum { FILE_E_NOT_OURS = 1 };

// Makes the file, or takes an empty one of ours that a crash left behind; locks it.
// Outcomes: 0; FILE_E_NOT_OURS; -errno.
int file_part_make(struct file_part *ret, int dir_fd, const char *file, mode_t mode,
                   struct fault *fault) MUST_USE;

// Opens and locks the marked file if it still is what the mark says (a regular file, long enough,
// the same tail); `length` is then what the file really has. Changes nothing.
// Outcomes: 0; FILE_E_NOT_OURS; -EBUSY another process writes it; -errno.
int file_part_open(struct file_part *ret, int dir_fd, const struct file_mark *mark,
                   struct fault *fault) MUST_USE;

// Is the file still at its name, with the length that we gave it?
bool file_part_in_place(const struct file_part *p, int dir_fd);

// Hash of the last FILE_TAIL_BYTES before `length`. Outcomes: 0; -errno.
int file_part_tail(const struct file_part *p, int64_t length, struct hash128 *ret) MUST_USE;

// Appends documents, a line each. Outcomes: 0; -errno (`length` counts what got through).
int file_part_write(struct file_part *p, const struct sink_doc *docs, size_t n) MUST_USE;

// ---- the sink

struct file {
    struct sink sink;
    struct sink_host host;
    char *directory;
    char *filename;
    int64_t rotate_bytes; // 0: never
    int64_t keep;         // files; 0: all
    mode_t mode;

    int dir_fd;
    dev_t dir_dev;
    ino_t dir_ino;
    bool dir_dirty; // names were made or removed since it was last synced

    struct file_mark mark;   // what is committed, and what was made since
    struct file_name last;   // highest name that we have used
    struct file_part base;   // the file of the mark
    struct file_part head;   // the file that is written, when it is a later one
    bool synced;             // what sync gave out and commit will confirm:
    struct hash128 new_tail; // tail of head, or of base when there is no head
    char *new_file;          // and its name
    bool prune_due;
};

static inline struct file_part *file_writer(struct file *f) {
    if (f->head.fd >= 0) return &f->head;
    return f->base.fd >= 0 ? &f->base : NULL;
}

// Is there anything that a commit or a rollback would have to do with?
static inline bool file_dirty(const struct file *f) {
    return f->head.fd >= 0 || f->mark.pending_n > 0 ||
           (f->base.fd >= 0 && f->base.length > f->mark.length);
}

// The full path of a file for a fault's text, e.g. file_fail(f, name, r, "cannot be written",
// fault)
int file_fail(const struct file *f, const char *file, int r, const char *what, struct fault *fault);

// Takes everything to where the mark stands: opens the directory and the marked file, cuts and
// removes what is not committed. Whatever is not ours is left alone, with a notice.
// Outcomes: 0; -errno.
int file_recover(struct file *f, struct fault *fault) MUST_USE;

// The same for files that are open: after a failure, within one run. Outcomes: 0; -errno.
int file_settle(struct file *f, struct fault *fault) MUST_USE;

// Gives the mark to the host. Outcomes: 0; -errno with fault.
int file_save_mark(struct file *f, struct fault *fault) MUST_USE;

void file_close(struct file *f); // all descriptors

#endif
