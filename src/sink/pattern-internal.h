// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_PATTERN_INTERNAL_H
#define SINK_PATTERN_INTERNAL_H
// The dates in names: letters as Joda-Time's, the part of them that Beats takes.

#include "base/buf.h"
#include "base/error.h"

// Can these letters be written? Outcomes: 0; -EINVAL with fault (which letter, why).
int pattern_date_check(struct str letters, struct fault *fault) MUST_USE;

// Appends the instant in these letters (checked), UTC. Failures stick in `out`.
void pattern_date_add(struct buf *out, struct str letters, int64_t ms);

#endif
