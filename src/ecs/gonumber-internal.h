// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_GONUMBER_INTERNAL_H
#define ECS_GONUMBER_INTERNAL_H
// Numbers as Go's encoding/json writes a float64: the shortest digits that give the same one, with
// an exponent below 1e-6 and from 1e21 on.

#include "base/buf.h"

// Appends the number; `text` is one as JSON has them, of any length. False: too large for a
// float64, nothing was appended. Failures to append stick in `out`.
bool ecs_gonumber_add(struct buf *out, struct str text) MUST_USE;

#endif
