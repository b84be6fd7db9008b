// SPDX-License-Identifier: Apache-2.0
// A record from the topic of positions, which anybody in the cluster may have written. What is
// taken is written again and read as the same, and told to whom it is for; as a mark, too, it is
// taken or refused.
#include <errno.h>

#include "sink/kafka-memory-internal.h"

#include "fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 20 };

static void same(const struct kafka_record *a, const struct kafka_record *b) {
    MUST(a->kind == b->kind && a->seq == b->seq && a->id_count == b->id_count);
    MUST(memcmp(a->state, b->state, sizeof a->state) == 0);
    MUST(a->open_count == b->open_count);
    MUST(str_eq(a->at.source, b->at.source) && str_eq(a->at.next, b->at.next));
    MUST(a->at.window == b->at.window && a->at.since_ms == b->at.since_ms);
    MUST(a->at.published_ms == b->at.published_ms && a->at.done == b->at.done);
    MUST(a->slot.number == b->slot.number && a->slot.before_ms == b->slot.before_ms);
    MUST(a->slot.first == b->slot.first && a->had.window == b->had.window);
    MUST(a->had.first_ms == b->had.first_ms && a->had.last_ms == b->had.last_ms);
    MUST(a->had.fetched_ms == b->had.fetched_ms && a->had.since_ms == b->had.since_ms);
    for (size_t i = 0; i < a->id_count; i++) MUST(hash128_eq(a->ids[i], b->ids[i]));
}

static void write_record(struct buf *out, const struct kafka_record *r) {
    const struct kafka_ids ids = {r->ids, r->id_count};
    switch (r->kind) {
    case KAFKA_POSITION: kafka_record_write(out, r); break;
    case KAFKA_TRAIL: kafka_slot_write(out, r->state, r->at.source, &r->slot, ids); break;
    case KAFKA_HAD: kafka_had_write(out, r->state, r->at.source, &r->had, ids); break;
    }
}

static void write_again(struct json_reader *reader, const struct kafka_record *r) {
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(kafka_record) struct kafka_record again = {.seq = 0};
    write_record(&out, r);
    if (out.error) return;
    MUST(kafka_record_read(&again, reader, buf_str(&out)) == 0);
    same(r, &again);
}

static int count_ids(void *ctx, const struct sink_memory *m) {
    *(size_t *)ctx += (m->recent.n + m->had.n) / sizeof(struct hash128);
    return 0;
}

// Another state has left a position there: all of it is told.
static void remember(struct kafka_record *take_r) {
    struct kafka_lanes lanes = {.state = "00112233445566778899aabbccddeeff"};
    struct kafka_memory memory = {.first = NULL};
    struct kafka_lane *lane = NULL;
    const struct sink_position polled = {.source = take_r->at.source};
    size_t ids = take_r->id_count, told = 0;
    MUST(kafka_lanes_get(&lanes, &polled, &lane) == 0);
    lane->foreign = true;
    MUST(kafka_memory_found(&memory, take_r) == 0);
    kafka_memory_settle(&memory, &lanes);
    MUST(kafka_memory_tell(&memory, &lanes, count_ids, &told) == 0);
    MUST(told == ids);
    kafka_memory_fini(&memory);
    kafka_lanes_fini(&lanes);
}

static void take_in(const struct kafka_record *r) {
    struct kafka_lanes lanes = {.state = "00112233445566778899aabbccddeeff"};
    AUTO_FINI(buf) struct buf out = buf_make(TEXT_MAX_BYTES);
    MUST(kafka_lanes_found(&lanes, r) == 0);
    for (size_t i = 0; lanes.first->doubt_count && i < r->id_count; i++)
        MUST(kafka_lanes_recognise(&lanes, r->ids[i]));
    if (lanes.first->foreign) kafka_lane_adopt(lanes.first);
    kafka_lanes_write_mark(&lanes, NULL, 0, false, &out);
    kafka_lanes_fini(&lanes);
    struct kafka_lanes again = {.first = NULL};
    int e = out.error ? 0 : kafka_lanes_read_mark(&again, buf_str(&out), NULL);
    MUST(e == 0);
    kafka_lanes_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(kafka_record) struct kafka_record r = {.seq = 0};
    struct kafka_lanes lanes = {.first = NULL};
    struct str text = {(const char *)data, size};
    MUST(json_reader_new(&reader) == 0);
    int e = kafka_record_read(&r, reader, text);
    MUST(e == 0 || e == KAFKA_RECORD_E_ODD);
    if (e == 0) write_again(reader, &r);
    if (e == 0 && r.kind == KAFKA_POSITION) take_in(&r);
    else if (e == 0) remember(&r);
    e = kafka_lanes_read_mark(&lanes, text, NULL);
    MUST(e == 0 || e == -EINVAL);
    kafka_lanes_fini(&lanes);
    return 0;
}
