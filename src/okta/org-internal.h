// SPDX-License-Identifier: Apache-2.0
#ifndef OKTA_ORG_INTERNAL_H
#define OKTA_ORG_INTERNAL_H
// What the files behind the room's headers share:
//
//   org.c        the org, and the lines in which its requests wait for the budget
//   auth.c       what a request carries to be let in, and what to do when it is not
//   token.c      the access token: asked for, kept, renewed
//   assertion.c  what is signed               challenge.c  WWW-Authenticate
//   log.c        pages of the log             link.c       Link
//   push.c       users, factors, pushes: push-internal.h
//   explain.c    texts for people             rate.c       rate limit headers

#include "base/buf.h"
#include "crypto/key.h"
#include "loop/loop.h"
#include "okta/log.h"
#include "okta/token.h"
#include "json/read.h"

// ---- a request, from the line to the answer ----

struct okta_result {
    const struct http_response *response; // NULL: nothing was sent, `failure` says why
    const struct okta_failure *failure;
    struct rate_headers rate; // of the response
};

// Why a request was never sent.
struct okta_failure {
    bool final; // nothing but a person can help
    struct fault fault;
};

enum { OKTA_CALL_HEADERS_MAX = 3 };

struct okta_call {
    struct okta_org *org;
    enum okta_bucket bucket;
    enum budget_class class;
    const char *method; // static
    bool once;          // twice would be once too often: sent again only when an answer says that
                        // what signed it was refused
    char *url;
    struct buf body;                      // wiped with the call; empty: none
    char *headers[OKTA_CALL_HEADERS_MAX]; // "Name: value", beside those that sign it; owned
    size_t header_count;
    struct buf *into;
    bool want_certificate;
    void (*done)(struct okta_call *call,
                 const struct okta_result *result); // once, unless cancelled

    // org.c's and auth.c's
    struct okta_call *next, **place; // in line; what leads to it there
    struct http_call *http;          // NULL while waiting
    uint64_t number;                 // the order of arrival
    int sendings;
    uint64_t token_number;   // which token it carried
    int64_t clock_offset_ms; // by which clock its proof was made
    struct buf nonce;        // that its proof carried
};

// Fills in what a call needs; `done`, `into` and the like are the caller's.
// Outcomes: 0; -ENOMEM.
int okta_call_init(struct okta_call *call, struct okta_org *org, struct str url) MUST_USE;
// Bytes that cannot stand in a header are left out, and a header of which nothing stays. At most
// OKTA_CALL_HEADERS_MAX. Outcomes: 0; -ENOMEM.
int okta_call_add_header(struct okta_call *call, const char *name, struct str value) MUST_USE;
void okta_call_fini(struct okta_call *call);
// Puts it in line. It goes from a timer, never from within this call.
void okta_call_submit(struct okta_call *call);
// Takes it back wherever it is: `done` will not be called.
void okta_call_cancel(struct okta_call *call);
// After a 429: when it is worth asking again, by the budget of its bucket.
int64_t okta_call_wait_ms(const struct okta_call *call);

// ---- the org ----

struct okta_line {
    struct okta_call *first, **end;
};

struct okta_org {
    struct http_client *client;
    struct loop_timer *timer; // somebody in a line may go
    struct budget budgets[OKTA_BUCKET_COUNT];
    struct concurrency concurrency; // of all buckets
    struct okta_line lines[OKTA_BUCKET_COUNT][BUDGET_CLASS_COUNT];
    uint64_t calls; // that have come so far
    struct http_origin origin;
    int64_t timeout_ms;
    bool clock_known;
    int64_t clock_offset_ms;    // Okta's clock minus ours, as told by the last Date
    struct json_reader *reader; // for error objects and tokens
    int running;                // requests handed to the client
    struct okta_auth *auth;
};

// The console's host, or plain http beyond loopback: `key` names the setting.
int okta_check_host(const struct http_origin *origin, const char *key,
                    struct fault *fault) MUST_USE;

// Something may have changed what may go: a token, an answer, time.
void okta_org_look(struct okta_org *org);
int64_t okta_org_now_ms(const struct okta_org *org); // by Okta's clock

// ---- auth.c ----

// The headers of one sending; wiped afterwards.
enum { OKTA_HEADERS_MAX = 5 };
struct okta_headers {
    struct buf text[OKTA_HEADERS_MAX];
    size_t n;
    struct buf body; // of a token request
};

int okta_auth_new(struct okta_auth **ret, struct okta_org *org,
                  const struct okta_credentials *credentials, bool allow_any_url,
                  struct fault *fault) MUST_USE;
struct okta_auth *okta_auth_free(struct okta_auth *auth);

// Whether a request of the log and the like can be signed in now. If not, what is missing has been
// asked for, and okta_org_look is called when it is there or cannot be had.
bool okta_auth_ready(struct okta_auth *auth);
// Why it cannot, for calls that were in line when the token was refused; NULL: wait.
const struct okta_failure *okta_auth_failure(const struct okta_auth *auth,
                                             const struct okta_call *call);

// Outcomes: 0; -ENOMEM; -EIO.
int okta_auth_sign(struct okta_auth *auth, struct okta_call *call,
                   struct okta_headers *headers) MUST_USE;
void okta_headers_fini(struct okta_headers *headers);
// "Name: " with a value to be appended to the buffer that is returned.
struct buf *okta_headers_add(struct okta_headers *headers, const char *name);

// The answer refused what the request carried, and another one would carry something else: send it
// again.
bool okta_auth_again(struct okta_auth *auth, struct okta_call *call,
                     const struct http_response *response);

// Whether a text from outside repeats a secret of this org.
bool okta_auth_is_in(const struct okta_auth *auth, struct str text);
enum okta_auth_method okta_auth_method(const struct okta_auth *auth);

// ---- token.c: the access token of an org that signs in by one ----

struct okta_tokens;
int okta_tokens_new(struct okta_tokens **ret, struct okta_org *org,
                    const struct okta_credentials *credentials, bool allow_any_url,
                    struct fault *fault) MUST_USE;
struct okta_tokens *okta_tokens_free(struct okta_tokens *t); // NULL-safe; wipes

// One is there that can be used; else it is being asked for.
bool okta_tokens_ready(struct okta_tokens *t);
const struct okta_failure *okta_tokens_failure(const struct okta_tokens *t,
                                               const struct okta_call *call);
// Adds the headers and the body of a request for a token.
int okta_tokens_sign_request(struct okta_tokens *t, struct okta_call *call,
                             struct okta_headers *headers) MUST_USE;
// As okta_auth_again, for a request for a token.
bool okta_tokens_again(struct okta_tokens *t, struct okta_call *call,
                       const struct http_response *response);
// The token of that number was refused: get another one.
void okta_tokens_drop(struct okta_tokens *t, uint64_t number);

struct okta_access_token {
    struct str value;
    uint64_t number;
    const struct crypto_key *key; // that it is bound to; NULL: a bearer token
};
struct okta_access_token okta_tokens_get(const struct okta_tokens *t);
void okta_tokens_view(const struct okta_tokens *t, struct okta_token_view *ret);

// What a call's proof is made of is remembered in the call. Outcomes: 0; -ENOMEM; -EIO.
int okta_add_proof(struct okta_call *call, struct okta_headers *headers,
                   const struct crypto_key *key, struct str token, struct str nonce) MUST_USE;
// Keeps an answer's DPoP-Nonce. True: it is another one than the call carried.
bool okta_keep_nonce(struct buf *nonce, const struct okta_call *call,
                     const struct http_response *response);
// Okta's clock is now known to be another than the one the call was signed by.
bool okta_clock_was_off(const struct okta_call *call);

// ---- log.c ----

struct okta_log_call {
    struct okta_call call;
    struct buf next_url; // a next link that had to be made absolute
    void (*done)(void *ctx, const struct okta_log_answer *answer);
    void *ctx;
};

// What the answer is. Borrowed from the response, the call and the org's reader.
void okta_log_judge(struct okta_log_call *call, const struct http_response *response,
                    struct okta_log_answer *ret);

// ---- explain.c: the texts of faults. None holds a secret (error statuses: explain-internal.h)
// ----

// Why there is no answer.
void okta_explain_transport(const char *host, const struct http_response *response,
                            struct fault *fault);
// A 3xx: where to.
void okta_explain_redirect(const struct http_origin *from, const struct http_response *response,
                           struct fault *fault);
// A 200 whose body is not what was wanted: "a page of events".
void okta_explain_body(const struct okta_org *org, const struct http_response *response,
                       const char *wanted, struct fault *fault);

// ---- explain-token.c ----

// What the token endpoint's answer, other than a token, means and what to do about it.
struct okta_token_context {
    const char *host;
    struct str kid; // of the key that signed; absent: it has none, or none signed
    enum okta_auth_method method;
    const char *scopes;
    bool had_proof;
};
void okta_explain_token(struct okta_org *org, const struct http_response *response,
                        const struct okta_token_answer *answer,
                        const struct okta_token_context *context, struct fault *fault);
// Printable ASCII of the first `max` bytes (at most OKTA_QUOTE_MAX) of what a server sent, unless
// it repeats a secret.
enum { OKTA_QUOTE_MAX = 300 };
struct okta_quote {
    char text[OKTA_QUOTE_MAX + 4];
};
struct okta_quote okta_quote(const struct okta_org *org, struct str s, size_t max);

#endif
