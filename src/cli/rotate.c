// SPDX-License-Identifier: Apache-2.0
// A new master key for a gate that runs: the daemon seals every record anew, in one transaction.
// The new key is in its file, on the disk, before the daemon is asked; afterwards one of the two
// files is the key, and what is said tells which.
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/gate-client.h"
#include "cli/secret-file.h"
#include "crypto/digest.h"
#include "crypto/seal.h"
#include "daemon/settings.h"
#include "json/write.h"

enum { TIMEOUT_MS = 120000 };

struct rotation {
    const char *file;
    struct settings *settings;
    struct gate_client *client;
    struct buf fresh;          // the new key: hex
    struct gate_answer answer; // the last one
    struct fault fault;
};

static int failed(const char *what, const char *why) {
    fprintf(stderr, "gatehouse rotate: %s%s%s\n", what, why[0] ? ": " : "", why);
    return EXIT_FAILED;
}

// ---- asking the daemon

// Where the settings have it listen, unless the environment says otherwise.
static int make_client(struct rotation *r) {
    const struct settings_listen *l = &r->settings->listen;
    char address[512] = "";
    struct fault why = {{0}};
    if (l->address)
        snprintf(address, sizeof address, "%s://%s", l->tls_cert_file ? "https" : "http",
                 l->address);
    const struct gate_client_opts opts = {.fallback = l->address ? address : NULL,
                                          .certificate = l->tls_cert_file,
                                          .timeout_ms = TIMEOUT_MS};
    int e = gate_client_new(&r->client, &opts, &why);
    if (e && !l->address) return failed("listen.address is not set, so there is no gate", why.text);
    return e ? failed("no connection can be made", why.text) : EXIT_DONE;
}

// Outcomes: EXIT_DONE: there is an answer, good or bad; EXIT_FAILED: there is none, said nowhere.
static int put(struct rotation *r, const char *path, struct str body) {
    return gate_client_ask(r->client, "PUT", path, body, &r->answer, &r->fault) ? EXIT_FAILED
                                                                                : EXIT_DONE;
}

// What the daemon has against it.
static int refused(struct rotation *r) {
    AUTO_FINI(buf) struct buf text = buf_make(1 << 16);
    gate_answer_explain(&r->answer, &text);
    const char *why = buf_z(&text);
    return failed("the daemon refused", why ? why : "");
}

// ---- the steps

static int make_key(struct rotation *r) {
    uint8_t key[CRYPTO_MASTER_KEY_BYTES];
    if (crypto_random(key, sizeof key)) return failed("no random bytes", "");
    buf_add_hex(&r->fresh, key, sizeof key);
    crypto_wipe(key, sizeof key);
    AUTO_WIPED struct buf line = buf_make(256);
    buf_add_str(&line, buf_str(&r->fresh));
    buf_addc(&line, '\n');
    if (line.error || r->fresh.error) return failed("no memory", "");
    int e = secret_file_write("rotate", r->file, buf_str(&line));
    if (e) r->file = NULL; // another's: not ours to take back
    return e;
}

static int begin(struct rotation *r, struct buf *nonce) {
    int e = put(r, "sys/rekey/init", STR("{\"secret_shares\":1,\"secret_threshold\":1}"));
    if (e) return failed("the daemon does not answer", r->fault.text);
    if (r->answer.status != 200) return refused(r);
    buf_add_str(nonce, json_str(json_get(r->answer.body, "nonce")));
    return nonce->n && !nonce->error ? EXIT_DONE : failed("the daemon gave no nonce", "");
}

static int say_unknown(struct rotation *r) {
    fprintf(stderr,
            "gatehouse rotate: the daemon did not answer (%s), so it is not known whether %s is\n"
            "the master key now. Keep both: the daemon says at its next start whether the one in "
            "the settings is.\n",
            r->fault.text, r->file);
    r->file = NULL;
    return EXIT_FAILED;
}

static int change(struct rotation *r, struct str nonce) {
    AUTO_WIPED struct buf body = buf_make(4096);
    json_open(&body, '{');
    json_key(&body, STR("key"));
    json_add_text(&body, str_trim(str_from(r->settings->master_key)));
    json_key(&body, STR("nonce"));
    json_add_text(&body, nonce);
    json_key(&body, STR("new_key"));
    json_add_text(&body, buf_str(&r->fresh));
    json_close(&body, '}');
    if (body.error) return failed("no memory", "");
    if (put(r, "sys/rekey/update", buf_str(&body))) return say_unknown(r);
    return r->answer.status == 200 ? EXIT_DONE : refused(r);
}

static int run(struct rotation *r, const struct args *args) {
    AUTO_FINI(buf) struct buf nonce = buf_make(256);
    if (settings_load_or_say(&r->settings, args->config, args->sets, args->set_count))
        return EXIT_USAGE;
    if (!r->settings->master_key) return failed("master_key is not set", "which is to be replaced");
    int e = make_client(r);
    if (!e) e = make_key(r);
    if (!e) e = begin(r, &nonce);
    if (!e) e = change(r, buf_str(&nonce));
    return e;
}

int command_rotate(const struct args *args) {
    struct rotation r = {.file = args->words[0], .fresh = buf_make(128)};
    bool existed = access(r.file, F_OK) == 0;
    int e = run(&r, args);
    if (e && r.file && !existed) unlink(r.file);
    if (!e)
        printf("Every record is sealed with the key in %s now. Put it into the settings before the "
               "next start:\n    master_key: ${file:%s}\n",
               args->words[0], args->words[0]);
    gate_client_free(r.client);
    settings_free(r.settings);
    buf_wipe(&r.fresh);
    return e;
}
