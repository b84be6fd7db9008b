// SPDX-License-Identifier: Apache-2.0
// A conversation through the request tracer. The first line of the input becomes a secret, and its
// first byte chooses where the tracer first sees it: in a header, in JSON, in a form. The rest is
// the body, a header and the URL of what comes next, with the secret put in for some bytes: \x01 as
// it is, \x02 percent-encoded, \x03 with JSON's escapes, \x04 with other escapes, \x05
// percent-encoded all over. Whatever that gives, the secret never appears in a line, and every line
// is JSON.
#include <unistd.h>

#include "http/tracer-internal.h"
#include "json/read.h"
#include "json/write.h"

#include "fuzz.h"

enum { SECRET_MAX_BYTES = 100, BIG = 1 << 22 };

static const struct http_origin origin = {.scheme = "https", .host = "acme.okta.com", .port = 443};

static struct http_tracer *make_tracer(void) {
    char dir[] = "/tmp/gatehouse-fuzz-XXXXXX";
    struct http_tracer *t = NULL;
    MUST(mkdtemp(dir));
    MUST(http_tracer_new(&t, dir, "fuzz", NULL) == 0);
    MUST(http_tracer_delete(dir, "fuzz", NULL) == 0); // the open file is enough
    MUST(rmdir(dir) == 0);
    return t;
}

// Begins like nothing else in a line; what stands between strings of a line is not part of it.
static void make_secret(struct buf *out, struct str line) {
    buf_addz(out, "zQ7");
    for (size_t i = 0; i < line.n && i < SECRET_MAX_BYTES; i++) {
        char c = (char)(line.p[i] & 0x7f);
        bool structural = c == '\0' || strchr(",:]}\n", c);
        buf_addc(out, structural ? '.' : c);
    }
    while (out->n < 12) buf_addc(out, 'k');
    buf_addc(out, 'k'); // no blank at the end
}

static void add_percent(struct buf *out, struct str text, bool all) {
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (all || !plain) buf_addf(out, all ? "%%%02x" : "%%%02X", c);
        else buf_addc(out, (char)c);
    }
}

static void add_unicode(struct buf *out, struct str text) {
    for (size_t i = 0; i < text.n; i++) buf_addf(out, "\\u%04x", (unsigned char)text.p[i]);
}

static void expand(struct buf *out, struct str text, struct str secret) {
    for (size_t i = 0; i < text.n; i++) {
        switch (text.p[i]) {
        case 1: buf_add_str(out, secret); break;
        case 2: add_percent(out, secret, false); break;
        case 3: json_add_escaped(out, secret); break;
        case 4: add_unicode(out, secret); break;
        case 5: add_percent(out, secret, true); break;
        default: buf_addc(out, text.p[i]);
        }
    }
}

static void check(struct http_tracer *t, struct str secret) {
    struct str line = http_tracer_last_line(t);
    struct buf forms[3] = {buf_make(BIG), buf_make(BIG), buf_make(BIG)};
    buf_add_str(&forms[0], secret);
    json_add_escaped(&forms[1], secret);
    add_percent(&forms[2], secret, true);
    for (size_t i = 0; i < LEN(forms); i++) {
        MUST(str_find(line, buf_str(&forms[i])) == line.n);
        buf_fini(&forms[i]);
    }
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *v = NULL;
    MUST(json_reader_new(&reader) == 0 && json_read(reader, line, &v, NULL) == 0);
}

static void respond(struct http_tracer *t, struct str header, struct str value, struct str body) {
    const struct http_header headers[] = {{header, value}};
    const struct http_response response = {
        .status = 200, .headers = headers, .header_count = 1, .body = body};
    http_tracer_response(t, 1, &response);
}

static void request(struct http_tracer *t, const char *url, struct str body) {
    const struct http_request r = {.method = "POST", .url = url, .body = body};
    http_tracer_request(t, &r, &origin, "fuzz");
}

// Where the tracer learns the secret.
static void introduce(struct http_tracer *t, struct str secret, unsigned where) {
    AUTO_FINI(buf) struct buf text = buf_make(BIG);
    switch (where % 4) {
    case 0:
        buf_addz(&text, "Bearer ");
        buf_add_str(&text, secret);
        respond(t, STR("Authorization"), buf_str(&text), STR("x"));
        break;
    case 1: respond(t, STR("DPoP-Nonce"), secret, STR("{}")); break;
    case 2:
        buf_addz(&text, "{\"a\":[{\"access_token\":");
        json_add_text(&text, secret);
        buf_addz(&text, "}]}");
        respond(t, STR("X"), STR("y"), buf_str(&text));
        break;
    default:
        buf_addz(&text, "grant_type=x&client_secret=");
        add_percent(&text, secret, false);
        request(t, "https://acme.okta.com/", buf_str(&text));
    }
    check(t, secret);
}

static void converse(struct http_tracer *t, struct str secret, struct str rest) {
    AUTO_FINI(buf) struct buf body = buf_make(BIG);
    AUTO_FINI(buf) struct buf url = buf_make(BIG);
    expand(&body, rest, secret);
    MUST(!body.error);
    respond(t, STR("X-Any"), str_sub(buf_str(&body), 0, 300), buf_str(&body));
    check(t, secret);
    respond(t, str_sub(buf_str(&body), 0, 300), STR("v"), STR("w"));
    check(t, secret);
    buf_addz(&url, "https://acme.okta.com/p?");
    buf_add_str(&url, str_sub(buf_str(&body), 0, 300));
    request(t, buf_z(&url), buf_str(&body));
    check(t, secret);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str rest = {(const char *)data, size};
    struct str line = str_split(&rest, '\n');
    AUTO(http_tracer) struct http_tracer *t = make_tracer();
    AUTO_FINI(buf) struct buf secret = buf_make(SECRET_MAX_BYTES + 32);
    make_secret(&secret, line);
    introduce(t, buf_str(&secret), line.n ? (unsigned char)line.p[0] : 0);
    converse(t, buf_str(&secret), rest.p ? rest : STR(""));
    return 0;
}
