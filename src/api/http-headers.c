// SPDX-License-Identifier: Apache-2.0
// One row per header that is looked at. Where a header may come once only, the first one counts, as
// in the servers that clients know; for the two that frame the body a second one is refused.
#include "api/http-headers.h"

#include "base/parse.h"
#include "identity/list.h"

enum { MFA_MAX_BYTES = 64 << 10, FORWARDED_MAX_BYTES = 64 << 10 };

struct http_headers http_headers_make(void) {
    return (struct http_headers){.mfa = buf_make(MFA_MAX_BYTES),
                                 .forwarded = buf_make(FORWARDED_MAX_BYTES)};
}

void http_headers_fini(struct http_headers *h) {
    buf_wipe(&h->mfa);
    buf_fini(&h->forwarded);
}

static void take_first(struct str *to, struct str value) {
    if (!to->p) *to = value;
}

static void take_token(struct http_headers *h, struct str value) { take_first(&h->token, value); }

static void take_authorization(struct http_headers *h, struct str value) {
    if (!str_starts(value, STR("Bearer "))) return;
    take_first(&h->bearer, str_trim(str_sub(value, 7, value.n)));
}

static void take_namespace(struct http_headers *h, struct str value) {
    take_first(&h->namespace, value);
}

static void take_content_type(struct http_headers *h, struct str value) {
    take_first(&h->content_type, value);
}

static void take_wrap_ttl(struct http_headers *h, struct str value) {
    take_first(&h->wrap_ttl, value);
}

static void take_wrap_format(struct http_headers *h, struct str value) {
    take_first(&h->wrap_format, value);
}

static void take_user_agent(struct http_headers *h, struct str value) {
    take_first(&h->user_agent, value);
}

// Proxies append to the last line or add one of their own: all of them are one list.
static void take_forwarded(struct http_headers *h, struct str value) {
    if (h->forwarded.n > 0) buf_addc(&h->forwarded, ',');
    buf_add_str(&h->forwarded, value);
}

#define BAD_MFA                                                                                    \
    "failed to parse X-Vault-MFA header: invalid data in header \"X-Vault-MFA\"; missing method "

static void bad_mfa(struct http_headers *h, const char *fault) {
    if (!h->mfa_fault) h->mfa_fault = fault;
}

// "method" or "method:credential".
static void take_mfa(struct http_headers *h, struct str value) {
    if (value.n == 0) return;
    struct str credential = value, method = str_split(&credential, ':');
    if (method.n == 0) return bad_mfa(h, BAD_MFA "name or ID");
    if (credential.p && credential.n == 0) return bad_mfa(h, BAD_MFA "value");
    list_add(&h->mfa, method);
    list_add(&h->mfa, credential.p ? credential : STR(""));
}

static void take_length(struct http_headers *h, struct str value) {
    h->lengths++;
    if (!parse_u64(value, &h->content_length)) h->bad_framing = true;
}

static void take_coding(struct http_headers *h, struct str value) {
    h->codings++;
    if (!str_eq_nocase(value, STR("chunked"))) h->bad_framing = true;
}

static void take_host(struct http_headers *h, struct str value) {
    (void)value;
    h->hosts++;
}

static void take_expect(struct http_headers *h, struct str value) {
    h->expects_continue = str_eq_nocase(value, STR("100-continue"));
}

static const struct {
    const char *name;
    void (*take)(struct http_headers *h, struct str value);
} rows[] = {
    {"X-Vault-Token", take_token},
    {"Authorization", take_authorization},
    {"X-Vault-Namespace", take_namespace},
    {"X-Vault-MFA", take_mfa},
    {"X-Vault-Wrap-TTL", take_wrap_ttl},
    {"X-Vault-Wrap-Format", take_wrap_format},
    {"User-Agent", take_user_agent},
    {"X-Forwarded-For", take_forwarded},
    {"Content-Type", take_content_type},
    {"Content-Length", take_length},
    {"Transfer-Encoding", take_coding},
    {"Expect", take_expect},
    {"Host", take_host},
};

// A name is a token (RFC 9110 section 5.1); one that ends in a blank is read in two ways by two
// servers.
static bool is_name(struct str name) {
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c >= 0x7F || strchr("\"(),/:;<=>?@[\\]{}", c)) return false;
    }
    return name.n > 0;
}

static bool is_value(struct str value) {
    for (size_t i = 0; i < value.n; i++) {
        unsigned char c = (unsigned char)value.p[i];
        if ((c < ' ' && c != '\t') || c == 0x7F) return false;
    }
    return true;
}

void http_headers_add(struct http_headers *h, struct str name, struct str value) {
    value = value.p ? str_trim(value) : STR("");
    if (!is_name(name) || !is_value(value)) h->bad_framing = true;
    for (size_t i = 0; i < LEN(rows); i++) {
        if (!str_eq_nocase(name, str_from(rows[i].name))) continue;
        rows[i].take(h, value);
        return;
    }
}

bool http_headers_framing_ok(const struct http_headers *h, bool is_http_1_0) {
    bool host_ok = is_http_1_0 ? h->hosts <= 1 : h->hosts == 1;
    bool coding_ok = !is_http_1_0 || h->codings == 0;
    return !h->bad_framing && host_ok && coding_ok && h->lengths + h->codings <= 1;
}

struct str http_headers_token(const struct http_headers *h) {
    if (h->token.n > 0) return h->token;
    return h->bearer.n > 0 ? h->bearer : STR_NONE;
}

static bool is_unit_char(char c) { return c != '.' && (c < '0' || c > '9'); }

// What Go says of a duration that it cannot read: it takes number after number with its unit.
static int explain_duration(struct str text, struct fault *fault) {
    static const char *const units[] = {"ns", "us", "µs", "ms", "s", "m", "h"};
    const char *const prefix = "error parsing X-Vault-Wrap-TTL header: time:";
    struct str quoted = str_sub(text, 0, 100);
    size_t at = text.n > 0 && (text.p[0] == '-' || text.p[0] == '+'), start = at;
    for (; at < text.n && !is_unit_char(text.p[at]); at++) continue;
    size_t unit = at;
    for (; at < text.n && is_unit_char(text.p[at]); at++) continue;
    struct str name = str_sub(text, unit, at);
    if (unit == start || (unit == start + 1 && text.p[start] == '.') || unit - start > 18)
        return fault_set(fault, HTTP_HEADERS_E_BAD, "%s invalid duration \"%.*s\"", prefix,
                         STR_ARG(quoted));
    if (name.n == 0)
        return fault_set(fault, HTTP_HEADERS_E_BAD, "%s missing unit in duration \"%.*s\"", prefix,
                         STR_ARG(quoted));
    for (size_t i = 0; i < LEN(units); i++)
        if (str_eqz(name, units[i]))
            return fault_set(fault, HTTP_HEADERS_E_BAD, "%s invalid duration \"%.*s\"", prefix,
                             STR_ARG(quoted));
    return fault_set(fault, HTTP_HEADERS_E_BAD, "%s unknown unit \"%.*s\" in duration \"%.*s\"",
                     prefix, STR_ARG(str_sub(name, 0, 20)), STR_ARG(quoted));
}

// Seconds, or a duration with units.
static bool read_seconds(struct str text, int64_t *ret_s) {
    uint64_t seconds;
    int64_t ms;
    if (parse_u64(text, &seconds) && seconds < INT64_MAX / 1000000000) {
        *ret_s = (int64_t)seconds;
        return true;
    }
    if (!parse_duration_ms(text, &ms)) return false;
    *ret_s = ms / 1000;
    return true;
}

int http_headers_wrap_ttl(struct str text, int64_t *ret_s, struct fault *fault) {
    bool negative = text.n > 0 && text.p[0] == '-';
    bool has_sign = negative || (text.n > 0 && text.p[0] == '+');
    struct str number = str_sub(text, has_sign, text.n);
    int64_t seconds = 0;
    if (text.n > 0 && !read_seconds(number, &seconds)) return explain_duration(text, fault);
    if (negative && seconds > 0)
        return fault_set(fault, HTTP_HEADERS_E_BAD,
                         "error parsing X-Vault-Wrap-TTL header: requested wrap ttl cannot be "
                         "negative");
    *ret_s = seconds;
    return 0;
}
