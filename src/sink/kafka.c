// SPDX-License-Identifier: Apache-2.0
// One transaction per page: its documents, and records in a compacted topic that say where the pair
// stands behind it and what of it is to be remembered. The state's mark says which transaction of
// each lane it has settled (kafka-internal.h); what a crash leaves between the two commits is seen
// by comparing.
//
// The topic is chosen over the metadata of consumer offsets, because those expire with their group
// and hold 4 kB.
#include <errno.h>
#include <stdio.h>
#include <sys/random.h>

#include "sink/kafka-page-internal.h"

// ---- opening

static struct sink *kafka_free(struct sink *s) {
    struct kafka_sink *w = (struct kafka_sink *)s;
    if (!w) return NULL;
    kafka_producer_free(w->producer);
    pattern_free(w->topic);
    pattern_free(w->key);
    kafka_lanes_fini(&w->lanes);
    kafka_memory_fini(&w->memory);
    kafka_page_forget_refusals(w);
    buf_fini(&w->topic_name);
    buf_fini(&w->key_text);
    buf_fini(&w->record);
    buf_fini(&w->record_key);
    free(w->refusals);
    free(w->numbers);
    free(w->sent);
    free(w);
    return NULL;
}

static int make_pattern(struct pattern **ret, const char *name, const char *text,
                        struct fault *fault) {
    struct fault why = {0};
    int r = pattern_new(ret, text, &why);
    return r ? fault_set(fault, r, "%s: %s", name, why.text) : 0;
}

static int make_patterns(struct kafka_sink *w, struct fault *fault) {
    const struct kafka_opts *k = w->kafka;
    if (!k->topic || !*k->topic) return fault_set(fault, -EINVAL, "no topic is set");
    int r = make_pattern(&w->topic, "topic", k->topic, fault);
    if (r == 0 && k->key && *k->key) r = make_pattern(&w->key, "key", k->key, fault);
    if (r == 0 && strcmp(k->topic, k->position_topic) == 0)
        return fault_set(fault, -EINVAL, "topic and position_topic are the same, %s", k->topic);
    return r;
}

// The state's name in Kafka is on record before anything is written there under it.
static int make_state(struct kafka_sink *w, const struct sink_host *host, struct fault *fault) {
    AUTO_FINI(buf) struct buf text = buf_make(KAFKA_MARK_MAX_BYTES);
    unsigned char bytes[(KAFKA_STATE_MAX - 1) / 2];
    if (w->lanes.state[0]) return 0;
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return fault_set(fault, -EIO, "no random bytes");
    buf_add_hex(&text, bytes, sizeof bytes);
    if (text.error) return text.error;
    memcpy(w->lanes.state, text.p, text.n);
    buf_reset(&text);
    kafka_lanes_write_mark(&w->lanes, NULL, 0, false, &text);
    int r = text.error;
    if (r == 0 && host->save_mark) r = host->save_mark(host->ctx, buf_str(&text));
    return r ? fault_set(fault, r, "the state cannot be written: %s", error_text(r)) : 0;
}

struct found {
    struct kafka_sink *sink;
    struct json_reader *reader;
};

static void key_of(const struct kafka_sink *w, const struct kafka_record *r, struct buf *out) {
    const char *id = w->kafka->transactional_id;
    switch (r->kind) {
    case KAFKA_POSITION: kafka_record_key(out, id, &r->at); return;
    case KAFKA_TRAIL: kafka_slot_key(out, id, r->at.source, &r->slot); return;
    case KAFKA_HAD: kafka_had_key(out, id, r->at.source, &r->had); return;
    }
}

static int on_record(void *ctx, struct str key, struct str value) {
    struct found *found = ctx;
    struct kafka_sink *w = found->sink;
    AUTO_FINI(kafka_record) struct kafka_record record = {.seq = 0};
    AUTO_FINI(buf) struct buf expected = buf_make(KAFKA_RECORD_MAX_BYTES);
    int r = kafka_record_read(&record, found->reader, value);
    if (r == KAFKA_RECORD_E_ODD) {
        fault_set(&w->sink.notice, 0,
                  "topic %s: the record %.*s is not one that this version knows",
                  w->kafka->position_topic, STR_ARG(key));
        return 0;
    }
    if (r) return r;
    key_of(w, &record, &expected);
    if (expected.error) return expected.error;
    if (!str_eq(key, buf_str(&expected))) return 0; // an id that begins like ours
    return record.kind == KAFKA_POSITION ? kafka_lanes_found(&w->lanes, &record)
                                         : kafka_memory_found(&w->memory, &record);
}

static int find_records(struct kafka_sink *w, struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(buf) struct buf prefix = buf_make(KAFKA_RECORD_MAX_BYTES);
    int r = json_reader_new(&reader);
    struct found found = {w, reader};
    buf_addf(&prefix, "%s|", w->kafka->transactional_id);
    if (r == 0) r = prefix.error;
    if (r == 0) r = kafka_positions(w->producer, buf_str(&prefix), on_record, &found, fault);
    if (r) return r;
    for (struct kafka_lane *l = w->lanes.first; l; l = l->next_lane) {
        bool behind = kafka_lane_is_behind(&w->lanes, l);
        l->gap = behind && !l->at.window;
        if (behind)
            fault_set(&w->sink.notice, 0,
                      "topic %s knows less than the state of what was delivered (has it been made "
                      "anew?); going on from the state",
                      w->kafka->position_topic);
    }
    kafka_memory_settle(&w->memory, &w->lanes);
    return 0;
}

// The lane of the dead letters also tells whose the transactional id is. Its record is there before
// the first document, so that whoever is fenced can see by whom, or that it was nobody.
static const struct sink_position no_pair = {.source = {"", 0}};

static int taken_over(const struct kafka_sink *w, struct fault *fault) {
    return fault_set(fault, -EPIPE,
                     "another collector has taken over the transactional id %s and goes on from "
                     "here; this one delivers no more",
                     w->kafka->transactional_id);
}

// The first connection of a process takes the id over. One that is made anew has fenced whoever
// took it over meanwhile; that one sees that the claim is still its own, and goes on.
static int claim(struct kafka_sink *w, bool anew, struct fault *fault) {
    struct kafka_lane *lane = NULL;
    int r = kafka_lanes_get(&w->lanes, &no_pair, &lane);
    if (r || strcmp(lane->found_state, w->lanes.state) == 0) return r;
    if (anew && lane->found_state[0]) return taken_over(w, fault);
    r = kafka_sink_commit(w, lane, &no_pair, fault);
    return r > 0
               ? fault_set(fault, -EIO, "another collector takes the transactional id %s just now",
                           w->kafka->transactional_id)
               : r;
}

static int find_out(struct kafka_sink *w, const struct sink_host *host, struct str mark,
                    struct fault *fault) {
    int r = kafka_lanes_read_mark(&w->lanes, mark, fault);
    if (r == 0) r = kafka_producer_new(&w->producer, w->kafka, host->stop, fault);
    if (r == 0) r = make_state(w, host, fault);
    if (r == 0) r = find_records(w, fault);
    return r ? r : claim(w, host->opened_before, fault);
}

static int kafka_open(struct sink **ret, const struct sink_opts *opts, const struct sink_host *host,
                      struct str mark, struct fault *fault) {
    struct kafka_sink *w = mem_new(sizeof *w);
    if (!w) return fault_set(fault, -ENOMEM, "%s: no memory", opts->name);
    w->sink.type = &sink_kafka;
    w->opts = opts;
    w->kafka = opts->kafka;
    w->topic_name = w->key_text = buf_make(64 << 10);
    w->record = w->record_key = buf_make(KAFKA_RECORD_MAX_BYTES);
    fault_set(&w->no_uuid, 0, "the document has no uuid");
    int r = make_patterns(w, fault);
    if (r == 0 && !opts->dry_run) r = find_out(w, host, mark, fault);
    if (r == -ENOMEM && !fault->text[0]) fault_set(fault, r, "%s: no memory", opts->name);
    if (r == 0) *ret = &w->sink;
    else kafka_free(&w->sink);
    return r;
}

// ---- who has the transactional id

static int on_claim(void *ctx, struct str key, struct str value) {
    struct kafka_sink *w = ctx;
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_FINI(kafka_record) struct kafka_record record = {.seq = 0};
    if (key.n != strlen(w->kafka->transactional_id) + 1) return 0;
    int r = json_reader_new(&reader);
    if (r == 0) r = kafka_record_read(&record, reader, value);
    if (r < 0) return r;
    return r == 0 && strcmp(record.state, w->lanes.state) != 0 ? KAFKA_E_FENCED : 0;
}

// A broker fences a producer also when its transaction took too long (the broker was away for more
// than a minute), or for one that had no right to the id: then the claim is still ours, and a new
// producer goes on. Outcomes: -EPIPE, -errno with fault.
static int fenced(struct kafka_sink *w, struct fault *fault) {
    AUTO_FINI(buf) struct buf key = buf_make(KAFKA_RECORD_MAX_BYTES);
    w->fenced = true;
    kafka_record_key(&key, w->kafka->transactional_id, &no_pair);
    if (key.error) return -ENOMEM;
    int r = kafka_positions(w->producer, buf_str(&key), on_claim, w, fault);
    if (r < 0) return r;
    if (r > 0) return taken_over(w, fault);
    w->reopen = true;
    return fault_set(fault, -EIO, "the transaction took longer than the broker waits for one");
}

static int passed_up(struct kafka_sink *w, int r, struct fault *fault) {
    return r == KAFKA_E_FENCED ? fenced(w, fault) : r;
}

// ---- transactions

int kafka_sink_abort(struct kafka_sink *w, struct fault *fault) {
    w->sent_count = 0;
    kafka_lanes_forget_seen(&w->lanes);
    int r = kafka_abort(w->producer, fault);
    if (r == KAFKA_E_IN_DOUBT) w->reopen = true;
    return r == KAFKA_E_IN_DOUBT ? -EIO : r;
}

// ---- the type's functions

static int kafka_deliver(struct sink *s, const struct sink_doc *docs, size_t n, int64_t now_ms,
                         struct sink_reply *replies, struct fault *fault) {
    struct kafka_sink *w = (struct kafka_sink *)s;
    w->now_ms = now_ms;
    if (w->fenced) return fenced(w, fault);
    if (w->reopen) return fault_set(fault, -EIO, "the connection is to be made anew");
    int r = kafka_page_send(w, docs, n, replies, fault);
    if (r == -ENOMEM && !fault->text[0]) fault_set(fault, r, "no memory");
    return passed_up(w, r, fault);
}

// Documents in doubt come first when the pages come again, but for some that were refused before
// and are not now: after two pages' worth of new ones the rest will not come any more (a filter was
// changed). Dead letters come in any order.
enum { DOUBTS_OVER = 2000 };
static bool leaves_doubts(const struct kafka_sink *w, const struct kafka_lane *lane) {
    bool over = lane->source[0] && kafka_lane_seen(lane) == 0 &&
                lane->unrecognised + w->sent_count >= DOUBTS_OVER;
    return kafka_lane_unseen(lane) > 0 && !over;
}

// Outcomes: 0; -errno with fault; KAFKA_E_FENCED.
static int sync_lane(struct kafka_sink *w, struct kafka_lane *lane, const struct sink_position *at,
                     bool moves, struct buf *ret_mark, struct fault *fault) {
    bool leaves = leaves_doubts(w, lane);
    bool news = w->sent_count > 0 || (moves && !kafka_lane_stands(lane, at));
    if (!news && lane->doubt_count == 0) return 0;
    int r = news ? kafka_sink_commit(w, lane, at, fault) : 0;
    if (r) return r;
    w->synced = lane;
    w->synced_open = leaves;
    kafka_lanes_write_mark(&w->lanes, lane, lane->found_seq, leaves, ret_mark);
    return ret_mark->error;
}

static int kafka_sync(struct sink *s, const struct sink_position *at, struct buf *ret_mark,
                      struct fault *fault) {
    struct kafka_sink *w = (struct kafka_sink *)s;
    const struct sink_position *stands = at ? at : &no_pair;
    struct kafka_lane *lane = NULL;
    int r = kafka_lanes_get(&w->lanes, stands, &lane);
    if (r) return fault_set(fault, r, "no memory");
    r = sync_lane(w, lane, stands, at != NULL, ret_mark, fault);
    return passed_up(w, r, fault);
}

static void end_page(struct kafka_sink *w) {
    w->sent_count = 0;
    w->synced = NULL;
}

static void kafka_committed(struct sink *s) {
    struct kafka_sink *w = (struct kafka_sink *)s;
    struct kafka_lane *lane = w->synced;
    if (lane) lane->unrecognised = kafka_lane_seen(lane) ? 0 : lane->unrecognised + w->sent_count;
    kafka_lanes_settle_seen(&w->lanes);
    if (lane) {
        kafka_lane_settle(lane, w->lanes.state, lane->found_seq);
        lane->base_open = w->synced_open;
    }
    if (lane && !w->synced_open) kafka_lane_drop_doubts(lane);
    end_page(w);
    w->page_over = true; // the caller may still read what its documents were refused for
}

// What is committed in Kafka stays there: those documents will be recognised.
static int keep_synced(struct kafka_sink *w, struct fault *fault) {
    int r = kafka_lane_add_doubts(w->synced, (struct kafka_ids){w->sent, w->sent_count});
    kafka_lanes_forget_seen(&w->lanes);
    end_page(w);
    return r ? fault_set(fault, r, "no memory") : 0;
}

static int kafka_rollback(struct sink *s, struct fault *fault) {
    struct kafka_sink *w = (struct kafka_sink *)s;
    if (w->reopen) return fault_set(fault, -EIO, "the connection is to be made anew");
    if (w->synced) return keep_synced(w, fault);
    if (w->fenced) return 0; // the next deliver looks again who has the id
    return passed_up(w, kafka_sink_abort(w, fault), fault);
}

static int kafka_sink_positions(struct sink *s,
                                int (*each)(void *ctx, const struct sink_position *p), void *ctx,
                                struct fault *fault) {
    struct kafka_sink *w = (struct kafka_sink *)s;
    int r = 0;
    (void)fault;
    for (struct kafka_lane *l = w->lanes.first; r == 0 && l; l = l->next_lane) {
        if (!l->foreign) continue;
        kafka_lane_adopt(l);
        r = each(ctx, &l->at);
    }
    return r;
}

static int kafka_sink_remembered(struct sink *s,
                                 int (*each)(void *ctx, const struct sink_memory *m), void *ctx) {
    const struct kafka_sink *w = (const struct kafka_sink *)s;
    return kafka_memory_tell(&w->memory, &w->lanes, each, ctx);
}

static int kafka_sink_test(const struct sink_opts *opts, const struct sink_host *host,
                           void (*say)(void *ctx, bool good, const char *step, const char *text),
                           void *ctx) {
    AUTO(pattern) struct pattern *topic = NULL;
    struct fault fault = {0};
    int r = make_pattern(&topic, "topic", opts->kafka->topic, &fault);
    if (r) say(ctx, false, "topic", fault.text);
    if (r) return r;
    const char *name = pattern_is_constant(topic) ? opts->kafka->topic : NULL;
    return kafka_test(opts->kafka, name, host->stop, say, ctx, &fault);
}

const struct sink_type sink_kafka = {
    .name = "kafka",
    .guarantee = "exactly once (for consumers with isolation.level=read_committed)",
    .waits = true,
    .open = kafka_open,
    .deliver = kafka_deliver,
    .sync = kafka_sync,
    .committed = kafka_committed,
    .rollback = kafka_rollback,
    .positions = kafka_sink_positions,
    .remembered = kafka_sink_remembered,
    .test = kafka_sink_test,
    .free = kafka_free,
};
