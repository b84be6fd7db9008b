// SPDX-License-Identifier: Apache-2.0
// Two readings of one path are where holes come from, so the order is fixed: whether it lies below
// /v1/ is asked of the decoded path; dots and doubled slashes that stand there literally are
// cleaned away by a redirect before anything is decoded; those that appear by decoding are refused.
#include "api/http-path.h"
#include "base/parse.h"

#include <errno.h>

enum { PATH_MAX_BYTES = 1 << 20 };

bool http_percent_decode(struct buf *out, struct str text, bool plus) {
    size_t start = out->n;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        if (c == '%') {
            int high = i + 2 < text.n ? parse_hex_digit(text.p[i + 1]) : -1;
            int low = i + 2 < text.n ? parse_hex_digit(text.p[i + 2]) : -1;
            if (high < 0 || low < 0) {
                buf_cut(out, start);
                return false;
            }
            c = (char)(high * 16 + low);
            i += 2;
        } else if (c == '+' && plus) {
            c = ' ';
        }
        buf_addc(out, c);
    }
    return true;
}

struct rune_range {
    uint32_t first, last;
};

// Characters without a shape: controls, blanks, marks of direction, private use, no characters.
static const struct rune_range shapeless[] = {
    {0x00, 0x1F},     {0x7F, 0xA0},     {0xAD, 0xAD},     {0x600, 0x605},     {0x61C, 0x61C},
    {0x6DD, 0x6DD},   {0x70F, 0x70F},   {0x1680, 0x1680}, {0x180E, 0x180E},   {0x2000, 0x200F},
    {0x2028, 0x202F}, {0x205F, 0x206F}, {0x3000, 0x3000}, {0xD800, 0xF8FF},   {0xFDD0, 0xFDEF},
    {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFB}, {0xFFFE, 0xFFFF}, {0xE0000, 0xE00FF}, {0xE01F0, 0x10FFFF},
};

bool http_rune_prints(uint32_t rune) {
    if (rune >= ' ' && rune < 0x7F) return true; // nearly always
    for (size_t i = 0; i < LEN(shapeless); i++)
        if (rune >= shapeless[i].first && rune <= shapeless[i].last) return false;
    return true;
}

// How many bytes the first byte announces; 0: no first byte.
static size_t rune_bytes(unsigned char first) {
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first < 0xE0) return 2;
    if (first >= 0xE0 && first < 0xF0) return 3;
    return first >= 0xF0 && first < 0xF5 ? 4 : 0;
}

uint32_t http_rune(struct str s, size_t *ret_n) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    *ret_n = 1;
    size_t n = rune_bytes((unsigned char)s.p[0]);
    if (n == 0 || n > s.n) return 0xFFFD;
    uint32_t rune = (unsigned char)s.p[0] & mask[n];
    for (size_t i = 1; i < n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if ((c & 0xC0) != 0x80) return 0xFFFD;
        rune = rune << 6 | (c & 0x3F);
    }
    if (rune < least[n] || rune > 0x10FFFF || (rune >= 0xD800 && rune <= 0xDFFF)) return 0xFFFD;
    *ret_n = n;
    return rune;
}

static bool all_prints(struct str s) {
    for (size_t i = 0, n; i < s.n; i += n)
        if (!http_rune_prints(http_rune(str_sub(s, i, s.n), &n))) return false;
    return true;
}

static bool is_dots(struct str segment) {
    return str_eq(segment, STR(".")) || str_eq(segment, STR(".."));
}

static bool has_dots(struct str path) {
    struct str rest = path;
    while (rest.p)
        if (is_dots(str_split(&rest, '/'))) return true;
    return false;
}

static void drop_segment(struct buf *out) {
    while (out->n > 0 && out->p[--out->n] != '/') continue;
}

// Appends the path without empty, "." and ".." segments; a final slash stays. (path starts with /.)
static void clean(struct buf *out, struct str path) {
    struct str rest = str_sub(path, 1, path.n);
    bool open = false; // does what was read last leave a slash at the end?
    while (rest.p) {
        struct str segment = str_split(&rest, '/');
        open = segment.n == 0 || is_dots(segment);
        if (str_eq(segment, STR(".."))) drop_segment(out);
        if (open) continue;
        buf_addc(out, '/');
        buf_add_str(out, segment);
    }
    if (open || out->n == 0) buf_addc(out, '/');
}

// The path of an absolute target ("http://host/v1/x"), which every server has to take.
static struct str without_authority(struct str target) {
    size_t scheme = str_find(target, STR("://"));
    if (scheme == target.n || scheme > str_find_char(target, '/')) return target;
    struct str rest = str_sub(target, scheme + 3, target.n);
    size_t slash = str_find_char(rest, '/');
    return slash < rest.n ? str_sub(rest, slash, rest.n) : STR("/nothing");
}

// Is the first segment v1 with a slash behind it that is really one? (An encoded slash would make
// two readers see two paths. `raw` decodes to something that starts with /v1/.)
static bool has_v1_segment(struct str raw) {
    size_t end = str_find_char(str_sub(raw, 1, raw.n), '/'), decoded = end;
    for (size_t i = 0; i < end; i++) decoded -= raw.p[1 + i] == '%' ? 2 : 0;
    return end < raw.n - 1 && decoded == 2;
}

static enum http_path_kind below_v1(struct http_path *p, struct str raw) {
    struct str decoded = buf_str(&p->path);
    if (!str_starts(decoded, STR("/v1/")) || !has_v1_segment(raw)) return HTTP_PATH_NOT_FOUND;
    clean(&p->location, raw);
    if (!str_eq(buf_str(&p->location), raw)) {
        if (p->query.p) buf_addc(&p->location, '?');
        buf_add_str(&p->location, p->query);
        return HTTP_PATH_MOVED;
    }
    if (!all_prints(decoded)) return HTTP_PATH_UNPRINTABLE;
    memmove(p->path.p, p->path.p + 4, p->path.n - 4);
    p->path.n -= 4;
    p->relative = has_dots(buf_str(&p->path));
    return HTTP_PATH_API;
}

static bool has_controls(struct str raw) {
    for (size_t i = 0; i < raw.n; i++)
        if ((unsigned char)raw.p[i] <= ' ' || raw.p[i] == 0x7F) return true;
    return false;
}

static enum http_path_kind kind_of(struct http_path *p, struct str raw) {
    if (str_eq(raw, STR("*"))) return HTTP_PATH_SERVER;
    if (raw.n == 0 || raw.p[0] != '/' || has_controls(raw) || has_controls(p->query))
        return HTTP_PATH_MALFORMED;
    if (!http_percent_decode(&p->path, raw, false)) return HTTP_PATH_MALFORMED;
    if (str_eq(raw, STR("/"))) {
        buf_addz(&p->location, "/ui/");
        return HTTP_PATH_MOVED;
    }
    if (p->path.error || !p->path.p) return HTTP_PATH_MALFORMED;
    return below_v1(p, raw);
}

int http_path_read(struct http_path *ret, struct str target) {
    *ret =
        (struct http_path){.path = buf_make(PATH_MAX_BYTES), .location = buf_make(PATH_MAX_BYTES)};
    struct str rest = target;
    struct str raw = without_authority(str_split(&rest, '?'));
    ret->query = rest;
    ret->kind = kind_of(ret, raw);
    return ret->path.error || ret->location.error ? -ENOMEM : 0;
}

void http_path_fini(struct http_path *p) {
    buf_fini(&p->path);
    buf_fini(&p->location);
}
