// SPDX-License-Identifier: Apache-2.0
// The mark as it is kept in the state:
// {"sink":"elasticsearch","version":1,"cluster":"<hex>","horizon":MS,
//  "targets":[{"name":"logs-okta.system-default","past":[{"index":"...","until":MS}]}]}
// Names behind which there is one index only are left out: nothing has to be known of them.
#include <errno.h>

#include "base/parse.h"
#include "sink/elasticsearch-internal.h"
#include "json/read.h"
#include "json/write.h"

enum { MARK_VERSION = 1, CLUSTER_DIGITS = 16 };

// ---- writing

static void add_target(struct buf *out, const struct es_target *t) {
    json_open(out, '{');
    json_key(out, STR("name"));
    json_add_text(out, str_from(t->name));
    json_key(out, STR("past"));
    json_open(out, '[');
    for (size_t i = 0; i < t->past.n; i++) {
        json_open(out, '{');
        json_key(out, STR("index"));
        json_add_text(out, str_from(t->past.p[i].name));
        json_key(out, STR("until"));
        json_add_i64(out, t->past.p[i].until_ms);
        json_close(out, '}');
    }
    json_close(out, ']');
    json_close(out, '}');
}

void es_mark_write(struct buf *out, const struct es_mark *m) {
    json_open(out, '{');
    json_key(out, STR("sink"));
    json_add_str(out, str_from(m->sink));
    json_key(out, STR("version"));
    json_add_i64(out, MARK_VERSION);
    json_key(out, STR("cluster"));
    buf_addf(out, "\"%016llx\"", (unsigned long long)m->cluster);
    json_key(out, STR("horizon"));
    json_add_i64(out, m->horizon_ms);
    json_key(out, STR("targets"));
    json_open(out, '[');
    for (size_t i = 0; i < m->targets->n; i++)
        if (m->targets->p[i]->past.n > 0) add_target(out, m->targets->p[i]);
    json_close(out, ']');
    json_close(out, '}');
}

void es_write_mark(struct es_sink *s, struct buf *out) {
    const struct es_mark mark = {.sink = s->sink.type->name,
                                 .cluster = s->cluster,
                                 .horizon_ms = s->horizon_ms,
                                 .targets = &s->targets};
    es_mark_write(out, &mark);
}

int es_save_mark(struct es_sink *s, struct fault *fault) {
    buf_reset(&s->synced);
    es_write_mark(s, &s->synced);
    int r = s->synced.error;
    if (!r && s->host && s->host->save_mark)
        r = s->host->save_mark(s->host->ctx, buf_str(&s->synced));
    if (r)
        return fault_set(fault, r, "what an output remembers cannot be saved: %s", error_text(r));
    buf_reset(&s->saved);
    buf_add_str(&s->saved, buf_str(&s->synced));
    s->must_save = false;
    return s->saved.error;
}

// ---- reading

static bool parse_cluster(struct str s, uint64_t *ret) {
    uint64_t value = 0;
    if (s.n != CLUSTER_DIGITS) return false;
    for (size_t i = 0; i < s.n; i++) {
        int digit = parse_hex_digit(s.p[i]);
        if (digit < 0) return false;
        value = value << 4 | (uint64_t)digit;
    }
    *ret = value;
    return true;
}

static bool is_said_to_be(const struct json *list, enum json_type type) {
    return list && json_type(list) == type;
}

// Outcomes: 0; -EINVAL; -ENOMEM.
static int read_past(const struct json *list, struct es_target *t) {
    struct json_iter it = json_iter(list);
    if (!is_said_to_be(list, JSON_ARRAY)) return -EINVAL;
    while (json_next(&it)) {
        int64_t until_ms;
        struct str index = json_str(json_get(it.value, "index"));
        if (index.n == 0 || !json_i64(json_get(it.value, "until"), &until_ms)) return -EINVAL;
        int r = doubt_list_add(&t->past, index, until_ms);
        if (r) return r;
    }
    return 0;
}

static int read_targets(const struct json *list, struct es_targets *targets) {
    struct json_iter it = json_iter(list);
    if (!is_said_to_be(list, JSON_ARRAY)) return -EINVAL;
    while (json_next(&it)) {
        struct str name = json_str(json_get(it.value, "name"));
        if (name.n == 0) return -EINVAL;
        struct es_target *t = es_target_get(targets, name);
        if (!t) return -ENOMEM;
        int r = read_past(json_get(it.value, "past"), t);
        if (r) return r;
    }
    return 0;
}

static int read_body(const struct json *v, struct es_mark *m) {
    uint64_t cluster;
    if (!parse_cluster(json_str(json_get(v, "cluster")), &cluster)) return -EINVAL;
    if (!json_i64(json_get(v, "horizon"), &m->horizon_ms)) return -EINVAL;
    int r = read_targets(json_get(v, "targets"), m->targets);
    if (r == 0 && cluster != m->cluster) es_targets_fini(m->targets);
    return r;
}

static int read_mark(const struct json *v, struct es_mark *m, struct fault *fault) {
    int64_t version = 0;
    if (!json_i64(json_get(v, "version"), &version) || version < 1) return -EINVAL;
    if (version > MARK_VERSION)
        return fault_set(fault, -ENOTSUP,
                         "what the state remembers of this output was written by a newer gatehouse "
                         "(version %lld, this one knows %d)",
                         (long long)version, MARK_VERSION);
    return read_body(v, m);
}

int es_mark_read(struct str text, struct es_mark *m, struct fault *fault) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    if (text.n == 0) return 0;
    int r = json_reader_new(&reader);
    if (r == 0) r = json_read(reader, text, &v, NULL);
    if (r < 0) return r;
    struct str sink = json_str(json_get(v, "sink"));
    if (r == 0 && sink.n > 0 && !str_eqz(sink, m->sink)) return 0;
    r = r ? -EINVAL : read_mark(v, m, fault);
    if (r != -EINVAL) return r;
    return fault_set(fault, r, "what the state remembers of this output cannot be understood: %.*s",
                     (int)(text.n < 200 ? text.n : 200), text.p);
}
