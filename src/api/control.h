// SPDX-License-Identifier: Apache-2.0
#ifndef API_CONTROL_H
#define API_CONTROL_H
// Sealing and unsealing: what the handlers of ROUTE_CONTROL ask of the gate. They run on the writer
// thread, while no write is under way, without a draft (call->state is the newest snapshot, NULL
// while sealed); nothing else may call these.

#include "api/gate.h"
#include "identity/core.h"

struct control_status {
    bool initialized, sealed;
    bool configured_key; // the master key comes from the settings: unsealed by itself at start
    const char *version;
    struct str cluster_name, cluster_id; // absent while sealed
    bool in_memory;
};
void control_status(struct gate *g, struct control_status *ret); // any thread

// Makes a master key unless one is configured, core, and a root token, all durable. Appends the key
// (32 bytes; nothing when it is configured) and the token. Leaves the gate sealed, as Vault does,
// unless the key is configured. Outcomes: 0; GATE_E_INITIALISED; -errno with fault.
int control_init(struct gate *g, struct buf *ret_key, struct buf *ret_token,
                 struct fault *fault) MUST_USE;
// `key`: 32 bytes. Outcomes: 0; CONTROL_E_KEY (not the one, or damaged: fault); -errno.
enum { CONTROL_E_KEY = 1 };
int control_unseal(struct gate *g, struct str key, struct fault *fault) MUST_USE;
// Forgets the key and everything that was read. Outcomes: 0.
int control_seal(struct gate *g) MUST_USE;
// Seals every record anew in one transaction: `key` is the master key in force, `fresh` the next
// one (32 bytes each). Reads go on meanwhile. Outcomes: 0; CONTROL_E_KEY; -errno with fault: the
// old key stays in force.
int control_rekey(struct gate *g, struct str key, struct str fresh, struct fault *fault) MUST_USE;

// What the newest state says of the cluster, after unsealing too; NULL: sealed.
const struct core *control_core(const struct gate *g);

// A change of the master key on its way between sys/rekey/init and sys/rekey/update: its nonce, ""
// when there is none; a new one, in the place of the last; none any more.
const char *control_rekey_nonce(const struct gate *g);
int control_rekey_begin(struct gate *g) MUST_USE; // 0; -EIO
void control_rekey_cancel(struct gate *g);

#endif
