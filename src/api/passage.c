// SPDX-License-Identifier: Apache-2.0
// What is decided while a request waits for a person was decided over a state that may be gone by
// then: token revoked, policy changed. So the request is judged anew from the beginning, and only
// the methods that were passed are taken over.
#include "api/passage.h"

#include <errno.h>

#include "api/audit.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "mfa/stepup.h"

enum {
    CHALLENGES_MAX_BYTES = 1 << 20,
    PATH_MAX_BYTES = 1 << 20,
    MESSAGE_MAX_BYTES = 4096,
    DATA_MAX_BYTES = 512 << 20
};

void passage_fini(struct passage *p) {
    buf_fini(&p->methods);
    buf_fini(&p->challenges);
    buf_fini(&p->message);
}

static struct passage make(const struct call *c) {
    // No more room than for what it is to hold: very many may wait.
    struct passage p = {.methods = buf_make(c->verdict.mfa_methods.n),
                        .challenges = buf_make(CHALLENGES_MAX_BYTES),
                        .message = buf_make(MESSAGE_MAX_BYTES)};
    buf_add_str(&p.methods, buf_str(&c->verdict.mfa_methods));
    return p;
}

// A request that waits: there may be very many.
struct waiting {
    struct gate *gate;
    const struct request *request;
    struct asker who;
    struct passage passage;
    int64_t since_mono_ms;
};

static struct waiting *waiting_free(struct waiting *w) {
    if (!w) return NULL;
    passage_fini(&w->passage);
    free(w);
    return NULL;
}

// ---- decided

static void take(struct passage *p, const struct stepup_outcome *o) {
    p->allowed = o->allowed;
    p->rule = o->rule;
    if (!o->allowed) p->reason = challenge_reason_text(o->reason);
    buf_add_str(&p->challenges, o->challenges.packed);
    if (o->message.p) buf_add_str(&p->message, o->message);
    if (!p->methods.error && !p->challenges.error && !p->message.error) return;
    p->allowed = false;
    p->reason = "internal error";
}

static void on_decided(void *ctx, const struct stepup_outcome *o) {
    struct waiting *w = ctx;
    take(&w->passage, o);
    gate_go_on(w->gate, w->request, &w->passage, time_mono_ms() - w->since_mono_ms, &w->who);
    waiting_free(w);
}

// ---- asked for

// Of what is asked, so that a number which was shown for one request is not good for another.
static int fingerprint(const struct call *c, uint8_t ret[CRYPTO_SHA256_BYTES]) {
    AUTO_WIPED struct buf text = buf_make(DATA_MAX_BYTES);
    buf_addf(&text, "%d ", (int)c->request->op);
    json_add_text(&text, c->request->path);
    int r = c->request->data ? json_add_value(&text, c->request->data) : 0;
    if (!r) r = text.error;
    return r ? r : crypto_sha256(buf_str(&text), ret);
}

static uint64_t ask(struct gate *g, const struct call *c, struct str token, struct str print,
                    struct waiting *w) {
    AUTO_FINI(buf) struct buf path = buf_make(PATH_MAX_BYTES);
    audit_path(&path, c);
    if (path.error) return 0;
    const struct stepup_demand demand = {
        .methods = list_of(&c->verdict.mfa_methods),
        .credentials = c->request->mfa,
        .token_hash = token,
        .entity_id = c->caller.entity ? c->caller.entity->id : STR(""),
        .request_id = c->request->id,
        .path = buf_str(&path),
        .operation = str_from(audit_operations[c->op]),
        .fingerprint = print,
        .remote_address = c->request->remote_address,
        .user_agent = c->request->user_agent,
    };
    return stepup_ask(g->stepup, &demand, on_decided, w);
}

static struct waiting *waiting_new(struct gate *g, const struct call *c, const struct asker *who) {
    struct waiting *w = mem_new(sizeof *w);
    if (!w) return NULL;
    w->gate = g;
    w->request = c->request;
    w->who = *who;
    w->passage = make(c);
    w->since_mono_ms = time_mono_ms();
    return w;
}

int passage_ask(struct gate *g, const struct call *c, struct passage *ret, const struct asker *who,
                uint64_t *ret_ticket) {
    uint8_t token[TOKEN_HASH_BYTES];
    uint8_t print[CRYPTO_SHA256_BYTES];
    if (!g->stepup) return -ENOTSUP;
    int r = token_hash(c->state, c->request->token, token);
    if (r) return r;
    const struct str hash = {(const char *)token, sizeof token};
    if (stepup_remembers(g->stepup, c->state, list_of(&c->verdict.mfa_methods), hash,
                         c->request->remote_address, c->now_ms)) {
        *ret = make(c);
        ret->allowed = ret->remembered = true;
        return ret->methods.error ? ret->methods.error : PASSAGE_E_REMEMBERED;
    }
    r = fingerprint(c, print);
    if (r) return r;
    struct waiting *w = waiting_new(g, c, who);
    if (!w) return -ENOMEM;
    *ret_ticket = ask(g, c, hash, (struct str){(const char *)print, sizeof print}, w);
    if (*ret_ticket) return 0;
    waiting_free(w);
    return -EAGAIN;
}
