// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_SINK_FAKE_ENGINE_H
#define TESTS_UNIT_SINK_FAKE_ENGINE_H
// A small engine in the place of elastic/engine.c: data streams with their indices, `create`,
// _mget, delete and rollover as the real ones do them, and what can go wrong on the way. One per
// process. After cmocka.

#include <errno.h>
#include <stdio.h>

#include "elastic/engine.h"
#include "json/read.h"
#include "json/write.h"

#define FAKE_OPAQUE_ID "gatehouse-search"
enum { FAKE_LATE_MAX = 8, FAKE_INDICES_MAX = 64, FAKE_DOCS_MAX = 4096, FAKE_NAME_MAX = 100 };

struct fake_index {
    char stream[FAKE_NAME_MAX], name[FAKE_NAME_MAX];
};
struct fake_doc {
    char id[FAKE_NAME_MAX];
    int index;
};

// A bulk request that is under way: what it will create, and in which index.
struct fake_late {
    char *body;
    int index;
    int began_ms;
};

// What the next requests meet. Numbers count down.
struct fake_trouble {
    int dead;        // requests that get no answer, and are not heard
    int lost;        // bulk requests that are done, and their answer is lost
    int roll_before; // bulk requests before which the stream rolls over
    int roll_within; // and in the middle of which it does
    int refuse;      // bulk requests that are refused as a whole, with
    int refuse_status;
    int64_t retry_after_ms;
    int twice; // bulk requests that are done twice: a host did it and fell silent, the next one
               // answers
    const char *garbage; // the next bulk request is done and answered by this
    int forbid_find;     // _mget: 403
    int forbid_remove;
    int lost_find;    // _mget that gets no answer
    int late;         // bulk requests that are given up, and done by fake_finish_late()
    int forbid_tasks; // _tasks: 403
    size_t body_max;  // 413 beyond; 0: none
};

static struct fake {
    struct fake_index indices[FAKE_INDICES_MAX];
    struct fake_doc docs[FAKE_DOCS_MAX];
    int index_count, doc_count;
    struct fake_trouble trouble;
    struct fake_late late[FAKE_LATE_MAX];
    int late_count;
    int busy;    // so many documents whose id begins with "busy" are refused by 429
    bool locked; // those whose id begins with "locked" by 403
    const struct elastic_opts *opts;
    struct json_reader *reader;
    struct buf answer;
    struct {
        int knocks, resolves, bulks, finds, removes, tasks, created, sent, all;
    } seen;
} fake;

struct elastic {
    int unused;
};

// ---- what is in it

static inline int fake_write_index(const char *stream) {
    int found = -1;
    for (int i = 0; i < fake.index_count; i++)
        if (strcmp(fake.indices[i].stream, stream) == 0) found = i;
    return found;
}

static inline int fake_find_index(struct str name) {
    for (int i = 0; i < fake.index_count; i++)
        if (str_eqz(name, fake.indices[i].name)) return i;
    return -1;
}

static inline int fake_rollover(const char *stream) {
    assert_true(fake.index_count < FAKE_INDICES_MAX);
    struct fake_index *made = &fake.indices[fake.index_count];
    snprintf(made->stream, sizeof made->stream, "%s", stream);
    snprintf(made->name, sizeof made->name, ".ds-%.80s-%06d", stream, fake.index_count + 1);
    return fake.index_count++;
}

static inline int fake_find(int index, struct str id) {
    for (int i = 0; i < fake.doc_count; i++)
        if (fake.docs[i].index == index && str_eqz(id, fake.docs[i].id)) return i;
    return -1;
}

// How often it is there, in all indices.
static inline int fake_count(const char *id) {
    int n = 0;
    for (int i = 0; i < fake.doc_count; i++) n += strcmp(fake.docs[i].id, id) == 0;
    return n;
}

static inline void fake_put(int index, struct str id) {
    assert_true(fake.doc_count < FAKE_DOCS_MAX);
    struct fake_doc *d = &fake.docs[fake.doc_count++];
    d->index = index;
    snprintf(d->id, sizeof d->id, "%.*s", STR_ARG(id));
}

static inline void fake_remove(int at) { fake.docs[at] = fake.docs[--fake.doc_count]; }

static inline void fake_reset(void) {
    struct json_reader *reader = fake.reader;
    struct buf answer = reader ? fake.answer : buf_make(1 << 24);
    for (int i = 0; i < fake.late_count; i++) free(fake.late[i].body);
    memset(&fake, 0, sizeof fake);
    fake.reader = reader;
    fake.answer = answer; // once they have grown, neither of the two needs memory
    if (!reader) assert_int_equal(json_reader_new(&fake.reader), 0);
}

// At the end of the process.
static inline void fake_end(void) {
    fake.reader = json_reader_free(fake.reader);
    buf_fini(&fake.answer);
}

static inline void fake_forget_seen(void) { memset(&fake.seen, 0, sizeof fake.seen); }

// ---- requests

static inline int fake_say(struct elastic_answer *ret, int status, const char *body) {
    buf_reset(&fake.answer);
    buf_addz(&fake.answer, body);
    *ret = (struct elastic_answer){.status = status, .body = buf_str(&fake.answer)};
    return 0;
}

static inline const struct json *fake_read(struct str text) {
    const struct json *v = NULL;
    assert_int_equal(json_read(fake.reader, text, &v, NULL), 0);
    return v;
}

static inline int fake_resolve(const char *name, struct elastic_answer *ret) {
    struct buf *out = &fake.answer;
    fake.seen.resolves++;
    if (fake_write_index(name) < 0) return fake_say(ret, 404, "{\"error\":{\"type\":\"x\"}}");
    buf_reset(out);
    buf_addf(out,
             "{\"indices\":[],\"aliases\":[],\"data_streams\":[{\"name\":\"%s\","
             "\"backing_indices\":[",
             name);
    for (int i = 0; i < fake.index_count; i++)
        if (strcmp(fake.indices[i].stream, name) == 0)
            json_add_str(out, str_from(fake.indices[i].name));
    buf_addz(out, "]}]}");
    *ret = (struct elastic_answer){.status = 200, .body = buf_str(out)};
    return 0;
}

static inline int fake_mget(struct str body, struct elastic_answer *ret) {
    struct buf *out = &fake.answer;
    fake.seen.finds++;
    if (fake.trouble.forbid_find)
        return fake_say(ret, 403,
                        "{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"}}");
    struct json_iter it = json_iter(json_get(fake_read(body), "docs"));
    buf_reset(out);
    buf_addz(out, "{\"docs\":[");
    while (json_next(&it)) {
        int index = fake_find_index(json_str(json_get(it.value, "_index")));
        json_open(out, '{');
        bool found = index >= 0 && fake_find(index, json_str(json_get(it.value, "_id"))) >= 0;
        buf_addz(out, index < 0 ? "\"error\":{\"type\":\"index_not_found_exception\"}"
                      : found   ? "\"found\":true"
                                : "\"found\":false");
        json_close(out, '}');
    }
    buf_addz(out, "]}");
    *ret = (struct elastic_answer){.status = 200, .body = buf_str(out)};
    return 0;
}

static inline void fake_item(const char *op, const char *index, int status, const char *error) {
    struct buf *out = &fake.answer;
    json_open(out, '{');
    buf_addf(out, "\"%s\":{\"_index\":\"%s\",\"status\":%d", op, index, status);
    if (error) buf_addf(out, ",\"error\":%s", error);
    buf_addz(out, "}}");
}

static inline void fake_create(const char *stream, struct str id) {
    int index = fake_write_index(stream);
    if (index < 0) index = fake_rollover(stream);
    const char *name = fake.indices[index].name;
    fake.seen.sent++;
    if (str_starts(id, STR("busy")) && fake.busy > 0) {
        fake.busy--;
        fake_item("create", name, 429,
                  "{\"type\":\"es_rejected_execution_exception\",\"reason\":\"full\"}");
    } else if (str_starts(id, STR("locked")) && fake.locked) {
        fake_item("create", name, 403,
                  "{\"type\":\"security_exception\",\"reason\":\"not yours\"}");
    } else if (str_starts(id, STR("bad"))) {
        fake_item("create", name, 400,
                  "{\"type\":\"document_parsing_exception\",\"reason\":\"no number\"}");
    } else if (fake_find(index, id) >= 0) {
        fake_item("create", name, 409,
                  "{\"type\":\"version_conflict_engine_exception\",\"reason\":\"there\"}");
    } else {
        fake_put(index, id);
        fake.seen.created++;
        fake_item("create", name, 201, NULL);
    }
}

static inline void fake_delete(struct str index, struct str id) {
    int i = fake_find_index(index);
    int at = i < 0 ? -1 : fake_find(i, id);
    fake.seen.removes++;
    if (fake.trouble.forbid_remove) {
        fake_item("delete", "x", 403, "{\"type\":\"security_exception\",\"reason\":\"no\"}");
        return;
    }
    if (at >= 0) fake_remove(at);
    fake_item("delete", "x", at >= 0 ? 200 : 404, NULL);
}

static inline bool fake_spend(int *count) { return *count > 0 && (*count)--; }

static inline void fake_actions(struct str body, bool roll_within) {
    char name[FAKE_NAME_MAX], id[FAKE_NAME_MAX];
    for (int i = 0; body.n; i++) {
        const struct json *v = fake_read(str_split(&body, '\n'));
        struct json_iter it = json_iter(v);
        assert_true(json_next(&it));
        snprintf(name, sizeof name, "%.*s", STR_ARG(json_str(json_get(it.value, "_index"))));
        snprintf(id, sizeof id, "%.*s", STR_ARG(json_str(json_get(it.value, "_id"))));
        bool create = str_eqz(it.key, "create");
        if (create) assert_int_equal(json_type(fake_read(str_split(&body, '\n'))), JSON_OBJECT);
        if (create && roll_within && i == 1) fake_rollover(name);
        if (create) fake_create(name, str_from(id));
        else fake_delete(str_from(name), str_from(id));
    }
}

// What a request creates that has found its index before.
static inline void fake_create_in(int index, struct str body) {
    while (body.n) {
        const struct json *v = fake_read(str_split(&body, '\n'));
        struct str id = json_str(json_path(v, "create._id"));
        str_split(&body, '\n');
        if (fake_find(index, id) < 0 && !str_starts(id, STR("bad"))) fake_put(index, id);
    }
}

static inline void fake_begin_late(struct str body, const char *stream) {
    struct fake_late *late = &fake.late[fake.late_count++];
    assert_true(fake.late_count <= FAKE_LATE_MAX);
    late->index = fake_write_index(stream);
    if (late->index < 0) late->index = fake_rollover(stream);
    late->body = mem_copy(body.p, body.n);
    assert_non_null(late->body);
    late->began_ms = 7;
}

// The oldest of those that are under way is done.
static inline void fake_finish_late(void) {
    struct fake_late late = fake.late[0];
    fake.late_count--;
    memmove(&fake.late[0], &fake.late[1], (size_t)fake.late_count * sizeof late);
    fake_create_in(late.index, str_from(late.body));
    free(late.body);
}

static inline int fake_tasks(struct elastic_answer *ret) {
    struct buf *out = &fake.answer;
    fake.seen.tasks++;
    if (fake.trouble.forbid_tasks)
        return fake_say(ret, 403,
                        "{\"error\":{\"type\":\"security_exception\",\"reason\":\"no\"}}");
    buf_reset(out);
    buf_addz(out, "{\"tasks\":[{\"start_time_in_millis\":5,\"headers\":{\"X-Opaque-Id\":\"x\"}}");
    for (int i = 0; i < fake.late_count; i++)
        buf_addf(out, ",{\"start_time_in_millis\":%d,\"headers\":{\"X-Opaque-Id\":\"%s\"}}",
                 fake.late[i].began_ms, FAKE_OPAQUE_ID);
    buf_addz(out, "]}");
    *ret = (struct elastic_answer){.status = 200, .body = buf_str(out)};
    return 0;
}

static inline int fake_bulk(struct str body, struct elastic_answer *ret, struct fault *fault) {
    struct fake_trouble *t = &fake.trouble;
    bool create = str_starts(body, STR("{\"create\""));
    if (create) fake.seen.bulks++;
    if (t->body_max && body.n > t->body_max) return fake_say(ret, 413, "too large");
    if (create && fake_spend(&t->refuse)) {
        fake_say(ret, t->refuse_status, "{\"error\":{\"type\":\"x\",\"reason\":\"refused\"}}");
        ret->retry_after_ms = t->retry_after_ms;
        return 0;
    }
    if (create && fake_spend(&t->late)) {
        fake_begin_late(body, "logs-okta.system-default");
        return fault_set(fault, -EIO, "fake: no answer in time");
    }
    if (create && fake_spend(&t->roll_before)) fake_rollover("logs-okta.system-default");
    if (create && fake_spend(&t->twice)) fake_actions(body, false);
    buf_reset(&fake.answer);
    buf_addz(&fake.answer, "{\"items\":[");
    fake_actions(body, create && fake_spend(&t->roll_within));
    buf_addz(&fake.answer, "]}");
    *ret = (struct elastic_answer){.status = 200, .body = buf_str(&fake.answer)};
    if (create && fake_spend(&t->lost)) return fault_set(fault, -EIO, "fake: the answer is lost");
    const char *garbage = TAKE(t->garbage);
    return garbage ? fake_say(ret, 200, garbage) : 0;
}

// ---- elastic/engine.h

int elastic_new(struct elastic **ret, const struct elastic_opts *opts, const atomic_bool *stop,
                struct fault *fault) {
    (void)stop, (void)fault;
    fake.opts = opts;
    *ret = mem_new(sizeof **ret);
    return *ret ? 0 : -ENOMEM;
}

struct elastic *elastic_free(struct elastic *e) {
    free(e);
    return NULL;
}

int elastic_ask(struct elastic *e, const struct elastic_request *q, struct elastic_answer *ret,
                struct fault *fault) {
    static const char resolve[] = "/_resolve/index/";
    (void)e;
    fake.seen.all++;
    if (fake_spend(&fake.trouble.dead)) return fault_set(fault, -EIO, "fake: nobody answers");
    if (strcmp(q->path, "/") == 0) {
        fake.seen.knocks++;
        return fake_say(ret, 200, "{}");
    }
    if (strncmp(q->path, resolve, strlen(resolve)) == 0)
        return fake_resolve(q->path + strlen(resolve), ret);
    if (strncmp(q->path, "/_bulk", 6) == 0) {
        bool create = str_starts(q->body, STR("{\"create\""));
        if (create) assert_string_equal(q->header, "X-Opaque-Id: " FAKE_OPAQUE_ID);
        return fake_bulk(q->body, ret, fault);
    }
    if (strncmp(q->path, "/_tasks?", 8) == 0) return fake_tasks(ret);
    assert_memory_equal(q->path, "/_mget", 6);
    if (fake_spend(&fake.trouble.lost_find)) return fault_set(fault, -EIO, "fake: lost");
    return fake_mget(q->body, ret);
}

const struct elastic_opts *elastic_opts_of(const struct elastic *e) {
    (void)e;
    return fake.opts;
}

const char *elastic_host(const struct elastic *e) {
    (void)e;
    return "http://fake:9200";
}

#endif
