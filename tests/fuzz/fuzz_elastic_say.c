// SPDX-License-Identifier: Apache-2.0
// Any bytes as the body of an error: one line comes of it, which begins with what was asked, holds
// no control character, and keeps to itself what stood behind the names of HTTP's schemes.
#include <errno.h>

#include "elastic/engine.h"

#include "fuzz.h"

#define WHAT "GET /x"

static struct str said(struct str body, struct fault *fault) {
    const struct elastic_answer a = {.status = 400, .body = body};
    MUST(elastic_say(&a, WHAT, -EACCES, fault) == -EACCES);
    return str_from(fault->text);
}

static void check_line(struct str line) {
    MUST(str_starts(line, STR(WHAT ": status 400")));
    for (size_t i = 0; i < line.n; i++) MUST((unsigned char)line.p[i] >= ' ' && line.p[i] != 0x7F);
}

// A word behind a scheme is nowhere in the line, unless it stands elsewhere, too.
static void check_secret(struct str body) {
    static const char *const schemes[] = {"Basic ", "apikey ", "BEARER ", "http://me:"};
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    struct fault fault;
    const struct str secret = STR("q7Zs3cr3tW0rd");
    if (str_find(body, secret) < body.n) return;
    for (size_t i = 0; i < LEN(schemes); i++) {
        buf_reset(&text);
        buf_addz(&text, schemes[i]);
        buf_add_str(&text, secret);
        buf_addz(&text, "@h ");
        buf_add_str(&text, str_sub(body, 0, 1000));
        struct str line = said(buf_str(&text), &fault);
        check_line(line);
        MUST(str_find(line, secret) == line.n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str body = {(const char *)data, size};
    struct fault fault;
    check_line(said(body, &fault));
    check_secret(body);
    return 0;
}
