// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_JSON_READER_H
#define TESTS_UNIT_JSON_READER_H
// A reader as the state of a group of tests. Include after cmocka.

#include "json/read.h"

static inline int make_reader(void **state) {
    struct json_reader *r = NULL;
    if (json_reader_new(&r)) return -1;
    *state = r;
    return 0;
}

static inline int free_reader(void **state) {
    json_reader_free(*state);
    return 0;
}

static inline const struct json *read_text(void **state, struct str text) {
    const struct json *v = NULL;
    struct fault fault = {0};
    if (json_read(*state, text, &v, &fault)) fail_msg("not read: %s", fault.text);
    return v;
}

#endif
