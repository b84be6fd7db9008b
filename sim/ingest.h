// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_INGEST_H
#define SIM_INGEST_H
// Events from text: one JSON array, or one event per line. Any JSON value is taken, so that strange
// events can be served too; its bytes stay as they are.

#include "base/error.h"
#include "sim/store.h"
#include "json/read.h"

// Outcome of ingest_text: not what it should be; `fault` says where.
enum { INGEST_E_BAD = 1 };

struct ingest {
    struct store *store;        // borrowed
    struct json_reader *reader; // borrowed
    int64_t now_ms;             // published of an event that does not say
    bool persisted_given;
    int64_t persisted_ms; // for all; else each event's published, in the order of the text
};

// Adds all events or none, and settles the store. Outcomes: 0; INGEST_E_BAD; -ENOMEM; -EFBIG.
int ingest_text(const struct ingest *in, struct str text, size_t *ret_n,
                struct fault *fault) MUST_USE;

// The same with a file's content; errors name the file. Outcomes also: negative errno of reading.
int ingest_file(const struct ingest *in, const char *path, size_t *ret_n,
                struct fault *fault) MUST_USE;

// Appends a file's content. Outcomes: 0; -ENOMEM; -EMSGSIZE; negative errno of opening and reading.
int ingest_read_file(struct buf *out, const char *path) MUST_USE;

#endif
