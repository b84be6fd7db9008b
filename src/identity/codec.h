// SPDX-License-Identifier: Apache-2.0
#ifndef IDENTITY_CODEC_H
#define IDENTITY_CODEC_H
// Records as JSON objects and back, by a table of their members. Pure; any thread.

#include "base/error.h"
#include "identity/list.h"
#include "json/read.h"

enum codec_kind {
    CODEC_TEXT,  // struct str; absent: left out
    CODEC_LIST,  // struct list; absent: left out
    CODEC_PAIRS, // struct list of keys and values; absent: left out
    CODEC_INT,   // int64_t
    CODEC_BOOL,  // bool
};

struct codec_row {
    const char *key; // in the JSON object
    enum codec_kind kind;
    size_t offset; // in the record's struct
};

enum { CODEC_ROWS_MAX = 64 };

// Appends the members, without braces. Failures stick in `out`.
void codec_encode(const struct codec_row *rows, size_t n, const void *record, struct buf *out);

// Fills a zeroed struct: texts borrow from `v`, lists from `lists` (which is to live as long).
// Members that are not there stay zero. Outcomes: 0; -EINVAL with fault (it names the member, never
// its value); -ENOMEM.
int codec_decode(const struct codec_row *rows, size_t n, const struct json *v, void *draft,
                 struct buf *lists, struct fault *fault) MUST_USE;

#endif
