// SPDX-License-Identifier: Apache-2.0
// The fields of Elasticsearch's geoip processor, from the same kind of database. The file is mapped
// into memory and read only, so that lookups need no lock.
#include "ecs/geo.h"

#include <arpa/inet.h>
#include <errno.h>
#include <maxminddb.h>
#include <stdio.h>

#include "base/parse.h"
#include "ecs/mapper-internal.h"
#include "json/write.h"

struct ecs_geo {
    MMDB_s city, asn;
    bool has_city, has_asn;
};

struct ecs_geo *ecs_geo_free(struct ecs_geo *g) {
    if (!g) return NULL;
    if (g->has_city) MMDB_close(&g->city);
    if (g->has_asn) MMDB_close(&g->asn);
    free(g);
    return NULL;
}

static int open_database(MMDB_s *db, bool *ret_open, const char *path, struct fault *fault) {
    if (!path) return 0;
    int status = MMDB_open(path, MMDB_MODE_MMAP, db);
    if (status == MMDB_OUT_OF_MEMORY_ERROR) return -ENOMEM;
    if (status == MMDB_IO_ERROR)
        return fault_set(fault, -EINVAL, "%s: %s", path, error_text(-errno));
    if (status != MMDB_SUCCESS)
        return fault_set(fault, -EINVAL, "%s: %s", path, MMDB_strerror(status));
    *ret_open = true;
    return 0;
}

int ecs_geo_new(struct ecs_geo **ret, const char *city_mmdb, const char *asn_mmdb,
                struct fault *fault) {
    AUTO(ecs_geo) struct ecs_geo *g = mem_new(sizeof *g);
    if (!g) return -ENOMEM;
    int e = open_database(&g->city, &g->has_city, city_mmdb, fault);
    if (!e) e = open_database(&g->asn, &g->has_asn, asn_mmdb, fault);
    if (e) return e;
    *ret = TAKE(g);
    return 0;
}

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

// An IPv4 address written as IPv6 (::ffff:a.b.c.d) is looked up as what it is.
static void unmap(union address *a) {
    if (a->any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->v6.sin6_addr)) return;
    struct in_addr v4;
    memcpy(&v4, a->v6.sin6_addr.s6_addr + 12, sizeof v4);
    *a = (union address){.v4 = {.sin_family = AF_INET, .sin_addr = v4}};
}

static bool parse_address(struct str text, union address *ret) {
    char z[INET6_ADDRSTRLEN + 1];
    text = str_sub(text, 0, str_find_char(text, '%'));
    if (text.n >= sizeof z) return false;
    memcpy(z, text.p, text.n);
    z[text.n] = '\0';
    *ret = (union address){0};
    if (inet_pton(AF_INET, z, &ret->v4.sin_addr) == 1) ret->any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, z, &ret->v6.sin6_addr) == 1) ret->any.sa_family = AF_INET6;
    else return false;
    unmap(ret);
    return true;
}

static bool look_up(const MMDB_s *db, struct str text, MMDB_entry_s *ret) {
    union address address;
    if (!parse_address(text, &address)) return false;
    int error = MMDB_SUCCESS;
    MMDB_lookup_result_s found = MMDB_lookup_sockaddr(db, &address.any, &error);
    if (error != MMDB_SUCCESS || !found.found_entry) return false;
    *ret = found.entry;
    return true;
}

enum { PATH_MAX_NAMES = 5 };

struct field {
    struct str name;
    const char *path[PATH_MAX_NAMES + 1];
};

#define FIELD(name, ...)                                                                           \
    {                                                                                              \
        {"\"" name "\":", sizeof(name) + 2}, { __VA_ARGS__, NULL }                                 \
    }

static struct str text_at(MMDB_entry_s *entry, const char *const *path) {
    MMDB_entry_data_s data;
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_UTF8_STRING)
        return STR_NONE;
    return (struct str){data.utf8_string, data.data_size};
}

static const struct field place_fields[] = {
    FIELD("city_name", "city", "names", "en"),
    FIELD("continent_name", "continent", "names", "en"),
    FIELD("country_iso_code", "country", "iso_code"),
    FIELD("country_name", "country", "names", "en"),
    FIELD("region_name", "subdivisions", "-1", "names", "en"),
};
static const char *const country_code[] = {"country", "iso_code", NULL};
static const char *const region_code[] = {"subdivisions", "-1", "iso_code", NULL};

static void write_text(struct buf *out, struct str name, struct str text) {
    if (!text.n) return;
    buf_add_str(out, name);
    json_add_text(out, text);
    buf_addc(out, ',');
}

static void write_region_code(MMDB_entry_s *entry, struct buf *out) {
    struct str country = text_at(entry, country_code), region = text_at(entry, region_code);
    if (!country.n || !region.n) return;
    char code[32];
    int n = snprintf(code, sizeof code, "%.*s-%.*s", STR_ARG(country), STR_ARG(region));
    if (n > 0 && (size_t)n < sizeof code)
        write_text(out, STR("\"region_iso_code\":"), (struct str){code, (size_t)n});
}

static bool double_at(MMDB_entry_s *entry, const char *const *path, double *ret) {
    MMDB_entry_data_s data;
    if (MMDB_aget_value(entry, &data, path) != MMDB_SUCCESS || !data.has_data ||
        data.type != MMDB_DATA_TYPE_DOUBLE)
        return false;
    *ret = data.double_value;
    return true;
}

// The shortest digits that read back as the same number.
static void write_double(struct buf *out, struct str name, double value) {
    char digits[32];
    double again = 0;
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (parse_double(str_from(digits), &again) && !(again < value) && !(again > value)) break;
    }
    buf_add_str(out, name);
    buf_addz(out, digits);
    buf_addc(out, ',');
}

static void write_location(MMDB_entry_s *entry, struct buf *out) {
    static const char *const latitude[] = {"location", "latitude", NULL};
    static const char *const longitude[] = {"location", "longitude", NULL};
    double lat, lon;
    if (!double_at(entry, latitude, &lat) || !double_at(entry, longitude, &lon)) return;
    struct ecs_mark mark = ecs_open(out, STR("\"location\":"), '{');
    write_double(out, STR("\"lat\":"), lat);
    write_double(out, STR("\"lon\":"), lon);
    ecs_close(out, mark, '}');
}

bool ecs_geo_write_place(const struct ecs_geo *g, struct str address, struct buf *out) {
    MMDB_entry_s entry;
    if (!g->has_city || !look_up(&g->city, address, &entry)) return false;
    struct ecs_mark mark = ecs_open(out, STR("\"geo\":"), '{');
    for (size_t i = 0; i < LEN(place_fields); i++)
        write_text(out, place_fields[i].name, text_at(&entry, place_fields[i].path));
    write_region_code(&entry, out);
    write_location(&entry, out);
    return ecs_close(out, mark, '}');
}

bool ecs_geo_write_network(const struct ecs_geo *g, struct str address, struct buf *out) {
    static const char *const number_path[] = {"autonomous_system_number", NULL};
    static const char *const name_path[] = {"autonomous_system_organization", NULL};
    MMDB_entry_s entry;
    if (!g->has_asn || !look_up(&g->asn, address, &entry)) return false;
    struct ecs_mark mark = ecs_open(out, STR("\"as\":"), '{');
    MMDB_entry_data_s data;
    if (MMDB_aget_value(&entry, &data, number_path) == MMDB_SUCCESS && data.has_data &&
        data.type == MMDB_DATA_TYPE_UINT32) {
        buf_add_str(out, STR("\"number\":"));
        buf_add_u64(out, data.uint32);
        buf_addc(out, ',');
    }
    struct ecs_mark inner = ecs_open(out, STR("\"organization\":"), '{');
    write_text(out, STR("\"name\":"), text_at(&entry, name_path));
    ecs_close(out, inner, '}');
    return ecs_close(out, mark, '}');
}
