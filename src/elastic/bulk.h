// SPDX-License-Identifier: Apache-2.0
#ifndef ELASTIC_BULK_H
#define ELASTIC_BULK_H
// The bulk API: requests of `create` actions, and what an answer says of each item
// (POST /_bulk, application/x-ndjson). Pure: no I/O.

#include "base/buf.h"
#include "base/error.h"

struct elastic_opts;   // elastic/engine.h
struct elastic_answer; // elastic/engine.h

// Appends one action and its document. `document` is one line of JSON; `id` has at most
// ELASTIC_ID_MAX bytes (a longer one makes engines refuse the whole request).
enum { ELASTIC_ID_MAX = 512 };
void elastic_bulk_add(struct buf *out, struct str index, struct str id, struct str document);

// Appends path and query of the requests that carry documents: pipeline, parameters, and which
// parts of an answer are wanted.
void elastic_bulk_path(struct buf *out, const struct elastic_opts *opts);

// Of a request that was refused as a whole: names the privileges. Returns -EACCES for 401 and 403,
// else `code`.
int elastic_bulk_say(const struct elastic_answer *a, int code, struct fault *fault);

enum elastic_item_verdict {
    ELASTIC_ITEM_CREATED,  // 201 (200)
    ELASTIC_ITEM_THERE,    // 409: the engine has it already
    ELASTIC_ITEM_RETRY,    // the cluster is full, blocked (flood stage), not complete
    ELASTIC_ITEM_WAITS,    // to be tried again, too, but somebody has to set something right first:
                           // a privilege, a pipeline that is not there
    ELASTIC_ITEM_REJECTED, // a document that will never fit: mapping, a pipeline failed on it
};

struct elastic_item {
    enum elastic_item_verdict verdict;
    int status;
    struct str index;   // "_index": of a data stream the backing index
    struct str reason;  // "document_parsing_exception: [1:24] failed to parse field [x]..."; with
                        // the innermost cause; absent when delivered
    bool failure_store; // rejected, and kept in the data stream's failure store
};

struct elastic_bulk_reader; // keeps its memory from answer to answer

int elastic_bulk_reader_new(struct elastic_bulk_reader **ret) MUST_USE;
struct elastic_bulk_reader *elastic_bulk_reader_free(struct elastic_bulk_reader *r);
DEFINE_AUTO_FREE(elastic_bulk_reader)

// Reads the body of a 200 answer to a request of `n` actions: exactly n items, in order.
// `ret_items` (n elements, filled with anything after a failure) borrows from the reader until its
// next use. Outcomes: 0; -ENOMEM; -EBADMSG with fault (not JSON, not as many items, an item that is
// none: as good as a lost answer).
int elastic_bulk_read(struct elastic_bulk_reader *r, struct str body, size_t n,
                      struct elastic_item *ret_items, struct fault *fault) MUST_USE;

#endif
