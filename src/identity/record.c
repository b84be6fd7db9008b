// SPDX-License-Identifier: Apache-2.0
// A record is made in one go: the struct as it stood on the maker's stack, then its texts, each
// slice pointed at its copy.
#include "identity/record.h"

#include <errno.h>

#include "crypto/digest.h"

// Absent texts stay absent, empty ones stay empty.
static struct str copy_text(char **to, struct str text) {
    if (!text.p) return STR_NONE;
    struct str copy = {*to, text.n};
    if (text.n) memcpy(*to, text.p, text.n);
    *to += text.n;
    return copy;
}

int record_make(void **ret, const void *draft, size_t bytes, const size_t *texts, size_t n,
                const struct record_type *type, enum record_kind kind) {
    size_t all = bytes;
    for (size_t i = 0; i < n; i++) {
        struct str text;
        memcpy(&text, (const char *)draft + texts[i], sizeof text);
        if (text.p) all += text.n;
    }
    if (all > UINT32_MAX) return -ENOMEM;
    char *made = malloc(all);
    if (!made) return -ENOMEM;
    memcpy(made, draft, bytes);
    char *end = made + bytes;
    for (size_t i = 0; i < n; i++) {
        struct str text;
        memcpy(&text, (const char *)draft + texts[i], sizeof text);
        text = copy_text(&end, text);
        memcpy(made + texts[i], &text, sizeof text);
    }
    struct record *head = (struct record *)(void *)made;
    head->type = type;
    head->kind = kind;
    head->bytes = (uint32_t)all;
    atomic_init(&head->refs, 1);
    *ret = made;
    return 0;
}

// Counting is all that happens to a record after it was made, so const is cast away here only.
static struct record *head_of(const void *record) {
    struct record *head;
    memcpy(&head, &record, sizeof head);
    return head;
}

void record_hold(const void *record) {
    atomic_fetch_add_explicit(&head_of(record)->refs, 1, memory_order_relaxed);
}

void record_drop(const void *record) {
    if (!record) return;
    struct record *head = head_of(record);
    if (atomic_fetch_sub_explicit(&head->refs, 1, memory_order_acq_rel) != 1) return;
    if (head->type->fini) head->type->fini(head);
    if (head->type->secret) crypto_wipe(head, head->bytes);
    free(head);
}
