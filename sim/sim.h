// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_SIM_H
#define SIM_SIM_H
// The simulator without its network: a request in, a reply out. One thread.

#include "base/hash.h"
#include "sim/faults.h"
#include "sim/generate.h"
#include "sim/limits.h"
#include "sim/oauth.h"
#include "sim/page.h"
#include "sim/pushes.h"
#include "sim/record.h"
#include "sim/reply.h"
#include "sim/simclock.h"
#include "sim/store.h"
#include "sim/users-store.h"
#include "json/read.h"

// The token that is known when the command line names none.
#define SIM_DEFAULT_TOKEN "00simulatorTokenForLocalTestsOnly000000000"

// The machine part of the uuids of events that come from what the simulator was asked for.
#define SIM_LOG_NODE UINT64_C(0x02006f6b7461)

enum sim_link_style { SIM_LINKS_SEPARATE, SIM_LINKS_JOINED };
enum sim_link_order { SIM_LINKS_MIXED, SIM_LINKS_SELF_FIRST, SIM_LINKS_NEXT_FIRST };

struct sim_settings {
    // The machine part of the uuids of events that come from what the simulator was asked for.
#define SIM_LOG_NODE UINT64_C(0x02006f6b7461)

    enum sim_link_style link_style;
    enum sim_link_order link_order;
    int64_t retention_ms;
    bool gzip;    // compress where the client asks for it
    bool chunked; // no Content-Length, as Okta does
};

// A packed body, found by the hash of its events' ids.
struct packed {
    struct hash128 key;
    char *p; // owned; NULL: empty slot
    size_t n;
};
enum { SIM_PACKED_SLOTS = 2048 };

struct sim {
    struct simclock clock;
    struct store *store;
    struct generator *generator;
    struct json_reader *reader;
    struct limits limits;
    struct oauth oauth;
    struct users *users;
    struct pushes pushes;
    struct faults faults;
    struct record record;
    struct sim_settings settings;
    struct rand rand;      // request ids, error ids, order of links
    struct page *page;     // the last page that was served, for repeated events
    struct page *scratch;  // the page being made
    struct packed *packed; // what large bodies were packed to, SIM_PACKED_SLOTS of them
};

struct sim_opts {
    int64_t now_ms;
    uint64_t seed;
    uint64_t rate_limit, token_share_percent, concurrency;
};

// Outcomes: 0; -ENOMEM.
int sim_new(struct sim **ret, const struct sim_opts *opts) MUST_USE;
struct sim *sim_free(struct sim *sim);
DEFINE_AUTO_FREE(sim)

// Forgets all events. Outcomes: 0; -ENOMEM, nothing forgotten.
int sim_drop_events(struct sim *sim) MUST_USE;

// Answers one request of any path. `limits_leave` is to be called when the reply has gone out and
// `reply->counted` is set. Outcomes: 0; negative: no answer can be made.
int sim_handle(struct sim *sim, const struct request *request, struct reply *reply) MUST_USE;

#endif
