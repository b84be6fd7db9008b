// SPDX-License-Identifier: Apache-2.0
// Any JSON, written as Go writes it: the text is JSON again, its names are sorted and each is there
// once, nothing in it needs escaping, and a second pass changes nothing. As `message` of a raw
// document it comes back whole.
#include "ecs/gojson.h"
#include "ecs/map.h"

#include "fuzz.h"

enum { OUTPUT_MAX_BYTES = 64 << 20, LEVELS_MAX = 500 };

static void check_value(const struct json *v, int levels) {
    struct json_iter it = json_iter(v);
    struct str last = STR_NONE;
    for (bool first = true; levels > 0 && json_next(&it); first = false) {
        MUST(!it.in_object || first || str_cmp(last, it.key) < 0);
        last = it.key;
        check_value(it.value, levels - 1);
    }
}

static void check_bytes(struct str text) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        MUST(c >= 0x20 && c != '<' && c != '>' && c != '&');
    }
    MUST(str_find(text, STR("\xE2\x80\xA8")) == text.n);
    MUST(str_find(text, STR("\xE2\x80\xA9")) == text.n);
}

static void check_raw(struct str text, struct str expected) {
    AUTO(ecs_mapper) struct ecs_mapper *m = NULL;
    AUTO(json_reader) struct json_reader *r = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(OUTPUT_MAX_BYTES);
    const struct ecs_opts opts = {.okta_url = "https://acme.okta.com/api/v1/logs"};
    const struct json *root = NULL;
    MUST(ecs_mapper_new(&m, &opts) == 0 && json_reader_new(&r) == 0);
    if (ecs_read(m, text, 0, NULL, NULL)) return; // no object
    MUST(ecs_write(m, ECS_FORM_RAW_GO, &out, NULL) == 0);
    MUST(json_read(r, buf_str(&out), &root, NULL) == 0);
    MUST(str_eq(json_str(json_get(root, "message")), expected));
    buf_reset(&out);
    MUST(ecs_write(m, ECS_FORM_RAW, &out, NULL) == 0);
    MUST(json_read(r, buf_str(&out), &root, NULL) == 0);
    MUST(json_str(json_get(root, "message")).n >= text.n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    AUTO(json_reader) struct json_reader *r = NULL;
    AUTO_FINI(ecs_gojson) struct ecs_gojson go = {0};
    AUTO_FINI(buf) struct buf out = buf_make(OUTPUT_MAX_BYTES);
    AUTO_FINI(buf) struct buf again = buf_make(OUTPUT_MAX_BYTES);
    const struct json *v = NULL;
    struct fault fault = {0};
    MUST(json_reader_new(&r) == 0);
    if (json_read(r, text, &v, NULL)) return 0;
    int e = ecs_gojson_add(&go, v, &out, &fault);
    MUST(e == 0 || (e == ECS_GOJSON_E_REFUSED && fault.text[0]));
    if (e) return 0;
    MUST(!out.error);
    check_bytes(buf_str(&out));
    MUST(json_read(r, buf_str(&out), &v, NULL) == 0);
    check_value(v, LEVELS_MAX);
    MUST(ecs_gojson_add(&go, v, &again, &fault) == 0);
    MUST(str_eq(buf_str(&out), buf_str(&again)));
    check_raw(text, buf_str(&out));
    return 0;
}
