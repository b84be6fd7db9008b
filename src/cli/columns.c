// SPDX-License-Identifier: Apache-2.0
// Cells are clean when they are in the buffer, so that tabs can stand between them and newlines
// behind the rows; a note begins with a carriage return.
#include "cli/columns.h"

#include <stdint.h>

enum { NOTE = '\r', GAP = 2 };

static const struct {
    uint32_t first, last;
} hidden[] = {
    {0x00, 0x1f},     {0x7f, 0x9f},     {0xad, 0xad},     {0x61c, 0x61c},     {0x200b, 0x200f},
    {0x2028, 0x202e}, {0x2060, 0x206f}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f},
};

static bool is_hidden(uint32_t c) {
    for (size_t i = 0; i < LEN(hidden); i++)
        if (c >= hidden[i].first && c <= hidden[i].last) return true;
    return false;
}

static bool begins_character(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

// Splits off the first character of a text that is not empty; bytes that belong to none are
// characters of their own.
static struct str split_character(struct str *rest) {
    size_t n = 1;
    while (n < rest->n && n < 4 && !begins_character(rest->p[n])) n++;
    struct str character = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return character;
}

static uint32_t code_point(struct str character) {
    unsigned char first = (unsigned char)character.p[0];
    if (character.n == 1) return first;
    uint32_t c = first & (0xffU >> (character.n + 1));
    for (size_t i = 1; i < character.n; i++) c = c << 6 | ((unsigned char)character.p[i] & 0x3fU);
    return c;
}

void columns_add_clean(struct buf *out, struct str s) {
    while (s.n) {
        struct str character = split_character(&s);
        uint32_t c = code_point(character);
        if (is_hidden(c)) buf_addf(out, "\\u{%x}", (unsigned)c);
        else buf_add_str(out, character);
    }
}

static size_t width(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += begins_character(s.p[i]);
    return n;
}

// Cuts what was appended behind `from`.
static void cut(struct buf *t, size_t from) {
    struct str rest = str_sub(buf_str(t), from, t->n);
    if (width(rest) <= COLUMNS_CELL_MAX) return;
    for (size_t i = 0; i + 3 < COLUMNS_CELL_MAX; i++) split_character(&rest);
    buf_cut(t, (size_t)(rest.p - t->p));
    buf_addz(t, "...");
}

void columns_cell(struct buf *t, struct str text) {
    size_t from = t->n;
    columns_add_clean(t, text.n ? text : STR("-"));
    if (!t->error) cut(t, from);
    buf_addc(t, '\t');
}

void columns_cellf(struct buf *t, const char *format, ...) {
    AUTO_FINI(buf) struct buf text = buf_make(4096);
    va_list args;
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    columns_cell(t, buf_str(&text));
    if (text.error && !t->error) t->error = text.error;
}

void columns_end_row(struct buf *t) { buf_addc(t, '\n'); }

void columns_note(struct buf *t, struct str text) {
    buf_addc(t, NOTE);
    buf_add_str(t, text);
    buf_addc(t, '\n');
}

static bool is_note(struct str line) { return line.n && line.p[0] == NOTE; }

static void measure(struct str line, size_t widths[COLUMNS_MAX]) {
    for (size_t i = 0; i < COLUMNS_MAX && line.n; i++) {
        size_t n = width(str_split(&line, '\t'));
        if (n > widths[i]) widths[i] = n;
    }
}

static void print_row(FILE *to, struct str line, const size_t widths[COLUMNS_MAX]) {
    for (size_t i = 0; i < COLUMNS_MAX && line.n; i++) {
        struct str cell = str_split(&line, '\t');
        fprintf(to, "%.*s", STR_ARG(cell));
        if (line.n) fprintf(to, "%*s", (int)(widths[i] - width(cell)) + GAP, "");
    }
    fputc('\n', to);
}

int columns_print(const struct buf *t, FILE *to) {
    size_t widths[COLUMNS_MAX] = {0};
    if (t->error) return t->error;
    for (struct str rest = buf_str(t); rest.n;) {
        struct str line = str_split(&rest, '\n');
        if (!is_note(line)) measure(line, widths);
    }
    for (struct str rest = buf_str(t); rest.n;) {
        struct str line = str_split(&rest, '\n');
        if (is_note(line)) fprintf(to, "    %.*s\n", STR_ARG(str_sub(line, 1, line.n)));
        else print_row(to, line, widths);
    }
    return 0;
}
