// SPDX-License-Identifier: Apache-2.0
// The tables of fields against everything that says what documents hold: the reference's list, the
// fields of Elastic's detection rules, and every document that is expected anywhere.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/parse.h"
#include "base/time.h"
#include "elastic/template-internal.h"
#include "json/read.h"

static const struct elastic_fields *const all_fields[] = {
    &elastic_ecs_fields, &elastic_okta_fields, &elastic_gate_fields, &elastic_okta_stream};

static const struct elastic_field *find(struct str name) {
    for (size_t t = 0; t < LEN(all_fields); t++)
        for (size_t i = 0; i < all_fields[t]->n; i++)
            if (str_eqz(name, all_fields[t]->rows[i].name)) return &all_fields[t]->rows[i];
    return NULL;
}

// ---- the tables

static void tables_are_sorted_so_that_members_follow_their_objects(void **state) {
    (void)state;
    for (size_t t = 0; t < LEN(all_fields); t++)
        for (size_t i = 1; i < all_fields[t]->n; i++)
            if (strcmp(all_fields[t]->rows[i - 1].name, all_fields[t]->rows[i].name) >= 0)
                fail_msg("%s is out of order", all_fields[t]->rows[i].name);
}

#define D "okta.debug_context.debug_data."

// Section 4 of the reference.
static const struct {
    enum elastic_type type;
    const char *prefix, *names;
} reference[] = {
    {FIELD_KEYWORD, "okta.", "uuid event_type version severity display_message"},
    {FIELD_KEYWORD, "okta.actor.", "id type alternate_id"},
    {FIELD_NAMED, "okta.", "actor.display_name client.user_agent.raw_user_agent"},
    {FIELD_IP, "okta.", "client.ip"},
    {FIELD_KEYWORD, "okta.client.", "zone device id user_agent.os user_agent.browser"},
    {FIELD_KEYWORD, "okta.device.",
     "disk_encryption_type id name os_platform os_version screen_lock_type"},
    {FIELD_BOOLEAN, "okta.device.", "managed registered secure_hardware_present"},
    {FIELD_FLATTENED, "okta.", "device.device_integrator request.ip_chain"},
    {FIELD_KEYWORD, "okta.outcome.", "reason result"},
    {FIELD_KEYWORD, "okta.target.", "alternate_id display_name id type"},
    {FIELD_KEYWORD, "okta.transaction.",
     "id type detail.request_api_token_id detail.root_api_token_id"},
    {FIELD_FLATTENED, D, "flattened"},
    {FIELD_KEYWORD, D,
     "authnRequestId client_secret device_fingerprint dt_hash factor granted_scopes grant_type "
     "request_id request_uri threat_suspected requested_scopes risk_behaviors risk_level "
     "risk_reasons promptingPolicyTypes risk.level risk.reasons risk_object"},
    {FIELD_LOOSE, D, "risk behaviors logOnlySecurityData"},
    {FIELD_NAMED, D, "url"},
    {FIELD_KEYWORD, D "behaviors.",
     "New_City New_Country New_Device New_Geo_Location New_IP New_State Velocity "
     "Velocity_Behavior"},
    {FIELD_KEYWORD, D "logOnlySecurityData.",
     "behaviors.New_City behaviors.New_Country behaviors.New_Device behaviors.New_Geo_Location "
     "behaviors.New_IP behaviors.New_State behaviors.Velocity risk risk.level risk.reasons"},
    {FIELD_KEYWORD, D "originalPrincipal.", "alternateId displayName id type"},
    {FIELD_OPEN, D, "tunnels"},
    {FIELD_KEYWORD, "okta.authentication_context.",
     "authentication_provider credential_provider credential_type external_session_id interface "
     "root_session_id issuer.id issuer.type"},
    {FIELD_INTEGER, "okta.",
     "authentication_context.authentication_step security_context.as.number"},
    {FIELD_KEYWORD, "okta.security_context.", "as.organization.name isp domain"},
    {FIELD_BOOLEAN, "okta.security_context.", "is_proxy"},
    {FIELD_CONSTANT, "",
     "data_stream.type data_stream.dataset data_stream.namespace event.module "
     "event.dataset"},
    {FIELD_TIMESTAMP, "", "@timestamp"},
    {FIELD_KEYWORD, "", "input.type cloud.image.id host.os.build host.os.codename log.flags"},
    {FIELD_BOOLEAN, "", "host.containerized"},
    {FIELD_LONG, "", "log.offset source.as.number client.as.number"},
    {FIELD_IP, "", "client.ip source.ip related.ip"},
    {FIELD_POINT, "", "client.geo.location source.geo.location"},
    {FIELD_DATE, "", "event.created event.ingested"},
    {FIELD_ORIGINAL, "", "event.original"},
    {FIELD_NAMED, "", "user_agent.original user.name user.full_name client.user.name"},
};

static void every_field_of_the_reference_has_its_type(void **state) {
    (void)state;
    for (size_t i = 0; i < LEN(reference); i++) {
        struct str rest = str_from(reference[i].names);
        while (rest.p) {
            char name[200];
            struct str one = str_split(&rest, ' ');
            snprintf(name, sizeof name, "%s%.*s", reference[i].prefix, STR_ARG(one));
            const struct elastic_field *f = find(str_from(name));
            if (!f || f->type != reference[i].type) fail_msg("%s", name);
        }
    }
}

// ---- the assets

struct reading {
    struct json_reader *reader;
    size_t assets, templates;
};

static int read_asset(void *ctx, const struct elastic_asset *asset) {
    struct reading *r = ctx;
    const struct json *root = NULL;
    struct fault fault = {{0}};
    if (json_read(r->reader, asset->body, &root, &fault))
        fail_msg("%s: %s\n%.*s", asset->name, fault.text, STR_ARG(asset->body));
    assert_string_equal(asset->method, "PUT");
    assert_true(asset->path[0] == '/');
    assert_true(str_ends(asset->body, STR("}\n")));
    int64_t version = 0;
    r->assets++;
    if (asset->optional) return 0;
    r->templates++;
    assert_true(json_i64(json_get(root, "version"), &version));
    assert_int_equal(version, ELASTIC_TEMPLATE_VERSION);
    assert_true(str_eqz(json_str(json_path(root, "_meta.managed_by")), "gatehouse"));
    assert_int_equal(json_str(json_path(root, "_meta.digest")).n, 16);
    return 0;
}

static struct reading read_assets(const struct elastic_opts *opts, enum elastic_dialect dialect) {
    struct reading r = {0};
    assert_int_equal(json_reader_new(&r.reader), 0);
    assert_int_equal(elastic_assets_in(opts, dialect, read_asset, &r), 0);
    json_reader_free(r.reader);
    return r;
}

static void every_asset_is_json_with_a_version_in_every_dialect(void **state) {
    (void)state;
    static const struct {
        const char *index;
        size_t own; // index templates
    } names[] = {{NULL, 2},
                 {"okta-%{+yyyy.MM}", 1},
                 {"logs-okta.system-mine", 1},
                 {"logs-okta.system-%{[data_stream.namespace]}", 1},
                 {"logs-%{[data_stream.dataset]}-%{[data_stream.namespace]}", 2}, // not of logs-*
                 {"%{[event.action]}", 0},
                 {"x", 1}};
    for (size_t i = 0; i < LEN(names); i++) {
        for (int dialect = 0; dialect < DIALECTS; dialect++) {
            const struct elastic_opts opts = {
                .kind = dialect == DIALECT_OPENSEARCH ? ELASTIC_OPENSEARCH : ELASTIC_ELASTICSEARCH,
                .index = names[i].index,
                .retention_ms = i % 2 ? 86400000 : 0,
            };
            struct reading r = read_assets(&opts, (enum elastic_dialect)dialect);
            assert_int_equal(r.templates, 3 + names[i].own);
            assert_true(r.assets - r.templates <= (dialect == DIALECT_OPENSEARCH ? 1 : 0));
        }
    }
}

static void raw_documents_bring_no_assets(void **state) {
    (void)state;
    const struct elastic_opts opts = {.raw = true};
    assert_int_equal(read_assets(&opts, DIALECT_ELASTIC).assets, 0);
}

static int stop_at_once(void *ctx, const struct elastic_asset *asset) {
    (void)asset;
    ++*(int *)ctx;
    return -ECANCELED;
}

static void whoever_takes_assets_may_stop(void **state) {
    (void)state;
    const struct elastic_opts opts = {0};
    int calls = 0;
    assert_int_equal(elastic_assets(&opts, stop_at_once, &calls), -ECANCELED);
    assert_int_equal(calls, 1);
}

static void names_say_whether_they_are_of_data_streams(void **state) {
    (void)state;
    static const struct {
        const char *index;
        bool stream, constant, of_streams;
        const char *prefix;
    } rows[] = {
        {NULL, true, false, true, ""},
        {"logs-okta.system-mine", true, true, true, "logs-okta.system-mine"},
        {"logs-okta.system-%{[data_stream.namespace]}", true, false, true, "logs-okta.system-"},
        {"logs-x-%{[data_stream][namespace]}", true, false, true, "logs-x-"},
        {"x-%{[data_stream.namespace]}-%{[event.action]}", false, false, false, "x-"},
        {"%{[data_stream.dataset]}-%{[data_stream.namespace]:none}", false, false, true, ""},
        {"logs-okta.system-%{+yyyy}", false, false, false, "logs-okta.system-"},
        {"logs-okta", false, true, true, "logs-okta"},
        {"logs--x", false, true, true, "logs--x"},
        {"okta", false, true, true, "okta"},
        {"%{[event.action]}", false, false, false, ""},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        const struct elastic_opts opts = {.index = rows[i].index};
        assert_int_equal(elastic_index_is_stream(&opts), rows[i].stream);
        assert_int_equal(elastic_index_is_constant(&opts), rows[i].constant);
        assert_int_equal(elastic_index_is_of_streams(&opts), rows[i].of_streams);
        assert_true(str_eqz(elastic_index_prefix(&opts), rows[i].prefix));
    }
}

static void times_are_told_in_the_largest_unit_that_says_them(void **state) {
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "{\"enabled\":true}"},
        {90 * 86400000LL, "{\"enabled\":true,\"data_retention\":\"90d\"}"},
        {36 * 3600000LL, "{\"enabled\":true,\"data_retention\":\"36h\"}"},
        {90 * 60000LL, "{\"enabled\":true,\"data_retention\":\"90m\"}"},
        {90000, "{\"enabled\":true,\"data_retention\":\"90s\"}"},
        {90001, "{\"enabled\":true,\"data_retention\":\"90001ms\"}"},
    };
    for (size_t i = 0; i < LEN(rows); i++) {
        AUTO_FINI(buf) struct buf out = buf_make(1000);
        elastic_lifecycle_write(&out, rows[i].ms);
        assert_string_equal(buf_z(&out), rows[i].text);
    }
}

static void pretty_json_breaks_what_does_not_fit_in_a_line(void **state) {
    (void)state;
    AUTO_FINI(buf) struct buf out = buf_make(1000);
    elastic_pretty(&out, STR("{\"a\":{\"b\":\"x,{\\\"\",\"c\":[1,2]},\"d\":{\"e\":{\"f\":{}}}}"));
    assert_string_equal(buf_z(&out),
                        "{\n  \"a\": {\"b\": \"x,{\\\"\", \"c\": [1, 2]},\n  \"d\": {\n"
                        "    \"e\": {\"f\": {}}\n  }\n}\n");
}

// ---- documents

static char *read_all(const char *path) {
    struct stat about;
    FILE *f = fopen(path, "r");
    if (!f) return NULL;
    assert_int_equal(fstat(fileno(f), &about), 0);
    char *text = malloc((size_t)about.st_size + 1);
    assert_non_null(text);
    text[fread(text, 1, (size_t)about.st_size, f)] = '\0';
    fclose(f);
    return text;
}

static char *read_at(const char *name) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", getenv("GATEHOUSE_SOURCE"), name);
    return read_all(path);
}

struct document {
    const char *name;
    struct buf path;
    size_t leaves;
};

static bool is_number(const struct json *v) {
    double ignored;
    return parse_double(json_number(v), &ignored);
}

static bool is_date(const struct json *v) {
    int64_t ms;
    return time_parse_iso8601(json_str(v), &ms);
}

static bool is_address(const struct json *v) {
    char text[64];
    struct in6_addr ignored;
    snprintf(text, sizeof text, "%.*s", STR_ARG(json_str(v)));
    return inet_pton(AF_INET, text, &ignored) == 1 || inet_pton(AF_INET6, text, &ignored) == 1;
}

// Would an engine take the value as what it is declared to be, without leaving it out?
static bool fits(enum elastic_type type, const struct json *v) {
    bool object = json_type(v) == JSON_OBJECT;
    switch (type) {
    case FIELD_FLATTENED:
    case FIELD_OBJECT: return object;
    case FIELD_POINT: return is_number(json_get(v, "lat")) && is_number(json_get(v, "lon"));
    case FIELD_OPEN:
    case FIELD_FREE:
    case FIELD_LOOSE: return true;
    case FIELD_TIMESTAMP:
    case FIELD_DATE: return is_date(v);
    case FIELD_LONG:
    case FIELD_INTEGER: return is_number(v);
    case FIELD_BOOLEAN: return json_type(v) == JSON_BOOL;
    case FIELD_IP: return is_address(v);
    default: return !object;
    }
}

// Ends the walk: what is below has no fields of its own.
static bool is_whole(enum elastic_type type) {
    return type == FIELD_FLATTENED || type == FIELD_POINT || type == FIELD_OPEN ||
           type == FIELD_OBJECT;
}

static void walk(struct document *d, const struct json *v);

static void walk_members(struct document *d, const struct json *v) {
    struct json_iter it = json_iter(v);
    while (json_next(&it)) {
        size_t before = d->path.n;
        if (d->path.n) buf_addc(&d->path, '.');
        buf_add_str(&d->path, it.key);
        walk(d, it.value);
        buf_cut(&d->path, before);
    }
}

static void walk_leaf(struct document *d, const struct json *v, const struct elastic_field *f) {
    // Members without a contract, below okta. alone: they become keywords.
    struct str path = buf_str(&d->path);
    bool free_member = str_starts(path, STR(D)) || str_starts(path, STR("okta.target.")) ||
                       str_starts(path, STR("okta.device."));
    d->leaves++;
    if (f ? !fits(f->type, v) : !free_member)
        fail_msg("%s: %.*s %s", d->name, STR_ARG(path),
                 f ? "is of another type" : "is not declared");
}

static void walk(struct document *d, const struct json *v) {
    const struct elastic_field *f = find(buf_str(&d->path));
    struct json_iter it = json_iter(v);
    if (json_type(v) == JSON_NULL) return;
    if (json_type(v) == JSON_ARRAY)
        while (json_next(&it)) walk(d, it.value);
    else if (json_type(v) == JSON_OBJECT && !(f && is_whole(f->type))) walk_members(d, v);
    else walk_leaf(d, v, f);
}

// Where Elastic's pipeline tripped there are left-overs and absurd values.
static bool is_whole_document(const struct json *document) {
    return json_type(document) == JSON_OBJECT &&
           str_eqz(json_str(json_path(document, "event.kind")), "event") &&
           !json_path(document, "event.pipeline");
}

static size_t check(const char *name, const struct json *document) {
    struct document d = {.name = name, .path = buf_make(4096)};
    if (!is_whole_document(document)) return 0;
    walk(&d, document);
    buf_fini(&d.path);
    assert_true(d.leaves > 2);
    return 1;
}

static const struct json *read_json(struct json_reader *reader, struct str text) {
    const struct json *root = NULL;
    struct fault fault = {{0}};
    if (json_read(reader, text, &root, &fault)) fail_msg("%s", fault.text);
    return root;
}

static void upstream_documents_fit_their_types(void **state) {
    (void)state;
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_MEM char *derived = read_at("../shared/okta-ecs/derived-mainline-3.14-expected.json");
    AUTO_MEM char *sample = read_at("../shared/okta-ecs/sample_event.json");
    if (!derived || !sample) skip();
    assert_int_equal(json_reader_new(&reader), 0);
    struct json_iter it = json_iter(json_get(read_json(reader, str_from(derived)), "expected"));
    size_t n = 0;
    while (json_next(&it)) n += check("derived", it.value);
    assert_int_equal(n, 26);
    assert_int_equal(check("sample", read_json(reader, str_from(sample))), 1);
}

static size_t check_lines(const char *file) {
    AUTO(json_reader) struct json_reader *reader = NULL;
    AUTO_MEM char *text = read_at(file);
    struct str rest = str_from(text);
    size_t n = 0;
    if (!text) skip();
    assert_int_equal(json_reader_new(&reader), 0);
    while (rest.p) {
        struct str line = str_trim(str_split(&rest, '\n'));
        if (!line.n) continue;
        const struct json *row = read_json(reader, line);
        n += check(file, json_get(row, "doc"));
    }
    return n;
}

static void documents_of_the_real_pipeline_fit_their_types(void **state) {
    (void)state;
#define REAL "../shared/okta-ecs/real-pipeline/"
    assert_true(check_lines(REAL "corpus-documents.ndjson") >= 150);
    assert_true(check_lines(REAL "corpus-documents-remove_flattened_debug.ndjson") >= 150);
}

// Goldens of absurd events are exempt: that they are taken all the same is seen on real engines
// (tests/live/test_same_documents.py), the bad integrator when it is collected.
static bool is_golden(struct str name) {
    static const char *const absurd[] = {"absurd", "numbers",
                                         "device.enrollment.create-bad-integrator"};
    for (size_t i = 0; i < LEN(absurd); i++)
        if (str_starts(name, str_from(absurd[i]))) return false;
    return str_ends(name, STR(".ecs.json")) || str_ends(name, STR(".fields.json"));
}

static void our_golden_documents_fit_their_types(void **state) {
    (void)state;
    AUTO(json_reader) struct json_reader *reader = NULL;
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden", getenv("GATEHOUSE_SOURCE"));
    DIR *folder = opendir(path);
    assert_non_null(folder);
    assert_int_equal(json_reader_new(&reader), 0);
    size_t n = 0;
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        char file[300];
        if (!is_golden(str_from(entry->d_name))) continue;
        snprintf(file, sizeof file, "tests/golden/%s", entry->d_name);
        AUTO_MEM char *text = read_at(file);
        n += check(entry->d_name, read_json(reader, str_from(text)));
    }
    closedir(folder);
    assert_true(n >= 25);
}

// How rules ask: whole words, wildcards, lists of values; networks of addresses.
static bool is_for_rules(enum elastic_type type) {
    return type == FIELD_KEYWORD || type == FIELD_NAMED || type == FIELD_CONSTANT ||
           type == FIELD_IP || type == FIELD_BOOLEAN || type == FIELD_LONG || type == FIELD_LOOSE;
}

static void every_field_of_the_detection_rules_is_declared(void **state) {
    (void)state;
    AUTO_MEM char *text = read_at("../shared/okta-ecs/detection-rule-fields.tsv");
    struct str rest = str_from(text);
    size_t n = 0;
    if (!text) skip();
    assert_int_equal(find(STR(D "flattened"))->type, FIELD_FLATTENED);
    while (rest.p) {
        struct str line = str_split(&rest, '\n');
        struct str name = str_split(&line, '\t');
        if (!name.n || name.p[0] == '#') continue;
        n++;
        if (str_starts(name, STR(D "flattened."))) continue;
        const struct elastic_field *f = find(name);
        if (!f || !is_for_rules(f->type)) fail_msg("%.*s", STR_ARG(name));
    }
    assert_int_equal(n, 45);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_sorted_so_that_members_follow_their_objects),
        cmocka_unit_test(every_field_of_the_reference_has_its_type),
        cmocka_unit_test(every_asset_is_json_with_a_version_in_every_dialect),
        cmocka_unit_test(raw_documents_bring_no_assets),
        cmocka_unit_test(whoever_takes_assets_may_stop),
        cmocka_unit_test(names_say_whether_they_are_of_data_streams),
        cmocka_unit_test(times_are_told_in_the_largest_unit_that_says_them),
        cmocka_unit_test(pretty_json_breaks_what_does_not_fit_in_a_line),
        cmocka_unit_test(upstream_documents_fit_their_types),
        cmocka_unit_test(documents_of_the_real_pipeline_fit_their_types),
        cmocka_unit_test(our_golden_documents_fit_their_types),
        cmocka_unit_test(every_field_of_the_detection_rules_is_declared),
    };
    return cmocka_run_group_tests_name("elastic/templates", tests, NULL, NULL);
}
