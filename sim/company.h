// SPDX-License-Identifier: Apache-2.0
#ifndef SIM_COMPANY_H
#define SIM_COMPANY_H
// The company that generated events happen in: its people, applications, groups and policies, with
// ids that stay the same from event to event.

#include <stdbool.h>
#include <stdint.h>

#include "base/rand.h"

enum {
    COMPANY_PEOPLE = 320,
    COMPANY_ADMINS = 8, // the first of the people
    COMPANY_APPS = 18,
    COMPANY_CLIENTS = 5, // service applications
    COMPANY_GROUPS = 16,
    COMPANY_POLICIES = 7,
    COMPANY_ID_MAX = 24,
    COMPANY_NAME_MAX = 128, // Okta's longest login has 100 characters
    COMPANY_IP_MAX = 16,
};

// Where a request comes from.
struct place {
    const char *city, *state, *country, *postal_code, *lat, *lon;
    uint32_t as_number;
    const char *as_org, *isp, *domain;
    unsigned net1, net2; // the first two numbers of its addresses
    bool proxy;
};

struct agent {
    const char *raw, *os, *browser, *device, *platform, *os_version;
};

struct person {
    char id[COMPANY_ID_MAX], login[COMPANY_NAME_MAX], name[COMPANY_NAME_MAX];
    const struct place *place;
    const struct agent *desk, *phone;
    char ip[COMPANY_IP_MAX];
    char device_id[COMPANY_ID_MAX], device_name[COMPANY_NAME_MAX];
    char factor_id[COMPANY_ID_MAX], password_id[COMPANY_ID_MAX];
    char fingerprint[40];
    unsigned number;
};

struct thing {
    char id[COMPANY_ID_MAX];
    const char *name, *label;
};

struct company {
    struct person people[COMPANY_PEOPLE];
    struct thing apps[COMPANY_APPS], clients[COMPANY_CLIENTS], groups[COMPANY_GROUPS];
    struct thing policies[COMPANY_POLICIES], rules[COMPANY_POLICIES];
    char org_id[COMPANY_ID_MAX];
};

// Makes the company up.
void company_fill(struct company *c, struct rand *rand);

// `prefix` and random letters and digits, 20 in all.
void company_id(char ret[COMPANY_ID_MAX], const char *prefix, struct rand *rand);

// An address in a place's network.
void company_ip(char ret[COMPANY_IP_MAX], const struct place *place, struct rand *rand);

// Somewhere that nobody of the company is: where attacks come from.
const struct place *company_strange_place(struct rand *rand);
const struct agent *company_strange_agent(void);

#endif
