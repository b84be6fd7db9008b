// SPDX-License-Identifier: Apache-2.0
#ifndef GATE_OPEN_H
#define GATE_OPEN_H
// For tests of which each has a gate of its own, open, with the root token `root`. After cmocka.h.

#include "gate-fixture.h"

static struct fixture f;

static inline int setup(void **state) {
    (void)state;
    fixture_open(&f);
    return 0;
}

static inline int teardown(void **state) {
    (void)state;
    fixture_close(&f);
    return 0;
}

#define row(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

// As root; the answer has this status, and holds that.
static inline void says(int status, const char *method, const char *path, const char *body,
                        const char *piece) {
    ask_saying(&f, "root", status, method, path, body, piece);
}

#endif
