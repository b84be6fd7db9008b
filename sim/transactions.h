// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_TRANSACTIONS_H
#define SIM_TRANSACTIONS_H
// GET and DELETE of .../factors/{factor}/transactions/{transaction} (okta-api.md section 4.4).

#include "sim/call.h"

// Outcomes: CALL_E_REFUSED; CALL_E_DONE; negative errno.
int transactions_poll(struct call *call) MUST_USE;
int transactions_cancel(struct call *call) MUST_USE;

// Appends what Okta says of a push, with its links, `polled` or as the answer to verify. Outcomes:
// 0; -ENOMEM; -EMSGSIZE.
int transactions_write(struct call *call, const struct push *push, bool polled) MUST_USE;

// Does the trouble of the push's script strike now? Else 0. Outcomes: CALL_E_REFUSED; CALL_E_DONE.
int transactions_trouble(struct call *call, enum phone_trouble trouble);

#endif
