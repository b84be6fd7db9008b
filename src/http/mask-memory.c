// SPDX-License-Identifier: Apache-2.0
// The values that have been seen under a secret name, the last few hundred of them, and the search
// for any of them at any place of a text. A value may come again in another dress, so a byte of it
// is also recognised as %41, \u0041 or \".
#include <errno.h>

#include "http/mask-internal.h"
#include "json/read.h"

enum { TEXT_MAX_BYTES = 64 * 1024 * 1024, WAYS_MAX = 3 };

int mask_init(struct mask *m) {
    *m = (struct mask){.scratch = buf_make(TEXT_MAX_BYTES)};
    for (size_t i = 0; i < FIRST_BYTES; i++) m->first[i] = -1;
    return json_reader_new(&m->reader);
}

static void forget(struct secret *s) {
    if (s->p) explicit_bzero(s->p, s->n);
    free(TAKE(s->p));
    s->n = 0;
}

void mask_fini(struct mask *m) {
    for (size_t i = 0; i < SECRETS_MAX; i++) forget(&m->secrets[i]);
    if (m->scratch.p) explicit_bzero(m->scratch.p, m->scratch.cap);
    buf_fini(&m->scratch);
    m->reader = json_reader_free(m->reader);
}

static void sort_by_first_byte(struct mask *m) {
    for (size_t i = 0; i < FIRST_BYTES; i++) m->first[i] = -1;
    for (int i = 0; i < SECRETS_MAX; i++) {
        struct secret *s = &m->secrets[i];
        if (!s->p) continue;
        int *first = &m->first[(unsigned char)s->p[0]];
        s->next = *first;
        *first = i;
    }
}

// Where the value is, or else the place to be given to it: a free one or the longest unused.
static struct secret *find_place(struct mask *m, struct str value) {
    struct secret *best = &m->secrets[0];
    for (size_t i = 0; i < SECRETS_MAX; i++) {
        struct secret *s = &m->secrets[i];
        if (s->p && str_eq((struct str){s->p, s->n}, value)) return s;
        uint64_t age = s->p ? s->used : 0;
        if (best->p && age < best->used) best = s;
    }
    return best;
}

static void remember_piece(struct mask *m, struct str value) {
    struct secret *s = find_place(m, value);
    m->clock++;
    if (s->p && str_eq((struct str){s->p, s->n}, value)) {
        s->used = m->clock;
        return;
    }
    char *copy = mem_copy(value.p, value.n);
    if (!copy) {
        m->error = -ENOMEM;
        return;
    }
    forget(s);
    *s = (struct secret){.p = copy, .n = value.n, .used = m->clock};
    sort_by_first_byte(m);
}

static bool is_stars(struct str value) {
    for (size_t i = 0; i < value.n; i++)
        if (value.p[i] != '*') return false;
    return true;
}

void mask_remember(struct mask *m, struct str value) {
    value = str_trim(value);
    while (value.n >= SECRET_MIN_BYTES) {
        struct str piece = str_sub(value, 0, SECRET_PIECE_BYTES);
        if (!is_stars(piece)) remember_piece(m, piece);
        value = str_sub(value, piece.n, value.n);
    }
}

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

// The number of so many hex digits; -1 when they are not all there.
static int hex_number(struct str digits, size_t n) {
    if (digits.n < n) return -1;
    int value = 0;
    for (size_t i = 0; i < n; i++) {
        int digit = hex_value(digits.p[i]);
        if (digit < 0) return -1;
        value = value << 4 | digit;
    }
    return value;
}

struct way {
    unsigned char byte;
    size_t n; // bytes of the text that stand for it
};

static int escaped_byte(struct str rest) {
    static const char letters[] = "\"\\/bfnrt", bytes[] = "\"\\/\b\f\n\r\t";
    if (rest.n < 2) return -1;
    const char *at = memchr(letters, rest.p[1], sizeof letters - 1);
    return at ? bytes[at - letters] : -1;
}

// What the text may mean at its beginning: itself always, and what it encodes.
static size_t ways_of(struct str rest, struct way ways[WAYS_MAX]) {
    size_t n = 0;
    int code = -1;
    ways[n++] = (struct way){(unsigned char)rest.p[0], 1};
    switch (rest.p[0]) {
    case '%':
        code = hex_number(str_sub(rest, 1, 3), 2);
        if (code >= 0) ways[n++] = (struct way){(unsigned char)code, 3};
        break;
    case '+': ways[n++] = (struct way){' ', 1}; break;
    case '\\':
        code = escaped_byte(rest);
        if (code >= 0) ways[n++] = (struct way){(unsigned char)code, 2};
        if (rest.n < 6 || rest.p[1] != 'u') break;
        code = hex_number(str_sub(rest, 2, 6), 4);
        if (code >= 0 && code < 0x80) ways[n++] = (struct way){(unsigned char)code, 6};
        break;
    default: break;
    }
    return n;
}

// A place of the search: so many bytes of the secret stand in so many of the text.
struct reached {
    size_t of_secret, of_text;
};

enum { OPEN_MAX = 64 };

// Every way that fits is followed; where there are too many, the text is taken to hold the secret.
static size_t match_one(const struct secret *s, struct str rest) {
    struct reached open[OPEN_MAX] = {{0, 0}};
    size_t count = 1, steps = 0;
    while (count > 0) {
        struct reached at = open[--count];
        if (at.of_secret == s->n) return at.of_text;
        if (at.of_text >= rest.n) continue;
        if (count + WAYS_MAX > OPEN_MAX || steps++ > 8 * s->n + OPEN_MAX) return at.of_text + 1;
        struct way ways[WAYS_MAX];
        size_t n = ways_of(str_sub(rest, at.of_text, rest.n), ways);
        for (size_t i = 0; i < n; i++)
            if (ways[i].byte == (unsigned char)s->p[at.of_secret])
                open[count++] = (struct reached){at.of_secret + 1, at.of_text + ways[i].n};
    }
    return 0;
}

size_t mask_match(const struct mask *m, struct str text, size_t at) {
    struct str rest = str_sub(text, at, text.n);
    struct way ways[WAYS_MAX];
    size_t longest = 0;
    size_t n = rest.n ? ways_of(rest, ways) : 0;
    for (size_t i = 0; i < n; i++)
        for (int k = m->first[ways[i].byte]; k >= 0; k = m->secrets[k].next) {
            size_t length = match_one(&m->secrets[k], rest);
            if (length > longest) longest = length;
        }
    return longest;
}

bool mask_finds(const struct mask *m, struct str text) {
    for (size_t i = 0; i < text.n; i++)
        if (mask_match(m, text, i)) return true;
    return false;
}
