// SPDX-License-Identifier: Apache-2.0
// Any bytes as a form and as a query: what is written is a JSON object.
#include "api/http-form.h"
#include "json/read.h"

#include "fuzz.h"

static void is_object(struct json_reader *r, const struct buf *text, size_t members_max) {
    const struct json *value = NULL;
    struct fault fault = {""};
    MUST(json_read(r, buf_str(text), &value, &fault) == 0);
    MUST(json_type(value) == JSON_OBJECT && json_count(value) <= members_max);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    AUTO(json_reader) struct json_reader *r = NULL;
    MUST(json_reader_new(&r) == 0);

    AUTO_FINI(buf) struct buf form = buf_make(16 << 20);
    int e = http_form_write(&form, text);
    MUST(e == 0 || e == HTTP_FORM_E_BAD || e == HTTP_FORM_E_MANY);
    if (e == 0) is_object(r, &form, HTTP_FORM_PAIRS_MAX);

    AUTO_FINI(buf) struct buf query = buf_make(16 << 20);
    struct http_query q;
    e = http_query_write(&q, &query, text, size % 2);
    MUST(e == 0 || e == HTTP_FORM_E_MANY);
    if (e == 0) is_object(r, &query, HTTP_FORM_PAIRS_MAX);
    if (e == 0) MUST(q.any == (query.n > 2));
    return 0;
}
