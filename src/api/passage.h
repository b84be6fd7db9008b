// SPDX-License-Identifier: Apache-2.0
#ifndef API_PASSAGE_H
#define API_PASSAGE_H
// The way of a request for which MFA is demanded: asked for, waited for, judged anew.

#include "api/gate-internal.h"

void passage_fini(struct passage *p);
DEFINE_AUTO_FINI(passage)

// For a call that wants MFA. PASSAGE_E_REMEMBERED: it has been passed a short while ago; `ret` says
// so. 0: it is being asked for; who asks gets the answer later, and `*ret_ticket` is for
// gate_give_up. -errno: it cannot be asked for.
enum { PASSAGE_E_REMEMBERED = 1 };
int passage_ask(struct gate *g, const struct call *c, struct passage *ret, const struct asker *who,
                uint64_t *ret_ticket) MUST_USE;

#endif
