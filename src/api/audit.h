// SPDX-License-Identifier: Apache-2.0
#ifndef API_AUDIT_H
#define API_AUDIT_H
// What the gate decided, as ECS documents: one per request (docs/audit.md). Who, which path, which
// operation, allowed or why not; never a secret; tokens and accessors only as HMACs with
// core.audit_key. Pure.

#include "api/call.h"

// Appends one ECS document (JSON object, no newline) for a call that has been answered.
// `status` is what was sent; `took_ms` how long it took. Outcomes: 0; -EIO (no
// random bytes); -ENOMEM.
int audit_write(struct buf *out, const struct call *c, int status, int64_t took_ms) MUST_USE;

// By enum operation: "read".
extern const char *const audit_operations[];

// Appends the request's path as documents have it, without "/v1/", with "{masked}" in the place of
// what is, or could be, a token or another secret.
void audit_path(struct buf *out, const struct call *c);

#endif
