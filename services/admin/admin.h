/* admin's handlers: see service.c. */
#pragma once

#include "platform/service/call.h"
#include "shopstream/admin/v1/admin.rpc.h"

admin_list_workflows_fn list_workflows;
admin_show_workflow_fn show_workflow;
admin_resume_workflow_fn resume_workflow;
admin_list_databases_fn list_databases;
admin_copy_databases_fn copy_databases;
admin_dump_fn dump;
admin_check_fn check;
admin_list_quarantine_fn list_quarantine;
admin_replay_event_fn replay_event;
admin_replay_messages_fn replay_messages;
