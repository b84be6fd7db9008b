// SPDX-License-Identifier: Apache-2.0
#ifndef CLI_GATE_CLIENT_H
#define CLI_GATE_CLIENT_H
// Commands that ask a running gate, over its own HTTP API, so that policies and the audit trail
// hold for administrators, too. Where it is and who asks is said as to Vault's and OpenBao's
// clients: BAO_ADDR, _TOKEN, _CACERT, _SKIP_VERIFY, _CLIENT_TIMEOUT, _MFA; of each the one that
// begins with VAULT_ where that is not set; ~/.vault-token.

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "json/read.h"

struct gate_client;

struct gate_client_opts {
    const char *address;  // given by the user; NULL: BAO_ADDR, VAULT_ADDR, or else
    const char *fallback; // this one; NULL: none
    // The gate's own certificate: who holds it, or one signed by it or by BAO_CACERT, is the gate,
    // whatever it is called. NULL: certificates and names are checked as always.
    const char *certificate;
    bool token_file;    // without BAO_TOKEN and VAULT_TOKEN, look into ~/.vault-token
    int64_t timeout_ms; // unless BAO_CLIENT_TIMEOUT or VAULT_CLIENT_TIMEOUT says another
};

// Everything is copied. Outcomes: 0; GATE_CLIENT_E_WRONG with fault (an address or a variable that
// cannot be used: the user's slip); -errno with fault. `fault` never holds the token.
enum { GATE_CLIENT_E_WRONG = 1 };
int gate_client_new(struct gate_client **ret, const struct gate_client_opts *opts,
                    struct fault *fault) MUST_USE;
// Wipes the token and the last answer. NULL-safe; returns NULL.
struct gate_client *gate_client_free(struct gate_client *c);
DEFINE_AUTO_FREE(gate_client)

// "https://127.0.0.1:8200", for people.
const char *gate_client_address(const struct gate_client *c);

struct gate_answer {
    int status;
    const struct json *body; // NULL: none, or none that is JSON
    struct str text;         // as it came
};
// Asks and waits. `path` follows "/v1/"; `body` is JSON, absent: none. The answer, whatever its
// status, is borrowed until the next one. Outcomes: 0; GATE_CLIENT_E_SILENT with fault (no answer
// came: whether the gate has worked on it is not known); -errno.
enum { GATE_CLIENT_E_SILENT = 1 };
int gate_client_ask(struct gate_client *c, const char *method, const char *path, struct str body,
                    struct gate_answer *ret, struct fault *fault) MUST_USE;

// Status and errors of an answer as they are, on one line or several: "403 permission denied".
// Characters that a terminal would act upon are escaped.
void gate_answer_explain(const struct gate_answer *a, struct buf *out);

#endif
