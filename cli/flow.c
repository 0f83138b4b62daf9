/* What is under way: workflows and their steps, the events in quarantine, and the dead messages of queues. */
#include "cli/shop.h"
#include "cli/terminal.h"

#include <yyjson.h>

#define REQUEST_BYTES_MAX ((size_t)64 << 10)

/* -- Workflows ----------------------------------------------------------------------------------------------------- */

int command_workflow_list(const struct command_options *options)
{
    static const char *const headings[] = {"WORKFLOW", "TYPE", "STATUS", "WAITS FOR", "ATTEMPTS", "SINCE", "DETAIL"};
    static const char *const members[] = {"id", "type", "status", "step", "attempts", "created_at", "detail", NULL};
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    buf_append_char(&json, '{');
    if (options->status)
        json_add(&json, "status", options->status);
    buf_append_char(&json, '}');
    if (status == EXIT_DONE)
        status = shop_ask(&shop, "admin", "list_workflows", buf_str(&json), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    return shop_show_list(&shop, yyjson_obj_get(yyjson_doc_get_root(document), "workflows"), headings, members,
                          "There are no such workflows.");
}

static void show_member(struct shop *shop, yyjson_val *workflow, const char *label, const char *member)
{
    const char *text = json_text(shop->arena, workflow, member);

    if (text && text[0])
        printf("%-10s %s\n", label, text);
}

static int show_workflow(struct shop *shop, yyjson_val *workflow)
{
    static const char *const headings[] = {"STEP", "KIND", "NAME", "STATE", "ATTEMPTS", "OUTPUT", "DETAIL"};
    static const char *const members[] = {"seq", "kind", "name", "state", "attempts", "output", "detail", NULL};

    show_member(shop, workflow, "Workflow", "id");
    show_member(shop, workflow, "Service", "service");
    show_member(shop, workflow, "Type", "type");
    show_member(shop, workflow, "Status", "status");
    show_member(shop, workflow, "Since", "created_at");
    show_member(shop, workflow, "Waits for", "step");
    show_member(shop, workflow, "Detail", "detail");
    show_member(shop, workflow, "Input", "input");
    show_member(shop, workflow, "Output", "output");
    putchar('\n');
    return shop_show_list(shop, yyjson_obj_get(workflow, "steps"), headings, members, "It has not done a step yet.");
}

static void append_id(struct buf *json, const char *id)
{
    buf_append_char(json, '{');
    json_add(json, "id", id);
    buf_append_char(json, '}');
}

int command_workflow_show(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    append_id(&json, options->arguments[0]);
    if (status == EXIT_DONE)
        status = shop_ask(&shop, "admin", "show_workflow", buf_str(&json), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    return show_workflow(&shop, yyjson_doc_get_root(document));
}

int command_workflow_resume(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;
    int status = shop_open(&shop, options, false);

    append_id(&json, options->arguments[0]);
    if (status == EXIT_DONE)
        status = shop_call(&shop, "admin", "resume_workflow", buf_str(&json), &reply);
    if (status == EXIT_DONE)
        printf("The workflow %s tries again%s.\n", options->arguments[0], shop.host ? " when the shop is served" : "");
    return status;
}

/* -- Quarantine ---------------------------------------------------------------------------------------------------- */

static int show_quarantine(struct shop *shop, yyjson_val *quarantine)
{
    static const char *const headings[] = {"SERVICE", "GROUP", "SOURCE", "OFFSET", "TYPE", "KEY", "ATTEMPTS", "DETAIL"};
    static const char *const members[] = {"service", "group",    "source", "offset", "type",
                                          "key",     "attempts", "detail", NULL};
    static const char *const message_headings[] = {"SERVICE", "QUEUE", "MESSAGE", "ATTEMPTS",
                                                   "SINCE",   "DEAD",  "DETAIL"};
    static const char *const message_members[] = {"service",     "queue",   "id",     "attempts",
                                                  "enqueued_at", "dead_at", "detail", NULL};
    yyjson_val *messages = yyjson_obj_get(quarantine, "messages");
    int status =
        shop_show_list(shop, yyjson_obj_get(quarantine, "events"), headings, members, "No event is in quarantine.");

    if (status != EXIT_DONE)
        return status;
    if (yyjson_arr_size(messages) > 0)
        putchar('\n');
    return shop_show_list(shop, messages, message_headings, message_members, "No message is dead.");
}

int command_quarantine_list(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    struct str reply;
    bool is_printed = false;
    int status = shop_open(&shop, options, false);

    if (status == EXIT_DONE)
        status = shop_ask(&shop, "admin", "list_quarantine", STR("{}"), &reply, &is_printed);
    if (status != EXIT_DONE || is_printed)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    return show_quarantine(&shop, yyjson_doc_get_root(document));
}

/* SERVICE QUEUE [MESSAGE]. */
static int replay_messages(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;
    int status = shop_open(&shop, options, false);

    buf_append_char(&json, '{');
    json_add(&json, "service", options->arguments[0]);
    json_add(&json, "queue", options->arguments[1]);
    if (options->argument_count > 2)
        json_add(&json, "id", options->arguments[2]);
    buf_append_char(&json, '}');
    if (status == EXIT_DONE)
        status = shop_call(&shop, "admin", "replay_messages", buf_str(&json), &reply);
    if (status != EXIT_DONE)
        return status;
    CLEANUP(json_free) struct yyjson_doc *document = json_read(reply);
    const char *count = json_text(shop.arena, yyjson_doc_get_root(document), "count");
    printf("Messages of %s that are tried again%s: %s\n", options->arguments[1],
           shop.host ? " when the shop is served" : "", count ? count : "0");
    return EXIT_DONE;
}

int command_quarantine_replay(const struct command_options *options)
{
    CLEANUP(shop_close) struct shop shop = {0};
    CLEANUP(buf_free) struct buf json = BUF(REQUEST_BYTES_MAX);
    struct str reply;
    int64_t offset;

    if (options->argument_count < 4)
        return replay_messages(options);
    if (str_to_int64(str_from_cstr(options->arguments[3]), &offset) < 0)
        return say_usage("OFFSET is a number of `quarantine list`, not '%s'", options->arguments[3]);
    int status = shop_open(&shop, options, false);
    buf_append_char(&json, '{');
    json_add(&json, "service", options->arguments[0]);
    json_add(&json, "group", options->arguments[1]);
    json_add(&json, "source", options->arguments[2]);
    buf_printf(&json, ",\"offset\":%lld}", (long long)offset);
    if (status == EXIT_DONE)
        status = shop_call(&shop, "admin", "replay_event", buf_str(&json), &reply);
    if (status == EXIT_DONE)
        puts("The event is handled and left quarantine.");
    return status;
}
