// SPDX-License-Identifier: Apache-2.0
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H
// The gate's audit journal: documents in the order in which they were written, numbered, kept until
// every output has them. Thread-safe as the rest of the store; calls block.

#include "store/store.h"

// Appends documents (each a JSON object, with a uuid of its own in event.id) in one transaction;
// numbers follow on without gaps. Outcomes: 0; -errno with fault: none was written.
int journal_append(struct store *s, const struct str *documents, size_t n,
                   struct fault *fault) MUST_USE;
// The documents numbered above `after`, at most `max`, oldest first. Non-zero from the callback
// stops; it must not call the store, which is locked meanwhile. Outcomes: 0, also when stopped;
// STORE_E_CORRUPT; -errno.
int journal_read(struct store *s, int64_t after, size_t max,
                 int (*each)(void *ctx, int64_t number, struct str document), void *ctx,
                 struct fault *fault) MUST_USE;
// Forgets the documents up to `number`. Outcomes: 0; -errno.
int journal_forget(struct store *s, int64_t number, struct fault *fault) MUST_USE;
// The last number that was given, also when its document has been forgotten; 0: none yet.
int journal_last(struct store *s, int64_t *ret, struct fault *fault) MUST_USE;

#endif
