// SPDX-License-Identifier: Apache-2.0
// Each scenario runs again and again, with its first allocation failing, then its second, and so on
// until it gets through without reaching the one that would fail. Every run must end with 0 or
// -ENOMEM; that nothing leaks and nothing freed is used is what the sanitized build sees.
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "daemon/settings.h"
#include "ecs/map.h"
#include "ecs/useragent.h"
#include "json/read.h"
#include "json/write.h"

#include "failmalloc.h"

enum { FILE_MAX_BYTES = 1 << 20, ATTEMPTS_MAX = 100000 };

// The folder of sample events: one file each, whose first byte belongs to the fuzzer.
static const char *events_folder;

static void fail_each(int (*scenario)(struct str input), struct str input) {
    for (long n = 1; n < ATTEMPTS_MAX; n++) {
        failmalloc_arm(n);
        int e = scenario(input);
        long count = failmalloc_disarm();
        if (e != 0 && e != -ENOMEM) fail_msg("allocation %ld failed: outcome %d", n, e);
        if (count >= n) continue;
        assert_int_equal(e, 0);
        assert_true(n > 1);
        return;
    }
    fail_msg("never got through");
}

static int read_and_write_json(struct str text) {
    AUTO(json_reader) struct json_reader *r = NULL;
    int e = json_reader_new(&r);
    if (e) return e;
    const struct json *v;
    e = json_read(r, text, &v, NULL);
    if (e) return e;
    AUTO_FINI(buf) struct buf out = buf_make(FILE_MAX_BYTES);
    e = json_add_value(&out, v);
    return e ? e : out.error;
}

static void reading_and_writing_json(void **state) {
    (void)state;
    fail_each(read_and_write_json,
              STR("{\"a\":[1,2.50,\"x\\n\"],\"b\":{\"c\":null},\"b\":{\"d\":true}}"));
}

static void repairing_broken_unicode(void **state) {
    (void)state;
    fail_each(read_and_write_json, STR("[\"\\ud800 and \xFF\", {\"\xC3\": 1}]"));
}

static int add_rules(struct ecs_useragents *agents) {
    static const struct ecs_ua_rule rules[] = {
        {.group = ECS_UA_AGENT,
         .regex = {"(Chrome|Firefox)/(\\d+)\\.(\\d+)", 30},
         .replacements = {{"$1", 2}}},
        {.group = ECS_UA_OS, .regex = {"Windows NT 10", 13}, .replacements = {{"Windows", 7}}},
        {.group = ECS_UA_DEVICE, .regex = {"(iPhone)", 8}, .flag = {"i", 1}},
    };
    for (size_t i = 0; i < LEN(rules); i++) {
        int e = ecs_useragents_add(agents, &rules[i]);
        if (e) return e;
    }
    return 0;
}

static int map_with(struct ecs_useragents *agents, struct str event) {
    static const char *const tags[] = {"forwarded", "okta-system"};
    const struct ecs_opts opts = {
        .tags = tags,
        .tag_count = LEN(tags),
        .preserve_original_event = true,
        .event_type_tags = true,
        .okta_url = "https://acme.okta.com/api/v1/logs",
        .useragents = agents,
        .agent_name = "host",
        .agent_version = "0",
        .data_stream_namespace = "default",
    };
    AUTO(ecs_mapper) struct ecs_mapper *m = NULL;
    int e = ecs_mapper_new(&m, &opts);
    if (e) return e;
    AUTO_FINI(buf) struct buf out = buf_make(FILE_MAX_BYTES);
    struct ecs_facts facts = {0};
    e = ecs_map(m, event, 1795341600000, &out, &facts, NULL);
    if (e < 0) assert_int_equal(out.n, 0);
    for (int form = ECS_FORM_RAW; e == 0 && form <= ECS_FORM_RAW_GO; form++) {
        size_t before = out.n;
        e = ecs_write(m, (enum ecs_form)form, &out, NULL);
        if (e) assert_int_equal(out.n, before);
    }
    return e > 0 ? 0 : e;
}

static int map_event(struct str event) {
    AUTO(ecs_useragents) struct ecs_useragents *agents = NULL;
    int e = ecs_useragents_new(&agents);
    if (e == 0) e = add_rules(agents);
    return e ? e : map_with(agents, event);
}

static void read_file(const char *name, struct buf *ret) {
    AUTO_FINI(buf) struct buf path = buf_make(4096);
    buf_addf(&path, "%s/%s", events_folder, name);
    FILE *file = fopen(buf_z(&path), "rb");
    assert_non_null(file);
    assert_true(buf_reserve(ret, FILE_MAX_BYTES));
    ret->n = fread(ret->p, 1, FILE_MAX_BYTES, file);
    fclose(file);
}

static void mapping_any_event(void **state) {
    (void)state;
    DIR *dir = opendir(events_folder);
    assert_non_null(dir);
    int seen = 0;
    struct dirent *entry;
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.') continue;
        AUTO_FINI(buf) struct buf content = buf_make(FILE_MAX_BYTES);
        read_file(entry->d_name, &content);
        fail_each(map_event, str_sub(buf_str(&content), 1, content.n));
        seen++;
    }
    closedir(dir);
    assert_true(seen > 20);
}

static const char *variable(void *ctx, const char *name) {
    (void)ctx;
    return strcmp(name, "OKTA_API_KEY") == 0 ? "00token" : NULL;
}

static int no_file(void *ctx, const char *path, struct buf *into) {
    (void)ctx;
    (void)path;
    (void)into;
    return -ENOENT;
}

static int readable(void *ctx, const char *path) {
    (void)ctx;
    (void)path;
    return 0;
}

static int load_settings(struct str text) {
    static const char *const overrides[] = {"sources.0.interval=5s", "log.level=debug"};
    const struct conf_env env = {.variable = variable, .file = no_file, .readable = readable};
    const struct settings_input input = {.name = "test.yml",
                                         .text = text,
                                         .mode = 0600,
                                         .overrides = overrides,
                                         .override_count = LEN(overrides),
                                         .env = &env};
    AUTO_MEM struct conf_errors *errors = mem_new(sizeof *errors);
    if (!errors) return -ENOMEM;
    AUTO(settings) struct settings *s = NULL;
    int e = settings_parse(&s, &input, errors);
    if (e) return e;
    AUTO_FINI(buf) struct buf shown = buf_make(FILE_MAX_BYTES);
    settings_show(s, &shown);
    return shown.error;
}

static void loading_settings(void **state) {
    (void)state;
    fail_each(load_settings, STR("sources:\n"
                                 "  - url: https://acme.okta.com/api/v1/logs\n"
                                 "    api_key: ${OKTA_API_KEY}\n"
                                 "    tags: [a, b]\n"
                                 "    ssl: { certificate_authorities: [/etc/ssl/corp.pem] }\n"
                                 "outputs:\n"
                                 "  - { name: db, type: sqlite, path: events.db, keep: 90d }\n"
                                 "  - { name: archive, type: file, path: /var/log/okta }\n"
                                 "listen:\n"
                                 "  address: 127.0.0.1:8200\n"
                                 "  x_forwarded_for_authorized_addrs: [10.0.0.0/8, \"::1\"]\n"
                                 "mfa:\n"
                                 "  okta_url: http://127.0.0.1:8081/\n"
                                 "  no_proxy: [a, b]\n"
                                 "  ssl: { certificate_authorities: [/etc/ssl/corp.pem] }\n"
                                 "  guard: { max_codes: 2 }\n"));
}

static int refuse_settings(struct str text) {
    int e = load_settings(text);
    return e == SETTINGS_E_WRONG ? 0 : e ? e : -EPROTO;
}

static void refusing_settings(void **state) {
    (void)state;
    fail_each(refuse_settings, STR("sources:\n"
                                   "  - url: ftp://acme\n"
                                   "    intervals: 5\n"
                                   "    api_key: ${NOT_SET}\n"
                                   "outputs: {}\n"));
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: test_memory EVENTS\n");
        return 2;
    }
    events_folder = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_and_writing_json), cmocka_unit_test(repairing_broken_unicode),
        cmocka_unit_test(mapping_any_event),        cmocka_unit_test(loading_settings),
        cmocka_unit_test(refusing_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
