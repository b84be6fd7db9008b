// SPDX-License-Identifier: Apache-2.0
// One connection to a gate, and one request at a time over it: the loop runs until its answer is
// there.
#include "cli/gate-client.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/parse.h"
#include "cli/columns.h"
#include "http/client.h"
#include "http/url.h"
#include "loop/loop.h"

enum {
    ADDRESS_MAX = 512,
    PATH_MAX_BYTES = 64 * 1024,
    TOKEN_MAX = 64 * 1024,
    ANSWER_MAX = 64 << 20,
    EXPLAIN_MAX = 400, // bytes shown of an answer that is not the gate's
};

struct gate_client {
    struct buf address; // without a slash at its end
    struct buf token;   // empty: none
    struct buf mfa;     // X-Vault-MFA; empty: none
    int64_t timeout_ms;
    struct loop *loop;
    struct http_client *http;
    struct json_reader *reader;
    // Of the last answer:
    enum http_result result;
    int status;
    struct buf body;
    struct fault why;
};

// ---- what the user has said

// A variable that is set and not empty: BAO_NAME, else VAULT_NAME; NULL. `ret_name` is which.
static const char *variable(const char *name, char ret_name[32]) {
    static const char *const prefixes[] = {"BAO_", "VAULT_"};
    for (size_t i = 0; i < LEN(prefixes); i++) {
        snprintf(ret_name, 32, "%s%s", prefixes[i], name);
        const char *value = getenv(ret_name);
        if (value && *value) return value;
    }
    return NULL;
}

static int find_address(struct gate_client *c, const struct gate_client_opts *opts,
                        struct http_origin *ret, struct fault *fault) {
    char name[32] = "--address";
    struct fault why = {{0}};
    const char *text = opts->address ? opts->address : variable("ADDR", name);
    if (!text) text = opts->fallback;
    if (!text)
        return fault_set(fault, GATE_CLIENT_E_WRONG, "neither BAO_ADDR nor VAULT_ADDR is set");
    struct str address = str_from(text);
    while (str_ends(address, STR("/"))) address.n--;
    int e = http_origin_parse(address, ret, &why);
    if (e == -ENOMEM) return fault_set(fault, e, "no memory");
    if (e) return fault_set(fault, GATE_CLIENT_E_WRONG, "%s: %s", name, why.text);
    if (strcspn(address.p, "?#") < address.n)
        return fault_set(fault, GATE_CLIENT_E_WRONG, "%s: expected no ? and no # in it", name);
    buf_add_str(&c->address, address);
    if (c->address.error)
        return fault_set(fault, GATE_CLIENT_E_WRONG, "%s: the address is too long", name);
    return 0;
}

// What can stand in a header and be nothing but its value.
static bool is_printable(struct str s) {
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~') return false;
    return true;
}

// Outcomes: 0, also when there is none; -errno.
static int read_token_file(struct buf *ret) {
    char path[PATH_MAX];
    const char *home = getenv("HOME");
    int n = snprintf(path, sizeof path, "%s/.vault-token", home ? home : "");
    if (!home || n < 0 || (size_t)n >= sizeof path) return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno == ENOENT ? 0 : -errno;
    ssize_t got = 0;
    if (!buf_reserve(ret, TOKEN_MAX / 2)) got = -1, errno = ENOMEM;
    while (got >= 0 && ret->n < TOKEN_MAX / 2) {
        got = read(fd, ret->p + ret->n, TOKEN_MAX / 2 - ret->n);
        if (got <= 0) break;
        ret->n += (size_t)got;
    }
    int e = got < 0 ? -errno : 0;
    close(fd);
    return e;
}

static int find_token(struct gate_client *c, bool file, struct fault *fault) {
    char name[32];
    AUTO_WIPED struct buf kept = buf_make(TOKEN_MAX);
    const char *value = variable("TOKEN", name);
    struct str token = str_from(value);
    if (!value && file) {
        int e = read_token_file(&kept);
        if (e) return fault_set(fault, e, "~/.vault-token cannot be read: %s", error_text(e));
        token = str_trim(buf_str(&kept));
        snprintf(name, sizeof name, "~/.vault-token");
    }
    if (!is_printable(token))
        return fault_set(fault, GATE_CLIENT_E_WRONG, "%s: holds characters that no token has",
                         name);
    buf_add_str(&c->token, token);
    return c->token.error;
}

static int find_mfa(struct gate_client *c, struct fault *fault) {
    char name[32];
    struct str value = str_from(variable("MFA", name));
    if (!is_printable(value))
        return fault_set(fault, GATE_CLIENT_E_WRONG, "%s: holds blanks or control characters",
                         name);
    buf_add_str(&c->mfa, value);
    return c->mfa.error;
}

// As Vault's clients: a number of seconds, or a duration.
static int find_timeout(struct gate_client *c, int64_t usual_ms, struct fault *fault) {
    char name[32];
    uint64_t seconds;
    const char *value = variable("CLIENT_TIMEOUT", name);
    c->timeout_ms = usual_ms;
    if (!value) return 0;
    if (parse_u64(str_from(value), &seconds) && seconds > 0 && seconds <= 86400)
        c->timeout_ms = (int64_t)seconds * 1000;
    else if (!parse_duration_ms(str_from(value), &c->timeout_ms) || c->timeout_ms <= 0)
        return fault_set(fault, GATE_CLIENT_E_WRONG, "%s: expected a time such as 90s", name);
    return 0;
}

static int find_verify(const struct gate_client_opts *opts, struct http_tls *tls,
                       const char **ret_authority, struct fault *fault) {
    char name[32];
    bool skip = false;
    *ret_authority = variable("CACERT", name);
    if (!*ret_authority) *ret_authority = opts->certificate;
    tls->certificate_authorities = ret_authority;
    tls->certificate_authority_count = *ret_authority != NULL;
    if (opts->certificate) tls->verify = HTTP_VERIFY_CERTIFICATE;
    const char *value = variable("SKIP_VERIFY", name);
    bool digit = value && (strcmp(value, "0") == 0 || strcmp(value, "1") == 0);
    if (digit) skip = value[0] == '1';
    else if (value && !parse_bool(str_from(value), &skip))
        return fault_set(fault, GATE_CLIENT_E_WRONG, "%s: expected true or false", name);
    if (skip) tls->verify = HTTP_VERIFY_NONE;
    return 0;
}

// ---- making and asking

// Proxies of the environment are for other machines, as with Vault's clients.
static int make_http(struct gate_client *c, const struct gate_client_opts *opts,
                     const struct http_origin *origin, struct fault *fault) {
    const char *authority;
    struct http_client_opts http = {.user_agent = "gatehouse/" GATEHOUSE_VERSION};
    if (http_origin_is_loopback(origin)) http.proxy_url = ""; // none
    int e = find_verify(opts, &http.tls, &authority, fault);
    if (!e) e = loop_new(&c->loop);
    if (!e) e = json_reader_new(&c->reader);
    if (e) return e;
    e = http_client_new(&c->http, c->loop, &http, fault);
    return e == -EINVAL ? GATE_CLIENT_E_WRONG : e;
}

int gate_client_new(struct gate_client **ret, const struct gate_client_opts *opts,
                    struct fault *fault) {
    struct http_origin origin = {.port = 0};
    AUTO(gate_client) struct gate_client *c = mem_new(sizeof *c);
    if (!c) return fault_set(fault, -ENOMEM, "no memory");
    c->address = buf_make(ADDRESS_MAX);
    c->token = buf_make(TOKEN_MAX);
    c->mfa = buf_make(TOKEN_MAX);
    c->body = buf_make(ANSWER_MAX);
    int e = find_address(c, opts, &origin, fault);
    if (!e) e = find_timeout(c, opts->timeout_ms, fault);
    if (!e) e = find_token(c, opts->token_file, fault);
    if (!e) e = find_mfa(c, fault);
    if (!e) e = make_http(c, opts, &origin, fault);
    if (!e && !buf_z(&c->address)) e = -ENOMEM;
    if (e && !fault->text[0]) fault_set(fault, e, "%s", error_text(e));
    if (e) return e;
    *ret = TAKE(c);
    return 0;
}

struct gate_client *gate_client_free(struct gate_client *c) {
    if (!c) return NULL;
    http_client_free(c->http);
    if (c->reader) json_reader_wipe(c->reader);
    json_reader_free(c->reader);
    loop_free(c->loop);
    buf_wipe(&c->token);
    buf_wipe(&c->mfa);
    buf_wipe(&c->body);
    buf_fini(&c->address);
    free(c);
    return NULL;
}

const char *gate_client_address(const struct gate_client *c) { return c->address.p; }

static void hear(void *ctx, const struct http_response *response) {
    struct gate_client *c = ctx;
    c->result = response->result;
    c->status = response->status;
    c->why = response->fault;
    loop_stop(c->loop);
}

static int send_and_wait(struct gate_client *c, const struct http_request *request) {
    struct http_call *call = NULL;
    c->result = HTTP_FAILED;
    c->why = (struct fault){{0}};
    int e = http_send(c->http, request, &call);
    if (!e) e = loop_run(c->loop);
    return e;
}

static int ask(struct gate_client *c, const char *method, const char *url, struct str body) {
    AUTO_WIPED struct buf token = buf_make(TOKEN_MAX + 64);
    AUTO_WIPED struct buf mfa = buf_make(TOKEN_MAX + 64);
    const char *headers[4] = {"X-Vault-Request: true"};
    size_t n = 1;
    if (body.p) headers[n++] = "Content-Type: application/json";
    buf_addf(&token, "X-Vault-Token: %.*s", STR_ARG(buf_str(&c->token)));
    buf_addf(&mfa, "X-Vault-MFA: %.*s", STR_ARG(buf_str(&c->mfa)));
    const char *token_line = buf_z(&token);
    const char *mfa_line = buf_z(&mfa);
    if (!token_line || !mfa_line) return -ENOMEM;
    if (c->token.n) headers[n++] = token_line;
    if (c->mfa.n) headers[n++] = mfa_line;
    return send_and_wait(c, &(struct http_request){.method = method,
                                                   .url = url,
                                                   .body = body,
                                                   .headers = headers,
                                                   .header_count = n,
                                                   .timeout_ms = c->timeout_ms,
                                                   .max_body_bytes = ANSWER_MAX,
                                                   .into = &c->body,
                                                   .done = hear,
                                                   .ctx = c});
}

// Outcomes: 0, NULL when it is no JSON; -ENOMEM.
static int read_body(struct gate_client *c, const struct json **ret) {
    int e = c->body.n ? json_read(c->reader, buf_str(&c->body), ret, NULL) : JSON_E_SYNTAX;
    if (e == JSON_E_SYNTAX) *ret = NULL;
    return e < 0 ? e : 0;
}

int gate_client_ask(struct gate_client *c, const char *method, const char *path, struct str body,
                    struct gate_answer *ret, struct fault *fault) {
    AUTO_FINI(buf) struct buf url = buf_make(ADDRESS_MAX + PATH_MAX_BYTES);
    const struct json *json = NULL;
    buf_addf(&url, "%.*s/v1/%s", STR_ARG(buf_str(&c->address)), path);
    const char *text = buf_z(&url);
    if (!text) return fault_set(fault, url.error, "the path is too long");
    int e = ask(c, method, text, body);
    if (e) return fault_set(fault, e, "%s", error_text(e));
    if (c->result != HTTP_OK)
        return fault_set(fault, GATE_CLIENT_E_SILENT, "%s: %s", gate_client_address(c),
                         c->why.text[0] ? c->why.text : http_result_name(c->result));
    e = read_body(c, &json);
    if (e) return fault_set(fault, e, "%s", error_text(e));
    *ret = (struct gate_answer){c->status, json, buf_str(&c->body)};
    return 0;
}

// ---- what the gate has against it

// Vault's texts go over several lines; each is cleaned by itself.
static void add_lines(struct buf *out, struct str text) {
    for (struct str rest = str_trim(text); rest.p;) {
        struct str line = str_split(&rest, '\n');
        bool item = line.n && line.p[0] == '\t';
        if (item) buf_addz(out, "    ");
        columns_add_clean(out, item ? str_sub(line, 1, line.n) : line);
        if (rest.p) buf_addc(out, '\n');
    }
}

void gate_answer_explain(const struct gate_answer *a, struct buf *out) {
    const struct json *errors = json_get(a->body, "errors");
    size_t before = out->n;
    buf_addf(out, "%d", a->status);
    struct json_iter it = json_iter(json_type(errors) == JSON_ARRAY ? errors : NULL);
    size_t n = 0;
    while (json_next(&it)) {
        buf_addz(out, n++ ? "\n" : " ");
        add_lines(out, json_str(it.value));
    }
    if (n || out->error || out->n == before) return;
    buf_addz(out, a->text.n ? " " : " without saying why");
    add_lines(out, str_sub(a->text, 0, EXPLAIN_MAX));
}
