// SPDX-License-Identifier: Apache-2.0
// One row per type: how it reads, how it is written, what it is called.
#include "conf/value.h"

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"

struct reading {
    const struct conf_key *key;
    struct str text;
    struct arena *arena;
    void *member;
    struct fault *fault; // a reader may say more than "expected ..."
};

static bool in_bounds(const struct conf_key *key, double value) {
    return key->max == 0 || (value >= key->min && value <= key->max);
}

static int read_text(struct reading *r) {
    const char *copy = arena_text(r->arena, r->text);
    if (!copy) return -ENOMEM;
    memcpy(r->member, &copy, sizeof copy);
    return 0;
}

// A secret ends up in a header or a file name: blanks and line ends in it are slips of copying.
static int read_secret(struct reading *r) {
    for (size_t i = 0; i < r->text.n; i++) {
        char c = r->text.p[i];
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r')
            return fault_set(r->fault, CONF_E_WRONG,
                             "has a blank or a line end in it, expected the secret alone, without "
                             "a word before it");
    }
    return read_text(r);
}

static bool has_blank_or_control(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] <= ' ' || s.p[i] == 0x7F) return true;
    return false;
}

static int read_url(struct reading *r) {
    size_t colon = str_find(r->text, STR("://"));
    struct str scheme = str_sub(r->text, 0, colon);
    struct str rest = str_sub(r->text, colon + 3, r->text.n);
    if (colon == r->text.n || rest.n == 0 || rest.p[0] == '/') return CONF_E_WRONG;
    if (has_blank_or_control(r->text)) return CONF_E_WRONG;
    if (r->key->words && !conf_word_find(r->key->words, scheme, NULL)) return CONF_E_WRONG;
    return read_text(r);
}

static int read_int(struct reading *r) {
    int64_t value;
    if (!parse_i64(r->text, &value) || !in_bounds(r->key, (double)value)) return CONF_E_WRONG;
    memcpy(r->member, &value, sizeof value);
    return 0;
}

static int read_number(struct reading *r) {
    double value;
    if (!parse_double(r->text, &value) || !in_bounds(r->key, value)) return CONF_E_WRONG;
    memcpy(r->member, &value, sizeof value);
    return 0;
}

static int read_bool(struct reading *r) {
    bool value;
    if (!parse_bool(r->text, &value)) return CONF_E_WRONG;
    memcpy(r->member, &value, sizeof value);
    return 0;
}

static int read_duration(struct reading *r) {
    int64_t value;
    double bare;
    if (!parse_duration_ms(r->text, &value)) {
        if (!parse_double(r->text, &bare)) return CONF_E_WRONG;
        return fault_set(r->fault, CONF_E_WRONG, "needs a unit, such as %.*ss", STR_ARG(r->text));
    }
    if (!in_bounds(r->key, (double)value)) return CONF_E_WRONG;
    memcpy(r->member, &value, sizeof value);
    return 0;
}

static int read_bytes(struct reading *r) {
    uint64_t value;
    if (!parse_bytes(r->text, &value) || value > INT64_MAX) return CONF_E_WRONG;
    if (!in_bounds(r->key, (double)value)) return CONF_E_WRONG;
    int64_t bytes = (int64_t)value;
    memcpy(r->member, &bytes, sizeof bytes);
    return 0;
}

static int read_mode(struct reading *r) {
    uint32_t mode = 0;
    if (r->text.n < 3 || r->text.n > 4) return CONF_E_WRONG;
    for (size_t i = 0; i < r->text.n; i++) {
        if (r->text.p[i] < '0' || r->text.p[i] > '7') return CONF_E_WRONG;
        mode = mode * 8 + (uint32_t)(r->text.p[i] - '0');
    }
    if (mode > 0777) return CONF_E_WRONG;
    if ((mode & 0600) != 0600)
        return fault_set(r->fault, CONF_E_WRONG,
                         "would keep the program itself out, expected at least 0600");
    memcpy(r->member, &mode, sizeof mode);
    return 0;
}

static size_t count_words(const char *const *words) {
    size_t n = 0;
    while (words && words[n]) n++;
    return n;
}

static int read_enum(struct reading *r) {
    int value;
    if (conf_word_find(r->key->words, r->text, &value)) {
        memcpy(r->member, &value, sizeof value);
        return 0;
    }
    AUTO_FINI(buf) struct buf expected = buf_make(4096);
    conf_expected(r->key, &expected);
    char quoted[CONF_QUOTE_MAX];
    const char *near = str_nearest(r->text, r->key->words, count_words(r->key->words));
    if (!near) return CONF_E_WRONG;
    return fault_set(r->fault, CONF_E_WRONG, "%s is wrong, expected %.*s; did you mean %s?",
                     conf_quote(r->text, quoted), STR_ARG(buf_str(&expected)), near);
}

static bool write_text(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    const char *value;
    memcpy(&value, member, sizeof value);
    if (value) buf_addz(out, value);
    return value;
}

static bool write_secret(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    const char *value;
    memcpy(&value, member, sizeof value);
    if (value) buf_addz(out, "********");
    return value;
}

void conf_add_masked_url(struct str url, struct buf *out) {
    size_t scheme = str_find(url, STR("://"));
    size_t start = scheme < url.n ? scheme + 3 : 0;
    struct str authority = str_sub(url, start, url.n);
    authority.n = strcspn(authority.p ? authority.p : "", "/?#");
    const char *at = authority.n ? memrchr(authority.p, '@', authority.n) : NULL;
    if (!at) {
        buf_add_str(out, url);
        return;
    }
    buf_add_str(out, str_sub(url, 0, start));
    buf_addz(out, "********");
    buf_addz(out, at);
}

static bool write_url(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    const char *value;
    memcpy(&value, member, sizeof value);
    if (value) conf_add_masked_url(str_from(value), out);
    return value;
}

static bool write_int(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    int64_t value;
    memcpy(&value, member, sizeof value);
    buf_add_i64(out, value);
    return true;
}

static bool write_number(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    double value;
    memcpy(&value, member, sizeof value);
    buf_addf(out, "%.10g", value);
    return true;
}

static bool write_bool(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    bool value;
    memcpy(&value, member, sizeof value);
    buf_addz(out, value ? "true" : "false");
    return true;
}

static bool write_duration(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    int64_t value;
    memcpy(&value, member, sizeof value);
    conf_add_duration(out, value);
    return true;
}

static bool write_mode(const struct conf_key *key, const void *member, struct buf *out) {
    (void)key;
    uint32_t value;
    memcpy(&value, member, sizeof value);
    buf_addf(out, "%04o", value);
    return true;
}

static bool write_enum(const struct conf_key *key, const void *member, struct buf *out) {
    int value;
    memcpy(&value, member, sizeof value);
    if (value < 0) return false;
    buf_addz(out, key->words[value]);
    return true;
}

struct type_row {
    const char *name;
    bool text;
    int (*read)(struct reading *r);
    bool (*write)(const struct conf_key *key, const void *member, struct buf *out);
};

static const struct type_row types[] = {
    [CONF_STRING] = {"text", true, read_text, write_text},
    [CONF_SECRET] = {"secret", true, read_secret, write_secret},
    [CONF_SECRET_LINES] = {"secret", true, read_text, write_secret},
    [CONF_PATH] = {"path", true, read_text, write_text},
    [CONF_URL] = {"URL", true, read_url, write_url},
    [CONF_INT] = {"whole number", false, read_int, write_int},
    [CONF_NUMBER] = {"number", false, read_number, write_number},
    [CONF_BOOL] = {"true or false", false, read_bool, write_bool},
    [CONF_DURATION] = {"duration", false, read_duration, write_duration},
    [CONF_BYTES] = {"bytes", false, read_bytes, write_int},
    [CONF_MODE] = {"file mode", false, read_mode, write_mode},
    [CONF_ENUM] = {"one of", true, read_enum, write_enum},
    [CONF_STRINGS] = {"list of texts", false, NULL, NULL},
    [CONF_PAIRS] = {"names with values", false, NULL, NULL},
    [CONF_TABLE] = {"table", false, NULL, NULL},
    [CONF_TABLES] = {"list of tables", false, NULL, NULL},
    [CONF_ANYTHING] = {"anything", false, NULL, NULL},
};

const char *conf_type_name(enum conf_type type) { return types[type].name; }
bool conf_type_is_text(enum conf_type type) { return types[type].text; }
bool conf_type_is_secret(enum conf_type type) {
    return type == CONF_SECRET || type == CONF_SECRET_LINES;
}

bool conf_word_find(const char *const *words, struct str word, int *ret) {
    for (int i = 0; words && words[i]; i++) {
        if (!str_eqz(word, words[i])) continue;
        if (ret) *ret = i;
        return true;
    }
    return false;
}

int conf_value_read(const struct conf_key *key, struct str text, struct str literal,
                    struct arena *a, void *member, struct fault *fault) {
    struct fault said = {0};
    struct reading r = {key, text, a, member, &said};
    int rc = types[key->type].read ? types[key->type].read(&r) : -EINVAL;
    if (rc != CONF_E_WRONG) return rc;
    // What a reference stands for may be a secret in the wrong place.
    bool may_show = str_eq(text, literal) || conf_type_is_secret(key->type);
    if (said.text[0] && may_show) return fault_set(fault, rc, "%s", said.text);
    AUTO_FINI(buf) struct buf expected = buf_make(4096);
    conf_expected(key, &expected);
    char quoted[CONF_QUOTE_MAX];
    bool hidden = conf_type_is_secret(key->type) || str_find_char(literal, '@') < literal.n;
    const char *shown = hidden ? "this" : conf_quote(literal, quoted);
    return fault_set(fault, rc, "%s is wrong, expected %.*s", shown, STR_ARG(buf_str(&expected)));
}

bool conf_value_write(const struct conf_key *key, const void *member, struct buf *out) {
    return types[key->type].write && types[key->type].write(key, member, out);
}
