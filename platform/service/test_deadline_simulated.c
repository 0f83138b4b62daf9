/* A request's deadline, wherever it is spent: in front of the workers, of the writer, and in what a handler does; and a
 * queue that has no room. On a simulated clock, so that half a minute costs nothing. */
#include "platform/service/test_host.h"
#include "platform/service/test_simulated.h"
#include "shopstream/catalog/v1/catalog.rpc.h"

#define TOO_LONG_MS (REQUEST_DEADLINE_MS + 1000)
#define STOCK "/api/catalog/v1/stock/"

static int handled;  /* how often a handler of the service below ran */
static int held_up;  /* of these, how often one took too long */
static int closures; /* how often a handler's transaction ran */

/* What is asked for by the id "slow" holds up whatever it runs on. */
static void dawdle(const char *id)
{
    handled++;
    if (strcmp(id, "slow") != 0)
        return;
    held_up++;
    task_sleep_ms(TOO_LONG_MS);
}

static int get_stock(struct call *call, const Catalog__GetStockRequest *in, Catalog__Stock *out)
{
    (void)call;
    (void)out;
    dawdle(in->id);
    return 0;
}

/* A row with TX_WRITE: it runs on the writer. */
static int set_stock(struct call *call, const Catalog__SetStockRequest *in, Catalog__Stock *out)
{
    (void)call;
    (void)out;
    dawdle(in->id);
    return 0;
}

static int count_closure(struct sql_tx *tx, void *argument)
{
    (void)tx;
    (void)argument;
    closures++;
    return 0;
}

/* A row with TX_NONE that writes late; "twice" has written in time before. */
static int reserve_stock(struct call *call, const Catalog__ReserveStockRequest *in, Catalog__Reservation *out)
{
    (void)out;
    if (strcmp(in->reservation_id, "twice") == 0)
        TRY(call_write(call, count_closure, NULL));
    task_sleep_ms(TOO_LONG_MS);
    return call_write(call, count_closure, NULL);
}

static const struct route routes[] = {
    {"GET", "/v1/stock/{id}", RPC(catalog, get_stock), .auth = AUTH_ANYONE, .rate = RATE_NONE, .tx = TX_NONE},
    {"PUT", "/v1/stock/{id}", RPC(catalog, set_stock), .auth = AUTH_ANYONE, .rate = RATE_NONE},
    {"POST", "/v1/stock/{reservation_id}", RPC(catalog, reserve_stock), .auth = AUTH_ANYONE, .rate = RATE_NONE,
     .tx = TX_NONE},
    {0},
};
static const size_t no_migrations = 0;
static const struct service slow_service = {
    .name = "catalog", .port = 3002, .routes = routes, .migration_count = &no_migrations};

struct asking {
    struct test_host *test;
    enum http_method method;
    const char *target, *body;
    struct test_answer answer;
    struct task *task;
};

static void ask(void *argument)
{
    struct asking *asking = argument;
    asking->answer = test_host_http(asking->test, asking->method, asking->target, NULL, asking->body);
}

/* The first is slow; the second comes a second later and waits for what the first holds up. */
static struct test_answer ask_behind(struct test_host *test, struct asking first, struct asking second)
{
    first.test = second.test = test;
    ASSERT(task_start(&first.task, "first", ask, &first) == 0);
    task_sleep_ms(CLOCK_MS_PER_S);
    ask(&second);
    task_join(first.task);
    ASSERT(first.answer.status == 200);
    return second.answer;
}

static bool is_too_late(struct test_answer answer)
{
    return answer.status == 504 && str_find(answer.body, STR("\"code\":\"deadline\"")) >= 0 &&
           str_find(answer.body, STR("\"trace_id\":\"")) >= 0;
}

static void start(struct test_host *test, unsigned worker_count)
{
    static const struct service *const services[] = {&slow_service, NULL};
    test->sql_vfs = "service_disk";
    test->worker_count = worker_count;
    test_host_start(test, services, NULL);
}

static void wait_for_a_worker(void *argument, unsigned incarnation)
{
    struct test_host test = {0};
    (void)argument;
    (void)incarnation;
    start(&test, 1);
    struct test_answer late = ask_behind(&test, (struct asking){.method = HTTP_GET, .target = STOCK "slow"},
                                         (struct asking){.method = HTTP_GET, .target = STOCK "late"});
    ASSERT(is_too_late(late) && handled == 1 && held_up == 1);
    /* The next one is in time again. */
    ASSERT(test_host_http(&test, HTTP_GET, STOCK "next", NULL, NULL).status == 200);
    test_host_end(&test);
}

static void wait_for_the_writer(void *argument, unsigned incarnation)
{
    static const char body[] = "{\"on_hand\":1}";
    struct test_host test = {0};
    (void)argument;
    (void)incarnation;
    start(&test, 4);
    struct test_answer late =
        ask_behind(&test, (struct asking){.method = HTTP_PUT, .target = STOCK "slow", .body = body},
                   (struct asking){.method = HTTP_PUT, .target = STOCK "late", .body = body});
    /* What had begun before its deadline is told as it ended, above. */
    ASSERT(is_too_late(late) && handled == 1 && held_up == 1);
    ASSERT(test_host_http(&test, HTTP_PUT, STOCK "next", NULL, body).status == 200);
    test_host_end(&test);
}

static void write_late(void *argument, unsigned incarnation)
{
    static const char body[] = "{\"lines\":[{\"sku_id\":\"a\",\"quantity\":1}],\"ttl_ms\":1000}";
    struct test_host test = {0};
    (void)argument;
    (void)incarnation;
    start(&test, 4);
    ASSERT(is_too_late(test_host_http(&test, HTTP_POST, STOCK "once", NULL, body)) && closures == 0);
    ASSERT(test_host_http(&test, HTTP_POST, STOCK "twice", NULL, body).status == 200 && closures == 2);
    test_host_end(&test);
}

static void run_nothing(struct work *work)
{
    (void)work;
}

/* The only worker is held up, and behind it stands as much as may. */
static void find_the_queue_full(void *argument, unsigned incarnation)
{
    static struct work queued[HOST_QUEUE_MAX];
    struct test_host test = {0};
    (void)argument;
    (void)incarnation;
    start(&test, 1);
    struct asking first = {.test = &test, .method = HTTP_GET, .target = STOCK "slow"};
    ASSERT(task_start(&first.task, "first", ask, &first) == 0);
    task_sleep_ms(CLOCK_MS_PER_S);
    for (size_t i = 0; i < HOST_QUEUE_MAX; i++)
        queued[i] = (struct work){.next = i + 1 < HOST_QUEUE_MAX ? &queued[i + 1] : NULL, .run = run_nothing};
    ASSERT(worker_pool_push(test.host->workers, &queued[0], &queued[HOST_QUEUE_MAX - 1], HOST_QUEUE_MAX));
    struct test_answer refused = test_host_http(&test, HTTP_GET, STOCK "refused", NULL, NULL);
    ASSERT(refused.status == 503 && str_find(refused.body, STR("\"code\":\"overloaded\"")) >= 0);
    ASSERT(str_find(refused.body, STR("\"trace_id\":\"")) >= 0);
    ASSERT(strcmp(test_host_header(&test, &refused, "Content-Type"), "application/problem+json") == 0);
    ASSERT(strcmp(test_host_header(&test, &refused, "Retry-After"), "1") == 0);
    task_join(first.task);
    ASSERT(first.answer.status == 200 && handled == 1);
    test_host_end(&test);
}

static void test_deadline__who_waited_too_long_for_a_worker_is_not_served(void **state)
{
    (void)state;
    test_simulate("service_disk", wait_for_a_worker, SIMULATOR_FINISHED);
}

static void test_deadline__a_write_that_waited_too_long_is_not_begun(void **state)
{
    (void)state;
    test_simulate("service_disk", wait_for_the_writer, SIMULATOR_FINISHED);
}

static void test_deadline__a_first_write_is_refused_and_a_second_one_finishes(void **state)
{
    (void)state;
    test_simulate("service_disk", write_late, SIMULATOR_FINISHED);
}

static void test_deadline__a_full_queue_is_a_problem_of_its_own(void **state)
{
    (void)state;
    test_simulate("service_disk", find_the_queue_full, SIMULATOR_FINISHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadline__who_waited_too_long_for_a_worker_is_not_served),
        cmocka_unit_test(test_deadline__a_write_that_waited_too_long_is_not_begun),
        cmocka_unit_test(test_deadline__a_first_write_is_refused_and_a_second_one_finishes),
        cmocka_unit_test(test_deadline__a_full_queue_is_a_problem_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
