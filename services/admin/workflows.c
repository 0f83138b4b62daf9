#include "platform/base/time_format.h"
#include "platform/ports/workflow/workflow.h"
#include "platform/service/host.h"
#include "services/admin/admin.h"

struct looking {
    struct call *call;
    const struct service_instance *instance;
    struct str status, id;
    size_t limit;
    struct workflow_row *rows;
    size_t row_count;
    struct workflow_row row;
    struct workflow_step_row *steps;
    size_t step_count;
};

static char *copy(struct call *call, struct str text)
{
    return text.len ? arena_cstr(call->arena, text) : NULL;
}

static Admin__Workflow *show_row(struct call *call, const struct service_instance *instance,
                                 const struct workflow_row *row)
{
    Admin__Workflow *workflow = arena_alloc(call->arena, sizeof(*workflow));
    char created_at[TIME_RFC3339_BYTES];

    if (!workflow)
        return NULL;
    admin__workflow__init(workflow);
    time_format_rfc3339(row->created_at_ms, created_at);
    workflow->service = copy(call, str_from_cstr(instance->service->name));
    workflow->id = copy(call, row->id);
    workflow->type = copy(call, row->type);
    workflow->status = copy(call, row->status);
    workflow->step = copy(call, row->step);
    workflow->has_attempts = row->step.len > 0;
    workflow->attempts = row->attempts;
    workflow->detail = copy(call, row->detail.len ? row->detail : row->step_detail);
    workflow->created_at = copy(call, str_from_cstr(created_at));
    workflow->input = copy(call, row->input);
    workflow->output = copy(call, row->output);
    return workflow;
}

static int list_closure(struct sql_tx *tx, void *argument)
{
    struct looking *looking = argument;

    return workflow_list(looking->instance->engine, tx, looking->call->arena, looking->status, STR_EMPTY,
                         looking->limit, &looking->rows, &looking->row_count);
}

int list_workflows(struct call *call, const Admin__ListWorkflowsRequest *in, Admin__ListWorkflowsReply *out)
{
    size_t limit = (size_t)in->limit;

    out->workflows = arena_alloc_array(call->arena, limit, sizeof(out->workflows[0]));
    if (!out->workflows)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        struct looking looking = {
            .call = call, .instance = &call->host->instances[i], .status = str_from_cstr(in->status), .limit = limit};

        if (!looking.instance->engine)
            continue;
        TRY(sql_read(looking.instance->db, list_closure, &looking));
        for (size_t j = 0; j < looking.row_count && out->n_workflows < limit; j++) {
            Admin__Workflow *workflow = show_row(call, looking.instance, &looking.rows[j]);

            if (!workflow)
                return ERR_NO_MEMORY;
            out->workflows[out->n_workflows++] = workflow;
        }
    }
    return 0;
}

static int show_closure(struct sql_tx *tx, void *argument)
{
    struct looking *looking = argument;

    return workflow_show(looking->instance->engine, tx, looking->call->arena, looking->id, &looking->row,
                         &looking->steps, &looking->step_count);
}

static int show_steps(struct looking *looking, Admin__Workflow *out)
{
    struct call *call = looking->call;

    out->steps = arena_alloc_array(call->arena, looking->step_count + 1, sizeof(out->steps[0]));
    if (!out->steps)
        return ERR_NO_MEMORY;
    for (size_t i = 0; i < looking->step_count; i++) {
        const struct workflow_step_row *row = &looking->steps[i];
        Admin__WorkflowStep *step = arena_alloc(call->arena, sizeof(*step));

        if (!step)
            return ERR_NO_MEMORY;
        admin__workflow_step__init(step);
        step->has_seq = step->has_attempts = true;
        step->seq = row->seq;
        step->attempts = row->attempts;
        step->kind = copy(call, row->kind);
        step->name = copy(call, row->name);
        step->state = copy(call, row->state);
        step->input = copy(call, row->input);
        step->output = copy(call, row->output);
        step->detail = copy(call, row->detail);
        out->steps[out->n_steps++] = step;
    }
    return 0;
}

int show_workflow(struct call *call, const Admin__WorkflowRequest *in, Admin__Workflow *out)
{
    for (size_t i = 0; i < call->host->instance_count; i++) {
        struct looking looking = {.call = call, .instance = &call->host->instances[i], .id = str_from_cstr(in->id)};

        if (!looking.instance->engine)
            continue;
        int result = sql_read(looking.instance->db, show_closure, &looking);
        if (result == ERR_NOT_FOUND)
            continue;
        TRY(result);
        Admin__Workflow *workflow = show_row(call, looking.instance, &looking.row);
        if (!workflow)
            return ERR_NO_MEMORY;
        *out = *workflow;
        return show_steps(&looking, out);
    }
    return call_fail(call, ERR_NOT_FOUND, "no_such_workflow", NULL, "There is no workflow of that id.");
}

static int resume_closure(struct sql_tx *tx, void *argument)
{
    struct looking *looking = argument;

    return workflow_resume(looking->instance->engine, tx, looking->id);
}

int resume_workflow(struct call *call, const Admin__WorkflowRequest *in, Common__Empty *out)
{
    (void)out;
    for (size_t i = 0; i < call->host->instance_count; i++) {
        struct looking looking = {.call = call, .instance = &call->host->instances[i], .id = str_from_cstr(in->id)};
        int result =
            looking.instance->engine ? sql_write(looking.instance->db, resume_closure, &looking) : ERR_NOT_FOUND;

        if (result != ERR_NOT_FOUND)
            return result;
    }
    return call_fail(call, ERR_NOT_FOUND, "not_stuck", NULL, "No workflow of that id is stuck.");
}
