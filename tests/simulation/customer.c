/* Customers: they buy, and between that they refresh, sign out, change and forget passwords; and try what must not work
 * any more: spent refresh tokens, tokens of ended sessions, tokens whose time is up. */
#include "platform/service/token.h"
#include "tests/simulation/people.h"

#include <stdio.h>

#define CUSTOMERS_MIN 1
#define CUSTOMERS_MAX 3
#define DEEDS_MAX 7
#define TRIES_MAX 60

/* -- What must not work -------------------------------------------------------------------------------------------- */

/* False when nothing was learned. */
static bool is_let_in(const struct person *person, const char *access, bool *ret_is_let_in)
{
    struct account_request asked = {.method = HTTP_GET, .path = "me", .tenant = person->tenant, .token = access};
    if (!account_ask(&asked))
        return false;
    *ret_is_let_in = asked.status == 200;
    if (asked.status == 200 && strcmp(asked.email, person->email) != 0)
        violated("a token is its person's", "%s was taken for %s", person->email, asked.email);
    simulation.observations++;
    return true;
}

static void must_be_out(const struct person *person, const char *access, const char *why)
{
    bool is_in;
    if (access[0] && is_let_in(person, access, &is_in) && is_in)
        violated("a token of an ended session is refused", "%s, after %s", person->email, why);
}

static void must_be_spent(const struct person *person, const char *refresh, const char *why)
{
    struct account_request asked = {.method = HTTP_POST, .path = "refresh", .tenant = person->tenant};
    snprintf(asked.body, sizeof(asked.body), "{\"refresh_token\":\"%s\"}", refresh);
    if (refresh[0] && account_ask(&asked) && asked.status == 200)
        violated("a refresh token is good once, and not after its session", "%s, after %s", person->email, why);
}

/* A token whose time is up by either of the shop's clocks. */
static void must_expire(const struct person *person, const char *access)
{
    int64_t expires_s = access[0] ? token_expiry_s(access) : INT64_MAX;
    uint64_t moves = simulation.clock_moves;
    unsigned incarnation = simulator_incarnation(); /* a boot may set the steady clock */
    bool is_late = shop_latest_ms() / 1000 > expires_s + TOKEN_LEEWAY_S;
    bool is_in;
    if (!is_late || !is_let_in(person, access, &is_in))
        return;
    simulation.struck.kinds[ENDED_TOKEN] += !is_in;
    if (is_in && moves == simulation.clock_moves && incarnation == simulator_incarnation())
        violated("an access token ends", "%s: at %lld, of %lld", person->email, (long long)(shop_latest_ms() / 1000),
                 (long long)expires_s);
}

/* -- Deeds --------------------------------------------------------------------------------------------------------- */

static void buy(struct person *person)
{
    struct purchase *purchase = purchase_new(person->tenant, person, NULL);
    if (purchase)
        purchase_go_through(purchase);
}

/* Two parties with one refresh token: the session ends for both. */
static void reuse_refresh_token(struct person *person)
{
    char spent[ID_BYTES], access[TOKEN_BYTES], refresh[ID_BYTES];
    person_token(person);
    memcpy(spent, person->refresh, sizeof(spent));
    if (!person_refresh(person))
        return;
    memcpy(access, person->access, sizeof(access));
    memcpy(refresh, person->refresh, sizeof(refresh));
    struct account_request asked = {.method = HTTP_POST, .path = "refresh", .tenant = person->tenant};
    snprintf(asked.body, sizeof(asked.body), "{\"refresh_token\":\"%s\"}", spent);
    account_insist(&asked);
    if (asked.status == 200)
        violated("a refresh token is good once", "%s", person->email);
    must_be_out(person, access, "its refresh token was used twice");
    must_be_spent(person, refresh, "the one before it was used twice");
    person_refused(person);
}

static void sign_out(struct person *person)
{
    char access[TOKEN_BYTES], refresh[ID_BYTES];
    struct account_request asked = {.method = HTTP_POST, .path = "logout", .tenant = person->tenant};
    person_token(person);
    memcpy(access, person->access, sizeof(access));
    memcpy(refresh, person->refresh, sizeof(refresh));
    snprintf(asked.body, sizeof(asked.body), "{\"refresh_token\":\"%s\"}", refresh);
    if (random_permille(500))
        asked.token = access;
    account_insist(&asked);
    person_refused(person);
    if (asked.status == 401) /* the access token's time was up, or the clock went back before it */
        return;
    if (asked.status >= 300)
        violated("anybody may sign out", "%s: %d %s", person->email, asked.status, asked.code);
    for (int64_t i = random_between(1, 3); i > 0; i--) {
        must_be_out(person, access, "signing out");
        must_be_spent(person, refresh, "signing out");
        sleep_between_ms(10, 20000);
    }
}

/* A new password ends every other session. */
static void change_password(struct person *person)
{
    static unsigned number;
    char other[TOKEN_BYTES], other_refresh[ID_BYTES], password[ID_BYTES];
    bool is_lost = false;
    person_token(person);
    memcpy(other, person->access, sizeof(other));
    memcpy(other_refresh, person->refresh, sizeof(other_refresh));
    person_sign_in(person);
    snprintf(password, sizeof(password), "another password %u", number++);
    for (int i = 0; i < TRIES_MAX; i++) {
        struct account_request asked = {.method = HTTP_POST, .path = "password/change", .tenant = person->tenant};
        snprintf(asked.body, sizeof(asked.body), "{\"current_password\":\"%s\",\"new_password\":\"%s\"}",
                 person->password, password);
        asked.token = person->access;
        bool is_answered = account_ask(&asked);
        bool is_done = asked.status == 204 || (is_lost && strcmp(asked.code, "wrong_password") == 0);
        if (is_done) {
            memcpy(person->password, password, sizeof(password));
            must_be_out(person, other, "the password was changed");
            must_be_spent(person, other_refresh, "the password was changed");
            return;
        }
        is_lost = is_lost || !is_answered;
        if (asked.status == 401 && !is_lost) {
            person_sign_in(person);
        } else if (asked.status == 401) {
            break; /* which of both passwords it is, only a sign-in tells */
        } else if (is_answered) {
            violated("a password can be changed", "%s: %d %s", person->email, asked.status, asked.code);
        }
        sleep_between_ms(50, 2000);
    }
    struct account_request asked = {.method = HTTP_POST, .path = "login", .tenant = person->tenant};
    snprintf(asked.body, sizeof(asked.body), "{\"email\":\"%s\",\"password\":\"%s\"}", person->email, password);
    account_insist(&asked);
    if (asked.status == 200)
        memcpy(person->password, password, sizeof(password));
    person_refused(person);
}

/* The code from the mail, and a new password. A code that came too late is asked for again. */
static void forget_password(struct person *person)
{
    static unsigned number;
    char password[ID_BYTES], access[TOKEN_BYTES];
    person_token(person);
    memcpy(access, person->access, sizeof(access));
    snprintf(password, sizeof(password), "remembered password %u", number++);
    for (int i = 0; i < TRIES_MAX; i++) {
        char code[CODE_BYTES];
        struct account_request asked = {.method = HTTP_POST, .path = "password/forgot", .tenant = person->tenant};
        snprintf(asked.body, sizeof(asked.body), "{\"email\":\"%s\"}", person->email);
        account_insist(&asked);
        if (!wait_for_code(person->email, "new password", code))
            continue;
        asked = (struct account_request){.method = HTTP_POST, .path = "password/reset", .tenant = person->tenant};
        snprintf(asked.body, sizeof(asked.body), "{\"email\":\"%s\",\"code\":\"%s\",\"password\":\"%s\"}",
                 person->email, code, password);
        account_insist(&asked);
        if (asked.status == 204) {
            memcpy(person->password, password, sizeof(password));
            must_be_out(person, access, "the password was reset");
            person_refused(person);
            return;
        }
        /* The code was not good any more, or its answer was lost: what is true, a sign-in says. */
        asked = (struct account_request){.method = HTTP_POST, .path = "login", .tenant = person->tenant};
        snprintf(asked.body, sizeof(asked.body), "{\"email\":\"%s\",\"password\":\"%s\"}", person->email, password);
        account_insist(&asked);
        if (asked.status == 200) {
            memcpy(person->password, password, sizeof(password));
            person_take_tokens(person, &asked);
            return;
        }
    }
    violated("a forgotten password can be set anew in the end", "%s", person->email);
}

static void end_all_sessions(struct person *person)
{
    char access[TOKEN_BYTES];
    struct account_request asked = {.method = HTTP_DELETE, .path = "sessions", .tenant = person->tenant};
    person_token(person);
    memcpy(access, person->access, sizeof(access));
    asked.token = access;
    account_insist(&asked);
    if (asked.status < 300)
        must_be_out(person, access, "every session was ended");
    person_refused(person);
}

static void live(void *argument)
{
    struct person *person = argument;
    char old[TOKEN_BYTES];
    void (*const deeds[])(struct person *) = {
        buy, buy, buy, buy, reuse_refresh_token, sign_out, change_password, forget_password, end_all_sessions,
    };
    sleep_between_ms(0, 5000);
    person_sign_up(person);
    memcpy(old, person->access, sizeof(old));
    for (int64_t i = random_between(2, DEEDS_MAX); i > 0; i--) {
        deeds[simulator_random_below(sizeof(deeds) / sizeof(deeds[0]))](person);
        must_expire(person, old);
        if (person->access[0])
            memcpy(old, person->access, sizeof(old));
        sleep_between_ms(0, 6000);
    }
}

void customers_start(struct simulation *sim)
{
    (void)sim;
    for (int64_t i = random_between(CUSTOMERS_MIN, CUSTOMERS_MAX); i > 0; i--)
        actor_start("customer", live, person_new((int)random_between(0, TENANTS - 1)));
}
