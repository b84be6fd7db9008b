// SPDX-License-Identifier: Apache-2.0
// Stories begin at even distances over the time and overlap; the store sorts them.
#include "sim/generate.h"

#include <errno.h>

#include "sim/stories.h"

enum { EVENT_MAX_BYTES = 64 << 10 };

struct generator {
    struct company company;
    uint64_t runs;
};

int generator_new(struct generator **ret, uint64_t seed) {
    struct generator *g = mem_new(sizeof *g);
    if (!g) return -ENOMEM;
    struct rand rand = rand_make(seed);
    company_fill(&g->company, &rand);
    *ret = g;
    return 0;
}

const struct company *generator_company(const struct generator *g) { return &g->company; }

struct generator *generator_free(struct generator *g) {
    free(g);
    return NULL;
}

int generator_run(struct generator *g, const struct generate_opts *opts, struct store *store) {
    // A second run with the same seed is another part of the same year, not the same events again.
    struct teller t = {.company = &g->company,
                       .rand = rand_make(opts->seed ^ (g->runs++ << 32)),
                       .store = store,
                       .buf = buf_make(EVENT_MAX_BYTES),
                       .until_ms = opts->until_ms,
                       .left = opts->n};
    t.node = rand_next(&t.rand);
    int64_t span_ms = opts->until_ms - opts->from_ms;
    while (t.left && !t.error) {
        double done = (double)(opts->n - t.left) / (double)opts->n;
        story_tell(&t, opts->from_ms + (int64_t)((double)span_ms * done));
    }
    buf_fini(&t.buf);
    return t.error ? t.error : store_settle(store);
}
