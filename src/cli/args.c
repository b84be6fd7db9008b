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
    size_t count_offset; // of a list
};

#define AT(member) offsetof(struct args, member)

static const struct flag flags[] = {
    {ARGS_CONFIG, "config", 'c', "FILE", FLAG_TEXT, AT(config),
     "settings file (default gatehouse.yml, then /etc/gatehouse/gatehouse.yml)"},
    {ARGS_SET, "set", 0, "KEY=VALUE", FLAG_LIST, AT(sets), "override one setting; may be repeated",
     AT(set_count)},
    {ARGS_DEV, "dev", 0, NULL, FLAG_BOOL, AT(dev),
     "try the gate out: in memory, root token `root`, 127.0.0.1:8200"},
    {ARGS_ONCE, "once", 0, NULL, FLAG_BOOL, AT(once), "end when every source has caught up"},
    {ARGS_JSON, "json", 0, NULL, FLAG_BOOL, AT(json), "print JSON, one object per line"},
    {ARGS_SHOW, "show", 0, NULL, FLAG_BOOL, AT(show),
     "print the settings in force, secrets masked"},
    {ARGS_ID, "id", 0, "N", FLAG_TEXT, AT(id), "only the dead letter with this number"},
    {ARGS_MARKDOWN, "markdown", 0, NULL, FLAG_BOOL, AT(markdown), "as a page of docs/"},
    {ARGS_MAN, "man", 0, NULL, FLAG_BOOL, AT(man), "as the man page gatehouse.yml(5)"},
    {ARGS_TYPE, "type", 0, "TYPE", FLAG_TEXT, AT(type),
     "rsa (default), or ec: p256, p384 or p521; ec alone is p256"},
    {ARGS_BITS, "bits", 0, "N", FLAG_TEXT, AT(bits), "of an RSA key: 2048, 3072 (default) or 4096"},
    {ARGS_PEM, "pem", 0, NULL, FLAG_BOOL, AT(pem), "write a PEM (PKCS#8) instead of a JWK"},
    {ARGS_KID, "kid", 0, "KID", FLAG_TEXT, AT(kid), "key id (default: the key's thumbprint)"},
    {ARGS_SINCE, "since", 0, "T", FLAG_TEXT, AT(since),
     "where to begin: 2026-08-01, 2026-08-01T10:00:00Z, or so long ago: 90d, 12h"},
    {ARGS_UNTIL, "until", 0, "T", FLAG_TEXT, AT(until), "where to end, likewise (default: now)"},
    {ARGS_SOURCE, "source", 0, "NAME", FLAG_LIST, AT(sources),
     "only of this source; may be repeated", AT(source_count)},
    {ARGS_OUTPUT, "output", 0, "NAME", FLAG_LIST, AT(outputs),
     "only for this output; may be repeated", AT(output_count)},
    {ARGS_GATE, "address", 0, "URL", FLAG_TEXT, AT(address),
     "of the gate (default BAO_ADDR or VAULT_ADDR, then https://127.0.0.1:8200)"},
    {ARGS_LIMIT, "limit", 0, "N", FLAG_TEXT, AT(limit), "at most so many (default 20)"},
    {ARGS_CLEAR, "clear", 0, NULL, FLAG_BOOL, AT(clear),
     "forget what speaks against pushes to USER"},
    {ARGS_DRY_RUN, "dry-run", 0, NULL, FLAG_BOOL, AT(dry_run),
     "change nothing, and say what would be done"},
    {ARGS_EXPORT, "export", 0, NULL, FLAG_BOOL, AT(export),
     "print what would be put, and ask nobody; needs no settings"},
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
    size_t *n = (size_t *)(void *)(base + f->count_offset);
    if (*n >= ARGS_SETS_MAX) return wrong(command, f->name, "given too often");
    ((const char **)(void *)(base + f->offset))[(*n)++] = value;
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
