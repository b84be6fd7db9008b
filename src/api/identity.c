// SPDX-License-Identifier: Apache-2.0
// The paths below identity/. Writes need the update capability, whether or not there is something
// at the path: there is no existence check.
#include "api/backends.h"
#include "api/identity-internal.h"

#define ENTITY_FIELDS                                                                              \
    {"name", FIELD_STRING, NULL, 0,                                                                \
     "Name of the entity, whatever its case. Left out: it is made up."},                           \
        {"metadata", FIELD_PAIRS, NULL, 0,                                                         \
         "Keys and values, for templates in policies and for people. Replaces what was there."},   \
        {"policies", FIELD_COMMAS, NULL, 0,                                                        \
         "Policies that every token of the entity has beside its own, from now on."},              \
        {"disabled", FIELD_BOOL, "false", 0,                                                       \
         "Tokens of the entity are refused while this is true; they are not revoked."},            \
        {0},

static const struct field entity_fields[] = {
    {"id", FIELD_STRING, NULL, 0, "Id of an entity that is to be changed."}, ENTITY_FIELDS};

static const struct field entity_id_fields[] = {
    {"id", FIELD_STRING, NULL, FIELD_REQUIRED, "Id of the entity."}, ENTITY_FIELDS};

static const struct field batch_fields[] = {
    {"entity_ids", FIELD_COMMAS, NULL, FIELD_REQUIRED, "Ids of the entities to delete."},
    {0},
};

static const struct field merge_fields[] = {
    {"from_entity_ids", FIELD_COMMAS, NULL, FIELD_REQUIRED,
     "Ids of the entities whose aliases are taken; they are gone then."},
    {"to_entity_id", FIELD_STRING, NULL, FIELD_REQUIRED, "Id of the entity that stays."},
    {"conflicting_alias_ids_to_keep", FIELD_COMMAS, NULL, 0,
     "Of two aliases on one mount, the one that stays; the other one is deleted."},
    {"force", FIELD_BOOL, "false", 0, "Accepted for clients that send it; it changes nothing."},
    {0},
};

#define ALIAS_FIELDS                                                                               \
    {"name", FIELD_STRING, NULL, 0, "What the login is called on its mount, whatever its case."},  \
        {"mount_accessor", FIELD_STRING, NULL, 0, "Accessor of the mount that the login is on."},  \
        {"canonical_id", FIELD_STRING, NULL, 0,                                                    \
         "Id of the entity. Left out: the one that it has, or a new one."},                        \
        {"entity_id", FIELD_STRING, NULL, FIELD_DEPRECATED, "Old name of canonical_id."},          \
        {"custom_metadata", FIELD_PAIRS, NULL, 0,                                                  \
         "Keys and values written by operators, for templates in policies."},                      \
        {0},

static const struct field alias_fields[] = {
    {"id", FIELD_STRING, NULL, 0, "Id of an alias that is to be changed."}, ALIAS_FIELDS};

static const struct field alias_id_fields[] = {
    {"id", FIELD_STRING, NULL, FIELD_REQUIRED, "Id of the alias."}, ALIAS_FIELDS};

static const struct field lookup_fields[] = {
    {"id", FIELD_STRING, NULL, 0, "By its id."},
    {"name", FIELD_STRING, NULL, 0, "By its name."},
    {"alias_id", FIELD_STRING, NULL, 0, "By the id of one of its aliases."},
    {"alias_name", FIELD_STRING, NULL, 0,
     "By the name of one of its aliases, with alias_mount_accessor."},
    {"alias_mount_accessor", FIELD_STRING, NULL, 0, "Accessor of the mount of that alias."},
    {0},
};

static const struct field no_fields[] = {{0}};

static const struct route routes[] = {
    {.pattern = "entity",
     .fields = entity_fields,
     .update = identity_write_entity,
     .summary = "Create an entity, or change the one of that id or name."},
    {.pattern = "entity/id/?",
     .fields = no_fields,
     .list = identity_list_entities,
     .summary = "List the ids of all entities, with their names and aliases."},
    {.pattern = "entity/id/{id}",
     .fields = entity_id_fields,
     .read = identity_read_entity,
     .update = identity_write_entity,
     .remove = identity_delete_entity,
     .summary = "Read, change or delete an entity by its id."},
    {.pattern = "entity/name/?",
     .fields = no_fields,
     .list = identity_list_entity_names,
     .summary = "List the names of all entities."},
    {.pattern = "entity/name/{name*}",
     .fields = entity_fields,
     .read = identity_read_entity_by_name,
     .update = identity_write_entity,
     .remove = identity_delete_entity_by_name,
     .summary = "Create, read, change or delete an entity by its name."},
    {.pattern = "entity/batch-delete",
     .fields = batch_fields,
     .update = identity_delete_entities,
     .summary = "Delete several entities at once."},
    {.pattern = "entity/merge/?",
     .fields = merge_fields,
     .update = identity_merge_entities,
     .summary = "Give the aliases of several entities to one.",
     .description =
         "The entity keeps its own metadata and policies. Tokens of logins of the others "
         "go on as this one's."},
    {.pattern = "entity-alias",
     .fields = alias_fields,
     .update = identity_change_alias,
     .summary = "Create an alias, or change the one of that id, or of that name on that mount."},
    {.pattern = "entity-alias/id/?",
     .fields = no_fields,
     .list = identity_list_aliases,
     .summary = "List the ids of all aliases, with what they say."},
    {.pattern = "entity-alias/id/{id}",
     .fields = alias_id_fields,
     .read = identity_read_alias,
     .update = identity_change_alias,
     .remove = identity_delete_alias,
     .summary = "Read, change or delete an alias by its id."},
    {.pattern = "lookup/entity",
     .fields = lookup_fields,
     .update = identity_lookup_entity,
     .summary = "Look an entity up in one of four ways."},
    {.pattern = "lookup/group/?",
     .fields = lookup_fields,
     .update = identity_lookup_group,
     .summary = "Look a group up. There are none."},
    {0},
};

const struct backend backend_identity = {
    .type = "identity",
    .routes = routes,
    .help = "Entities: people and machines, whatever they log in with; and their aliases on auth "
            "mounts.",
};
