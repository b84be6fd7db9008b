// SPDX-License-Identifier: Apache-2.0
#ifndef LOOP_LOOP_INTERNAL_H
#define LOOP_LOOP_INTERNAL_H
// What the files of this room share; the only place that includes uv.h.

#include <uv.h>

#include "loop/loop.h"

struct loop {
    uv_loop_t uv;
    bool ready; // uv was initialised
};

#endif
