// SPDX-License-Identifier: Apache-2.0
// File and --set become one tree, the tree becomes the struct; all of it lives in one arena that is
// wiped in the end.
#include "daemon/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/settings-internal.h"
#include "watch/filter.h"

#define HERE "gatehouse.yml"
#define SYSTEM "/etc/gatehouse/gatehouse.yml"

enum { WARNINGS_MAX = 16 };

// What a struct settings is the first part of.
struct settings_owner {
    struct settings settings;
    struct arena arena;
};

struct settings *settings_free(struct settings *s) {
    if (!s) return NULL;
    struct settings_owner *owner = (struct settings_owner *)s;
    arena_fini(&owner->arena);
    free(owner);
    return NULL;
}

static bool is_chosen(const char *const *names, size_t n, const struct settings_output *output) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], output->name) == 0) return true;
    return n == 0;
}

int settings_join_hosts(const char *const *hosts, size_t n, char **ret) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 20);
    for (size_t i = 0; i < n; i++) buf_addf(&text, "%s%s", i ? "," : "", hosts[i]);
    *ret = n ? buf_take(&text) : NULL;
    return n && !*ret ? -ENOMEM : 0;
}

bool settings_source_feeds(const struct settings_source *source,
                           const struct settings_output *output) {
    return is_chosen(source->outputs, source->output_count, output);
}

bool settings_gate_feeds(const struct settings_gate *gate, const struct settings_output *output) {
    return is_chosen(gate->outputs, gate->output_count, output);
}

const char *settings_output_type_name(enum settings_output_type type) {
    const struct conf_key *outputs = conf_table_find(&settings_table, STR("outputs"));
    return conf_table_find(outputs->table, STR("type"))->words[type];
}

void settings_show(const struct settings *s, struct buf *out) {
    conf_write_yaml(&settings_table, s, out);
}

// ---- warnings ----

static int warn(struct settings_owner *owner, struct buf *text) {
    const char **list = NULL;
    memcpy(&list, &owner->settings.warnings, sizeof list);
    if (owner->settings.warning_count == WARNINGS_MAX) return 0;
    if (!list) list = arena_take_array(&owner->arena, WARNINGS_MAX, sizeof *list);
    const char *copy = arena_text(&owner->arena, buf_str(text));
    if (!list || !copy || text->error) return -ENOMEM;
    list[owner->settings.warning_count++] = copy;
    owner->settings.warnings = list;
    return 0;
}

static int warn_of_secret(struct settings_owner *owner, const struct settings_input *input,
                          const struct conf_node *secret) {
    if (!secret || !(input->mode & S_IROTH)) return 0;
    AUTO_FINI(buf) struct buf text = buf_make(16384);
    buf_addf(&text, "%s:%zu: ", input->name, secret->place.line);
    conf_node_path(secret, &text);
    buf_addf(&text,
             " is a secret in a file that everybody on this machine can read: "
             "chmod 0600 %s, or write ${file:/path} or ${VARIABLE}",
             input->name);
    return warn(owner, &text);
}

static int warn_unverified(struct settings_owner *owner, const struct settings_ssl *ssl,
                           const char *what, const char *name) {
    if (ssl->verification_mode != SETTINGS_VERIFY_NONE) return 0;
    AUTO_FINI(buf) struct buf text = buf_make(16384);
    buf_addf(&text,
             "%s%s: ssl.verification_mode is none, so anybody on the way there can read the "
             "credentials",
             what, name);
    return warn(owner, &text);
}

static int warn_of_verification(struct settings_owner *owner) {
    const struct settings *s = &owner->settings;
    int rc = warn_unverified(owner, &s->mfa.ssl, "mfa", "");
    for (size_t i = 0; !rc && i < s->source_count; i++) {
        const char *name = s->sources[i].name;
        rc = warn_unverified(owner, &s->sources[i].ssl, "source ", name ? name : "without a name");
    }
    for (size_t i = 0; !rc && i < s->output_count; i++) {
        const char *name = s->outputs[i].name;
        rc = warn_unverified(owner, &s->outputs[i].ssl, "output ", name ? name : "without a name");
    }
    return rc;
}

// NONE is ours, for events without a result (watch/filter.h).
static const char *const results[] = {
    "SUCCESS",    "FAILURE",  "SKIPPED",   "ALLOW",     "DENY",       "CHALLENGE", "UNKNOWN",
    "RATE_LIMIT", "DEFERRED", "SCHEDULED", "ABANDONED", "UNANSWERED", "NONE"};

static bool is_result(const char *pattern) {
    for (size_t i = 0; i < LEN(results); i++)
        if (filter_matches(str_from(pattern), str_from(results[i]), true)) return true;
    return false;
}

// Not refused: Okta may have more one day.
static int warn_of_result(struct settings_owner *owner, const struct settings_output *o,
                          const char *pattern) {
    if (is_result(pattern)) return 0;
    AUTO_FINI(buf) struct buf text = buf_make(16384);
    char quoted[CONF_QUOTE_MAX];
    buf_addf(&text, "output %s: filter.outcomes: %s is no result that Okta is known to give (",
             o->name, conf_quote(str_from(pattern), quoted));
    for (size_t i = 0; i < LEN(results); i++) buf_addf(&text, "%s%s", i ? ", " : "", results[i]);
    buf_addz(&text, "), so no event may have it");
    return warn(owner, &text);
}

static int warn_of_filters(struct settings_owner *owner) {
    const struct settings *s = &owner->settings;
    int rc = 0;
    for (size_t i = 0; i < s->output_count; i++)
        for (size_t k = 0; !rc && k < s->outputs[i].filter.outcome_count; k++)
            rc = warn_of_result(owner, &s->outputs[i], s->outputs[i].filter.outcomes[k]);
    return rc;
}

// ---- loading ----

static int load_tree(struct settings_owner *owner, struct conf_load *load,
                     const struct conf_node *root) {
    int rc = conf_load(load, &settings_table, root, &owner->settings);
    if (rc) return rc;
    return load->errors->n ? SETTINGS_E_WRONG : 0;
}

static int read_tree(struct settings_owner *owner, const struct settings_input *input,
                     struct conf_errors *errors, struct conf_node **ret) {
    struct conf_node *root;
    int rc = conf_parse(&owner->arena, input->name, input->text, errors, &root);
    for (size_t i = 0; !rc && i < input->override_count; i++)
        rc = conf_override(&owner->arena, &settings_table, root, input->overrides[i], errors);
    if (!rc) *ret = root;
    return rc;
}

int settings_parse(struct settings **ret, const struct settings_input *input,
                   struct conf_errors *errors) {
    struct settings_owner *owner = mem_new(sizeof *owner);
    if (!owner) return -ENOMEM;
    AUTO(settings) struct settings *s = &owner->settings;
    struct conf_node *root;
    int rc = read_tree(owner, input, errors, &root);
    if (rc) return rc;
    struct conf_load load = {
        .arena = &owner->arena, .env = input->env, .errors = errors, .root = &settings_table};
    rc = load_tree(owner, &load, root);
    if (!rc) rc = warn_of_secret(owner, input, load.secret);
    if (!rc) rc = warn_of_verification(owner);
    if (!rc) rc = warn_of_filters(owner);
    if (!rc) *ret = TAKE(s);
    return rc;
}

// ---- map ----

// `map` has one source and nothing else; a key that a source does not have may be one of the top.
static int override_for_map(struct settings_owner *owner, struct conf_node *root,
                            struct conf_node *source, const char *assignment,
                            struct conf_errors *errors) {
    struct str rest = {assignment, strcspn(assignment, "=")};
    struct str first = str_split(&rest, '.');
    bool top = !conf_table_find(&settings_source_table, first) &&
               conf_table_find(&settings_table, first) && !str_eq(first, STR("sources"));
    return conf_override(&owner->arena, top ? &settings_table : &settings_source_table,
                         top ? root : source, assignment, errors);
}

static int make_map_tree(struct settings_owner *owner, const char *const *overrides, size_t n,
                         struct conf_errors *errors, struct conf_node **ret) {
    struct conf_place nowhere = {0};
    struct conf_node *root = conf_node_new(&owner->arena, NULL, CONF_MAP, nowhere);
    struct conf_node *list = root ? conf_node_new(&owner->arena, root, CONF_LIST, nowhere) : NULL;
    struct conf_node *source = list ? conf_node_new(&owner->arena, list, CONF_MAP, nowhere) : NULL;
    if (!source) return -ENOMEM;
    list->key = "sources";
    for (size_t i = 0; i < n; i++) {
        int rc = override_for_map(owner, root, source, overrides[i], errors);
        if (rc) return rc;
    }
    *ret = root;
    return 0;
}

int settings_for_map(struct settings **ret, const char *const *overrides, size_t n,
                     struct conf_errors *errors) {
    struct settings_owner *owner = mem_new(sizeof *owner);
    if (!owner) return -ENOMEM;
    AUTO(settings) struct settings *s = &owner->settings;
    struct conf_node *root;
    int rc = make_map_tree(owner, overrides, n, errors, &root);
    if (rc) return rc;
    struct conf_load load = {
        .arena = &owner->arena, .env = &conf_env_system, .errors = errors, .partial = true};
    rc = load_tree(owner, &load, root);
    if (!rc) *ret = TAKE(s);
    return rc;
}

// ---- files ----

static int say_file(struct conf_errors *errors, const char *path, int error) {
    conf_errors_add(errors, (struct conf_place){.file = path}, STR_NONE,
                    "cannot read the settings: %s", error_text(error));
    return SETTINGS_E_WRONG;
}

static int read_open(int fd, struct buf *into, uint32_t *ret_mode) {
    struct stat info;
    if (fstat(fd, &info)) return -errno;
    if (S_ISDIR(info.st_mode)) return -EISDIR;
    if (!buf_reserve(into, into->max)) return -ENOMEM;
    while (into->n < into->max) {
        ssize_t n = read(fd, into->p + into->n, into->max - into->n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -errno;
        if (n == 0) break;
        into->n += (size_t)n;
    }
    *ret_mode = info.st_mode & 0777;
    return 0;
}

bool settings_file_exists(void) { return access(HERE, F_OK) == 0 || access(SYSTEM, F_OK) == 0; }

static int open_settings(const char **path, struct conf_errors *errors) {
    const char *const places[] = {HERE, SYSTEM};
    const char *const *tries = *path ? path : places;
    size_t n = *path ? 1 : LEN(places);
    for (size_t i = 0; i < n; i++) {
        int fd = open(tries[i], O_RDONLY | O_CLOEXEC | O_NOCTTY);
        if (fd < 0 && errno == ENOENT && !*path) continue;
        if (fd < 0) return say_file(errors, tries[i], -errno), -1;
        *path = tries[i];
        return fd;
    }
    conf_errors_add(errors, (struct conf_place){0}, STR_NONE,
                    "no settings file: looked for " HERE " in the working directory and for " SYSTEM
                    "; name another one with -c FILE");
    return -1;
}

int settings_load(struct settings **ret, const char *path, const char *const *overrides, size_t n,
                  struct conf_errors *errors) {
    const char *name = path;
    int fd = open_settings(&name, errors);
    if (fd < 0) return SETTINGS_E_WRONG;
    // One byte more than is allowed, so that a larger file is noticed.
    struct buf text = buf_make(CONF_FILE_MAX + 1);
    struct settings_input input = {
        .name = name, .overrides = overrides, .override_count = n, .env = &conf_env_system};
    int rc = read_open(fd, &text, &input.mode);
    close(fd);
    input.text = buf_str(&text);
    if (rc == 0) rc = settings_parse(ret, &input, errors);
    else if (rc != -ENOMEM) rc = say_file(errors, name, rc);
    buf_wipe(&text);
    return rc;
}

static void say_all(const struct settings *s, const struct conf_errors *errors) {
    AUTO_FINI(buf) struct buf text = buf_make(CONF_FILE_MAX);
    for (size_t i = 0; s && i < s->warning_count; i++)
        buf_addf(&text, "warning: %s\n", s->warnings[i]);
    conf_errors_write(errors, &text);
    if (text.n) fwrite(text.p, 1, text.n, stderr);
}

// What a program that ends then does with the outcome of a load.
static int say_outcome(int rc, struct settings *s, const struct conf_errors *errors,
                       struct settings **ret) {
    if (rc < 0) fprintf(stderr, "settings: %s\n", error_text(rc));
    say_all(s, errors);
    if (!rc) *ret = s;
    return rc;
}

int settings_load_or_say(struct settings **ret, const char *path, const char *const *overrides,
                         size_t n) {
    struct conf_errors errors = {0};
    struct settings *s = NULL;
    int rc = settings_load(&s, path, overrides, n, &errors);
    return say_outcome(rc, s, &errors, ret);
}

int settings_for_map_or_say(struct settings **ret, const char *const *overrides, size_t n) {
    struct conf_errors errors = {0};
    struct settings *s = NULL;
    int rc = settings_for_map(&s, overrides, n, &errors);
    return say_outcome(rc, s, &errors, ret);
}
