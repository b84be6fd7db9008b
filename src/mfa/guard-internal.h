// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_GUARD_INTERNAL_H
#define MFA_GUARD_INTERNAL_H
// Changing what is known of a subject: a copy on the stack whose texts are borrowed from the record
// that it will replace, or lie in buffers of its own.

#include "mfa/guard.h"

enum { GUARD_TEXT_MAX = 1 << 20, GUARD_SEEN_MAX = 16, GUARD_USED_MAX = 8 };

struct guard_edit {
    struct guarded g;
    bool fresh; // there was no record
    struct buf subject, login, asked, used, pushes, seen;
};

// `who` must have what the subject is made of: org and user_id; entity_id. Outcomes: 0; -ENOMEM.
int guard_edit_user(struct guard_edit *e, const struct state *s,
                    const struct guard_subject *who) MUST_USE;
int guard_edit_entity(struct guard_edit *e, const struct state *s,
                      const struct guard_subject *who) MUST_USE;
// As guard_user, and says when there was no memory to look. Outcomes: 0, ret may be NULL; -ENOMEM.
int guard_find_user(const struct state *s, const struct guard_subject *who,
                    const struct guarded **ret) MUST_USE;

// As it is known.
struct guard_edit guard_edit_of(const struct guarded *g);
void guard_edit_fini(struct guard_edit *e);
DEFINE_AUTO_FINI(guard_edit)

// Puts `text` in front of a list and cuts it to `max` items. Outcomes: 0; -ENOMEM.
int guard_list_front(struct buf *place, struct list *list, struct str text, size_t max) MUST_USE;

// Puts it in the place of what was known. Outcomes: 0; -ENOMEM.
int guard_edit_put(struct guard_edit *e, struct draft *d, int64_t now_ms) MUST_USE;

#endif
