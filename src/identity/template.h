// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_TEMPLATE_H
#define IDENTITY_TEMPLATE_H
// Paths of policies with the caller's identity in them: secret/{{identity.entity.name}}/*
// (reference 5.5). Taken apart when the policy is made, filled in at each decision.
//
// Known: identity.entity.id, .name, .metadata.KEY, .aliases.ACCESSOR.id, .name, .metadata.KEY,
// .custom_metadata.KEY. Groups are not there yet, so what names one has no value, like anything
// else that is not known.

#include "base/arena.h"
#include "identity/entity.h"

struct template; // immutable, lives in the arena that it was made in

// Whether the text has a template in it (a pair of braces at all).
bool template_is_in(struct str text);

// Outcomes: 0; TEMPLATE_E_BRACES (they do not come in pairs); -ENOMEM. Borrows the text.
enum { TEMPLATE_E_BRACES = 1 };
int template_make(struct template **ret, struct arena *arena, struct str text) MUST_USE;

// Appends the text with the values of the entity (NULL: none). Outcomes: 0; TEMPLATE_E_MISSING
// (something has no value: the rule does not count); -ENOMEM.
enum { TEMPLATE_E_MISSING = 1 };
int template_expand(const struct template *t, const struct state *s, const struct entity *entity,
                    struct buf *out) MUST_USE;

// Whether a value that is to be filled in holds one of the characters.
bool template_value_has(const struct template *t, const struct state *s,
                        const struct entity *entity, const char *characters);

// What stands before the first value: whatever it expands to begins with that.
struct str template_head(const struct template *t);

#endif
