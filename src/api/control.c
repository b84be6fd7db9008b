// SPDX-License-Identifier: Apache-2.0
// The gate's keys: first start, unsealing, sealing, a new master key. A key is recognised by a
// probe that was sealed with it; with a store, by the records themselves.
#include "api/control.h"

#include <errno.h>

#include "api/backends.h"
#include "api/gate-internal.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "identity/core.h"
#include "store/records.h"

static const struct str probe_name = {"gate/probe", 10};

static int make_probe(struct gate *g, const struct crypto_sealer *sealer) {
    buf_reset(&g->probe);
    return crypto_seal(sealer, probe_name, STR("gatehouse"), &g->probe);
}

static bool opens_probe(const struct gate *g, const struct crypto_sealer *sealer) {
    AUTO_FINI(buf) struct buf text = buf_make(64);
    return g->probe.n && crypto_unseal(sealer, probe_name, buf_str(&g->probe), &text) == 0;
}

static int key_new(struct gate_key **ret, struct crypto_sealer *take_own,
                   const struct crypto_sealer *sealer) {
    AUTO(crypto_sealer) struct crypto_sealer *own = take_own;
    struct gate_key *k = mem_new(sizeof *k);
    if (!k) return -ENOMEM;
    atomic_init(&k->refs, 1);
    k->sealer = own ? own : sealer;
    k->own = TAKE(own);
    *ret = k;
    return 0;
}

int control_take(struct gate *g, struct state *state, struct crypto_sealer *take_own,
                 const struct crypto_sealer *sealer) {
    AUTO(gate_key) struct gate_key *key = NULL;
    AUTO(world) struct world *w = NULL;
    int r = key_new(&key, take_own, sealer);
    if (!r) r = make_probe(g, key->sealer);
    if (!r) r = world_new(&w, state, key);
    if (r) return r;
    int64_t next_expiry_ms = token_next_expiry(state);
    struct state *old = g->tip;
    pthread_mutex_lock(&g->mutex); // the first time the writer may be waiting already
    g->tip = state_hold(state);
    g->next_expiry_ms = next_expiry_ms;
    pthread_cond_signal(&g->to_write);
    pthread_mutex_unlock(&g->mutex);
    state_free(old);
    gate_publish(g, TAKE(w));
    return 0;
}

static int sealer_of_bytes(struct crypto_sealer **ret, struct str key, struct fault *fault) {
    if (key.n != CRYPTO_MASTER_KEY_BYTES)
        return fault_set(fault, -EINVAL, "the key must be %d bytes", CRYPTO_MASTER_KEY_BYTES);
    AUTO_WIPED struct buf text = buf_make(128);
    crypto_base64url(&text, key);
    return text.error ? text.error : crypto_sealer_new(ret, buf_str(&text), fault);
}

static int fresh_key(struct buf *out) {
    uint8_t key[CRYPTO_MASTER_KEY_BYTES];
    int r = crypto_random(key, sizeof key);
    if (!r) buf_add(out, key, sizeof key);
    crypto_wipe(key, sizeof key);
    return r ? r : out->error;
}

static int make_root(struct draft *d, bool dev, struct str id, struct buf *ret_token) {
    AUTO_FINI(buf) struct buf policies = buf_make(64);
    list_add(&policies, STR("root"));
    struct token want = {.policies = list_of(&policies),
                         .path = dev ? STR("auth/token/create") : STR("auth/token/root"),
                         .display_name = dev ? STR("token") : STR("root"), // as OpenBao has it
                         .created_ms = time_now_ms(),
                         .kind = TOKEN_SERVICE};
    const struct token *made = NULL;
    int r = policies.error;
    if (!r) r = token_create(d, &want, id, ret_token, &made);
    return r < 0 ? r : r ? -EEXIST : 0;
}

// Everything that a first start settles, written down.
static int settle(struct gate *g, const struct crypto_sealer *sealer, bool dev, struct str root,
                  struct state **ret, struct buf *ret_token, struct fault *fault) {
    AUTO(state) struct state *empty = NULL;
    AUTO_FINI(draft) struct draft d = {.state = NULL};
    int r = state_new(&empty, &api_schema);
    if (!r) r = draft_begin(&d, empty);
    if (!r) r = core_make(&d, dev, time_now_ms());
    if (!r) r = make_root(&d, dev, root, ret_token);
    if (!r) r = state_save(g->opts.store, sealer, d.changes, d.n, fault);
    if (r) return r;
    g->initialized = true;
    *ret = state_hold(d.state);
    return 0;
}

static int init(struct gate *g, bool dev, struct str root, struct buf *ret_key,
                struct buf *ret_token, struct fault *fault) {
    if (g->initialized) return GATE_E_INITIALISED;
    AUTO(crypto_sealer) struct crypto_sealer *own = NULL;
    AUTO_WIPED struct buf key = buf_make(64);
    int r = 0;
    if (!g->opts.sealer) {
        r = fresh_key(&key);
        if (!r) r = sealer_of_bytes(&own, buf_str(&key), fault);
    }
    if (r) return r;
    const struct crypto_sealer *sealer = own ? own : g->opts.sealer;
    AUTO(state) struct state *s = NULL;
    r = settle(g, sealer, dev, root, &s, ret_token, fault);
    if (r) return r;
    buf_add_str(ret_key, buf_str(&key));
    if (!own || dev) return control_take(g, s, TAKE(own), g->opts.sealer);
    // As Vault does: the one who was given the key unseals.
    if (!g->opts.store) g->shelved = TAKE(s);
    return make_probe(g, own);
}

int gate_init(struct gate *g, bool dev, struct str root, struct buf *ret_key, struct buf *ret_token,
              struct fault *fault) {
    return init(g, dev, root, ret_key, ret_token, fault);
}

int control_init(struct gate *g, struct buf *ret_key, struct buf *ret_token, struct fault *fault) {
    return init(g, false, STR_NONE, ret_key, ret_token, fault);
}

static int wrong_key(struct fault *fault) {
    return fault_set(fault, CONTROL_E_KEY, "this is not the master key");
}

static int load_with(struct gate *g, const struct crypto_sealer *sealer, struct state **ret,
                     struct fault *fault) {
    if (!g->opts.store) {
        if (!opens_probe(g, sealer)) return wrong_key(fault);
        *ret = TAKE(g->shelved);
        return *ret ? 0 : -EINVAL;
    }
    int r = state_load(ret, &api_schema, g->opts.store, sealer, fault);
    return r == STATE_E_OTHER_KEY ? wrong_key(fault) : r > 0 ? -EUCLEAN : r;
}

int control_unseal(struct gate *g, struct str key, struct fault *fault) {
    AUTO(crypto_sealer) struct crypto_sealer *sealer = NULL;
    int r = sealer_of_bytes(&sealer, key, fault);
    if (r == -EINVAL) return CONTROL_E_KEY;
    if (r || g->tip) return r;
    AUTO(state) struct state *s = NULL;
    r = load_with(g, sealer, &s, fault);
    return r ? r : control_take(g, s, TAKE(sealer), NULL);
}

int control_seal(struct gate *g) {
    if (!g->tip) return 0; // sealed already: in memory, what is shelved must stay
    AUTO(world) struct world *w = NULL;
    int r = world_new(&w, NULL, NULL);
    if (r) return r;
    if (!g->opts.store) g->shelved = TAKE(g->tip);
    g->tip = state_free(g->tip);
    g->next_expiry_ms = 0;
    gate_publish(g, TAKE(w));
    return 0;
}

int control_rekey(struct gate *g, struct str key, struct str fresh, struct fault *fault) {
    AUTO(crypto_sealer) struct crypto_sealer *old = NULL;
    AUTO(crypto_sealer) struct crypto_sealer *new = NULL;
    int r = sealer_of_bytes(&old, key, fault);
    if (!r) r = sealer_of_bytes(&new, fresh, fault);
    if (r == -EINVAL || (!r && !opens_probe(g, old))) return wrong_key(fault);
    if (r) return r;
    if (!g->tip) return fault_set(fault, -EINVAL, "the gate is sealed");
    if (g->opts.store) r = store_records_reseal(g->opts.store, old, new, fault);
    if (r) return r < 0 ? r : -EUCLEAN;
    return control_take(g, g->tip, TAKE(new), NULL);
}

const struct core *control_core(const struct gate *g) { return g->tip ? core_of(g->tip) : NULL; }

const char *control_rekey_nonce(const struct gate *g) { return g->rekey_nonce; }

int control_rekey_begin(struct gate *g) {
    AUTO_FINI(buf) struct buf uuid = buf_make(sizeof g->rekey_nonce - 1);
    int r = mount_new_uuid(&uuid);
    if (r == 0) r = uuid.error;
    if (r < 0) return r;
    memcpy(g->rekey_nonce, uuid.p, uuid.n);
    g->rekey_nonce[uuid.n] = '\0';
    return 0;
}

void control_rekey_cancel(struct gate *g) { g->rekey_nonce[0] = '\0'; }

void control_status(struct gate *g, struct control_status *ret) {
    AUTO(world) struct world *w = gate_world(g);
    *ret = (struct control_status){.initialized = g->initialized,
                                   .sealed = !w->state,
                                   .configured_key = g->opts.sealer != NULL,
                                   .version = g->opts.version,
                                   .in_memory = !g->opts.store};
}
