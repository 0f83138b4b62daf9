#include "platform/ports/workflow/workflow_faulty.h"

int workflow_faulty_run(void *context, const struct activity_attempt *attempt, struct problem *ret_problem)
{
    struct workflow_faulty *faulty = context;
    struct fault fault = fault_meet(faulty->plan, FAULT_WORKFLOW, attempt->activity->name);
    if (attempt->tx)
        fault.repeat = false;
    return FAULT_APPLY(fault, faulty->run_activity(faulty->context, attempt, ret_problem));
}
