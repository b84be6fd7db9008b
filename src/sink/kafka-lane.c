// SPDX-License-Identifier: Apache-2.0
// The lanes: what the state's mark says of each, and what was found in Kafka. There are as many as
// sources and windows, so they stand in a list.
#include <errno.h>

#include "sink/kafka-internal.h"
#include "json/write.h"

static void lane_free(struct kafka_lane *lane) {
    free(lane->source);
    free(lane->next);
    free(lane->doubts);
    free(lane);
}

void kafka_lanes_fini(struct kafka_lanes *l) {
    while (l->first) {
        struct kafka_lane *lane = l->first;
        l->first = lane->next_lane;
        lane_free(lane);
    }
}

static bool is_lane(const struct kafka_lane *lane, const struct sink_position *at) {
    if (!str_eqz(at->source, lane->source) || lane->at.window != at->window) return false;
    return !at->window || lane->at.since_ms == at->since_ms;
}

int kafka_lanes_get(struct kafka_lanes *l, const struct sink_position *at,
                    struct kafka_lane **ret) {
    struct kafka_lane **end = &l->first;
    for (; *end; end = &(*end)->next_lane) {
        if (!is_lane(*end, at)) continue;
        *ret = *end;
        return 0;
    }
    struct kafka_lane *lane = mem_new(sizeof *lane);
    if (!lane) return -ENOMEM;
    lane->source = mem_copy(at->source.p ? at->source.p : "", at->source.n);
    if (!lane->source) {
        lane_free(lane);
        return -ENOMEM;
    }
    lane->at = (struct sink_position){
        .source = {lane->source, at->source.n}, .window = at->window, .since_ms = at->since_ms};
    *ret = *end = lane;
    return 0;
}

// ---- where it stands

static bool same_text(struct str a, struct str b) { return !a.p == !b.p && str_eq(a, b); }

bool kafka_lane_stands(const struct kafka_lane *lane, const struct sink_position *at) {
    const struct sink_position *have = &lane->at;
    return lane->written && same_text(have->next, at->next) &&
           have->published_ms == at->published_ms && have->start_ms == at->start_ms &&
           have->until_ms == at->until_ms && have->position_ms == at->position_ms &&
           have->done == at->done;
}

int kafka_lane_stand(struct kafka_lane *lane, const struct sink_position *at) {
    char *next = at->next.p ? mem_copy(at->next.p, at->next.n) : NULL;
    lane->written = false;
    if (at->next.p && !next) return -ENOMEM;
    free(lane->next);
    lane->next = next;
    lane->at = *at;
    lane->at.source = str_from(lane->source);
    lane->at.next = (struct str){next, next ? at->next.n : 0};
    lane->at.memory = NULL;
    lane->written = true;
    return 0;
}

// ---- the mark

static void copy_state(char to[KAFKA_STATE_MAX], const char *from) {
    memmove(to, from, KAFKA_STATE_MAX);
}

static bool read_state(const struct json *v, char ret[KAFKA_STATE_MAX]) {
    struct str state = json_str(v);
    if (state.n != KAFKA_STATE_MAX - 1) return false;
    memcpy(ret, state.p, state.n);
    ret[state.n] = '\0';
    return true;
}

static int odd_mark(struct fault *fault) {
    return fault_set(fault, -EINVAL, "the mark on record is not one of a Kafka output");
}

static int read_lane(struct kafka_lanes *l, const struct json *v, struct fault *fault) {
    struct sink_position at = {.source = json_str(json_get(v, "source"))};
    struct kafka_lane *lane = NULL;
    int64_t seq = 0;
    at.window = json_i64(json_get(v, "since"), &at.since_ms);
    if (!at.source.p || !json_i64(json_get(v, "seq"), &seq)) return odd_mark(fault);
    int r = kafka_lanes_get(l, &at, &lane);
    if (r) return r;
    kafka_lane_settle(lane, l->state, seq);
    if (json_get(v, "state") && !read_state(json_get(v, "state"), lane->base_state))
        return odd_mark(fault);
    lane->base_open = json_bool(json_get(v, "open"));
    return 0;
}

int kafka_lanes_read_mark(struct kafka_lanes *l, struct str mark, struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *root = NULL;
    if (mark.n == 0) return 0;
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, mark, &root, NULL);
    if (r < 0) return r;
    if (r || !read_state(json_get(root, "state"), l->state)) return odd_mark(fault);
    struct json_iter it = json_iter(json_get(root, "lanes"));
    while (r == 0 && json_next(&it)) r = read_lane(l, it.value, fault);
    return r;
}

static void write_lane(const struct kafka_lanes *l, const struct kafka_lane *lane,
                       const char *state, int64_t seq, bool open, struct buf *out) {
    if (seq == 0) return;
    json_open(out, '{');
    json_key(out, STR("source"));
    json_add_text(out, str_from(lane->source));
    if (lane->at.window) {
        json_key(out, STR("since"));
        json_add_i64(out, lane->at.since_ms);
    }
    json_key(out, STR("seq"));
    json_add_i64(out, seq);
    if (strcmp(state, l->state) != 0) {
        json_key(out, STR("state"));
        json_add_str(out, str_from(state));
    }
    if (open) {
        json_key(out, STR("open"));
        json_add_bool(out, true);
    }
    json_close(out, '}');
}

void kafka_lanes_write_mark(const struct kafka_lanes *l, const struct kafka_lane *moved,
                            int64_t seq, bool open, struct buf *out) {
    json_open(out, '{');
    json_key(out, STR("state"));
    json_add_str(out, str_from(l->state));
    json_key(out, STR("lanes"));
    json_open(out, '[');
    for (const struct kafka_lane *lane = l->first; lane; lane = lane->next_lane)
        if (lane == moved) write_lane(l, lane, l->state, seq, open, out);
        else write_lane(l, lane, lane->base_state, lane->base_seq, lane->base_open, out);
    json_close(out, ']');
    json_close(out, '}');
}

// ---- what was found

void kafka_lane_settle(struct kafka_lane *lane, const char *state, int64_t seq) {
    copy_state(lane->base_state, state);
    lane->base_seq = seq;
    lane->base_open = false;
}

bool kafka_lane_is_behind(const struct kafka_lanes *l, const struct kafka_lane *lane) {
    if (lane->base_seq == 0 || lane->foreign) return false;
    if (lane->found_seq == 0) return true;
    return strcmp(lane->found_state, l->state) == 0 && lane->found_seq < lane->base_seq;
}

int kafka_lanes_found(struct kafka_lanes *l, const struct kafka_record *r) {
    struct kafka_lane *lane = NULL;
    int e = kafka_lanes_get(l, &r->at, &lane);
    if (e == 0) e = kafka_lane_stand(lane, &r->at);
    if (e) return e;
    bool ours = strcmp(r->state, l->state) == 0;
    bool settled = strcmp(r->state, lane->base_state) == 0 && r->seq <= lane->base_seq;
    bool open = settled && lane->base_open && r->seq == lane->base_seq;
    bool lost = ours && r->seq == lane->base_seq + 1; // the last commit here
    bool no_pair = r->at.source.n == 0;               // dead letters are each state's own
    copy_state(lane->found_state, r->state);
    lane->found_seq = r->seq;
    lane->foreign = !settled && !lost && !no_pair;
    if (!lost && !open && !lane->foreign) return 0;
    size_t n = ours && open ? r->open_count : r->id_count;
    return kafka_lane_add_doubts(lane, (struct kafka_ids){r->ids, n});
}

void kafka_lane_adopt(struct kafka_lane *lane) {
    kafka_lane_settle(lane, lane->found_state, lane->found_seq);
    lane->base_open = true; // behind its position, a part of its last pages may have been left over
}

// ---- doubts

static int compare(const void *a, const void *b) {
    const struct hash128 *x = a, *y = b; // the first member of a doubt
    if (x->hi != y->hi) return x->hi < y->hi ? -1 : 1;
    return x->lo < y->lo ? -1 : x->lo > y->lo;
}

static struct kafka_doubt *find_doubt(const struct kafka_lane *lane, struct hash128 id) {
    if (lane->doubt_count == 0) return NULL;
    return bsearch(&id, lane->doubts, lane->doubt_count, sizeof *lane->doubts, compare);
}

bool kafka_lanes_recognise(struct kafka_lanes *l, struct hash128 id) {
    bool found = false;
    for (struct kafka_lane *lane = l->first; lane; lane = lane->next_lane) {
        struct kafka_doubt *d = find_doubt(lane, id);
        if (d) d->seen = found = true;
    }
    return found;
}

void kafka_lanes_forget_seen(struct kafka_lanes *l) {
    for (struct kafka_lane *lane = l->first; lane; lane = lane->next_lane)
        for (size_t i = 0; i < lane->doubt_count; i++) lane->doubts[i].seen = false;
}

static void drop_seen(struct kafka_lane *lane) {
    size_t left = 0;
    for (size_t i = 0; i < lane->doubt_count; i++)
        if (!lane->doubts[i].seen) lane->doubts[left++] = lane->doubts[i];
    lane->doubt_count = left;
}

void kafka_lanes_settle_seen(struct kafka_lanes *l) {
    for (struct kafka_lane *lane = l->first; lane; lane = lane->next_lane) drop_seen(lane);
}

void kafka_lane_drop_known(struct kafka_lane *lane, struct kafka_ids ids) {
    for (size_t i = 0; i < ids.n; i++) {
        struct kafka_doubt *d = find_doubt(lane, ids.p[i]);
        if (d) d->seen = true;
    }
    drop_seen(lane);
}

size_t kafka_lane_seen(const struct kafka_lane *lane) {
    size_t n = 0;
    for (size_t i = 0; i < lane->doubt_count; i++) n += lane->doubts[i].seen;
    return n;
}

size_t kafka_lane_unseen(const struct kafka_lane *lane) {
    return lane->doubt_count - kafka_lane_seen(lane);
}

int kafka_lane_add_doubts(struct kafka_lane *lane, struct kafka_ids ids) {
    if (ids.n == 0) return 0;
    struct kafka_doubt *all = mem_new_array(lane->doubt_count + ids.n, sizeof *all);
    if (!all) return -ENOMEM;
    if (lane->doubt_count) memcpy(all, lane->doubts, lane->doubt_count * sizeof *all);
    for (size_t i = 0; i < ids.n; i++) all[lane->doubt_count + i].id = ids.p[i];
    free(lane->doubts);
    lane->doubts = all;
    lane->doubt_count += ids.n;
    qsort(all, lane->doubt_count, sizeof *all, compare);
    return 0;
}

void kafka_lane_drop_doubts(struct kafka_lane *lane) { lane->doubt_count = 0; }
