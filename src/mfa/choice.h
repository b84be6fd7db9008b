// SPDX-License-Identifier: Apache-2.0
#ifndef MFA_CHOICE_H
#define MFA_CHOICE_H
// Which of a user's factors is asked (okta-api section 4.2). Pure.

#include "identity/list.h"
#include "okta/push.h"

struct choice {
    bool code;         // a factor that takes a code is wanted, else one that takes a push
    struct str device; // the caller's: name of the device, provider, or id, any case; absent: ours
    struct list used;  // ids of factors that worked, the latest first (struct guarded)
};

// Only ACTIVE factors count. Of several the one that was used last, else the newest; among codes
// Okta Verify's before others of the same age. Several of that device's name: the newest. NULL:
// none, and `*ret_why` says why in the words of reference 4.6 (constant).
const struct okta_factor *choice_make(const struct choice *wanted, const struct okta_factor *all,
                                      size_t n, const char **ret_why);

#endif
