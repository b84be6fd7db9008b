// SPDX-License-Identifier: Apache-2.0
// Each kind of field has one function that turns a JSON value into the kind's value, as leniently
// as Vault does: clients send "true", "5000" and "a,b" where they mean true, 5000 and a list.
#include "api/fields.h"

#include <assert.h>
#include <errno.h>

#include "base/parse.h"

struct value {
    bool present; // the request gave it; null counts
    bool flag;
    int64_t number;
    struct str text; // borrowed from the request or the row; or, when `kept`, in c->values
    bool kept;
    size_t at, n; // where in c->values: kept texts, and packed lists
    const struct json *json;
};

struct conversion {
    struct call *c;
    const struct field *field;
    struct value *value;
    struct fault *fault;
};

static const char *go_type(const struct json *v) {
    switch (json_type(v)) {
    case JSON_ARRAY: return "[]interface {}";
    case JSON_OBJECT: return "map[string]interface {}";
    case JSON_STRING: return "string";
    case JSON_NUMBER: return "json.Number";
    case JSON_BOOL: return "bool";
    case JSON_NULL: break;
    }
    return "nil";
}

static int unconvertible(struct fault *fault, const char *at, const char *want,
                         const struct json *v) {
    return fault_set(fault, FIELDS_E_REFUSED,
                     "'%s' expected type '%s', got unconvertible type '%s'", at, want, go_type(v));
}

// The text of a scalar; absent for arrays and objects.
static struct str scalar_text(const struct json *v) {
    switch (json_type(v)) {
    case JSON_STRING: return json_str(v);
    case JSON_NUMBER: return json_number(v);
    case JSON_BOOL: return json_bool(v) ? STR("1") : STR("0");
    case JSON_NULL: return STR("");
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return STR_NONE;
}

static int to_string(struct conversion *k, const struct json *v) {
    k->value->text = scalar_text(v);
    return k->value->text.p ? 0 : unconvertible(k->fault, "", "string", v);
}

static void keep_from(struct conversion *k, size_t at) {
    k->value->kept = true;
    k->value->at = at;
    k->value->n = k->c->values.n - at;
}

static int keep_lower(struct conversion *k, struct str text) {
    size_t at = k->c->values.n;
    for (size_t i = 0; i < text.n; i++) {
        char ch = text.p[i];
        buf_addc(&k->c->values, ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch);
    }
    keep_from(k, at);
    return k->c->values.error;
}

static int to_lower(struct conversion *k, const struct json *v) {
    int r = to_string(k, v);
    return r ? r : keep_lower(k, k->value->text);
}

bool fields_bool_text(struct str text, bool *ret) {
    static const char *const yes[] = {"1", "t", "T", "true", "TRUE", "True"};
    static const char *const no[] = {"", "0", "f", "F", "false", "FALSE", "False"};
    for (size_t i = 0; i < LEN(yes); i++)
        if (str_eqz(text, yes[i])) return *ret = true, true;
    for (size_t i = 0; i < LEN(no); i++)
        if (str_eqz(text, no[i])) return *ret = false, true;
    return false;
}

static int to_bool(struct conversion *k, const struct json *v) {
    switch (json_type(v)) {
    case JSON_BOOL: k->value->flag = json_bool(v); return 0;
    case JSON_NULL: k->value->flag = false; return 0;
    case JSON_NUMBER:
    case JSON_STRING:
        if (fields_bool_text(scalar_text(v), &k->value->flag)) return 0;
        return fault_set(k->fault, FIELDS_E_REFUSED,
                         "'' cannot parse value as 'bool': strconv.ParseBool: invalid syntax");
    case JSON_ARRAY:
    case JSON_OBJECT: break;
    }
    return unconvertible(k->fault, "", "bool", v);
}

static int to_int(struct conversion *k, const struct json *v) {
    k->value->number = 0;
    struct str text = scalar_text(v);
    if (!text.p) return unconvertible(k->fault, "", "int", v);
    if (text.n == 0 || parse_i64(text, &k->value->number)) return 0;
    return fault_set(k->fault, FIELDS_E_REFUSED,
                     "'' cannot parse value as 'int': strconv.ParseInt: invalid syntax");
}

// "30", "30s", "1h30m", "1d"; with a sign where that is permitted.
static bool seconds_of(struct str text, int64_t *ret) {
    if (text.n == 0) return *ret = 0, true;
    bool minus = text.p[0] == '-';
    struct str size = minus ? str_sub(text, 1, text.n) : text;
    int64_t ms = 0, seconds = 0;
    if (parse_i64(size, &seconds) && seconds >= 0) {
        *ret = minus ? -seconds : seconds;
        return true;
    }
    if (!parse_duration_ms(size, &ms) || ms < 0) return false;
    *ret = (minus ? -ms : ms) / 1000;
    return true;
}

int fields_seconds_text(struct str text, bool may_be_negative, int64_t *ret, struct fault *fault) {
    // Half of what fits: sums of two instants must not overflow.
    enum { HIGHEST_S = 1 << 30 };
    int64_t seconds = 0;
    if (!seconds_of(text, &seconds))
        return fault_set(fault, FIELDS_E_REFUSED, "time: invalid duration \"%.*s\"", STR_ARG(text));
    if (seconds < 0 && !may_be_negative)
        return fault_set(fault, FIELDS_E_REFUSED, "cannot provide negative value '%lld'",
                         (long long)seconds);
    if (seconds > (int64_t)HIGHEST_S * 8 || seconds < -(int64_t)HIGHEST_S * 8)
        return fault_set(fault, FIELDS_E_REFUSED, "time: invalid duration \"%.*s\"", STR_ARG(text));
    *ret = seconds;
    return 0;
}

int fields_seconds(const struct json *v, bool may_be_negative, int64_t *ret, struct fault *fault) {
    struct str text = scalar_text(v);
    if (!text.p || json_type(v) == JSON_BOOL)
        return fault_set(fault, FIELDS_E_REFUSED, "could not parse duration from input");
    return fields_seconds_text(text, may_be_negative, ret, fault);
}

static int to_duration(struct conversion *k, const struct json *v) {
    return fields_seconds(v, k->field->type == FIELD_SIGNED_DURATION, &k->value->number, k->fault);
}

// An element, or the one thing that was given instead of several, that is no text.
static int undecodable(struct conversion *k, int i, const struct json *v) {
    return fault_set(k->fault, FIELDS_E_REFUSED,
                     "decoding failed due to the following error(s):\n\n'[%d]' expected type "
                     "'string', got unconvertible type '%s'",
                     i, go_type(v));
}

static int add_elements(struct conversion *k, const struct json *array, bool trim) {
    struct json_iter it = json_iter(array);
    for (int i = 0; json_next(&it); i++) {
        struct str text = scalar_text(it.value);
        if (!text.p) return undecodable(k, i, it.value);
        list_add(&k->c->values, trim ? str_trim(text) : text);
    }
    return 0;
}

// "" holds nothing; "," holds two empty items, which whoever asked for the list may refuse.
static void add_split(struct buf *out, struct str text) {
    struct str rest = text.n ? text : STR_NONE;
    while (rest.p) list_add(out, str_trim(str_split(&rest, ',')));
}

static int to_list(struct conversion *k, const struct json *v) {
    bool commas = k->field->type == FIELD_COMMAS;
    size_t at = k->c->values.n;
    int r = 0;
    struct str text = scalar_text(v);
    if (json_type(v) == JSON_ARRAY) r = add_elements(k, v, commas);
    else if (!text.p) r = json_count(v) ? undecodable(k, 0, v) : 0; // {} is an empty list
    else if (commas) add_split(&k->c->values, text);
    else if (text.n) list_add(&k->c->values, text);
    keep_from(k, at);
    return r ? r : k->c->values.error;
}

static int add_pair(struct conversion *k, struct str text, int i) {
    size_t at = str_find_char(text, '=');
    if (at == text.n)
        return fault_set(k->fault, FIELDS_E_REFUSED, "invalid key pair at index %d in field \"%s\"",
                         i, k->field->name);
    list_add(&k->c->values, str_trim(str_sub(text, 0, at)));
    list_add(&k->c->values, str_trim(str_sub(text, at + 1, text.n)));
    return 0;
}

static int add_members(struct conversion *k, const struct json *object) {
    struct json_iter it = json_iter(object);
    while (json_next(&it)) {
        struct str text = scalar_text(it.value);
        if (!text.p) return undecodable(k, 0, object);
        list_add(&k->c->values, it.key);
        list_add(&k->c->values, text);
    }
    return 0;
}

static int to_pairs(struct conversion *k, const struct json *v) {
    size_t at = k->c->values.n;
    int r = 0;
    struct str text = scalar_text(v);
    if (json_type(v) == JSON_OBJECT) {
        r = add_members(k, v);
    } else if (json_type(v) == JSON_ARRAY) {
        struct json_iter it = json_iter(v);
        for (int i = 0; !r && json_next(&it); i++) {
            struct str one = scalar_text(it.value);
            if (one.p) r = add_pair(k, one, i);
            else if (json_count(it.value)) r = unconvertible(k->fault, "", "string", it.value);
        }
    } else if (json_type(v) != JSON_NULL) {
        r = add_pair(k, text, 0);
    }
    keep_from(k, at);
    return r ? r : k->c->values.error;
}

static int to_map(struct conversion *k, const struct json *v) {
    bool nothing = json_type(v) == JSON_NULL || (json_type(v) == JSON_ARRAY && !json_count(v));
    if (json_type(v) != JSON_OBJECT && !nothing)
        return unconvertible(k->fault, "", "map[string]interface {}", v);
    k->value->json = json_type(v) == JSON_OBJECT ? v : NULL;
    return 0;
}

static int to_any(struct conversion *k, const struct json *v) {
    k->value->json = v;
    return 0;
}

static int (*const converters[])(struct conversion *k, const struct json *v) = {
    [FIELD_STRING] = to_string,
    [FIELD_LOWER_STRING] = to_lower,
    [FIELD_NAME] = to_string,
    [FIELD_BOOL] = to_bool,
    [FIELD_INT] = to_int,
    [FIELD_DURATION] = to_duration,
    [FIELD_SIGNED_DURATION] = to_duration,
    [FIELD_STRINGS] = to_list,
    [FIELD_COMMAS] = to_list,
    [FIELD_PAIRS] = to_pairs,
    [FIELD_MAP] = to_map,
    [FIELD_ANY] = to_any,
};

// Defaults are scalars: "\"text\"", "true", "10".
static void set_default(struct value *v, const struct field *field) {
    struct str text = str_from(field->otherwise ? field->otherwise : "");
    if (str_starts(text, STR("\""))) text = str_sub(text, 1, text.n - 1);
    v->text = text;
    v->flag = str_eqz(text, "true");
    if (!parse_i64(text, &v->number)) v->number = 0;
}

static int set_capture(struct conversion *k, struct str captured) {
    k->value->present = true;
    k->value->text = captured;
    return k->field->type == FIELD_LOWER_STRING ? keep_lower(k, captured) : 0;
}

static struct str capture_of(const struct call *c, struct str name) {
    for (size_t i = 0; i < c->capture_count; i++)
        if (str_eq((struct str){c->capture[i].name, c->capture[i].name_n}, name))
            return c->capture[i].value;
    return STR_NONE;
}

static size_t field_count(const struct field *fields) {
    size_t n = 0;
    while (fields && fields[n].name) n++;
    return n;
}

static bool has_field(const struct field *fields, struct str name) {
    for (; fields && fields->name; fields++)
        if (str_eqz(name, fields->name)) return true;
    return false;
}

// What the request gave and no row takes, or a capture overrules.
static void note_unused(struct call *c) {
    struct json_iter it = json_iter(c->request->data);
    while (json_next(&it)) {
        if (!has_field(c->route->fields, it.key)) list_add(&c->ignored, it.key);
        else if (capture_of(c, it.key).p) list_add(&c->replaced, it.key);
    }
}

static int read_field(struct conversion *k) {
    set_default(k->value, k->field);
    struct str captured = capture_of(k->c, str_from(k->field->name));
    if (captured.p) return set_capture(k, captured);
    const struct json *v = json_get(k->c->request->data, k->field->name);
    if (!v) return 0;
    k->value->present = true;
    struct fault why = {{0}};
    struct fault *outer = k->fault;
    k->fault = &why;
    int r = converters[k->field->type](k, v);
    k->fault = outer;
    if (r != FIELDS_E_REFUSED) return r;
    const char *prefix = k->c->route->flags & ROUTE_BARE_ERRORS ? "" : "Field validation failed: ";
    return fault_set(outer, r, "%serror converting input for field \"%s\": %s", prefix,
                     k->field->name, why.text);
}

int fields_read(struct call *c, struct fault *fault) {
    size_t n = field_count(c->route->fields);
    fields_free(c);
    c->fields = mem_new_array(n + 1, sizeof(struct value));
    if (!c->fields) return -ENOMEM;
    struct value *values = c->fields;
    for (size_t i = 0; i < n; i++) {
        int r = read_field(&(struct conversion){c, &c->route->fields[i], &values[i], fault});
        if (r) return r;
    }
    note_unused(c);
    return c->values.error;
}

void fields_free(struct call *c) {
    free(c->fields);
    c->fields = NULL;
}

void fields_name(struct buf *out, struct list names) {
    AUTO_FINI(buf) struct buf sorted = buf_make(1 << 20);
    if (list_union(&sorted, names, (struct list){STR_NONE})) return;
    struct str rest = buf_str(&sorted), item;
    buf_addc(out, '[');
    while (list_next(&rest, &item)) {
        if (out->p[out->n - 1] != '[') buf_addc(out, ' ');
        buf_add_str(out, item);
    }
    buf_addc(out, ']');
}

static const struct value *value_of(const struct call *c, const char *name) {
    const struct field *fields = c->route->fields;
    const struct value *values = c->fields;
    for (size_t i = 0; values && fields && fields[i].name; i++)
        if (strcmp(fields[i].name, name) == 0) return &values[i];
    assert(false && "a handler asks for a field that its route does not have");
    static const struct value none;
    return &none;
}

static struct str kept(const struct call *c, const struct value *v) {
    return v->n ? (struct str){c->values.p + v->at, v->n} : STR("");
}

bool call_has(const struct call *c, const char *field) { return value_of(c, field)->present; }

struct str call_str(const struct call *c, const char *field) {
    const struct value *v = value_of(c, field);
    if (v->kept) return kept(c, v);
    return v->text.p ? v->text : STR("");
}

bool call_bool(const struct call *c, const char *field) { return value_of(c, field)->flag; }
int64_t call_int(const struct call *c, const char *field) { return value_of(c, field)->number; }

struct list call_list(const struct call *c, const char *field) {
    const struct value *v = value_of(c, field);
    return (struct list){v->kept ? kept(c, v) : STR_NONE};
}

const struct json *call_json(const struct call *c, const char *field) {
    return value_of(c, field)->json;
}

const struct json *call_body(const struct call *c) { return c->request->data; }
