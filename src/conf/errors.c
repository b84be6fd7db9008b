// SPDX-License-Identifier: Apache-2.0
// Errors are kept in the order of their places, so that a person can go through the file once.
#include "conf/errors.h"

#include <stdint.h>
#include <stdio.h>

static size_t order_line(struct conf_place place) {
    return place.set || !place.file ? SIZE_MAX : place.line;
}

// The slot for a new error, with later ones moved behind it; NULL when the list is full.
static struct conf_error *make_slot(struct conf_errors *errors, size_t line, size_t column) {
    if (errors->n == CONF_ERRORS_MAX) {
        errors->more++;
        return NULL;
    }
    size_t at = errors->n++;
    for (; at > 0; at--) {
        const struct conf_error *before = &errors->list[at - 1];
        if (before->line < line || (before->line == line && before->column <= column)) break;
        errors->list[at] = *before;
    }
    errors->list[at] = (struct conf_error){.line = line, .column = column};
    return &errors->list[at];
}

static void write_place(struct buf *out, struct conf_place place, struct str key) {
    if (place.set) {
        buf_addf(out, "--set %s: ", place.set);
        return;
    }
    if (place.file && place.line)
        buf_addf(out, "%s:%zu:%zu: ", place.file, place.line, place.column);
    else if (place.file) buf_addf(out, "%s: ", place.file);
    if (key.n) buf_addf(out, "%.*s: ", STR_ARG(key));
}

void conf_errors_add(struct conf_errors *errors, struct conf_place place, struct str key,
                     const char *format, ...) {
    struct conf_error *slot = make_slot(errors, order_line(place), place.column);
    if (!slot) return;
    AUTO_FINI(buf) struct buf text = buf_make(64 * 1024);
    write_place(&text, place, key);
    va_list args;
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    const char *z = buf_z(&text);
    fault_set(&slot->text, 0, "%s", z ? z : "an error, and no memory to describe it");
}

void conf_errors_write(const struct conf_errors *errors, struct buf *out) {
    for (size_t i = 0; i < errors->n; i++) buf_addf(out, "%s\n", errors->list[i].text.text);
    if (errors->more) buf_addf(out, "and %zu more\n", errors->more);
}

const char *conf_quote(struct str s, char ret[CONF_QUOTE_MAX]) {
    size_t room = CONF_QUOTE_MAX - sizeof "''...";
    size_t n = s.n > room ? room : s.n;
    // Not inside a character of several bytes.
    while (n > 0 && n < s.n && ((unsigned char)s.p[n] & 0xC0) == 0x80) n--;
    size_t at = 0;
    ret[at++] = '\'';
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        ret[at++] = c < 0x20 || c == 0x7F ? '?' : s.p[i];
    }
    snprintf(ret + at, CONF_QUOTE_MAX - at, "%s'", n < s.n ? "..." : "");
    return ret;
}
