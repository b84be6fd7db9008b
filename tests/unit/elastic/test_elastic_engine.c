// SPDX-License-Identifier: Apache-2.0
// What is sent to an engine and how its answers are read, and which settings are refused.
#include <errno.h>

#include "base/time.h"
#include "elastic/engine-internal.h"
#include "world.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\n"
#define OK_X OK_HEAD "Content-Length: 1\r\n\r\nx"

static const struct step ok_step = {OK_X, 0, STEP_KEEP};

// ---- hosts

struct host_row {
    const char *text, *protocol, *path;
    const char *base; // NULL: refused
    const char *words;
};

static const struct host_row host_rows[] = {
    {"es", NULL, NULL, "http://es:9200", NULL},
    {"es:9201", NULL, NULL, "http://es:9201", NULL},
    {" es ", "https", NULL, "https://es:9200", NULL},
    {"http://es", "https", NULL, "http://es:9200", NULL},
    {"https://es", NULL, NULL, "https://es:9200", NULL},
    {"https://es:443/", "", NULL, "https://es:443", NULL},
    {"es", NULL, "search", "http://es:9200/search", NULL},
    {"es/", NULL, "/search/", "http://es:9200/search", NULL},
    {"es/own/path/", NULL, "/search", "http://es:9200/own/path", NULL},
    {"es", NULL, "/", "http://es:9200", NULL},
    {"[::1]", NULL, NULL, "http://[::1]:9200", NULL},
    {"[::1]:9201/a", NULL, NULL, "http://[::1]:9201/a", NULL},
    {"::1", NULL, NULL, "http://[::1]:9200", NULL},
    {"https://2001:db8::7/x", NULL, NULL, "https://[2001:db8::7]:9200/x", NULL},
    {"http://me:pw@[::1]", NULL, NULL, "http://[::1]:9200", NULL},
    {"me:p@w@es:1", NULL, NULL, "http://es:1", NULL},
    {"https://al%40x:s%3Ae%25cret@es/a@b", NULL, NULL, "https://es:9200/a@b", NULL},
    {"", NULL, NULL, NULL, "the host's name is missing"},
    {"https://", NULL, NULL, NULL, "the host's name is missing"},
    {"http://:9200", NULL, NULL, NULL, "hosts: \"http://:9200\": "},
    {"ftp://es", NULL, NULL, NULL, "https:// or http://"},
    {"es:port", NULL, NULL, NULL, "hosts: \"es:port\": "},
    {"es:99999", NULL, NULL, NULL, "hosts: \"es:99999\": "},
    {"es?pipeline=x", NULL, NULL, NULL, "parameters"},
    {"es/#x", NULL, NULL, NULL, "parameters"},
    {"e s", NULL, NULL, NULL, "hosts: \"e s\": "},
    {"es/a b", NULL, NULL, NULL, "hosts: \"es\": "},
    {"e%73", NULL, NULL, NULL, "percent-encoded"},
    {"http://me:sec%zzret@es", NULL, NULL, NULL, "%25"},
    {"http://me:secret%2@es", NULL, NULL, NULL, "%25"},
    {"http://a%3Ab:secret@es", NULL, NULL, NULL, "':'"},
    {"http://me:secret%0Ax@es", NULL, NULL, NULL, "control"},
    {"http://me:secret@", NULL, NULL, NULL, "missing"},
    {"http://me:secret@es?x", NULL, NULL, NULL, "hosts: \"http://es\": "},
};

static void hosts_are_read_as_filebeat_reads_them(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(host_rows); i++) {
        const struct host_row *row = &host_rows[i];
        const struct elastic_opts opts = {.protocol = row->protocol, .path = row->path};
        struct elastic_host host;
        struct fault fault = {{0}};
        int r = elastic_host_read(&host, &opts, row->text, &fault);
        if (r != (row->base ? 0 : -EINVAL)) fail_msg("%s: %d, %s", row->text, r, fault.text);
        if (row->base) assert_string_equal(host.base, row->base);
        else if (!strstr(fault.text, row->words)) fail_msg("%s: %s", row->text, fault.text);
        assert_null(strstr(fault.text, "secret"));
        elastic_host_fini(&host);
    }
}

// ---- credentials

struct auth_row {
    const char *host, *username, *password, *api_key;
    const char *line; // NULL: none
};

static const struct auth_row auth_rows[] = {
    {"es", NULL, NULL, NULL, NULL},
    {"es", "", "", "", NULL},
    {"es", "Aladdin", "open sesame", NULL, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {"es", "elastic", "a:b:c", NULL, "Basic ZWxhc3RpYzphOmI6Yw=="},
    {"es", "elastic", NULL, NULL, "Basic ZWxhc3RpYzo="},
    {"es", "test", "123\xC2\xA3", NULL, "Basic dGVzdDoxMjPCow=="}, // RFC 7617 section 2.1
    {"es", "a%40b", "c%", NULL, "Basic YSU0MGI6YyU="},             // of settings nothing is decoded
    {"es", NULL, NULL, "id:key", "ApiKey aWQ6a2V5"},
    {"es", NULL, NULL, "id:ke:y", "ApiKey aWQ6a2U6eQ=="},
    {"es", NULL, NULL, "aWQ6a2V5", "ApiKey aWQ6a2V5"},
    {"es", NULL, NULL, "aWQ6a2U6eQ==", "ApiKey aWQ6a2U6eQ=="},
    {"http://Aladdin:open%20sesame@es", NULL, NULL, NULL, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
    {"http://test:123%C2%A3@es", "other", "pw", NULL, "Basic dGVzdDoxMjPCow=="},
    {"http://elastic@es", NULL, NULL, NULL, "Basic ZWxhc3RpYzo="},
    {"http://elastic:a:b%3Ac@es", NULL, NULL, NULL, "Basic ZWxhc3RpYzphOmI6Yw=="},
};

static void credentials_become_one_header(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(auth_rows); i++) {
        const struct auth_row *row = &auth_rows[i];
        const struct elastic_opts opts = {
            .username = row->username, .password = row->password, .api_key = row->api_key};
        struct elastic_host host;
        struct fault fault = {{0}};
        char expected[128];
        snprintf(expected, sizeof expected, "Authorization: %s", row->line ? row->line : "");
        assert_int_equal(elastic_host_read(&host, &opts, row->host, &fault), 0);
        if (row->line) assert_string_equal(host.authorization, expected);
        else assert_null(host.authorization);
        elastic_host_fini(&host);
    }
}

// ---- settings that are wrong

struct wrong_row {
    struct elastic_opts opts;
    const char *words;
};

static const char *const one_host[] = {"es"};
static const char *const user_host[] = {"http://me:secret@es"};
static const char *const header_rows[] = {"Authorization=secret", "X-Found=Y", "no value",
                                          "X Y=secret",           "=secret",   "content-length=9",
                                          "X-A=secret\r\nB: c"};

#define HOST .hosts = one_host, .host_count = 1
#define HEADER(i) .headers = &header_rows[i], .header_count = 1

static const struct wrong_row wrong_rows[] = {
    {{.host_count = 0}, "hosts: "},
    {{HOST, .protocol = "tcp"}, "protocol: "},
    {{HOST, .compression_level = 10}, "compression_level: "},
    {{HOST, .compression_level = -1}, "compression_level: "},
    {{HOST, .password = "secret"}, "password: "},
    {{HOST, .username = "a", .password = "secret", .api_key = "id:secret"}, "api_key: "},
    {{HOST, .username = "a:b", .password = "secret"}, "username: "},
    {{HOST, .username = "a", .password = "secret\n"}, "username: "},
    {{HOST, .api_key = "id:"}, "api_key: "},
    {{HOST, .api_key = ":secret"}, "api_key: "},
    {{HOST, .api_key = "not base 64, secret"}, "api_key: "},
    {{.hosts = user_host, .host_count = 1, .api_key = "id:secret"}, "hosts: "},
    {{HOST, HEADER(0), .username = "a"}, "headers: Authorization"},
    {{HOST, HEADER(0), .api_key = "id:secret"}, "headers: Authorization"},
    {{HOST, HEADER(2)}, "headers: number 1"},
    {{HOST, HEADER(3)}, "headers: \"X Y\""},
    {{HOST, HEADER(4)}, "headers: \"\""},
    {{HOST, HEADER(5)}, "headers: content-length"},
    {{HOST, HEADER(6)}, "headers: the value of X-A"},
    {{HOST, .proxy_url = "gopher://x"}, "proxy_url"},
    {{HOST, .tls.certificate = "/nowhere"}, "ssl.key: "},
};

static void wrong_settings_are_refused_by_name_and_without_secrets(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(wrong_rows); i++) {
        const struct wrong_row *row = &wrong_rows[i];
        struct elastic *e = NULL;
        struct fault fault = {{0}};
        assert_int_equal(elastic_new(&e, &row->opts, NULL, &fault), -EINVAL);
        assert_null(e);
        if (!strstr(fault.text, row->words)) fail_msg("row %zu: %s", i, fault.text);
        assert_null(strstr(fault.text, "secret"));
    }
}

// ---- requests

static void a_request_says_what_it_should_and_no_more(void **state) {
    (void)state;
    static const char *const headers[] = {"X-Found = a=b ", "X-Empty="};
    struct world w;
    world_start_one(&w, &ok_step, 1);
    w.opts.path = "/search";
    w.opts.username = "elastic";
    w.opts.password = "pw";
    w.opts.headers = headers;
    w.opts.header_count = LEN(headers);
    w.request = (struct elastic_request){.method = "POST",
                                         .path = "/_bulk?filter_path=a,b",
                                         .body = STR("{\"create\":{}}\n{}\n"),
                                         .ndjson = true};
    world_open(&w);
    world_expect(&w, 200, "x");
    char expected[640];
    snprintf(expected, sizeof expected,
             "POST /search/_bulk?filter_path=a,b HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUser-Agent: "
             "gatehouse/" GATEHOUSE_VERSION "\r\nAccept-Encoding: gzip\r\nX-Found: a=b\r\nX-Empty:"
             "\r\nAuthorization: Basic ZWxhc3RpYzpwdw==\r\nAccept: application/json\r\n"
             "Content-Type: application/x-ndjson\r\nContent-Length: 17\r\n",
             w.servers[0].port);
    assert_string_equal(w.servers[0].requests[0], expected);
    assert_string_equal(w.servers[0].bodies[0], "{\"create\":{}}\n{}\n");
    snprintf(expected, sizeof expected, "http://127.0.0.1:%d/search", w.servers[0].port);
    assert_string_equal(elastic_host(w.engine), expected);
    w.request = (struct elastic_request){.method = "PUT", .path = "/a", .body = STR("{}")};
    world_expect(&w, 200, "x");
    assert_true(scripted_saw(&w.servers[0], 1, "Content-Type: application/json\r\n"));
    w.request = (struct elastic_request){.method = "GET", .path = "/a"};
    world_expect(&w, 200, "x");
    assert_false(scripted_saw(&w.servers[0], 2, "Content-"));
    assert_int_equal(w.servers[0].conn_count, 1);
    world_end(&w);
}

static void what_is_accepted_may_be_set(void **state) {
    (void)state;
    static const char *const headers[] = {"accept=application/vnd.elasticsearch+json"};
    struct world w;
    world_start_one(&w, &ok_step, 1);
    w.opts.headers = headers;
    w.opts.header_count = 1;
    world_open(&w);
    world_expect(&w, 200, "x");
    assert_true(scripted_saw(&w.servers[0], 0, "accept: application/vnd.elasticsearch+json\r\n"));
    assert_false(scripted_saw(&w.servers[0], 0, "Accept: application/json"));
    world_end(&w);
}

static void unpack(struct str packed, struct buf *ret) {
    z_stream z = {.next_in = (const Bytef *)packed.p, .avail_in = (uInt)packed.n};
    assert_int_equal(inflateInit2(&z, MAX_WBITS + 16), Z_OK);
    assert_true(buf_reserve(ret, 4 << 20));
    z.next_out = (Bytef *)ret->p;
    z.avail_out = 4 << 20;
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    assert_int_equal(z.avail_in, 0);
    ret->n = (4 << 20) - z.avail_out;
    inflateEnd(&z);
}

static size_t length_of(const char *head) { return announced_length(str_from(head)); }

// Bodies of several sizes, the largest in the middle: what the stream kept must not be seen.
static void bodies_are_packed_each_for_itself(void **state) {
    (void)state;
    static const size_t sizes[] = {511, 512, 2000000, 600, 3, 100000};
    for (int level = 1; level <= 9; level += 4) {
        struct world w;
        world_start_one(&w, &ok_step, 1);
        w.opts.compression_level = level;
        world_open(&w);
        for (size_t i = 0; i < LEN(sizes); i++) {
            AUTO_FINI(buf) struct buf body = buf_make(4 << 20);
            AUTO_FINI(buf) struct buf seen = buf_make(8 << 20);
            while (body.n < sizes[i]) buf_addf(&body, "%zu,", body.n * 2654435761u);
            buf_cut(&body, sizes[i]);
            w.request = (struct elastic_request){
                .method = "POST", .path = "/", .body = buf_str(&body), .ndjson = true};
            world_expect(&w, 200, "x");
            bool packed = sizes[i] >= 512;
            struct str sent = {w.servers[0].bodies[i], length_of(w.servers[0].requests[i])};
            assert_int_equal(scripted_saw(&w.servers[0], i, "Content-Encoding: gzip\r\n"), packed);
            if (packed) unpack(sent, &seen);
            else buf_add_str(&seen, sent);
            assert_true(str_eq(buf_str(&seen), buf_str(&body)));
        }
        world_end(&w);
    }
}

// ---- answers

struct retry_row {
    const char *headers;
    int64_t ms;
};

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static const struct retry_row retry_rows[] = {
    {"", 0},
    {"Retry-After: 7\r\n", 7000},
    {"retry-after: 0\r\n", 0},
    {"Retry-After: -7\r\n", 0},
    {"Retry-After: 7.5\r\n", 0},
    {"Retry-After: soon\r\n", 0},
    {"Retry-After:\r\n", 0},
    {"Retry-After: 3599\r\n", 3599000},
    {"Retry-After: 3601\r\n", 3600000},
    {"Retry-After: 18446744073709551615\r\n", 3600000},
    {DATE "Retry-After: Sun, 06 Nov 1994 08:50:00 GMT\r\n", 23000},
    {DATE "Retry-After: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 0},
    {DATE "Retry-After: Sun, 06 Nov 1994 08:00:00 GMT\r\n", 0},
    {DATE "Retry-After: Sun, 06 Nov 2094 08:00:00 GMT\r\n", 3600000},
    {"Retry-After: Sun, 06 Nov 1994 08:50:00 GMT\r\n", 0},
    {"Retry-After: Sat, 06 Nov 2094 08:50:00 GMT\r\n", 3600000},
};

static void retry_after_is_read_in_both_its_forms(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(retry_rows); i++) {
        char text[256];
        snprintf(text, sizeof text, "HTTP/1.1 429 Busy\r\n%sContent-Length: 0\r\n\r\n",
                 retry_rows[i].headers);
        const struct step step = {text, 0, STEP_KEEP};
        struct world w;
        world_start_one(&w, &step, 1);
        world_open(&w);
        world_expect(&w, 429, "");
        if (w.answer.retry_after_ms != retry_rows[i].ms)
            fail_msg("row %zu: %lld", i, (long long)w.answer.retry_after_ms);
        world_end(&w);
    }
}

static void an_answer_that_is_too_large_is_an_error_that_names_the_host(void **state) {
    (void)state;
    const struct step step = {OK_HEAD "Content-Length: 67108865\r\n\r\nx", 0, STEP_STALL};
    struct world w;
    world_start_one(&w, &step, 1);
    world_open(&w);
    assert_int_equal(world_ask(&w), -EIO);
    assert_non_null(strstr(w.fault.text, "larger than 67108864 bytes"));
    assert_true(str_starts(str_from(w.fault.text), str_from(w.texts[0])));
    world_end(&w);
}

static void a_redirect_is_an_answer_and_takes_nothing_anywhere(void **state) {
    (void)state;
    const struct step *steps[2] = {NULL, &ok_step};
    const size_t counts[2] = {1, 1};
    struct world w;
    char text[256] = "";
    const struct step moved = {text, 0, STEP_KEEP};
    steps[0] = &moved;
    world_start(&w, 2, steps, counts);
    snprintf(text, sizeof text, "HTTP/1.1 307 Moved\r\nLocation: %s/\r\nContent-Length: 0\r\n\r\n",
             w.texts[1]);
    w.opts.host_count = 1;
    w.opts.api_key = "id:key";
    world_open(&w);
    world_expect(&w, 307, "");
    assert_int_equal(w.servers[1].conn_count, 0);
    world_end(&w);
}

static size_t stop_when_asked(const struct scripted *s, const char *head) {
    (void)head;
    // The first server of the world.
    struct world *w = (struct world *)((uintptr_t)s - offsetof(struct world, servers));
    atomic_store(&w->stop, true);
    return 0;
}

static void a_stop_ends_an_ask_and_no_other_host_is_tried(void **state) {
    (void)state;
    const struct step stall = {OK_HEAD "Content-Length: 9\r\n\r\nx", 0, STEP_STALL};
    const struct step *steps[] = {&stall, &ok_step};
    const size_t counts[] = {1, 1};
    struct world w;
    world_start(&w, 2, steps, counts);
    w.servers[0].choose = stop_when_asked;
    world_open(&w);
    assert_int_equal(world_ask(&w), -ECANCELED);
    assert_int_equal(w.servers[1].conn_count, 0);
    world_end(&w);
}

static void what_cannot_be_sent_is_told(void **state) {
    (void)state;
    struct world w;
    world_start_one(&w, &ok_step, 1);
    world_open(&w);
    w.request.path = "/a b";
    assert_int_equal(world_ask(&w), -EIO);
    assert_string_equal(w.fault.text, "GET /a b: not a request that can be sent");
    w.request.path = "/a";
    world_expect(&w, 200, "x");
    world_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_are_read_as_filebeat_reads_them),
        cmocka_unit_test(credentials_become_one_header),
        cmocka_unit_test(wrong_settings_are_refused_by_name_and_without_secrets),
        cmocka_unit_test(a_request_says_what_it_should_and_no_more),
        cmocka_unit_test(what_is_accepted_may_be_set),
        cmocka_unit_test(bodies_are_packed_each_for_itself),
        cmocka_unit_test(retry_after_is_read_in_both_its_forms),
        cmocka_unit_test(an_answer_that_is_too_large_is_an_error_that_names_the_host),
        cmocka_unit_test(a_redirect_is_an_answer_and_takes_nothing_anywhere),
        cmocka_unit_test(a_stop_ends_an_ask_and_no_other_host_is_tried),
        cmocka_unit_test(what_cannot_be_sent_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
