// SPDX-License-Identifier: Apache-2.0
// Open addressing. A user stands in it twice, under id and login; which of them was meant is seen
// by comparing.
#include "sim/users-index.h"

#include <errno.h>

#include "base/hash.h"
#include "sim/users-store.h"

enum { SEED = 0x75736572, LEAST_SLOTS = 64 };

void users_index_fini(struct users_index *index) {
    free(index->slots);
    *index = (struct users_index){.slots = NULL};
}

static uint64_t hash_of(struct str name) {
    char small[COMPANY_NAME_MAX];
    size_t n = name.n < sizeof small ? name.n : sizeof small;
    for (size_t i = 0; i < n; i++) {
        char c = name.p[i];
        small[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
    }
    return hash64((struct str){small, n}, SEED);
}

static void insert(struct users_index *index, struct str name, size_t place) {
    size_t at = (size_t)hash_of(name) & (index->n_slots - 1);
    while (index->slots[at]) at = (at + 1) & (index->n_slots - 1);
    index->slots[at] = (uint32_t)place + 1;
}

static void insert_user(struct users_index *index, const struct user *each, size_t place) {
    insert(index, str_from(each[place].id), place);
    insert(index, str_from(each[place].login), place);
}

int users_index_build(struct users_index *index, const struct user *each, size_t n) {
    struct users_index fresh = {.n_slots = LEAST_SLOTS};
    while (fresh.n_slots < 8 * n) fresh.n_slots *= 2;
    fresh.slots = mem_new_array(fresh.n_slots, sizeof *fresh.slots);
    if (!fresh.slots) return -ENOMEM;
    for (size_t i = 0; i < n; i++) insert_user(&fresh, each, i);
    free(index->slots);
    *index = fresh;
    return 0;
}

int users_index_add(struct users_index *index, const struct user *each, size_t place) {
    if (4 * (place + 1) > index->n_slots) return users_index_build(index, each, place + 1);
    insert_user(index, each, place);
    return 0;
}

size_t users_index_find(const struct users_index *index, const struct user *each, struct str name) {
    if (!name.n || name.n >= COMPANY_NAME_MAX || !index->n_slots) return SIZE_MAX;
    size_t at = (size_t)hash_of(name) & (index->n_slots - 1);
    for (; index->slots[at]; at = (at + 1) & (index->n_slots - 1)) {
        size_t place = index->slots[at] - 1;
        const struct user *user = &each[place];
        if (str_eqz(name, user->id) || str_eq_nocase(name, str_from(user->login))) return place;
    }
    return SIZE_MAX;
}
