// SPDX-License-Identifier: Apache-2.0
#ifndef KAFKA_SUSPECTS_H
#define KAFKA_SUSPECTS_H
// Which message of a transaction does a broker refuse? It takes or refuses batches, and after a
// refusal nothing of the transaction can go on. So the transaction is made again, with those that
// were refused together in smaller parts, until one is refused alone. A refusal costs half a second
// and waiting for a part costs a round trip, so they are many parts: of 1000 messages one is found
// with three refusals. Most are refused for their size: from then on whatever is as large is sent
// alone, so that each further one costs one refusal; until one as large is taken. Pure; not
// thread-safe.

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct kafka_suspects {
    // Of this try: those that were refused together, by number in the transaction, from 1.
    size_t first, last, count;
    size_t bytes;         // the last of them
    size_t largest_bytes; // of all that was sent
    // Of the tries before: what was sent up to these is waited for before more is sent.
    size_t *cuts;
    size_t cut_count, cut_cap;
    size_t large_bytes; // one of that size was refused for it; 0: none was
};
void kafka_suspects_fini(struct kafka_suspects *s);
DEFINE_AUTO_FINI(kafka_suspects)

void kafka_suspects_begin(struct kafka_suspects *s); // a try
void kafka_suspects_refused(struct kafka_suspects *s, size_t number, size_t bytes);
// All that was sent was taken; only the size is remembered.
void kafka_suspects_settle(struct kafka_suspects *s);

// Whether what was sent, up to that number, is to be waited for before a message of so many bytes,
// and behind it: `sent` counts it then.
bool kafka_suspects_wait_before(const struct kafka_suspects *s, size_t sent, size_t bytes);
bool kafka_suspects_wait_behind(struct kafka_suspects *s, size_t sent, size_t bytes);

// After a refusal, `for_size` or not. Outcomes: 0: *ret_number alone is meant, it is to be left out
// of the next try; KAFKA_SUSPECTS_E_AGAIN: not clear yet, the same once more; -ENOMEM.
enum { KAFKA_SUSPECTS_E_AGAIN = 1 };
int kafka_suspects_judge(struct kafka_suspects *s, bool for_size, size_t *ret_number) MUST_USE;

#endif
