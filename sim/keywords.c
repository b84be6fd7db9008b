// SPDX-License-Identifier: Apache-2.0
#include "sim/keywords.h"

enum { DEPTH_MAX = 64 };

// Okta counts characters, not bytes.
static size_t count_characters(struct str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

int keywords_parse(struct keywords *ret, struct str q, struct api_error *error) {
    struct keywords k = {.n = 0};
    while (q.p) {
        struct str word = str_split(&q, ' ');
        if (word.n == 0) continue;
        if (count_characters(word) > KEYWORD_CHARS_MAX)
            return api_error_set(error, KEYWORDS_E_REFUSED, API_Q_LONG, "%.*s", STR_ARG(word));
        if (k.n == KEYWORDS_MAX)
            return api_error_set(error, KEYWORDS_E_REFUSED, API_Q_MANY, "%.*s", STR_ARG(word));
        k.each[k.n++] = word;
    }
    *ret = k;
    return 0;
}

static bool token_has(struct str token, struct str word) {
    if (str_eq_nocase(token, word)) return true;
    struct str rest = token;
    while (rest.p)
        if (str_eq_nocase(str_split(&rest, '-'), word)) return true;
    return false;
}

static bool text_has(struct str text, struct str word) {
    while (text.p)
        if (token_has(str_split(&text, ' '), word)) return true;
    return false;
}

static bool value_has(const struct json *v, struct str word, int depth) {
    if (json_type(v) == JSON_STRING) return text_has(json_str(v), word);
    if (json_type(v) == JSON_NUMBER) return str_eq(json_number(v), word);
    if (depth == DEPTH_MAX) return false;
    struct json_iter it = json_iter(v);
    while (json_next(&it))
        if (value_has(it.value, word, depth + 1)) return true;
    return false;
}

bool keywords_match(const struct keywords *k, const struct json *event) {
    for (size_t i = 0; i < k->n; i++)
        if (!value_has(event, k->each[i], 0)) return false;
    return true;
}
