// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UAP_RULES_H
#define TESTS_UAP_RULES_H
// Reads just enough of uap-core's regexes.yaml (quoted scalars, one key a line) to fill the rules
// of a test or a benchmark. The program itself reads the file as YAML.

#include <errno.h>
#include <stdio.h>

#include "base/parse.h"
#include "ecs/useragent.h"

#define UAP_RULES_FILE "/usr/share/uap-core/regexes.yaml"

struct uap_reader {
    struct ecs_useragents *rules;
    struct ecs_ua_rule rule;
    bool has_rule;
    struct buf values[7]; // of the rule: regex, flag, replacements
};

static const struct {
    const char *key;
    size_t value; // in uap_reader.values
} uap_keys[] = {
    {"regex", 0},
    {"regex_flag", 1},
    {"family_replacement", 2},
    {"os_replacement", 2},
    {"device_replacement", 2},
    {"v1_replacement", 3},
    {"v2_replacement", 4},
    {"v3_replacement", 5},
    {"os_v1_replacement", 3},
    {"os_v2_replacement", 4},
    {"os_v3_replacement", 5},
    {"os_v4_replacement", 6},
};

static inline int uap_flush(struct uap_reader *r) {
    if (!r->has_rule) return 0;
    r->rule.regex = buf_str(&r->values[0]);
    r->rule.flag = r->values[1].n ? buf_str(&r->values[1]) : STR_NONE;
    for (size_t i = 0; i < 5; i++)
        r->rule.replacements[i] = r->values[i + 2].p ? buf_str(&r->values[i + 2]) : STR_NONE;
    int e = ecs_useragents_add(r->rules, &r->rule);
    for (size_t i = 0; i < LEN(r->values); i++) buf_fini(&r->values[i]);
    r->has_rule = false;
    return e;
}

// A single-quoted scalar: '' is one quote.
static inline void uap_unquote(struct buf *out, struct str value) {
    char quote = value.n ? value.p[0] : '\0';
    buf_reserve(out, 1);
    for (size_t i = 1; i + 1 < value.n; i++) {
        buf_addc(out, value.p[i]);
        if (quote == '\'' && value.p[i] == '\'') i++;
        if (quote == '"' && value.p[i] == '\\') out->p[out->n - 1] = value.p[++i];
    }
}

static inline int uap_line(struct uap_reader *r, struct str line) {
    line = str_trim(line);
    if (str_eq(line, STR("user_agent_parsers:"))) r->rule.group = ECS_UA_AGENT;
    if (str_eq(line, STR("os_parsers:")) || str_eq(line, STR("device_parsers:"))) {
        int e = uap_flush(r);
        r->rule.group = line.p[0] == 'o' ? ECS_UA_OS : ECS_UA_DEVICE;
        return e;
    }
    if (str_starts(line, STR("- "))) {
        int e = uap_flush(r);
        if (e) return e;
        r->has_rule = true;
        line = str_trim(str_sub(line, 2, line.n));
    }
    struct str value = line, key = str_split(&value, ':');
    for (size_t i = 0; value.p && i < LEN(uap_keys); i++)
        if (str_eqz(key, uap_keys[i].key))
            uap_unquote(&r->values[uap_keys[i].value], str_trim(value));
    return 0;
}

// Outcomes: 0; -ENOENT: there is no such file; -ENOMEM.
static inline int uap_load(struct ecs_useragents *rules, const char *path) {
    FILE *f = fopen(path, "r");
    if (!f) return -ENOENT;
    struct uap_reader r = {.rules = rules};
    for (size_t i = 0; i < LEN(r.values); i++) r.values[i] = buf_make(1 << 20);
    char line[16384];
    int e = 0;
    while (!e && fgets(line, sizeof line, f)) {
        struct str s = str_trim(str_from(line));
        if (s.n && s.p[0] != '#') e = uap_line(&r, s);
    }
    if (!e) e = uap_flush(&r);
    fclose(f);
    return e;
}

#endif
