// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_CONTROL_STATS_H
#define SIM_CONTROL_STATS_H
// Counts, as members of a JSON object.

#include "sim/sim.h"

void control_add_stats(struct buf *out, const struct sim *sim);

// {"applied": {kind: times, ...}}: kinds that never took effect are left out.
void control_add_applied(struct buf *out, const struct faults *faults);

#endif
