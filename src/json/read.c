// SPDX-License-Identifier: Apache-2.0
// A thin layer over yyjson. Values come from one block of memory that is kept between reads and
// grows to the largest text seen (up to KEEP_BYTES), so that reading an event costs no allocation.
#include "json/read.h"

#include <errno.h>
#include <yyjson.h>

#include "base/parse.h"
#include "json/repair.h"

enum { KEEP_BYTES = 1 << 20 };

struct json_reader {
    char *block;
    size_t block_bytes;
    yyjson_doc *doc;
    struct buf repaired;
};

static yyjson_val *val(const struct json *v) { return (yyjson_val *)(uintptr_t)v; }
static const struct json *json_of(const yyjson_val *v) { return (const struct json *)v; }

int json_reader_new(struct json_reader **ret) {
    struct json_reader *r = mem_new(sizeof *r);
    if (!r) return -ENOMEM;
    r->repaired = buf_make(SIZE_MAX / 2);
    *ret = r;
    return 0;
}

struct json_reader *json_reader_free(struct json_reader *r) {
    if (!r) return NULL;
    buf_fini(&r->repaired);
    free(r->block);
    free(r);
    return NULL;
}

void json_reader_wipe(struct json_reader *r) {
    if (r->block) explicit_bzero(r->block, r->block_bytes);
    if (r->repaired.p) explicit_bzero(r->repaired.p, r->repaired.cap);
    buf_reset(&r->repaired);
    r->doc = NULL;
}

static int make_room(struct json_reader *r, size_t text_bytes) {
    size_t need = yyjson_read_max_memory_usage(text_bytes, YYJSON_READ_NOFLAG);
    if (need == 0) return -ENOMEM;
    bool too_big_to_keep = r->block_bytes > KEEP_BYTES && need <= KEEP_BYTES;
    if (need <= r->block_bytes && !too_big_to_keep) return 0;
    free(r->block);
    r->block_bytes = 0;
    r->block = malloc(need);
    if (!r->block) return -ENOMEM;
    r->block_bytes = need;
    return 0;
}

static yyjson_doc *parse(struct json_reader *r, struct str text, yyjson_read_err *error) {
    yyjson_alc pool;
    yyjson_alc_pool_init(&pool, r->block, r->block_bytes);
    return yyjson_read_opts((char *)(uintptr_t)text.p, text.n, YYJSON_READ_NUMBER_AS_RAW, &pool,
                            error);
}

static int read_once(struct json_reader *r, struct str text, yyjson_read_err *error) {
    int e = make_room(r, text.n);
    if (e) return e;
    r->doc = parse(r, text, error);
    if (r->doc) return 0;
    // The block is large enough for every text that is JSON: only brackets that are never closed
    // can use it up.
    if (error->code == YYJSON_READ_ERROR_MEMORY_ALLOCATION)
        *error = (yyjson_read_err){.msg = "brackets that are never closed", .pos = text.n};
    return JSON_E_SYNTAX;
}

int json_read(struct json_reader *r, struct str text, const struct json **ret,
              struct fault *fault) {
    yyjson_read_err error = {0};
    if (text.n == 0) return fault_set(fault, JSON_E_SYNTAX, "empty text at byte 0");
    int e = read_once(r, text, &error);
    if (e == JSON_E_SYNTAX && error.code == YYJSON_READ_ERROR_INVALID_STRING) {
        buf_reset(&r->repaired);
        json_repair(&r->repaired, text);
        if (r->repaired.error) return r->repaired.error;
        e = read_once(r, buf_str(&r->repaired), &error);
    }
    if (e == JSON_E_SYNTAX) return fault_set(fault, e, "%s at byte %zu", error.msg, error.pos);
    if (e) return e;
    *ret = json_of(yyjson_doc_get_root(r->doc));
    return 0;
}

enum json_type json_type(const struct json *v) {
    switch (yyjson_get_type(val(v))) {
    case YYJSON_TYPE_BOOL: return JSON_BOOL;
    case YYJSON_TYPE_RAW: return JSON_NUMBER;
    case YYJSON_TYPE_STR: return JSON_STRING;
    case YYJSON_TYPE_ARR: return JSON_ARRAY;
    case YYJSON_TYPE_OBJ: return JSON_OBJECT;
    default: return JSON_NULL;
    }
}

struct str json_str(const struct json *v) {
    if (!yyjson_is_str(val(v))) return STR_NONE;
    return (struct str){yyjson_get_str(val(v)), yyjson_get_len(val(v))};
}

struct str json_number(const struct json *v) {
    if (!yyjson_is_raw(val(v))) return STR_NONE;
    return (struct str){yyjson_get_raw(val(v)), yyjson_get_len(val(v))};
}

bool json_bool(const struct json *v) { return yyjson_is_true(val(v)); }
bool json_i64(const struct json *v, int64_t *ret) { return parse_i64(json_number(v), ret); }

bool json_is_empty(const struct json *v) {
    if (!v) return true;
    yyjson_type type = unsafe_yyjson_get_type(val(v));
    return type != YYJSON_TYPE_BOOL && unsafe_yyjson_get_len(val(v)) == 0;
}

size_t json_count(const struct json *v) {
    return yyjson_is_ctn(val(v)) ? yyjson_get_len(val(v)) : 0;
}

static const struct json *get(const struct json *object, struct str key) {
    const struct json *found = NULL;
    struct json_iter it = json_iter(object);
    if (!it.in_object) return NULL;
    while (json_next(&it))
        if (str_eq(it.key, key)) found = it.value;
    return found;
}

const struct json *json_get(const struct json *object, const char *key) {
    return get(object, str_from(key));
}

const struct json *json_at(const struct json *array, size_t i) {
    return json_of(yyjson_arr_get(val(array), i));
}

const struct json *json_path(const struct json *v, const char *dotted) {
    struct str rest = str_from(dotted);
    while (rest.p && v) v = get(v, str_split(&rest, '.'));
    return v;
}

struct json_iter json_iter(const struct json *v) {
    struct json_iter it = {.left = json_count(v), .in_object = yyjson_is_obj(val(v))};
    if (it.left) it.next = json_of(unsafe_yyjson_get_first(val(v)));
    return it;
}

bool json_next(struct json_iter *it) {
    if (it->left == 0) return false;
    it->left--;
    yyjson_val *v = val(it->next);
    if (it->in_object) {
        it->key = (struct str){unsafe_yyjson_get_str(v), unsafe_yyjson_get_len(v)};
        v++;
    }
    it->value = json_of(v);
    it->next = json_of(unsafe_yyjson_get_next(v));
    return true;
}
