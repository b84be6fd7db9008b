// SPDX-License-Identifier: Apache-2.0
// Any bytes as help text, values of labels and numbers: what is written is read back, by a reader
// that knows only the published grammar, as the same families, labels and numbers.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "metrics/text.h"

#include "fuzz.h"

enum { SAMPLES_MAX = 32, VALUE_MAX = 4096 };

static const struct metrics_family families[] = {{"one_total", METRICS_COUNTER, "H"},
                                                 {"two:seconds", METRICS_GAUGE, NULL}};

// ---- what goes in

struct input {
    const uint8_t *p;
    size_t n;
};

static struct input take(struct input *in, size_t most) {
    struct input part = {in->p, in->n < most ? in->n : most};
    in->p += part.n;
    in->n -= part.n;
    return part;
}

static uint64_t take_number(struct input *in) {
    struct input bytes = take(in, 8);
    uint64_t value = 0;
    memcpy(&value, bytes.p, bytes.n);
    return value;
}

// A length, then so many bytes.
static struct str take_text(struct input *in) {
    struct input head = take(in, 1);
    struct input part = take(in, head.n ? head.p[0] : 0);
    return (struct str){(const char *)part.p, part.n};
}

struct sample {
    bool is_double;
    int64_t whole;
    double number;
    struct str first, second;
    size_t labels;
};

static struct sample take_sample(struct input *in) {
    struct input kind = take(in, 1);
    struct sample s = {.is_double = kind.n && kind.p[0] & 1,
                       .labels = kind.n ? kind.p[0] >> 1 & 3 : 0};
    if (s.labels == 3) s.labels = 2;
    uint64_t bits = take_number(in);
    memcpy(&s.whole, &bits, 8);
    memcpy(&s.number, &bits, 8);
    s.first = take_text(in);
    s.second = take_text(in);
    return s;
}

static void write_sample(struct metrics_text *t, const struct sample *s) {
    const struct metrics_label labels[] = {{"first", s->first}, {"_2nd", s->second}};
    if (s->is_double) metrics_sample_double(t, labels, s->labels, s->number);
    else metrics_sample_i64(t, labels, s->labels, s->whole);
}

// ---- what comes out

static void expect(struct str *rest, const char *text) {
    MUST(str_starts(*rest, str_from(text)));
    *rest = str_sub(*rest, strlen(text), rest->n);
}

static char take_char(struct str *rest) {
    MUST(rest->n > 0);
    char c = rest->p[0];
    *rest = str_sub(*rest, 1, rest->n);
    return c;
}

// Until the unescaped end; without escapes into `out`.
static void read_text(struct str *rest, char end, bool quotes, struct buf *out) {
    for (char c; (c = take_char(rest)) != end;) {
        MUST(c != '\n');
        if (c == '\\') {
            c = take_char(rest);
            MUST(c == '\\' || c == 'n' || (quotes && c == '"'));
            if (c == 'n') c = '\n';
        }
        buf_addc(out, c);
    }
}

static size_t head_of(unsigned char c) { return c < 0x80 ? 1 : c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4; }

// The same text, but for U+FFFD in the place of a byte that belongs to no character.
static void compare(struct str was, struct str is) {
    while (is.n > 0) {
        size_t n = head_of((unsigned char)is.p[0]);
        MUST(was.n > 0 && n <= is.n);
        bool same = was.n >= n && memcmp(was.p, is.p, n) == 0;
        if (!same)
            MUST(n == 3 && memcmp(is.p, "\xEF\xBF\xBD", 3) == 0 && (unsigned char)was.p[0] >= 0x80);
        was = str_sub(was, same ? n : 1, was.n);
        is = str_sub(is, n, is.n);
    }
    MUST(was.n == 0);
}

static void read_label(struct str *rest, const char *before, struct str was) {
    AUTO_FINI(buf) struct buf value = buf_make(VALUE_MAX);
    expect(rest, before);
    expect(rest, "=\"");
    read_text(rest, '"', true, &value);
    MUST(value.error == 0);
    compare(was, buf_str(&value));
}

static void read_number(struct str text, const struct sample *s) {
    double number = 0;
    int64_t whole = 0;
    if (!s->is_double) MUST(parse_i64(text, &whole) && whole == s->whole);
    else if (isnan(s->number)) MUST(str_eqz(text, "NaN"));
    else if (isinf(s->number)) MUST(str_eqz(text, s->number > 0 ? "+Inf" : "-Inf"));
    else MUST(parse_double(text, &number) && memcmp(&number, &s->number, sizeof number) == 0);
}

static void read_sample(struct str *rest, const char *name, const struct sample *s) {
    expect(rest, name);
    if (s->labels > 0) read_label(rest, "{first", s->first);
    if (s->labels > 1) read_label(rest, ",_2nd", s->second);
    if (s->labels > 0) expect(rest, "}");
    expect(rest, " ");
    struct str line = str_sub(*rest, 0, str_find_char(*rest, '\n'));
    read_number(line, s);
    *rest = str_sub(*rest, line.n, rest->n);
    expect(rest, "\n");
}

static void read_head(struct str *rest, const struct metrics_family *f) {
    AUTO_FINI(buf) struct buf help = buf_make(VALUE_MAX);
    expect(rest, "# HELP ");
    expect(rest, f->name);
    expect(rest, " ");
    read_text(rest, '\n', false, &help);
    compare(str_from(f->help), buf_str(&help));
    expect(rest, "# TYPE ");
    expect(rest, f->name);
    expect(rest, f->type == METRICS_COUNTER ? " counter\n" : " gauge\n");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct input in = {data, size};
    char help[256] = "";
    struct str words = take_text(&in);
    memcpy(help, words.p, words.n < sizeof help - 1 ? words.n : sizeof help - 1);
    const struct metrics_family second = {families[1].name, families[1].type, help};
    size_t max = take_number(&in) % 8192;
    struct sample samples[SAMPLES_MAX];
    size_t n = 0;
    while (in.n > 0 && n < SAMPLES_MAX) samples[n++] = take_sample(&in);

    AUTO_FINI(buf) struct buf out = buf_make(max);
    struct metrics_text t = metrics_begin(&out);
    metrics_family(&t, &families[0]);
    for (size_t i = 0; i < n / 2; i++) write_sample(&t, &samples[i]);
    metrics_family(&t, &second);
    for (size_t i = n / 2; i < n; i++) write_sample(&t, &samples[i]);
    int e = metrics_end(&t);
    MUST(e == 0 || (e == -EMSGSIZE && out.n == 0));
    if (e) return 0;

    struct str rest = buf_str(&out);
    read_head(&rest, &families[0]);
    for (size_t i = 0; i < n / 2; i++) read_sample(&rest, families[0].name, &samples[i]);
    read_head(&rest, &second);
    for (size_t i = n / 2; i < n; i++) read_sample(&rest, second.name, &samples[i]);
    MUST(rest.n == 0);
    return 0;
}
