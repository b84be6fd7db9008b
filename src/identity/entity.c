// SPDX-License-Identifier: Apache-2.0
// The records and how they are found. Names are kept as they were written and found folded; most
// are folded already, and then `lower` is the very bytes of `name`: with a hundred thousand
// entities it counts.
#include "identity/entity.h"

#include <errno.h>

#include "identity/codec.h"
#include "identity/entity-internal.h"
#include "identity/fold.h"

enum { TEXTS_MAX_BYTES = 64 << 20 };

static const struct codec_row entity_rows[] = {
    {"id", CODEC_TEXT, offsetof(struct entity, id)},
    {"name", CODEC_TEXT, offsetof(struct entity, name)},
    {"metadata", CODEC_PAIRS, offsetof(struct entity, metadata)},
    {"policies", CODEC_LIST, offsetof(struct entity, policies)},
    {"merged_ids", CODEC_LIST, offsetof(struct entity, merged_ids)},
    {"disabled", CODEC_BOOL, offsetof(struct entity, disabled)},
    {"created_ms", CODEC_INT, offsetof(struct entity, created_ms)},
    {"updated_ms", CODEC_INT, offsetof(struct entity, updated_ms)},
};

static const size_t entity_texts[] = {
    offsetof(struct entity, id),       offsetof(struct entity, name),
    offsetof(struct entity, lower),    offsetof(struct entity, metadata),
    offsetof(struct entity, policies), offsetof(struct entity, merged_ids),
};

static const struct codec_row alias_rows[] = {
    {"id", CODEC_TEXT, offsetof(struct alias, id)},
    {"entity_id", CODEC_TEXT, offsetof(struct alias, entity_id)},
    {"name", CODEC_TEXT, offsetof(struct alias, name)},
    {"mount_accessor", CODEC_TEXT, offsetof(struct alias, mount_accessor)},
    {"metadata", CODEC_PAIRS, offsetof(struct alias, metadata)},
    {"custom_metadata", CODEC_PAIRS, offsetof(struct alias, custom_metadata)},
    {"merged_from", CODEC_LIST, offsetof(struct alias, merged_from)},
    {"local", CODEC_BOOL, offsetof(struct alias, local)},
    {"created_ms", CODEC_INT, offsetof(struct alias, created_ms)},
    {"updated_ms", CODEC_INT, offsetof(struct alias, updated_ms)},
};

static const size_t alias_texts[] = {
    offsetof(struct alias, id),          offsetof(struct alias, entity_id),
    offsetof(struct alias, name),        offsetof(struct alias, lower),
    offsetof(struct alias, metadata),    offsetof(struct alias, mount_accessor),
    offsetof(struct alias, merged_from), offsetof(struct alias, custom_metadata),
};

static const struct codec_row merged_rows[] = {
    {"id", CODEC_TEXT, offsetof(struct entity_merged, id)},
    {"into", CODEC_TEXT, offsetof(struct entity_merged, into)},
};

static const size_t merged_texts[] = {
    offsetof(struct entity_merged, id),
    offsetof(struct entity_merged, into),
};

// How a record with a name is made.
struct shape {
    const struct record_type *type;
    enum record_kind kind;
    size_t bytes;
    const size_t *texts;
    size_t text_count;
    size_t name, lower;
};

static const struct shape entity_shape = {
    .type = &entity_type,
    .kind = RECORD_ENTITY,
    .bytes = sizeof(struct entity),
    .texts = entity_texts,
    .text_count = LEN(entity_texts),
    .name = offsetof(struct entity, name),
    .lower = offsetof(struct entity, lower),
};

static const struct shape alias_shape = {
    .type = &alias_type,
    .kind = RECORD_ALIAS,
    .bytes = sizeof(struct alias),
    .texts = alias_texts,
    .text_count = LEN(alias_texts),
    .name = offsetof(struct alias, name),
    .lower = offsetof(struct alias, lower),
};

static struct str get_text(const void *record, size_t offset) {
    struct str text;
    memcpy(&text, (const char *)record + offset, sizeof text);
    return text;
}

static void set_text(void *record, size_t offset, struct str text) {
    memcpy((char *)record + offset, &text, sizeof text);
}

static int make_named(void **ret, void *draft, const struct shape *shape) {
    AUTO_FINI(buf) struct buf folded = buf_make(TEXTS_MAX_BYTES);
    struct str name = get_text(draft, shape->name);
    fold_text(&folded, name);
    if (folded.error) return folded.error;
    bool same = str_eq(buf_str(&folded), name);
    set_text(draft, shape->lower, same ? STR_NONE : buf_str(&folded));
    int r = record_make(ret, draft, shape->bytes, shape->texts, shape->text_count, shape->type,
                        shape->kind);
    if (r == 0 && same) set_text(*ret, shape->lower, get_text(*ret, shape->name));
    set_text(draft, shape->lower, STR_NONE);
    return r;
}

static struct tree_key key_of_id(const void *item) {
    return (struct tree_key){((const struct entity *)item)->id, STR_NONE};
}

static struct tree_key key_of_name(const void *item) {
    return (struct tree_key){((const struct entity *)item)->lower, STR_NONE};
}

static struct tree_key key_of_alias(const void *item) {
    return (struct tree_key){((const struct alias *)item)->id, STR_NONE};
}

static struct tree_key key_of_place(const void *item) {
    const struct alias *a = item;
    return (struct tree_key){a->entity_id, {a->order, sizeof a->order}};
}

static struct tree_key key_on_mount(const void *item) {
    const struct alias *a = item;
    return (struct tree_key){a->mount_accessor, a->lower};
}

static struct tree_key key_of_merged(const void *item) {
    return (struct tree_key){((const struct entity_merged *)item)->id, STR_NONE};
}

static void encode_entity(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(entity_rows, LEN(entity_rows), record, out);
    json_close(out, '}');
}

static uint32_t order_of(const struct alias *a) {
    uint32_t order = 0;
    for (size_t i = 0; i < sizeof a->order; i++) order = order << 8 | (unsigned char)a->order[i];
    return order;
}

static void set_order(struct alias *a, uint32_t order) {
    for (size_t i = sizeof a->order; i-- > 0; order >>= 8) a->order[i] = (char)(order & 0xFF);
}

static void encode_alias(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(alias_rows, LEN(alias_rows), record, out);
    json_key(out, STR("order"));
    json_add_i64(out, order_of(record));
    json_close(out, '}');
}

static void encode_merged(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(merged_rows, LEN(merged_rows), record, out);
    json_close(out, '}');
}

// Keys of indexes, without which a record is lost.
static int needs(struct str text, const char *member, struct fault *fault) {
    if (text.n) return 0;
    return fault_set(fault, -EINVAL, "member \"%s\" is missing or empty", member);
}

static int decode_entity(void **ret, const struct json *v, struct fault *fault) {
    struct entity e = {.name = STR_NONE};
    AUTO_FINI(buf) struct buf lists = buf_make(TEXTS_MAX_BYTES);
    int r = codec_decode(entity_rows, LEN(entity_rows), v, &e, &lists, fault);
    if (r == 0) r = needs(e.id, "id", fault);
    if (r == 0) r = needs(e.name, "name", fault);
    return r ? r : make_named(ret, &e, &entity_shape);
}

static int decode_alias(void **ret, const struct json *v, struct fault *fault) {
    struct alias a = {.name = STR_NONE};
    AUTO_FINI(buf) struct buf lists = buf_make(TEXTS_MAX_BYTES);
    int r = codec_decode(alias_rows, LEN(alias_rows), v, &a, &lists, fault);
    if (r == 0) r = needs(a.id, "id", fault);
    if (r == 0) r = needs(a.entity_id, "entity_id", fault);
    if (r == 0) r = needs(a.name, "name", fault);
    if (r == 0) r = needs(a.mount_accessor, "mount_accessor", fault);
    int64_t order;
    if (r == 0 && (!json_i64(json_get(v, "order"), &order) || order < 0 || order > UINT32_MAX))
        r = fault_set(fault, -EINVAL, "member \"order\" is not a number of 32 bits");
    if (r) return r;
    set_order(&a, (uint32_t)order);
    return make_named(ret, &a, &alias_shape);
}

static int make_merged(void **ret, const struct entity_merged *m) {
    return record_make(ret, m, sizeof *m, merged_texts, LEN(merged_texts), &entity_merged_type,
                       RECORD_MERGED);
}

static int decode_merged(void **ret, const struct json *v, struct fault *fault) {
    struct entity_merged m = {.id = STR_NONE};
    AUTO_FINI(buf) struct buf lists = buf_make(TEXTS_MAX_BYTES);
    int r = codec_decode(merged_rows, LEN(merged_rows), v, &m, &lists, fault);
    if (r == 0) r = needs(m.id, "id", fault);
    if (r == 0) r = needs(m.into, "into", fault);
    return r ? r : make_merged(ret, &m);
}

const struct record_type entity_type = {
    .name = "entity",
    .index = {{key_of_id, record_hold, record_drop}, {key_of_name, record_hold, record_drop}},
    .index_count = 2,
    .encode = encode_entity,
    .decode = decode_entity,
};

const struct record_type alias_type = {
    .name = "alias",
    .index = {{key_of_alias, record_hold, record_drop},
              {key_of_place, record_hold, record_drop},
              {key_on_mount, record_hold, record_drop}},
    .index_count = 3,
    .encode = encode_alias,
    .decode = decode_alias,
};

const struct record_type entity_merged_type = {
    .name = "entity_merged",
    .index = {{key_of_merged, record_hold, record_drop}},
    .index_count = 1,
    .encode = encode_merged,
    .decode = decode_merged,
};

int entity_put(struct draft *d, struct entity *e, const struct entity **ret) {
    void *made = NULL;
    int r = make_named(&made, e, &entity_shape);
    if (r == 0) r = draft_put(d, made);
    if (r == 0) *ret = made;
    return r;
}

int entity_put_alias(struct draft *d, struct alias *a, const struct alias **ret) {
    void *made = NULL;
    int r = make_named(&made, a, &alias_shape);
    if (r == 0) r = draft_put(d, made);
    if (r == 0) *ret = made;
    return r;
}

int entity_put_merged(struct draft *d, struct entity_merged *m) {
    void *made = NULL;
    int r = make_merged(&made, m);
    return r ? r : draft_put(d, made);
}

const struct entity *entity_by_id(const struct state *s, struct str id) {
    return state_get(s, RECORD_ENTITY, 0, (struct tree_key){id, STR_NONE});
}

int entity_find(const struct state *s, struct str name, const struct entity **ret) {
    AUTO_FINI(buf) struct buf folded = buf_make(TEXTS_MAX_BYTES);
    fold_text(&folded, name);
    if (folded.error) return folded.error;
    *ret = state_get(s, RECORD_ENTITY, 1, (struct tree_key){buf_str(&folded), STR_NONE});
    return 0;
}

int entity_find_alias(const struct state *s, struct str mount_accessor, struct str name,
                      const struct alias **ret) {
    AUTO_FINI(buf) struct buf folded = buf_make(TEXTS_MAX_BYTES);
    fold_text(&folded, name);
    if (folded.error) return folded.error;
    *ret = state_get(s, RECORD_ALIAS, 2, (struct tree_key){mount_accessor, buf_str(&folded)});
    return 0;
}

const struct entity *entity_by_name(const struct state *s, struct str name) {
    const struct entity *found = NULL;
    return entity_find(s, name, &found) == 0 ? found : NULL;
}

const struct entity *entity_in_force(const struct state *s, struct str id) {
    const struct entity *e = entity_by_id(s, id);
    if (e) return e;
    const struct entity_merged *m = state_get(s, RECORD_MERGED, 0, (struct tree_key){id, STR_NONE});
    return m ? entity_by_id(s, m->into) : NULL;
}

const struct alias *alias_by_id(const struct state *s, struct str id) {
    return state_get(s, RECORD_ALIAS, 0, (struct tree_key){id, STR_NONE});
}

const struct alias *alias_by_name(const struct state *s, struct str mount_accessor,
                                  struct str name) {
    const struct alias *found = NULL;
    return entity_find_alias(s, mount_accessor, name, &found) == 0 ? found : NULL;
}

struct tree_walk alias_walk(const struct state *s, struct str entity_id) {
    return state_from(s, RECORD_ALIAS, 1, (struct tree_key){entity_id, STR_NONE});
}

const struct alias *alias_next(struct tree_walk *walk, struct str entity_id) {
    const struct alias *a = tree_next(walk);
    return a && str_eq(a->entity_id, entity_id) ? a : NULL;
}

const struct alias *alias_on_mount(const struct state *s, struct str entity_id,
                                   struct str mount_accessor) {
    struct tree_walk walk = alias_walk(s, entity_id);
    const struct alias *a;
    while ((a = alias_next(&walk, entity_id)))
        if (str_eq(a->mount_accessor, mount_accessor)) return a;
    return NULL;
}

void entity_order_last(const struct state *s, struct alias *a) {
    uint32_t order = 0;
    struct tree_walk walk = alias_walk(s, a->entity_id);
    const struct alias *other;
    while ((other = alias_next(&walk, a->entity_id))) order = order_of(other) + 1;
    set_order(a, order);
}
