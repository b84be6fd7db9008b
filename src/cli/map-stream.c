// SPDX-License-Identifier: Apache-2.0
// Lines are mapped as they come in; an array has to be read whole first. Which of the two it is,
// the first byte that is no blank tells.
#include "cli/map-stream.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "json/split.h"

enum { READ_BYTES = 256 * 1024, FLUSH_BYTES = 128 * 1024 };

struct stream {
    struct ecs_mapper *mapper;
    enum ecs_form form;
    struct map_ends ends;
    struct buf input;
    struct buf output;
    bool ended;
    int64_t number; // of the line or element
    const char *unit;
    struct map_result result;
    struct fault *fault;
};

static int flush(struct stream *s) {
    struct str rest = buf_str(&s->output);
    while (rest.n > 0) {
        ssize_t n = write(s->ends.out, rest.p, rest.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return fault_set(s->fault, -errno, "standard output: %s", error_text(-errno));
        rest = str_sub(rest, (size_t)n, rest.n);
    }
    buf_reset(&s->output);
    return 0;
}

static int map_text(struct stream *s, struct str text) {
    struct ecs_facts facts = {0};
    struct fault reason = {{0}};
    s->number++;
    int e = ecs_read(s->mapper, text, 0, &facts, &reason);
    if (!e) e = ecs_write(s->mapper, s->form, &s->output, &reason);
    if (e < 0)
        return fault_set(s->fault, e, "%s %lld: %s", s->unit, (long long)s->number, error_text(e));
    if (e > 0) {
        s->result.refused++;
        dprintf(s->ends.errors, "%s %lld: %s\n", s->unit, (long long)s->number, reason.text);
        return 0;
    }
    buf_addc(&s->output, '\n');
    s->result.mapped++;
    s->result.undated += !facts.has_published;
    return s->output.n >= FLUSH_BYTES ? flush(s) : 0;
}

static int read_more(struct stream *s) {
    if (!buf_reserve(&s->input, READ_BYTES))
        return fault_set(s->fault, s->input.error, "%s %lld: longer than %d bytes", s->unit,
                         (long long)s->number + 1, MAP_LINE_MAX_BYTES);
    ssize_t n;
    do n = read(s->ends.in, s->input.p + s->input.n, READ_BYTES);
    while (n < 0 && errno == EINTR);
    if (n < 0) return fault_set(s->fault, -errno, "standard input: %s", error_text(-errno));
    s->input.n += (size_t)n;
    s->ended = n == 0;
    return 0;
}

static int map_line(struct stream *s, struct str line) {
    line = str_trim(line);
    if (line.n > 0) return map_text(s, line);
    s->number++;
    return 0;
}

// Maps the whole lines in `input` and moves the beginning of the next one to its front.
// `*searched`: bytes at the front known to hold no line end.
static int map_whole_lines(struct stream *s, size_t *searched) {
    struct str rest = buf_str(&s->input);
    for (;;) {
        struct str tail = str_sub(rest, *searched, rest.n);
        size_t at = *searched + str_find_char(tail, '\n');
        if (at >= rest.n) break;
        int e = map_line(s, str_sub(rest, 0, at));
        if (e) return e;
        rest = str_sub(rest, at + 1, rest.n);
        *searched = 0;
    }
    *searched = rest.n;
    if (rest.n > 0) memmove(s->input.p, rest.p, rest.n);
    s->input.n = rest.n;
    return 0;
}

static int map_lines(struct stream *s) {
    size_t searched = 0;
    s->unit = "line";
    for (;;) {
        int e = map_whole_lines(s, &searched);
        if (!e && s->ended) return s->input.n > 0 ? map_line(s, buf_str(&s->input)) : 0;
        if (!e) e = read_more(s);
        if (e) return e;
    }
}

static int map_array(struct stream *s) {
    s->unit = "event";
    while (!s->ended) {
        int e = read_more(s);
        if (e) return e;
    }
    struct json_split split = json_split(buf_str(&s->input));
    for (;;) {
        struct str text;
        struct fault where = {{0}};
        int e = json_split_next(&split, &text, &where);
        if (e == JSON_SPLIT_E_END) return 0;
        if (e) {
            s->result.refused++;
            dprintf(s->ends.errors, "after event %lld: %s\n", (long long)s->number, where.text);
            return 0;
        }
        e = map_text(s, text);
        if (e) return e;
    }
}

// Reads until the first byte that is no blank is there. '\0' when there is none.
static int first_byte(struct stream *s, char *ret) {
    *ret = '\0';
    while (!s->ended) {
        int e = read_more(s);
        if (e) return e;
        struct str text = str_trim(buf_str(&s->input));
        if (text.n == 0) continue;
        *ret = text.p[0];
        return 0;
    }
    return 0;
}

static int run(struct stream *s) {
    char first;
    int e = first_byte(s, &first);
    if (!e) e = first == '[' ? map_array(s) : map_lines(s);
    int flushed = flush(s); // what was mapped before a failure is not withheld
    return e ? e : flushed;
}

int map_stream(struct ecs_mapper *mapper, enum ecs_form form, const struct map_ends *ends,
               struct map_result *ret, struct fault *fault) {
    struct stream s = {
        .mapper = mapper,
        .form = form,
        .ends = *ends,
        .input = buf_make(MAP_LINE_MAX_BYTES),
        .output = buf_make((size_t)MAP_LINE_MAX_BYTES * 8),
        .unit = "line",
        .fault = fault,
    };
    int e = run(&s);
    *ret = s.result;
    buf_fini(&s.input);
    buf_fini(&s.output);
    return e;
}
