// SPDX-License-Identifier: Apache-2.0
#ifndef GUARD_FIXTURE_H
#define GUARD_FIXTURE_H
// A draft that the guard and the trail work on. To be included after cmocka.h.

#include "mfa/guard.h"
#include "mfa/trail.h"

static const struct state_schema guard_schema = {{
    [RECORD_GUARD] = &guarded_type,
    [RECORD_CHALLENGE] = &attempt_type,
}};

static inline void guard_open(struct draft *d) {
    AUTO(state) struct state *empty = NULL;
    assert_int_equal(state_new(&empty, &guard_schema), 0);
    assert_int_equal(draft_begin(d, empty), 0);
}

static inline int guard_setup(void **state) {
    static struct draft d;
    guard_open(&d);
    *state = &d;
    return 0;
}

static inline int guard_teardown(void **state) {
    draft_fini(*state);
    return 0;
}

// Written down and read again, a record is what it was.
static inline void comes_back(const struct record_type *type, const void *record) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(buf) struct buf once = buf_make(1 << 20), twice = buf_make(1 << 20);
    AUTO_RECORD void *made = NULL;
    const struct json *v = NULL;
    struct fault fault = {{0}};
    type->encode(record, &once);
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, buf_str(&once), &v, &fault), 0);
    if (type->decode(&made, v, &fault)) fail_msg("%s", fault.text);
    type->encode(made, &twice);
    assert_true(once.n > 2 && str_eq(buf_str(&once), buf_str(&twice)));
}

// Does not come back: outcome -EINVAL, and why.
static inline void is_no_record(const struct record_type *type, const char *text, const char *why) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_RECORD void *made = NULL;
    const struct json *v = NULL;
    struct fault fault = {{0}};
    assert_int_equal(json_reader_new(&reader), 0);
    assert_int_equal(json_read(reader, str_from(text), &v, &fault), 0);
    assert_int_equal(type->decode(&made, v, &fault), -EINVAL);
    assert_string_equal(fault.text, why);
}

#endif
