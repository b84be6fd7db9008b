// SPDX-License-Identifier: Apache-2.0
// Any bytes as a body: what the scanner lets pass, the parser reads, and the result is an object or
// nothing. The first byte says which Content-Type.
#include "api/http-body.h"
#include "api/http-json.h"
#include "base/buf.h"

#include "fuzz.h"

static const char *const types[] = {NULL, "application/x-www-form-urlencoded", "text/plain; a=b"};

static void scanner_and_parser_agree(struct json_reader *r, struct str body) {
    struct http_json found;
    struct fault fault = {""};
    int e = http_json_look(&found, body, &fault);
    MUST(e == 0 || (e == HTTP_JSON_E_BAD && fault.text[0]));
    if (e || found.empty) return;
    MUST(found.complete && found.first.p >= body.p);
    MUST(found.first.p + found.first.n <= body.p + body.n);
    const struct json *value = NULL;
    MUST(json_read(r, found.first, &value, &fault) == 0);
    MUST((json_type(value) == JSON_OBJECT) == (found.type == '{'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    struct str body = {(const char *)data + 1, size - 1};
    AUTO(json_reader) struct json_reader *r = NULL;
    MUST(json_reader_new(&r) == 0);
    scanner_and_parser_agree(r, body);
    const struct json *value = NULL;
    struct fault fault = {""};
    int e = http_body_read(r, str_from(types[data[0] % LEN(types)]), body, &value, &fault);
    MUST(e == 0 || (e == HTTP_BODY_E_BAD && fault.text[0]));
    MUST(e || !value || json_type(value) == JSON_OBJECT);
    struct str type = body;
    e = http_body_patch_type(type, &fault);
    MUST(e == 0 || e == 400 || e == 415);
    return 0;
}
