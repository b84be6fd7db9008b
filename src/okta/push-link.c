// SPDX-License-Identifier: Apache-2.0
// Where credentials go is never Okta's answer's decision: a link is taken only if it is what we
// would have written ourselves, but for the transaction's id, and it is followed at the org's own
// origin alone. Links of an org that is known by a domain of its own may name the org's other host
// (okta-api section 6).
#include "okta/push-internal.h"

#include "base/parse.h"
#include "http/url.h"

enum { NO_CODE = -1 };

// The next byte of a path, decoded; NO_CODE: a '%' without two digits behind it.
static int take_byte(struct str *rest) {
    char c = rest->p[0];
    size_t used = 1;
    int byte = (unsigned char)c;
    if (c == '%') {
        int high = rest->n > 2 ? parse_hex_digit(rest->p[1]) : -1;
        int low = rest->n > 2 ? parse_hex_digit(rest->p[2]) : -1;
        byte = high < 0 || low < 0 ? NO_CODE : high * 16 + low;
        used = 3;
    }
    *rest = str_sub(*rest, used, rest->n);
    return byte;
}

static bool decodes_to(struct str segment, struct str text) {
    size_t n = 0;
    while (segment.n > 0) {
        int byte = take_byte(&segment);
        if (n == text.n || byte != (unsigned char)text.p[n]) return false;
        n++;
    }
    return n == text.n;
}

static bool is_id_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

bool okta_is_id(struct str s) {
    if (s.n == 0 || s.n > OKTA_ID_MAX_BYTES) return false;
    for (size_t i = 0; i < s.n; i++)
        if (!is_id_char(s.p[i])) return false;
    return !str_eq(s, STR(".")) && !str_eq(s, STR(".."));
}

// What stands behind the host: path, query and fragment.
static struct str path_of(struct str url) {
    size_t at = str_find(url, STR("://")) + 3;
    while (at < url.n && !strchr("/?#", url.p[at])) at++;
    return str_sub(url, at, url.n);
}

static bool is_okta_host(struct str host) {
    static const char *const domains[] = {".okta.com", ".oktapreview.com", ".okta-emea.com",
                                          ".okta-gov.com", ".okta.mil"};
    for (size_t i = 0; i < LEN(domains); i++)
        if (str_ends(host, str_from(domains[i]))) return true;
    return false;
}

static bool is_of_okta(struct str url) {
    struct http_origin o;
    struct fault ignored;
    if (http_origin_parse(url, &o, &ignored)) return false;
    return strcmp(o.scheme, "https") == 0 && o.port == 443 && is_okta_host(str_from(o.host));
}

static bool is_expected(struct str segment, struct str expected) {
    return expected.p ? decodes_to(segment, expected) : okta_is_id(segment);
}

bool okta_transaction_link(const struct okta_place *place, struct str url, struct str *ret_id) {
    const struct str parts[] = {
        STR(""),        STR("api"),     STR("v1"),        STR("users"),
        place->user_id, STR("factors"), place->factor_id, STR("transactions"),
    };
    if (!okta_log_is_own(place->org, url) && !is_of_okta(url)) return false;
    struct str rest = path_of(url);
    for (size_t i = 0; i < LEN(parts); i++)
        if (!rest.p || !is_expected(str_split(&rest, '/'), parts[i])) return false;
    if (!rest.p || !okta_is_id(rest)) return false;
    if (place->transaction_id.p && !str_eq(rest, place->transaction_id)) return false;
    *ret_id = rest;
    return true;
}

void okta_own_link(const struct okta_org *org, struct str url, struct buf *out) {
    http_origin_add(out, &org->origin);
    buf_add_str(out, path_of(url));
}
