// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_PAGE_H
#define SIM_PAGE_H
// One page of a query over the store: which events, and the cursor behind them.
//
// A polling cursor is <persistence in ms>_<how many events of that millisecond were seen>; a
// bounded one is the uuid of the last event seen, or the nil uuid for the start of the range.

#include "sim/query.h"
#include "sim/store.h"

enum { PAGE_CURSOR_MAX = 512 };

// Outcome of page_read: the cursor is not one that this server can have given.
enum { PAGE_E_CURSOR = 1 };

struct page {
    uint32_t ids[QUERY_LIMIT_MAX];
    size_t n;
    bool more;      // matching events wait behind these
    bool has_next;  // there is a next link; polling always has one
    bool caught_up; // polling: nothing came, so the next link is the one just asked for
    char cursor[PAGE_CURSOR_MAX];
};

struct page_source {
    struct store *store;
    struct json_reader *reader; // for filters
    int64_t now_ms;             // what is persisted later does not exist yet
    int64_t retention_ms;       // what was published earlier than that before now is gone
};

// Reads at most `most` events (<= QUERY_LIMIT_MAX). Outcomes: 0; PAGE_E_CURSOR; -ENOMEM.
int page_read(struct page *ret, const struct page_source *source, const struct query *q,
              size_t most) MUST_USE;

#endif
