// SPDX-License-Identifier: Apache-2.0
// An answer to a bulk request of as many documents as its first byte tells. Whatever comes: all
// items or none, each with a verdict, and a reason for those that were not delivered.
#include <errno.h>

#include "elastic/bulk.h"
#include "json/read.h"

#include "fuzz.h"

enum { ITEMS_MAX = 255 };

static void check_item(const struct elastic_item *item, struct str first_reason, size_t *at) {
    bool delivered = item->verdict == ELASTIC_ITEM_CREATED || item->verdict == ELASTIC_ITEM_THERE;
    MUST(item->status >= 100 && item->status <= 599);
    MUST(delivered == (item->reason.n == 0));
    MUST(!item->failure_store || item->verdict == ELASTIC_ITEM_REJECTED);
    if (item->reason.n == 0) return;
    MUST(item->reason.p == first_reason.p + *at); // one behind the other
    *at += item->reason.n;
}

static void check(struct elastic_bulk_reader *reader, struct str body, size_t n) {
    struct elastic_item items[ITEMS_MAX];
    struct fault fault = {{0}};
    struct str first = STR_NONE;
    size_t at = 0;
    int e = elastic_bulk_read(reader, body, n, items, &fault);
    MUST(e == 0 || (e == -EBADMSG && fault.text[0]));
    for (size_t i = 0; e == 0 && i < n; i++) {
        if (!first.p) first = items[i].reason;
        check_item(&items[i], first, &at);
    }
}

// What is written is read again: an action is one line, its id and index as they were.
static void check_request(struct str text) {
    AUTO_FINI(buf) struct buf out = buf_make(1 << 24);
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *action = NULL;
    elastic_bulk_add(&out, text, text, STR("{}"));
    MUST(out.error == 0 && json_reader_new(&reader) == 0);
    struct str line = str_sub(buf_str(&out), 0, str_find_char(buf_str(&out), '\n'));
    MUST(line.n + strlen("\n{}\n") == out.n);
    MUST(json_read(reader, line, &action, NULL) == 0);
    MUST(json_str(json_path(action, "create._id")).p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO(elastic_bulk_reader) struct elastic_bulk_reader *reader = NULL;
    if (size == 0) return 0;
    struct str body = {(const char *)data + 1, size - 1};
    // Corpus files are text: '0' is none, 'A' is 17.
    size_t n = data[0] >= '0' ? (size_t)(data[0] - '0') : 0;
    MUST(elastic_bulk_reader_new(&reader) == 0);
    check(reader, body, n);
    check(reader, body, 1);
    check_request(body);
    return 0;
}
