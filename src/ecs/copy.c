// SPDX-License-Identifier: Apache-2.0
// Objects are opened before it is known whether anything goes in: whatever turns out to be empty
// is cut off again.
#include "ecs/copy-internal.h"

#include <errno.h>

#include "json/overrides.h"
#include "json/write.h"

#define SAME4(c) (c), (c) + 1, (c) + 2, (c) + 3
#define SAME16(c) SAME4(c), SAME4((c) + 4), SAME4((c) + 8), SAME4((c) + 12)

const unsigned char ecs_fold[256] = {
    SAME16(0),   SAME16(16),  '_',         SAME4(33),   SAME4(37),   SAME4(41),
    '_',         '.',         '/',         SAME16(48),  SAME16(64),  SAME16(80),
    SAME16(96),  SAME16(112), SAME16(128), SAME16(144), SAME16(160), SAME16(176),
    SAME16(192), SAME16(208), SAME16(224), SAME16(240),
};

struct ecs_mark ecs_open(struct buf *out, struct str name, char bracket) {
    struct ecs_mark mark = {.before = out->n};
    if (buf_reserve(out, name.n + 1)) {
        json_copy_short(out->p + out->n, name.p, name.n);
        out->n += name.n;
        out->p[out->n++] = bracket;
    }
    mark.behind = out->n;
    return mark;
}

bool ecs_close(struct buf *out, struct ecs_mark mark, char bracket) {
    if (out->n == mark.behind) {
        buf_cut(out, mark.before);
        return false;
    }
    if (!buf_reserve(out, 1)) return true;
    out->p[out->n - 1] = bracket;
    out->p[out->n++] = ',';
    return true;
}

struct str ecs_text(const struct json *v) {
    struct str text = STR_NONE;
    switch (json_type(v)) {
    case JSON_STRING: text = json_str(v); break;
    case JSON_NUMBER: text = json_number(v); break;
    case JSON_BOOL: text = json_bool(v) ? STR("true") : STR("false"); break;
    default: break;
    }
    return text.n ? text : STR_NONE;
}

bool ecs_is_plain_list(const struct json *v) {
    if (json_type(v) != JSON_ARRAY) return false;
    struct json_iter it = json_iter(v);
    while (json_next(&it))
        if (json_type(it.value) >= JSON_ARRAY) return false;
    return true;
}

void ecs_copy_name(struct ecs_copy *c, struct str name) {
    size_t from = c->out->n;
    json_add_member(c->out, STR_NONE, name);
    if (c->out->error) return;
    c->out->p[c->out->n - 1] = ':';
    if (!(c->flags & COPY_FOLD)) return;
    for (size_t i = from; i < c->out->n; i++)
        c->out->p[i] = (char)ecs_fold[(unsigned char)c->out->p[i]];
}

static void copy_value(struct ecs_copy *c, const struct json *v, unsigned depth);
static void copy_members(struct ecs_copy *c, const struct json *object,
                         const struct ecs_renames *renames, unsigned depth);

static void copy_object(struct ecs_copy *c, const struct json *object,
                        const struct ecs_renames *renames, unsigned depth) {
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '{');
    copy_members(c, object, renames, depth);
    bool stayed = ecs_close(c->out, mark, '}');
    if (!stayed && (c->flags & COPY_INNER)) buf_addz(c->out, "{},");
}

static void copy_list(struct ecs_copy *c, const struct json *list, unsigned depth) {
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '[');
    struct json_iter it = json_iter(list);
    while (!c->error && json_next(&it)) copy_value(c, it.value, depth + 1);
    ecs_close(c->out, mark, ']');
}

static void copy_raw(struct ecs_copy *c, struct str text) {
    buf_add_str(c->out, text);
    buf_addc(c->out, ',');
}

static void copy_value(struct ecs_copy *c, const struct json *v, unsigned depth) {
    if (depth > JSON_WRITE_DEPTH_MAX) {
        c->error = -ELOOP;
        return;
    }
    switch (json_type(v)) {
    case JSON_NULL: break;
    case JSON_STRING:
        if (json_str(v).n || (c->flags & COPY_INNER))
            json_add_member(c->out, STR_NONE, json_str(v));
        break;
    case JSON_ARRAY: copy_list(c, v, depth); break;
    case JSON_OBJECT: copy_object(c, v, NULL, depth); break;
    case JSON_BOOL:
    case JSON_NUMBER: copy_raw(c, ecs_text(v)); break;
    }
}

void ecs_copy_value(struct ecs_copy *c, const struct json *v) {
    if (!c->error) copy_value(c, v, 0);
}

void ecs_copy_named(struct ecs_copy *c, struct str before, const struct json *v) {
    size_t from = c->out->n;
    buf_add_str(c->out, before);
    size_t behind = c->out->n;
    ecs_copy_value(c, v);
    if (c->out->n == behind) buf_cut(c->out, from);
}

static bool name_is(const struct ecs_copy *c, struct str name, struct str wanted) {
    if (name.n != wanted.n) return false;
    if (!(c->flags & COPY_FOLD)) return memcmp(name.p, wanted.p, name.n) == 0;
    for (size_t i = 0; i < name.n; i++)
        if (ecs_fold[(unsigned char)name.p[i]] != (unsigned char)wanted.p[i]) return false;
    return true;
}

static const struct ecs_rename *find_rename(const struct ecs_copy *c,
                                            const struct ecs_renames *renames, struct str name) {
    if (!renames || name.n >= 64 || !((renames->lengths >> name.n) & 1)) return NULL;
    for (size_t i = 0; i < renames->count; i++)
        if (name_is(c, name, renames->rows[i].from)) return &renames->rows[i];
    return NULL;
}

// Is `name` the new name of a member that is there too?
static bool is_taken(const struct ecs_copy *c, const struct ecs_renames *renames,
                     const struct json *object, struct str name) {
    if (!renames || name.n >= 64 || !((renames->lengths >> name.n) & 1)) return false;
    for (size_t i = 0; i < renames->count; i++) {
        const struct ecs_rename *row = &renames->rows[i];
        if (name_is(c, name, row->to) && json_get(object, row->from.p)) return true;
    }
    return false;
}

static void copy_member(struct ecs_copy *c, const struct json_iter *it,
                        const struct ecs_rename *rename, unsigned depth) {
    size_t before = c->out->n;
    ecs_copy_name(c, rename ? rename->to : it->key);
    size_t behind = c->out->n;
    if (rename && rename->write) rename->write(c, it->value);
    else copy_value(c, it->value, depth + 1);
    if (c->out->n == behind) buf_cut(c->out, before);
}

void ecs_copy_each(struct ecs_copy *c, const struct json *object,
                   void (*write)(struct ecs_copy *c, const struct json *v)) {
    AUTO_FINI(json_overrides) struct json_overrides overrides = {0};
    int e = json_overrides_find(object, NULL, &overrides);
    if (e) c->error = e;
    struct json_iter it = json_iter(object);
    for (size_t i = 0; !c->error && json_next(&it); i++) {
        if (json_overrides_has(&overrides, i)) continue;
        size_t before = c->out->n;
        ecs_copy_name(c, it.key);
        size_t behind = c->out->n;
        write(c, it.value);
        if (c->out->n == behind) buf_cut(c->out, before);
    }
}

// flatten: pulls in what lies in the json room (with link-time optimisation), a tenth of all work.
static __attribute__((flatten)) void copy_members(struct ecs_copy *c, const struct json *object,
                                                  const struct ecs_renames *renames,
                                                  unsigned depth) {
    AUTO_FINI(json_overrides) struct json_overrides overrides = {0};
    const unsigned char *fold = c->flags & COPY_FOLD ? ecs_fold : NULL;
    int e = json_overrides_find(object, fold, &overrides);
    if (e) c->error = e;
    struct json_iter it = json_iter(object);
    if (!it.in_object) return;
    for (size_t i = 0; !c->error && json_next(&it); i++) {
        if (json_overrides_has(&overrides, i)) continue;
        const struct ecs_rename *rename = find_rename(c, renames, it.key);
        if (!rename && is_taken(c, renames, object, it.key)) continue;
        copy_member(c, &it, rename, depth);
    }
}

void ecs_copy_members(struct ecs_copy *c, const struct json *object,
                      const struct ecs_renames *renames) {
    if (!c->error) copy_members(c, object, renames, 0);
}

void ecs_copy_object(struct ecs_copy *c, const struct json *object,
                     const struct ecs_renames *renames) {
    if (!c->error) copy_object(c, object, renames, 0);
}

void ecs_copy_wrapped(struct ecs_copy *c, struct str before, const struct json *v) {
    struct ecs_mark mark = ecs_open(c->out, STR_NONE, '{');
    ecs_copy_named(c, before, v);
    ecs_close(c->out, mark, '}');
}

bool ecs_is_of_objects(const struct json *v) {
    if (json_type(v) != JSON_ARRAY) return json_type(v) == JSON_OBJECT;
    struct json_iter it = json_iter(v);
    while (json_next(&it))
        if (json_type(it.value) != JSON_OBJECT) return false;
    return true;
}
