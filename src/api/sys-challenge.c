// SPDX-License-Identifier: Apache-2.0
// sys/mfa/challenge: what became of the challenges of the last day, and what Okta logged of them.
#include <errno.h>

#include "api/sys.h"
#include "mfa/trail.h"

enum { LISTED_MAX = 1000 };

// ---- one

static void write_who(struct buf *out, const struct attempt *a) {
    call_member(out, "org", a->org);
    call_member(out, "user_id", a->user_id);
    call_member(out, "login", a->login);
    call_member(out, "entity_id", a->entity_id);
    call_member(out, "entity_name", a->entity_name);
    call_member(out, "factor_id", a->factor_id);
    call_member(out, "factor_name", a->factor_name);
    call_member(out, "factor_provider", a->factor_provider);
}

static void write_request(struct buf *out, const struct attempt *a) {
    call_member(out, "request_id", a->request_id);
    call_member(out, "operation", a->operation);
    call_member(out, "path", a->path);
    call_member(out, "remote_address", a->remote_address);
    call_member(out, "user_agent", a->user_agent);
}

static void write_course(struct buf *out, const struct attempt *a) {
    call_member(out, "kind", a->code ? STR("code") : STR("push"));
    call_flag(out, "number_matching", a->number);
    call_member(out, "transaction", a->transaction);
    call_time(out, "began", a->began_ms);
    call_time(out, "sent", a->sent_ms);
    call_time(out, "decided", a->decided_ms);
    call_member(out, "outcome", str_from(trail_outcome_name(a->outcome)));
    call_member(out, "reason", str_from(challenge_reason_name(a->reason)));
    call_member(out, "explanation", str_from(challenge_reason_text(a->reason)));
    call_member(out, "rule", a->rule);
}

static void write_entries(struct buf *out, const struct attempt *a) {
    static const char *const keys[] = {"uuid", "transaction_id", "type", "published"};
    struct str rest = a->events.packed, item;
    call_member(out, "requester", a->requester);
    call_flag(out, "unlogged", a->noted);
    json_key(out, STR("okta_events"));
    json_open(out, '[');
    for (size_t i = 0; list_next(&rest, &item); i++) {
        size_t at = i % LEN(keys);
        if (at == 0) json_open(out, '{');
        call_member(out, keys[at], item);
        if (at == LEN(keys) - 1) json_close(out, '}');
    }
    json_close(out, ']');
}

static void write_attempt(struct buf *out, const struct attempt *a) {
    call_member(out, "id", a->id);
    call_member(out, "method", a->method);
    call_member(out, "method_id", a->method_id);
    write_who(out, a);
    write_request(out, a);
    write_course(out, a);
    write_entries(out, a);
}

static int read_one(struct call *c) {
    const struct attempt *a = attempt_by_id(c->state, call_str(c, "id"));
    if (!a) return call_not_found(c);
    struct buf *data = call_data(c);
    write_attempt(data, a);
    json_close(data, '}');
    return 0;
}

// ---- all

// Everything, too: who looks at all of them is not to ask for each, and be asked for a push by his
// own policies each time.
static void write_info(struct buf *out, const struct attempt *a) {
    json_comma(out);
    json_key(out, a->id);
    json_open(out, '{');
    write_attempt(out, a);
    json_close(out, '}');
}

// The newest come first, but they can be walked through from the oldest only: the last ones are
// kept in a ring.
static int list_all(struct call *c) {
    AUTO_FINI(buf) struct buf keys = buf_make(SYS_LIST_MAX_BYTES);
    AUTO_FINI(buf) struct buf info = buf_make(SYS_LIST_MAX_BYTES);
    AUTO_MEM const struct attempt **ring = mem_new_array(LISTED_MAX, sizeof *ring);
    if (!ring) return -ENOMEM;
    struct tree_walk walk = attempt_walk(c->state);
    const struct attempt *a;
    size_t n = 0;
    while ((a = tree_next(&walk))) ring[n++ % LISTED_MAX] = a;
    for (size_t left = n < LISTED_MAX ? n : LISTED_MAX; left > 0; left--) {
        a = ring[--n % LISTED_MAX];
        json_comma(&keys);
        json_add_text(&keys, a->id);
        write_info(&info, a);
    }
    if (keys.error || info.error) return keys.error ? keys.error : info.error;
    if (n) call_warn(c, "%zu older challenges are not listed", n);
    return call_keys(c, buf_str(&keys), buf_str(&info));
}

static const struct field one_fields[] = {
    {"id", FIELD_STRING, NULL, FIELD_REQUIRED, "Id of the challenge."},
    {0},
};

static const struct field no_fields[] = {{0}};

const struct route sys_challenge_routes[] = {
    {.pattern = "mfa/challenge/?",
     .fields = no_fields,
     .list = list_all,
     .summary = "List the challenges of the last day, the newest first, at most 1000; `key_info` "
                "has all that a read of each has."},
    {.pattern = "mfa/challenge/{id}",
     .fields = one_fields,
     .read = read_one,
     .summary = "What became of a challenge: whom it asked, for which request, how it ended, and "
                "what Okta logged of it."},
    {0},
};
