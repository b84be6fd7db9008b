// SPDX-License-Identifier: Apache-2.0
#ifndef METRICS_TEXT_H
#define METRICS_TEXT_H
// Writing metrics as Prometheus reads them: its text format, version 0.0.4. A family is begun once,
// with its help and type, and is followed by all of its samples. Nothing is checked call by call:
// the first thing that is wrong sticks, and metrics_end() refuses the whole. Pure; one thread at a
// time.
//
//   struct metrics_text t = metrics_begin(&out);
//   metrics_family(&t, &requests);
//   metrics_sample_i64(&t, labels, LEN(labels), 12);
//   int e = metrics_end(&t);
//
// Source: prometheus.io, "Exposition formats".

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

// What has no number to show is not shown; these two are all that this program has.
enum metrics_type { METRICS_COUNTER, METRICS_GAUGE };

// Counters end in _total, and nothing else does.
struct metrics_family {
    const char *name; // [a-zA-Z_:][a-zA-Z0-9_:]*, never begun twice in one text
    enum metrics_type type;
    const char *help; // one sentence
};

struct metrics_label {
    const char *name; // [a-zA-Z_][a-zA-Z0-9_]*, without two underscores in front
    struct str value; // any bytes: what is not UTF-8 becomes U+FFFD
};

enum { METRICS_FAMILIES_MAX = 128 }; // of one text

// Embedded by value; owns nothing.
struct metrics_text {
    struct buf *out;
    size_t from;                                                 // where this text begins in `out`
    const struct metrics_family *families[METRICS_FAMILIES_MAX]; // begun, the last one is current
    size_t n;
    int error; // 0; the first -EINVAL
};

// Appends to `out`, which is borrowed; what stands in it already ends a line.
struct metrics_text metrics_begin(struct buf *out);

// Begins a family (borrowed until the end). Wrong is a name that is none, or was begun before, a
// counter that is not called so, and one family too many.
void metrics_family(struct metrics_text *t, const struct metrics_family *family);

// One sample of the family begun last; labels are borrowed. Wrong is a sample before any family,
// and a label's name that is none, or comes twice.
void metrics_sample_i64(struct metrics_text *t, const struct metrics_label *labels, size_t n,
                        int64_t value);
// Any double: 0.25, 1e+21, +Inf, -Inf, NaN; what is written reads back as the same number.
void metrics_sample_double(struct metrics_text *t, const struct metrics_label *labels, size_t n,
                           double value);

// The end. Outcomes: 0; -EINVAL (the caller's tables are wrong), -ENOMEM, -EMSGSIZE: `out` is cut
// back to where the text began.
int metrics_end(struct metrics_text *t) MUST_USE;

// "counter".
const char *metrics_type_name(enum metrics_type type);

#endif
