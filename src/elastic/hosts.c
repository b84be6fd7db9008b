// SPDX-License-Identifier: Apache-2.0
// Hosts as Filebeat takes them: with or without scheme, port and path, IPv6 with or without
// brackets, perhaps with a name and a password of their own. What is made of it is a plain URL that
// the HTTP room's parser agrees with.
#include <errno.h>

#include "base/parse.h"
#include "elastic/engine-internal.h"
#include "http/url.h"

enum { PORT_DEFAULT = 9200 };

// The parts of a host's text; slices of it.
struct parts {
    struct str scheme; // absent: none
    struct str user;   // "name:password", encoded; absent: none
    struct str place;  // "es:9200"
    struct str path;   // "/path", or empty
};

static size_t find_last(struct str s, char c) {
    size_t at = s.n;
    while (at > 0 && s.p[at - 1] != c) at--;
    return at > 0 ? at - 1 : s.n;
}

static struct parts split(struct str text) {
    struct parts p = {.scheme = STR_NONE, .user = STR_NONE};
    size_t at = str_find(text, STR("://"));
    if (at < text.n) {
        p.scheme = str_sub(text, 0, at);
        text = str_sub(text, at + 3, text.n);
    }
    size_t end = 0;
    while (end < text.n && !memchr("/?#", text.p[end], 3)) end++;
    p.path = str_sub(text, end, text.n);
    p.place = str_sub(text, 0, end);
    at = find_last(p.place, '@');
    if (at < p.place.n) {
        p.user = str_sub(p.place, 0, at);
        p.place = str_sub(p.place, at + 1, p.place.n);
    }
    return p;
}

static struct str without_slashes(struct str path) {
    while (path.n > 0 && path.p[path.n - 1] == '/') path.n--;
    while (path.n > 0 && path.p[0] == '/') path = str_sub(path, 1, path.n);
    return path;
}

// A bare IPv6 address has more than one colon, and no port.
static bool is_bare_ipv6(struct str place) {
    size_t first = str_find_char(place, ':');
    return place.n > 0 && place.p[0] != '[' && first < find_last(place, ':');
}

static bool has_port(struct str place) {
    size_t colon = find_last(place, ':');
    return colon < place.n && str_find_char(str_sub(place, colon, place.n), ']') == place.n - colon;
}

static void add_base(struct buf *out, const struct parts *p, const struct elastic_opts *opts) {
    struct str path = without_slashes(p->path);
    if (path.n == 0) path = without_slashes(str_from(opts->path));
    const char *protocol = opts->protocol && opts->protocol[0] ? opts->protocol : "http";
    buf_add_str(out, p->scheme.p ? p->scheme : str_from(protocol));
    buf_addz(out, "://");
    bool bare = is_bare_ipv6(p->place);
    if (bare) buf_addc(out, '[');
    buf_add_str(out, p->place);
    if (bare) buf_addc(out, ']');
    if (bare || !has_port(p->place)) buf_addf(out, ":%d", PORT_DEFAULT);
    if (path.n == 0) return;
    buf_addc(out, '/');
    buf_add_str(out, path);
}

// Percent-decoding, into a buffer that has room. False when a % stands for nothing.
static bool decode(struct buf *out, struct str s) {
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '%') {
            buf_addc(out, s.p[i]);
            continue;
        }
        int high = i + 2 < s.n ? parse_hex_digit(s.p[i + 1]) : -1;
        int low = i + 2 < s.n ? parse_hex_digit(s.p[i + 2]) : -1;
        if (high < 0 || low < 0) return false;
        buf_addc(out, (char)(unsigned char)(high << 4 | low));
        i += 2;
    }
    return true;
}

static int read_user(struct elastic_host *host, struct str user, struct fault *fault) {
    AUTO_WIPED struct buf name = buf_make(ELASTIC_LINE_MAX_BYTES);
    AUTO_WIPED struct buf password = buf_make(ELASTIC_LINE_MAX_BYTES);
    struct str rest = user;
    struct str first = str_split(&rest, ':');
    if (user.n > ELASTIC_LINE_MAX_BYTES)
        return fault_set(fault, -EINVAL, "hosts: a user name is too long");
    if (!buf_reserve(&name, user.n + 1) || !buf_reserve(&password, user.n + 1)) return -ENOMEM;
    if (!decode(&name, first) || !decode(&password, rest))
        return fault_set(
            fault, -EINVAL,
            "hosts: in the user name or password of %s a %% is not followed by two hex "
            "digits (it is written %%25 itself)",
            host->base);
    return elastic_auth_basic(&host->authorization, "hosts", buf_str(&name), buf_str(&password),
                              fault);
}

// A password with a slash in it makes something else of the name than was meant.
static int refuse(struct fault *fault, const struct parts *p, const char *why) {
    size_t at = find_last(p->path, '@');
    struct str place = at < p->path.n ? str_sub(p->path, at + 1, p->path.n) : p->place;
    return fault_set(fault, -EINVAL, "hosts: \"%.*s%s%.*s\": %s", STR_ARG(p->scheme),
                     p->scheme.p ? "://" : "", STR_ARG(place), why);
}

static int read_base(struct elastic_host *host, const struct parts *p,
                     const struct elastic_opts *opts, struct fault *fault) {
    struct http_origin origin;
    struct fault why = {{0}};
    if (p->place.n == 0) return refuse(fault, p, "the host's name is missing");
    if (str_find_char(p->path, '?') < p->path.n || str_find_char(p->path, '#') < p->path.n)
        return refuse(fault, p, "a query does not belong there (see parameters)");
    AUTO_FINI(buf) struct buf base = buf_make(ELASTIC_URL_MAX_BYTES);
    add_base(&base, p, opts);
    if (base.error == -EMSGSIZE) return refuse(fault, p, "the URL is too long");
    if (base.error) return base.error;
    int e = http_origin_parse(buf_str(&base), &origin, &why);
    if (e) return e == -ENOMEM ? e : refuse(fault, p, why.text);
    host->base = buf_take(&base);
    return host->base ? 0 : -ENOMEM;
}

int elastic_host_read(struct elastic_host *ret, const struct elastic_opts *opts, const char *text,
                      struct fault *fault) {
    struct parts p = split(str_trim(str_from(text)));
    *ret = (struct elastic_host){.base = NULL};
    int e = read_base(ret, &p, opts, fault);
    if (e) return e;
    if (!p.user.p) return elastic_auth_line(&ret->authorization, opts, fault);
    if (opts->api_key && opts->api_key[0])
        return fault_set(fault, -EINVAL,
                         "hosts: %s has a user name, and there is an api_key; only one may be set",
                         ret->base);
    return read_user(ret, p.user, fault);
}

void elastic_host_fini(struct elastic_host *h) {
    if (h->authorization) explicit_bzero(h->authorization, strlen(h->authorization));
    free(TAKE(h->authorization));
    free(TAKE(h->base));
}
