// SPDX-License-Identifier: Apache-2.0
#include "sim/company.h"

#include <stdio.h>
#include <string.h>

#include "sim/company-data.h"

enum { ID_LENGTH = 20 };
#define DOMAIN "northwind-kayaks.example"

void company_id(char ret[COMPANY_ID_MAX], const char *prefix, struct rand *rand) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    size_t n = strlen(prefix);
    memcpy(ret, prefix, n);
    for (; n < ID_LENGTH; n++) ret[n] = letters[rand_below(rand, sizeof letters - 1)];
    ret[n] = '\0';
}

void company_ip(char ret[COMPANY_IP_MAX], const struct place *place, struct rand *rand) {
    unsigned third = place->net1 == 203 ? 113 : (unsigned)rand_below(rand, 256);
    snprintf(ret, COMPANY_IP_MAX, "%u.%u.%u.%u", place->net1 & 255, place->net2 & 255, third & 255,
             (unsigned)rand_below(rand, 254) + 1);
}

const struct place *company_strange_place(struct rand *rand) {
    return &data_strange[rand_below(rand, DATA_STRANGE)];
}

const struct agent *company_strange_agent(void) { return &data_script; }

// The letters of a login: ASCII only, small; what is not a letter is left out.
static size_t add_plain(char *out, const char *name) {
    size_t n = 0;
    for (; *name; name++) {
        char c = *name;
        if (c >= 'A' && c <= 'Z') c = (char)(c + 32);
        if (c >= 'a' && c <= 'z') out[n++] = c;
    }
    return n;
}

static void name_person(struct person *p, unsigned number) {
    const char *first = data_first[number % DATA_FIRST];
    const char *last = data_last[(number * 7 + number / DATA_FIRST) % DATA_LAST];
    char plain[COMPANY_NAME_MAX];
    size_t n = add_plain(plain, first);
    plain[n++] = '.';
    n += add_plain(plain + n, last);
    snprintf(p->name, sizeof p->name, "%.24s %.24s", first, last);
    // A number where two would have the same login.
    snprintf(p->login, sizeof p->login, "%.*s%.0u@" DOMAIN, (int)n, plain, number / 240);
}

static void fill_person(struct person *p, unsigned number, struct rand *rand) {
    p->number = number;
    name_person(p, number);
    company_id(p->id, "00u", rand);
    company_id(p->device_id, "guo", rand);
    company_id(p->factor_id, "pfd", rand);
    company_id(p->password_id, "lae", rand);
    p->place = &data_places[rand_below(rand, DATA_PLACES)];
    p->desk = &data_desks[rand_below(rand, DATA_DESKS)];
    p->phone = &data_phones[rand_below(rand, DATA_PHONES)];
    company_ip(p->ip, p->place, rand);
    snprintf(p->device_name, sizeof p->device_name, "%s-%s-%04u", "NWK",
             strcmp(p->desk->platform, "OSX") == 0 ? "MBP" : "PC", number);
    snprintf(p->fingerprint, sizeof p->fingerprint, "%016llx%016llx",
             (unsigned long long)rand_next(rand), (unsigned long long)rand_next(rand));
}

static void fill_thing(struct thing *t, const char *prefix, const char *name, const char *label,
                       struct rand *rand) {
    company_id(t->id, prefix, rand);
    t->name = name;
    t->label = label;
}

void company_fill(struct company *c, struct rand *rand) {
    company_id(c->org_id, "00o", rand);
    for (unsigned i = 0; i < COMPANY_PEOPLE; i++) fill_person(&c->people[i], i, rand);
    for (int i = 0; i < COMPANY_APPS; i++)
        fill_thing(&c->apps[i], "0oa", data_apps[i][0], data_apps[i][1], rand);
    for (int i = 0; i < COMPANY_CLIENTS; i++)
        fill_thing(&c->clients[i], "0oa", data_clients[i][0], data_clients[i][1], rand);
    for (int i = 0; i < COMPANY_GROUPS; i++)
        fill_thing(&c->groups[i], "00g", data_groups[i], data_groups[i], rand);
    for (int i = 0; i < COMPANY_POLICIES; i++) {
        fill_thing(&c->policies[i], "00p", "OktaSignOn", data_policies[i][0], rand);
        fill_thing(&c->rules[i], "0pr", "SignOnRule", data_policies[i][1], rand);
    }
}
