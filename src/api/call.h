// SPDX-License-Identifier: Apache-2.0
#ifndef API_CALL_H
#define API_CALL_H
// One request on its way, free of HTTP: what is asked, by whom, over which snapshot, and the answer
// in the making. Handlers see this and nothing else. A call belongs to one thread at a time.

#include "api/route.h"
#include "identity/acl.h"
#include "identity/state.h"
#include "identity/token.h"
#include "json/read.h"
#include "json/write.h"

struct gate;

// What came in: made by the server, borrowed by the call.
struct request {
    enum operation op; // POST and PUT: OP_UPDATE; existence turns it into OP_CREATE
    struct str method; // as sent: "PUT"
    struct str path;   // without /v1/, percent-decoded; list: as sent, final slash added
    struct str token;  // absent: none (secret)
    struct str namespace;
    struct str remote_address; // "127.0.0.1"; behind a trusted proxy: whom that speaks for
    struct str user_agent;     // as sent; absent: none
    const struct json *data;   // body or query as an object; NULL: nothing was sent
    struct str id;             // request_id: uuid
    int64_t wrap_ttl_s;        // 0: not asked for
    bool wrap_jwt;
    struct list
        mfa; // X-Vault-MFA: method, credential, method, credential, ... (credential may be "")
    int64_t now_ms;
};

// How the answer looks; made by handlers through the functions below.
struct reply {
    int status;           // 0: by content (reference 1.5: 200, 204, 404)
    struct buf data;      // JSON object; empty: null
    struct buf auth;      // JSON object; empty: null
    struct buf warnings;  // JSON strings with commas
    struct buf errors;    // likewise; with failed
    struct buf wrap_info; // JSON object: the answer has been wrapped (api/wrapping.h); empty: not
    bool failed;
    bool raw;      // `data` is the whole body
    bool has_data; // there is an answer even when data is empty ("data": null, 200)
    bool keep; // of a failed write: its changes count all the same (a failure that is remembered)
    int64_t lease_duration_s;
    bool renewable;
    const char *content_type; // NULL: application/json
    struct str lease_id;
    // Facts for the audit event beyond the call's own.
    const char *reason; // why not: "no policy", "bad token", ...; constant; never sent
};

// What asking for MFA has come to (mfa/stepup.h).
struct passage {
    bool allowed;
    bool remembered;
    const char *reason;    // why not; constant
    const char *rule;      // the guard's, if it was that; constant
    struct buf methods;    // packed list: what was asked for
    struct buf challenges; // packed list of ids
    struct buf message;    // to the caller, instead of "permission denied"; empty: none
};

enum { CALL_CAPTURES = 4, CALL_PREPARED = 4 };

struct call {
    const struct request *request;
    struct gate *gate;         // only for ROUTE_CONTROL and for facts of the server (version)
    const struct state *state; // snapshot to read; of a write: the draft's; NULL: sealed
    struct draft *draft;       // writes only
    enum operation op;
    int64_t now_ms;
    const struct mount *mount;
    struct str rest; // of the path, below the mount
    const struct route *route;
    struct {
        const char *name; // in the route's pattern, not terminated: name_n
        size_t name_n;
        struct str value;
    } capture[CALL_CAPTURES];
    size_t capture_count;
    struct token_caller caller; // token NULL: none
    struct lockout *lockout;    // failed logins (api/lockout.h), the gate's; NULL: not counted
    struct stepup *stepup;      // what asks for MFA, and its guard; NULL: nobody can be asked
    struct acl_verdict verdict;
    const struct passage *passage; // NULL: no MFA has been asked for
    bool wants_mfa;                // the policies demand methods that nobody has been asked for yet
    struct buf prepared;           // what route->prepare left; wiped
    struct buf values;             // coerced values live here (api/fields.c)
    struct buf ignored;            // names of parameters that no field knows, packed list
    struct buf replaced;           // names that captures replaced
    struct json_reader *reader;    // owns coerced arrays and objects; may be NULL
    void *fields;                  // api/fields.c
    struct reply reply;
};

// Values of fields, coerced, with the rows' defaults (reference 1.7). A name that is no row of the
// route is a programming error (assert). `call_has`: the request gave it (null counts).
bool call_has(const struct call *c, const char *field);
struct str call_str(const struct call *c, const char *field); // never absent (p != NULL)
bool call_bool(const struct call *c, const char *field);
int64_t call_int(const struct call *c, const char *field);      // also seconds
struct list call_list(const struct call *c, const char *field); // FIELD_STRINGS, _COMMAS, _PAIRS
const struct json *call_json(const struct call *c, const char *field); // _MAP, _ANY; NULL: absent
// The whole body as sent (kv); NULL: none.
const struct json *call_body(const struct call *c);

// Answers. Each gives 0, for `return call_error(...)`; memory is told by the buffers.
// {"errors":[text]} with that status.
int call_error(struct call *c, int status, const char *format, ...) PRINTF_LIKE(3, 4);
int call_denied(struct call *c, const char *reason); // 403, the "1 error occurred" form
// The same with a text for the caller in the place of "permission denied".
int call_denied_saying(struct call *c, const char *reason, struct str message);
int call_not_found(struct call *c);  // 404 {"errors":[]}
int call_no_content(struct call *c); // 204 (200 when there are warnings)
// The `data` object: opened for writing, to be closed by the handler's json_close.
struct buf *call_data(struct call *c);
struct buf *call_auth(struct call *c);
void call_warn(struct call *c, const char *format, ...) PRINTF_LIKE(2, 3);
// data.keys of a list, and data.key_info when it is not empty; 404 when there are no keys.
// Both are JSON: elements / members.
int call_keys(struct call *c, struct str keys, struct str key_info);

// Writes `"key": seconds since ...` helpers for answers.
void call_time(struct buf *out, const char *key,
               int64_t ms); // RFC 3339 with nanoseconds' zeros; 0: null
void call_member(struct buf *out, const char *key, struct str value); // "key":"value"
void call_number(struct buf *out, const char *key, int64_t value);
void call_flag(struct buf *out, const char *key, bool value);
void call_null(struct buf *out, const char *key);
void call_texts(struct buf *out, const char *key, struct list l); // array, [] when empty
void call_pairs(struct buf *out, const char *key, struct list l); // object; null when absent

// The `auth` of an answer for a token just made (reference 1.5): token stays in the answer only.
void call_auth_token(struct call *c, struct str token, const struct token *t,
                     struct list identity_policies);

#endif
