// SPDX-License-Identifier: Apache-2.0
#ifndef FAILDRAFT_H
#define FAILDRAFT_H
// A change of the gate's state works or fails cleanly, whichever allocation fails. After cmocka.h.

#include <errno.h>

#include "identity/state.h"

#include "failmalloc.h"

enum { FAILDRAFT_ATTEMPTS_MAX = 100000 };

// Runs the scenario over drafts of the snapshot `before`, once for every allocation that fails in
// it, until none does. After each, the snapshot must be as it was.
static inline void faildraft_each(const struct state *before, bool (*is_untouched)(void),
                                  int (*scenario)(struct draft *d)) {
    for (long n = 1; n < FAILDRAFT_ATTEMPTS_MAX; n++) {
        struct draft d = {.state = NULL};
        failmalloc_arm(n);
        int r = draft_begin(&d, before);
        if (r == 0) r = scenario(&d);
        long count = failmalloc_disarm();
        draft_fini(&d);
        if (!is_untouched()) fail_msg("allocation %ld failed: the snapshot has changed", n);
        if (r != 0 && r != -ENOMEM) fail_msg("allocation %ld failed: outcome %d", n, r);
        if (count >= n) continue;
        assert_int_equal(r, 0);
        assert_true(n > 2);
        return;
    }
    fail_msg("never got through");
}

#endif
