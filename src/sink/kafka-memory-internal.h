// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_KAFKA_MEMORY_INTERNAL_H
#define SINK_KAFKA_MEMORY_INTERNAL_H
// What is in the topic of positions beside the positions: what collectors remember of past pages
// (kafka-internal.h). It is kept in memory as far as it is needed to write what comes next, and
// whole where another state has left it, until the next transaction.

#include "sink/kafka-internal.h"

// A record of the trail or of what was had.
struct kafka_note {
    struct kafka_note *next_note;
    enum kafka_kind kind;
    char *source; // owned
    struct kafka_slot slot;
    struct kafka_had had;
    struct hash128 *ids; // owned; NULL: not kept
    size_t id_count;
};

struct kafka_memory {
    struct kafka_note *first;
};
void kafka_memory_fini(struct kafka_memory *m);

// Takes a record that was found over, the ids with it. Outcomes: 0; -ENOMEM.
int kafka_memory_found(struct kafka_memory *m, struct kafka_record *take_r) MUST_USE;
// All that is there was found: what nobody will ask for is let go, and documents are not in doubt
// that the caller knows by what it is told, or was when it took over.
void kafka_memory_settle(struct kafka_memory *m, struct kafka_lanes *l);

// What sink_type.remembered tells. Outcomes: 0; what `each` returned; -ENOMEM.
int kafka_memory_tell(const struct kafka_memory *m, const struct kafka_lanes *l,
                      int (*each)(void *ctx, const struct sink_memory *m), void *ctx) MUST_USE;

// What a transaction changes there.
struct kafka_change {
    struct kafka_note *slot, *had; // owned; to be written; NULL: none
    struct kafka_note **gone;      // owned, the notes are not; to be taken away
    size_t gone_count;
};
void kafka_change_fini(struct kafka_change *c);
DEFINE_AUTO_FINI(kafka_change)

// Of the lane's transaction at `at`. Outcomes: 0; -ENOMEM.
int kafka_change_make(struct kafka_change *ret, const struct kafka_memory *m,
                      const struct kafka_lanes *l, const struct kafka_lane *lane,
                      const struct sink_position *at) MUST_USE;
// It is committed. Cannot fail.
void kafka_memory_apply(struct kafka_memory *m, const struct kafka_lane *lane,
                        struct kafka_change *take_c);

#endif
