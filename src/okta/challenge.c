// SPDX-License-Identifier: Apache-2.0
// A value holds one or more challenges: a scheme, then name=value with commas between. A new scheme
// is a word that is followed by a blank and not by "=".
#include "okta/challenge.h"

#include "base/mem.h"

static bool is_token(char c) {
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) return true;
    return c != '\0' && strchr("!#$%&'*+-.^_`|~", c);
}

static struct str skip(struct str s, const char *which) {
    size_t n = 0;
    while (n < s.n && s.p[n] != '\0' && strchr(which, s.p[n])) n++;
    return str_sub(s, n, s.n);
}

static struct str take_word(struct str *rest) {
    size_t n = 0;
    while (n < rest->n && is_token(rest->p[n])) n++;
    struct str word = str_sub(*rest, 0, n);
    *rest = str_sub(*rest, n, rest->n);
    return word;
}

static struct str take_quoted(struct str *rest) {
    size_t n = 1;
    while (n < rest->n && rest->p[n] != '"') n += rest->p[n] == '\\' ? 2 : 1;
    size_t end = n < rest->n ? n : rest->n;
    struct str text = str_sub(*rest, 1, end);
    *rest = str_sub(*rest, end < rest->n ? end + 1 : end, rest->n);
    return text;
}

static struct str take_value(struct str *rest) {
    *rest = skip(*rest, " \t");
    return rest->n && rest->p[0] == '"' ? take_quoted(rest) : take_word(rest);
}

struct parameter {
    const char *name;
    size_t at;
};

static const struct parameter parameters[] = {
    {"error", offsetof(struct okta_challenge, error)},
    {"error_description", offsetof(struct okta_challenge, error_description)},
    {"scope", offsetof(struct okta_challenge, scope)},
};

static void keep(struct okta_challenge *c, struct str name, struct str value) {
    for (size_t i = 0; i < LEN(parameters); i++) {
        struct str *member = (struct str *)(void *)((char *)c + parameters[i].at);
        if (str_eq_nocase(name, str_from(parameters[i].name)) && !member->p) *member = value;
    }
}

// One challenge; `rest` is behind it afterwards. False at the end.
static bool next(struct str *rest, struct okta_challenge *ret) {
    *rest = skip(*rest, " \t,");
    *ret = (struct okta_challenge){.scheme = take_word(rest)};
    if (ret->scheme.n == 0) return false;
    for (;;) {
        struct str at = skip(*rest, " \t,");
        struct str name = take_word(&at);
        struct str after = skip(at, " \t");
        if (name.n == 0 || after.n == 0 || after.p[0] != '=') return true;
        at = str_sub(after, 1, after.n);
        keep(ret, name, take_value(&at));
        *rest = at;
    }
}

bool okta_challenge_read(struct str value, struct okta_challenge *ret) {
    struct okta_challenge c;
    bool any = false;
    while (next(&value, &c)) {
        if (!any || c.error.p) *ret = c;
        any = true;
        if (c.error.p) break;
    }
    return any;
}
