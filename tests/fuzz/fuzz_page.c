// SPDX-License-Identifier: Apache-2.0
// Any bytes as a page: cutting it into events and reading it whole must tell the same story.
#include "base/buf.h"
#include "json/read.h"
#include "json/repair.h"
#include "json/split.h"
#include "json/write.h"

#include "fuzz.h"

// Gives the number of elements when all of them could be cut out, else -1.
static long count_elements(struct json_reader *r, struct str page, bool *all_readable) {
    struct json_split split = json_split(page);
    struct str element = STR_NONE;
    struct fault fault = {0};
    const char *behind = page.p;
    int e;
    while ((e = json_split_next(&split, &element, &fault)) == 0) {
        MUST(element.n > 0 && element.p > behind && element.p + element.n <= page.p + page.n);
        behind = element.p + element.n;
        const struct json *value = NULL;
        int read = json_read(r, element, &value, &fault);
        MUST(read == 0 || read == JSON_E_SYNTAX);
        *all_readable &= read == 0;
    }
    MUST(e > 0);
    if (e != JSON_SPLIT_E_END) MUST(fault.text[0]);
    return e == JSON_SPLIT_E_END ? (long)split.count : -1;
}

// What was written can be read, and then writes the same again.
static void write_twice(struct json_reader *r, const struct json *value) {
    AUTO_FINI(buf) struct buf first = buf_make(64 << 20);
    if (json_add_value(&first, value)) return;
    MUST(!first.error);
    struct fault fault;
    MUST(json_read(r, buf_str(&first), &value, &fault) == 0);
    AUTO_FINI(buf) struct buf second = buf_make(64 << 20);
    MUST(json_add_value(&second, value) == 0);
    MUST(str_eq(buf_str(&first), buf_str(&second)));
}

static void repair_is_idempotent(struct str text) {
    AUTO_FINI(buf) struct buf once = buf_make(64 << 20);
    AUTO_FINI(buf) struct buf twice = buf_make(64 << 20);
    json_repair(&once, text);
    json_repair(&twice, buf_str(&once));
    MUST(str_eq(buf_str(&once), buf_str(&twice)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str page = {(const char *)data, size};
    AUTO(json_reader) struct json_reader *r = NULL;
    MUST(json_reader_new(&r) == 0);

    bool all_readable = true;
    long count = count_elements(r, page, &all_readable);
    const struct json *whole = NULL;
    struct fault fault = {0};
    int e = json_read(r, page, &whole, &fault);
    MUST(e == 0 || (e == JSON_E_SYNTAX && fault.text[0]));
    if (e == 0 && json_type(whole) == JSON_ARRAY && count >= 0)
        MUST((size_t)count == json_count(whole) && all_readable);
    if (e != 0 && count >= 0) MUST(!all_readable);
    if (e == 0) write_twice(r, whole);
    repair_is_idempotent(page);
    return 0;
}
