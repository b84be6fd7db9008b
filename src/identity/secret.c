// SPDX-License-Identifier: Apache-2.0
// A secret is one record with two parts to its key, so that everything of a mount, or of a folder,
// stands side by side in the tree.
#include "identity/secret.h"

#include <errno.h>

#include "identity/codec.h"
#include "json/write.h"

enum { LISTS_MAX_BYTES = 1 << 10, FOLDER_MAX_BYTES = 1 << 20 };

static const struct codec_row rows[] = {
    {"space", CODEC_TEXT, offsetof(struct secret, space)},
    {"path", CODEC_TEXT, offsetof(struct secret, path)},
    {"json", CODEC_TEXT, offsetof(struct secret, json)},
};

static const size_t texts[] = {
    offsetof(struct secret, space),
    offsetof(struct secret, path),
    offsetof(struct secret, json),
};

static struct tree_key key_of(const void *item) {
    const struct secret *s = item;
    return (struct tree_key){s->space, s->path};
}

static void encode(const void *record, struct buf *out) {
    json_open(out, '{');
    codec_encode(rows, LEN(rows), record, out);
    json_close(out, '}');
}

static int make(void **ret, const struct secret *draft) {
    return record_make(ret, draft, sizeof *draft, texts, LEN(texts), &secret_type, RECORD_SECRET);
}

static int decode(void **ret, const struct json *v, struct fault *fault) {
    struct secret draft = {.space = STR_NONE};
    AUTO_FINI(buf) struct buf lists = buf_make(LISTS_MAX_BYTES);
    int r = codec_decode(rows, LEN(rows), v, &draft, &lists, fault);
    if (r) return r;
    if (!draft.space.n || !draft.path.n || !draft.json.n)
        return fault_set(fault, -EINVAL, "member \"space\", \"path\" or \"json\" is missing");
    return make(ret, &draft);
}

const struct record_type secret_type = {
    .name = "secret",
    .index = {{key_of, record_hold, record_drop}},
    .index_count = 1,
    .encode = encode,
    .decode = decode,
    .secret = true,
};

const struct secret *secret_get(const struct state *s, struct str space, struct str path) {
    return state_get(s, RECORD_SECRET, 0, (struct tree_key){space, path});
}

int secret_put(struct draft *d, struct str space, struct str path, struct str json) {
    void *made = NULL;
    int r = make(&made, &(struct secret){.space = space, .path = path, .json = json});
    return r ? r : draft_put(d, made);
}

int secret_delete(struct draft *d, struct str space, struct str path) {
    const struct secret *s = secret_get(d->state, space, path);
    return s ? draft_delete(d, s) : 0;
}

// The first secret of the space whose path is not smaller; NULL.
static const struct secret *first_from(const struct state *s, struct str space, struct str path) {
    struct tree_walk walk = state_from(s, RECORD_SECRET, 0, (struct tree_key){space, path});
    const struct secret *found = tree_next(&walk);
    return found && str_eq(found->space, space) ? found : NULL;
}

int secret_delete_all(struct draft *d, struct str space) {
    const struct secret *s;
    while ((s = first_from(d->state, space, STR("")))) {
        int r = draft_delete(d, s);
        if (r) return r;
    }
    return 0;
}

// Where the paths go on that do not begin with `folder` (which ends with a slash): behind every
// path that does. A slash is followed by '0' in the order of bytes.
static void skip_folder(struct buf *from, struct str folder) {
    buf_reset(from);
    buf_add_str(from, str_sub(folder, 0, folder.n - 1));
    buf_addc(from, '/' + 1);
}

// What stands for a path in the list of `prefix`: its next part, with the slash if more follows.
static struct str part_of(struct str path, struct str prefix) {
    struct str below = str_sub(path, prefix.n, path.n);
    return str_sub(below, 0, str_find_char(below, '/') + 1);
}

void secret_list(const struct state *s, struct str space, struct str prefix, struct buf *out,
                 size_t *ret) {
    AUTO_FINI(buf) struct buf from = buf_make(FOLDER_MAX_BYTES);
    buf_add_str(&from, prefix);
    const struct secret *found;
    size_t n = 0;
    while (!from.error && (found = first_from(s, space, buf_str(&from)))) {
        if (!str_starts(found->path, prefix)) break;
        struct str part = part_of(found->path, prefix);
        if (part.n) json_add_text(out, part);
        if (part.n) n++;
        if (str_ends(part, STR("/"))) {
            skip_folder(&from, str_sub(found->path, 0, prefix.n + part.n));
        } else {
            buf_reset(&from);
            buf_add_str(&from, found->path);
            buf_addc(&from, '\0');
        }
    }
    if (from.error && !out->error) out->error = from.error;
    *ret = n;
}

void secret_cubbyhole(struct buf *out, struct str token_hash) {
    buf_addz(out, "cubbyhole/");
    buf_add_hex(out, token_hash.p, token_hash.n);
}
