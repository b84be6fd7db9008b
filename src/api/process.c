// SPDX-License-Identifier: Apache-2.0
// The order in which a request is judged: whose path it is, who asks, whether that is permitted,
// whether the path can do it at all. Nobody learns more than the step that refused them tells:
// without a token every path looks the same.
#include <errno.h>

#include "api/backends.h"
#include "api/call-internal.h"
#include "api/fields.h"
#include "api/help.h"

// Raw paths are whole paths: the slash that a list adds does not lead away from them.
static void find_raw(struct call *c) {
    struct str rest = str_sub(c->rest, 0, c->rest.n - 1);
    const struct route *r = route_find(api_backends[c->mount->type], rest, c);
    if (r && (r->flags & (ROUTE_OPEN | ROUTE_RAW)) == (ROUTE_OPEN | ROUTE_RAW)) c->route = r;
}

void find_route(struct call *c) {
    c->mount = mount_of(c->state, c->request->path);
    if (!c->mount) return;
    c->rest = str_sub(c->request->path, c->mount->path.n, c->request->path.n);
    c->route = route_find(api_backends[c->mount->type], c->rest, c);
    if (!c->route && c->op == OP_LIST) find_raw(c);
}

static bool has_flag(const struct call *c, unsigned flag) {
    return c->route && c->route->flags & flag;
}

static int bad_token(struct call *c) {
    c->reply.reason = c->request->token.n ? "bad token" : "no token";
    return call_error(c, 403, "permission denied");
}

static int check_token(struct call *c) {
    if (!c->request->token.n) return has_flag(c, ROUTE_OPTIONAL) ? 0 : bad_token(c);
    int r =
        token_check(c->state, c->request->token, c->request->remote_address, c->now_ms, &c->caller);
    if (r == TOKEN_E_BAD) return has_flag(c, ROUTE_OPTIONAL) ? 0 : bad_token(c);
    return r;
}

// A write where nothing is yet is a create: the rules tell both apart. A field that cannot be read
// is complained of later, when it is known that the caller may ask at all.
static void settle_operation(struct call *c) {
    struct fault why = {{0}};
    if (c->op != OP_UPDATE || !c->route || !c->route->exists) return;
    if (fields_read(c, &why) == 0 && !c->route->exists(c)) c->op = OP_CREATE;
}

static unsigned needed_capability(enum operation op) {
    static const unsigned needed[] = {
        [OP_READ] = ACL_READ,
        [OP_LIST] = ACL_LIST,
        [OP_CREATE] = ACL_CREATE,
        [OP_UPDATE] = ACL_UPDATE,
        [OP_PATCH] = ACL_PATCH,
        [OP_DELETE] = ACL_DELETE,
        [OP_HELP] = 0,
    };
    return op == OP_HEADER ? ~0U : needed[op]; // no rule can grant it: root's alone
}

static bool parameters_permitted(const struct call *c) {
    const struct json *data = c->request->data;
    if (c->op == OP_LIST) return acl_check_limit(&c->verdict, data);
    return c->op == OP_DELETE || acl_check_parameters(&c->verdict, data);
}

static const char *objection(const struct call *c) {
    const struct acl_verdict *v = &c->verdict;
    unsigned needed = needed_capability(c->op);
    if (v->capabilities & ACL_DENY) return "denied by a policy";
    if ((v->capabilities & needed) != needed) return "no policy permits it";
    if (has_flag(c, ROUTE_SUDO) && !(v->capabilities & ACL_SUDO)) return "sudo is needed";
    if (!acl_check_wrapping(v, c->request->wrap_ttl_s)) return "wrapping time not permitted";
    if (!parameters_permitted(c)) return "a parameter is not permitted";
    return NULL;
}

static int decide_acl(struct call *c) {
    if (c->caller.root) return 0;
    struct acl_caller caller = {.state = c->state,
                                .policies = c->caller.policies,
                                .identity_policies = c->caller.identity_policies,
                                .entity = c->caller.entity,
                                .now_ms = c->now_ms,
                                .root = c->caller.root};
    int r = acl_decide(&caller, c->request->path, c->op == OP_LIST, &c->verdict);
    if (r) return r;
    const char *why = objection(c);
    return why ? call_denied(c, why) : 0;
}

// All methods that the winning rules name are needed, whatever was asked for before.
static bool has_passed(const struct call *c) {
    struct str rest = buf_str(&c->verdict.mfa_methods);
    struct str method;
    while (list_next(&rest, &method))
        if (!list_has(list_of(&c->passage->methods), method)) return false;
    return true;
}

// Reference 3.2: after the ACL, and not for root, help, and what needs no policy: their verdict
// names no methods.
static int check_mfa(struct call *c) {
    const struct passage *p = c->passage;
    if (!c->verdict.mfa_methods.n) return 0;
    c->wants_mfa = !p;
    if (!p) return 0;
    if (p->message.n) return call_denied_saying(c, p->reason, buf_str(&p->message));
    if (!p->allowed) return call_denied(c, p->reason);
    return has_passed(c) ? 0 : call_denied(c, "the policies demand other mfa methods now");
}

// In the middle of a handler nobody can be asked.
int decide_permitted(struct call *c) {
    int r = decide_acl(c);
    if (!r && !c->reply.failed) r = check_mfa(c);
    return r || !c->wants_mfa ? r : call_denied(c, "mfa cannot be asked for here");
}

static int check_acl(struct call *c) {
    if (c->op == OP_HELP || has_flag(c, ROUTE_ANY_TOKEN | ROUTE_OPTIONAL)) return 0;
    return decide_acl(c);
}

static bool supports(const struct call *c) {
    const struct route *r = c->route;
    switch (c->op) {
    case OP_READ: return r->read;
    case OP_HEADER: return r->read && r->flags & ROUTE_HEAD;
    case OP_LIST: return r->list;
    case OP_CREATE:
    case OP_UPDATE: return r->update;
    case OP_PATCH: return r->patch;
    case OP_DELETE: return r->remove;
    case OP_HELP: return true;
    }
    return false;
}

// Nobody needs a token here, whatever the operation.
static bool is_open(const struct call *c) { return has_flag(c, ROUTE_OPEN | ROUTE_OPTIONAL); }

// On paths that need no token the texts come without the count, as Vault has it.
static int unsupported(struct call *c, int status, const char *what) {
    c->reply.reason = what;
    if (has_flag(c, ROUTE_OPEN) && has_flag(c, ROUTE_RAW)) {
        call_not_found(c);
        c->reply.status = status;
        return 0;
    }
    if (is_open(c)) return call_error(c, status, "%s", what);
    return call_error(c, status, "1 error occurred:\n\t* %s\n\n", what);
}

static int check_route(struct call *c) {
    if (!c->mount) {
        c->reply.reason = "no such mount";
        return call_error(c, 404, "no handler for route \"%.*s\". route entry not found.",
                          STR_ARG(c->request->path));
    }
    if (c->op == OP_HELP) return 0;
    if (!c->route || has_flag(c, ROUTE_NOTHING)) return unsupported(c, 404, "unsupported path");
    return supports(c) ? 0 : unsupported(c, 405, "unsupported operation");
}

static const struct mount *sealed_mount(struct str path) {
    static const struct mount system = {.type = MOUNT_SYSTEM, .path = {"sys/", 4}};
    return str_starts(path, system.path) ? &system : NULL;
}

// Without a state there are no mounts: what answers then answers below sys/, without a token.
static int decide_sealed(struct call *c) {
    c->mount = sealed_mount(c->request->path);
    if (c->mount) {
        c->rest = str_sub(c->request->path, c->mount->path.n, c->request->path.n);
        c->route = route_find(&backend_system, c->rest, c);
    }
    if (!has_flag(c, ROUTE_SEALED)) {
        c->reply.reason = "sealed";
        return call_error(c, 503, "Vault is sealed");
    }
    return check_route(c);
}

// There is the root namespace only.
static bool is_elsewhere(struct str namespace) {
    while (str_ends(namespace, STR("/"))) namespace.n--;
    return namespace.n && !str_eqz(namespace, "root");
}

static int refuse_namespace(struct call *c) {
    c->reply.reason = "no such namespace";
    if (has_flag(c, ROUTE_SEALED)) return call_error(c, 400, "operation unavailable in namespaces");
    return call_error(c, 404, "namespace not found");
}

int decide(struct call *c) {
    if (!c->state) return decide_sealed(c);
    find_route(c);
    if (is_elsewhere(c->request->namespace)) return refuse_namespace(c);
    bool asks = c->op != OP_HELP;
    if (asks && (has_flag(c, ROUTE_OPEN) || (is_open(c) && !supports(c)))) return check_route(c);
    int r = check_token(c);
    if (r || c->reply.failed) return r;
    settle_operation(c);
    r = check_acl(c);
    if (r || c->reply.failed) return r;
    r = check_route(c); // nobody is asked for what cannot be done
    return r || c->reply.failed ? r : check_mfa(c);
}

static int run(struct call *c) {
    const struct route *r = c->route;
    switch (c->op) {
    case OP_READ:
    case OP_HEADER: return r->read(c);
    case OP_LIST: return r->list(c);
    case OP_CREATE:
    case OP_UPDATE: return r->update(c);
    case OP_PATCH: return r->patch(c);
    case OP_DELETE: return r->remove(c);
    case OP_HELP: break;
    }
    return -EINVAL;
}

// Handlers leave it to the buffers to tell that there was no memory.
static int reply_error(const struct reply *r) {
    const int errors[] = {r->data.error, r->auth.error, r->warnings.error, r->errors.error};
    for (size_t i = 0; i < LEN(errors); i++)
        if (errors[i]) return errors[i];
    return 0;
}

static int handle(struct call *c) {
    if (c->reply.failed) return 0;
    // Nobody was asked, or by now a policy demands it: whoever calls, it does not go through.
    if (c->wants_mfa) return call_denied(c, "mfa is required");
    if (c->op == OP_HELP) return help_answer(c);
    struct fault why = {{0}};
    int r = fields_read(c, &why);
    if (r == FIELDS_E_REFUSED) {
        c->reply.reason = "bad parameter";
        return call_error(c, 400, "%s", why.text);
    }
    return r ? r : run(c);
}

int dispatch(struct call *c) {
    int r = handle(c);
    return r ? r : reply_error(&c->reply);
}

// Only what has an envelope and says something is wrapped.
bool wants_wrapping(const struct call *c) {
    const struct reply *r = &c->reply;
    return c->request->wrap_ttl_s > 0 && !r->failed && !r->raw && (r->has_data || r->auth.n);
}
