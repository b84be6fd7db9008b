// SPDX-License-Identifier: Apache-2.0
#ifndef API_GATE_H
#define API_GATE_H
// The gate: takes requests, answers reads from the current snapshot on the caller's thread, and
// runs writes one after another on a thread of its own, where everything that has come meanwhile is
// one transaction. A write is answered when it is durable.
//
//   reads:  server thread: token check, ACL, handler over the published snapshot
//   writes: (hash threads: prepare) -> writer thread: the same over a draft of the newest state ->
//           one commit for all that waited -> publish -> answer

#include "api/call.h"
#include "base/log.h"
#include "store/store.h"

struct gate;
struct stepup;

struct gate_opts {
    struct store *store; // NULL: in memory (--dev)
    const struct log *log;
    const struct crypto_sealer *sealer; // the configured master key; NULL: none, so sealed until
                                        // unseal gives it. Held by the caller until gate_free
    const char *version;                // what sys/health and seal-status say
    int hash_threads;                   // at once; 0: as many as there are processors, at most 4
    // Given each audit document (one JSON object, borrowed) on any thread; NULL: nowhere. False: it
    // can't be kept, and the request is refused (500).
    bool (*audit)(void *ctx, struct str document);
    void *audit_ctx;
};

// Loads what the store has (blocks). Starts its threads. Outcomes: 0 (also when sealed or never
// initialised); GATE_E_OTHER_KEY with fault: the master key is not the one; -errno with fault.
enum { GATE_E_OTHER_KEY = 1 };
int gate_new(struct gate **ret, const struct gate_opts *opts, struct fault *fault) MUST_USE;
// Lets running writes finish and answers them. No request may be running when it returns.
struct gate *gate_free(struct gate *g);
DEFINE_AUTO_FREE(gate)

// First start without a client: core, and a root token. Makes a master key unless one is
// configured. `root`: the token's id ("root" in --dev); absent: a random one. Appends the key (32
// bytes, nothing when it is configured) and the token, both secret. The gate is unsealed then if
// the key is configured, or with `dev`. Before any request. Outcomes: 0; GATE_E_INITIALISED;
// -errno.
enum { GATE_E_INITIALISED = 1 };
int gate_init(struct gate *g, bool dev, struct str root, struct buf *ret_key, struct buf *ret_token,
              struct fault *fault) MUST_USE;

// One request. `done` gets the answer: at once on this thread, or later on another one; exactly
// once. What `answer` points to lives until `done` returns. The request must live until then too.
struct answer {
    int status;
    struct str body;          // with envelope and final newline; empty: none
    const char *content_type; // NULL: no body
};
//
// Where a policy demands MFA methods, the answer waits for a person: then the ticket for
// gate_give_up is returned, else 0.
uint64_t gate_handle(struct gate *g, const struct request *request,
                     void (*done)(void *ctx, const struct answer *a), void *ctx);
// Whoever asked is gone: stops waiting for a person, so that `done` is called soon. Any thread; a
// ticket that is over is nothing.
void gate_give_up(struct gate *g, uint64_t ticket);

// ---- for what asks for MFA (mfa/stepup.h: struct stepup_world)

// Before any request; `s` outlives the gate's last request. Without one, what demands MFA is
// refused.
void gate_use_stepup(struct gate *g, struct stepup *s);
// The newest published snapshot, one reference; NULL: sealed. Any thread.
struct state *gate_state(struct gate *g);
// As stepup_world.change.
int gate_change(struct gate *g, int (*make)(void *arg, struct draft *d),
                void (*done)(void *arg, int r), void *arg) MUST_USE;

// For status, health and metrics; any thread.
enum { GATE_OPERATIONS = OP_HELP + 1, GATE_CLASSES = 6 };
struct gate_stats {
    bool initialized, sealed;
    int64_t requests, denied, failed, tokens, entities;
    int64_t answered[GATE_OPERATIONS][GATE_CLASSES]; // by operation and status / 100
    int64_t unaudited;                               // refused, because they could not be audited
};
void gate_stats(struct gate *g, struct gate_stats *ret);

#endif
