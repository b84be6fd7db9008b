// SPDX-License-Identifier: Apache-2.0
#include "cli/args.h"

#include <stdio.h>

#include "base/str.h"

enum flag_kind { FLAG_BOOL, FLAG_TEXT, FLAG_LIST };

struct flag {
    unsigned bit; // 0: every command takes it
    const char *name;
    char letter;
    const char *argument;
    enum flag_kind kind;
    size_t offset;
    const char *help;
};

#define AT(member) offsetof(struct args, member)

static const struct flag flags[] = {
    {ARGS_CONFIG, "config", 'c', "FILE", FLAG_TEXT, AT(config),
     "settings file (default gatehouse.yml, then /etc/gatehouse/gatehouse.yml)"},
    {ARGS_SET, "set", 0, "KEY=VALUE", FLAG_LIST, AT(sets), "override one setting; may be repeated"},
    {ARGS_ONCE, "once", 0, NULL, FLAG_BOOL, AT(once), "end when every source has caught up"},
    {ARGS_JSON, "json", 0, NULL, FLAG_BOOL, AT(json), "print JSON, one object per line"},
    {ARGS_SHOW, "show", 0, NULL, FLAG_BOOL, AT(show),
     "print the settings in force, secrets masked"},
    {ARGS_ID, "id", 0, "N", FLAG_TEXT, AT(id), "only the dead letter with this number"},
    {ARGS_MARKDOWN, "markdown", 0, NULL, FLAG_BOOL, AT(markdown), "as docs/settings.md"},
    {ARGS_MAN, "man", 0, NULL, FLAG_BOOL, AT(man), "as the man page gatehouse.yml(5)"},
    {0, "help", 'h', NULL, FLAG_BOOL, AT(help), "this text"},
};

static const struct flag *find_long(struct str name) {
    for (size_t i = 0; i < LEN(flags); i++)
        if (str_eqz(name, flags[i].name)) return &flags[i];
    return NULL;
}

static const struct flag *find_letter(char letter) {
    for (size_t i = 0; i < LEN(flags); i++)
        if (flags[i].letter && flags[i].letter == letter) return &flags[i];
    return NULL;
}

static int wrong(const char *command, const char *word, const char *what) {
    fprintf(stderr, "gatehouse %s: %s: %s (see gatehouse %s --help)\n", command, word, what,
            command);
    return EXIT_USAGE;
}

static int store(struct args *a, const struct flag *f, const char *value, const char *command) {
    char *base = (char *)a;
    if (f->kind == FLAG_BOOL) *(bool *)(base + f->offset) = true;
    if (f->kind == FLAG_TEXT) *(const char **)(base + f->offset) = value;
    if (f->kind != FLAG_LIST) return 0;
    if (a->set_count >= ARGS_SETS_MAX) return wrong(command, "--set", "given too often");
    a->sets[a->set_count++] = value;
    return 0;
}

// `word` is "--name", "--name=value", "-x" or "-xvalue"; `*at` moves on when the next word is the
// value.
static int take_flag(struct args *a, int argc, char **argv, int *at, unsigned accepted,
                     const char *command) {
    const char *word = argv[*at];
    bool is_long = word[1] == '-';
    struct str value = str_from(word + 2);
    const struct flag *f;
    if (is_long) f = find_long(str_split(&value, '='));
    else f = find_letter(word[1]);
    if (!is_long && value.n == 0) value = STR_NONE;

    if (!f || (f->bit && !(f->bit & accepted))) return wrong(command, word, "no such option");
    if (f->kind == FLAG_BOOL && value.p) return wrong(command, word, "takes no value");
    if (f->kind != FLAG_BOOL && !value.p) {
        if (*at + 1 >= argc) return wrong(command, word, "a value is missing");
        value = str_from(argv[++*at]);
    }
    return store(a, f, value.p, command);
}

int args_parse(struct args *ret, int argc, char **argv, unsigned accepted, const char *command) {
    struct args a = {0};
    bool only_words = false;
    for (int i = 1; i < argc; i++) {
        bool is_flag = !only_words && argv[i][0] == '-' && argv[i][1];
        if (is_flag && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (is_flag) {
            int e = take_flag(&a, argc, argv, &i, accepted, command);
            if (e) return e;
        } else if (a.word_count < ARGS_WORDS_MAX) {
            a.words[a.word_count++] = argv[i];
        } else {
            return wrong(command, argv[i], "too many arguments");
        }
    }
    *ret = a;
    return 0;
}

void args_print_flags(unsigned accepted) {
    for (size_t i = 0; i < LEN(flags); i++) {
        const struct flag *f = &flags[i];
        if (f->bit && !(f->bit & accepted)) continue;
        char left[40];
        snprintf(left, sizeof left, "%s--%s%s%s", f->letter ? "-c, " : "    ", f->name,
                 f->argument ? " " : "", f->argument ? f->argument : "");
        if (f->letter) left[1] = f->letter;
        printf("  %-24s %s\n", left, f->help);
    }
}
