// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_RECORD_H
#define SIM_RECORD_H
// What was asked: the last requests with their headers, and counts over all of them. Secrets are
// left out: of Authorization only the scheme is kept, and whether the credentials are known; of
// DPoP only whether there was a proof; of a token request neither query nor body.

#include "base/buf.h"
#include "sim/faults.h"
#include "sim/limits.h"
#include "sim/request.h"

enum {
    RECORD_RING = 10000,
    RECORD_STATUS_MAX = 600,
    RECORD_FAULTS_MAX = 6,
    RECORD_CLIENT_MAX = 64
};

// What requests are counted by.
enum record_endpoint {
    RECORD_LOGS,
    RECORD_TOKEN,
    RECORD_USERS,
    RECORD_FACTORS,
    RECORD_VERIFY,
    RECORD_POLL,
    RECORD_CANCEL,
    RECORD_OTHER,
    RECORD_ENDPOINTS
};
enum record_scheme {
    RECORD_NO_SCHEME,
    RECORD_SSWS,
    RECORD_BEARER,
    RECORD_DPOP,
    RECORD_BASIC,
    RECORD_OTHER_SCHEME,
    RECORD_SCHEMES
};

// What is noted of one request while it is answered.
struct record_note {
    int64_t time_ms; // by the simulator's clock
    int status;      // 0: none was sent
    enum record_endpoint counted_as;
    bool token_known; // or the client
    bool has_proof;
    char client[RECORD_CLIENT_MAX]; // client id; "": none is known
    size_t events;
    size_t bytes; // of the body, before gzip
    struct limits_view view;
    enum fault_kind faults[RECORD_FAULTS_MAX];
    size_t n_faults;
};

struct record {
    char **lines; // ring of JSON objects, owned
    size_t n;     // requests since the last record_clear
    uint64_t by_status[RECORD_STATUS_MAX];
    uint64_t by_endpoint[RECORD_ENDPOINTS][RECORD_STATUS_MAX];
    uint64_t by_scheme[RECORD_SCHEMES];
    uint64_t proofs;
    uint64_t throttled_rate, throttled_concurrency;
    uint64_t pages, empty_pages, events, bytes;
    uint64_t since_with_after; // requests that carried both: a client that builds links by hand
};

// Outcomes: 0; -ENOMEM.
int record_init(struct record *r) MUST_USE;
void record_fini(struct record *r);

// "logs", "SSWS".
const char *record_endpoint_name(enum record_endpoint endpoint);
const char *record_scheme_name(enum record_scheme scheme);

// Forgets everything.
void record_clear(struct record *r);

// Outcomes: 0; -ENOMEM.
int record_add(struct record *r, const struct request *request,
               const struct record_note *note) MUST_USE;

// Appends the kept requests as a JSON array, oldest first. Failures stick in `out`.
void record_write(struct buf *out, const struct record *r);

#endif
