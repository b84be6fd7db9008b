// SPDX-License-Identifier: Apache-2.0
// One request and its answer. The body goes from libcurl's buffer straight into the caller's; the
// headers into one text with places in it, of which slices are made at the end. Both memories and
// the easy handle are used again by the next call.
#include <errno.h>

#include "base/parse.h"
#include "base/time.h"
#include "http/client-internal.h"

enum { BODY_KEPT_BYTES = 64 * 1024, CONNECT_TIMEOUT_MS = 10 * TIME_SECOND_MS };

static size_t stop(struct http_call *call, int error) {
    call->error = error;
    return 0; // fewer bytes than given: libcurl gives up
}

// Where the length is told, the buffer grows once, or what is too large is not even received. (The
// length of a packed body is that of the packed bytes: hardly ever more than what will come.)
static bool reserve_body(struct http_call *call) {
    curl_off_t length = -1;
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    if (length <= 0) return true;
    if ((uint64_t)length > call->max_body_bytes || (uint64_t)length > call->into->max) return false;
    buf_reserve(call->into, (size_t)length);
    return true;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx) {
    struct http_call *call = ctx;
    n *= size;
    call->head_done = true;
    if (call->into->n == 0 && !reserve_body(call)) return stop(call, -EMSGSIZE);
    if (n > call->max_body_bytes - call->into->n) return stop(call, -EMSGSIZE);
    buf_add(call->into, p, n);
    return call->into->error ? stop(call, call->into->error) : n;
}

// The line is kept before its place is: a place must never point to what could not be kept.
static int add_header(struct http_call *call, struct str line) {
    struct str rest = line;
    struct str name = str_split(&rest, ':');
    if (!rest.p || name.n == 0) return 0; // no header at all: nobody can ask for it
    int e = mem_grow(&call->places, &call->place_cap, call->place_count + 1, sizeof *call->places);
    if (e) return e;
    struct str value = str_trim(rest);
    size_t at = call->header_text.n;
    buf_add_str(&call->header_text, line);
    if (call->header_text.error) return 0; // the caller sees it
    call->places[call->place_count++] = (struct header_place){
        .name_at = at,
        .name_n = name.n,
        .value_at = value.n ? at + (size_t)(value.p - line.p) : at,
        .value_n = value.n,
    };
    return 0;
}

// RFC 9112 section 5.2: a line that begins with a blank goes on with the value before it.
static int fold_header(struct http_call *call, struct str line) {
    if (call->place_count == 0) return 0;
    struct header_place *place = &call->places[call->place_count - 1];
    buf_cut(&call->header_text, place->value_at + place->value_n);
    buf_addc(&call->header_text, ' ');
    buf_add_str(&call->header_text, str_trim(line));
    place->value_n = call->header_text.n - place->value_at;
    return 0;
}

// "HTTP/1.1 200 OK", "HTTP/2 200": begins a block of headers; what came before belonged to an
// interim answer (1xx).
static int begin_head(struct http_call *call, struct str line) {
    struct str rest = line;
    str_split(&rest, ' ');
    uint64_t status = 0;
    if (rest.p && parse_u64(str_sub(rest, 0, 3), &status)) call->head_status = (int)status;
    call->place_count = 0;
    buf_reset(&call->header_text);
    call->head_done = false;
    return 0;
}

static bool is_interim(int status) { return status >= 100 && status < 200; }

static int on_header_line(struct http_call *call, struct str line) {
    bool may_begin = call->head_status == 0 || (call->head_done && is_interim(call->head_status));
    if (may_begin && str_starts(line, STR("HTTP/"))) return begin_head(call, line);
    if (call->head_done) return 0; // a trailer behind the body
    if (str_trim(line).n == 0) {
        call->head_done = true;
        return 0;
    }
    if (line.p[0] == ' ' || line.p[0] == '\t') return fold_header(call, line);
    return add_header(call, line);
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx) {
    struct http_call *call = ctx;
    n *= size;
    int e = on_header_line(call, (struct str){p, n});
    if (e) return stop(call, e);
    if (call->header_text.error == -EMSGSIZE) return stop(call, -E2BIG);
    return call->header_text.error ? stop(call, call->header_text.error) : n;
}

// libcurl offers the TLS version nowhere but in what it says while connecting.
static int on_words(CURL *easy, curl_infotype type, char *p, size_t n, void *ctx) {
    (void)easy;
    struct http_call *call = ctx;
    const struct str prefix = STR("SSL connection using ");
    struct str words = {p, n};
    if (type != CURLINFO_TEXT || !str_starts(words, prefix)) return 0;
    words = str_sub(words, prefix.n, words.n);
    struct str version = str_trim(str_split(&words, '/'));
    if (version.n >= sizeof call->tls_version) return 0;
    memcpy(call->tls_version, version.p, version.n);
    call->tls_version[version.n] = '\0';
    return 0;
}

static bool set_callbacks(struct http_call *call) {
    CURL *easy = call->easy;
    return curl_easy_setopt(easy, CURLOPT_PRIVATE, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->words) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERDATA, call) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_words) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGDATA, call) == CURLE_OK;
}

struct http_call *http_call_new(const struct http_options *o) {
    AUTO(http_call) struct http_call *call = mem_new(sizeof *call);
    if (!call) return NULL;
    call->options = o;
    call->header_text = buf_make(HEADERS_MAX_BYTES);
    call->easy = curl_easy_init();
    if (!call->easy || !http_options_apply(o, call->easy) || !set_callbacks(call)) return NULL;
    return TAKE(call);
}

static void wipe_body(struct http_call *call) {
    if (call->body) explicit_bzero(call->body, call->sent_body.n);
    free(TAKE(call->body));
    call->sent_body = STR_NONE;
}

static void free_header_list(struct curl_slist *list) {
    for (struct curl_slist *at = list; at; at = at->next)
        explicit_bzero(at->data, strlen(at->data));
    curl_slist_free_all(list);
}

void http_call_forget_request(struct http_call *call) {
    // The handle must not keep pointers to what is freed here.
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, NULL);
    curl_easy_setopt(call->easy, CURLOPT_POSTFIELDS, NULL);
    free_header_list(TAKE(call->headers));
    wipe_body(call);
}

void http_call_clear(struct http_call *call) {
    http_call_forget_request(call);
    buf_shrink(&call->own_body, BODY_KEPT_BYTES);
    buf_reset(&call->header_text);
    call->place_count = 0;
    call->into = NULL;
    call->head_status = 0;
    call->head_done = false;
    call->starved = false;
    call->error = 0;
    call->tls_version[0] = '\0';
    call->words[0] = '\0';
}

struct http_call *http_call_free(struct http_call *call) {
    if (!call) return NULL;
    curl_easy_cleanup(call->easy);
    free_header_list(call->headers);
    wipe_body(call);
    buf_fini(&call->own_body);
    buf_fini(&call->header_text);
    free(call->places);
    free(call->header_list);
    free(call);
    return NULL;
}

static int add_request_header(struct http_call *call, const char *line) {
    struct curl_slist *list = curl_slist_append(call->headers, line);
    if (!list) return -ENOMEM;
    call->headers = list;
    return 0;
}

static bool has_name(const char *line, struct str name) {
    struct str rest = str_from(line);
    return str_eq_nocase(str_split(&rest, ':'), name);
}

// What libcurl would add to a request with a body by itself.
static const char *const unwanted[] = {"Expect:", "Content-Type:"};

static int copy_headers(struct http_call *call, const struct http_request *request) {
    bool given[LEN(unwanted)] = {false};
    for (size_t i = 0; i < request->header_count; i++) {
        const char *line = request->headers[i];
        int e = add_request_header(call, line);
        if (e) return e;
        for (size_t k = 0; k < LEN(unwanted); k++)
            given[k] |= has_name(line, str_sub(str_from(unwanted[k]), 0, strlen(unwanted[k]) - 1));
    }
    for (size_t k = 0; k < LEN(unwanted); k++) {
        int e = given[k] ? 0 : add_request_header(call, unwanted[k]);
        if (e) return e;
    }
    return 0;
}

static int take_body(struct http_call *call, struct str body, bool borrow) {
    call->sent_body = body.p ? body : STR("");
    if (borrow) return 0;
    call->body = mem_copy(call->sent_body.p, body.n);
    if (!call->body) return -ENOMEM;
    call->sent_body.p = call->body;
    return 0;
}

// RFC 9110 section 9: what may stand in the request line, and how it is treated. A repeated request
// of the last kind is a second push or a spent assertion; libcurl repeats a request by itself when
// a connection that it uses again turns out to be dead, so these get a new one, unless the caller
// knows better.
struct method_row {
    const char *name;
    bool sends_length; // also of no body
    bool once;
};

static const struct method_row methods[] = {
    {"GET", false, false}, {"HEAD", false, false}, {"DELETE", false, false},
    {"PUT", true, false},  {"POST", true, true},   {"PATCH", true, true},
};

static const struct method_row *find_method(const char *name) {
    if (!name) name = "GET";
    for (size_t i = 0; i < LEN(methods); i++)
        if (strcmp(methods[i].name, name) == 0) return &methods[i];
    return NULL;
}

bool http_method_repeats(const char *method) {
    const struct method_row *row = find_method(method);
    return row && !row->once;
}

// The handle may have made a request of another kind before.
static bool set_method(struct http_call *call, const struct method_row *method, bool repeatable) {
    CURL *easy = call->easy;
    const struct str body = call->sent_body;
    bool sends_body = method->sends_length || body.n > 0;
    bool fresh = !repeatable || call->options->disable_keep_alive;
    bool good = curl_easy_setopt(easy, CURLOPT_HTTPGET, 1L) == CURLE_OK &&
                curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L) == CURLE_OK;
    if (sends_body)
        good = good && curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body.p) == CURLE_OK &&
               curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n) == CURLE_OK;
    else if (strcmp(method->name, "HEAD") == 0)
        good = good && curl_easy_setopt(easy, CURLOPT_NOBODY, 1L) == CURLE_OK;
    return good && curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method->name) == CURLE_OK;
}

static bool set_request(struct http_call *call, const struct http_request *request) {
    CURL *easy = call->easy;
    int64_t connect =
        request->timeout_ms < CONNECT_TIMEOUT_MS ? request->timeout_ms : CONNECT_TIMEOUT_MS;
    long details = request->want_certificate ? 1L : 0L;
    // Whether a connection that is being made can carry several requests shows in its handshake;
    // without TLS it would show in an answer only, for which the others would wait.
    long share = strcmp(call->origin.scheme, "https") == 0 ? 1L : 0L;
    return curl_easy_setopt(easy, CURLOPT_URL, request->url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, call->headers) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)request->timeout_ms) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PIPEWAIT, share) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CERTINFO, details) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_VERBOSE, details) == CURLE_OK;
}

int http_call_prepare(struct http_call *call, const struct http_request *request,
                      const struct http_manner *manner) {
    const struct method_row *method = find_method(request->method);
    if (!method) return -EINVAL;
    int e = http_origin_parse(str_from(request->url), &call->origin, NULL);
    if (e) return e;
    e = copy_headers(call, request);
    if (!e) e = take_body(call, request->body, manner->borrow_body);
    if (e) return e;
    call->own_body.max = request->max_body_bytes;
    call->into = request->into ? request->into : &call->own_body;
    buf_reset(call->into);
    call->max_body_bytes = request->max_body_bytes;
    call->timeout_ms = request->timeout_ms;
    call->want_certificate = request->want_certificate;
    call->done = request->done;
    call->ctx = request->ctx;
    return set_method(call, method, manner->repeatable) && set_request(call, request) ? 0 : -ENOMEM;
}

// The slices; false without memory.
static bool list_headers(struct http_call *call) {
    if (mem_grow(&call->header_list, &call->header_list_cap, call->place_count,
                 sizeof *call->header_list) < 0)
        return false;
    const char *text = call->header_text.p;
    for (size_t i = 0; i < call->place_count; i++) {
        const struct header_place *at = &call->places[i];
        call->header_list[i] = (struct http_header){
            .name = {text + at->name_at, at->name_n},
            .value = {text + at->value_at, at->value_n},
        };
    }
    return true;
}

static struct str next_word(struct str *rest) {
    *rest = str_trim(*rest);
    return str_split(rest, ' ');
}

// "Nov  2 21:45:00 2026 GMT", as OpenSSL prints it; false when it is something else.
static bool parse_openssl_time(struct str text, int64_t *ret_ms) {
    const struct str months = STR("JanFebMarAprMayJunJulAugSepOctNovDec");
    struct str month = next_word(&text), day = next_word(&text), clock = next_word(&text),
               year = next_word(&text);
    size_t at = str_find(months, month);
    uint64_t day_number = 0;
    if (month.n != 3 || at % 3 != 0 || !parse_u64(day, &day_number)) return false;
    AUTO_FINI(buf) struct buf iso = buf_make(TIME_RFC3339_MAX);
    buf_addf(&iso, "%.*s-%02zu-%02uT%.*sZ", STR_ARG(year), at / 3 + 1, (unsigned)day_number,
             STR_ARG(clock));
    return time_parse_iso8601(buf_str(&iso), ret_ms);
}

static int64_t certificate_expires_ms(const struct http_call *call) {
    const struct str prefix = STR("Expire date:");
    struct curl_certinfo *info = NULL;
    if (curl_easy_getinfo(call->easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
        info->num_of_certs < 1)
        return 0;
    int64_t ms = 0;
    for (const struct curl_slist *at = info->certinfo[0]; at; at = at->next) {
        struct str line = str_from(at->data);
        if (str_starts(line, prefix) && parse_openssl_time(str_sub(line, prefix.n, line.n), &ms))
            return ms;
    }
    return 0;
}

static int64_t connect_ms(CURL *easy) {
    long made = 0;
    curl_off_t tcp_us = 0, tls_us = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &made);
    if (made == 0) return 0;
    curl_easy_getinfo(easy, CURLINFO_CONNECT_TIME_T, &tcp_us);
    curl_easy_getinfo(easy, CURLINFO_APPCONNECT_TIME_T, &tls_us);
    return (int64_t)(tls_us > tcp_us ? tls_us : tcp_us) / 1000 + 1; // 0 says that none was made
}

static void fill_timing(const struct http_call *call, struct http_response *ret) {
    curl_off_t total_us = 0;
    curl_easy_getinfo(call->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    ret->elapsed_ms = (int64_t)total_us / 1000;
    ret->connect_ms = connect_ms(call->easy);
    if (!call->want_certificate) return;
    memcpy(ret->tls_version, call->tls_version, sizeof ret->tls_version);
    ret->certificate_expires_ms = certificate_expires_ms(call);
}

void http_call_response(struct http_call *call, CURLcode code, struct http_response *ret) {
    *ret = (struct http_response){.result = HTTP_OK};
    if (code == CURLE_OK && !list_headers(call)) call->error = -ENOMEM;
    ret->result = http_outcome(call, code, &ret->fault);
    if (is_interim(call->head_status) || (ret->result != HTTP_OK && !list_headers(call)))
        call->place_count = 0;
    else ret->status = call->head_status;
    ret->headers = call->header_list;
    ret->header_count = call->place_count;
    ret->body = buf_str(call->into);
    fill_timing(call, ret);
}
