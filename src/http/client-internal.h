// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_CLIENT_INTERNAL_H
#define HTTP_CLIENT_INTERNAL_H
// What the files behind http/client.h and http/exchange.h share: client.c (the multi handle on the
// loop), exchange.c (one that its thread waits for), call.c (one request and its answer), options.c
// (what every handle is set to), outcome.c (why there is no answer).

#include <curl/curl.h>

#include "http/client.h"
#include "http/tls-internal.h"
#include "http/url.h"
#include "loop/loop.h"

enum { CALLS_KEPT_MAX = 4, HEADERS_MAX_BYTES = 256 * 1024 };

// What is the same for every request of a client or exchange. Owned.
struct http_options {
    char *proxy_url; // NULL: the environment's
    char *user_agent;
    char *no_proxy;             // NULL: none
    struct http_tracer *tracer; // borrowed; NULL: none
    struct tls_options tls;
    bool disable_keep_alive;
};

struct http_client {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer *timer;
    struct http_call *running; // in flight
    struct http_call *idle;    // finished; their easy handles are used again
    int idle_count;
    bool handing_out; // a callback may be running
    bool doomed;      // freed by a callback: to be destroyed after it
    bool curl_ready;
    struct http_options options;
};

// Where a header lies in the text of the headers; offsets, because the text moves while it grows.
struct header_place {
    size_t name_at, name_n, value_at, value_n;
};

struct http_call {
    const struct http_options *options;
    struct http_client *client;    // NULL: an exchange's
    struct http_call *prev, *next; // in running or idle
    CURL *easy;
    struct curl_slist *headers; // wiped when freed: they carry credentials
    char *body;                 // of the request, wiped likewise; NULL: borrowed
    struct str sent_body;       // that, or the caller's
    struct http_origin origin;
    bool want_certificate;
    uint64_t trace_id;
    bool starved; // its connection cannot be watched, for want of memory
    int64_t timeout_ms;
    void (*done)(void *ctx, const struct http_response *response);
    void *ctx;

    // the answer
    struct buf *into; // the caller's, or own_body
    struct buf own_body;
    size_t max_body_bytes;
    struct buf header_text;
    struct header_place *places;
    size_t place_count, place_cap;
    struct http_header *header_list; // place_cap elements of header_list_cap
    size_t header_list_cap;
    int head_status; // of the header block that is being read
    bool head_done;
    int error; // why a callback stopped the transfer: -EMSGSIZE (body), -E2BIG (headers), -ENOMEM
    char tls_version[16];
    char words[CURL_ERROR_SIZE]; // libcurl's
};

// call.c. A new call with options that outlive it, linked nowhere; NULL without memory.
struct http_call *http_call_new(const struct http_options *o) MUST_USE;

// How a call is made.
struct http_manner {
    bool borrow_body; // the request's body lives until the call is cleared: no copy
    bool repeatable;  // may go over a connection that is used again, and twice when that was dead
};
// Whether requests of this method do no harm when libcurl repeats them.
bool http_method_repeats(const char *method);
// Fills the call in from the request. Outcomes: 0; -ENOMEM; -EINVAL (URL, method).
int http_call_prepare(struct http_call *call, const struct http_request *request,
                      const struct http_manner *manner) MUST_USE;
// What became of the transfer. Everything borrowed from the call.
void http_call_response(struct http_call *call, CURLcode code, struct http_response *ret);
// Forgets the request and what is secret in it; the answer stays.
void http_call_forget_request(struct http_call *call);
// Forgets the request and its answer; keeps the handle and some memory.
void http_call_clear(struct http_call *call);
struct http_call *http_call_free(struct http_call *call);
DEFINE_AUTO_FREE(http_call)

// options.c. Copies the options. Outcomes: 0; -ENOMEM; -EINVAL with fault.
int http_options_load(struct http_options *o, const struct http_client_opts *opts,
                      struct fault *fault) MUST_USE;
void http_options_fini(struct http_options *o);
// Sets what is the same for every request: TLS, redirects, proxy, protocols. False when libcurl
// refuses or has no memory.
bool http_options_apply(const struct http_options *o, CURL *easy) MUST_USE;

// outcome.c. The result of a transfer that ended with `code`, and why, for a person.
enum http_result http_outcome(const struct http_call *call, CURLcode code, struct fault *fault);

#endif
