// SPDX-License-Identifier: Apache-2.0
// Any bytes as a settings file, and what stands behind a line of two percent signs as values of
// --set, one per line. Nothing is read from the machine. Settings that load are shown, and what was
// shown loads again and shows the same.
#include <errno.h>
#include <stdio.h>

#include "daemon/settings.h"

#include "fuzz.h"

enum { SETS_MAX = 16 };

static const char *variable(void *ctx, const char *name) {
    (void)ctx;
    return name[0] == 'E' ? "" : name[0] == 'N' ? NULL : "value";
}

static int file(void *ctx, const char *path, struct buf *into) {
    (void)ctx;
    if (path[0] != '/') return -ENOENT;
    buf_addz(into, "content\n");
    return 0;
}

static int readable(void *ctx, const char *path) {
    (void)ctx;
    return path[0] == '!' ? -EACCES : 0;
}

static const struct conf_env env = {.variable = variable, .file = file, .readable = readable};

static void load_again(const struct settings *s) {
    AUTO_FINI(buf) struct buf first = buf_make(64 << 20);
    settings_show(s, &first);
    MUST(!first.error);
    if (first.n > 1 << 20) return;
    struct conf_errors errors = {0};
    AUTO(settings) struct settings *again = NULL;
    struct settings_input input = {.name = "shown", .text = buf_str(&first), .env = &env};
    int rc = settings_parse(&again, &input, &errors);
    if (rc) fprintf(stderr, "%s\n", errors.list[0].text.text);
    MUST(rc == 0);
    AUTO_FINI(buf) struct buf second = buf_make(64 << 20);
    settings_show(again, &second);
    MUST(str_eq(buf_str(&first), buf_str(&second)));
}

static void check_wrong(const struct conf_errors *errors) {
    MUST(errors->n > 0);
    for (size_t i = 0; i < errors->n; i++) MUST(errors->list[i].text.text[0]);
}

static size_t split_sets(char *lines, const char *sets[SETS_MAX]) {
    size_t n = 0;
    for (char *line = lines; line && *line && n < SETS_MAX;) {
        sets[n++] = line;
        line = strchr(line, '\n');
        if (line) *line++ = '\0';
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    size_t at = str_find(text, STR("\n%%\n"));
    struct str behind = str_sub(text, at + 4, text.n);
    AUTO_MEM char *lines = mem_copy(behind.p, behind.n);
    MUST(lines);
    const char *sets[SETS_MAX];
    struct settings_input input = {.name = "fuzz.yml",
                                   .text = str_sub(text, 0, at),
                                   .mode = 0644,
                                   .overrides = sets,
                                   .env = &env};
    input.override_count = split_sets(lines, sets);
    struct conf_errors errors = {0};
    AUTO(settings) struct settings *s = NULL;
    int rc = settings_parse(&s, &input, &errors);
    MUST(rc == 0 || rc == SETTINGS_E_WRONG);
    if (rc) check_wrong(&errors);
    else load_again(s);

    struct conf_errors for_map = {0};
    AUTO(settings) struct settings *map = NULL;
    // Keys that open files by themselves are left to the other call.
    for (size_t i = 0; i < input.override_count; i++)
        if (strchr(sets[i], '$') || strchr(sets[i], '/')) return 0;
    rc = settings_for_map(&map, sets, input.override_count, &for_map);
    MUST(rc == 0 || rc == SETTINGS_E_WRONG);
    return 0;
}
