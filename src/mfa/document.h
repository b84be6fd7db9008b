// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_DOCUMENT_H
#define MFA_DOCUMENT_H
// The gate's MFA events as ECS documents (docs/audit.md), for the same journal as the audit
// documents of requests. Dataset gatehouse.mfa. Pure; never a secret.
//
//   action                when                                       category, type, outcome
//   mfa-challenge         a challenge was decided                    authentication; start +
//   allowed
//                                                                    or denied; success or failure
//   mfa-refused           the guard let none begin                   authentication; denied;
//   failure mfa-joined            Okta's log entries of a challenge arrived  authentication; info
//   mfa-unlogged          an hour later Okta had logged none         authentication; info; kind
//   alert mfa-foreign           an entry by our credentials that no        intrusion_detection;
//   kind alert
//                         challenge explains
//   mfa-guard             a signal changed what the guard permits,   iam; change
//                         or an administrator cleared it

#include "mfa/trail.h"

// Appends one document. `wait_ms`: how long the person took (decided - sent). Outcomes: 0; -EIO
// (no random bytes for event.id); -ENOMEM.
int document_challenge(struct buf *out, const struct attempt *a, const struct guard_verdict *v,
                       int64_t now_ms) MUST_USE; // also mfa-refused, by a->rule
int document_joined(struct buf *out, const struct attempt *a, const struct signal *signal,
                    int64_t now_ms) MUST_USE;
int document_unlogged(struct buf *out, const struct attempt *a, int64_t now_ms) MUST_USE;
int document_foreign(struct buf *out, struct str org, const struct signal *signal,
                     int64_t now_ms) MUST_USE;
// `g` as it is after `signal` was noted. (Who clears it, tells the audit document of that request.)
int document_guard(struct buf *out, const struct guarded *g, const struct signal *signal,
                   int64_t now_ms) MUST_USE;

#endif
