// SPDX-License-Identifier: Apache-2.0
#include "cli/commands.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "conf/value.h"

const struct command commands[] = {
    {"run", "the daemon: collect every source for ever, serve the gate", "[--dev]",
     "Polls each source of the settings file and delivers every event to its outputs exactly "
     "once;\n"
     "with `listen` in the settings it serves Vault's HTTP API there.\n"
     "SIGTERM ends it, SIGHUP reads the settings again. Tells systemd when it is ready.\n"
     "--dev tries the gate out: in memory, with the root token `root`, at 127.0.0.1:8200 unless\n"
     "listen.address says otherwise; no settings file is needed.",
     ARGS_CONFIG | ARGS_SET | ARGS_DEV, 0, 0, false, command_run},
    {"collect", "the same in the foreground, or once", "[--once]",
     "Collects until it is interrupted; with --once until every source has caught up.\n"
     "Shows its progress while catching up when stderr is a terminal.",
     ARGS_CONFIG | ARGS_SET | ARGS_ONCE, 0, 0, false, command_collect},
    {"backfill", "history, as fast as the rate limit permits",
     "--since T [--until T] [--source NAME] [--output NAME]",
     "Fetches what has not been delivered of the given range, by as many queries at once as spend "
     "the rate\n"
     "budget, and ends. What is delivered already, by an earlier backfill or by polling, is left "
     "out; "
     "what\n"
     "was interrupted is taken up again. When the range reaches the present of a new source, "
     "collect "
     "goes on\n"
     "from there. The daemon must not be running on the same state directory: it does the same by "
     "itself for\n"
     "a new source whose initial_interval is more than a day.",
     ARGS_CONFIG | ARGS_SET | ARGS_SINCE | ARGS_UNTIL | ARGS_SOURCE | ARGS_OUTPUT, 0, 0, false,
     command_backfill},
    {"map", "events on stdin, ECS documents on stdout", "[--set KEY=VALUE]...",
     "Reads one JSON array, or one event per line, and writes one document per line, in order: "
     "what Elastic's\n"
     "pipeline would make of the same event, no more. KEY is a key of a source, such as tags,\n"
     "preserve_original_event, remove_flattened_debug or url, or one of useragents, geo.city, "
     "geo.asn,\n"
     "or format: raw makes documents for Elastic's own pipeline, with go_encoding=true as Elastic "
     "Agent does.\n"
     "What cannot be mapped is reported on stderr with its line; the exit status is then 1.",
     ARGS_SET, 0, 0, false, command_map},
    {"test", "check the settings, the way to Okta, or the outputs", "config|okta|output",
     "config  reads the settings and says what is wrong with them (--show prints what is in "
     "force)\n"
     "okta    for each source: name, connection, TLS, clock, credentials, one page, rate limit\n"
     "output  for each output: can it be written to; an engine: connection, privileges, index "
     "template,\n"
     "        and a probe document that is written and deleted again",
     ARGS_CONFIG | ARGS_SET | ARGS_SHOW, 1, 1, false, command_test},
    {"setup", "templates and lifecycle for Elasticsearch or OpenSearch",
     "elasticsearch|opensearch [--output NAME]... [--dry-run] [--export]",
     "Puts into the engine of each output of that type what it has to know before documents come: "
     "component\n"
     "and index templates with the type of every field, and how long data is kept (`retention`). "
     "What is\n"
     "there in the same version stays as it is, so it may be run again at any time; what a newer "
     "gatehouse\n"
     "has put is left alone. An index that is there already keeps its mapping until it rolls "
     "over.\n"
     "--export prints one JSON object, a member per request: the path of a PUT, and its body:\n"
     "  gatehouse setup elasticsearch --export | jq -r 'keys_unsorted[]'\n"
     "  gatehouse setup elasticsearch --export | jq '.[\"/_index_template/gatehouse-okta\"]' |\n"
     "    curl -X PUT -H 'Content-Type: application/json' -d @- "
     "https://es:9200/_index_template/gatehouse-okta\n"
     "OpenSearch without its plugin for index states (ISM) has no lifecycle: that is skipped.",
     ARGS_CONFIG | ARGS_SET | ARGS_OUTPUT | ARGS_DRY_RUN | ARGS_EXPORT, 1, 1, false, command_setup},
    {"status", "where each output stands in each source", "[--json]",
     "Reads the state directory; works while the daemon runs, and when it does not.",
     ARGS_CONFIG | ARGS_SET | ARGS_JSON, 0, 0, false, command_status},
    {"dead-letters", "what could not be mapped or was rejected", "list|replay [--id N]",
     "list    one JSON object per line: number, time, source, output, uuid, reason and the event "
     "as Okta sent it\n"
     "replay  maps and delivers them again (or the one with --id); those that succeed are gone "
     "from the list.\n"
     "        The daemon must not be running on the same state directory.",
     ARGS_CONFIG | ARGS_SET | ARGS_ID, 1, 1, false, command_dead_letters},
    {"keygen", "a key pair for Okta's API Services app",
     "[--type TYPE] [--bits N] [--pem] [--kid KID] FILE",
     "Makes a key pair. The private key goes to FILE (0600), which must not exist; the public key\n"
     "goes to standard output as a JWK, ready to be pasted into Okta's console. What to do there\n"
     "is said on standard error.",
     ARGS_TYPE | ARGS_BITS | ARGS_PEM | ARGS_KID, 1, 1, false, command_keygen},
    {"init", "the gate's first start: master key and root token", "[--json] [FILE]",
     "Makes the gate's state, with a root token, which is printed. FILE: where a new master key "
     "is\n"
     "written (0600); it must not exist. Without FILE the master_key of the settings is used, or\n"
     "one is made and printed once, for a secret manager.\n"
     "While the daemon runs, PUT sys/init does the same (bao operator init).",
     ARGS_CONFIG | ARGS_SET | ARGS_JSON, 0, 1, false, command_init},
    {"mfa", "what the gate knows of people and their pushes",
     "guard [USER [--clear]] | challenges [ID] | methods",
     "Asks a running gate, over its API, as bao and vault do.\n"
     "guard       all logins and entities that something speaks against, or what is known of "
     "USER:\n"
     "            the rule in force, why and until when, and the event in Okta's log that told it\n"
     "guard USER --clear   an administrator's word: push to USER again\n"
     "challenges  who was asked for what, newest first, what came of it, and what Okta logged of "
     "it;\n"
     "            with ID everything of one\n"
     "methods     the names of the MFA methods\n"
     "The token is taken from BAO_TOKEN or VAULT_TOKEN, then from ~/.vault-token. BAO_CACERT, "
     "BAO_SKIP_VERIFY,\n"
     "BAO_CLIENT_TIMEOUT and BAO_MFA (or VAULT_...) mean what they mean there.",
     ARGS_GATE | ARGS_LIMIT | ARGS_JSON | ARGS_CLEAR, 1, 3, false, command_mfa},
    {"api", "describe the gate's HTTP API", "--markdown", "Writes the reference of the gate's API.",
     ARGS_MARKDOWN, 0, 0, true, command_api},
    {"metrics", "describe every metric", "--markdown", "Writes the reference of the metrics.",
     ARGS_MARKDOWN, 0, 0, true, command_metrics},
    {"rotate", "a new master key for the gate, while it runs", "FILE",
     "Makes a new master key in FILE (0600), which must not exist, and has the running daemon "
     "seal\n"
     "every record anew with it. The settings name the old key, and are to name the new file "
     "then.\n"
     "Needs a token with sudo on sys/rekey/* in BAO_TOKEN or VAULT_TOKEN.",
     ARGS_CONFIG | ARGS_SET, 1, 1, false, command_rotate},
    {"settings", "describe every setting", "--markdown|--man",
     "Writes the reference of the settings file.", ARGS_MARKDOWN | ARGS_MAN, 0, 0, true,
     command_settings},
};
const size_t command_count = LEN(commands);

static const struct command *find(const char *name) {
    for (size_t i = 0; i < command_count; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

static void print_help(void) {
    printf("gatehouse %s: Okta's System Log as ECS documents, each exactly once\n\n",
           GATEHOUSE_VERSION);
    printf("usage: gatehouse COMMAND [options]\n\n");
    for (size_t i = 0; i < command_count; i++)
        if (!commands[i].hidden) printf("  %-14s %s\n", commands[i].name, commands[i].summary);
    printf("\n  gatehouse COMMAND --help   the command's options\n"
           "  gatehouse --version        the version\n\n"
           "exit status: 0 done, 1 failed, 2 wrong usage or settings\n");
}

static void print_command_help(const struct command *c) {
    printf("gatehouse %s: %s\n\nusage: gatehouse %s %s\n\n%s\n\n", c->name, c->summary, c->name,
           c->usage, c->text);
    args_print_flags(c->accepted);
}

static int unknown(const char *name) {
    const char *names[LEN(commands)];
    for (size_t i = 0; i < command_count; i++) names[i] = commands[i].name;
    const char *near = str_nearest(str_from(name), names, command_count);
    fprintf(stderr, "gatehouse: no command called %s", name);
    if (near) fprintf(stderr, "; did you mean %s?", near);
    fprintf(stderr, " (see gatehouse --help)\n");
    return EXIT_USAGE;
}

static int run(const struct command *c, int argc, char **argv) {
    struct args args;
    int e = args_parse(&args, argc, argv, c->accepted, c->name);
    if (e) return e;
    if (args.help) {
        print_command_help(c);
        return EXIT_DONE;
    }
    if (args.word_count < c->words_min || args.word_count > c->words_max) {
        fprintf(stderr, "usage: gatehouse %s %s\n", c->name, c->usage);
        return EXIT_USAGE;
    }
    return c->run(&args);
}

static int dispatch(int argc, char **argv) {
    const char *first = argc > 1 ? argv[1] : NULL;
    if (first && strcmp(first, "--version") == 0) {
        printf("gatehouse %s\n", GATEHOUSE_VERSION);
        return EXIT_DONE;
    }
    if (first &&
        (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0)) {
        print_help();
        return EXIT_DONE;
    }
    if (!first) {
        fprintf(stderr, "usage: gatehouse COMMAND [options] (see gatehouse --help)\n");
        return EXIT_USAGE;
    }
    const struct command *c = find(first);
    return c ? run(c, argc - 1, argv + 1) : unknown(first);
}

// What was printed may still be in memory, and a disk may be full. Who stopped reading (EPIPE)
// needs no explanation.
static int end_output(int code) {
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && !failed) return code;
    if (errno != EPIPE)
        fprintf(stderr, "gatehouse: not all could be written to standard output%s%s\n",
                errno ? ": " : "", errno ? error_text(-errno) : "");
    return code == EXIT_DONE ? EXIT_FAILED : code;
}

int commands_main(int argc, char **argv) { return end_output(dispatch(argc, argv)); }

void print_step(bool ok, const char *what, const char *detail) {
    printf("  %s %s%s%s\n", ok ? "\xE2\x9C\x93" : "\xE2\x9C\x97", what,
           detail && *detail ? ": " : "", detail ? detail : "");
    fflush(stdout); // the next one may take its time
}

void print_output(const char *name, const char *type, const char *const *places, size_t n) {
    AUTO_FINI(buf) struct buf line = buf_make(SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_addz(&line, i ? ", " : "");
        conf_add_masked_url(str_from(places[i]), &line);
    }
    printf("%s (%s): %.*s\n", name, type, STR_ARG(buf_str(&line)));
    fflush(stdout);
}
