// SPDX-License-Identifier: Apache-2.0
#ifndef API_GATE_INTERNAL_H
#define API_GATE_INTERNAL_H
// What the gate's files share: the published world, jobs on their way, and the gate itself.

#include <pthread.h>

#include "api/call-internal.h"
#include "api/control.h"
#include "api/gate.h"
#include "api/lockout.h"

// A master key in use, counted, so that a read that began before a new one came can end.
struct gate_key {
    atomic_uint refs;
    struct crypto_sealer *own;          // NULL: the configured one
    const struct crypto_sealer *sealer; // never NULL
};
struct gate_key *gate_key_free(struct gate_key *k); // drops a reference
DEFINE_AUTO_FREE(gate_key)

// What is true at one moment. Immutable, counted.
struct world {
    atomic_uint refs;
    struct state *state; // NULL: sealed, or never initialised
    struct gate_key *key;
};
struct world *world_free(struct world *w); // drops a reference
DEFINE_AUTO_FREE(world)
// Both may be NULL together. References of its own. Outcomes: 0; -ENOMEM.
int world_new(struct world **ret, const struct state *state, struct gate_key *key) MUST_USE;

// A request that cannot be answered at once; or, with `make`, a change by the gate's own parts.
struct job {
    struct job *next;
    const struct request *request; // NULL: a change
    void (*done)(void *ctx, const struct answer *a);
    void *ctx;
    int (*make)(void *arg, struct draft *d);
    void (*made)(void *arg, int r);
    void *arg;
    bool has_passage; // it has waited for a person (api/passage.h), or was remembered to have
    struct passage passage;
    int64_t waited_ms;
    struct buf prepared; // what route->prepare left; wiped
    struct call call;    // on the writer thread
    struct draft draft;
    struct state *base; // what the draft began with: what the call borrows from
    struct buf body;    // the answer; wiped
    int status;
};

struct job *job_new(const struct request *request, void (*done)(void *ctx, const struct answer *a),
                    void *ctx) MUST_USE; // NULL: no memory
struct job *job_free(struct job *j);     // NULL-safe; wipes; returns NULL
// A call for it, as far as threads share it: passage and time of the request after its waiting.
void job_begin_call(struct gate *g, const struct job *j, struct call *c);

struct job_queue {
    struct job *first, **end;
    size_t n;
};

struct gate {
    struct gate_opts opts;
    struct stepup *stepup;   // borrowed; NULL: MFA cannot be asked for
    struct lockout *lockout; // failed logins; with a lock of its own
    pthread_mutex_t mutex;   // over everything here but what is the writer's own
    pthread_cond_t to_write, to_prepare;
    struct world *world; // published; never NULL
    struct job_queue writes, prepares;
    bool stopping, hashers_gone;
    atomic_bool initialized;
    atomic_llong requests, denied, failed, unaudited;
    atomic_llong answered[GATE_OPERATIONS][GATE_CLASSES];
    pthread_t writer, *hashers;
    int hasher_count;
    bool writer_runs;
    // The writer's own: the newest state, ahead of the published one while it is being saved.
    struct state *tip;
    int64_t next_expiry_ms; // 0: none known
    struct state *shelved;  // in memory and sealed: what unsealing brings back
    char rekey_nonce[40];   // of the change of the master key under way; "": none
    struct buf probe;       // sealed by the key in force: a key that opens it is the one
};

struct world *gate_world(struct gate *g); // a reference on what is published
void gate_publish(struct gate *g, struct world *take_world);

// Who gets the answer.
struct asker {
    void (*done)(void *ctx, const struct answer *a);
    void *ctx;
};
// A request that waited for a person, decided: judges it anew and sees it through. May take what
// the passage holds. Any thread.
void gate_go_on(struct gate *g, const struct request *request, struct passage *passage,
                int64_t waited_ms, const struct asker *who);

// Must this go to the writer? For a call that has been decided.
bool gate_writes(const struct call *c);
// Words the answer and audits it: for a write, before its changes are kept, so that what cannot be
// said or audited does not happen. `r`: what the handling gave. Gives the status; 500 with an empty
// body: no memory for more.
int gate_word(struct gate *g, struct call *c, int r, struct buf *body) MUST_USE;
// Gives the answer and counts it. `done` is called with it.
void gate_tell(struct gate *g, const struct call *c, int status, const struct buf *body,
               void (*done)(void *ctx, const struct answer *a), void *ctx);

// Makes a state with its key the newest and the published one. `take_own` (may be NULL) is owned by
// the gate then; else `sealer` is borrowed for good. Writer thread, or before any request.
int control_take(struct gate *g, struct state *state, struct crypto_sealer *take_own,
                 const struct crypto_sealer *sealer) MUST_USE;

void *writer_main(void *gate);
void *hasher_main(void *gate);
void queue_add(struct job_queue *q, struct job *j);

#endif
