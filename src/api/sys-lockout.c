// SPDX-License-Identifier: Apache-2.0
// sys/locked-users: who is locked after failed logins, and letting them in again.
#include "api/lockout.h"
#include "api/sys.h"

struct locked {
    struct str only;  // mount accessor; empty: all
    struct buf found; // packed list of "ACCESSOR/NAME"
};

static void note(void *ctx, struct str accessor, struct str name) {
    struct locked *l = ctx;
    if (l->only.n && !str_eq(l->only, accessor)) return;
    AUTO_FINI(buf) struct buf text = buf_make(SYS_TEXT_MAX_BYTES);
    buf_add_str(&text, accessor);
    buf_addc(&text, '/');
    buf_add_str(&text, name);
    if (text.error) l->found.error = text.error;
    list_add(&l->found, buf_str(&text));
}

// One mount's users out of the sorted list, of which `item` is the first; `item` is the next
// mount's first then, or absent.
static void write_mount(struct buf *out, struct str *rest, struct str *item) {
    AUTO_FINI(buf) struct buf names = buf_make(SYS_LIST_MAX_BYTES);
    struct str accessor = str_sub(*item, 0, str_find_char(*item, '/'));
    int64_t n = 0;
    do {
        struct str name = *item;
        if (!str_eq(str_split(&name, '/'), accessor)) break;
        json_add_text(&names, name);
        n++;
        if (!list_next(rest, item)) *item = STR_NONE;
    } while (item->p);
    json_open(out, '{');
    call_number(out, "counts", n);
    call_member(out, "mount_accessor", accessor);
    json_key(out, STR("alias_identifiers"));
    json_open(out, '[');
    buf_add_str(out, buf_str(&names));
    json_close(out, ']');
    json_close(out, '}');
    if (names.error && !out->error) out->error = names.error;
}

static void write_none(struct buf *out, struct str accessor) {
    json_open(out, '{');
    call_number(out, "counts", 0);
    call_member(out, "mount_accessor", accessor);
    call_null(out, "alias_identifiers");
    json_close(out, '}');
}

static void write_all(struct buf *out, struct list sorted, struct str only) {
    struct str rest = sorted.packed, item = STR_NONE;
    int64_t total = (int64_t)list_count(sorted);
    json_key(out, STR("by_namespace"));
    json_open(out, '[');
    json_open(out, '{');
    call_member(out, "namespace_id", STR("root"));
    call_member(out, "namespace_path", STR(""));
    call_number(out, "counts", total);
    json_key(out, STR("mount_accessors"));
    json_open(out, '[');
    if (!list_next(&rest, &item)) item = STR_NONE;
    while (item.p) write_mount(out, &rest, &item);
    if (total == 0 && only.n) write_none(out, only);
    json_close(out, ']');
    json_close(out, '}');
    json_close(out, ']');
    call_number(out, "total", total);
}

static int read_locked(struct call *c) {
    struct locked l = {.only = call_str(c, "mount_accessor")};
    AUTO_FINI(buf) struct buf sorted = buf_make(SYS_LIST_MAX_BYTES);
    l.found = buf_make(SYS_LIST_MAX_BYTES);
    lockout_each(c->lockout, c->state, c->now_ms, note, &l);
    int r = l.found.error;
    if (r == 0) r = list_union(&sorted, list_of(&l.found), (struct list){STR_NONE});
    buf_fini(&l.found);
    if (r < 0) return r;
    struct buf *out = call_data(c);
    write_all(out, list_of(&sorted), l.only);
    json_close(out, '}');
    return 0;
}

static int unlock(struct call *c) {
    lockout_clear(c->lockout, call_str(c, "mount_accessor"), call_str(c, "alias_identifier"));
    return call_no_content(c);
}

static const struct field fields[] = {
    {.name = "mount_accessor",
     .type = FIELD_STRING,
     .flags = FIELD_QUERY,
     .help = "Of this mount only."},
    {0},
};
static const struct field unlock_fields[] = {
    {.name = "mount_accessor", .type = FIELD_STRING, .help = "The mount's accessor."},
    {.name = "alias_identifier", .type = FIELD_LOWER_STRING, .help = "The user's name."},
    {0},
};

const struct route sys_lockout_routes[] = {
    {.pattern = "locked-users",
     .fields = fields,
     .read = read_locked,
     .summary = "Who is locked after failed logins."},
    {.pattern = "locked-users/{mount_accessor}/unlock/{alias_identifier*}",
     .fields = unlock_fields,
     .update = unlock,
     .summary = "Lets a locked user log in again."},
    {0},
};
