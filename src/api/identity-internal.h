// SPDX-License-Identifier: Apache-2.0
#ifndef API_IDENTITY_INTERNAL_H
#define API_IDENTITY_INTERNAL_H
// What the files behind identity/ share: handlers for the table in identity.c, and how entities and
// aliases look in answers.

#include "api/call.h"
#include "identity/entity.h"

enum { IDENTITY_LIST_MAX_BYTES = 256 << 20 };

// The answer to what identity/entity.h refused; `outcome` is positive.
int identity_refused(struct call *c, int outcome, const struct fault *fault);

// A list of pairs that the request gave: absent when it gave null. False: it gave nothing.
bool identity_pairs(const struct call *c, const char *field, struct list *ret);

// Members mount_path and mount_type: left out when there is no such mount any more.
void identity_write_mount(const struct call *c, struct buf *out, struct str accessor);
// The members of an alias, without braces.
void identity_write_alias(const struct call *c, struct buf *out, const struct alias *a);

int identity_write_entity(struct call *c); // POST entity, entity/id/{id}, entity/name/{name}
int identity_read_entity(struct call *c);
int identity_read_entity_by_name(struct call *c);
int identity_delete_entity(struct call *c);
int identity_delete_entity_by_name(struct call *c);
int identity_list_entities(struct call *c);
int identity_list_entity_names(struct call *c);
int identity_delete_entities(struct call *c);
int identity_merge_entities(struct call *c);
int identity_lookup_entity(struct call *c);
int identity_lookup_group(struct call *c);

int identity_change_alias(struct call *c);
int identity_read_alias(struct call *c);
int identity_delete_alias(struct call *c);
int identity_list_aliases(struct call *c);

#endif
