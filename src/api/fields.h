// SPDX-License-Identifier: Apache-2.0
#ifndef API_FIELDS_H
#define API_FIELDS_H
// From what came in to values, by the rows of a route (reference 1.7). The values are then asked
// for through call.h.

#include "api/call.h"

// Coerces every field of c->route out of the captures and c->request->data. Outcomes: 0;
// FIELDS_E_REFUSED: a value cannot be converted, fault has the text for the 400; -ENOMEM.
enum { FIELDS_E_REFUSED = 1 };
int fields_read(struct call *c, struct fault *fault) MUST_USE;
void fields_free(struct call *c);

// The names of `ignored` and `replaced` as Vault puts them: appends "[a b]", sorted.
void fields_name(struct buf *out, struct list names);

// Coerces one value as a field of that kind would be, for objects within bodies: seconds.
// Outcomes: 0; FIELDS_E_REFUSED with fault ("time: invalid duration \"abc\""); -ENOMEM.
int fields_seconds(const struct json *v, bool may_be_negative, int64_t *ret,
                   struct fault *fault) MUST_USE;
// The same of a text: "30", "30s", "1h30m".
int fields_seconds_text(struct str text, bool may_be_negative, int64_t *ret,
                        struct fault *fault) MUST_USE;
// strconv.ParseBool's words, and "" for false. False: something else.
bool fields_bool_text(struct str text, bool *ret);

#endif
