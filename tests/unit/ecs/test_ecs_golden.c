// SPDX-License-Identifier: Apache-2.0
// Documents against those of others: what Elastic's pipeline made of the same events, and our own
// golden events. Every difference that may be is a row of `permitted`; nothing else may differ.
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "documents.h"
#include "ecs/map.h"
#include "uap-rules.h"

enum { OWN_EVENTS_MIN = 25 };

struct permitted {
    const char *cases; // names of cases with blanks between them, or "*"
    const char *kinds; // of differences: + only ours, - only theirs, ~ both
    const char *path;  // a star at the end: all that begin so
    const char *reason;
};

#define STOPPED "v103 v122 v125 v126 v129 v130 v175"
#define SCOPES "v166 hashicorp-forge__grove.ndjson:1"
#define BROKEN_DEBUG "v134 v137 v138 v139 v146 v147 v149 v150 v154 v157 v173"

static const struct permitted permitted[] = {
    // Deliberate, for every event.
    {"*", "+", "okta.severity", "table 3.10 row 7: declared by Elastic, never filled"},
    {"*", "+", "okta.version", "the same"},
    {"*", "+", "user.id", "row 6: the actor's id is known"},
    {"*", "+", "user.target.email", "row 4: from an alternateId that is an e-mail address"},
    {"*", "+", "okta.debug_context.debug_data.behaviors.*",
     "beside flattened, for detection rules"},
    {"*", "+-~", "source.geo.*", "Elastic: MaxMind's test database; here: what Okta says"},
    {"*", "+-~", "source.as.*", "the same"},
    // Times that are none: Elastic's collector had put its own time there.
    {"v197 v198 v199 v203 v205 v206 v207 v210 v221 v222 v226 v227 v229", "-", "@timestamp",
     "row 13: published does not parse, and `map` knows no time of the fetch"},
    {"26", "-", "@timestamp", "the same; the test's settings supply a time"},
    // Slips of the pipeline.
    {"v027 v029 NangoHQ__integration-templates.ndjson:26", "-", "event.message",
     "row 1: a type that is not in the table"},
    {"v027 v029 NangoHQ__integration-templates.ndjson:26", "-", "event.pipeline", "the same"},
    {"v027 v029", "-", "event.original", "the same: no tag, so nothing to preserve"},
    {"v027 v029", "~", "tags", "the same: the tag is not added"},
    {"NangoHQ__integration-templates.ndjson:26", "+", "event.category",
     "one of the 150 types that the table lacks"},
    {"NangoHQ__integration-templates.ndjson:26", "+", "event.type", "the same"},
    {"NangoHQ__integration-templates.ndjson:26", "~", "tags", "the same"},
    {"v181", "-", "okta.authentication_context.authentication_provider",
     "row 5: interface has a field of its own"},
    {"v181 SEKOIA-IO__intake-formats.ndjson:2", "+", "okta.authentication_context.interface",
     "the same"},
    {"v143", "~", "okta.debug_context.debug_data.risk_level", "no comma behind the level"},
    {"v143 v162", "~", "okta.debug_context.debug_data.flattened.risk.level", "the same"},
    {"v143 v162", "~", "okta.debug_context.debug_data.risk.level", "the same"},
    {"v078", "~", "related.ip", "a list is not printed as a Java map"},
    {"v109", "~", "related.user", "the same"},
    {"v123", "~", "okta.target", "numbers keep their digits: 1e+30, not 1.0E30"},
    {"v155", "+", "okta.debug_context.debug_data.flattened.logOnlySecurityData",
     "an object whose only member was null"},
    {"v155", "+", "okta.debug_context.debug_data.logOnlySecurityData", "the same"},
    {"v169 v170", "~", "error.message", "the text is ours"},
    {SCOPES, "-", "okta.debug_context.debug_data.clientSecret", "row 8: snake case here too"},
    {SCOPES, "-", "okta.debug_context.debug_data.grantType", "the same"},
    {SCOPES, "-", "okta.debug_context.debug_data.grantedScopes", "the same"},
    {SCOPES, "-", "okta.debug_context.debug_data.requestedScopes", "the same"},
    {SCOPES, "+", "okta.debug_context.debug_data.client_secret", "the same"},
    {SCOPES, "+", "okta.debug_context.debug_data.grant_type", "the same"},
    {SCOPES, "+", "okta.debug_context.debug_data.granted_scopes", "the same"},
    {SCOPES, "+", "okta.debug_context.debug_data.requested_scopes", "the same"},
    // The pipeline stopped half way: ours goes on to the end.
    {STOPPED " " BROKEN_DEBUG " v222 Azure__Azure-Sentinel.ndjson:1", "~", "event.kind",
     "never pipeline_error"},
    {STOPPED " " BROKEN_DEBUG " v222 Azure__Azure-Sentinel.ndjson:1", "-", "error.message",
     "the same"},
    {STOPPED " v222", "-", "event.original", "the pipeline's failure adds the tag, ours does not"},
    {STOPPED " v222", "~", "tags", "the same"},
    {STOPPED " v222 Azure__Azure-Sentinel.ndjson:1", "-", "json.*", "left-overs"},
    {STOPPED " v222 Azure__Azure-Sentinel.ndjson:1", "-", "_conf.*", "the same"},
    {STOPPED " Azure__Azure-Sentinel.ndjson:1", "+", "client.user.*", "steps that were not taken"},
    {STOPPED " Azure__Azure-Sentinel.ndjson:1", "+", "source.user.*", "the same"},
    {STOPPED " Azure__Azure-Sentinel.ndjson:1", "+", "related.*", "the same"},
    {STOPPED " Azure__Azure-Sentinel.ndjson:1", "+", "user.*", "the same"},
    {STOPPED " Azure__Azure-Sentinel.ndjson:1", "+", "user_agent.*", "the same"},
    {"v175", "+", "client.*", "row 11: the pipeline stops at device_integrator, its fourth step"},
    {"v175", "+", "source.*", "the same"},
    {"v175", "+", "event.*", "the same"},
    {"v175", "+", "okta.*", "the same"},
    {"v103", "-", "user_agent.original", "a list is no user agent"},
    {"v122", "~", "okta.target", "a detailEntry that is a text is dropped"},
    {"v129", "-", "okta.target", "a target that is no object: the field's type is object"},
    {"v130", "-", "okta.target.*", "a single target is taken as a list of one"},
    {"v130", "+", "okta.target", "the same"},
    {"v222", "+", "event.*", "keys that repeat: the last one counts"},
    {"v222", "+", "okta.*", "the same"},
    // The debug pipeline stopped half way.
    {BROKEN_DEBUG, "+-~", "okta.debug_context.debug_data.*", "see test_ecs_map for each of them"},
    {"v138", "-", "_behaviors_object.a", "a left-over"},
    {"v173", "-", "okta.debug_context.debug_data", "a list where an object belongs"},
    // Newer regexes than the node's.
    {"NangoHQ__integration-templates.ndjson:1 NangoHQ__integration-templates.ndjson:2 "
     "NangoHQ__integration-templates.ndjson:3 NangoHQ__integration-templates.ndjson:8",
     "+-~", "user_agent.*", "Jersey is known to newer regexes"},
    {"SEKOIA-IO__intake-formats.ndjson:1", "~", "user_agent.device.name",
     "Elasticsearch leaves $2 in the text"},
};

struct run {
    const char *name;
    bool user_agents; // compared only when uap-core is installed
    bool used[LEN(permitted)];
    size_t wrong, documents;
};

static bool is_case(const char *cases, const char *name) {
    struct str rest = str_from(cases);
    if (strcmp(cases, "*") == 0) return true;
    while (rest.p)
        if (str_eqz(str_split(&rest, ' '), name)) return true;
    return false;
}

static bool is_path(const char *pattern, const char *path) {
    size_t n = strlen(pattern);
    if (pattern[n - 1] != '*') return strcmp(pattern, path) == 0;
    return strncmp(pattern, path, n - 1) == 0;
}

static void tell(void *context, char kind, const char *path, const char *theirs, const char *ours) {
    struct run *run = context;
    bool parsed = strncmp(path, "user_agent.", 11) == 0 && strcmp(path, "user_agent.original") != 0;
    if (parsed && !run->user_agents) return;
    for (size_t i = 0; i < LEN(permitted); i++) {
        const struct permitted *p = &permitted[i];
        if (!strchr(p->kinds, kind) || !is_path(p->path, path) || !is_case(p->cases, run->name))
            continue;
        run->used[i] = true;
        return;
    }
    print_error("%s: %c %s\n  theirs %s\n  ours   %s\n", run->name, kind, path, theirs, ours);
    run->wrong++;
}

struct mapping {
    struct ecs_useragents *useragents;
    struct ecs_mapper *mapper;
    struct json_reader *ours, *theirs;
    struct buf out;
};

static struct mapping mapping_begin(struct ecs_opts opts) {
    struct mapping m = {.out = buf_make(SIZE_MAX / 2)};
    opts.event_type_tags = true;
    assert_int_equal(ecs_mapper_new(&m.mapper, &opts), 0);
    assert_int_equal(json_reader_new(&m.ours), 0);
    assert_int_equal(json_reader_new(&m.theirs), 0);
    return m;
}

// With the rules for user agents, where they are installed.
static struct mapping mapping_begin_parsing(struct ecs_opts opts) {
    struct ecs_useragents *useragents = NULL;
    assert_int_equal(ecs_useragents_new(&useragents), 0);
    if (uap_load(useragents, UAP_RULES_FILE)) useragents = ecs_useragents_free(useragents);
    opts.useragents = useragents;
    struct mapping m = mapping_begin(opts);
    m.useragents = useragents;
    return m;
}

static void mapping_end(struct mapping *m) {
    ecs_mapper_free(m->mapper);
    ecs_useragents_free(m->useragents);
    json_reader_free(m->ours);
    json_reader_free(m->theirs);
    buf_fini(&m->out);
}

static const struct json *read_json(struct json_reader *r, struct str text) {
    const struct json *root = NULL;
    struct fault fault = {0};
    if (json_read(r, text, &root, &fault)) fail_msg("%.*s: %s", STR_ARG(text), fault.text);
    return root;
}

static void compare_event(struct mapping *m, struct run *run, struct str event,
                          const struct json *theirs) {
    struct fault fault = {0};
    buf_reset(&m->out);
    run->user_agents = m->useragents != NULL;
    int e = ecs_map(m->mapper, event, 0, &m->out, NULL, &fault);
    if (e) fail_msg("%s: outcome %d: %s", run->name, e, fault.text);
    const struct json *ours = read_json(m->ours, buf_str(&m->out));
    compare_documents(theirs, ours, tell, run);
    run->documents++;
}

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

static char *read_at(const char *folder, const char *name) {
    char path[4096];
    const char *source = getenv("GATEHOUSE_SOURCE");
    assert_non_null(source);
    snprintf(path, sizeof path, "%s/%s/%s", source, folder, name);
    return read_all(path);
}

static struct str next_line(struct str *rest) { return str_trim(str_split(rest, '\n')); }

static struct str line_number(const char *text, int64_t number) {
    struct str rest = str_from(text), line = STR_NONE;
    for (int64_t i = 0; i < number; i++) line = next_line(&rest);
    return line;
}

static void upstream_events_become_upstream_documents(void **state) {
    (void)state;
    static const char *const tags[] = {"preserve_original_event"};
    AUTO_MEM char *events = read_at("../shared/okta-ecs", "test-okta-system-events.log");
    AUTO_MEM char *expected = read_at("../shared/okta-ecs", "derived-mainline-3.14-expected.json");
    if (!events || !expected) skip();
    struct mapping m =
        mapping_begin_parsing((struct ecs_opts){.tags = tags, .tag_count = LEN(tags)});
    struct json_iter it = json_iter(json_get(read_json(m.theirs, str_from(expected)), "expected"));
    struct str rest = str_from(events);
    struct run run = {0};
    for (int i = 1; json_next(&it); i++) {
        char name[16];
        snprintf(name, sizeof name, "%d", i);
        run.name = name;
        compare_event(&m, &run, next_line(&rest), it.value);
    }
    mapping_end(&m);
    assert_int_equal(run.documents, 26);
    assert_int_equal(run.wrong, 0);
}

static void compare_corpus(const char *documents, bool remove) {
    static const char *const tags[] = {"preserve_original_event", "forwarded", "okta-system"};
    AUTO_MEM char *expected = read_at("../shared/okta-ecs/real-pipeline", documents);
    if (!expected) skip();
    struct mapping m = mapping_begin_parsing(
        (struct ecs_opts){.tags = tags, .tag_count = LEN(tags), .remove_flattened_debug = remove});
    struct str rest = str_from(expected);
    struct run run = {0};
    for (struct str line = next_line(&rest); line.n; line = next_line(&rest)) {
        const struct json *row = read_json(m.theirs, line);
        char file[256], name[300];
        int64_t number = 0;
        assert_true(json_i64(json_get(row, "line"), &number));
        snprintf(file, sizeof file, "%.*s", STR_ARG(json_str(json_get(row, "file"))));
        snprintf(name, sizeof name, "%s:%d", file, (int)number);
        AUTO_MEM char *events = read_at("../shared/corpus", file);
        assert_non_null(events);
        run.name = name;
        compare_event(&m, &run, line_number(events, number), json_get(row, "doc"));
    }
    mapping_end(&m);
    assert_int_equal(run.documents, 153);
    assert_int_equal(run.wrong, 0);
}

static void corpus_becomes_what_the_pipeline_made_of_it(void **state) {
    (void)state;
    compare_corpus("corpus-documents.ndjson", false);
}

static void corpus_becomes_it_with_flattened_debug_removed(void **state) {
    (void)state;
    compare_corpus("corpus-documents-remove_flattened_debug.ndjson", true);
}

// Texts that are no events. The pipeline makes something of some of them.
static const struct {
    const char *name;
    int outcome;
} refused[] = {
    {"v213", ECS_E_NOT_JSON},   {"v214", ECS_E_NOT_JSON},   {"v215", ECS_E_NOT_JSON},
    {"v217", ECS_E_UNMAPPABLE}, {"v218", ECS_E_UNMAPPABLE}, {"v219", ECS_E_UNMAPPABLE},
    {"v223", ECS_E_NOT_JSON},   {"v225", ECS_E_NOT_JSON},
};

static bool is_refused(struct mapping *m, const char *name, struct str event) {
    for (size_t i = 0; i < LEN(refused); i++) {
        if (strcmp(refused[i].name, name) != 0) continue;
        struct fault fault = {0};
        buf_reset(&m->out);
        assert_int_equal(ecs_map(m->mapper, event, 0, &m->out, NULL, &fault), refused[i].outcome);
        assert_int_equal(m->out.n, 0);
        assert_int_not_equal(fault.text[0], '\0');
        return true;
    }
    return false;
}

static void compare_variation(struct mapping *m, struct run *run, struct json_reader *reader,
                              const struct json *row, const char *events) {
    char name[16];
    snprintf(name, sizeof name, "%.*s", STR_ARG(json_str(json_get(row, "id"))));
    run->name = name;
    struct str rest = str_from(events);
    for (struct str line = next_line(&rest); line.n; line = next_line(&rest)) {
        const struct json *input = read_json(reader, line);
        if (!str_eqz(json_str(json_get(input, "id")), name)) continue;
        struct str event = json_str(json_get(input, "message"));
        if (!is_refused(m, name, event)) compare_event(m, run, event, json_get(row, "doc"));
        else run->documents++;
        return;
    }
    fail_msg("no variation %s", name);
}

// One of the three settings under which each variation was recorded.
static void compare_variations(bool preserve, bool remove, struct run *run) {
    static const char *const tags[] = {"forwarded", "okta-system"};
    AUTO_MEM char *events = read_at("tests/golden", "variations.ndjson");
    AUTO_MEM char *expected = read_at("tests/golden", "variations-documents.ndjson");
    assert_true(events && expected);
    AUTO(json_reader) struct json_reader *reader = NULL;
    assert_int_equal(json_reader_new(&reader), 0);
    struct mapping m = mapping_begin_parsing((struct ecs_opts){.tags = tags,
                                                               .tag_count = LEN(tags),
                                                               .preserve_original_event = preserve,
                                                               .remove_flattened_debug = remove});
    struct str rest = str_from(expected);
    for (struct str line = next_line(&rest); line.n; line = next_line(&rest)) {
        const struct json *row = read_json(m.theirs, line);
        if (json_bool(json_get(row, "preserve_original_event")) == preserve &&
            json_bool(json_get(row, "remove_flattened_debug")) == remove)
            compare_variation(&m, run, reader, row, events);
    }
    mapping_end(&m);
}

static void variations_differ_only_where_they_may(void **state) {
    (void)state;
    struct run run = {0};
    compare_variations(false, false, &run);
    compare_variations(true, false, &run);
    compare_variations(true, true, &run);
    assert_int_equal(run.documents, 3 * 172);
    assert_int_equal(run.wrong, 0);
    for (size_t i = 0; i < LEN(permitted); i++) {
        bool of_variations = strchr(permitted[i].cases, 'v') == permitted[i].cases;
        if (of_variations && !run.used[i])
            fail_msg("nothing differs any more: %s %s", permitted[i].cases, permitted[i].path);
    }
}

static void print_difference(void *context, char kind, const char *path, const char *theirs,
                             const char *ours) {
    struct run *run = context;
    print_error("%s: %c %s\n  golden %s\n  ours   %s\n", run->name, kind, path, theirs, ours);
    run->wrong++;
}

// NAME.okta.json with NAME.ecs.json, and NAME.fields.json for remove_flattened_debug.
static void compare_own(struct mapping *m, struct run *run, const char *name, const char *ending) {
    char file[300];
    snprintf(file, sizeof file, "%s.okta.json", name);
    AUTO_MEM char *event = read_at("tests/golden", file);
    snprintf(file, sizeof file, "%s.%s.json", name, ending);
    AUTO_MEM char *expected = read_at("tests/golden", file);
    if (!expected && strcmp(ending, "fields") == 0) return;
    assert_true(event && expected);
    struct fault fault = {0};
    buf_reset(&m->out);
    run->name = name;
    int e = ecs_map(m->mapper, str_trim(str_from(event)), 0, &m->out, NULL, &fault);
    if (e) fail_msg("%s: outcome %d: %s", name, e, fault.text);
    compare_documents(read_json(m->theirs, str_from(expected)),
                      read_json(m->ours, buf_str(&m->out)), print_difference, run);
    run->documents++;
}

static void own_events_become_their_golden_documents(void **state) {
    (void)state;
    static const char *const tags[] = {"forwarded", "okta-system"};
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden", getenv("GATEHOUSE_SOURCE"));
    struct ecs_opts opts = {.tags = tags, .tag_count = LEN(tags)};
    struct mapping usual = mapping_begin(opts);
    opts.remove_flattened_debug = true;
    struct mapping fields = mapping_begin(opts);
    struct run run = {0};
    DIR *folder = opendir(path);
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
        struct str name = str_from(entry->d_name);
        if (!str_ends(name, STR(".okta.json"))) continue;
        entry->d_name[name.n - strlen(".okta.json")] = '\0';
        compare_own(&usual, &run, entry->d_name, "ecs");
        compare_own(&fields, &run, entry->d_name, "fields");
    }
    closedir(folder);
    mapping_end(&usual);
    mapping_end(&fields);
    assert_int_equal(run.wrong, 0);
    assert_true(run.documents >= OWN_EVENTS_MIN);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(upstream_events_become_upstream_documents),
        cmocka_unit_test(corpus_becomes_what_the_pipeline_made_of_it),
        cmocka_unit_test(corpus_becomes_it_with_flattened_debug_removed),
        cmocka_unit_test(variations_differ_only_where_they_may),
        cmocka_unit_test(own_events_become_their_golden_documents),
    };
    return cmocka_run_group_tests_name("ecs/golden", tests, NULL, NULL);
}
