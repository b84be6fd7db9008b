// SPDX-License-Identifier: Apache-2.0
#include "api/http-body.h"

#include <errno.h>

#include "api/http-form.h"
#include "api/http-json.h"
#include "base/parse.h"

static bool is_token_char(char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("!#$%&'*+-.^_`|~", c));
}

static size_t token_length(struct str s) {
    size_t n = 0;
    while (n < s.n && is_token_char(s.p[n])) n++;
    return n;
}

// Behind the "=" of a parameter: a token or a quoted string. 0: neither.
static size_t value_length(struct str s) {
    if (s.n == 0 || s.p[0] != '"') return token_length(s);
    for (size_t i = 1; i < s.n; i++) {
        if (s.p[i] == '\\') i++;
        else if (s.p[i] == '"') return i + 1;
    }
    return 0;
}

// Parameters are checked, not kept: "; name=value" any number of times, a last ";" alone is fine.
static bool are_parameters(struct str rest) {
    for (rest = str_trim(rest); rest.n > 0; rest = str_trim(rest)) {
        if (rest.p[0] != ';') return false;
        rest = str_trim(str_sub(rest, 1, rest.n));
        if (rest.n == 0) return true;
        size_t name = token_length(rest);
        if (name == 0 || name >= rest.n || rest.p[name] != '=') return false;
        size_t value = value_length(str_sub(rest, name + 1, rest.n));
        if (value == 0) return false;
        rest = str_sub(rest, name + 1 + value, rest.n);
    }
    return true;
}

// "type/subtype; name=value" to its first part. NULL: fine; else what is wrong, in the words that
// clients know.
static const char *media_type(struct str text, struct str *ret) {
    size_t end = str_find_char(text, ';');
    struct str base = str_trim(str_sub(text, 0, end));
    if (base.n == 0) return "mime: no media type";
    size_t n = token_length(base);
    if (n == 0) return "mime: no media type";
    if (n < base.n) {
        if (base.p[n] != '/') return "mime: expected slash after first token";
        size_t sub = token_length(str_sub(base, n + 1, base.n));
        if (sub == 0) return "mime: expected token after slash";
        if (n + 1 + sub < base.n) return "mime: unexpected content after media subtype";
    }
    if (!are_parameters(str_sub(text, end, text.n))) return "mime: invalid media parameter";
    *ret = base;
    return NULL;
}

int http_body_patch_type(struct str content_type, struct fault *fault) {
    struct str type;
    const char *wrong = media_type(content_type, &type);
    if (wrong) return fault_set(fault, 400, "%s", wrong);
    if (str_eq_nocase(type, STR("application/merge-patch+json"))) return 0;
    return fault_set(fault, 415,
                     "PATCH requires Content-Type of application/merge-patch+json, provided %.*s",
                     (int)(type.n < 100 ? type.n : 100), type.p);
}

static bool is_form(struct str content_type, struct str body) {
    struct str type = STR_NONE, text = str_trim(body);
    if (text.n > 0 && (text.p[0] == '{' || text.p[0] == '[')) return false;
    return !media_type(content_type, &type) &&
           str_eq_nocase(type, STR("application/x-www-form-urlencoded"));
}

static const char *type_name(char first) {
    switch (first) {
    case '[': return "array";
    case '"': return "string";
    case '0': return "number";
    default: return "bool";
    }
}

static int read_value(struct json_reader *r, struct str text, const struct json **ret,
                      struct fault *fault) {
    struct fault detail = {""};
    int e = json_read(r, text, ret, &detail);
    if (e <= 0) return e;
    return fault_set(fault, HTTP_BODY_E_BAD, "failed to decode JSON input: %s", detail.text);
}

static int read_json(struct json_reader *r, struct str body, const struct json **ret,
                     struct fault *fault) {
    struct http_json found;
    if (http_json_look(&found, body, fault)) return HTTP_BODY_E_BAD;
    if (found.empty || found.type == 'n') return 0;
    if (found.type == '{') return read_value(r, found.first, ret, fault);
    return fault_set(fault, HTTP_BODY_E_BAD,
                     "failed to decode JSON input: json: cannot unmarshal %s into Go value of type "
                     "map[string]interface {}",
                     type_name(found.type));
}

static int read_form(struct json_reader *r, struct str body, const struct json **ret,
                     struct fault *fault) {
    // A byte becomes \u00XX at most; names and commas are in the form as well.
    AUTO_WIPED struct buf text = buf_make(6 * body.n + 64);
    if (!buf_reserve(&text, 2 * body.n + 64)) return -ENOMEM;
    int e = http_form_write(&text, body);
    if (e > 0) return fault_set(fault, HTTP_BODY_E_BAD, "error parsing form data");
    if (e) return e;
    return text.n == 2 ? 0 : read_value(r, buf_str(&text), ret, fault);
}

int http_body_read(struct json_reader *r, struct str content_type, struct str body,
                   const struct json **ret, struct fault *fault) {
    *ret = NULL;
    return is_form(content_type, body) ? read_form(r, body, ret, fault)
                                       : read_json(r, body, ret, fault);
}
