/* admin: what the command line asks about the process itself: its workflows, its quarantine, its databases. Reached
 * through DATA/admin.sock alone: no row has an address. */
#include "services/admin/admin.h"

const struct service admin_service = {
    .name = "admin",
    .port = 3013,
    .help = "What the command line asks of a running shop",
    .no_database = true,
    .routes =
        (const struct route[]){
            {RPC(admin, list_workflows), .internal = true, .tx = TX_NONE},
            {RPC(admin, show_workflow), .internal = true, .tx = TX_NONE},
            {RPC(admin, resume_workflow), .internal = true, .tx = TX_NONE},
            {RPC(admin, list_databases), .internal = true, .tx = TX_NONE},
            {RPC(admin, copy_databases), .internal = true, .tx = TX_NONE},
            {RPC(admin, dump), .internal = true, .tx = TX_NONE},
            {RPC(admin, check), .internal = true, .tx = TX_NONE},
            {RPC(admin, list_quarantine), .internal = true, .tx = TX_NONE},
            {RPC(admin, replay_event), .internal = true, .tx = TX_NONE},
            {RPC(admin, replay_messages), .internal = true, .tx = TX_NONE},
            {0},
        },
};
