#include "cli/command.h"

#include <string.h>

const struct command commands[] = {
    {"serve", "", 0, 0, TAKES_SERVICES | TAKES_PORT | TAKES_NO_SEED, command_serve,
     "serve the shop; also without a command",
     "A new shop is filled with the demo catalog, unless --no-seed is given. SIGTERM and Ctrl-C end it\n"
     "when what is in flight is answered; the second one at once. It listens on port 3000; one service\n"
     "alone, without --port and SHOPSTREAM_PORT, on its own, which the list has."},
    {"seed", "", 0, 0, TAKES_TENANT | TAKES_JSON, command_seed, "fill a shop without products with the demo catalog",
     "A shop that has a product stays as it is."},
    {"import", "FILE.csv", 1, 1, TAKES_TENANT | TAKES_JSON, command_import,
     "put products in: all of them or, with an error, none",
     "One row a SKU; `export` writes the same columns, services/catalog/README.md explains them. What exists\n"
     "is changed where the file differs; what the file does not name stays."},
    {"export", "[FILE]", 0, 1, TAKES_TENANT, command_export, "write the products as CSV, to stdout without FILE", NULL},
    {"dump", "FILE", 1, 1, TAKES_JSON, command_dump, "write the whole shop, logically, as lines of JSON",
     "All of its rows as they were at one moment, for another machine or another engine; works on a running\n"
     "shop. The file holds the shop's secrets: only its owner may read it."},
    {"load", "FILE", 1, 1, 0, command_load, "make a shop from a dump, in an empty folder",
     "The counts at both ends of the file are checked. When anything is wrong, nothing is left."},
    {"backup", "DEST", 1, 1, TAKES_JSON, command_backup, "copy the databases and the mail into a new folder",
     "A copy of one moment; works on a running shop. DEST/manifest.json is written last: without it, the copy\n"
     "is not whole. The copy holds the shop's secrets."},
    {"restore", "SRC", 1, 1, 0, command_restore, "make the shop of a backup again, in an empty folder",
     "Every file is compared with the manifest, copied, synced and checked before the shop is there."},
    {"migrate", "", 0, 0, 0, command_migrate, "bring the databases up to date, or make them",
     "`serve` does the same when it starts."},
    {"doctor", "", 0, 0, 0, command_doctor, "look for what is wrong, and say what to do",
     "Looks at configuration, folder, disk, lock, databases, ports, clock and libraries. Exits with 1 when\n"
     "something is wrong."},
    {"torture", "", 0, 0, TAKES_MINUTES | TAKES_SECONDS | TAKES_REPORT, command_torture,
     "kill a shop of its own while many buy, and audit it",
     "Starts a shop below TMPDIR (/var/tmp), sells few units to many buyers, kills it with SIGKILL again and\n"
     "again and starts it anew. Then every buyer asks again under the same key, and orders, stock, the\n"
     "provider's charges, the ledger and the mails are compared. Takes 40 seconds and the audit, unless\n"
     "--minutes or --seconds says otherwise; --report writes the figures as Markdown. With --data it works on\n"
     "a copy of that shop, which itself is left alone. Exits with 0 only when every check holds."},
    {"openapi", "", 0, 0, TAKES_SERVICES, command_openapi, "print the OpenAPI document of the REST API", NULL},
    {"routes", "", 0, 0, TAKES_SERVICES | TAKES_JSON, command_routes, "show who may call what, row by row",
     "Also what openapi leaves out: calls between services, which have no address, and what is not for\n"
     "clients. A row without a method cannot be reached over HTTP."},
    {"user grant", "EMAIL ROLE", 2, 2, TAKES_TENANT | TAKES_JSON, command_user_grant,
     "give a role to who signed up with the address",
     "Roles: customer, support, merchandiser, admin. It takes effect with the next sign-in or refresh."},
    {"user disable", "EMAIL", 1, 1, TAKES_TENANT | TAKES_JSON, command_user_disable,
     "end all sessions of an account, and let nobody sign in to it",
     "Its orders stay. The only administrator cannot be disabled."},
    {"user enable", "EMAIL", 1, 1, TAKES_TENANT | TAKES_JSON, command_user_enable,
     "let a disabled account sign in again", "By the password that it had."},
    {"tenant add", "ID [HOST]", 1, 2, TAKES_JSON, command_tenant_add, "add a tenant, chosen by host name or X-Tenant",
     "Adding one again with a HOST changes its host name, and without one leaves it; an empty HOST (\"\") takes it\n"
     "away. A host name leads to one tenant. It has no port, and is written in ASCII (xn--…)."},
    {"tenant list", "", 0, 0, TAKES_JSON, command_tenant_list, "show the tenants", NULL},
    {"keys list", "", 0, 0, TAKES_JSON, command_keys_list, "show the keys that sign access tokens",
     "One signs. One that is published will, one that verifies did; their public halves are in\n"
     "/api/identity/.well-known/jwks.json. Private halves are never shown."},
    {"keys rotate", "", 0, 0, TAKES_JSON, command_keys_rotate, "sign access tokens by a new key from now on",
     "The shop does it by itself each 30 days. The old key verifies until the last token that it signed has\n"
     "expired; where it may be known to others, see docs/runbooks/key-rotation.md."},
    {"workflow list", "", 0, 0, TAKES_STATUS | TAKES_JSON, command_workflow_list,
     "show the newest workflows, or those of --status S",
     "S: running, compensating, completed, failed or stuck. A stuck one waits for `workflow resume`."},
    {"workflow show", "ID", 1, 1, TAKES_JSON, command_workflow_show, "show one with every step", NULL},
    {"workflow resume", "ID", 1, 1, 0, command_workflow_resume, "let a stuck one try again", NULL},
    {"quarantine list", "", 0, 0, TAKES_JSON, command_quarantine_list,
     "show events and messages that could not be handled",
     "Messages are those of queues, as mails, that failed too often: dead ones."},
    {"quarantine replay", "SERVICE GROUP SOURCE OFFSET | SERVICE QUEUE [MESSAGE]", 2, 4, 0, command_quarantine_replay,
     "hand an event, or dead messages, to their consumer again",
     "The words are columns of `quarantine list`. Four name an event, which leaves quarantine when it is\n"
     "handled; three a dead message, which is tried as a new one; two all dead messages of that queue."},
    {0},
};

const struct command_group command_groups[] = {
    {"user", "say who may do what, and who may not sign in"},
    {"tenant", "have shops within the shop, each with its host name"},
    {"keys", "see and change the keys that sign access tokens"},
    {"workflow", "see what is under way, and let a stuck one go on"},
    {"quarantine", "see and hand on what could not be handled"},
    {0},
};

const struct command_group *command_group_find(const char *word)
{
    for (const struct command_group *group = command_groups; group->word; group++) {
        if (strcmp(group->word, word) == 0)
            return group;
    }
    return NULL;
}

const char *command_word_in(const struct command *command, const struct command_group *group)
{
    size_t length = strlen(group->word);

    if (strncmp(command->name, group->word, length) != 0 || command->name[length] != ' ')
        return NULL;
    return command->name + length + 1;
}
