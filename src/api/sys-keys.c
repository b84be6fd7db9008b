// SPDX-License-Identifier: Apache-2.0
// The master key: first start, unsealing, sealing, another key (reference 5.8). It is one key: one
// share, threshold one.
#include "api/control.h"
#include "api/sys.h"
#include "base/parse.h"
#include "crypto/digest.h"
#include "crypto/seal.h"

enum { KEY_TEXT_MAX_BYTES = 256, KEY_SHORTEST_BYTES = 16, SHARES_MAX = 255 };

static int end(struct buf *data) {
    json_close(data, '}');
    return 0;
}

// After unsealing there is a newer state than the call began with.
static int answer_seal_status(struct call *c) {
    return sys_write_seal_status(c, control_core(c->gate));
}

static int read_init(struct call *c) {
    struct control_status status;
    control_status(c->gate, &status);
    struct buf *data = sys_raw_data(c);
    call_flag(data, "initialized", status.initialized);
    return end(data);
}

static int refuse_shares(struct call *c, const char *why) {
    return call_error(c, 400, "invalid seal configuration: %s", why);
}

// True: one share and threshold one, without keys to wrap them in.
static bool shares_fit(struct call *c) {
    int64_t shares = call_int(c, "secret_shares"), threshold = call_int(c, "secret_threshold");
    const char *why = NULL;
    if (shares < 1) why = "shares must be at least one";
    else if (shares > SHARES_MAX) why = "shares must be less than 256";
    else if (threshold < 1) why = "threshold must be at least one";
    else if (threshold > shares) why = "threshold cannot be larger than shares";
    else if (shares > 1 && threshold == 1)
        why = "threshold must be greater than one for multiple shares";
    else if (!list_is_empty(call_list(c, "pgp_keys")) &&
             list_count(call_list(c, "pgp_keys")) != (size_t)shares)
        why = "count mismatch between number of provided PGP keys and number of shares";
    else if (shares > 1)
        why = "only one key share is supported: secret_shares and secret_threshold must be 1";
    else if (!list_is_empty(call_list(c, "pgp_keys"))) why = "pgp_keys are not supported";
    if (why) refuse_shares(c, why);
    return !why;
}

// Numbers must be numbers here, as in Vault. True: they are.
static bool shares_are_numbers(struct call *c) {
    static const char *const names[] = {"secret_shares", "secret_threshold"};
    for (size_t i = 0; i < LEN(names); i++) {
        enum json_type type = json_type(json_get(call_body(c), names[i]));
        if (type == JSON_NULL || type == JSON_NUMBER) continue;
        call_error(c, 400,
                   "failed to decode JSON input: json: cannot unmarshal %s into Go struct field "
                   "InitRequest.%s of type int",
                   type == JSON_STRING ? "string"
                   : type == JSON_BOOL ? "bool"
                                       : "object",
                   names[i]);
        return false;
    }
    return true;
}

static bool asks_for_recovery(struct call *c) {
    if (!call_int(c, "recovery_shares") && !call_int(c, "recovery_threshold")) return false;
    call_error(c, 400,
               "parameters recovery_shares,recovery_threshold not applicable to seal type shamir");
    return true;
}

static void add_base64(struct buf *out, struct str bytes) {
    size_t from = out->n;
    crypto_base64url(out, bytes);
    for (size_t i = from; i < out->n; i++)
        out->p[i] = out->p[i] == '-' ? '+' : out->p[i] == '_' ? '/' : out->p[i];
    while ((out->n - from) % 4 && !out->error) buf_addc(out, '=');
}

// "keys" and "keys_base64": one element each; none when the key is configured.
static int add_keys(struct buf *data, struct str key) {
    AUTO_WIPED struct buf text = buf_make(KEY_TEXT_MAX_BYTES);
    json_key(data, STR("keys"));
    json_open(data, '[');
    buf_add_hex(&text, key.p, key.n);
    if (key.n) json_add_str(data, buf_str(&text));
    json_close(data, ']');
    buf_reset(&text);
    json_key(data, STR("keys_base64"));
    json_open(data, '[');
    add_base64(&text, key);
    if (key.n) json_add_str(data, buf_str(&text));
    json_close(data, ']');
    return text.error;
}

static int init(struct call *c) {
    if (!shares_are_numbers(c) || asks_for_recovery(c) || !shares_fit(c)) return 0;
    if (call_str(c, "root_token_pgp_key").n)
        return call_error(c, 400, "root_token_pgp_key is not supported");
    AUTO_WIPED struct buf key = buf_make(KEY_TEXT_MAX_BYTES);
    AUTO_WIPED struct buf token = buf_make(KEY_TEXT_MAX_BYTES);
    struct fault fault = {0};
    int r = control_init(c->gate, &key, &token, &fault);
    if (r < 0) return r;
    if (r == GATE_E_INITIALISED) return call_error(c, 400, "Vault is already initialized");
    struct buf *data = sys_raw_data(c);
    r = add_keys(data, buf_str(&key));
    if (r < 0) return r;
    call_member(data, "root_token", buf_str(&token));
    return end(data);
}

static bool decode_hex(struct buf *out, struct str text) {
    if (text.n % 2) return false;
    for (size_t i = 0; i < text.n; i += 2) {
        int high = parse_hex_digit(text.p[i]), low = parse_hex_digit(text.p[i + 1]);
        if (high < 0 || low < 0) return false;
        buf_addc(out, (char)(high * 16 + low));
    }
    return true;
}

static bool decode_base64(struct buf *out, struct str text) {
    AUTO_WIPED struct buf url = buf_make(KEY_TEXT_MAX_BYTES);
    while (str_ends(text, STR("="))) text.n--;
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        buf_addc(&url, c == '+' ? '-' : c == '/' ? '_' : c);
    }
    return !url.error && crypto_base64url_decode(out, buf_str(&url));
}

// The bytes of a key as it was given to somebody: hex or base64. False: the refusal is said.
static bool key_bytes(struct call *c, struct str text, struct buf *out) {
    bool known = decode_hex(out, text);
    if (!known) {
        buf_reset(out);
        known = decode_base64(out, text);
    }
    if (!known || out->error) {
        call_error(c, 400, "'key' must be a valid hex or base64 string");
        return false;
    }
    if (out->n >= KEY_SHORTEST_BYTES) return true;
    call_error(c, 400, "invalid key: key is shorter than minimum %d bytes", KEY_SHORTEST_BYTES);
    return false;
}

static int wrong_key(struct call *c) {
    return call_error(c, 400,
                      "unable to retrieve stored keys: invalid key: failed to decrypt keys from "
                      "storage: cipher: message authentication failed");
}

static int unseal(struct call *c) {
    struct control_status status;
    control_status(c->gate, &status);
    struct str text = call_str(c, "key");
    bool reset = call_bool(c, "reset");
    if (!text.n && !reset)
        return call_error(
            c, 400, "'key' must be specified in request body as JSON, or 'reset' set to true");
    if (!status.initialized) return call_error(c, 400, "Vault is not initialized");
    if (reset && !status.sealed) return call_error(c, 400, "vault is unsealed");
    if (reset || !status.sealed) return answer_seal_status(c);
    AUTO_WIPED struct buf key = buf_make(KEY_TEXT_MAX_BYTES);
    if (!key_bytes(c, text, &key)) return 0;
    if (key.n != CRYPTO_MASTER_KEY_BYTES) return wrong_key(c);
    struct fault fault = {0};
    int r = control_unseal(c->gate, buf_str(&key), &fault);
    if (r < 0) return r;
    if (r == CONTROL_E_KEY) return wrong_key(c);
    return answer_seal_status(c);
}

static int seal(struct call *c) {
    int r = control_seal(c->gate);
    if (r < 0) return r;
    return call_no_content(c);
}

static int answer_rekey_status(struct call *c) {
    const char *nonce = control_rekey_nonce(c->gate);
    struct buf *data = sys_raw_data(c);
    call_member(data, "nonce", str_from(nonce));
    call_flag(data, "started", *nonce);
    call_number(data, "t", *nonce ? 1 : 0);
    call_number(data, "n", *nonce ? 1 : 0);
    call_number(data, "progress", 0);
    call_number(data, "required", 1);
    call_null(data, "pgp_fingerprints");
    call_flag(data, "backup", false);
    call_flag(data, "verification_required", false);
    return end(data);
}

static int begin_rekey(struct call *c) {
    if (call_bool(c, "backup") || call_bool(c, "require_verification"))
        return call_error(c, 400, "backup and require_verification are not supported");
    if (!shares_fit(c)) return 0;
    if (*control_rekey_nonce(c->gate)) return call_error(c, 400, "rekey already in progress");
    int r = control_rekey_begin(c->gate);
    if (r < 0) return r;
    return answer_rekey_status(c);
}

static int cancel_rekey(struct call *c) {
    control_rekey_cancel(c->gate);
    return call_no_content(c);
}

// The next key: what the caller has put away already, else one of our own, which the answer then
// tells (`ret_told` false). A refusal is in the reply. Outcomes: 0; -errno.
static int next_key(struct call *c, struct buf *out, bool *ret_told) {
    struct control_status status;
    control_status(c->gate, &status);
    *ret_told = call_str(c, "new_key").n > 0;
    if (*ret_told) {
        if (key_bytes(c, call_str(c, "new_key"), out) && out->n != CRYPTO_MASTER_KEY_BYTES)
            return call_error(c, 400, "'new_key' must be 32 bytes");
        return 0;
    }
    if (status.configured_key)
        return call_error(c, 400,
                          "the master key comes from the settings: change it with "
                          "'gatehouse rotate'");
    uint8_t bytes[CRYPTO_MASTER_KEY_BYTES];
    int r = crypto_random(bytes, sizeof bytes);
    if (!r) buf_add(out, bytes, sizeof bytes);
    crypto_wipe(bytes, sizeof bytes);
    return r ? r : out->error;
}

static int finish_rekey(struct call *c, struct str key) {
    AUTO_WIPED struct buf fresh = buf_make(KEY_TEXT_MAX_BYTES);
    bool told = false;
    int r = next_key(c, &fresh, &told);
    if (r || c->reply.failed) return r;
    struct fault fault = {0};
    r = control_rekey(c->gate, key, buf_str(&fresh), &fault);
    if (r < 0) return r;
    if (r == CONTROL_E_KEY) return wrong_key(c);
    struct buf *data = sys_raw_data(c);
    r = add_keys(data, told ? STR("") : buf_str(&fresh));
    if (r < 0) return r;
    call_flag(data, "complete", true);
    call_member(data, "nonce", str_from(control_rekey_nonce(c->gate)));
    call_flag(data, "backup", false);
    call_flag(data, "verification_required", false);
    control_rekey_cancel(c->gate);
    return end(data);
}

static int update_rekey(struct call *c) {
    struct str text = call_str(c, "key");
    const char *nonce = control_rekey_nonce(c->gate);
    if (!text.n) return call_error(c, 400, "'key' must be specified in request body as JSON");
    if (!*nonce) return call_error(c, 400, "no rekey in progress");
    if (!crypto_equal(call_str(c, "nonce"), str_from(nonce)))
        return call_error(c, 400, "incorrect nonce supplied; nonce for this rekey operation is %s",
                          nonce);
    AUTO_WIPED struct buf key = buf_make(KEY_TEXT_MAX_BYTES);
    if (!key_bytes(c, text, &key)) return 0;
    if (key.n != CRYPTO_MASTER_KEY_BYTES) return wrong_key(c);
    return finish_rekey(c, buf_str(&key));
}

static const struct field init_fields[] = {
    {"secret_shares", FIELD_INT, NULL, FIELD_REQUIRED, "Number of key shares: 1."},
    {"secret_threshold", FIELD_INT, NULL, FIELD_REQUIRED, "Shares needed to unseal: 1."},
    {"pgp_keys", FIELD_STRINGS, NULL, 0, "Not supported: refused."},
    {"root_token_pgp_key", FIELD_STRING, NULL, 0, "Not supported: refused."},
    {"recovery_shares", FIELD_INT, NULL, 0, "Not supported: refused."},
    {"recovery_threshold", FIELD_INT, NULL, 0, "Not supported: refused."},
    {"stored_shares", FIELD_INT, NULL, 0, "Ignored."},
    {0},
};

static const struct field unseal_fields[] = {
    {"key", FIELD_STRING, NULL, FIELD_SECRET, "The master key, in hex or base64."},
    {"reset", FIELD_BOOL, "false", 0, "Forgets the shares given so far: there are none to forget."},
    {"migrate", FIELD_BOOL, "false", 0, "Ignored."},
    {0},
};

static const struct field rekey_fields[] = {
    {"secret_shares", FIELD_INT, NULL, FIELD_REQUIRED, "Number of key shares: 1."},
    {"secret_threshold", FIELD_INT, NULL, FIELD_REQUIRED, "Shares needed to unseal: 1."},
    {"pgp_keys", FIELD_STRINGS, NULL, 0, "Not supported: refused."},
    {"backup", FIELD_BOOL, "false", 0, "Not supported: refused."},
    {"require_verification", FIELD_BOOL, "false", 0, "Not supported: refused."},
    {0},
};

static const struct field rekey_update_fields[] = {
    {"key", FIELD_STRING, NULL, FIELD_REQUIRED | FIELD_SECRET, "The master key in force."},
    {"nonce", FIELD_STRING, NULL, FIELD_REQUIRED, "What sys/rekey/init answered."},
    {"new_key", FIELD_STRING, NULL, FIELD_SECRET,
     "The next master key, in hex or base64, which the caller has kept; without it one is made and "
     "answered. (Not in Vault.)"},
    {0},
};

enum {
    KEYS = ROUTE_OPEN | ROUTE_RAW | ROUTE_SEALED | ROUTE_CONTROL,
    REKEY = ROUTE_SUDO | ROUTE_RAW | ROUTE_CONTROL,
};

const struct route sys_key_routes[] = {
    {.pattern = "init",
     .fields = init_fields,
     .flags = KEYS,
     .read = read_init,
     .update = init,
     .summary = "First start: make the master key and the root token.",
     .description = "The key is shown this once. When the settings give a master key, that one is "
                    "used and nothing is shown of it."},
    {.pattern = "unseal",
     .fields = unseal_fields,
     .flags = KEYS,
     .update = unseal,
     .summary = "Give the master key to a sealed server."},
    {.pattern = "seal",
     .flags = ROUTE_SUDO | ROUTE_SEALED | ROUTE_CONTROL,
     .update = seal,
     .summary = "Forget the master key and everything that was read."},
    {.pattern = "rekey/init",
     .fields = rekey_fields,
     .flags = REKEY,
     .read = answer_rekey_status,
     .read_writes = true, // the nonce is the writer's
     .update = begin_rekey,
     .remove = cancel_rekey,
     .summary = "Begin, look at and give up a change of the master key."},
    {.pattern = "rekey/update",
     .fields = rekey_update_fields,
     .flags = REKEY,
     .update = update_rekey,
     .summary = "Change the master key: every record is sealed anew."},
    {.pattern = "rekey/status",
     .flags = REKEY,
     .read = answer_rekey_status,
     .read_writes = true, // the nonce is the writer's
     .summary = "How far a change of the master key is."},
    {0},
};
