// SPDX-License-Identifier: Apache-2.0
// A lookup that is not in the cache goes through the rules of each group in order. Most rules are
// passed over because the text lacks what they need (literal-internal.h); the few that remain are
// compiled when they are first tried, and kept.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "ecs/useragent.h"

#include <errno.h>
#include <pcre2.h>
#include <pthread.h>

#include "base/hash.h"
#include "ecs/literal-internal.h"
#include "ecs/mapper-internal.h"
#include "json/write.h"

enum {
    GROUPS = 3,
    REPLACEMENTS = 5,
    TEXT_MAX_BYTES = 2048,   // of a user agent, what is looked at
    CACHED_MAX_BYTES = 1024, // longer ones are not worth keeping
    CACHE_ENTRIES = 1000,
    CACHE_BUCKETS = 1024,
    RULE_BYTES_MAX = 64 << 20,
    MATCH_LIMIT = 200000, // steps of one match: a rule that needs more does not match
    HEAP_LIMIT_KIB = 4096,
    GRAM_BITS = 4096,
};

static const uint16_t NO_ENTRY = UINT16_MAX;

// A piece of the rules' text; n == ABSENT: none.
struct piece {
    uint32_t at, n;
};
static const uint32_t ABSENT = UINT32_MAX;

struct literal {
    struct piece text;
    uint16_t first_gram, last_gram; // of three bytes each
};

struct rule {
    struct piece regex, replacements[REPLACEMENTS];
    uint32_t literals_at, literal_count;
    bool nocase, broken;
    pcre2_code *code; // NULL: not needed yet
};

struct rules {
    struct rule *items;
    size_t count, cap;
};

struct entry {
    uint64_t hash;
    struct str text;    // owned
    struct str members; // owned: ready JSON
    uint16_t next;      // in the bucket
    bool used;          // since the hand came by
};

struct ecs_useragents {
    pthread_mutex_t lock;
    struct rules groups[GROUPS];
    struct buf text; // of all rules
    struct literal *literals;
    size_t literal_count, literal_cap;
    pcre2_match_data *match;
    pcre2_match_context *limits;
    struct entry *entries; // CACHE_ENTRIES, made at the first lookup
    size_t entry_count, hand;
    uint16_t buckets[CACHE_BUCKETS];
};

static void free_entry(struct entry *e) {
    free((void *)(uintptr_t)e->text.p);
    free((void *)(uintptr_t)e->members.p);
}

struct ecs_useragents *ecs_useragents_free(struct ecs_useragents *u) {
    if (!u) return NULL;
    for (size_t g = 0; g < GROUPS; g++) {
        for (size_t i = 0; i < u->groups[g].count; i++) pcre2_code_free(u->groups[g].items[i].code);
        free(u->groups[g].items);
    }
    for (size_t i = 0; i < u->entry_count; i++) free_entry(&u->entries[i]);
    free(u->entries);
    free(u->literals);
    buf_fini(&u->text);
    pcre2_match_data_free(u->match);
    pcre2_match_context_free(u->limits);
    pthread_mutex_destroy(&u->lock);
    free(u);
    return NULL;
}

int ecs_useragents_new(struct ecs_useragents **ret) {
    struct ecs_useragents *made = mem_new(sizeof *made);
    if (!made) return -ENOMEM;
    int e = pthread_mutex_init(&made->lock, NULL);
    if (e) {
        free(made);
        return -e;
    }
    AUTO(ecs_useragents) struct ecs_useragents *u = made;
    u->text = buf_make(RULE_BYTES_MAX);
    u->match = pcre2_match_data_create(REPLACEMENTS + 5, NULL);
    u->limits = pcre2_match_context_create(NULL);
    if (!u->match || !u->limits) return -ENOMEM;
    pcre2_set_match_limit(u->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(u->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(u->limits, HEAP_LIMIT_KIB);
    for (size_t i = 0; i < CACHE_BUCKETS; i++) u->buckets[i] = NO_ENTRY;
    *ret = TAKE(u);
    return 0;
}

static struct piece keep_text(struct ecs_useragents *u, struct str s) {
    struct piece piece = {(uint32_t)u->text.n, s.p ? (uint32_t)s.n : ABSENT};
    buf_add_str(&u->text, s);
    return piece;
}

static struct str text_of(const struct ecs_useragents *u, struct piece piece) {
    if (piece.n == ABSENT) return STR_NONE;
    return (struct str){u->text.p + piece.at, piece.n};
}

static uint16_t gram(const char *p) {
    uint32_t mixed = (uint32_t)(unsigned char)p[0] | (uint32_t)(unsigned char)p[1] << 8 |
                     (uint32_t)(unsigned char)p[2] << 16;
    return (uint16_t)((mixed * 0x9E3779B1u) >> 20);
}

static int keep_literal(struct ecs_useragents *u, const struct ecs_literal *found) {
    int e = mem_grow(&u->literals, &u->literal_cap, u->literal_count + 1, sizeof *u->literals);
    if (e) return e;
    struct str text = {found->text, found->n};
    struct literal *kept = &u->literals[u->literal_count++];
    *kept = (struct literal){.text = keep_text(u, text)};
    if (text.n < 3) return 0;
    kept->first_gram = gram(text.p);
    kept->last_gram = gram(text.p + text.n - 3);
    return 0;
}

int ecs_useragents_add(struct ecs_useragents *u, const struct ecs_ua_rule *rule) {
    struct rules *rules = &u->groups[rule->group];
    struct ecs_literals literals;
    ecs_literals_find(rule->regex, &literals);
    int e = mem_grow(&rules->items, &rules->cap, rules->count + 1, sizeof *rules->items);
    struct rule kept = {.literals_at = (uint32_t)u->literal_count,
                        .literal_count = (uint32_t)literals.count,
                        .nocase = str_find_char(rule->flag, 'i') < rule->flag.n};
    for (size_t i = 0; !e && i < literals.count; i++) e = keep_literal(u, &literals.items[i]);
    if (e) return e;
    kept.regex = keep_text(u, rule->regex);
    for (size_t i = 0; i < REPLACEMENTS; i++)
        kept.replacements[i] = keep_text(u, rule->replacements[i]);
    if (u->text.error) return -ENOMEM;
    rules->items[rules->count++] = kept;
    return 0;
}

// What a lookup works on.
struct subject {
    struct str text;
    char lower[TEXT_MAX_BYTES];
    uint64_t grams[GRAM_BITS / 64]; // three-byte pieces of `lower`
};

static void subject_init(struct subject *s, struct str text) {
    s->text = str_sub(text, 0, TEXT_MAX_BYTES);
    memset(s->grams, 0, sizeof s->grams);
    for (size_t i = 0; i < s->text.n; i++) {
        char c = s->text.p[i];
        s->lower[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
    }
    for (size_t i = 0; i + 3 <= s->text.n; i++) {
        uint16_t bit = gram(s->lower + i);
        s->grams[bit / 64] |= (uint64_t)1 << (bit % 64);
    }
}

static bool has_gram(const struct subject *s, uint16_t bit) {
    return (s->grams[bit / 64] >> (bit % 64)) & 1;
}

static bool may_match(const struct ecs_useragents *u, const struct rule *rule,
                      const struct subject *s) {
    if (rule->literal_count == 0) return true;
    for (size_t i = 0; i < rule->literal_count; i++) {
        const struct literal *l = &u->literals[rule->literals_at + i];
        if (l->text.n >= 3 && (!has_gram(s, l->first_gram) || !has_gram(s, l->last_gram))) continue;
        if (memmem(s->lower, s->text.n, u->text.p + l->text.at, l->text.n)) return true;
    }
    return false;
}

// A rule that does not compile is passed over for good. Outcomes: 0; -ENOMEM.
static int compile(const struct ecs_useragents *u, struct rule *rule) {
    if (rule->code || rule->broken) return 0;
    int error;
    PCRE2_SIZE where;
    struct str regex = text_of(u, rule->regex);
    rule->code = pcre2_compile((PCRE2_SPTR)regex.p, regex.n, rule->nocase ? PCRE2_CASELESS : 0,
                               &error, &where, NULL);
    if (!rule->code && error == PCRE2_ERROR_HEAP_FAILED) return -ENOMEM;
    rule->broken = !rule->code;
    // Without JIT (forbidden by the system, say) the interpreter does it.
    if (rule->code) (void)pcre2_jit_compile(rule->code, PCRE2_JIT_COMPLETE);
    return 0;
}

static int run(const struct ecs_useragents *u, const struct rule *rule, struct str text) {
    PCRE2_SPTR subject = (PCRE2_SPTR)text.p;
    int n = pcre2_match(rule->code, subject, text.n, 0, 0, u->match, u->limits);
    if (n == PCRE2_ERROR_JIT_STACKLIMIT)
        n = pcre2_match(rule->code, subject, text.n, 0, PCRE2_NO_JIT, u->match, u->limits);
    return n;
}

static struct str group_text(const struct ecs_useragents *u, struct str text, int groups,
                             size_t i) {
    if (groups < 0 || i >= (size_t)groups) return STR_NONE;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(u->match) + 2 * i;
    if (at[0] == PCRE2_UNSET || at[1] < at[0]) return STR_NONE;
    return (struct str){text.p + at[0], at[1] - at[0]};
}

// The replacement with $1..$9 filled in, or without one the group itself, without blanks around.
static void add_field(struct ecs_useragents *u, const struct rule *rule, struct str text,
                      int groups, size_t field, struct buf *out) {
    struct str pattern = text_of(u, rule->replacements[field]);
    size_t from = out->n;
    if (!pattern.p) buf_add_str(out, group_text(u, text, groups, field + 1));
    for (size_t i = 0; i < pattern.n; i++) {
        char digit = pattern.p[i] == '$' && i + 1 < pattern.n ? pattern.p[i + 1] : '\0';
        if (digit < '1' || digit > '9') {
            buf_addc(out, pattern.p[i]);
            continue;
        }
        buf_add_str(out, group_text(u, text, groups, (size_t)(digit - '0')));
        i++;
    }
    if (out->error) return;
    struct str trimmed = str_trim((struct str){out->p ? out->p + from : NULL, out->n - from});
    if (trimmed.n) memmove(out->p + from, trimmed.p, trimmed.n);
    out->n = from + trimmed.n;
}

// What one group of rules says: name and version.
struct found {
    struct buf name, version;
};

static void found_fini(struct found *f) {
    buf_fini(&f->name);
    buf_fini(&f->version);
}
DEFINE_AUTO_FINI(found)

// Parts of the version up to the first that is missing, with points between them.
static void add_version(struct ecs_useragents *u, const struct rule *rule, struct str text,
                        int groups, struct buf *version) {
    for (size_t i = 1; i < REPLACEMENTS; i++) {
        size_t before = version->n;
        if (before) buf_addc(version, '.');
        size_t behind = version->n;
        add_field(u, rule, text, groups, i, version);
        if (version->n > behind) continue;
        buf_cut(version, before);
        return;
    }
}

static int look_up(struct ecs_useragents *u, enum ecs_ua_group group, const struct subject *s,
                   struct found *ret) {
    struct rules *rules = &u->groups[group];
    for (size_t i = 0; i < rules->count; i++) {
        struct rule *rule = &rules->items[i];
        if (!may_match(u, rule, s)) continue;
        int e = compile(u, rule);
        if (e) return e;
        int groups = rule->code ? run(u, rule, s->text) : PCRE2_ERROR_NOMATCH;
        if (groups == PCRE2_ERROR_NOMEMORY) return -ENOMEM;
        if (groups < 1) continue;
        add_field(u, rule, s->text, groups, 0, &ret->name);
        if (!ret->name.n) continue;
        if (group != ECS_UA_DEVICE) add_version(u, rule, s->text, groups, &ret->version);
        break;
    }
    return ret->name.error || ret->version.error ? -ENOMEM : 0;
}

static void add_member(struct buf *out, const char *before, struct str text) {
    buf_addz(out, before);
    json_add_text(out, text);
    buf_addc(out, ',');
}

static void write_os(struct buf *out, struct found *os) {
    if (!os->name.n) return;
    struct ecs_mark mark = ecs_open(out, STR("\"os\":"), '{');
    add_member(out, "\"name\":", buf_str(&os->name));
    if (os->version.n) {
        add_member(out, "\"version\":", buf_str(&os->version));
        buf_addc(&os->name, ' ');
        buf_add_str(&os->name, buf_str(&os->version));
        add_member(out, "\"full\":", buf_str(&os->name));
    }
    ecs_close(out, mark, '}');
}

static int parse(struct ecs_useragents *u, struct str text, struct buf *out) {
    struct subject s;
    AUTO_FINI(found) struct found agent = {buf_make(SIZE_MAX / 2), buf_make(SIZE_MAX / 2)};
    AUTO_FINI(found) struct found os = agent, device = agent;
    subject_init(&s, text);
    int e = look_up(u, ECS_UA_AGENT, &s, &agent);
    if (!e) e = look_up(u, ECS_UA_OS, &s, &os);
    if (!e) e = look_up(u, ECS_UA_DEVICE, &s, &device);
    if (e) return e;
    struct ecs_mark mark = ecs_open(out, STR("\"device\":"), '{');
    add_member(out, "\"name\":", device.name.n ? buf_str(&device.name) : STR("Other"));
    ecs_close(out, mark, '}');
    add_member(out, "\"name\":", agent.name.n ? buf_str(&agent.name) : STR("Other"));
    if (agent.version.n) add_member(out, "\"version\":", buf_str(&agent.version));
    write_os(out, &os);
    return os.name.error ? -ENOMEM : 0;
}

static struct entry *cache_find(struct ecs_useragents *u, uint64_t hash, struct str text) {
    uint16_t i = u->buckets[hash % CACHE_BUCKETS];
    while (i != NO_ENTRY) {
        struct entry *e = &u->entries[i];
        if (e->hash == hash && str_eq(e->text, text)) return e;
        i = e->next;
    }
    return NULL;
}

static void unlink_entry(struct ecs_useragents *u, size_t index) {
    uint16_t *link = &u->buckets[u->entries[index].hash % CACHE_BUCKETS];
    while (*link != index) link = &u->entries[*link].next;
    *link = u->entries[index].next;
}

// A free entry, or one that was not used since the hand last came by.
static size_t make_place(struct ecs_useragents *u) {
    if (u->entry_count < CACHE_ENTRIES) return u->entry_count++;
    while (u->entries[u->hand].used) {
        u->entries[u->hand].used = false;
        u->hand = (u->hand + 1) % CACHE_ENTRIES;
    }
    size_t index = u->hand;
    u->hand = (u->hand + 1) % CACHE_ENTRIES;
    unlink_entry(u, index);
    free_entry(&u->entries[index]);
    return index;
}

// Without memory nothing is kept: a cache may forget.
static void cache_add(struct ecs_useragents *u, uint64_t hash, struct str text,
                      struct str members) {
    if (text.n > CACHED_MAX_BYTES) return;
    if (!u->entries) u->entries = mem_new_array(CACHE_ENTRIES, sizeof *u->entries);
    AUTO_MEM char *kept_text = mem_copy(text.p, text.n);
    AUTO_MEM char *kept_members = mem_copy(members.p, members.n);
    if (!u->entries || !kept_text || !kept_members) return;
    size_t index = make_place(u);
    u->entries[index] = (struct entry){.hash = hash,
                                       .text = {TAKE(kept_text), text.n},
                                       .members = {TAKE(kept_members), members.n},
                                       .next = u->buckets[hash % CACHE_BUCKETS]};
    u->buckets[hash % CACHE_BUCKETS] = (uint16_t)index;
}

static int write_locked(struct ecs_useragents *u, struct str text, struct buf *out) {
    uint64_t hash = hash64(text, 0);
    struct entry *known = cache_find(u, hash, text);
    if (known) {
        known->used = true;
        buf_add_str(out, known->members);
        return 0;
    }
    size_t from = out->n;
    int e = parse(u, text, out);
    if (e || out->error) return e;
    cache_add(u, hash, text, (struct str){out->p + from, out->n - from});
    return 0;
}

int ecs_useragents_write(struct ecs_useragents *u, struct str text, struct buf *out) {
    pthread_mutex_lock(&u->lock);
    int e = write_locked(u, text, out);
    pthread_mutex_unlock(&u->lock);
    return e;
}
