// SPDX-License-Identifier: Apache-2.0
#include "api/lease.h"

#include "base/parse.h"
#include "base/time.h"

enum { ID_MAX_BYTES = 64 << 10 };

// Longer times are cut to this (some 270 years): sums of instants stay far from overflow.
static const int64_t longest_s = INT64_C(1) << 33;

// ---- durations as text

void lease_write_duration(struct buf *out, int64_t ms) {
    int64_t h = ms / TIME_HOUR_MS, m = ms / TIME_MINUTE_MS % 60, s = ms / TIME_SECOND_MS % 60;
    int64_t fraction = ms % TIME_SECOND_MS;
    if (h) buf_addf(out, "%lldh", (long long)h);
    if (m) buf_addf(out, "%lldm", (long long)m);
    if (fraction) buf_addf(out, "%lld.%03llds", (long long)s, (long long)fraction);
    else if (s || (!h && !m)) buf_addf(out, "%llds", (long long)s);
}

static bool is_number(struct str text) {
    bool digit = false;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] >= '0' && text.p[i] <= '9') digit = true;
        else if (text.p[i] != '.') return false;
    }
    return digit;
}

static int64_t cut(int64_t seconds) { return seconds > longest_s ? longest_s : seconds; }

static bool read_size(struct str size, int64_t *ret_ms) {
    int64_t seconds = 0;
    if (parse_i64(size, &seconds) && seconds >= 0) *ret_ms = cut(seconds) * TIME_SECOND_MS;
    else if (!parse_duration_ms(size, ret_ms) || *ret_ms < 0) return false;
    if (*ret_ms / TIME_SECOND_MS > longest_s) *ret_ms = longest_s * TIME_SECOND_MS;
    return true;
}

int lease_read_duration(struct str text, int64_t *ret_ms, struct fault *fault) {
    bool minus = str_starts(text, STR("-"));
    int64_t ms = 0;
    if (text.n == 0 || read_size(str_sub(text, minus, text.n), &ms)) {
        *ret_ms = minus ? -ms : ms;
        return 0;
    }
    const char *what = is_number(text) ? "missing unit in" : "invalid";
    return fault_set(fault, LEASE_E_TEXT, "time: %s duration \"%.*s\"", what, STR_ARG(text));
}

// ---- limits

static void warn_cut(struct call *c, const char *what, int64_t asked_ms, int64_t max_ms) {
    AUTO_FINI(buf) struct buf asked = buf_make(128);
    AUTO_FINI(buf) struct buf max = buf_make(128);
    lease_write_duration(&asked, asked_ms);
    lease_write_duration(&max, max_ms);
    const char *again = *what == 'p' ? "period" : "TTL";
    call_warn(c,
              "%s of \"%.*s\" exceeded the effective max_ttl of \"%.*s\"; %s value is capped "
              "accordingly",
              what, STR_ARG(buf_str(&asked)), STR_ARG(buf_str(&max)), again);
}

static int64_t shorter(int64_t max_s, int64_t other_s) {
    return other_s > 0 && other_s < max_s ? other_s : max_s;
}

// Whole seconds, the nearer ones.
static int64_t rounded(int64_t ms) {
    return (ms + TIME_SECOND_MS / 2) / TIME_SECOND_MS * TIME_SECOND_MS;
}

int lease_settle(struct call *c, const struct lease_ask *ask, int64_t *ret_ms) {
    int64_t max_s = mount_max_ttl_s(ask->mount);
    max_s = shorter(shorter(max_s, ask->max_ttl_s), ask->explicit_max_ttl_s);
    int64_t max_ms = max_s * TIME_SECOND_MS;
    int64_t ttl_ms =
        ask->ttl_ms > 0 ? ask->ttl_ms : mount_default_ttl_s(ask->mount) * TIME_SECOND_MS;
    bool bounded = true;
    if (ask->period_s > 0) {
        ttl_ms = ask->period_s * TIME_SECOND_MS;
        if (ttl_ms > max_ms) warn_cut(c, "period", ttl_ms, max_ms);
        if (ttl_ms > max_ms) ttl_ms = max_ms;
        bounded = ask->explicit_max_ttl_s > 0;
        max_ms = ask->explicit_max_ttl_s * TIME_SECOND_MS;
    }
    int64_t left_ms = rounded(ask->created_ms + max_ms - c->now_ms);
    if (bounded && left_ms <= 0) return LEASE_E_OVER;
    if (bounded && ttl_ms > left_ms) {
        warn_cut(c, "TTL", ttl_ms, left_ms);
        ttl_ms = left_ms;
    }
    *ret_ms = ttl_ms;
    return 0;
}

// ---- handing out

static struct list policies_of_entity(const struct call *c, const struct token *t) {
    const struct entity *e = t->entity_id.n ? entity_in_force(c->state, t->entity_id) : NULL;
    return e ? e->policies : (struct list){STR_NONE};
}

int lease_grant(struct call *c, struct token *want, struct str id) {
    AUTO_WIPED struct buf made = buf_make(ID_MAX_BYTES);
    const struct token *t = want;
    int r = want->kind == TOKEN_BATCH ? token_create_batch(c->state, want, &made)
                                      : token_create(c->draft, want, id, &made, &t);
    if (r) return r;
    call_auth_token(c, buf_str(&made), t, policies_of_entity(c, t));
    return 0;
}
