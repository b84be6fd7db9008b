// SPDX-License-Identifier: Apache-2.0
// Small objects: a set of 512 bits tells most names apart without looking at the earlier ones.
// Large objects: the names are sorted.
#include "json/overrides.h"

#include <errno.h>

enum { FEW = 64, BLOOM_BITS = 512 };

void json_overrides_fini(struct json_overrides *o) {
    free(o->many);
    *o = (struct json_overrides){0};
}

static unsigned char folded(const unsigned char *fold, char c) {
    return fold ? fold[(unsigned char)c] : (unsigned char)c;
}

static bool same(struct str a, struct str b, const unsigned char *fold) {
    if (a.n != b.n) return false;
    if (!fold) return a.n == 0 || memcmp(a.p, b.p, a.n) == 0;
    for (size_t i = 0; i < a.n; i++)
        if (fold[(unsigned char)a.p[i]] != fold[(unsigned char)b.p[i]]) return false;
    return true;
}

static size_t bloom_bit(struct str key, const unsigned char *fold) {
    if (key.n == 0) return 0;
    uint32_t mixed = (uint32_t)key.n << 24 | (uint32_t)folded(fold, key.p[0]) << 16 |
                     (uint32_t)folded(fold, key.p[key.n / 2]) << 8 | folded(fold, key.p[key.n - 1]);
    return (size_t)((mixed * 0x9E3779B1u) >> 23) % BLOOM_BITS;
}

// flatten: json_next is called for every member; inlined, it costs half.
static __attribute__((flatten)) void find_few(const struct json *object, const unsigned char *fold,
                                              struct json_overrides *o) {
    uint64_t bloom[BLOOM_BITS / 64] = {0};
    struct str keys[FEW];
    struct json_iter it = json_iter(object);
    for (size_t i = 0; json_next(&it); i++) {
        keys[i] = it.key;
        size_t bit = bloom_bit(it.key, fold);
        uint64_t mask = (uint64_t)1 << (bit % 64);
        bool maybe_seen = (bloom[bit / 64] & mask) != 0;
        bloom[bit / 64] |= mask;
        for (size_t j = 0; maybe_seen && j < i; j++)
            if (same(keys[j], it.key, fold)) o->few |= (uint64_t)1 << j;
    }
    o->any = o->few != 0;
}

struct name {
    struct str key;
    size_t i;
};

static int compare_names(const void *a, const void *b, void *fold) {
    const struct name *x = a, *y = b;
    size_t n = x->key.n < y->key.n ? x->key.n : y->key.n;
    if (x->key.n != y->key.n) return x->key.n < y->key.n ? -1 : 1;
    for (size_t i = 0; i < n; i++) {
        int difference = (int)folded(fold, x->key.p[i]) - (int)folded(fold, y->key.p[i]);
        if (difference) return difference;
    }
    return x->i < y->i ? -1 : x->i > y->i;
}

static int find_many(const struct json *object, const unsigned char *fold,
                     struct json_overrides *o) {
    size_t n = json_count(object);
    AUTO_MEM struct name *names = mem_new_array(n, sizeof *names);
    o->many = mem_new_array(n / 64 + 1, sizeof *o->many);
    if (!names || !o->many) return -ENOMEM;
    struct json_iter it = json_iter(object);
    for (size_t i = 0; i < n && json_next(&it); i++) names[i] = (struct name){it.key, i};
    qsort_r(names, n, sizeof *names, compare_names, (void *)(uintptr_t)fold);
    for (size_t i = 0; i + 1 < n; i++) {
        if (!same(names[i].key, names[i + 1].key, fold)) continue;
        o->many[names[i].i / 64] |= (uint64_t)1 << (names[i].i % 64);
        o->any = true;
    }
    return 0;
}

int json_overrides_find(const struct json *object, const unsigned char *fold,
                        struct json_overrides *ret) {
    struct json_overrides found = {0};
    int e = 0;
    if (json_type(object) == JSON_OBJECT && json_count(object) > 1) {
        if (json_count(object) <= FEW) find_few(object, fold, &found);
        else e = find_many(object, fold, &found);
    }
    if (e) json_overrides_fini(&found);
    else *ret = found;
    return e;
}
