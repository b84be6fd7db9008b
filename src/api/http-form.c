// SPDX-License-Identifier: Apache-2.0
// The pairs are decoded once into one buffer, names and values behind each other; grouping them by
// name is a loop in a loop over at most HTTP_FORM_PAIRS_MAX of them.
#include "api/http-form.h"

#include <errno.h>

#include "api/http-path.h"
#include "json/write.h"

struct pair {
    size_t name_at, name_n, value_n; // in `text`; the value follows the name
    bool written;
};

struct pairs {
    struct pair *pair;
    size_t n;
    struct buf text;
};

static void pairs_fini(struct pairs *p) {
    free(p->pair);
    buf_wipe(&p->text);
}
DEFINE_AUTO_FINI(pairs)

static struct str name_of(const struct pairs *all, size_t i) {
    return (struct str){all->text.p + all->pair[i].name_at, all->pair[i].name_n};
}

static struct str value_of(const struct pairs *all, size_t i) {
    const struct pair *p = &all->pair[i];
    return (struct str){all->text.p + p->name_at + p->name_n, p->value_n};
}

// Decodes one pair into the next row. False: it can't be read.
static bool take_pair(struct pairs *all, struct str text) {
    if (str_find_char(text, ';') < text.n) return false;
    struct str value = text, name = str_split(&value, '=');
    struct pair p = {.name_at = all->text.n};
    if (!http_percent_decode(&all->text, name, true)) return false;
    p.name_n = all->text.n - p.name_at;
    if (!http_percent_decode(&all->text, value, true)) {
        buf_cut(&all->text, p.name_at);
        return false;
    }
    p.value_n = all->text.n - p.name_at - p.name_n;
    all->pair[all->n++] = p;
    return true;
}

static int take_pairs(struct pairs *all, struct str text, bool skip_bad) {
    all->text = buf_make(text.n + 1);
    all->pair = mem_new_array(HTTP_FORM_PAIRS_MAX, sizeof *all->pair);
    if (!all->pair) return -ENOMEM;
    // Room for everything at once: what has been decoded may be secret and is not to be moved.
    if (!buf_reserve(&all->text, text.n + 1)) return -ENOMEM;
    for (struct str rest = text; rest.p && rest.n;) {
        struct str one = str_split(&rest, '&');
        if (one.n == 0) continue;
        if (all->n == HTTP_FORM_PAIRS_MAX) return HTTP_FORM_E_MANY;
        if (!take_pair(all, one) && !skip_bad) return HTTP_FORM_E_BAD;
    }
    return 0;
}

// The values of one name as one string with commas.
static void write_joined(struct buf *out, struct pairs *all, size_t first) {
    AUTO_WIPED struct buf joined = buf_make(all->text.n + all->n);
    buf_reserve(&joined, all->text.n + all->n);
    for (size_t i = first; i < all->n; i++) {
        if (i > first && !str_eq(name_of(all, i), name_of(all, first))) continue;
        if (i > first) buf_addc(&joined, ',');
        buf_add_str(&joined, value_of(all, i));
        all->pair[i].written = true;
    }
    if (joined.error) out->error = joined.error;
    json_add_text(out, buf_str(&joined));
}

static void write_array(struct buf *out, struct pairs *all, size_t first) {
    json_open(out, '[');
    for (size_t i = first; i < all->n; i++) {
        if (!str_eq(name_of(all, i), name_of(all, first))) continue;
        json_add_text(out, value_of(all, i));
        all->pair[i].written = true;
    }
    json_close(out, ']');
}

static void write_name(struct buf *out, struct str name) {
    json_add_text(out, name); // any bytes, unlike json_key
    buf_addc(out, ':');
}

int http_form_write(struct buf *out, struct str body) {
    AUTO_FINI(pairs) struct pairs all = {0};
    int e = take_pairs(&all, body, false);
    if (e) return e;
    json_open(out, '{');
    for (size_t i = 0; i < all.n; i++) {
        if (all.pair[i].written) continue;
        write_name(out, name_of(&all, i));
        write_joined(out, &all, i);
    }
    json_close(out, '}');
    return out->error;
}

bool http_bool(struct str text, bool *ret) {
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < LEN(yes); i++) {
        if (!str_eqz(text, yes[i]) && !str_eqz(text, no[i])) continue;
        *ret = str_eqz(text, yes[i]);
        return true;
    }
    return false;
}

// The first `list` and the first `help` count. True: the pair is a value as any other.
static bool note_special(struct http_query *ret, struct str name, struct str value) {
    if (str_eq(name, STR("help"))) {
        ret->help = ret->help || value.n > 0;
        return false;
    }
    if (!str_eq(name, STR("list"))) return true;
    if (!ret->has_list && value.n > 0) ret->list_bad = !http_bool(value, &ret->list);
    ret->has_list = true;
    return false;
}

static size_t count_name(const struct pairs *all, size_t first) {
    size_t n = 0;
    for (size_t i = first; i < all->n; i++) n += str_eq(name_of(all, i), name_of(all, first));
    return n;
}

int http_query_write(struct http_query *ret, struct buf *out, struct str query, bool keep_list) {
    *ret = (struct http_query){0};
    AUTO_FINI(pairs) struct pairs all = {0};
    int e = take_pairs(&all, query, true);
    if (e) return e;
    json_open(out, '{');
    for (size_t i = 0; i < all.n; i++) {
        if (all.pair[i].written) continue;
        struct str name = name_of(&all, i), value = value_of(&all, i);
        bool keep = note_special(ret, name, value) || (keep_list && str_eq(name, STR("list")));
        if (!keep) continue;
        ret->any = true;
        write_name(out, name);
        if (count_name(&all, i) > 1) write_array(out, &all, i);
        else json_add_text(out, value);
    }
    json_close(out, '}');
    return out->error;
}
