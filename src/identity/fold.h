// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_FOLD_H
#define IDENTITY_FOLD_H
// Lower case, for names that are the same whatever their case. Pure; any thread.

#include "base/buf.h"

// Appends the text with the letters of the Latin, Greek, Cyrillic and Armenian scripts in lower
// case; everything else, and bytes that are not valid UTF-8, as they are. Failures stick in `out`.
void fold_text(struct buf *out, struct str text);

#endif
