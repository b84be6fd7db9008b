// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_USERNAME_H
#define MFA_USERNAME_H
// The user's name in Okta, made from a method's username_format (reference 3.5). Pure.

#include "identity/entity.h"

// Appends the name: {{alias.name}}, {{entity.name}}, {{alias.metadata.KEY}} and
// {{entity.metadata.KEY}} are replaced in one pass from left to right, so that a value which looks
// like a placeholder stays what it is. An empty format is the alias's name. A placeholder without a
// value (or with an empty one), an unknown one, any brace beyond the pairs of placeholders and a
// result that does not fit into `out` refuse; `fault` names the placeholder, never a value, and
// nothing is appended. Outcomes: 0; USERNAME_E_REFUSED with fault; -ENOMEM.
enum { USERNAME_E_REFUSED = 1 };
int username_make(struct str format, const struct alias *alias, const struct entity *entity,
                  struct buf *out, struct fault *fault) MUST_USE;

#endif
