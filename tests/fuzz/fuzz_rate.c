// SPDX-License-Identifier: Apache-2.0
// A conversation as the rate budget sees it, one line each: "Name: value" is a header of the next
// answer, a line that begins with a digit its status (and the end of its headers), "+N" lets N
// milliseconds pass, "!" sends one more request without waiting for its answer. Whatever comes, the
// budget never blocks for longer than a bit over a minute.
#include "base/parse.h"
#include "http/budget.h"
#include "okta/rate.h"

#include "fuzz.h"

enum { HEADERS_MAX = 16, WAIT_MAX_MS = 62000, PASS_MAX_MS = 100000000 };

struct talk {
    struct budget budget;
    int64_t now_ms;
    struct http_header headers[HEADERS_MAX];
    size_t header_count;
};

static void add_header(struct talk *t, struct str line) {
    if (t->header_count == HEADERS_MAX) return;
    struct str value = line;
    struct str name = str_split(&value, ':');
    t->headers[t->header_count++] = (struct http_header){name, str_trim(value)};
}

static void answer(struct talk *t, struct str line) {
    uint64_t status = 0;
    parse_u64(str_sub(line, 0, 3), &status);
    struct rate_headers rate;
    okta_rate_read(t->headers, t->header_count, &rate);
    MUST(!rate.present || (rate.limit >= 0 && rate.remaining >= 0 && rate.reset_s > 0));
    if (t->budget.in_flight == 0) budget_sent(&t->budget, BUDGET_COLLECTION);
    budget_answered(&t->budget, (int)status, &rate, t->now_ms);
    t->header_count = 0;
}

static void pass(struct talk *t, struct str line) {
    uint64_t ms = 0;
    if (parse_u64(str_sub(line, 1, line.n), &ms)) t->now_ms += (int64_t)(ms % PASS_MAX_MS);
}

// Once everything is answered, it takes two waits at most (a 429's, a window's) to go on.
static void check_progress(const struct talk *t) {
    struct budget b = t->budget;
    b.in_flight = 0;
    int64_t now = t->now_ms;
    for (int i = 0; i < 2; i++) now += budget_wait_ms(&b, BUDGET_COLLECTION, now);
    MUST(budget_wait_ms(&b, BUDGET_COLLECTION, now) == 0);
}

static void check(const struct talk *t) {
    int64_t wait = budget_wait_ms(&t->budget, BUDGET_COLLECTION, t->now_ms);
    MUST(wait >= 0 && wait <= WAIT_MAX_MS);
    MUST(t->budget.in_flight >= 0);
    int64_t used, limit;
    if (budget_used(&t->budget, t->now_ms, &used, &limit))
        MUST(limit > 0 && used >= 0 && used <= limit);
    check_progress(t);
}

static void step(struct talk *t, struct str line) {
    char c = line.n ? line.p[0] : '\n';
    if (c >= '0' && c <= '9') answer(t, line);
    else if (c == '+') pass(t, line);
    else if (c == '!') budget_sent(&t->budget, BUDGET_COLLECTION);
    else add_header(t, line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str text = {(const char *)data, size};
    struct str first = str_split(&text, '\n');
    double early = 0;
    parse_double(first, &early);
    struct talk t = {.budget = budget_make(early, 1), .now_ms = 1000000};
    while (text.p) {
        step(&t, str_split(&text, '\n'));
        check(&t);
    }
    return 0;
}
