// SPDX-License-Identifier: Apache-2.0
#ifndef ECS_USERAGENT_H
#define ECS_USERAGENT_H
// user_agent.* by uap-core's regexes (the data of Elasticsearch's user_agent processor), PCRE2 with
// JIT, and a bounded cache. Regexes are compiled when a user agent first needs them. Thread-safe
// (one lock inside).

#include "base/error.h"
#include "base/str.h"

struct ecs_useragents;

enum ecs_ua_group { ECS_UA_AGENT, ECS_UA_OS, ECS_UA_DEVICE };

// One entry of regexes.yaml; absent strings have p == NULL. `replacements` in the file's order of
// fields: agent: family, v1, v2, v3; os: os, os_v1, os_v2, os_v3, os_v4; device: device (brand and
// model are not used).
struct ecs_ua_rule {
    enum ecs_ua_group group;
    struct str regex;
    struct str flag; // "i" or absent
    struct str replacements[5];
};

int ecs_useragents_new(struct ecs_useragents **ret) MUST_USE;
struct ecs_useragents *ecs_useragents_free(struct ecs_useragents *u);
DEFINE_AUTO_FREE(ecs_useragents)

// Adds a rule (copied), in the file's order. All rules are added before the first lookup.
// Outcomes: 0; -ENOMEM.
int ecs_useragents_add(struct ecs_useragents *u, const struct ecs_ua_rule *rule) MUST_USE;

#endif
