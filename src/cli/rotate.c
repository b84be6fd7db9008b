// SPDX-License-Identifier: Apache-2.0
// A new master key for a gate that runs: the daemon seals every record anew, in one transaction.
// The new key is in its file, on the disk, before the daemon is asked; afterwards one of the two
// files is the key, and what is said tells which.
#include <stdio.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/secret-file.h"
#include "crypto/digest.h"
#include "crypto/seal.h"
#include "daemon/settings.h"
#include "http/client.h"
#include "loop/loop.h"
#include "json/write.h"

enum { TIMEOUT_MS = 120000, ANSWER_MAX = 1 << 20 };

struct rotation {
    const char *file;
    struct settings *settings;
    struct loop *loop;
    struct http_client *client;
    struct json_reader *reader;
    char url[512];
    struct buf fresh; // the new key: hex
    // Of the last answer:
    enum http_result result;
    int status;
    struct buf body;
    struct fault fault;
};

static int failed(const char *what, const char *why) {
    fprintf(stderr, "gatehouse rotate: %s%s%s\n", what, why[0] ? ": " : "", why);
    return EXIT_FAILED;
}

// ---- asking the daemon

static const char *environment(const char *a, const char *b) {
    const char *value = getenv(a);
    return value && *value ? value : getenv(b);
}

static int find_url(struct rotation *r) {
    const struct settings_listen *l = &r->settings->listen;
    const char *url = environment("BAO_ADDR", "VAULT_ADDR");
    if (!url && !l->address) return failed("listen.address is not set", "there is no gate");
    int n = url ? snprintf(r->url, sizeof r->url, "%s", url)
                : snprintf(r->url, sizeof r->url, "%s://%s", l->tls_cert_file ? "https" : "http",
                           l->address);
    return n > 0 && (size_t)n < sizeof r->url ? EXIT_DONE : failed("the address is too long", "");
}

// Who holds the very certificate of the settings is the daemon, whatever it is called.
static int make_client(struct rotation *r) {
    const char *ca = environment("BAO_CACERT", "VAULT_CACERT");
    if (!ca) ca = r->settings->listen.tls_cert_file;
    struct http_client_opts opts = {.user_agent = "gatehouse", .no_proxy = "*"};
    if (ca) {
        opts.tls.certificate_authorities = &ca;
        opts.tls.certificate_authority_count = 1;
        opts.tls.verify = HTTP_VERIFY_CERTIFICATE;
    }
    struct fault why = {{0}};
    int e = loop_new(&r->loop);
    if (!e) e = json_reader_new(&r->reader);
    if (!e) e = http_client_new(&r->client, r->loop, &opts, &why);
    return e ? failed("no connection can be made", why.text) : EXIT_DONE;
}

static void hear(void *ctx, const struct http_response *response) {
    struct rotation *r = ctx;
    r->result = response->result;
    r->status = response->status;
    r->fault = response->fault;
    buf_reset(&r->body);
    buf_add_str(&r->body, response->body);
    loop_stop(r->loop);
}

// Outcomes: EXIT_DONE: there is an answer, good or bad; EXIT_FAILED: there is none, said nowhere.
static int put(struct rotation *r, const char *path, struct str body) {
    char url[600];
    snprintf(url, sizeof url, "%s/v1/%s", r->url, path);
    const char *token = environment("BAO_TOKEN", "VAULT_TOKEN");
    AUTO_WIPED struct buf header = buf_make(4096);
    buf_addf(&header, "X-Vault-Token: %s", token ? token : "");
    const char *text = buf_z(&header);
    if (!text) return EXIT_FAILED;
    const char *headers[] = {"Content-Type: application/json", "X-Vault-Request: true", text};
    const struct http_request request = {.method = "PUT",
                                         .url = url,
                                         .body = body,
                                         .headers = headers,
                                         .header_count = LEN(headers),
                                         .timeout_ms = TIMEOUT_MS,
                                         .max_body_bytes = ANSWER_MAX,
                                         .done = hear,
                                         .ctx = r};
    struct http_call *call = NULL;
    r->result = HTTP_FAILED;
    int e = http_send(r->client, &request, &call);
    if (!e) e = loop_run(r->loop);
    if (e) fault_set(&r->fault, 0, "%s", error_text(e));
    return e || r->result != HTTP_OK ? EXIT_FAILED : EXIT_DONE;
}

static const struct json *answer(struct rotation *r) {
    const struct json *v = NULL;
    return json_read(r->reader, buf_str(&r->body), &v, NULL) ? NULL : v;
}

// What the daemon has against it.
static int refused(struct rotation *r) {
    char text[512];
    struct str why = json_str(json_at(json_get(answer(r), "errors"), 0));
    snprintf(text, sizeof text, "%d %.*s", r->status, STR_ARG(why));
    return failed("the daemon refused", text);
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
    if (r->status != 200) return refused(r);
    buf_add_str(nonce, json_str(json_get(answer(r), "nonce")));
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
    return r->status == 200 ? EXIT_DONE : refused(r);
}

static int run(struct rotation *r, const struct args *args) {
    AUTO_FINI(buf) struct buf nonce = buf_make(256);
    if (settings_load_or_say(&r->settings, args->config, args->sets, args->set_count))
        return EXIT_USAGE;
    if (!r->settings->master_key) return failed("master_key is not set", "which is to be replaced");
    int e = find_url(r);
    if (!e) e = make_client(r);
    if (!e) e = make_key(r);
    if (!e) e = begin(r, &nonce);
    if (!e) e = change(r, buf_str(&nonce));
    return e;
}

int command_rotate(const struct args *args) {
    struct rotation r = {
        .file = args->words[0], .fresh = buf_make(128), .body = buf_make(ANSWER_MAX)};
    bool existed = access(r.file, F_OK) == 0;
    int e = run(&r, args);
    if (e && r.file && !existed) unlink(r.file);
    if (!e)
        printf("Every record is sealed with the key in %s now. Put it into the settings before the "
               "next start:\n    master_key: ${file:%s}\n",
               args->words[0], args->words[0]);
    http_client_free(r.client);
    json_reader_free(r.reader);
    loop_free(r.loop);
    settings_free(r.settings);
    buf_wipe(&r.fresh);
    buf_wipe(&r.body);
    return e;
}
