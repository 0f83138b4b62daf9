/* Proves what a person sees of workflows, quarantined events and dead messages, and that what waits for them goes on by
 * their word: with a service of one workflow, one consumer and one queue; the first two fail while the test says so. */
#include "platform/service/test_host.h"
#include "platform/ports/events/events.h"
#include "platform/ports/workflow/workflow.h"
#include "services/services.h"
#include "shopstream/admin/v1/admin.rpc.h"
#include "shopstream/common/v1/common.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TOPIC "test.events"
#define QUEUE "errands"
#define TEXT(...) arena_printf(fixture.arena, __VA_ARGS__)

static struct test_host fixture;

/* -- The services -------------------------------------------------------------------------------------------------- */

static struct {
    bool is_upgraded;    /* the workflow's function has another first step now */
    bool is_card_bad;    /* its activity fails for good */
    bool refuses_events; /* the consumer does */
    int handled;
    int worked; /* messages of its queue */
} world;

static int greet(struct call *call, const Common__Money *in, Common__Money *out)
{
    if (world.is_card_bad)
        return call_fail(call, ERR_DECLINED, "declined", NULL, "The card is bad.");
    out->has_amount = true;
    out->amount = in->amount + 1;
    return 0;
}

static int thank(struct call *call, const Common__Money *in, Common__Money *out)
{
    (void)call;
    (void)in;
    (void)out;
    return 0;
}

static const struct activity greet_activity =
    ACTIVITY(greet, Common__Money, common__money, Common__Money, common__money);
static const struct activity thank_activity =
    ACTIVITY(thank, Common__Money, common__money, Common__Money, common__money);

static int run_errand(struct workflow *w, const ProtobufCMessage *in, ProtobufCMessage *out)
{
    TRY(workflow_run(w, world.is_upgraded ? &thank_activity : &greet_activity, in, out));
    TRY(workflow_await(w, "go", WORKFLOW_NO_TIMEOUT, NULL));
    return workflow_run(w, &thank_activity, in, out);
}

static const struct workflow_type errand = {
    .name = "errand",
    .run = run_errand,
    .input = &common__money__descriptor,
    .output = &common__money__descriptor,
    .activities = (const struct activity *const[]){&greet_activity, &thank_activity, NULL},
};

static int on_event(struct call *call, const struct event *event)
{
    (void)event;
    if (world.refuses_events)
        return call_fail(call, ERR_INVALID, "no_total", "/total", "The total is missing.");
    __atomic_add_fetch(&world.handled, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static int on_message(struct call *call, const ProtobufCMessage *message)
{
    (void)call;
    (void)message;
    __atomic_add_fetch(&world.worked, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static const struct service producer_service = {
    .name = "producer",
    .routes = (const struct route[]){{0}},
    .publishes = (const char *const[]){TOPIC, NULL},
};

static const struct service worker_service = {
    .name = "worker",
    .calls = (const char *const[]){"admin", NULL},
    .routes = (const struct route[]){{0}},
    .consumes = (const struct consumer[]){{.topic = TOPIC, .group = "worker.test", .handler = on_event}, {0}},
    .workers = (const struct worker[]){{QUEUE, &common__money__descriptor, .run = on_message}, {0}},
    .workflows = (const struct workflow_type *const[]){&errand, NULL},
};

static int start(void **state)
{
    static const struct service *const services[] = {&producer_service, &worker_service, &admin_service, NULL};

    (void)state;
    memset(&world, 0, sizeof(world));
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    test_host_start(&fixture, services, NULL);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    return 0;
}

/* -- Workflows ----------------------------------------------------------------------------------------------------- */

struct writing {
    struct call *call;
    const char *id;
};

static int start_errand(struct sql_tx *tx, void *argument)
{
    struct writing *writing = argument;
    Common__Money input = COMMON__MONEY__INIT;

    (void)tx;
    input.has_amount = true;
    input.amount = 7;
    return call_start_workflow(writing->call, &errand, str_from_cstr(writing->id), &input.base);
}

static int send_go(struct sql_tx *tx, void *argument)
{
    struct writing *writing = argument;
    Common__Empty nothing = COMMON__EMPTY__INIT;

    (void)tx;
    return call_signal_workflow(writing->call, str_from_cstr(writing->id), "go", &nothing.base);
}

static void write_as(const char *service, sql_closure *closure, const char *id)
{
    struct writing writing = {test_host_call(&fixture, service), id};

    assert_int_equal(call_write(writing.call, closure, &writing), 0);
}

static Admin__ListWorkflowsReply list(const char *status, int limit)
{
    Admin__ListWorkflowsRequest in = ADMIN__LIST_WORKFLOWS_REQUEST__INIT;
    Admin__ListWorkflowsReply out = ADMIN__LIST_WORKFLOWS_REPLY__INIT;

    in.status = (char *)(uintptr_t)status;
    if (limit)
        in.limit = limit;
    assert_int_equal(admin_list_workflows(test_host_call(&fixture, "worker"), &in, &out), 0);
    return out;
}

static int show(const char *id, Admin__Workflow *out, struct call *call)
{
    Admin__WorkflowRequest in = ADMIN__WORKFLOW_REQUEST__INIT;

    in.id = (char *)(uintptr_t)id;
    admin__workflow__init(out);
    return admin_show_workflow(call, &in, out);
}

static int resume(const char *id, struct call *call)
{
    Admin__WorkflowRequest in = ADMIN__WORKFLOW_REQUEST__INIT;
    Common__Empty out = COMMON__EMPTY__INIT;

    in.id = (char *)(uintptr_t)id;
    return admin_resume_workflow(call, &in, &out);
}

struct state_of {
    const char *id, *status, *step;
};

static bool is_in_state(void *context)
{
    const struct state_of *wanted = context;
    Admin__Workflow workflow;

    assert_int_equal(show(wanted->id, &workflow, test_host_call(&fixture, "worker")), 0);
    return strcmp(workflow.status, wanted->status) == 0 &&
           (!wanted->step || (workflow.step && strstr(workflow.step, wanted->step)));
}

static void await_state(const char *id, const char *status, const char *step)
{
    struct state_of wanted = {id, status, step};

    if (!test_host_await(is_in_state, &wanted))
        fail_msg("workflow %s is not %s", id, status);
}

static void test_admin__a_workflow_is_shown_step_by_step(void **state)
{
    Admin__Workflow workflow;

    (void)state;
    write_as("worker", start_errand, "errand-1");
    await_state("errand-1", "running", "go");
    assert_int_equal(show("errand-1", &workflow, test_host_call(&fixture, "worker")), 0);
    assert_string_equal(workflow.service, "worker");
    assert_string_equal(workflow.type, "errand");
    assert_string_equal(workflow.input, "{\"amount\":7}");
    assert_string_equal(workflow.steps[0]->name, "greet");
    assert_string_equal(workflow.steps[0]->output, "{\"amount\":8}");
    assert_int_equal(workflow.steps[0]->attempts, 1);
    write_as("worker", send_go, "errand-1");
    await_state("errand-1", "completed", NULL);
    assert_int_equal(show("errand-1", &workflow, test_host_call(&fixture, "worker")), 0);
    assert_int_equal(workflow.n_steps, 3);
    assert_string_equal(workflow.steps[2]->name, "thank");
    struct call *call = test_host_call(&fixture, "worker");
    assert_int_equal(show("errand-2", &workflow, call), ERR_NOT_FOUND);
    assert_string_equal(call->problem.code, "no_such_workflow");
}

static void test_admin__workflows_are_listed_by_status(void **state)
{
    (void)state;
    world.is_card_bad = true;
    write_as("worker", start_errand, "bad");
    await_state("bad", "failed", NULL);
    world.is_card_bad = false;
    write_as("worker", start_errand, "waits");
    write_as("worker", start_errand, "waits-too");
    await_state("waits", "running", "go");
    await_state("waits-too", "running", "go");
    assert_int_equal(list(NULL, 0).n_workflows, 3);
    assert_int_equal(list(NULL, 2).n_workflows, 2);
    assert_int_equal(list("running", 0).n_workflows, 2);
    assert_int_equal(list("stuck", 0).n_workflows, 0);
    Admin__ListWorkflowsReply failed = list("failed", 0);
    assert_int_equal(failed.n_workflows, 1);
    assert_string_equal(failed.workflows[0]->id, "bad");
    assert_string_equal(failed.workflows[0]->detail, "The card is bad.");
}

/* A function that is another one after an upgrade is parked, and goes on when the right one is back. */
static void test_admin__a_stuck_workflow_goes_on_when_it_is_resumed(void **state)
{
    struct call *call;

    (void)state;
    write_as("worker", start_errand, "errand-1");
    await_state("errand-1", "running", "go");
    world.is_upgraded = true;
    write_as("worker", send_go, "errand-1");
    await_state("errand-1", "stuck", NULL);
    assert_int_equal(list("stuck", 0).n_workflows, 1);
    world.is_upgraded = false;
    assert_int_equal(resume("errand-1", test_host_call(&fixture, "worker")), 0);
    await_state("errand-1", "completed", NULL);
    call = test_host_call(&fixture, "worker");
    assert_int_equal(resume("errand-1", call), ERR_NOT_FOUND);
    assert_string_equal(call->problem.code, "not_stuck");
}

/* -- Quarantine ---------------------------------------------------------------------------------------------------- */

static int publish(struct sql_tx *tx, void *argument)
{
    struct writing *writing = argument;
    Common__Money payload = COMMON__MONEY__INIT;

    (void)tx;
    return call_publish(writing->call, TOPIC, "order.placed", str_from_cstr(writing->id), &payload.base);
}

static Admin__ListQuarantineReply quarantine(void)
{
    Admin__ListQuarantineRequest in = ADMIN__LIST_QUARANTINE_REQUEST__INIT;
    Admin__ListQuarantineReply out = ADMIN__LIST_QUARANTINE_REPLY__INIT;

    assert_int_equal(admin_list_quarantine(test_host_call(&fixture, "worker"), &in, &out), 0);
    return out;
}

static bool is_quarantined(void *context)
{
    return quarantine().n_events == *(const size_t *)context;
}

static int replay(const char *service, const char *group, int64_t offset, struct call *call)
{
    Admin__ReplayEventRequest in = ADMIN__REPLAY_EVENT_REQUEST__INIT;
    Common__Empty out = COMMON__EMPTY__INIT;

    in.service = (char *)(uintptr_t)service;
    in.group = (char *)(uintptr_t)group;
    in.source = (char *)"producer";
    in.has_offset = true;
    in.offset = offset;
    return admin_replay_event(call, &in, &out);
}

static void test_admin__a_quarantined_event_is_shown_and_replayed(void **state)
{
    size_t one = 1;

    (void)state;
    world.refuses_events = true;
    write_as("producer", publish, "order-1");
    assert_true(test_host_await(is_quarantined, &one));
    const Admin__QuarantinedEvent *event = quarantine().events[0];
    assert_string_equal(event->service, "worker");
    assert_string_equal(event->group, "worker.test");
    assert_string_equal(event->source, "producer");
    assert_string_equal(event->type, "order.placed");
    assert_string_equal(event->key, "order-1");
    assert_string_equal(event->detail, "The total is missing.");
    assert_int_equal(event->attempts, EVENT_ATTEMPTS_MAX);
    /* It is still refused: it stays, and the attempt counts. */
    struct call *call = test_host_call(&fixture, "worker");
    assert_int_equal(replay("worker", "worker.test", event->offset, call), ERR_INVALID);
    assert_string_equal(call->problem.code, "no_total");
    assert_int_equal(quarantine().events[0]->attempts, EVENT_ATTEMPTS_MAX + 1);
    world.refuses_events = false;
    assert_int_equal(replay("worker", "worker.test", event->offset, test_host_call(&fixture, "worker")), 0);
    assert_int_equal(quarantine().n_events, 0);
    assert_int_equal(world.handled, 1);
    assert_int_equal(replay("worker", "worker.test", event->offset, test_host_call(&fixture, "worker")), ERR_NOT_FOUND);
    assert_int_equal(world.handled, 1);
}

static void test_admin__what_is_not_in_quarantine_is_not_replayed(void **state)
{
    struct call *call = test_host_call(&fixture, "worker");

    (void)state;
    assert_int_equal(replay("nobody", "worker.test", 1, call), ERR_NOT_FOUND);
    assert_string_equal(call->problem.code, "no_such_service");
    assert_int_equal(replay("admin", "worker.test", 1, test_host_call(&fixture, "worker")), ERR_NOT_FOUND);
    assert_int_equal(replay("worker", "another", 1, test_host_call(&fixture, "worker")), ERR_NOT_FOUND);
    assert_int_equal(quarantine().n_events, 0);
}

/* As many failures leave it: its attempts take a day. */
static int bury(struct sql_tx *tx, void *argument)
{
    static struct sql_statement statement = {
        "test_bury", "INSERT INTO queue_message"
                     " (id, queue, body, attempts, enqueued_at_ms, visible_at_ms, dead_at_ms, last_error)"
                     " VALUES ($1, 'errands', '{}', 44, 1000, 2000, 61000, 'unavailable')"};
    struct writing *writing = argument;

    return sql_exec(tx, &statement, SQL_ARGS(sql_cstr(writing->id)), NULL);
}

static int replay_dead(const char *service, const char *queue, const char *id, int64_t *ret_count)
{
    Admin__ReplayMessagesRequest in = ADMIN__REPLAY_MESSAGES_REQUEST__INIT;
    Admin__ReplayMessagesReply out = ADMIN__REPLAY_MESSAGES_REPLY__INIT;

    in.service = (char *)(uintptr_t)service;
    in.queue = (char *)(uintptr_t)queue;
    in.id = (char *)(uintptr_t)id;
    int result = admin_replay_messages(test_host_call(&fixture, "worker"), &in, &out);
    *ret_count = out.count;
    return result;
}

static bool has_worked(void *context)
{
    return __atomic_load_n(&world.worked, __ATOMIC_SEQ_CST) == *(const int *)context;
}

static void test_admin__dead_messages_are_shown_and_replayed(void **state)
{
    int one = 1, three = 3;
    int64_t count;

    (void)state;
    write_as("worker", bury, "m-1");
    write_as("worker", bury, "m-2");
    write_as("worker", bury, "m-3");
    Admin__ListQuarantineReply listed = quarantine();
    assert_int_equal(listed.n_events, 0);
    assert_int_equal(listed.n_messages, 3);
    assert_string_equal(listed.messages[0]->service, "worker");
    assert_string_equal(listed.messages[0]->queue, QUEUE);
    assert_string_equal(listed.messages[0]->id, "m-1");
    assert_string_equal(listed.messages[0]->detail, "unavailable");
    assert_int_equal(listed.messages[0]->attempts, 44);
    assert_string_equal(listed.messages[0]->enqueued_at, "1970-01-01T00:00:01.000Z");
    assert_string_equal(listed.messages[0]->dead_at, "1970-01-01T00:01:01.000Z");
    assert_int_equal(world.worked, 0);
    assert_int_equal(replay_dead("worker", QUEUE, "m-2", &count), 0);
    assert_int_equal(count, 1);
    assert_true(test_host_await(has_worked, &one));
    assert_int_equal(quarantine().n_messages, 2);
    assert_int_equal(replay_dead("worker", QUEUE, NULL, &count), 0);
    assert_int_equal(count, 2);
    assert_true(test_host_await(has_worked, &three));
    assert_int_equal(quarantine().n_messages, 0);
}

static void test_admin__what_is_not_dead_is_not_replayed(void **state)
{
    int64_t count;

    (void)state;
    write_as("worker", bury, "m-1");
    assert_int_equal(replay_dead("nobody", QUEUE, NULL, &count), ERR_NOT_FOUND);
    assert_int_equal(replay_dead("admin", QUEUE, NULL, &count), ERR_NOT_FOUND);
    assert_int_equal(replay_dead("producer", QUEUE, NULL, &count), ERR_NOT_FOUND);
    assert_int_equal(replay_dead("worker", "another", "m-1", &count), ERR_NOT_FOUND);
    assert_int_equal(replay_dead("worker", QUEUE, "m-2", &count), ERR_NOT_FOUND);
    assert_int_equal(quarantine().n_messages, 1);
}

/* -- Databases ----------------------------------------------------------------------------------------------------- */

static void test_admin__each_database_is_checked(void **state)
{
    Common__Empty in = COMMON__EMPTY__INIT;
    Admin__CheckReply out = ADMIN__CHECK_REPLY__INIT;

    (void)state;
    assert_int_equal(admin_check(test_host_call(&fixture, "worker"), &in, &out), 0);
    assert_int_equal(out.n_results, 2); /* admin itself stores nothing */
    assert_string_equal(out.results[0]->name, "producer.db");
    assert_true(out.results[0]->ok && out.results[1]->ok);
}

#define WITH_HOST(test) cmocka_unit_test_setup_teardown(test, start, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_HOST(test_admin__a_workflow_is_shown_step_by_step),
        WITH_HOST(test_admin__workflows_are_listed_by_status),
        WITH_HOST(test_admin__a_stuck_workflow_goes_on_when_it_is_resumed),
        WITH_HOST(test_admin__a_quarantined_event_is_shown_and_replayed),
        WITH_HOST(test_admin__what_is_not_in_quarantine_is_not_replayed),
        WITH_HOST(test_admin__dead_messages_are_shown_and_replayed),
        WITH_HOST(test_admin__what_is_not_dead_is_not_replayed),
        WITH_HOST(test_admin__each_database_is_checked),
    };

    return cmocka_run_group_tests_name("admin", tests, NULL, NULL);
}
