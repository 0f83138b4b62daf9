/* The fault-injecting decorator of the workflow port, see platform/ports/fault.h. What an engine asks of its host is to
 * run an attempt of an activity; here that goes wrong. The fault's call is the activity's name.
 *
 * An activity in a transaction is never repeated: its effect and its record are one. */
#pragma once

#include "platform/ports/fault.h"
#include "platform/ports/workflow/workflow.h"

/* The context of workflow_faulty_run; outlives the engine. */
struct workflow_faulty {
    activity_runner *run_activity;
    void *context; /* of run_activity */
    struct fault_plan *plan;
};

activity_runner workflow_faulty_run;
