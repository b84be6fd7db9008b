// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_WINDOW_INTERNAL_H
#define STORE_WINDOW_INTERNAL_H
// The rows of the table `window`, for those that change them inside a transaction.

#include "store/history.h"
#include "store/store-internal.h"

// One row of table `window` with what is borrowed from the statement or the caller.
struct window_row {
    int64_t id, pair;
    int64_t since_ms, until_ms, position_ms;
    struct str next;
    int64_t events, pages;
    bool done;
};

// The row that the statement finds, borrowed until it is used again. Outcomes: DB_ROW; 0 when there
// is none; -EUCLEAN; -errno.
int store_window_find(struct store *s, struct db_stmt *get, struct window_row *ret,
                      struct fault *fault) MUST_USE;

// A row in place of the one of that number; a new one, which is numbered; one goes. Outcomes: 0;
// -errno.
int store_window_put(struct store *s, const struct window_row *w, struct fault *fault) MUST_USE;
int store_window_add(struct store *s, struct window_row *w, struct fault *fault) MUST_USE;
int store_window_delete(struct store *s, int64_t id, struct fault *fault) MUST_USE;

// Takes the windows that are done on both sides of one that is done into it, which is to be written
// then. Outcomes: 0; -EUCLEAN; -errno.
int store_window_melt(struct store *s, struct window_row *w, struct fault *fault) MUST_USE;

#endif
