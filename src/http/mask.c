// SPDX-License-Identifier: Apache-2.0
// The parts of a request and an answer, each taken apart as what it is: headers, URLs and forms by
// name and value, JSON by members at any depth. What is none of these is masked as text.
#include "http/mask-internal.h"

#include "json/read.h"
#include "json/write.h"

static int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// application/x-www-form-urlencoded, decoded into the scratch buffer.
static struct str decode(struct mask *m, struct str text) {
    buf_reset(&m->scratch);
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i] == '+' ? ' ' : text.p[i];
        int high = c == '%' && i + 2 < text.n ? hex_value(text.p[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text.p[i + 2]) : -1;
        if (low >= 0) {
            c = (char)(high << 4 | low);
            i += 2;
        }
        buf_addc(&m->scratch, c);
    }
    if (m->scratch.error) m->error = m->scratch.error;
    return buf_str(&m->scratch);
}

struct pair {
    struct str name, value; // value absent: no '='
    bool secret;
};

static struct pair next_pair(struct mask *m, struct str *rest) {
    struct pair pair = {.value = str_split(rest, '&')};
    pair.name = str_split(&pair.value, '=');
    pair.secret = mask_is_secret_name(MASK_FORM, decode(m, pair.name));
    return pair;
}

void mask_learn_query(struct mask *m, struct str query) {
    while (query.p) {
        struct pair pair = next_pair(m, &query);
        if (!pair.value.p) continue;
        if (pair.secret) mask_remember(m, decode(m, pair.value));
        else mask_learn_text(m, pair.value);
    }
}

void mask_query(struct mask *m, struct buf *out, struct str query) {
    while (query.p) {
        struct pair pair = next_pair(m, &query);
        mask_text(m, out, pair.name);
        if (pair.value.p) buf_addc(out, '=');
        if (pair.secret && pair.value.n > 0) buf_addz(out, MASK_STARS);
        else if (pair.value.p) mask_text(m, out, pair.value);
        if (query.p) buf_addc(out, '&');
    }
}

void mask_learn_url(struct mask *m, struct str url) {
    str_split(&url, '?');
    mask_learn_query(m, url);
}

void mask_url(struct mask *m, struct buf *out, struct str url) {
    mask_text(m, out, str_split(&url, '?'));
    if (!url.p) return;
    buf_addc(out, '?');
    mask_query(m, out, url);
}

static bool is_cookie(struct str name) {
    return str_eq_nocase(name, STR("Cookie")) || str_eq_nocase(name, STR("Set-Cookie"));
}

static bool is_url(struct str name) { return str_eq_nocase(name, STR("Location")); }

static void learn_cookies(struct mask *m, struct str name, struct str value) {
    bool several = str_eq_nocase(name, STR("Cookie")); // behind a Set-Cookie stand attributes
    do {
        struct str cookie = str_split(&value, ';');
        str_split(&cookie, '=');
        if (cookie.p) mask_remember(m, cookie);
    } while (several && value.p);
}

void mask_learn_header(struct mask *m, struct str name, struct str value) {
    if (is_cookie(name)) {
        learn_cookies(m, name, value);
    } else if (is_url(name)) {
        mask_learn_url(m, value);
    } else if (mask_is_secret_name(MASK_HEADER, name)) {
        mask_remember(m, str_sub(value, mask_scheme(value).n, value.n));
    } else {
        mask_learn_text(m, value);
    }
}

void mask_header(struct mask *m, struct buf *out, struct str name, struct str value) {
    if (is_url(name)) {
        mask_url(m, out, value);
    } else if (mask_is_secret_name(MASK_HEADER, name)) {
        buf_add_str(out, mask_scheme(value));
        buf_addz(out, MASK_STARS);
    } else {
        mask_text(m, out, value);
    }
}

// A walk through a JSON body, to learn (no `out`) or to write.
struct walk {
    struct mask *m;
    struct buf *out;
    size_t limit;
    int depth;
};

static bool is_over(const struct walk *w) {
    return w->depth > JSON_WRITE_DEPTH_MAX || (w->out && w->out->n > w->limit);
}

// RFC 7517, RFC 7518 section 6: the private members of a key.
static bool is_private_part(const struct json *object, struct str name) {
    static const char *const parts[] = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"};
    for (size_t i = 0; i < LEN(parts); i++)
        if (str_eqz(name, parts[i])) return json_get(object, "kty") != NULL;
    return false;
}

static void write_masked(struct walk *w, struct str text) {
    AUTO_FINI(buf) struct buf masked = buf_make(w->out->max);
    mask_text(w->m, &masked, text);
    json_add_text(w->out, buf_str(&masked));
    if (masked.error) w->m->error = masked.error;
}

static void visit_scalar(struct walk *w, const struct json *v, bool secret) {
    bool is_number = json_type(v) == JSON_NUMBER;
    struct str text = is_number ? json_number(v) : json_str(v);
    if (!w->out) {
        if (secret) mask_remember(w->m, text);
        else if (!is_number) mask_learn_text(w->m, text);
        return;
    }
    if (secret && text.n > 0) json_add_str(w->out, STR(MASK_STARS));
    else if (!is_number) write_masked(w, text);
    else if (mask_finds(w->m, text)) json_add_str(w->out, STR(MASK_STARS));
    else json_add_raw(w->out, text);
}

static void visit(struct walk *w, const struct json *v, bool secret);

static void visit_members(struct walk *w, const struct json *v, bool secret) {
    bool is_object = json_type(v) == JSON_OBJECT;
    struct json_iter it = json_iter(v);
    if (w->out) json_open(w->out, is_object ? '{' : '[');
    while (!is_over(w) && json_next(&it)) {
        if (w->out && is_object) {
            write_masked(w, it.key);
            buf_addc(w->out, ':');
        }
        visit(w, it.value,
              secret || (is_object &&
                         (mask_is_secret_name(MASK_MEMBER, it.key) || is_private_part(v, it.key))));
    }
    if (w->out) json_close(w->out, is_object ? '}' : ']');
}

static void visit(struct walk *w, const struct json *v, bool secret) {
    w->depth++;
    switch (json_type(v)) {
    case JSON_OBJECT:
    case JSON_ARRAY: visit_members(w, v, secret); break;
    case JSON_STRING:
    case JSON_NUMBER: visit_scalar(w, v, secret); break;
    case JSON_BOOL:
        if (w->out) json_add_bool(w->out, json_bool(v));
        break;
    case JSON_NULL:
    default:
        if (w->out) json_add_null(w->out);
        break;
    }
    w->depth--;
}

static const struct json *read_json(struct mask *m, struct str body) {
    struct str text = str_trim(body);
    const struct json *v = NULL;
    if (text.n == 0 || (text.p[0] != '{' && text.p[0] != '[')) return NULL;
    int e = json_read(m->reader, text, &v, NULL);
    if (e < 0) m->error = e;
    return e == 0 ? v : NULL;
}

// name=value pairs: no blank, and a name before the first '='.
static bool looks_like_form(struct str body) {
    size_t n = str_find_char(body, '=');
    if (n == 0 || n >= body.n) return false;
    for (size_t i = 0; i < body.n; i++)
        if (strchr(" \t\r\n{<\"", body.p[i])) return false;
    return true;
}

void mask_learn_body(struct mask *m, struct str body) {
    const struct json *v = read_json(m, body);
    struct walk w = {.m = m};
    if (v) visit(&w, v, false);
    else if (looks_like_form(body)) mask_learn_query(m, body);
    else mask_learn_text(m, body);
}

void mask_body(struct mask *m, struct buf *out, struct str body, size_t limit) {
    AUTO_FINI(buf) struct buf json = buf_make(out->max);
    const struct json *v = read_json(m, body);
    struct walk w = {.m = m, .out = &json, .limit = limit};
    if (v) {
        visit(&w, v, false);
        body = buf_str(&json);
        if (json.error) m->error = json.error;
    }
    // What a piece of a secret beyond the limit belongs to must still be recognised.
    body = str_sub(body, 0, limit + (size_t)6 * SECRET_PIECE_BYTES);
    if (looks_like_form(body)) mask_query(m, out, body);
    else mask_text(m, out, body);
}
