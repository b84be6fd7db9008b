// SPDX-License-Identifier: Apache-2.0
// The gate's first start: a master key, unless the settings have one, and a root token. The key is
// in its file, whole and on the disk, before anything is sealed with it; when anything fails, the
// file is gone again.
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "api/gate.h"
#include "cli/commands.h"
#include "cli/secret-file.h"
#include "crypto/digest.h"
#include "daemon/settings.h"
#include "json/write.h"

struct first_start {
    const struct args *args;
    const char *file;    // of the new master key; NULL: none
    struct buf file_key; // what it holds: hex
    struct settings *settings;
    struct store *store;
    struct crypto_sealer *sealer;
    struct gate *gate;
    struct buf made_key; // 32 bytes that the gate made; empty: it had one
    struct buf token;
};

static int failed(const char *what, const char *why) {
    fprintf(stderr, "gatehouse init: %s%s%s\n", what, why[0] ? ": " : "", why);
    return EXIT_FAILED;
}

static int make_file(struct first_start *f) {
    uint8_t key[CRYPTO_MASTER_KEY_BYTES];
    if (!f->file) return EXIT_DONE;
    if (crypto_random(key, sizeof key)) return failed("no random bytes", "");
    buf_add_hex(&f->file_key, key, sizeof key);
    crypto_wipe(key, sizeof key);
    buf_addc(&f->file_key, '\n');
    if (f->file_key.error) return failed("no memory", "");
    int e = secret_file_write("init", f->file, buf_str(&f->file_key));
    if (e) f->file = NULL; // another's: not ours to take back
    return e;
}

// The key that the settings name, or else the one in the new file.
static int choose_key(struct first_start *f) {
    struct fault why = {{0}};
    struct str file = str_trim(buf_str(&f->file_key));
    struct str set = str_trim(str_from(f->settings->master_key));
    if (file.n && set.n && !crypto_equal(file, set))
        return failed("master_key in the settings is not the key in the new file",
                      "name that file there, or leave FILE out");
    if (!file.n && !set.n) return EXIT_DONE; // the gate makes one
    int r = crypto_sealer_new(&f->sealer, set.n ? set : file, &why);
    return r ? failed("master_key", why.text) : EXIT_DONE;
}

static int open_gate(struct first_start *f) {
    struct fault why = {{0}};
    int r = store_open(&f->store, f->settings->state, STORE_WRITE, &why);
    if (r == STORE_E_LOCKED)
        return failed("the daemon is running on this state directory",
                      "use PUT sys/init there (bao operator init)");
    if (r) return failed("the state cannot be opened", why.text);
    const struct gate_opts opts = {
        .store = f->store, .sealer = f->sealer, .version = "", .hash_threads = 1};
    r = gate_new(&f->gate, &opts, &why);
    if (r == GATE_E_OTHER_KEY) return failed("the gate is initialised already", "with another key");
    return r ? failed("the gate cannot be started", why.text) : EXIT_DONE;
}

static int start(struct first_start *f) {
    struct fault why = {{0}};
    int r = gate_init(f->gate, false, STR_NONE, &f->made_key, &f->token, &why);
    if (r == GATE_E_INITIALISED) return failed("the gate is initialised already", "");
    return r ? failed("the first start failed", why.text) : EXIT_DONE;
}

static void print_json(const struct first_start *f, struct str key) {
    AUTO_WIPED struct buf out = buf_make(4096);
    json_open(&out, '{');
    if (key.n) {
        json_key(&out, STR("master_key"));
        json_add_str(&out, key);
    }
    json_key(&out, STR("root_token"));
    json_add_str(&out, buf_str(&f->token));
    json_close(&out, '}');
    printf("%.*s\n", STR_ARG(buf_str(&out)));
}

static void print_help(const struct first_start *f, bool printed) {
    char full[PATH_MAX];
    if (f->file && !f->settings->master_key)
        fprintf(stderr, "\nPut into the settings:\n    master_key: ${file:%s}\n",
                realpath(f->file, full) ? full : f->file);
    if (printed)
        fprintf(stderr,
                "\nThe master key is shown this once. Give it to the daemon as master_key, "
                "or unseal with it\n(bao operator unseal). Without it the state is lost.\n");
    fprintf(stderr, "\nThe root token may do everything, and does not expire: make another one, "
                    "then revoke it.\n");
}

static int print_result(struct first_start *f) {
    AUTO_WIPED struct buf key = buf_make(128);
    buf_add_hex(&key, f->made_key.p, f->made_key.n);
    if (f->args->json) print_json(f, buf_str(&key));
    else if (key.n) printf("Master Key: %.*s\n", STR_ARG(buf_str(&key)));
    if (!f->args->json) printf("Root Token: %.*s\n", STR_ARG(buf_str(&f->token)));
    if (fflush(stdout) || ferror(stdout)) return failed("standard output", "cannot be written");
    print_help(f, key.n > 0);
    return EXIT_DONE;
}

static int run(struct first_start *f) {
    int e = make_file(f);
    if (e) return e;
    if (settings_load_or_say(&f->settings, f->args->config, f->args->sets, f->args->set_count))
        return EXIT_USAGE;
    e = choose_key(f);
    if (!e) e = open_gate(f);
    if (!e) e = start(f);
    return e;
}

int command_init(const struct args *args) {
    struct first_start f = {.args = args,
                            .file = args->word_count ? args->words[0] : NULL,
                            .file_key = buf_make(256),
                            .made_key = buf_make(64),
                            .token = buf_make(256)};
    int e = run(&f);
    if (e && f.file) unlink(f.file);
    if (!e) e = print_result(&f);
    gate_free(f.gate);
    crypto_sealer_free(f.sealer);
    store_free(f.store);
    settings_free(f.settings);
    buf_wipe(&f.token);
    buf_wipe(&f.made_key);
    buf_wipe(&f.file_key);
    return e;
}
