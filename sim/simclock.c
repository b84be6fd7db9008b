// SPDX-License-Identifier: Apache-2.0
#include "sim/simclock.h"

#include "base/time.h"

struct simclock simclock_make(int64_t now_ms, double speed) {
    return (struct simclock){.set_ms = now_ms, .mono_ms = time_mono_ms(), .speed = speed};
}

int64_t simclock_now(const struct simclock *c) {
    int64_t passed_ms = time_mono_ms() - c->mono_ms;
    return c->set_ms + (int64_t)((double)passed_ms * c->speed);
}
