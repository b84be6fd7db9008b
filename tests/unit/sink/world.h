// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_SINK_WORLD_H
#define TESTS_UNIT_SINK_WORLD_H
// A sink with a caller around it that does what the watch does: deliver, sync, commit the mark.
// Documents are numbered; what is found afterwards must be 0, 1, 2, ... each once. After cmocka.

#include <dirent.h>

#include "base/time.h"
#include "sink/sink.h"

#include "store/scratch.h"

enum { WORLD_PAGE_MAX = 64, WORLD_DOC_MAX = 8192 };
#define WORLD_NOON ((int64_t)1795348800000) // 2026-11-22T12:00:00Z

struct world {
    struct scratch *scratch;
    char *dir;
    struct sink_opts opts;
    struct sink_host host;
    struct sink *sink;
    struct fault fault;
    struct buf mark; // what the state holds
    int saves;       // calls of save_mark
    int fail_save;   // errno of the next save_mark
    int64_t now_ms;
    int next;         // number of the next document
    size_t doc_bytes; // length of a document
    atomic_bool stop;
};

static inline int world_save_mark(void *ctx, struct str mark) {
    struct world *w = ctx;
    w->saves++;
    int r = -w->fail_save;
    w->fail_save = 0;
    if (r) return r;
    buf_reset(&w->mark);
    buf_add_str(&w->mark, mark);
    return w->mark.error;
}

static inline struct world *world_new(void **state, const char *type) {
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->scratch = *state;
    w->dir = strdup(scratch_path(*state, "out"));
    w->opts = (struct sink_opts){.name = type, .path = w->dir, .filename = "ev"};
    w->host = (struct sink_host){.save_mark = world_save_mark, .ctx = w, .stop = &w->stop};
    w->mark = buf_make(1 << 20);
    w->now_ms = WORLD_NOON;
    w->doc_bytes = 100;
    return w;
}

static inline void world_close(struct world *w) {
    if (w->sink) w->sink = w->sink->type->free(w->sink);
}

static inline struct world *world_free(struct world *w) {
    if (!w) return NULL;
    world_close(w);
    buf_fini(&w->mark);
    free(w->dir);
    free(w);
    return NULL;
}
DEFINE_AUTO_FREE(world)

static inline int world_try_open(struct world *w) {
    w->fault.text[0] = '\0';
    return sink_type_find(w->opts.name)
        ->open(&w->sink, &w->opts, &w->host, buf_str(&w->mark), &w->fault);
}

static inline void world_ok(struct world *w, int r) {
    if (r) print_error("%d: %s\n", r, w->fault.text);
    assert_int_equal(r, 0);
}

static inline void world_open(struct world *w) { world_ok(w, world_try_open(w)); }

// What a kill -9 leaves: the descriptors are closed, nothing else happens.
static inline void world_crash(struct world *w) { world_close(w); }

static inline struct str world_document(char *text, int number, size_t bytes) {
    int n = snprintf(text, WORLD_DOC_MAX, "{\"n\":%d,\"fill\":\"", number);
    size_t at = (size_t)n;
    while (at + 2 < bytes) text[at++] = 'x';
    text[at++] = '"';
    text[at++] = '}';
    return (struct str){text, at};
}

// Delivers n documents from `first` on, without sync.
static inline int world_deliver_from(struct world *w, int first, size_t n) {
    static char texts[WORLD_PAGE_MAX][WORLD_DOC_MAX];
    static char uuids[WORLD_PAGE_MAX][40];
    struct sink_doc docs[WORLD_PAGE_MAX];
    struct sink_reply replies[WORLD_PAGE_MAX];
    assert_true(n <= WORLD_PAGE_MAX);
    for (size_t i = 0; i < n; i++) {
        int number = first + (int)i;
        snprintf(uuids[i], sizeof uuids[i], "00000000-0000-0000-0000-%012d", number);
        docs[i] = (struct sink_doc){.uuid = str_from(uuids[i]),
                                    .has_published = true,
                                    .published_ms = w->now_ms,
                                    .source = STR("acme"),
                                    .event_type = STR("user.session.start"),
                                    .document = world_document(texts[i], number, w->doc_bytes)};
        replies[i].verdict = SINK_RETRY;
    }
    int r = w->sink->type->deliver(w->sink, docs, n, w->now_ms, replies, &w->fault);
    for (size_t i = 0; r == 0 && i < n; i++) assert_int_equal(replies[i].verdict, SINK_DELIVERED);
    return r;
}

static inline int world_deliver(struct world *w, size_t n) {
    return world_deliver_from(w, w->next, n);
}

// Sync and commit of what was delivered; 0 or the first error.
static inline int world_commit(struct world *w, size_t n) {
    AUTO_FINI(buf) struct buf mark = buf_make(1 << 20);
    int r = w->sink->type->sync(w->sink, NULL, &mark, &w->fault);
    if (r) return r;
    if (mark.n) {
        buf_reset(&w->mark);
        buf_add_str(&w->mark, buf_str(&mark));
    }
    w->sink->type->committed(w->sink);
    w->next += (int)n;
    return 0;
}

static inline void world_page(struct world *w, size_t n) {
    world_ok(w, world_deliver(w, n));
    world_ok(w, world_commit(w, n));
}

static inline const char *world_path(struct world *w, const char *name) {
    AUTO_FINI(buf) struct buf b = buf_make(4096);
    buf_addf(&b, "out/%s", name);
    return scratch_path(w->scratch, buf_z(&b));
}

static inline int world_count_files(struct world *w) {
    int n = 0;
    DIR *d = opendir(w->dir);
    if (!d) return 0;
    for (struct dirent *e = readdir(d); e; e = readdir(d)) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

// The numbers that a file holds, "0 1 2 "; "?" for a line that is no document.
static inline void world_numbers(struct world *w, const char *name, struct buf *out) {
    AUTO_FINI(buf) struct buf content = scratch_read(world_path(w, name));
    struct str rest = buf_str(&content);
    while (rest.n) {
        struct str line = str_split(&rest, '\n');
        struct str head = STR("{\"n\":");
        bool whole = str_starts(line, head) && str_ends(line, STR("\"}")) && rest.p;
        struct str number = str_sub(line, head.n, str_find_char(line, ','));
        if (whole) buf_add_str(out, number);
        else buf_addc(out, '?');
        buf_addc(out, ' ');
    }
}

static inline void world_expect(struct world *w, const char *name, const char *numbers) {
    AUTO_FINI(buf) struct buf have = buf_make(1 << 20);
    world_numbers(w, name, &have);
    assert_string_equal(buf_z(&have), numbers);
}

static inline bool world_noticed(struct world *w, const char *text) {
    bool yes = contains(w->sink->notice.text, text);
    if (!yes) print_error("notice: %s\n", w->sink->notice.text);
    w->sink->notice.text[0] = '\0';
    return yes;
}

#endif
