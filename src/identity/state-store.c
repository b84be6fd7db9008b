// SPDX-License-Identifier: Apache-2.0
// Records in the store: one sealed row each, named by kind and primary key.
//
// A name is "gate/KIND/A" or "gate/KIND/A/B", where bytes that are no plain text, and slashes in A,
// are written as %XX: a name says which record it is, and two records never have the same one.
#include <errno.h>

#include "identity/state-internal.h"
#include "store/records.h"

enum { RECORD_MAX_BYTES = 64 << 20 }; // of one record as JSON, far above a request's limit

static const char prefix[] = "gate/";

static void add_part(struct buf *out, struct str part, bool slash_too) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < part.n; i++) {
        unsigned char c = (unsigned char)part.p[i];
        if (c <= ' ' || c >= 0x7f || c == '%' || (slash_too && c == '/')) {
            buf_addc(out, '%');
            buf_addc(out, hex[c >> 4]);
            buf_addc(out, hex[c & 15]);
        } else {
            buf_addc(out, (char)c);
        }
    }
}

static void add_name(struct buf *out, const struct record *record) {
    struct tree_key key = record->type->index[0].key(record);
    buf_addz(out, prefix);
    buf_addz(out, record->type->name);
    buf_addc(out, '/');
    add_part(out, key.a, true);
    if (!key.b.p) return;
    buf_addc(out, '/');
    add_part(out, key.b, false);
}

// Rows in the making: their bytes lie one behind the other in `bytes`.
struct place {
    size_t name, sealed, end; // `sealed` to `end`: nothing when the record is gone
};

static int seal_record(const struct crypto_sealer *sealer, const struct state_change *change,
                       struct buf *bytes, struct place *place) {
    const struct record *record = change->record;
    place->name = bytes->n;
    add_name(bytes, record);
    place->sealed = place->end = bytes->n;
    if (change->gone || bytes->error) return bytes->error;
    AUTO_WIPED struct buf json = buf_make(RECORD_MAX_BYTES);
    record->type->encode(record, &json);
    if (json.error) return json.error;
    AUTO_FINI(buf) struct buf name = buf_make(RECORD_MAX_BYTES);
    buf_add(&name, bytes->p + place->name, place->sealed - place->name);
    if (name.error) return name.error;
    int r = crypto_seal(sealer, buf_str(&name), buf_str(&json), bytes);
    place->end = bytes->n;
    return r;
}

int state_save(struct store *store, const struct crypto_sealer *sealer,
               const struct state_change *changes, size_t n, struct fault *fault) {
    if (!store || n == 0) return 0;
    AUTO_FINI(buf) struct buf bytes = buf_make(SIZE_MAX / 2);
    AUTO_MEM struct place *places = mem_new_array(n, sizeof *places);
    AUTO_MEM struct store_record *rows = mem_new_array(n, sizeof *rows);
    if (!places || !rows) return fault_set(fault, -ENOMEM, "no memory for %zu changes", n);
    for (size_t i = 0; i < n; i++) {
        int r = seal_record(sealer, &changes[i], &bytes, &places[i]);
        if (r) return fault_set(fault, r, "a record cannot be sealed: %s", error_text(r));
    }
    for (size_t i = 0; i < n; i++) {
        const struct place *p = &places[i];
        rows[i].name = (struct str){bytes.p + p->name, p->sealed - p->name};
        if (!changes[i].gone)
            rows[i].sealed = (struct str){bytes.p + p->sealed, p->end - p->sealed};
    }
    return store_records_write(store, rows, n, fault);
}

struct loading {
    const void **records; // held
    size_t n, cap;
    const struct state_schema *schema;
    const struct crypto_sealer *sealer;
    struct json_reader *reader;
    struct buf json;
    struct fault *fault;
};

static const struct record_type *type_of(const struct state_schema *schema, struct str name) {
    struct str rest = str_sub(name, sizeof prefix - 1, name.n);
    struct str kind = str_split(&rest, '/');
    for (int i = 0; i < RECORD_KINDS; i++)
        if (schema->types[i] && str_eqz(kind, schema->types[i]->name)) return schema->types[i];
    return NULL;
}

static int decode(struct loading *l, const struct store_record *row) {
    const struct record_type *type = type_of(l->schema, row->name);
    if (!type)
        return fault_set(l->fault, -EUCLEAN, "the record %.*s is of no kind that is known",
                         STR_ARG(row->name));
    const struct json *v = NULL;
    struct fault why = {{0}};
    int r = json_read(l->reader, buf_str(&l->json), &v, &why);
    if (r == JSON_E_SYNTAX)
        return fault_set(l->fault, -EUCLEAN, "the record %.*s is not JSON", STR_ARG(row->name));
    if (r) return r;
    AUTO_RECORD void *record = NULL;
    r = type->decode(&record, v, &why);
    if (r == -EINVAL)
        return fault_set(l->fault, -EUCLEAN, "the record %.*s: %s", STR_ARG(row->name), why.text);
    if (!r) r = mem_grow(&l->records, &l->cap, l->n + 1, sizeof *l->records);
    if (!r) l->records[l->n++] = TAKE(record);
    return r;
}

static int load_row(void *ctx, const struct store_record *row) {
    struct loading *l = ctx;
    buf_reset(&l->json);
    int r = crypto_unseal(l->sealer, row->name, row->sealed, &l->json);
    if (r == CRYPTO_E_OTHER_KEY) {
        fault_set(l->fault, 0, "the record %.*s was sealed with another master key",
                  STR_ARG(row->name));
        return STATE_E_OTHER_KEY;
    }
    if (r == CRYPTO_E_DAMAGED)
        return fault_set(l->fault, -EUCLEAN, "the record %.*s does not open: it is damaged",
                         STR_ARG(row->name));
    return r ? r : decode(l, row);
}

static void loading_fini(struct loading *l) {
    for (size_t i = 0; i < l->n; i++) record_drop(l->records[i]);
    free(l->records);
    if (l->reader) json_reader_wipe(l->reader);
    json_reader_free(l->reader);
    buf_wipe(&l->json);
}
DEFINE_AUTO_FINI(loading)

int state_load(struct state **ret, const struct state_schema *schema, struct store *store,
               const struct crypto_sealer *sealer, struct fault *fault) {
    AUTO(state) struct state *s = NULL;
    AUTO_FINI(loading)
    struct loading l = {
        .schema = schema, .sealer = sealer, .json = buf_make(RECORD_MAX_BYTES), .fault = fault};
    int r = state_new(&s, schema);
    if (!r) r = json_reader_new(&l.reader);
    if (!r) r = store_records_each(store, str_from(prefix), load_row, &l, fault);
    if (!r) r = state_fill(s, l.records, l.n);
    if (r) return r == STORE_E_CORRUPT ? -EUCLEAN : r;
    if (!state_count(s, RECORD_CORE)) return STATE_E_EMPTY;
    *ret = TAKE(s);
    return 0;
}
