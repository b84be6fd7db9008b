// SPDX-License-Identifier: Apache-2.0
#ifndef API_SYS_MOUNT_H
#define API_SYS_MOUNT_H
// What sys/mounts and sys/auth share: how a mount is shown, and how a request changes one.

#include "api/sys.h"

// Members of a mount's entry, without braces (reference 5.1), as sys/mounts/x shows them.
void sys_mount_members(const struct call *c, const struct mount *m, struct buf *out);
// The entries of all mounts below auth/ (`auth`: without that in their names) or of all others, as
// members of an object.
void sys_mount_entries(const struct call *c, bool auth, struct buf *out);
// Members of what a tune's read says.
void sys_mount_tuned(const struct mount *m, struct buf *out);

// A mount in the making: the struct, and the memory of what was packed for it.
enum { SYS_MOUNT_BUFS = 8 };
struct sys_mount_wish {
    struct mount mount;
    struct buf made[SYS_MOUNT_BUFS];
    size_t n;
};
void sys_mount_wish_init(struct sys_mount_wish *w);
void sys_mount_wish_fini(struct sys_mount_wish *w);
DEFINE_AUTO_FINI(sys_mount_wish)
// Memory for one more text or list of the mount.
struct buf *sys_mount_room(struct sys_mount_wish *w);

// Reads `config` of an enabling request / the fields of a tuning one into the wish. Outcomes: 0;
// SYS_MOUNT_E_REFUSED with fault: the text for the 400; -errno.
enum { SYS_MOUNT_E_REFUSED = 1 };
int sys_mount_read_config(struct sys_mount_wish *w, const struct json *config, bool auth,
                          struct fault *fault) MUST_USE;
int sys_mount_read_tune(struct sys_mount_wish *w, const struct call *c,
                        struct fault *fault) MUST_USE;
// Puts the wish into the draft. Outcomes: 0; -errno.
int sys_mount_put(struct draft *d, const struct sys_mount_wish *w) MUST_USE;

// Handlers that both places have: enable below sys/ or auth/, tune and its read of one mount.
int sys_mount_enable(struct call *c, bool auth) MUST_USE;
int sys_mount_tune(struct call *c, struct str mount_path) MUST_USE;
int sys_mount_read_tuned(struct call *c, struct str mount_path) MUST_USE;

// The capture `path` as a mount's path, appended: with the prefix and one final slash. Outcomes: 0;
// -ENOMEM.
int sys_mount_path(const struct call *c, const char *prefix, struct buf *out) MUST_USE;

extern const struct field sys_mount_enable_fields[];
extern const struct field sys_mount_tune_fields[];

#endif
