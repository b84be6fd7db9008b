// SPDX-License-Identifier: Apache-2.0
#ifndef API_ROUTE_H
#define API_ROUTE_H
// Routes: one row each. Routing, coercion of fields, help, the OpenAPI answer and docs/api.md all
// come out of the rows; there is no second place.

#include <stdbool.h>
#include <stddef.h>

#include "identity/mount.h"

struct call;

enum operation { OP_READ, OP_LIST, OP_CREATE, OP_UPDATE, OP_PATCH, OP_DELETE, OP_HEADER, OP_HELP };

// How what came in becomes a value (reference 1.7).
enum field_type {
    FIELD_STRING,
    FIELD_LOWER_STRING, // lower-cased
    FIELD_NAME,         // a string (documentation: GenericNameRegex)
    FIELD_BOOL,
    FIELD_INT,
    FIELD_DURATION,        // seconds: call_int
    FIELD_SIGNED_DURATION, // may be negative
    FIELD_STRINGS,         // array of strings; one string is one element, not split
    FIELD_COMMAS,          // array of strings; a string is split at commas
    FIELD_PAIRS,           // object of strings, or array of "k=v"
    FIELD_MAP,             // any object
    FIELD_ANY,             // any JSON
};

enum { FIELD_SECRET = 1, FIELD_REQUIRED = 2, FIELD_DEPRECATED = 4, FIELD_QUERY = 8 };

struct field {
    const char *name;
    enum field_type type;
    const char *otherwise; // default as JSON text; NULL: the type's zero
    unsigned flags;
    const char *help; // one sentence
};

// ROUTE_OPEN: needs no token (login, health). ROUTE_SUDO: needs the sudo capability too.
// ROUTE_ANY_TOKEN: needs a valid token but no policy. ROUTE_TOP: `data` is copied to the top level
// (reference 1.5). ROUTE_RAW: the answer has no envelope. ROUTE_SEALED: answers while sealed or
// uninitialised too (call->state may be NULL). ROUTE_OPTIONAL: a token is looked at when given, a
// missing or bad one is not an error. ROUTE_CONTROL: seal, unseal, init, rekey: what changes the
// gate itself (call->gate).
enum {
    ROUTE_OPEN = 1,
    ROUTE_SUDO = 2,
    ROUTE_ANY_TOKEN = 4,
    ROUTE_TOP = 8,
    ROUTE_RAW = 16,
    ROUTE_SEALED = 32,
    ROUTE_OPTIONAL = 64,
    ROUTE_CONTROL = 128,
    ROUTE_HEAD = 512,        // HEAD is answered like GET (sys/health alone)
    ROUTE_NOTHING = 1 << 10, // an open path where nothing is: 404 to everybody
    ROUTE_BARE_ERRORS = 256, // conversion errors without "Field validation failed: " (userpass)
};

struct route {
    // Below the mount: "users/{username}/password". Captures: {x} GenericNameRegex, {x@} with @
    // inside, {x#} lower-case uuid, {x*} everything (".+"), {x**} everything or nothing. A final
    // "?" after a slash: with or without the slash ("users/?").
    const char *pattern;
    const struct field *fields; // ends with a row without a name; captures too; may be NULL
    unsigned flags;
    // Handlers; NULL: the operation is unsupported here. `update` serves PUT and POST; with an
    // existence check, `create` too (the same handler: call->op tells which).
    int (*read)(struct call *c);
    int (*list)(struct call *c);
    int (*update)(struct call *c);
    int (*patch)(struct call *c);
    int (*remove)(struct call *c);
    // Is there something at this path? NULL: a write needs `update`, whether or not.
    bool (*exists)(struct call *c);
    // Slow work (password hashing) on a worker thread before the write, over a snapshot; leaves
    // what it found in call->prepared. NULL: none. Only before `update`.
    int (*prepare)(struct call *c);
    // Reading changes something (wrapping/unwrap by GET): run as a write.
    bool read_writes;
    const char *summary;     // a line
    const char *description; // help text; NULL: the summary
};

struct backend {
    const char *type;                // "system"
    const struct route *routes;      // ends with a row without a pattern; the first match counts
    const char *help;                // of the mount's root
    const struct route *const *more; // further tables like `routes`, NULL at the end; NULL: none
};
// By enum mount_type; api/backends.c.
extern const struct backend *const api_backends[MOUNT_TYPES];

// Walking through all rows of a backend:
//   struct route_walk walk = {0};
//   const struct route *r;
//   while ((r = route_next(b, &walk))) use(r);
struct route_walk {
    size_t table, row; // 0: routes; else more[table - 1]
};
const struct route *route_next(const struct backend *b, struct route_walk *walk);

// The route of a path below a mount, captures left in the call. NULL: unsupported path.
const struct route *route_find(const struct backend *b, struct str rest, struct call *c);

#endif
