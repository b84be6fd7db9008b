// SPDX-License-Identifier: Apache-2.0
// libyaml's events, one after the other, without a tree: the file has 5,000 lines and is read at
// every start.
//
// The shape is {group: [{field: text, ...}, ...], ...}; `depth` counts the open brackets, so that a
// field's name or value is a scalar at depth 3, a group's name one at depth 1.
#include "conf/uap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

enum { FILE_MAX = 64 * 1024 * 1024, FIELDS_MAX = 7 };

enum place { AT_ROOT = 1, AT_GROUP = 2, AT_RULE = 3 };

// Where the value of a field goes, by the name of the field: regex, flag, or a replacement.
struct group_row {
    const char *name;
    enum conf_uap_group group;
    const char *replacements[5];
};

static const struct group_row groups[] = {
    {"user_agent_parsers",
     CONF_UAP_AGENT,
     {"family_replacement", "v1_replacement", "v2_replacement", "v3_replacement"}},
    {"os_parsers",
     CONF_UAP_OS,
     {"os_replacement", "os_v1_replacement", "os_v2_replacement", "os_v3_replacement",
      "os_v4_replacement"}},
    {"device_parsers", CONF_UAP_DEVICE, {"device_replacement"}},
};

struct uap_reader {
    yaml_parser_t parser;
    const char *path;
    struct fault *fault;
    int (*call)(void *ctx, const struct conf_uap_rule *rule);
    void *ctx;
    int depth;
    const struct group_row *group; // NULL: not one of ours
    bool want_value;               // a key was read at this depth
    struct str *target;            // of the value; NULL: passed over
    struct conf_uap_rule rule;
    yaml_event_t held[FIELDS_MAX]; // own the texts of `rule`
    size_t held_count;
    size_t rules;
};

static void forget_rule(struct uap_reader *r) {
    while (r->held_count) yaml_event_delete(&r->held[--r->held_count]);
    r->rule = (struct conf_uap_rule){0};
    r->want_value = false;
}

static void uap_reader_fini(struct uap_reader *r) {
    forget_rule(r);
    yaml_parser_delete(&r->parser);
}
DEFINE_AUTO_FINI(uap_reader)

static int wrong(struct uap_reader *r, size_t line, const char *what) {
    return fault_set(r->fault, -EINVAL, "%s:%zu: %s, expected a file like uap-core's regexes.yaml",
                     r->path, line + 1, what);
}

static struct str scalar_of(const yaml_event_t *e) {
    return (struct str){(const char *)e->data.scalar.value, e->data.scalar.length};
}

static const struct group_row *find_group(struct str name) {
    for (size_t i = 0; i < LEN(groups); i++)
        if (str_eqz(name, groups[i].name)) return &groups[i];
    return NULL;
}

static struct str *find_target(struct uap_reader *r, struct str field) {
    if (!r->group) return NULL;
    if (str_eq(field, STR("regex"))) return &r->rule.regex;
    if (str_eq(field, STR("regex_flag"))) return &r->rule.flag;
    for (size_t i = 0; i < LEN(r->group->replacements) && r->group->replacements[i]; i++)
        if (str_eqz(field, r->group->replacements[i])) return &r->rule.replacements[i];
    return NULL;
}

// A field's name, or its value. Takes the event over when it keeps its text.
static int on_field(struct uap_reader *r, yaml_event_t *e) {
    if (!r->want_value) {
        r->target = find_target(r, scalar_of(e));
        r->want_value = true;
        return 0;
    }
    r->want_value = false;
    if (!r->target) return 0;
    if (r->target->p) return wrong(r, e->start_mark.line, "a field that stands twice in a rule");
    *r->target = scalar_of(e);
    r->held[r->held_count++] = *e;
    *e = (yaml_event_t){0};
    return 0;
}

static int on_scalar(struct uap_reader *r, yaml_event_t *e) {
    switch (r->depth) {
    case AT_ROOT: r->group = find_group(scalar_of(e)); return 0;
    case AT_GROUP: return wrong(r, e->start_mark.line, "a text where a rule should be");
    case AT_RULE: return on_field(r, e);
    default: return r->depth ? 0 : wrong(r, e->start_mark.line, "only a text");
    }
}

static int on_start(struct uap_reader *r, const yaml_event_t *e) {
    bool map = e->type == YAML_MAPPING_START_EVENT;
    bool ours = r->depth == 0 || r->group;
    if (ours && r->depth < AT_RULE && map != (r->depth != AT_ROOT))
        return wrong(r, e->start_mark.line, "another shape");
    if (ours && r->depth >= AT_RULE) return wrong(r, e->start_mark.line, "nested too deep");
    if (r->depth >= 64) return wrong(r, e->start_mark.line, "nested too deep");
    r->depth++;
    return 0;
}

static int on_end(struct uap_reader *r, const yaml_event_t *e) {
    int rc = 0;
    if (r->depth-- != AT_RULE) return 0;
    if (r->group) {
        if (!r->rule.regex.n) return wrong(r, e->start_mark.line, "a rule without `regex`");
        r->rule.group = r->group->group;
        rc = r->call(r->ctx, &r->rule);
        r->rules++;
    }
    forget_rule(r);
    return rc;
}

static int on_event(struct uap_reader *r, yaml_event_t *e) {
    switch (e->type) {
    case YAML_SCALAR_EVENT: return on_scalar(r, e);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT: return on_start(r, e);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return on_end(r, e);
    case YAML_ALIAS_EVENT: return wrong(r, e->start_mark.line, "an alias");
    default: return 0;
    }
}

static int read_events(struct uap_reader *r) {
    for (bool end = false; !end;) {
        yaml_event_t event;
        if (!yaml_parser_parse(&r->parser, &event)) {
            if (r->parser.error == YAML_MEMORY_ERROR) return -ENOMEM;
            return wrong(r, r->parser.problem_mark.line,
                         r->parser.problem ? r->parser.problem : "not valid YAML");
        }
        end = event.type == YAML_STREAM_END_EVENT;
        int rc = on_event(r, &event);
        yaml_event_delete(&event);
        if (rc) return rc;
    }
    return r->rules ? 0 : wrong(r, 0, "no rules in it");
}

static int read_bytes(struct uap_reader *r, const void *bytes, size_t n) {
    if (!yaml_parser_initialize(&r->parser)) return -ENOMEM;
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, bytes, n);
    return read_events(r);
}

static int say(struct fault *fault, int code, const char *path) {
    return fault_set(fault, code, "cannot read %s: %s", path, error_text(code));
}

static int read_open(struct uap_reader *r, int fd) {
    struct stat info;
    if (fstat(fd, &info)) return say(r->fault, -errno, r->path);
    if (!S_ISREG(info.st_mode)) return say(r->fault, -EINVAL, r->path);
    if (info.st_size > FILE_MAX) return say(r->fault, -EFBIG, r->path);
    if (info.st_size == 0) return wrong(r, 0, "an empty file");
    size_t n = (size_t)info.st_size;
    void *bytes = mmap(NULL, n, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) return say(r->fault, -errno, r->path);
    int rc = read_bytes(r, bytes, n);
    munmap(bytes, n);
    return rc;
}

int conf_uap_read(const char *path, int (*rule)(void *ctx, const struct conf_uap_rule *rule),
                  void *ctx, struct fault *fault) {
    AUTO_FINI(uap_reader)
    struct uap_reader r = {.path = path, .fault = fault, .call = rule, .ctx = ctx};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return say(fault, -errno, path);
    int rc = read_open(&r, fd);
    close(fd);
    return rc;
}
