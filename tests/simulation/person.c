/* Somebody with an account: signing up by the code from the mail, signing in, and keeping a good access token. */
#include "platform/base/encode.h"
#include "platform/base/buf.h"
#include "platform/service/token.h"
#include "tests/simulation/people.h"

#include <stdio.h>
#include <yyjson.h>

#define TRIES_MAX 400
#define ROUNDS_MAX 60
#define MAIL_LOOKS_MAX 30
#define ARENA_BYTES ((size_t)1 << 20)
#define CLAIMS_BYTES 2048
#define SESSION_LIFETIME_S (INT64_C(30) * 24 * 3600) /* since its last use, as services/identity/README.md says */

struct person *person_new(int tenant)
{
    static size_t number;
    ASSERT(simulation.person_count < PEOPLE_MAX);
    struct person *person = &simulation.people[simulation.person_count++];
    *person = (struct person){.tenant = tenant};
    snprintf(person->email, sizeof(person->email), "person%zu@example.com", number++);
    snprintf(person->password, sizeof(person->password), "first password of %zu", number);
    return person;
}

/* -- Asking -------------------------------------------------------------------------------------------------------- */

bool account_ask(struct account_request *asked)
{
    CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
    ASSERT(arena);
    struct shop_request request = {
        .method = asked->method,
        .target = arena_printf(arena, "/api/identity/v1/%s", asked->path),
        .tenant = asked->tenant,
        .token = asked->token,
        .body = str_from_cstr(asked->body),
        .arena = arena,
    };
    bool is_answered = shop_ask(&request) && request.status < 500;
    asked->status = is_answered ? request.status : 0;
    answer_text(&request, "code", asked->code, sizeof(asked->code));
    answer_text(&request, "access_token", asked->access, sizeof(asked->access));
    answer_text(&request, "refresh_token", asked->refresh, sizeof(asked->refresh));
    answer_text(&request, "email", asked->email, sizeof(asked->email));
    return is_answered;
}

void account_insist(struct account_request *asked)
{
    for (int i = 0; i < TRIES_MAX; i++) {
        if (account_ask(asked))
            return;
        sleep_between_ms(50, 2500);
    }
    violated("identity answers in the end", "%s after %d tries", asked->path, TRIES_MAX);
}

/* -- Tokens -------------------------------------------------------------------------------------------------------- */

/* When the token says that it ends. */
int64_t token_expiry_s(const char *access)
{
    struct str rest = str_from_cstr(access), header, payload;
    CLEANUP(buf_free) struct buf claims = BUF(CLAIMS_BYTES);
    if (!str_next_token(&rest, '.', &header) || !str_next_token(&rest, '.', &payload) ||
        decode_base64url(payload, &claims) < 0)
        violated("an access token is a JWT", "%s", access);
    yyjson_doc *doc = yyjson_read(claims.ptr, claims.len, 0);
    int64_t expiry_s = yyjson_get_sint(yyjson_obj_get(yyjson_doc_get_root(doc), "exp"));
    yyjson_doc_free(doc);
    return expiry_s;
}

void person_take_tokens(struct person *person, const struct account_request *asked)
{
    int64_t now_s = shop_latest_ms() / 1000;
    memcpy(person->access, asked->access, sizeof(person->access));
    memcpy(person->refresh, asked->refresh, sizeof(person->refresh));
    person->access_expires_s = token_expiry_s(person->access);
    person->refresh_expires_s = person->access_expires_s - TOKEN_LIFETIME_S + SESSION_LIFETIME_S + 1;
    if (!person->refresh[0] || (simulation.clock_off_ms == 0 && !simulation.is_faulty &&
                                person->access_expires_s > now_s + TOKEN_LIFETIME_S + 1))
        violated("an access token lives as long as it should", "%s until %lld, at %lld", person->email,
                 (long long)person->access_expires_s, (long long)now_s);
}

void person_refused(struct person *person)
{
    if (person)
        person->access[0] = person->refresh[0] = '\0';
}

/* True when the answer came; whether it was yes is in asked. */
static void log_in(struct person *person, struct account_request *asked)
{
    *asked = (struct account_request){.method = HTTP_POST, .path = "login", .tenant = person->tenant};
    snprintf(asked->body, sizeof(asked->body), "{\"email\":\"%s\",\"password\":\"%s\"}", person->email,
             person->password);
    account_insist(asked);
}

void person_sign_in(struct person *person)
{
    struct account_request asked;
    log_in(person, &asked);
    if (asked.status != 200)
        violated("who has an account and the password may sign in", "%s: %d %s", person->email, asked.status,
                 asked.code);
    person_take_tokens(person, &asked);
}

/* A lost answer may have been one: then the next try is a reuse, which ends the session, as it should. A token whose
 * time is up by either of the shop's clocks is refused. */
bool person_refresh(struct person *person)
{
    struct account_request asked = {.method = HTTP_POST, .path = "refresh", .tenant = person->tenant};
    uint64_t moves = simulation.clock_moves;
    unsigned incarnation = simulator_incarnation(); /* a boot may set the steady clock */
    bool is_late = shop_latest_ms() / 1000 > person->refresh_expires_s;
    snprintf(asked.body, sizeof(asked.body), "{\"refresh_token\":\"%s\"}", person->refresh);
    account_insist(&asked);
    if (is_late && asked.status == 200 && moves == simulation.clock_moves && incarnation == simulator_incarnation())
        violated("a refresh token ends", "%s: at %lld, of %lld", person->email, (long long)(shop_latest_ms() / 1000),
                 (long long)person->refresh_expires_s);
    simulation.struck.kinds[ENDED_REFRESH_TOKEN] += is_late && asked.status == 401;
    if (asked.status == 200)
        person_take_tokens(person, &asked);
    else
        person_refused(person);
    return asked.status == 200;
}

const char *person_token(struct person *person)
{
    if (person->access[0] && person->access_expires_s * 1000 > simulator_process_wall_ms())
        return person->access;
    if (!person->refresh[0] || !person_refresh(person))
        person_sign_in(person);
    return person->access;
}

/* -- Signing up ---------------------------------------------------------------------------------------------------- */

bool wait_for_code(const char *to, const char *subject_word, char code[CODE_BYTES])
{
    for (int i = 0; i < MAIL_LOOKS_MAX; i++) {
        if (mailbox_newest_code(to, subject_word, code))
            return true;
        sleep_between_ms(100, 2000);
    }
    return false;
}

static void sign_up_once(struct person *person)
{
    char code[CODE_BYTES];
    struct account_request asked = {.method = HTTP_POST, .path = "signup", .tenant = person->tenant};
    snprintf(asked.body, sizeof(asked.body), "{\"email\":\"%s\",\"password\":\"%s\",\"name\":\"A Person\"}",
             person->email, person->password);
    account_insist(&asked);
    if (asked.status != 201)
        violated("anybody may sign up", "%s: %d %s", person->email, asked.status, asked.code);
    if (!wait_for_code(person->email, "confirmation", code))
        return;
    asked = (struct account_request){.method = HTTP_POST, .path = "verify", .tenant = person->tenant};
    snprintf(asked.body, sizeof(asked.body), "{\"email\":\"%s\",\"code\":\"%s\"}", person->email, code);
    account_insist(&asked);
}

void person_sign_up(struct person *person)
{
    struct account_request asked;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        sign_up_once(person);
        log_in(person, &asked);
        if (asked.status == 200) {
            person_take_tokens(person, &asked);
            note("%s has an account", person->email);
            return;
        }
        /* An account that nobody verifies is swept after a week, by a clock that may be ahead. */
        if (asked.status != 403 && asked.status != 401)
            violated("who has signed up may sign in, or must verify", "%s: %d %s", person->email, asked.status,
                     asked.code);
    }
    violated("a code from the mail verifies in the end", "%s", person->email);
}
