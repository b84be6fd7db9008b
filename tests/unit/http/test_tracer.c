// SPDX-License-Identifier: Apache-2.0
// What a tracer writes, and above all what it does not write.
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "http/client.h"
#include "http/tracer-internal.h"
#include "scripted.h"
#include "json/read.h"

struct fixture {
    char dir[64];
    char path[128]; // of the file that is being written
    struct http_tracer *tracer;
};

static struct http_tracer *open_tracer(const char *dir, const char *name) {
    struct http_tracer *tracer = NULL;
    struct fault fault = {{0}};
    if (http_tracer_new(&tracer, dir, name, &fault) != 0) fail_msg("%s", fault.text);
    return tracer;
}

static void remove_directory(const char *dir) {
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", dir);
    run_program(command);
}

static int set_up(void **state) {
    struct fixture *f = mem_new(sizeof *f);
    assert_non_null(f);
    char parent[] = "/tmp/gatehouse-trace-XXXXXX";
    assert_non_null(mkdtemp(parent));
    snprintf(f->dir, sizeof f->dir, "%s/logs", parent);
    snprintf(f->path, sizeof f->path, "%s/http-request-trace-acme.ndjson", f->dir);
    f->tracer = open_tracer(f->dir, "acme");
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    http_tracer_free(f->tracer);
    char parent[64];
    snprintf(parent, sizeof parent, "%.*s", (int)(strlen(f->dir) - strlen("/logs")), f->dir);
    remove_directory(parent);
    free(f);
    return 0;
}

static void read_file(const char *path, struct buf *ret) {
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s", path);
    char part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof part, file)) > 0) buf_add(ret, part, n);
    fclose(file);
}

// All files of the directory, one behind the other.
static char *read_all(const struct fixture *f) {
    AUTO_FINI(buf) struct buf all = buf_make(64 << 20);
    DIR *dir = opendir(f->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", f->dir, entry->d_name);
        if (entry->d_name[0] != '.') read_file(path, &all);
    }
    closedir(dir);
    char *text = buf_take(&all);
    assert_non_null(text);
    return text;
}

static size_t count_files(const struct fixture *f) {
    size_t count = 0;
    DIR *dir = opendir(f->dir);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static const struct http_origin acme = {.scheme = "https", .host = "acme.okta.com", .port = 443};

static void trace_request(struct fixture *f, const char *url, const char *const *headers, size_t n,
                          const char *body) {
    const struct http_request request = {.method = "POST",
                                         .url = url,
                                         .headers = headers,
                                         .header_count = n,
                                         .body = str_from(body)};
    http_tracer_request(f->tracer, &request, &acme, "gatehouse/test");
}

static void trace_response(struct fixture *f, const struct http_header *headers, size_t n,
                           struct str body) {
    const struct http_response response = {
        .status = 200, .headers = headers, .header_count = n, .body = body};
    http_tracer_response(f->tracer, 1, &response);
}

static void trace_answer(struct fixture *f, const char *body) {
    trace_response(f, NULL, 0, str_from(body));
}

static void expect_none(const struct fixture *f, const char *const *secrets, size_t n) {
    AUTO_MEM char *text = read_all(f);
    for (size_t i = 0; i < n; i++)
        if (strstr(text, secrets[i])) fail_msg("%s in:\n%s", secrets[i], text);
}

static void expect(const struct fixture *f, const char *words) {
    AUTO_MEM char *text = read_all(f);
    if (!strstr(text, words)) fail_msg("%s not in:\n%s", words, text);
}

// Lines

static struct str text_of(const struct json *line, const char *name) {
    return json_str(json_get(line, name));
}

static void check_request_line(const struct json *line, int port) {
    char url[64], number[16];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/api/v1/logs?limit=3&after=x", port);
    snprintf(number, sizeof number, "%d", port);
    const char *const rows[][2] = {
        {"log.level", "debug"},
        {"message", "HTTP request"},
        {"url.original", url},
        {"url.scheme", "http"},
        {"url.domain", "127.0.0.1"},
        {"url.port", number},
        {"url.path", "/api/v1/logs"},
        {"url.query", "limit=3&after=x"},
        {"http.request.method", "PUT"},
        {"user_agent.original", "gatehouse/test"},
        {"http.request.body.content", "{\"a\":1}"},
        {"http.request.mime_type", "application/json"},
    };
    for (size_t i = 0; i < LEN(rows); i++)
        if (!str_eqz(text_of(line, rows[i][0]), rows[i][1])) fail_msg("%s", rows[i][0]);
    const struct json *headers = json_get(line, "http.request.header");
    assert_true(str_eqz(json_str(json_at(json_get(headers, "Authorization"), 0)), "SSWS ********"));
    assert_int_equal(text_of(line, "@timestamp").n, strlen("2026-11-22T10:00:00.123Z"));
}

static void check_response_line(const struct json *line) {
    const struct json *headers = json_get(line, "http.response.header");
    int64_t status = 0, bytes = 0;
    assert_true(str_eqz(text_of(line, "message"), "HTTP response"));
    assert_true(json_i64(json_get(line, "http.response.status_code"), &status));
    assert_true(json_i64(json_get(line, "http.response.body.bytes"), &bytes));
    assert_int_equal(status, 200);
    assert_int_equal(bytes, 7);
    assert_true(str_eqz(text_of(line, "http.response.body.content"), "{\"b\":2}"));
    assert_false(json_bool(json_get(line, "http.response.body.truncated")));
    assert_int_equal(json_count(json_get(headers, "Link")), 2);
    assert_true(str_eqz(json_str(json_at(json_get(headers, "Link"), 1)), "</n>; rel=\"next\""));
}

struct done {
    struct loop *loop;
};

static void on_done(void *ctx, const struct http_response *r) {
    (void)r;
    loop_stop(((struct done *)ctx)->loop);
}

struct exchange {
    struct loop *loop;
    struct scripted server;
    struct http_client *client;
    struct done done;
    struct http_request request;
    char url[128];
};

static void exchange_start(struct exchange *x, const struct fixture *f, const struct step *steps) {
    static const char *const headers[] = {"Authorization: SSWS very-secret-token",
                                          "Content-Type: application/json"};
    const struct http_client_opts opts = {.user_agent = "gatehouse/test", .tracer = f->tracer};
    assert_int_equal(loop_new(&x->loop), 0);
    scripted_start(&x->server, x->loop, steps, 1);
    assert_int_equal(http_client_new(&x->client, x->loop, &opts, NULL), 0);
    snprintf(x->url, sizeof x->url, "http://127.0.0.1:%d/api/v1/logs?limit=3&after=x",
             x->server.port);
    x->done.loop = x->loop;
    x->request = (struct http_request){.method = "PUT",
                                       .url = x->url,
                                       .headers = headers,
                                       .header_count = LEN(headers),
                                       .body = STR("{\"a\":1}"),
                                       .timeout_ms = 5000,
                                       .max_body_bytes = 1 << 20,
                                       .done = on_done,
                                       .ctx = &x->done};
}

static void exchange_finish(struct exchange *x) {
    http_client_free(x->client);
    scripted_stop(&x->server);
    loop_free(x->loop);
}

static void a_request_and_its_answer_are_two_lines_with_elastics_names(void **state) {
    struct fixture *f = *state;
    const struct step step = {"HTTP/1.1 200 OK\r\nLink: </s>; rel=\"self\"\r\nContent-Length: 7\r\n"
                              "link: </n>; rel=\"next\"\r\n\r\n{\"b\":2}",
                              0, STEP_KEEP};
    struct exchange x;
    struct http_call *call = NULL;
    exchange_start(&x, f, &step);
    assert_int_equal(http_send(x.client, &x.request, &call), 0);
    run_loop(x.loop);
    AUTO_MEM char *text = read_all(f);
    struct str rest = str_from(text);
    AUTO(json_reader) struct json_reader *first = NULL, *second = NULL;
    const struct json *request = NULL, *response = NULL;
    assert_int_equal(json_reader_new(&first), 0);
    assert_int_equal(json_reader_new(&second), 0);
    assert_int_equal(json_read(first, str_split(&rest, '\n'), &request, NULL), 0);
    assert_int_equal(json_read(second, str_split(&rest, '\n'), &response, NULL), 0);
    assert_int_equal(rest.n, 0);
    check_request_line(request, x.server.port);
    check_response_line(response);
    assert_true(str_eq(text_of(request, "transaction.id"), text_of(response, "transaction.id")));
    exchange_finish(&x);
}

static void requests_without_an_answer_are_traced_with_the_reason(void **state) {
    struct fixture *f = *state;
    const struct step step = {"", 0, STEP_STALL};
    struct exchange x;
    struct http_call *call = NULL;
    exchange_start(&x, f, &step);
    assert_int_equal(http_send(x.client, &x.request, &call), 0);
    http_cancel(call);
    expect(f, "\"error.message\":\"given up before there was an answer\"");
    scripted_stop_listening(&x.server);
    assert_int_equal(http_send(x.client, &x.request, &call), 0);
    run_loop(x.loop);
    expect(f, "\"message\":\"HTTP response error\"");
    expect(f, "\"error.code\":\"connect\"");
    exchange_finish(&x);
}

// Masking

#define PROOF "eyJ0eXAiOiJkcG9wK2p3dCJ9.eyJqdGkiOiJhIn0.c2lnbmF0dXJl-proof"
#define ASSERTION "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiIwb2EifQ.c2lnbmF0dXJl-assertion"
#define ACCESS "eyJraWQiOiJvcmcifQ.eyJ2ZXIiOjF9.c2lnbmF0dXJl-access"

static void a_token_exchange_shows_no_secret(void **state) {
    struct fixture *f = *state;
    const char *const request[] = {("DPoP: " PROOF), "Proxy-Authorization: Basic am9lOmh1bnRlcjI=",
                                   "Cookie: sid=session-cookie-1; DT=device-token-1",
                                   "X-Client-Secret: header-secret-1", "Accept: application/json"};
    const struct http_header response[] = {
        {STR("DPoP-Nonce"), STR("nonce-from-header")},
        {STR("Set-Cookie"), STR("sid=session-cookie-2; Path=/; Secure; HttpOnly")},
        {STR("WWW-Authenticate"),
         STR("DPoP error=\"use_dpop_nonce\", nonce=\"nonce-challenge-1\"")},
        {STR("Location"), STR("https://acme.okta.com/cb?state=x&code=location-code-1")},
        {STR("X-Rate-Limit-Remaining"), STR("599")},
    };
    const char *const secrets[] = {PROOF,
                                   ASSERTION,
                                   ACCESS,
                                   "am9lOmh1bnRlcjI=",
                                   "session-cookie-1",
                                   "device-token-1",
                                   "header-secret-1",
                                   "nonce-from-header",
                                   "session-cookie-2",
                                   "nonce-challenge-1",
                                   "client-secret-1",
                                   "form-password-1",
                                   "query-token-1",
                                   "refresh-token-1",
                                   "id-token-1",
                                   "deep-secret-1",
                                   "private-d-part",
                                   "authorization-code-1",
                                   "temporary-pw",
                                   "location-code-1"};
    trace_request(f, "https://acme.okta.com/oauth2/v1/token?session_token=query-token-1&limit=2",
                  request, LEN(request),
                  "grant_type=client_credentials&client_assertion=" ASSERTION
                  "&client_secret=client-secret-1&pass%77ord=form-password-1"
                  "&code=authorization-code-1&scope=okta.logs.read");
    trace_response(f, response, LEN(response),
                   STR("{\"token_type\":\"DPoP\",\"expires_in\":3600,\"access_token\":\"" ACCESS
                       "\",\"refresh_token\":\"refresh-token-1\",\"id_token\":\"id-token-1\","
                       "\"a\":[{\"b\":{\"sharedSecret\":\"deep-secret-1\"}}],"
                       "\"credentials\":{\"password\":{\"value\":\"temporary-pw\"}},"
                       "\"jwk\":{\"kty\":\"RSA\",\"e\":\"AQAB\",\"d\":\"private-d-part\"}}"));
    expect_none(f, secrets, LEN(secrets));
    static const char *const kept[] = {"grant_type=client_credentials&client_assertion=********",
                                       "scope=okta.logs.read",
                                       "\"Basic ********\"",
                                       "session_token=********&limit=2",
                                       "use_dpop_nonce",
                                       "599",
                                       "\\\"token_type\\\":\\\"DPoP\\\",\\\"expires_in\\\":3600",
                                       "\\\"e\\\":\\\"AQAB\\\"",
                                       "\"Accept\":[\"application/json\"]"};
    for (size_t i = 0; i < LEN(kept); i++) expect(f, kept[i]);
}

static void what_was_a_secret_once_is_masked_wherever_it_comes_again(void **state) {
    struct fixture *f = *state;
    static const char *const headers[] = {"Authorization: SSWS 00-abc/\"def\"\\g %h"};
    static const char *const again[] = {
        "https://acme.okta.com/api/00-abc%2F%22def%22%5cg%20%25h/x",
        "https://acme.okta.com/?q=00-abc/%22def%22%5Cg+%25h",
    };
    static const char *const bodies[] = {
        "{\"echo\":\"00-abc\\/\\\"def\\\"\\\\g \\u0025h\"}", "broken {\"00-abc/\\\"def\\\"\\\\g %h",
        "x=1&y=00-abc%2f%22def%22%5cg+%25h", "prose 00-abc/\"def\"\\g %h prose",
        "{\"00-abc/\\\"def\\\"\\\\g %h\":1}"};
    trace_request(f, "https://acme.okta.com/", headers, 1, "");
    for (size_t i = 0; i < LEN(again); i++) trace_request(f, again[i], NULL, 0, "");
    for (size_t i = 0; i < LEN(bodies); i++) trace_answer(f, bodies[i]);
    static const char *const secrets[] = {"00-abc", "def"};
    expect_none(f, secrets, LEN(secrets));
    expect(f, "https://acme.okta.com/api/********/x");
    expect(f, "x=1&y=********");
    expect(f, "prose ******** prose");
    expect(f, "{\\\"echo\\\":\\\"********\\\"}");
}

static void a_number_may_be_a_secret(void **state) {
    struct fixture *f = *state;
    trace_answer(f, "{\"passCode\":81726354,\"n\":[81726354,1]}");
    static const char *const secrets[] = {"81726354"};
    expect_none(f, secrets, 1);
    expect(f, "[\\\"********\\\",1]");
}

static void secrets_in_text_that_is_no_json_are_masked(void **state) {
    struct fixture *f = *state;
    static const char *const bodies[] = {
        "{\"access_token\":\"cut-off-secret-1",
        "{\"access_token\" : \"with-\\\"quoted-secret\\\" in it\", broken",
        "{\"text\":\"{\\\"client_secret\\\":\\\"inner-secret-1\\\"}\"}",
        "oops {\\\"client_secret\\\":\\\"inner-secret-2\\\", x",
        "client_secret: prose-secret-1, and more",
        "Authorization: Bearer bearer-secret-1\r\n",
        "a proof " PROOF " in prose",
        "<SAMLResponse>x</SAMLResponse> password='apostrophes-1'",
    };
    static const char *const secrets[] = {"cut-off",      "quoted-secret", "inner-secret",
                                          "prose-secret", "bearer-secret", "eyJ0",
                                          "apostrophes"};
    for (size_t i = 0; i < LEN(bodies); i++) trace_answer(f, bodies[i]);
    expect_none(f, secrets, LEN(secrets));
    expect(f, "and more");
    expect(f, "in prose");
}

static void what_is_no_secret_stays_readable(void **state) {
    struct fixture *f = *state;
    static const char body[] =
        "[{\"uuid\":\"d1\",\"eventType\":\"app.oauth2.token.grant.access_token\",\"outcome\":{"
        "\"result\":\"SUCCESS\"},\"debugContext\":{\"debugData\":{\"requestUri\":\"/oauth2/v1/"
        "token\",\"dtHash\":\"0a1b\"}},\"target\":[{\"type\":\"access_token\",\"id\":\"AT.x\"}],"
        "\"errorCode\":\"E0000047\",\"code\":\"invalid_dpop_proof\"}]";
    trace_answer(f, body);
    AUTO_FINI(buf) struct buf escaped = buf_make(4096);
    for (const char *at = body; *at; at++) {
        if (*at == '"') buf_addc(&escaped, '\\');
        buf_addc(&escaped, *at);
    }
    expect(f, buf_z(&escaped));
}

// A new proof and a new nonce come with every request; what is used all the time must not be lost.
static void secrets_in_use_are_remembered_for_good(void **state) {
    struct fixture *f = *state;
    for (int i = 0; i < 2000; i++) {
        char proof[64];
        snprintf(proof, sizeof proof, "DPoP: proof-number-%d", i);
        const char *const headers[] = {"Authorization: Bearer the-access-token", proof};
        trace_request(f, "https://acme.okta.com/", headers, 2, "");
    }
    trace_answer(f, "the-access-token proof-number-1999 proof-number-1700");
    static const char *const secrets[] = {"the-access-token", "proof-number"};
    expect_none(f, secrets, LEN(secrets));
}

// Bodies and files

static void long_bodies_are_cut_and_marked(void **state) {
    struct fixture *f = *state;
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    while (body.n < 300000) buf_addz(&body, "0123456789 password=a-secret-value ");
    trace_response(f, NULL, 0, buf_str(&body));
    AUTO_MEM char *text = read_all(f);
    assert_in_range(strlen(text), 100000, 110000);
    assert_null(strstr(text, "a-secret"));
    assert_non_null(strstr(text, "\"http.response.body.truncated\":true"));
    char bytes[64];
    snprintf(bytes, sizeof bytes, "\"http.response.body.bytes\":%zu", body.n);
    assert_non_null(strstr(text, bytes));
}

// The cut must not go through what would have been recognised whole.
static void a_secret_at_the_cut_is_masked(void **state) {
    struct fixture *f = *state;
    static const char *const headers[] = {"Authorization: SSWS edge-secret-value"};
    static const char *const secrets[] = {"edge-"};
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    trace_request(f, "https://acme.okta.com/", headers, 1, "");
    for (size_t from = TRACE_BODY_BYTES - 20; from < TRACE_BODY_BYTES + 2; from++) {
        buf_reset(&body);
        for (size_t i = 0; i < from; i++) buf_addc(&body, '.');
        buf_addz(&body, "edge-secret-value and the rest of a long body");
        trace_response(f, NULL, 0, buf_str(&body));
    }
    expect_none(f, secrets, 1);
}

static bool is_rotated_name(const char *name) {
    unsigned year, month, day, hour, minute, second, ms;
    int end = 0;
    int n = sscanf(name, "http-request-trace-acme-%4u-%2u-%2uT%2u-%2u-%2u.%3u.ndjson%n", &year,
                   &month, &day, &hour, &minute, &second, &ms, &end);
    return n == 7 && name[end] == '\0';
}

static void full_files_are_put_aside_and_five_are_kept(void **state) {
    struct fixture *f = *state;
    AUTO_FINI(buf) struct buf body = buf_make(1 << 20);
    while (body.n < 90000) buf_addz(&body, "0123456789");
    for (int i = 0; i < 120; i++) trace_response(f, NULL, 0, buf_str(&body));
    assert_int_equal(count_files(f), 1 + TRACE_FILES_KEPT);
    DIR *dir = opendir(f->dir);
    assert_non_null(dir);
    size_t rotated = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.') continue;
        struct stat info;
        assert_int_equal(fstatat(dirfd(dir), entry->d_name, &info, 0), 0);
        assert_true(info.st_size <= TRACE_FILE_BYTES);
        assert_int_equal(info.st_mode & 0777, 0600);
        rotated += is_rotated_name(entry->d_name);
    }
    closedir(dir);
    assert_int_equal(rotated, TRACE_FILES_KEPT);
    struct stat info;
    assert_int_equal(stat(f->dir, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
}

static void a_tracer_goes_on_in_the_file_that_is_there(void **state) {
    struct fixture *f = *state;
    trace_answer(f, "first");
    http_tracer_free(f->tracer);
    assert_int_equal(chmod(f->path, 0644), 0);
    f->tracer = open_tracer(f->dir, "acme");
    trace_answer(f, "second");
    expect(f, "\"first\"");
    expect(f, "\"second\"");
    assert_int_equal(count_files(f), 1);
    struct stat info;
    assert_int_equal(stat(f->path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
}

static void links_are_not_followed(void **state) {
    struct fixture *f = *state;
    char path[160], target[160];
    snprintf(path, sizeof path, "%s/http-request-trace-other.ndjson", f->dir);
    snprintf(target, sizeof target, "%s/target", f->dir);
    assert_int_equal(symlink(target, path), 0);
    struct http_tracer *tracer = NULL;
    struct fault fault = {{0}};
    assert_int_equal(http_tracer_new(&tracer, f->dir, "other", &fault), -ELOOP);
    assert_non_null(strstr(fault.text, "http-request-trace-other.ndjson"));
    assert_int_equal(access(target, F_OK), -1);
}

static void a_name_cannot_leave_the_directory(void **state) {
    struct fixture *f = *state;
    http_tracer_free(open_tracer(f->dir, "../a/b c:8443"));
    char path[160];
    snprintf(path, sizeof path, "%s/http-request-trace-.._a_b_c_8443.ndjson", f->dir);
    assert_int_equal(access(path, F_OK), 0);
}

static void a_directory_that_cannot_be_made_is_named(void **state) {
    (void)state;
    struct http_tracer *tracer = NULL;
    struct fault fault = {{0}};
    assert_int_equal(http_tracer_new(&tracer, "/nonexistent/logs", "x", &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "/nonexistent/logs"));
    assert_int_equal(http_tracer_new(&tracer, "/dev/null", "x", &fault), -ENOTDIR);
}

static void touch(const struct fixture *f, const char *name) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", f->dir, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

static void switching_off_deletes_the_tracers_own_files_only(void **state) {
    struct fixture *f = *state;
    static const char *const foreign[] = {
        "http-request-trace-acme-2.ndjson",
        "http-request-trace-acme-2-2026-01-02T15-04-05.000.ndjson",
        "http-request-trace-acme-2026-01-02T15-04-05.000.ndjson.gz", "events.ndjson"};
    for (size_t i = 0; i < LEN(foreign); i++) touch(f, foreign[i]);
    touch(f, "http-request-trace-acme-2026-01-02T15-04-05.000.ndjson");
    f->tracer = http_tracer_free(f->tracer);
    assert_int_equal(http_tracer_delete(f->dir, "acme", NULL), 0);
    assert_int_equal(count_files(f), LEN(foreign));
    assert_int_equal(http_tracer_delete(f->dir, "acme", NULL), 0);
    assert_int_equal(http_tracer_delete("/nonexistent/logs", "acme", NULL), 0);
}

static void limit_file_size(rlim_t bytes) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// A limit of the process stands for the full disk: the write that passes it is cut short.
static void what_cannot_be_written_is_told_once_and_leaves_no_half_line(void **state) {
    struct fixture *f = *state;
    struct fault fault = {{0}};
    signal(SIGXFSZ, SIG_IGN);
    trace_answer(f, "before");
    assert_false(http_tracer_trouble(f->tracer, &fault));
    limit_file_size(1000);
    for (int i = 0; i < 10; i++) trace_answer(f, "while the disk is full");
    bool told = http_tracer_trouble(f->tracer, &fault);
    bool told_again = http_tracer_trouble(f->tracer, &fault);
    limit_file_size(RLIM_INFINITY);
    assert_true(told);
    assert_false(told_again);
    assert_non_null(strstr(fault.text, "http-request-trace-acme"));
    trace_answer(f, "after");
    assert_false(http_tracer_trouble(f->tracer, &fault));
    AUTO_MEM char *text = read_all(f);
    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    struct str rest = str_from(text);
    while (rest.n > 0) {
        const struct json *line = NULL;
        assert_int_equal(json_read(reader, str_split(&rest, '\n'), &line, NULL), 0);
    }
    assert_non_null(strstr(text, "after"));
}

#define TRACER_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TRACER_TEST(a_request_and_its_answer_are_two_lines_with_elastics_names),
        TRACER_TEST(requests_without_an_answer_are_traced_with_the_reason),
        TRACER_TEST(a_token_exchange_shows_no_secret),
        TRACER_TEST(what_was_a_secret_once_is_masked_wherever_it_comes_again),
        TRACER_TEST(a_number_may_be_a_secret),
        TRACER_TEST(secrets_in_text_that_is_no_json_are_masked),
        TRACER_TEST(what_is_no_secret_stays_readable),
        TRACER_TEST(secrets_in_use_are_remembered_for_good),
        TRACER_TEST(long_bodies_are_cut_and_marked),
        TRACER_TEST(a_secret_at_the_cut_is_masked),
        TRACER_TEST(full_files_are_put_aside_and_five_are_kept),
        TRACER_TEST(a_tracer_goes_on_in_the_file_that_is_there),
        TRACER_TEST(links_are_not_followed),
        TRACER_TEST(a_name_cannot_leave_the_directory),
        TRACER_TEST(a_directory_that_cannot_be_made_is_named),
        TRACER_TEST(switching_off_deletes_the_tracers_own_files_only),
        TRACER_TEST(what_cannot_be_written_is_told_once_and_leaves_no_half_line),
    };
    return cmocka_run_group_tests_name("tracer", tests, NULL, NULL);
}
