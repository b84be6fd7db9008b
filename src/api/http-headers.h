// SPDX-License-Identifier: Apache-2.0
#ifndef API_HTTP_HEADERS_H
#define API_HTTP_HEADERS_H
// What the headers of a request say (reference 1.2, 3.3), and whether its framing can be trusted.
// Pure.

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

// Header lines are given one by one, in order; `fini` when done.
struct http_headers {
    struct str token;        // first X-Vault-Token, trimmed; may be empty. Secret, borrowed
    struct str bearer;       // first Authorization: Bearer; secret, borrowed
    struct str namespace;    // first X-Vault-Namespace as sent; absent: none
    struct str content_type; // first one
    struct str wrap_ttl, wrap_format;
    struct str user_agent; // first one; absent: none
    struct buf forwarded;  // all X-Forwarded-For, commas between
    struct buf mfa;        // list: method, credential, method, credential ...; secret
    const char *mfa_fault; // what was wrong in the first bad X-Vault-MFA: constant; NULL: nothing
    bool has_token;
    // Framing (RFC 9112 section 6).
    int lengths, codings; // Content-Length and Transfer-Encoding lines
    int hosts;
    uint64_t content_length; // of the last one
    bool bad_framing;        // cannot be trusted: refuse, and close the connection
    bool expects_continue;
};
struct http_headers http_headers_make(void);
void http_headers_fini(struct http_headers *h);
DEFINE_AUTO_FINI(http_headers)
void http_headers_add(struct http_headers *h, struct str name, struct str value);
// Is the framing that the lines ask for free of doubt, and is there one Host (in HTTP/1.0, one at
// most)? (After the last line.)
bool http_headers_framing_ok(const struct http_headers *h, bool is_http_1_0);
// X-Vault-Token, else Authorization: Bearer; absent: none. Secret, borrowed.
struct str http_headers_token(const struct http_headers *h);

// X-Vault-Wrap-TTL to seconds; "" is 0. Outcomes: 0; HTTP_HEADERS_E_BAD with fault: the text for
// the client's 400.
enum { HTTP_HEADERS_E_BAD = 1 };
int http_headers_wrap_ttl(struct str text, int64_t *ret_s, struct fault *fault) MUST_USE;

#endif
