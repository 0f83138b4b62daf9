/* When a session ends by time alone, on a simulated clock: a month after its last use, and half a year after its first.
 */
#include "platform/service/test_host.h"
#include "platform/service/test_simulated.h"
#include "shopstream/identity/v1/identity.rpc.h"

extern const struct service identity_service;

#define MINUTE_MS (INT64_C(60) * 1000)
#define DAY_MS (24 * 60 * MINUTE_MS)
#define UNUSED_MS (30 * DAY_MS)
#define OLDEST_MS (180 * DAY_MS)

static struct test_host shop;

static void start(void)
{
    static const struct service *const services[] = {&identity_service, NULL};
    static char *environment[] = {"SHOPSTREAM_ADMIN_EMAIL=root@example.com", "SHOPSTREAM_ADMIN_PASSWORD=root-password",
                                  NULL};

    shop = (struct test_host){.sql_vfs = "identity_disk"};
    test_host_start(&shop, services, environment);
}

static void skip_time(int64_t duration_ms)
{
    simulator_skip_time(duration_ms * CLOCK_NS_PER_MS);
}

static char *sign_in(void)
{
    Identity__LoginRequest request = IDENTITY__LOGIN_REQUEST__INIT;
    Identity__Tokens reply = IDENTITY__TOKENS__INIT;

    request.email = arena_cstr(shop.arena, STR("root@example.com"));
    request.password = arena_cstr(shop.arena, STR("root-password"));
    ASSERT(identity_login(test_host_call(&shop, "identity"), &request, &reply) == 0);
    return reply.refresh_token;
}

/* Refreshes; or returns why not. */
static int try_refresh(char **token)
{
    Identity__RefreshRequest request = IDENTITY__REFRESH_REQUEST__INIT;
    Identity__Tokens reply = IDENTITY__TOKENS__INIT;

    request.refresh_token = *token;
    int result = identity_refresh(test_host_call(&shop, "identity"), &request, &reply);
    if (result == 0)
        *token = reply.refresh_token;
    return result;
}

static void use_monthly(void *argument, unsigned incarnation)
{
    (void)argument, (void)incarnation;
    start();
    char *token = sign_in();
    for (int i = 0; i < 2; i++) {
        skip_time(UNUSED_MS - MINUTE_MS);
        ASSERT(try_refresh(&token) == 0);
    }
    skip_time(UNUSED_MS + MINUTE_MS);
    ASSERT(try_refresh(&token) == ERR_UNAUTHENTICATED);
    simulator_stop();
}

static void use_often(void *argument, unsigned incarnation)
{
    const int64_t step_ms = 20 * DAY_MS;

    (void)argument, (void)incarnation;
    start();
    char *token = sign_in();
    for (int64_t age_ms = step_ms; age_ms < OLDEST_MS; age_ms += step_ms) {
        skip_time(step_ms);
        ASSERT(try_refresh(&token) == 0);
    }
    skip_time(step_ms - MINUTE_MS);
    ASSERT(try_refresh(&token) == 0);
    skip_time(2 * MINUTE_MS);
    ASSERT(try_refresh(&token) == ERR_UNAUTHENTICATED);
    simulator_stop();
}

static void test_identity_clock__an_unused_session_ends_after_30_days(void **state)
{
    (void)state;
    test_simulate("identity_disk", use_monthly, SIMULATOR_STOPPED);
}

static void test_identity_clock__a_session_ends_after_180_days_however_used(void **state)
{
    (void)state;
    test_simulate("identity_disk", use_often, SIMULATOR_STOPPED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_identity_clock__an_unused_session_ends_after_30_days),
        cmocka_unit_test(test_identity_clock__a_session_ends_after_180_days_however_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
