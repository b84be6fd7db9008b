// SPDX-License-Identifier: Apache-2.0
// How fast events become documents, against the least that any such program has to do: read the
// same events and write ready-made copies of the same documents, with yyjson alone.
//
// Usage: map_bench [--rounds N] [--preserve] [--remove-flattened] [--raw | --raw-go] FILE...
// With --raw and --raw-go the raw documents of the same events are made instead.
// A file holds one event per line, or objects whose `message` is the text of an event.
#include <stdio.h>
#include <time.h>
#include <yyjson.h>

#include "base/parse.h"
#include "ecs/map.h"
#include "uap-rules.h"
#include "json/read.h"

enum { REPEAT_EVENTS = 20000, OUTPUT_KEEP_BYTES = 4 << 20 };

struct event {
    char *text;
    size_t n;
    yyjson_doc *document; // what ours makes of it
};

struct bench {
    struct event *events;
    size_t count, cap, event_bytes, document_bytes;
    struct ecs_mapper *mapper;
    struct ecs_useragents *useragents;
    enum ecs_form form;
    uint64_t rounds;
};

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int fail(const char *what, const char *detail) {
    fprintf(stderr, "map_bench: %s: %s\n", what, detail);
    return -1;
}

// Keeps an event that can be mapped, with its document.
static int take_event(struct bench *b, struct str text) {
    AUTO_FINI(buf) struct buf out = buf_make(SIZE_MAX / 2);
    struct fault fault = {0};
    int e = ecs_read(b->mapper, text, 0, NULL, &fault);
    if (!e) e = ecs_write(b->mapper, b->form, &out, &fault);
    if (e > 0) return 0;
    if (e < 0) return fail("map", error_text(e));
    yyjson_doc *bare = yyjson_read(text.p, text.n, 0);
    if (!bare) return 0; // lone surrogates, a byte order mark: nothing to compare with
    yyjson_doc_free(bare);
    e = mem_grow(&b->events, &b->cap, b->count + 1, sizeof *b->events);
    if (e) return fail("map", error_text(e));
    struct event kept = {mem_copy(text.p, text.n), text.n, yyjson_read(out.p, out.n, 0)};
    if (!kept.text || !kept.document) return fail("a document of ours", "is not JSON");
    b->events[b->count++] = kept;
    b->event_bytes += text.n;
    b->document_bytes += out.n;
    return 0;
}

static int take_line(struct bench *b, struct json_reader *reader, struct str line) {
    const struct json *root;
    struct fault fault;
    if (line.n == 0 || json_read(reader, line, &root, &fault)) return 0;
    struct str message = json_str(json_get(root, "message"));
    return take_event(b, message.p && !json_get(root, "eventType") ? message : line);
}

static int read_file(struct bench *b, const char *path) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_MEM char *line = NULL;
    size_t cap = 0;
    ssize_t n;
    if (json_reader_new(&reader)) return fail(path, "no memory");
    FILE *f = fopen(path, "r");
    if (!f) return fail(path, "cannot be opened");
    int e = 0;
    while (!e && (n = getline(&line, &cap, f)) > 0)
        e = take_line(b, reader, str_trim((struct str){line, (size_t)n}));
    fclose(f);
    return e;
}

static int run_ours(struct bench *b, struct buf *out, size_t repeat) {
    for (size_t r = 0; r < repeat; r++) {
        for (size_t i = 0; i < b->count; i++) {
            struct str text = {b->events[i].text, b->events[i].n};
            if (out->n > OUTPUT_KEEP_BYTES) buf_reset(out);
            int e = ecs_read(b->mapper, text, 0, NULL, NULL);
            if (!e) e = ecs_write(b->mapper, b->form, out, NULL);
            if (e) return fail("map", "failed");
        }
    }
    return 0;
}

static int run_reference(const struct bench *b, size_t repeat) {
    for (size_t r = 0; r < repeat; r++) {
        for (size_t i = 0; i < b->count; i++) {
            size_t n;
            yyjson_doc *doc = yyjson_read(b->events[i].text, b->events[i].n, 0);
            char *text = yyjson_write(b->events[i].document, 0, &n);
            if (!doc || !text) return fail("yyjson", "failed");
            yyjson_doc_free(doc);
            free(text);
        }
    }
    return 0;
}

// The best round of each, taken in turns.
static int measure(struct bench *b, double *ours, double *reference) {
    AUTO_FINI(buf) struct buf out = buf_make(SIZE_MAX / 2);
    size_t repeat = REPEAT_EVENTS / b->count + 1;
    double events = (double)(repeat * b->count);
    for (uint64_t round = 0; round < b->rounds; round++) {
        double from = cpu_seconds();
        if (run_ours(b, &out, repeat)) return -1;
        double between = cpu_seconds();
        if (run_reference(b, repeat)) return -1;
        double to = cpu_seconds();
        if (events / (between - from) > *ours) *ours = events / (between - from);
        if (events / (to - between) > *reference) *reference = events / (to - between);
    }
    return 0;
}

static int make_mapper(struct bench *b, struct ecs_opts *opts) {
    static const char *const tags[] = {"forwarded", "okta-system"};
    if (ecs_useragents_new(&b->useragents)) return fail("user agents", "no memory");
    int e = uap_load(b->useragents, UAP_RULES_FILE);
    if (e) fprintf(stderr, "map_bench: without user agents: %s\n", error_text(e));
    opts->tags = tags;
    opts->tag_count = LEN(tags);
    opts->event_type_tags = true;
    opts->okta_url = "https://acme.okta.com/api/v1/logs";
    opts->useragents = e ? NULL : b->useragents;
    return ecs_mapper_new(&b->mapper, opts) ? fail("mapper", "no memory") : 0;
}

static int read_arguments(struct bench *b, int argc, char **argv) {
    struct ecs_opts opts = {0};
    int at = 1;
    for (; at < argc && argv[at][0] == '-'; at++) {
        if (strcmp(argv[at], "--preserve") == 0) opts.preserve_original_event = true;
        else if (strcmp(argv[at], "--remove-flattened") == 0) opts.remove_flattened_debug = true;
        else if (strcmp(argv[at], "--raw") == 0) b->form = ECS_FORM_RAW;
        else if (strcmp(argv[at], "--raw-go") == 0) b->form = ECS_FORM_RAW_GO;
        else if (strcmp(argv[at], "--rounds") == 0 && at + 1 < argc &&
                 parse_u64(str_from(argv[at + 1]), &b->rounds))
            at++;
        else return fail(argv[at], "unknown option");
    }
    if (make_mapper(b, &opts)) return -1;
    for (; at < argc; at++)
        if (read_file(b, argv[at])) return -1;
    return b->count ? 0 : fail("no event", "name files with one event per line");
}

static void finish(struct bench *b) {
    for (size_t i = 0; i < b->count; i++) {
        free(b->events[i].text);
        yyjson_doc_free(b->events[i].document);
    }
    free(b->events);
    ecs_mapper_free(b->mapper);
    ecs_useragents_free(b->useragents);
}

int main(int argc, char **argv) {
    static const char *const names[] = {"map", "raw", "raw-go"};
    struct bench b = {.rounds = 9};
    double ours = 0, reference = 0;
    int e = read_arguments(&b, argc, argv);
    if (!e) e = measure(&b, &ours, &reference);
    if (!e) {
        fprintf(stderr, "map_bench: %zu events of %zu bytes, documents of %zu bytes\n", b.count,
                b.event_bytes / b.count, b.document_bytes / b.count);
        printf("%s ratio %.3f (ours %.0f events/s, reference %.0f events/s)\n", names[b.form],
               ours / reference, ours, reference);
    }
    finish(&b);
    return e ? 1 : 0;
}
