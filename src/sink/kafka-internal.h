// SPDX-License-Identifier: Apache-2.0
#ifndef SINK_KAFKA_INTERNAL_H
#define SINK_KAFKA_INTERNAL_H
// What a collector leaves in the topic of positions, and what it knows of it.
//
// Each pair of source and output (polling, each window, and the dead letters that were tried again)
// is a lane with a number that grows by one per transaction. The transaction holds the documents
// and the lane's record with the new number; the state holds the number of the last transaction
// whose cursor it has committed. A record that is one ahead of the state tells that the last commit
// here was lost: its documents come again and are recognised. A record of another state, or further
// ahead, tells that somebody else went on.
//
// Whoever goes on from there is also to recognise what Okta brings a second time. So the same
// transaction leaves what the state remembers of the page (struct sink_memory): the uuids of what
// was polled last, in a ring of records for each source, the trail; and those that may come again
// by the other way, polling or window, in a record for each page, until they cannot any more.

#include "base/hash.h"
#include "sink/sink.h"
#include "json/read.h"

enum {
    KAFKA_STATE_MAX = 33, // 16 random bytes in hex, and a NUL
    KAFKA_MARK_MAX_BYTES = 1 << 20,
    KAFKA_RECORD_MAX_BYTES = 16 << 20,
};

// ---- kafka-record.c: a record as text; pure

enum kafka_kind { KAFKA_POSITION, KAFKA_TRAIL, KAFKA_HAD };

// A part of a source's trail.
struct kafka_slot {
    int64_t number;    // grows by one; the place in the ring is this modulo KAFKA_TRAIL_SLOTS
    int64_t before_ms; // newest published that the pair had had before; 0: none
    bool first;        // what was polled before is not known here
};
enum { KAFKA_TRAIL_SLOTS = 128 };

// What may come again of a page.
struct kafka_had {
    bool window; // of the window that begins at since_ms
    int64_t since_ms;
    int64_t first_ms, last_ms, fetched_ms;
    uint64_t sum; // hash64 of its ids
};

struct kafka_record {
    enum kafka_kind kind;
    char state[KAFKA_STATE_MAX]; // whose it is
    int64_t seq;                 // of a position
    char *source, *next;         // owned; source "": the dead letters; next may be NULL
    struct sink_position at;     // its strings are those; of others than positions the source alone
    struct kafka_slot slot;
    struct kafka_had had;
    struct hash128 *ids; // owned; of a position: documents that the lane's state had not settled
    size_t id_count;
    size_t open_count; // so many of the first are still open once it has settled the transaction
};
void kafka_record_fini(struct kafka_record *r);
DEFINE_AUTO_FINI(kafka_record)

// The key of a lane's record: "TRANSACTIONAL_ID|SOURCE", with "|SINCE_MS" for a window. Names of
// sources hold neither "|" nor "#".
void kafka_record_key(struct buf *out, const char *transactional_id,
                      const struct sink_position *at);
// "TRANSACTIONAL_ID|SOURCE#PLACE", and "TRANSACTIONAL_ID|SOURCE|had|FETCHED_MS|SUM".
void kafka_slot_key(struct buf *out, const char *transactional_id, struct str source,
                    const struct kafka_slot *slot);
void kafka_had_key(struct buf *out, const char *transactional_id, struct str source,
                   const struct kafka_had *had);

struct kafka_ids {
    const struct hash128 *p;
    size_t n;
};
uint64_t kafka_ids_sum(struct kafka_ids ids);

// Append the JSON. Of a position `state`, `seq`, `at` and the ids are written.
void kafka_record_write(struct buf *out, const struct kafka_record *r);

void kafka_slot_write(struct buf *out, const char *state, struct str source,
                      const struct kafka_slot *slot, struct kafka_ids ids);
void kafka_had_write(struct buf *out, const char *state, struct str source,
                     const struct kafka_had *had, struct kafka_ids ids);

// Outcomes: 0; KAFKA_RECORD_E_ODD: not a record of a version that is known; -ENOMEM.
enum { KAFKA_RECORD_E_ODD = 1 };
int kafka_record_read(struct kafka_record *ret, struct json_reader *reader,
                      struct str text) MUST_USE;

// ---- kafka-lane.c: all lanes

// A document of which nobody has said yet that its cursor is committed, but which is in Kafka.
struct kafka_doubt {
    struct hash128 id;
    bool seen; // came again with the page that is being delivered
};

struct kafka_lane {
    struct kafka_lane *next_lane;
    char *source, *next;     // owned
    struct sink_position at; // as last written to Kafka; its strings are those
    bool written;            // `at` is
    bool foreign;            // was found as another state left it
    bool gap; // of polling: the topic has lost what was polled last, a new trail begins
    // Whose transaction is the last that the state has settled. The next one has the number behind.
    char base_state[KAFKA_STATE_MAX];
    int64_t base_seq; // 0: none
    bool base_open;   // some of its documents may still come again
    // Whose record was found; "": none was.
    char found_state[KAFKA_STATE_MAX];
    int64_t found_seq;
    struct kafka_doubt *doubts; // sorted by id
    size_t doubt_count;
    size_t unrecognised; // documents that were new, one after the other
};

struct kafka_lanes {
    char state[KAFKA_STATE_MAX]; // ours; "": not known yet
    struct kafka_lane *first;
};
void kafka_lanes_fini(struct kafka_lanes *l);

// The lane of a position (source and window); made where there is none. Outcomes: 0; -ENOMEM.
int kafka_lanes_get(struct kafka_lanes *l, const struct sink_position *at,
                    struct kafka_lane **ret) MUST_USE;

// Reads the mark; an absent one leaves all empty. Outcomes: 0; -EINVAL with fault; -ENOMEM.
int kafka_lanes_read_mark(struct kafka_lanes *l, struct str mark, struct fault *fault) MUST_USE;
// Appends the mark, as it will be when `moved` (may be NULL) stands at that number of ours.
void kafka_lanes_write_mark(const struct kafka_lanes *l, const struct kafka_lane *moved,
                            int64_t seq, bool open, struct buf *out);

// Takes in what was found in Kafka. Outcomes: 0; -ENOMEM.
int kafka_lanes_found(struct kafka_lanes *l, const struct kafka_record *r) MUST_USE;
// Does the mark know of a transaction that Kafka does not?
bool kafka_lane_is_behind(const struct kafka_lanes *l, const struct kafka_lane *lane);
// It is told to the caller where another state has left the lane: the next mark says so.
void kafka_lane_adopt(struct kafka_lane *lane);

// Is it in Kafka, unsettled? Marks it as seen.
bool kafka_lanes_recognise(struct kafka_lanes *l, struct hash128 id);
void kafka_lanes_forget_seen(struct kafka_lanes *l); // none has come
void kafka_lanes_settle_seen(struct kafka_lanes *l); // those that have come are settled
size_t kafka_lane_unseen(const struct kafka_lane *lane);
size_t kafka_lane_seen(const struct kafka_lane *lane);
// Outcomes: 0; -ENOMEM.
int kafka_lane_add_doubts(struct kafka_lane *lane, struct kafka_ids ids) MUST_USE;
void kafka_lane_drop_doubts(struct kafka_lane *lane);
// The caller knows these: they do not come to the sink any more.
void kafka_lane_drop_known(struct kafka_lane *lane, struct kafka_ids ids);
// `at` is in Kafka now. Outcomes: 0; -ENOMEM (then it will be written once more).
int kafka_lane_stand(struct kafka_lane *lane, const struct sink_position *at) MUST_USE;
bool kafka_lane_stands(const struct kafka_lane *lane, const struct sink_position *at);

// The lane's transaction of that number of ours is settled.
void kafka_lane_settle(struct kafka_lane *lane, const char *state, int64_t seq);

#endif
