// SPDX-License-Identifier: Apache-2.0
#ifndef DAEMON_FRONT_H
#define DAEMON_FRONT_H
// The gate as the daemon runs it: master key, gate, what asks for MFA, and the server in front of
// it. Loop thread.

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/log.h"

struct front;
struct gate_stats;
struct loop;
struct settings;
struct stepup_source;
struct stepup_stats;
struct store;
struct str;

struct front_opts {
    struct loop *loop;
    const struct settings *settings; // borrowed until front_free
    struct store *store;             // NULL: in memory
    const struct log *log;
    bool dev; // in memory, initialised at once with the root token `root`, and said so loudly
    // Where audit documents go (api/gate.h); NULL: nowhere.
    bool (*audit)(void *ctx, struct str document);
    void *audit_ctx;
};

// Loads what is in the state, and listens. Without a master key, or before the first start, it
// answers as sealed. Outcomes: 0; -EINVAL, -EADDRINUSE, ... with fault (the wrong master key among
// them: says which setting).
int front_new(struct front **ret, const struct front_opts *opts, struct fault *fault) MUST_USE;
// Refuses what waits for a person, and everything that would have to from now on; then calls
// `done`, on the loop. Once.
void front_stop(struct front *f, void (*done)(void *ctx), void *ctx);
// Answers what is being worked on, then closes. NULL-safe; returns NULL.
struct front *front_free(struct front *f);
DEFINE_AUTO_FREE(front)

// Reads the certificate files anew. Outcomes: 0; -errno with fault: the old ones stay in force.
int front_reload(struct front *f, struct fault *fault) MUST_USE;

// mfa/stepup.h: stepup_use_sources, stepup_observe.
int front_use_sources(struct front *f, const struct stepup_source *sources, size_t n) MUST_USE;
void front_observe(struct front *f, const char *source, struct str event);

// api/gate.h, mfa/stepup.h.
void front_stats(const struct front *f, struct gate_stats *gate, struct stepup_stats *stepup);

// "https://127.0.0.1:8200". Borrowed.
const char *front_url(const struct front *f);

#endif
