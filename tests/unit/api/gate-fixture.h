// SPDX-License-Identifier: Apache-2.0
#ifndef GATE_FIXTURE_H
#define GATE_FIXTURE_H
// A gate in memory, asked without HTTP. To be included after cmocka.h.
//
//   struct fixture f; fixture_open(&f);
//   struct said s = ask(&f, "PUT", "secret/a", "root", "{\"k\":\"v\"}");
//   assert_int_equal(s.status, 204);
//   said_fini(&s); fixture_close(&f);

#include <pthread.h>
#include <stdio.h>

#include "api/gate.h"
#include "base/time.h"
#include "json/read.h"

struct fixture {
    struct gate *gate;
    struct store *store; // owned; NULL: in memory
    int64_t wrap_ttl_s;  // of the next requests
    bool wrap_jwt;       // likewise
    int64_t ahead_ms;    // the requests' clock is so far ahead
};

// An answer, read.
struct said {
    int status;
    struct buf text;
    struct json_reader *reader;
    const struct json *json; // NULL: no body
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    bool there;
};

static inline void fixture_hear(void *ctx, const struct answer *a) {
    struct said *s = ctx;
    pthread_mutex_lock(&s->mutex);
    s->status = a->status;
    buf_add_str(&s->text, a->body);
    s->there = true;
    pthread_cond_signal(&s->answered);
    pthread_mutex_unlock(&s->mutex);
}

static inline void fixture_open(struct fixture *f) {
    struct fault fault = {{0}};
    AUTO_WIPED struct buf key = buf_make(64), token = buf_make(64);
    const struct gate_opts opts = {.version = "1.17.0"};
    *f = (struct fixture){.gate = NULL};
    assert_int_equal(gate_new(&f->gate, &opts, &fault), 0);
    assert_int_equal(gate_init(f->gate, true, STR("root"), &key, &token, &fault), 0);
    assert_true(str_eqz(buf_str(&token), "root"));
}

static inline void fixture_close(struct fixture *f) {
    gate_free(f->gate);
    store_free(f->store);
}

static inline enum operation fixture_operation(const char *method) {
    static const struct {
        const char *method;
        enum operation op;
    } rows[] = {{"GET", OP_READ},    {"LIST", OP_LIST},   {"PUT", OP_UPDATE},
                {"POST", OP_UPDATE}, {"PATCH", OP_PATCH}, {"DELETE", OP_DELETE},
                {"HEAD", OP_HEADER}, {"HELP", OP_HELP}};
    for (size_t i = 0; i < LEN(rows); i++)
        if (strcmp(rows[i].method, method) == 0) return rows[i].op;
    fail_msg("unknown method %s", method);
    return OP_READ;
}

// `token` and `body` may be NULL. The path has no v1/; of a list the final slash is added.
static inline struct said ask(struct fixture *f, const char *method, const char *path,
                              const char *token, const char *body) {
    struct said s = {.text = buf_make(64 << 20)};
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *data = NULL;
    struct fault fault = {{0}};
    char full[4096];
    enum operation op = fixture_operation(method);
    bool slash = op == OP_LIST && path[strlen(path) - 1] != '/';
    snprintf(full, sizeof full, "%s%s", path, slash ? "/" : "");
    assert_int_equal(json_reader_new(&reader), 0);
    if (body) assert_int_equal(json_read(reader, str_from(body), &data, &fault), 0);
    const struct request request = {
        .op = op,
        .method = str_from(method),
        .path = str_from(full),
        .token = str_from(token),
        .remote_address = STR("127.0.0.1"),
        .data = data,
        .id = STR("11111111-2222-3333-4444-555555555555"),
        .wrap_ttl_s = f->wrap_ttl_s,
        .wrap_jwt = f->wrap_jwt,
        .now_ms = time_now_ms() + f->ahead_ms,
    };
    pthread_mutex_init(&s.mutex, NULL);
    pthread_cond_init(&s.answered, NULL);
    gate_handle(f->gate, &request, fixture_hear, &s);
    pthread_mutex_lock(&s.mutex);
    while (!s.there) pthread_cond_wait(&s.answered, &s.mutex);
    pthread_mutex_unlock(&s.mutex);
    pthread_cond_destroy(&s.answered);
    pthread_mutex_destroy(&s.mutex);
    assert_int_equal(json_reader_new(&s.reader), 0);
    if (s.text.n) assert_int_equal(json_read(s.reader, buf_str(&s.text), &s.json, &fault), 0);
    return s;
}

static inline void said_fini(struct said *s) {
    s->reader = json_reader_free(s->reader);
    buf_fini(&s->text);
}

// The first of the errors; absent when there is none.
static inline struct str said_error(const struct said *s) {
    return json_str(json_at(json_get(s->json, "errors"), 0));
}
static inline const struct json *said_data(const struct said *s, const char *key) {
    return json_get(json_get(s->json, "data"), key);
}

// Asks; the answer has this status, and `piece` somewhere in its text (NULL: not looked at).
static inline void ask_saying(struct fixture *f, const char *token, int status, const char *method,
                              const char *path, const char *body, const char *piece) {
    struct said s = ask(f, method, path, token, body);
    if (s.status != status || (piece && str_find(buf_str(&s.text), str_from(piece)) == s.text.n))
        fail_msg("%s %s %s: %d %.*s", method, path, body ? body : "", s.status,
                 STR_ARG(buf_str(&s.text)));
    said_fini(&s);
}

// Asks, and checks the status only.
static inline void ask_for(struct fixture *f, int status, const char *method, const char *path,
                           const char *token, const char *body) {
    struct said s = ask(f, method, path, token, body);
    if (s.status != status)
        fail_msg("%s %s: %d instead of %d: %.*s", method, path, s.status, status,
                 STR_ARG(buf_str(&s.text)));
    said_fini(&s);
}

#endif
