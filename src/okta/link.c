// SPDX-License-Identifier: Apache-2.0
// Link header fields as RFC 8288 section 3 writes them, read leniently: what cannot be understood
// is skipped up to the next comma. Commas and semicolons inside <> and quotes are no separators.
#include "okta/log.h"

static void skip_blanks(struct str *s) {
    while (s->n > 0 && (s->p[0] == ' ' || s->p[0] == '\t')) *s = str_sub(*s, 1, s->n);
}

static bool take_char(struct str *s, char c) {
    if (s->n == 0 || s->p[0] != c) return false;
    *s = str_sub(*s, 1, s->n);
    return true;
}

static struct str take_until(struct str *s, const char *stops) {
    size_t n = 0;
    while (n < s->n && !(s->p[n] && strchr(stops, s->p[n]))) n++;
    struct str part = str_sub(*s, 0, n);
    *s = str_sub(*s, n, s->n);
    return part;
}

// The inside of a quoted string whose opening quote has been taken; escapes are left in place, as
// no relation type needs one.
static struct str take_quoted(struct str *s) {
    size_t n = 0;
    while (n < s->n && s->p[n] != '"') n += s->p[n] == '\\' ? 2 : 1;
    struct str part = str_sub(*s, 0, n);
    *s = str_sub(*s, n + 1, s->n);
    return part;
}

struct param {
    struct str name, value;
};

// One parameter and the blanks around it. False at the link's end, or when what stands here is no
// parameter.
static bool take_param(struct str *s, struct param *ret) {
    skip_blanks(s);
    if (!take_char(s, ';')) return false;
    skip_blanks(s);
    ret->name = str_trim(take_until(s, "=;,"));
    ret->value = STR_NONE;
    if (!take_char(s, '=')) return true;
    skip_blanks(s);
    ret->value = take_char(s, '"') ? take_quoted(s) : str_trim(take_until(s, ";,"));
    return true;
}

static bool has_relation(struct str list, struct str wanted) {
    while (list.p) {
        if (str_eq_nocase(str_trim(str_split(&list, ' ')), wanted)) return true;
    }
    return false;
}

// Only the first rel of a link counts (section 3.3).
static bool take_params(struct str *s, struct str wanted) {
    struct param param;
    bool seen = false, found = false;
    while (take_param(s, &param)) {
        if (seen || !str_eq_nocase(param.name, STR("rel"))) continue;
        seen = true;
        found = has_relation(param.value, wanted);
    }
    return found;
}

static void skip_to_next_link(struct str *s) {
    while (s->n > 0 && s->p[0] != ',') {
        if (take_char(s, '"')) take_quoted(s);
        else *s = str_sub(*s, 1, s->n);
    }
    take_char(s, ',');
}

bool okta_link_next(struct str value, struct str *ret) {
    while (value.n > 0) {
        skip_blanks(&value);
        if (take_char(&value, '<')) {
            struct str target = take_until(&value, ">");
            bool closed = take_char(&value, '>');
            if (closed && take_params(&value, STR("next")) && target.n > 0) {
                *ret = target;
                return true;
            }
        }
        skip_to_next_link(&value);
    }
    return false;
}
