// SPDX-License-Identifier: Apache-2.0
#ifndef API_WRAPPING_H
#define API_WRAPPING_H
// Response wrapping (X-Vault-Wrap-TTL; reference 1.2): the answer goes into the cubbyhole of a
// token of a single use, and the caller gets that token.

#include "api/call.h"

// `envelope`: the answer as it would have been sent. Makes the token in c->draft, for
// c->request->wrap_ttl_s, and appends the `wrap_info` object. Writer thread. Outcomes: 0; -errno.
int wrapping_wrap(struct call *c, struct str envelope, struct buf *ret_wrap_info) MUST_USE;

#endif
