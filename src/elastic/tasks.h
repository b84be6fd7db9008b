// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_TASKS_H
#define ELASTIC_TASKS_H
// What the engine is still at. A bulk request whose answer was not waited for (a time-out, a
// connection that broke, a program that ended) goes on there, and may write for as long as it does.

#include "elastic/engine.h"

// Bulk requests under way that carry one X-Opaque-Id.
struct elastic_tasks {
    size_t n;
    int64_t newest_ms; // when the one that began last did so, by its node's clock
};

// The engine does not tell: a privilege is missing, or it has no such API.
enum { ELASTIC_E_UNTOLD = 1 };

// One request (GET /_tasks). Counts the bulk requests with that X-Opaque-Id, and parts of them,
// which began up to `until_ms`. Outcomes: 0; ELASTIC_E_UNTOLD with fault; -EIO with fault (also: a
// node kept silent); -ENOMEM; -ECANCELED.
int elastic_tasks_look(struct elastic *e, const char *opaque_id, int64_t until_ms,
                       struct elastic_tasks *ret, struct fault *fault) MUST_USE;

#endif
