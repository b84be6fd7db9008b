// SPDX-License-Identifier: Apache-2.0
// URLs are looked at by the parser that also sends the requests: two parsers that disagree about
// where the host ends is how credentials leave for a foreign one.
#include "http/url.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>

#include "base/parse.h"

enum { URL_MAX_BYTES = 64 * 1024 };

struct url {
    CURLU *parsed;
};
static void url_fini(struct url *u) { curl_url_cleanup(u->parsed); }
DEFINE_AUTO_FINI(url)

struct url_part {
    char *text; // owned by libcurl's allocator; NULL when absent
};
static void url_part_fini(struct url_part *p) { curl_free(p->text); }
DEFINE_AUTO_FINI(url_part)

static struct url_part url_part_get(const struct url *u, CURLUPart what, unsigned flags) {
    struct url_part part = {NULL};
    if (curl_url_get(u->parsed, what, &part.text, flags) != CURLUE_OK) part.text = NULL;
    return part;
}

// Copies in lower case. False when it is absent, empty or too long.
static bool copy_lower(char *to, size_t size, const char *from) {
    size_t n = from ? strlen(from) : 0;
    if (n == 0 || n >= size) return false;
    for (size_t i = 0; i <= n; i++) to[i] = (char)tolower((unsigned char)from[i]);
    return true;
}

static bool is_http(const char *scheme) {
    return strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0;
}

static int read_origin(const struct url *u, struct http_origin *ret, struct fault *fault) {
    AUTO_FINI(url_part) struct url_part scheme = url_part_get(u, CURLUPART_SCHEME, 0);
    AUTO_FINI(url_part) struct url_part host = url_part_get(u, CURLUPART_HOST, 0);
    AUTO_FINI(url_part)
    struct url_part port = url_part_get(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    AUTO_FINI(url_part) struct url_part user = url_part_get(u, CURLUPART_USER, 0);
    AUTO_FINI(url_part) struct url_part password = url_part_get(u, CURLUPART_PASSWORD, 0);

    struct http_origin o = {.port = 0};
    if (!copy_lower(o.scheme, sizeof o.scheme, scheme.text) || !is_http(o.scheme))
        return fault_set(fault, -EINVAL, "the URL does not begin with https:// or http://");
    if (user.text || password.text)
        return fault_set(fault, -EINVAL,
                         "the URL carries a user name or password, which do not belong there");
    if (!copy_lower(o.host, sizeof o.host, host.text))
        return fault_set(fault, -EINVAL, "the URL's host name is missing or too long");
    uint64_t number = 0;
    if (!parse_u64(str_from(port.text), &number) || number == 0 || number > 65535)
        return fault_set(fault, -EINVAL, "the URL's port is not a number from 1 to 65535");
    o.port = (int)number;
    *ret = o;
    return 0;
}

// What stands between "://" and the path. Encoded bytes in it would be decoded by the parser, and
// what they give might be read as something else the next time.
static bool is_host_encoded(struct str url) {
    struct str rest = str_sub(url, str_find(url, STR("://")) + 3, url.n);
    for (size_t i = 0; i < rest.n && !strchr("/?#", rest.p[i]); i++)
        if (rest.p[i] == '%') return true;
    return false;
}

int http_origin_parse(struct str text, struct http_origin *ret, struct fault *fault) {
    if (text.n == 0 || text.n > URL_MAX_BYTES)
        return fault_set(fault, -EINVAL, "the URL is %s", text.n ? "too long" : "empty");
    if (memchr(text.p, '\0', text.n)) return fault_set(fault, -EINVAL, "the URL holds a NUL byte");
    if (is_host_encoded(text))
        return fault_set(fault, -EINVAL, "the URL's host is percent-encoded, which it must not be");
    AUTO_MEM char *z = mem_copy(text.p, text.n);
    AUTO_FINI(url) struct url u = {curl_url()};
    if (!z || !u.parsed) return fault_set(fault, -ENOMEM, "no memory");
    CURLUcode code = curl_url_set(u.parsed, CURLUPART_URL, z, 0);
    if (code == CURLUE_OUT_OF_MEMORY) return fault_set(fault, -ENOMEM, "no memory");
    if (code == CURLUE_UNSUPPORTED_SCHEME || code == CURLUE_BAD_SCHEME)
        return fault_set(fault, -EINVAL, "the URL does not begin with https:// or http://");
    if (code != CURLUE_OK)
        return fault_set(fault, -EINVAL, "not a valid URL: %s", curl_url_strerror(code));
    return read_origin(&u, ret, fault);
}

bool http_origin_eq(const struct http_origin *a, const struct http_origin *b) {
    return a->port == b->port && strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0;
}

bool http_origin_is_loopback(const struct http_origin *o) {
    struct str host = str_from(o->host);
    if (str_eqz(host, "localhost") || str_ends(host, STR(".localhost"))) return true;
    if (str_eqz(host, "[::1]")) return true;
    // libcurl's parser has written any form of an IPv4 address as four decimal numbers.
    int parts = 0;
    for (uint64_t number; host.p; parts++)
        if (!parse_u64(str_split(&host, '.'), &number) || number > 255) return false;
    return parts == 4 && strncmp(o->host, "127.", 4) == 0;
}

void http_origin_add(struct buf *out, const struct http_origin *o) {
    bool is_default = o->port == (strcmp(o->scheme, "https") == 0 ? 443 : 80);
    buf_addf(out, "%s://%s", o->scheme, o->host);
    if (!is_default) buf_addf(out, ":%d", o->port);
}

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void http_add_encoded(struct buf *out, struct str s) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (is_unreserved(s.p[i])) {
            buf_addc(out, s.p[i]);
        } else {
            const char code[3] = {'%', digits[c >> 4], digits[c & 15]};
            buf_add(out, code, sizeof code);
        }
    }
}

void http_query_add(struct buf *url, const char *name, struct str value) {
    struct str so_far = buf_str(url);
    if (str_find_char(so_far, '?') == so_far.n) buf_addc(url, '?');
    else if (!str_ends(so_far, STR("?")) && !str_ends(so_far, STR("&"))) buf_addc(url, '&');
    http_add_encoded(url, str_from(name));
    buf_addc(url, '=');
    http_add_encoded(url, value);
}
