// SPDX-License-Identifier: Apache-2.0
// What a transaction holds beside its documents: the record of the position, and those of what is
// remembered. All of them are with their broker before the commit is asked for.
#include <errno.h>

#include "sink/kafka-page-internal.h"

// All documents that the state will not have settled before this transaction is; first those that
// will be open even then. Outcomes: 0; -ENOMEM.
static int collect_ids(const struct kafka_sink *w, const struct kafka_lane *lane,
                       struct kafka_record *r) {
    r->ids = mem_new_array(lane->doubt_count + w->sent_count + 1, sizeof *r->ids);
    if (!r->ids) return -ENOMEM;
    for (int seen = 0; seen <= 1; seen++) {
        for (size_t i = 0; i < lane->doubt_count; i++)
            if (lane->doubts[i].seen == (seen != 0)) r->ids[r->id_count++] = lane->doubts[i].id;
        if (!seen) r->open_count = r->id_count;
    }
    for (size_t i = 0; i < w->sent_count; i++) r->ids[r->id_count++] = w->sent[i];
    return 0;
}

static int write_record(struct kafka_sink *w, const struct kafka_lane *lane,
                        const struct sink_position *at) {
    AUTO_FINI(kafka_record) struct kafka_record record = {.seq = lane->base_seq + 1, .at = *at};
    memcpy(record.state, w->lanes.state, KAFKA_STATE_MAX);
    int r = collect_ids(w, lane, &record);
    if (r) return r;
    buf_reset(&w->record);
    buf_reset(&w->record_key);
    kafka_record_key(&w->record_key, w->kafka->transactional_id, at);
    kafka_record_write(&w->record, &record);
    return w->record_key.error ? w->record_key.error : w->record.error;
}

static int send_record(struct kafka_sink *w, struct str value, struct fault *fault) {
    const struct kafka_message m = {
        .topic = w->kafka->position_topic, .key = buf_str(&w->record_key), .value = value};
    return kafka_produce(w->producer, &m, fault);
}

static int write_note(struct kafka_sink *w, const struct kafka_note *n) {
    const struct kafka_ids ids = {n->ids, n->id_count};
    const char *id = w->kafka->transactional_id;
    struct str source = str_from(n->source);
    buf_reset(&w->record);
    buf_reset(&w->record_key);
    if (n->kind == KAFKA_TRAIL) {
        kafka_slot_key(&w->record_key, id, source, &n->slot);
        kafka_slot_write(&w->record, w->lanes.state, source, &n->slot, ids);
    } else {
        kafka_had_key(&w->record_key, id, source, &n->had);
        kafka_had_write(&w->record, w->lanes.state, source, &n->had, ids);
    }
    return w->record_key.error ? w->record_key.error : w->record.error;
}

static int send_note(struct kafka_sink *w, const struct kafka_note *n, struct fault *fault) {
    int r = n ? write_note(w, n) : 0;
    if (r) return fault_set(fault, r, "a record of what was delivered: %s", error_text(r));
    return n ? send_record(w, buf_str(&w->record), fault) : 0;
}

// A message without a value takes the key away.
static int send_gone(struct kafka_sink *w, const struct kafka_note *n, struct fault *fault) {
    buf_reset(&w->record_key);
    kafka_had_key(&w->record_key, w->kafka->transactional_id, str_from(n->source), &n->had);
    return w->record_key.error ? w->record_key.error : send_record(w, STR_NONE, fault);
}

static int send_change(struct kafka_sink *w, const struct kafka_change *c, struct fault *fault) {
    int r = send_note(w, c->slot, fault);
    if (r == 0) r = send_note(w, c->had, fault);
    for (size_t i = 0; r == 0 && i < c->gone_count; i++) r = send_gone(w, c->gone[i], fault);
    return r;
}

static int send_position(struct kafka_sink *w, const struct kafka_lane *lane,
                         const struct sink_position *at, struct fault *fault) {
    int r = write_record(w, lane, at);
    if (r) return fault_set(fault, r, "the record of the position: %s", error_text(r));
    return send_record(w, buf_str(&w->record), fault);
}

static int send_all(struct kafka_sink *w, const struct kafka_change *change,
                    const struct kafka_lane *lane, const struct sink_position *at,
                    struct fault *fault) {
    size_t number = 0;
    int r = send_change(w, change, fault);
    if (r == 0) r = send_position(w, lane, at, fault);
    if (r == 0) r = kafka_flush(w->producer, &number, fault);
    return r == KAFKA_E_REJECTED ? -EIO : r;
}

static void note_committed(struct kafka_sink *w, struct kafka_change *change,
                           struct kafka_lane *lane, const struct sink_position *at) {
    memcpy(lane->found_state, w->lanes.state, KAFKA_STATE_MAX);
    lane->found_seq = lane->base_seq + 1;
    if (change->slot) lane->gap = false;
    kafka_memory_apply(&w->memory, lane, change);
    (void)!kafka_lane_stand(lane, at); // else it is written once more
}

int kafka_sink_commit(struct kafka_sink *w, struct kafka_lane *lane, const struct sink_position *at,
                      struct fault *fault) {
    AUTO_FINI(kafka_change) struct kafka_change change = {0};
    int r = kafka_change_make(&change, &w->memory, &w->lanes, lane, at);
    if (r) return fault_set(fault, r, "no memory");
    r = send_all(w, &change, lane, at, fault);
    if (r == 0) r = kafka_commit(w->producer, fault);
    if (r == KAFKA_E_IN_DOUBT) w->reopen = true;
    if (r) return r == KAFKA_E_IN_DOUBT ? -EIO : r;
    note_committed(w, &change, lane, at);
    return 0;
}
