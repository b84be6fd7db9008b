// SPDX-License-Identifier: Apache-2.0
// Pieces with semicolons between them: a format, the alias's name, the entity's name, how many
// pairs of metadata are the alias's, and the pairs. What is made holds each value as it is, and
// nothing that is said about a refusal comes from a value.
#include "mfa/username.h"

#include "fuzz.h"

enum { TEXT_MAX_BYTES = 1 << 20, PAIRS_MAX = 16 };

struct person {
    struct str alias_name, entity_name;
    struct str keys[PAIRS_MAX], values[PAIRS_MAX];
    size_t pairs, alias_pairs;
};

// With `mark`, each value that is not empty is another one, with a byte in front that no format
// has.
static void add_value(struct buf *out, struct str value, bool mark) {
    if (mark && value.n) buf_addc(out, '\0');
    buf_add_str(out, value);
}

static void add_pairs(struct buf *list, const struct person *p, size_t from, size_t to, bool mark) {
    for (size_t i = from; i < to; i++) {
        AUTO_FINI(buf) struct buf value = buf_make(TEXT_MAX_BYTES);
        add_value(&value, p->values[i], mark);
        list_add(list, p->keys[i]);
        list_add(list, buf_str(&value));
    }
}

static int make(struct str format, const struct person *p, bool mark, struct buf *out,
                struct fault *fault) {
    AUTO_FINI(buf) struct buf first = buf_make(TEXT_MAX_BYTES), second = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf alias_name = buf_make(TEXT_MAX_BYTES);
    AUTO_FINI(buf) struct buf entity_name = buf_make(TEXT_MAX_BYTES);
    add_value(&alias_name, p->alias_name, mark);
    add_value(&entity_name, p->entity_name, mark);
    add_pairs(&first, p, 0, p->alias_pairs, mark);
    add_pairs(&second, p, p->alias_pairs, p->pairs, mark);
    const struct alias alias = {.name = buf_str(&alias_name), .metadata = list_of(&first)};
    const struct entity entity = {.name = buf_str(&entity_name), .metadata = list_of(&second)};
    return username_make(format, &alias, &entity, out, fault);
}

static bool has_any(struct str text, char a, char b) {
    return str_find_char(text, a) < text.n || str_find_char(text, b) < text.n;
}

static bool has_braces(const struct person *p) {
    bool any = has_any(p->alias_name, '{', '}') || has_any(p->entity_name, '{', '}');
    for (size_t i = 0; i < p->pairs; i++) any |= has_any(p->values[i], '{', '}');
    return any;
}

// The marks taken out again, what the marked values gave is what the values gave.
static void check_marked(const struct buf *plain, const struct buf *marked) {
    AUTO_FINI(buf) struct buf without = buf_make(TEXT_MAX_BYTES);
    for (size_t i = 0; i < marked->n; i++)
        if (marked->p[i] != '\0') buf_addc(&without, marked->p[i]);
    MUST(str_eq(buf_str(&without), buf_str(plain)));
}

static void check(struct str format, const struct person *p) {
    AUTO_FINI(buf) struct buf plain = buf_make(TEXT_MAX_BYTES), marked = buf_make(TEXT_MAX_BYTES);
    struct fault fault = {{0}}, again = {{0}};
    int r = make(format, p, false, &plain, &fault);
    MUST(r == 0 || r == USERNAME_E_REFUSED);
    MUST(make(format, p, true, &marked, &again) == r);
    MUST(strcmp(fault.text, again.text) == 0);
    MUST((fault.text[0] != '\0') == (r != 0));
    MUST((plain.n > 0) == (r == 0));
    if (r) return;
    check_marked(&plain, &marked);
    if (!format.n) MUST(str_eq(buf_str(&plain), p->alias_name));
    if (format.n && !has_any(format, '{', '}')) MUST(str_eq(buf_str(&plain), format));
    if (!has_braces(p)) MUST(!has_any(buf_str(&plain), '{', '}'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct str rest = {(const char *)data, size};
    if (str_find_char(rest, '\0') < size) return 0; // the mark
    struct str format = str_split(&rest, ';');
    struct person p = {.alias_name = str_split(&rest, ';')};
    p.entity_name = str_split(&rest, ';');
    struct str count = str_split(&rest, ';');
    for (; rest.p && p.pairs < PAIRS_MAX; p.pairs++) {
        p.keys[p.pairs] = str_split(&rest, ';');
        p.values[p.pairs] = str_split(&rest, ';');
    }
    p.alias_pairs = count.n < p.pairs ? count.n : p.pairs;
    check(format, &p);
    return 0;
}
