// SPDX-License-Identifier: Apache-2.0
// Everything that a stranger chose is a label's value, and leaves through add_escaped, so that no
// value can end its quotes or its line. Names are the program's own: a wrong one is a mistake in a
// table, and refuses the text.
#include "metrics/text.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "base/parse.h"

static const char *const type_names[] = {[METRICS_COUNTER] = "counter", [METRICS_GAUGE] = "gauge"};

const char *metrics_type_name(enum metrics_type type) { return type_names[type]; }

struct metrics_text metrics_begin(struct buf *out) {
    return (struct metrics_text){.out = out, .from = out->n};
}

static void refuse(struct metrics_text *t) {
    if (!t->error) t->error = -EINVAL;
}

// ---- names

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_name(const char *name, bool colons) {
    if (!name || (*name >= '0' && *name <= '9') || !*name) return false;
    for (const char *c = name; *c; c++)
        if (!is_letter(*c) && !(*c >= '0' && *c <= '9') && !(colons && *c == ':')) return false;
    return true;
}

// Those with two underscores are Prometheus's own.
static bool is_label(const char *name) {
    return is_name(name, false) && !str_starts(str_from(name), STR("__"));
}

static bool is_called_right(const struct metrics_family *f) {
    bool total = str_ends(str_from(f->name), STR("_total"));
    return total == (f->type == METRICS_COUNTER);
}

static bool was_begun(const struct metrics_text *t, const char *name) {
    for (size_t i = 0; i < t->n; i++)
        if (strcmp(t->families[i]->name, name) == 0) return true;
    return false;
}

static bool is_welcome(const struct metrics_text *t, const struct metrics_family *f) {
    return t->n < METRICS_FAMILIES_MAX && is_name(f->name, true) && is_called_right(f) &&
           !was_begun(t, f->name);
}

// ---- text

// Bytes of the character that the text begins with, U+0000 to U+10FFFF without surrogates (RFC 3629
// section 4); 0: it is none.
static size_t character(struct str s) {
    const unsigned char *p = (const unsigned char *)s.p;
    if (p[0] < 0x80) return 1;
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || s.n < n) return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xC0) != 0x80) return 0;
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool beyond = (p[0] == 0xED && p[1] > 0x9F) || (p[0] == 0xF4 && p[1] > 0x8F);
    return overlong || beyond ? 0 : n;
}

static void add_escaped(struct buf *out, struct str s, bool quotes) {
    while (s.n > 0) {
        size_t n = character(s);
        if (n == 0) buf_addz(out, "\xEF\xBF\xBD");
        else if (s.p[0] == '\\') buf_addz(out, "\\\\");
        else if (s.p[0] == '\n') buf_addz(out, "\\n");
        else if (quotes && s.p[0] == '"') buf_addz(out, "\\\"");
        else buf_add(out, s.p, n);
        s = str_sub(s, n ? n : 1, s.n);
    }
}

void metrics_family(struct metrics_text *t, const struct metrics_family *family) {
    if (t->error) return;
    if (!is_welcome(t, family)) {
        refuse(t);
        return;
    }
    t->families[t->n++] = family;
    buf_addf(t->out, "# HELP %s ", family->name);
    add_escaped(t->out, str_from(family->help), false);
    buf_addf(t->out, "\n# TYPE %s %s\n", family->name, metrics_type_name(family->type));
}

// ---- samples

static bool are_labels(const struct metrics_label *labels, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (!is_label(labels[i].name)) return false;
        for (size_t j = 0; j < i; j++)
            if (str_eqz(str_from(labels[i].name), labels[j].name)) return false;
    }
    return true;
}

// Name and labels. False: the text is refused.
static bool add_place(struct metrics_text *t, const struct metrics_label *labels, size_t n) {
    if (t->n == 0 || !are_labels(labels, n)) refuse(t);
    if (t->error) return false;
    buf_addz(t->out, t->families[t->n - 1]->name);
    for (size_t i = 0; i < n; i++) {
        buf_addf(t->out, "%s%s=\"", i ? "," : "{", labels[i].name);
        add_escaped(t->out, labels[i].value, true);
        buf_addc(t->out, '"');
    }
    if (n > 0) buf_addc(t->out, '}');
    buf_addc(t->out, ' ');
    return true;
}

void metrics_sample_i64(struct metrics_text *t, const struct metrics_label *labels, size_t n,
                        int64_t value) {
    if (!add_place(t, labels, n)) return;
    buf_add_i64(t->out, value);
    buf_addc(t->out, '\n');
}

// The fewest digits that read back as the same number.
static void add_double(struct buf *out, double value) {
    char text[40];
    for (int digits = 1; digits <= DBL_DECIMAL_DIG; digits++) {
        double back;
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (parse_double(str_from(text), &back) && back == value) break;
    }
    buf_addz(out, text);
}

void metrics_sample_double(struct metrics_text *t, const struct metrics_label *labels, size_t n,
                           double value) {
    if (!add_place(t, labels, n)) return;
    if (isnan(value)) buf_addz(t->out, "NaN");
    else if (isinf(value)) buf_addz(t->out, value > 0 ? "+Inf" : "-Inf");
    else add_double(t->out, value);
    buf_addc(t->out, '\n');
}

int metrics_end(struct metrics_text *t) {
    int error = t->error ? t->error : t->out->error;
    if (error) buf_cut(t->out, t->from);
    return error;
}
