// SPDX-License-Identifier: Apache-2.0
#ifndef WATCH_REPLAY_H
#define WATCH_REPLAY_H
// Dead letters, delivered once more: after the reason is gone (a new version maps them, the output
// was mended). Blocks; for a command that has the state to itself.

#include "watch/watch.h"

struct replay_result {
    int64_t delivered; // and gone from the list
    int64_t kept;      // still refused, the output is down, or it or their source is not configured
};

// Maps each dead letter (or only number `id`; 0: all) with its source's settings and delivers it to
// its output, each in one transaction with its removal. An output that asks to come again (a busy
// engine) is given a few seconds. `kept` is called for each that stays, with
// the reason; may be NULL. Outcomes: 0; -errno with fault (nothing is lost, what was delivered so
// far is committed).
int replay_run(const struct watch_opts *opts, int64_t id,
               void (*kept)(int64_t id, const char *reason), struct replay_result *ret,
               struct fault *fault) MUST_USE;

#endif
