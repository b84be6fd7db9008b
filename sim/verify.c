// SPDX-License-Identifier: Apache-2.0
// The request is read in full before anything is done: a push that went out cannot be taken back.
#include "sim/verify.h"

#include <errno.h>

#include "base/parse.h"
#include "base/time.h"
#include "sim/args.h"
#include "sim/factors-api.h"
#include "sim/mfa-log.h"
#include "sim/transactions.h"
#include "json/write.h"

enum { CODE_MAX_BYTES = 4096 };

struct verify {
    struct call *call;
    struct user *user;
    struct factor *factor;
    struct buf code; // passCode or answer; a copy, because the body's values do not last
    bool has_code, number_matching;
    char *agent, *forwarded; // owned: User-Agent, X-Forwarded-For
};

static void verify_fini(struct verify *v) {
    buf_wipe(&v->code);
    free(v->agent);
    free(v->forwarded);
}
DEFINE_AUTO_FINI(verify)

// ---- reading

static bool takes_json(struct str accept) {
    static const char *const types[] = {"application/json", "application/*", "*/*"};
    if (!accept.p) return true;
    while (accept.p) {
        struct str range = str_split(&accept, ',');
        struct str type = str_trim(str_split(&range, ';'));
        for (size_t i = 0; i < LEN(types); i++)
            if (str_eq_nocase(type, str_from(types[i]))) return true;
    }
    return false;
}

static int check_media(struct call *call) {
    struct str type = request_header(call->request, "content-type");
    if (!takes_json(request_header(call->request, "accept")))
        return call_refuse(call, API_NOT_ACCEPTABLE);
    if (call->request->body.n == 0) return 0;
    if (!str_trim(type).n) return call_refuse(call, API_NO_MEDIA_TYPE);
    bool json = str_eq_nocase(str_trim(str_split(&type, ';')), STR("application/json"));
    return json ? 0 : call_refuse(call, API_BAD_MEDIA_TYPE);
}

static int read_code(struct verify *v, const struct json *code) {
    if (!code || json_type(code) == JSON_NULL) return 0;
    struct str text = json_str(code);
    if (!text.p) return call_refuse(v->call, API_NOT_JSON);
    buf_add_str(&v->code, text);
    v->has_code = text.n > 0;
    return v->code.error == -EMSGSIZE ? call_refuse(v->call, API_NOT_JSON) : v->code.error;
}

static int read_body(struct verify *v) {
    struct call *call = v->call;
    const struct json *body;
    if (call->request->body.n == 0) return 0;
    int e = json_read(call->sim->reader, call->request->body, &body, NULL);
    if (e < 0) return e;
    if (!e && json_type(body) == JSON_NULL) return 0; // Okta's Go SDK sends it for no body
    if (e || json_type(body) != JSON_OBJECT) return call_refuse(call, API_NOT_JSON);
    const struct json *matching = json_get(body, "useNumberMatchingChallenge");
    if (matching && json_type(matching) != JSON_BOOL) return call_refuse(call, API_NOT_JSON);
    v->number_matching = json_bool(matching);
    const struct json *code = json_get(body, "passCode");
    return read_code(v, code ? code : json_get(body, "answer"));
}

static int check_lifetime(struct call *call) {
    enum { LIFETIME_MAX_S = 86400 };
    AUTO_FINI(args) struct args args = {.n = 0};
    uint64_t seconds;
    if (!call->request->query.p) return 0;
    int e = args_parse(&args, call->request->query);
    if (e) return e > 0 ? call_refuse(call, API_BAD_ENCODING) : e;
    struct str text = args_get(&args, "tokenLifetimeSeconds");
    if (!text.p) return 0;
    bool good = parse_u64(text, &seconds) && seconds >= 1 && seconds <= LIFETIME_MAX_S;
    return good ? 0 : call_refuse(call, API_BAD_LIFETIME);
}

static const struct {
    const char *status;
    enum api_error_kind error;
} refused_users[] = {
    {"LOCKED_OUT", API_USER_LOCKED},    {"SUSPENDED", API_USER_NOT_ACTIVE},
    {"STAGED", API_USER_STATUS},        {"PROVISIONED", API_USER_STATUS},
    {"DEPROVISIONED", API_USER_STATUS},
};

static int check_states(struct verify *v) {
    for (size_t i = 0; i < LEN(refused_users); i++)
        if (strcmp(v->user->status, refused_users[i].status) == 0)
            return call_refuse(v->call, refused_users[i].error);
    if (factor_is_active(v->factor)) return 0;
    bool suspended = strcmp(v->factor->status, "INACTIVE") == 0;
    return call_refuse(v->call, suspended ? API_FACTOR_SUSPENDED : API_FACTOR_NOT_ACTIVE);
}

static char *header_text(const struct call *call, const char *name) {
    struct str value = request_header(call->request, name);
    return mem_copy(value.n ? value.p : "", value.n);
}

static int read_headers(struct verify *v) {
    v->agent = header_text(v->call, "user-agent");
    v->forwarded = header_text(v->call, "x-forwarded-for");
    return v->agent && v->forwarded ? 0 : -ENOMEM;
}

static int read_all(struct verify *v) {
    int e = check_media(v->call);
    if (!e) e = read_headers(v);
    if (!e) e = read_body(v);
    if (!e) e = check_lifetime(v->call);
    if (!e) e = factors_of_path(v->call, &v->user, &v->factor);
    return e ? e : check_states(v);
}

// ---- pushes

static const char *client_of(const struct call *call) {
    return call->note.client[0] ? call->note.client : NULL;
}

static int send_push(struct verify *v, const struct phone_step *step, struct push **ret) {
    struct call *call = v->call;
    struct push_opts opts = {.texts = {[PUSH_USER] = v->user->id,
                                       [PUSH_LOGIN] = v->user->login,
                                       [PUSH_NAME] = v->user->name,
                                       [PUSH_FACTOR] = v->factor->id,
                                       [PUSH_DEVICE] = v->factor->name,
                                       [PUSH_AGENT] = v->agent,
                                       [PUSH_FORWARDED] = v->forwarded,
                                       [PUSH_ADDRESS] = call->request->address,
                                       [PUSH_CLIENT] = client_of(call),
                                       [PUSH_TOKEN] = call->token ? call->token->id : NULL},
                             .step = *step,
                             .now_ms = call->now_ms,
                             .number_matching = v->number_matching};
    struct phone *phone = &v->user->phone;
    int e = pushes_add(&call->sim->pushes, &opts, ret);
    if (e) return e;
    phone->pushes++;
    if (phone->waiting++) phone->overlapping++;
    return mfa_log_push(call->sim, *ret);
}

// A phone that answers at once does so by the next request: this one still says WAITING.
static int verify_push(struct verify *v) {
    struct call *call = v->call;
    struct phone_step step = phone_next(&v->user->phone, call->sim->pushes.usual);
    bool lost = step.trouble == PHONE_VERIFY_LOST;
    struct push *push;
    int e = lost || step.trouble > PHONE_VERIFY_LOST ? 0 : transactions_trouble(call, step.trouble);
    if (!e) e = send_push(v, &step, &push);
    if (!e && lost) e = transactions_trouble(call, step.trouble);
    if (!e) e = transactions_write(call, push, false);
    call->reply->status = 201;
    return e ? e : call_finish(call);
}

// ---- codes

static struct mfa_who who_of(const struct verify *v) {
    struct call *call = v->call;
    return (struct mfa_who){.user_id = v->user->id,
                            .login = v->user->login,
                            .name = v->user->name,
                            .factor_id = v->factor->id,
                            .user_agent = *v->agent ? v->agent : NULL,
                            .ip = call->request->address,
                            .forwarded = v->forwarded,
                            .client_id = client_of(call),
                            .token_id = call->token ? call->token->id : NULL,
                            .method = v->factor->kind->method};
}

static int lock(struct verify *v, const struct mfa_who *who) {
    struct sim *sim = v->call->sim;
    int e = user_set_status(v->user, "LOCKED_OUT", sim->reader, v->call->now_ms);
    v->user->wrong_codes = 0;
    if (!e) e = mfa_log_lock(sim, who, v->call->now_ms);
    return e ? e : call_refuse(v->call, API_USER_LOCKED);
}

static int refuse_code(struct verify *v, enum factor_judgement judgement) {
    static const enum api_error_kind errors[] = {[FACTOR_WRONG] = API_WRONG_CODE,
                                                 [FACTOR_REPLAYED] = API_REPLAYED_CODE,
                                                 [FACTOR_LATE] = API_LATE_CODE};
    struct mfa_who who = who_of(v);
    v->user->phone.wrong_codes++;
    int e = mfa_log_code(v->call->sim, &who, false, v->call->now_ms);
    if (e) return e;
    if (++v->user->wrong_codes >= USER_WRONG_CODES_MAX) return lock(v, &who);
    return call_refuse(v->call, errors[judgement]);
}

static int answer_result(struct call *call, const char *result) {
    struct buf *out = &call->reply->body;
    json_open(out, '{');
    json_key(out, STR("factorResult"));
    json_add_str(out, str_from(result));
    json_close(out, '}');
    call->reply->status = 200;
    return call_finish(call);
}

static int verify_code(struct verify *v) {
    struct call *call = v->call;
    enum factor_judgement judgement;
    struct mfa_who who = who_of(v);
    bool question = v->factor->kind->answer == FACTOR_BY_QUESTION;
    if (!v->has_code)
        return api_error_set(&call->error, CALL_E_REFUSED, API_NO_PASSCODE, "%s",
                             question ? "answer" : "passCode");
    int e = factor_judge(v->factor, buf_str(&v->code), call->now_ms, &judgement);
    if (e) return e;
    if (judgement != FACTOR_RIGHT) return refuse_code(v, judgement);
    v->user->wrong_codes = 0;
    v->user->phone.right_codes++;
    e = mfa_log_code(call->sim, &who, true, call->now_ms);
    return e ? e : answer_result(call, "SUCCESS");
}

int verify_answer(struct call *call) {
    AUTO_FINI(verify)
    struct verify v = {.call = call, .code = buf_make(CODE_MAX_BYTES)};
    int e = read_all(&v);
    if (e) return e;
    switch (v.factor->kind->answer) {
    case FACTOR_BY_PUSH: return verify_push(&v);
    case FACTOR_BY_BROWSER: return call_refuse(call, API_FACTOR_STATE);
    case FACTOR_BY_MESSAGE:
        if (!v.has_code) return answer_result(call, "CHALLENGE");
        return verify_code(&v);
    default: return verify_code(&v);
    }
}
