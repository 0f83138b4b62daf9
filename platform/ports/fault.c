#include "platform/ports/fault.h"

#include "platform/base/task.h"
#include "platform/ports/random/random.h"

#include <stdlib.h>
#include <string.h>

struct kept_rule {
    struct fault_rule rule;
    uint64_t calls, faults;
};

struct fault_plan {
    struct task_mutex mutex;
    struct kept_rule rules[FAULT_RULES_MAX];
    size_t rule_count;
    fault_chooser *chooser;
    void *context;
    uint64_t calls[FAULT_PORTS];
    uint64_t faults;
};

struct fault_plan *fault_plan_new(void)
{
    struct fault_plan *plan = calloc(1, sizeof(*plan));
    if (plan)
        task_mutex_init(&plan->mutex);
    return plan;
}

void fault_plan_free(struct fault_plan *plan)
{
    if (!plan)
        return;
    task_mutex_destroy(&plan->mutex);
    free(plan);
}

int fault_plan_set(struct fault_plan *plan, const struct fault_rule *rules, size_t count)
{
    if (count > FAULT_RULES_MAX)
        return ERR_TOO_LARGE;
    TASK_LOCKED(&plan->mutex);
    for (size_t i = 0; i < count; i++)
        plan->rules[i] = (struct kept_rule){.rule = rules[i]};
    plan->rule_count = count;
    plan->faults = 0;
    return 0;
}

void fault_plan_choose(struct fault_plan *plan, fault_chooser *chooser, void *context)
{
    TASK_LOCKED(&plan->mutex);
    plan->chooser = chooser;
    plan->context = context;
}

uint64_t fault_plan_calls(struct fault_plan *plan, enum fault_port port)
{
    TASK_LOCKED(&plan->mutex);
    uint64_t calls = 0;
    for (int i = 0; i < FAULT_PORTS; i++)
        calls += port == FAULT_ANY_PORT || i == (int)port ? plan->calls[i] : 0;
    return calls;
}

uint64_t fault_plan_faults(struct fault_plan *plan)
{
    TASK_LOCKED(&plan->mutex);
    return plan->faults;
}

const char *fault_port_name(enum fault_port port)
{
    static const char *const names[FAULT_PORTS] = {
        [FAULT_ANY_PORT] = "any",      [FAULT_SQL] = "sql",       [FAULT_EVENTS] = "events", [FAULT_KV] = "kv",
        [FAULT_CACHE] = "cache",       [FAULT_STREAM] = "stream", [FAULT_QUEUE] = "queue",   [FAULT_MAIL] = "mail",
        [FAULT_WORKFLOW] = "workflow", [FAULT_IDP] = "idp",       [FAULT_PSP] = "psp",
    };
    return names[port];
}

const char *fault_kind_name(enum fault_kind kind)
{
    static const char *const names[FAULT_KINDS] = {"fail", "fail after", "delay", "repeat"};
    return names[kind];
}

/* Whether the rule speaks of this call; counts it if so. */
static bool speaks_of(struct kept_rule *kept, enum fault_port port, const char *call)
{
    const struct fault_rule *rule = &kept->rule;
    if (rule->port != FAULT_ANY_PORT && rule->port != port)
        return false;
    if (rule->call && strcmp(rule->call, call) != 0)
        return false;
    kept->calls++;
    return true;
}

static bool strikes(struct kept_rule *kept)
{
    const struct fault_rule *rule = &kept->rule;
    if (rule->fault_max > 0 && kept->faults >= rule->fault_max)
        return false;
    if (rule->nth > 0 ? kept->calls != rule->nth : rule->permille > 0 && random_below(1000) >= rule->permille)
        return false;
    kept->faults++;
    return true;
}

static bool choose(struct fault_plan *plan, enum fault_port port, const char *call, struct fault_rule *ret_rule)
{
    TASK_LOCKED(&plan->mutex);
    plan->calls[port]++;
    bool struck = plan->chooser && plan->chooser(plan->context, port, call, ret_rule);
    /* Each rule counts the calls that it speaks of, also those at which one before it strikes. */
    for (size_t i = 0; !plan->chooser && i < plan->rule_count; i++) {
        if (speaks_of(&plan->rules[i], port, call) && !struck && strikes(&plan->rules[i])) {
            *ret_rule = plan->rules[i].rule;
            struck = true;
        }
    }
    plan->faults += struck;
    return struck;
}

struct fault fault_meet(struct fault_plan *plan, enum fault_port port, const char *call)
{
    struct fault_rule rule = {0};
    struct fault fault = {0};
    if (!plan || !choose(plan, port, call, &rule))
        return fault;
    switch (rule.kind) {
    case FAULT_FAIL:
        fault.error = rule.error ? rule.error : ERR_UNAVAILABLE;
        break;
    case FAULT_FAIL_AFTER:
        fault.late_error = rule.error ? rule.error : ERR_DEADLINE;
        break;
    case FAULT_REPEAT:
        fault.repeat = true;
        break;
    case FAULT_DELAY:
        task_sleep_ms(rule.delay_ms ? rule.delay_ms : FAULT_DELAY_DEFAULT_MS);
        break;
    case FAULT_KINDS:
        break;
    }
    return fault;
}
