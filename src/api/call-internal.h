// SPDX-License-Identifier: Apache-2.0
#ifndef API_CALL_INTERNAL_H
#define API_CALL_INTERNAL_H
// A call's life, for the gate: made, decided, handled, answered.

#include "api/call.h"

void call_init(struct call *c, const struct request *request);
void call_fini(struct call *c);
DEFINE_AUTO_FINI(call)

// Fills mount, rest, route and captures, if c->state has such.
void find_route(struct call *c);
// Whose path is it, who asks, is it permitted: fills mount, route, caller, op and verdict out of
// c->state. A refusal is in the reply. `wants_mfa` afterwards: all is well but for the MFA methods
// of the verdict, which have to be asked for before it is dispatched. Pure. Outcomes: 0; -errno.
int decide(struct call *c) MUST_USE;
// The ACL's part of it: for handlers of ROUTE_OPTIONAL that have something to look at before.
int decide_permitted(struct call *c) MUST_USE;
// Coerces the fields and runs the route's handler, unless the reply has failed. Outcomes as decide.
int dispatch(struct call *c) MUST_USE;
// The answer must be wrapped: the whole envelope goes into a token's cubbyhole (X-Vault-Wrap-TTL).
bool wants_wrapping(const struct call *c);

// The status of the answer (reference 1.5), and its body appended to `out`.
int envelope_status(const struct call *c);
int envelope_write(const struct call *c, struct buf *out) MUST_USE;
// The same without what only HTTP needs: for a wrapped answer.
// `wrap_info`: JSON object; empty: null.
int envelope_write_with(const struct call *c, struct str request_id, struct str wrap_info,
                        struct buf *out) MUST_USE;

#endif
