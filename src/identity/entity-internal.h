// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_ENTITY_INTERNAL_H
#define IDENTITY_ENTITY_INTERNAL_H
// What the files behind identity/entity.h share.

#include "identity/entity.h"

// Puts a record made of a struct on the stack (texts borrowed, `lower` and head not yet set) into
// the draft, and gives it, borrowed from there. Outcomes: 0; -errno.
int entity_put(struct draft *d, struct entity *e, const struct entity **ret) MUST_USE;
int entity_put_alias(struct draft *d, struct alias *a, const struct alias **ret) MUST_USE;
int entity_put_merged(struct draft *d, struct entity_merged *m) MUST_USE;

// By name, for those who write: without memory to fold it in, nothing can be said. ret is NULL when
// there is none. Outcomes: 0; -ENOMEM.
int entity_find(const struct state *s, struct str name, const struct entity **ret) MUST_USE;
int entity_find_alias(const struct state *s, struct str mount_accessor, struct str name,
                      const struct alias **ret) MUST_USE;

// A new entity: an id, and a name when it has none. Outcomes: 0; -errno.
int entity_make(struct draft *d, struct entity *e, int64_t now_ms,
                const struct entity **ret) MUST_USE;
// A new alias: an id, and the last place among its entity's. Outcomes: 0; -errno.
int entity_make_alias(struct draft *d, struct alias *a, int64_t now_ms,
                      const struct alias **ret) MUST_USE;
// Sets the place behind the last alias of its entity.
void entity_order_last(const struct state *s, struct alias *a);

// An empty object becomes null as soon as anything else of the entity is written (measured):
// metadata of the entity, custom metadata of its aliases but the one of that id. Outcomes: 0;
// -errno.
int entity_settle(struct draft *d, struct str entity_id, struct str but_alias_id) MUST_USE;
static inline bool entity_is_hollow(struct list l) { return l.packed.p && l.packed.n == 0; }

// Pairs as they are kept: sorted by key, the last value of each key; present even when empty.
// Outcomes: 0; ENTITY_E_INVALID with fault (too many, too long); -ENOMEM.
int entity_metadata(struct buf *out, struct list pairs, struct fault *fault) MUST_USE;
int entity_custom_metadata(struct buf *out, struct list pairs, struct fault *fault) MUST_USE;
// A list made of what a buffer holds: present even when nothing is in it.
static inline struct list entity_list(const struct buf *packed) {
    return (struct list){{packed->p ? packed->p : "", packed->n}};
}

#endif
