// SPDX-License-Identifier: Apache-2.0
#ifndef JSON_OVERRIDES_H
#define JSON_OVERRIDES_H
// Which members of an object are overridden by a later one of the same name. Nearly free for
// objects of a few dozen members, n log n for larger ones.

#include "base/error.h"
#include "json/read.h"

struct json_overrides {
    bool any;
    uint64_t few;   // bit i: member i is overridden; for objects of up to 64 members
    uint64_t *many; // the same for larger objects; owned
};

// Looks through an object (anything else has no members). `fold`: 256 bytes by which names are
// translated before they are compared; NULL: as they are. Outcomes: 0; -ENOMEM.
int json_overrides_find(const struct json *object, const unsigned char *fold,
                        struct json_overrides *ret) MUST_USE;
void json_overrides_fini(struct json_overrides *o);
DEFINE_AUTO_FINI(json_overrides)

// Is member number i (in source order, from 0) overridden?
static inline bool json_overrides_has(const struct json_overrides *o, size_t i) {
    if (!o->any) return false;
    if (o->many) return (o->many[i / 64] >> (i % 64)) & 1;
    return (o->few >> i) & 1;
}

#endif
