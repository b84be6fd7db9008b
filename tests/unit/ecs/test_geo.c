// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

#include "ecs/geo.h"
#include "ecs/map.h"
#include "json/read.h"

#define CITY                                                                                       \
    "{\"198.51.100.0/24\": {\"city\": {\"names\": {\"en\": \"Troms\\u00f8\", \"de\": \"x\"}}, "    \
    "\"continent\": {\"names\": {\"en\": \"Europe\"}}, "                                           \
    "\"country\": {\"iso_code\": \"NO\", \"names\": {\"en\": \"Norway\"}}, "                       \
    "\"location\": {\"latitude\": 69.6496, \"longitude\": -18.5}, "                                \
    "\"subdivisions\": [{\"iso_code\": \"10\", \"names\": {\"en\": \"North\"}}, "                  \
    "{\"iso_code\": \"55\", \"names\": {\"en\": \"Troms\"}}]}, "                                   \
    "\"203.0.113.0/25\": {\"country\": {\"names\": {\"en\": \"Nowhere\"}}}, "                      \
    "\"2001:db8::/32\": {\"country\": {\"iso_code\": \"NO\"}}}"
#define ASN                                                                                        \
    "{\"198.51.100.0/24\": {\"autonomous_system_number\": 4200000000, "                            \
    "\"autonomous_system_organization\": \"Fjord & Sons\"}}"

static char folder[] = "/tmp/gatehouse-geo-XXXXXX";
static char city_path[64], asn_path[64];

static void make(const char *type, const char *entries, const char *path) {
    char command[8192];
    snprintf(command, sizeof command, "python3 '%s/tests/tools/make_mmdb.py' %s '%s' '%s'",
             getenv("GATEHOUSE_SOURCE"), type, entries, path);
    assert_int_equal(system(command), 0);
}

static int make_databases(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(city_path, sizeof city_path, "%s/city.mmdb", folder);
    snprintf(asn_path, sizeof asn_path, "%s/asn.mmdb", folder);
    make("Test-City", CITY, city_path);
    make("Test-ASN", ASN, asn_path);
    return 0;
}

static int remove_databases(void **state) {
    (void)state;
    unlink(city_path);
    unlink(asn_path);
    return rmdir(folder);
}

#define EVENT(address)                                                                             \
    "{\"uuid\":\"u\",\"client\":{\"ipAddress\":\"" address "\",\"geographicalContext\":{"          \
    "\"city\":\"Oslo\",\"country\":\"Okta's Norway\"}},"                                           \
    "\"securityContext\":{\"asNumber\":64496,\"asOrg\":\"Okta's net\"}}"

static void map(const char *event, const struct ecs_geo *geo, struct json_reader *reader,
                const struct json **ret) {
    AUTO(ecs_mapper) struct ecs_mapper *m = NULL;
    AUTO_FINI(buf) struct buf out = buf_make(1 << 20);
    struct ecs_opts opts = {.geo = geo};
    assert_int_equal(ecs_mapper_new(&m, &opts), 0);
    assert_int_equal(ecs_map(m, str_from(event), 0, &out, NULL, NULL), 0);
    assert_int_equal(json_read(reader, buf_str(&out), ret, NULL), 0);
}

static void assert_at(const struct json *doc, const char *path, const char *text) {
    const struct json *v = json_path(doc, path);
    struct str got = json_str(v).p ? json_str(v) : json_number(v);
    if (!text && !v) return;
    if (!text || !got.p || !str_eqz(got, text))
        fail_msg("%s is %.*s, expected %s", path, STR_ARG(got), text ? text : "nothing");
}

struct check {
    const char *path, *text;
};

static void check_event(const char *event, const char *city, const char *asn,
                        const struct check *checks, size_t n) {
    AUTO(ecs_geo) struct ecs_geo *geo = NULL;
    AUTO(json_reader) struct json_reader *reader = NULL;
    const struct json *doc = NULL;
    struct fault fault = {0};
    if (city || asn) assert_int_equal(ecs_geo_new(&geo, city, asn, &fault), 0);
    assert_int_equal(json_reader_new(&reader), 0);
    map(event, geo, reader, &doc);
    for (size_t i = 0; i < n; i++) assert_at(doc, checks[i].path, checks[i].text);
}

static void a_known_address_gets_the_fields_of_elasticsearch(void **state) {
    (void)state;
    static const struct check checks[] = {
        {"source.geo.city_name", "Tromsø"},      {"source.geo.continent_name", "Europe"},
        {"source.geo.country_iso_code", "NO"},   {"source.geo.country_name", "Norway"},
        {"source.geo.region_iso_code", "NO-55"}, {"source.geo.region_name", "Troms"},
        {"source.geo.location.lat", "69.6496"},  {"source.geo.location.lon", "-18.5"},
        {"source.as.number", "4200000000"},      {"source.as.organization.name", "Fjord & Sons"},
        {"client.geo.city_name", "Oslo"},        {"okta.security_context.as.number", "64496"},
    };
    check_event(EVENT("198.51.100.7"), city_path, asn_path, checks, LEN(checks));
    check_event(EVENT("::ffff:198.51.100.7"), city_path, asn_path, checks, LEN(checks));
}

static void missing_fields_of_a_record_are_left_out(void **state) {
    (void)state;
    static const struct check sparse[] = {
        {"source.geo.country_name", "Nowhere"}, {"source.geo.city_name", NULL},
        {"source.geo.region_iso_code", NULL},   {"source.geo.location", NULL},
        {"source.as.number", "64496"},
    };
    static const struct check v6[] = {{"source.geo.country_iso_code", "NO"},
                                      {"source.geo.country_name", NULL}};
    check_event(EVENT("203.0.113.9"), city_path, asn_path, sparse, LEN(sparse));
    check_event(EVENT("2001:db8::1%eth0"), city_path, NULL, v6, LEN(v6));
}

static void an_unknown_address_gets_what_okta_says(void **state) {
    (void)state;
    static const struct check checks[] = {
        {"source.geo.city_name", "Oslo"},
        {"source.geo.country_name", "Okta's Norway"},
        {"source.geo.country_iso_code", NULL},
        {"source.as.number", "64496"},
        {"source.as.organization.name", "Okta's net"},
    };
    check_event(EVENT("10.0.0.1"), city_path, asn_path, checks, LEN(checks));
    check_event(EVENT("203.0.113.200"), city_path, asn_path, checks, LEN(checks));
    check_event(EVENT("null"), city_path, asn_path, checks, LEN(checks));
    check_event(EVENT("198.51.100.7"), NULL, NULL, checks, LEN(checks));
}

static void one_database_is_enough(void **state) {
    (void)state;
    static const struct check only_asn[] = {{"source.geo.city_name", "Oslo"},
                                            {"source.as.number", "4200000000"}};
    static const struct check only_city[] = {{"source.geo.city_name", "Tromsø"},
                                             {"source.as.number", "64496"}};
    check_event(EVENT("198.51.100.7"), NULL, asn_path, only_asn, LEN(only_asn));
    check_event(EVENT("198.51.100.7"), city_path, NULL, only_city, LEN(only_city));
}

static void a_file_that_is_no_database_is_named(void **state) {
    (void)state;
    struct ecs_geo *geo = NULL;
    struct fault fault = {0};
    assert_int_equal(ecs_geo_new(&geo, "/nowhere/x.mmdb", NULL, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "/nowhere/x.mmdb"));
    assert_int_equal(ecs_geo_new(&geo, city_path, "/proc/self/exe", &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "/proc/self/exe"));
    assert_null(geo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_known_address_gets_the_fields_of_elasticsearch),
        cmocka_unit_test(missing_fields_of_a_record_are_left_out),
        cmocka_unit_test(an_unknown_address_gets_what_okta_says),
        cmocka_unit_test(one_database_is_enough),
        cmocka_unit_test(a_file_that_is_no_database_is_named),
    };
    return cmocka_run_group_tests_name("ecs/geo", tests, make_databases, remove_databases);
}
