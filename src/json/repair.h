// SPDX-License-Identifier: Apache-2.0
#ifndef JSON_REPAIR_H
#define JSON_REPAIR_H
// Text that is JSON but for its Unicode.

#include "base/buf.h"

// Appends `text` to `out` with every byte that is not valid UTF-8 replaced by U+FFFD, and every
// \uD800..\uDFFF escape that is not part of a pair by \uFFFD. Everything else is unchanged.
// Failures stick in `out`.
void json_repair(struct buf *out, struct str text);

// The length of the valid UTF-8 character at the front of `s` (1..4); 0 when there is none.
// Overlong forms, surrogates and values above U+10FFFF are not valid (RFC 3629).
size_t json_utf8_length(struct str s);

#endif
