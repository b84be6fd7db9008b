// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_ENTITY_H
#define IDENTITY_ENTITY_H
// Entities and aliases (Vault: identity/; reference 5.4 and 9). Functions over a draft keep it
// whole: what is refused has changed nothing. Texts that are given may not borrow from records of
// the draft, unless the record is held. Time: milliseconds. Pure; a draft belongs to one thread.

#include "identity/list.h"
#include "identity/state.h"

struct entity {
    struct record record;
    struct str id;          // uuid; primary key
    struct str name;        // as written
    struct str lower;       // folded: index 1; the same bytes as name when that is folded already
    struct list metadata;   // pairs, sorted; absent: null
    struct list policies;   // sorted; absent: none
    struct list merged_ids; // of the entities that were merged into this one; absent: none
    int64_t created_ms, updated_ms;
    bool disabled;
};
extern const struct record_type entity_type;

enum { ALIAS_ORDER_BYTES = 4 };

struct alias {
    struct record record;
    struct str id;        // uuid; primary key
    struct str entity_id; // index 1 is (entity_id, order)
    struct str name;
    struct str lower;            // of the name, as in struct entity
    struct str mount_accessor;   // index 2 is (mount_accessor, lower)
    struct list metadata;        // written by the auth method; absent: null
    struct list custom_metadata; // written by operators; absent: null
    struct list merged_from;     // ids of entities; absent: none
    int64_t created_ms, updated_ms;
    char order[ALIAS_ORDER_BYTES]; // among the aliases of its entity; big endian
    bool local;
};
extern const struct record_type alias_type;

// What is left of an entity that was merged into another: tokens of its logins go on as the
// other's.
struct entity_merged {
    struct record record;
    struct str id;   // of the entity that was; primary key
    struct str into; // of the entity that it is part of now
};
extern const struct record_type entity_merged_type;

const struct entity *entity_by_id(const struct state *s, struct str id);
const struct entity *entity_by_name(const struct state *s, struct str name); // case-insensitive
// The entity that a token names: that of the id, or the one that it was merged into; NULL.
const struct entity *entity_in_force(const struct state *s, struct str id);
const struct alias *alias_by_id(const struct state *s, struct str id);
const struct alias *alias_by_name(const struct state *s, struct str mount_accessor,
                                  struct str name);
// The first alias of the entity on that mount; NULL. (Reference 3.4.)
const struct alias *alias_on_mount(const struct state *s, struct str entity_id,
                                   struct str mount_accessor);
// The aliases of an entity in the order in which they came to it:
//   struct tree_walk walk = alias_walk(s, id);
//   while ((a = alias_next(&walk, id))) ...
struct tree_walk alias_walk(const struct state *s, struct str entity_id);
const struct alias *alias_next(struct tree_walk *walk, struct str entity_id);

// The entity of a login: the alias's, or a new one with a new alias (reference 5.2). `metadata` is
// the auth method's, pairs; absent: none. Outcomes: 0 (ret borrowed from the draft);
// ENTITY_E_DISABLED; -errno.
enum {
    ENTITY_E_DISABLED = 1,
    ENTITY_E_REFUSED, // fault is the text of a 400
    ENTITY_E_INVALID, // fault is the text of a 500, to be wrapped as one error
};
int entity_of_login(struct draft *d, struct str mount_accessor, struct str alias_name,
                    struct list metadata, int64_t now_ms, const struct entity **ret) MUST_USE;

// What a write of an entity says: of the one of that id, or of that name, or of a new one.
struct entity_change {
    struct str id;               // empty: by name
    struct str name;             // empty: as it is, or made up
    const struct list *metadata; // pairs; NULL: as it is
    const struct list *policies; // NULL: as they are
    const bool *disabled;        // NULL: as it is
};
// ret is borrowed from the draft; ret_new: it was made. Outcomes: 0; ENTITY_E_REFUSED,
// ENTITY_E_INVALID with fault; -errno.
int entity_change(struct draft *d, const struct entity_change *change, int64_t now_ms,
                  const struct entity **ret, bool *ret_new, struct fault *fault) MUST_USE;
// Takes an entity out, with its aliases. `e` may be borrowed from the draft. Outcomes: 0; -errno.
int entity_delete(struct draft *d, const struct entity *e) MUST_USE;

struct entity_merge {
    struct list from; // ids
    struct str to;    // id
    struct list keep; // ids of aliases: of two on one mount, the one that stays
};
// Gives the aliases of some entities to another one; they are gone then. Two aliases on one mount
// are refused unless `keep` has one of them. Appends to `clashes` the ids of the pairs of aliases
// that were in the way, if it was that (packed list). Outcomes: 0; ENTITY_E_REFUSED with fault;
// -errno.
int entity_merge(struct draft *d, const struct entity_merge *merge, struct buf *clashes,
                 struct fault *fault) MUST_USE;

// What a write of an alias says: of the one of that id, or of that name on that mount, or of a new
// one.
struct alias_change {
    struct str id;                      // empty: by name and mount
    struct str name, mount_accessor;    // empty: as they are
    struct str entity_id;               // empty: as it is, or a new entity
    const struct list *custom_metadata; // pairs; NULL: as it is; by name and mount: none
};
// ret is borrowed from the draft; ret_changed: it was made or is another now. Outcomes: as
// entity_change.
int alias_change(struct draft *d, const struct alias_change *change, int64_t now_ms,
                 const struct alias **ret, bool *ret_changed, struct fault *fault) MUST_USE;
// Takes an alias out. `a` may be borrowed from the draft. Outcomes: 0; -errno.
int alias_delete(struct draft *d, const struct alias *a) MUST_USE;

#endif
