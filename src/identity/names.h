// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_NAMES_H
#define IDENTITY_NAMES_H
// Names of policies as people write them. Pure; any thread.

#include "identity/list.h"

// Appends the names as a packed list: trimmed, in lower case, sorted, each once, without empty
// ones. Outcomes: 0; -ENOMEM.
int names_fold(struct list names, struct buf *out) MUST_USE;

#endif
