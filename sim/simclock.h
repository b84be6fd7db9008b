// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_SIMCLOCK_H
#define SIM_SIMCLOCK_H
// The simulator's clock: can be set, runs on from there, at any speed. Everything that the
// simulator says about time (Date, Reset, retention, persistence) comes from it.

#include <stdint.h>

struct simclock {
    int64_t set_ms;  // what it showed when it was set
    int64_t mono_ms; // the monotonic clock at that moment
    double speed;    // 1: as fast as the real one; 0: it stands still
};

// A clock that shows `now_ms` at this moment.
struct simclock simclock_make(int64_t now_ms, double speed);

// What it shows now, in milliseconds since 1970.
int64_t simclock_now(const struct simclock *c);

#endif
