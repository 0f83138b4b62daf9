/* The test control: what is to go wrong, set over HTTP with the secret key. Kept in memory; a restart heals. */
#include "services/stripe_emulator/emulator.h"

#include <stdio.h>
#include <yyjson.h>

#define COUNT_MAX 1000000
#define HOLD_MS_DEFAULT 15000
#define HOLD_MS_MAX 60000
#define DELAY_MS_MAX (INT64_C(60) * 60 * 1000)
#define DUPLICATES_MAX 10

struct fault_setting {
    const char *name;
    size_t offset;
    int64_t max;
};

static const struct fault_setting settings[] = {
    {"webhook_delay_ms", offsetof(struct faults, webhook_delay_ms), DELAY_MS_MAX},
    {"webhook_duplicates", offsetof(struct faults, webhook_duplicates), DUPLICATES_MAX},
    {"webhook_drop", offsetof(struct faults, webhook_drop), COUNT_MAX},
    {"timeout_after_success", offsetof(struct faults, timeout_after_success), COUNT_MAX},
    {"lost", offsetof(struct faults, lost), COUNT_MAX},
    {"errors", offsetof(struct faults, errors), COUNT_MAX},
    {"error_status", offsetof(struct faults, error_status), 599},
    {"hold_ms", offsetof(struct faults, hold_ms), HOLD_MS_MAX},
    {"refund_failures", offsetof(struct faults, refund_failures), COUNT_MAX},
    {"refund_turn_ms", offsetof(struct faults, refund_turn_ms), DELAY_MS_MAX},
};

#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

static int64_t *setting_value(struct faults *faults, const struct fault_setting *setting)
{
    return (int64_t *)((char *)faults + setting->offset);
}

struct faults faults_get(struct emulator *emulator)
{
    TASK_LOCKED(&emulator->mutex);
    return emulator->faults;
}

enum request_fault faults_choose(struct emulator *emulator, struct str path, struct faults *ret_faults)
{
    TASK_LOCKED(&emulator->mutex);
    struct faults *faults = &emulator->faults;
    *ret_faults = *faults;
    if (faults->path[0] && str_find(path, str_from_cstr(faults->path)) < 0)
        return REQUEST_UNHARMED;
    if (faults->errors > 0) {
        faults->errors--;
        return REQUEST_ERROR;
    }
    if (faults->lost > 0) {
        faults->lost--;
        return REQUEST_LOST;
    }
    if (faults->timeout_after_success > 0) {
        faults->timeout_after_success--;
        return REQUEST_TIMED_OUT;
    }
    return REQUEST_UNHARMED;
}

bool faults_take_drop(struct emulator *emulator)
{
    TASK_LOCKED(&emulator->mutex);
    if (emulator->faults.webhook_drop == 0)
        return false;
    emulator->faults.webhook_drop--;
    return true;
}

bool faults_take_refund_failure(struct emulator *emulator)
{
    TASK_LOCKED(&emulator->mutex);
    if (emulator->faults.refund_failures == 0)
        return false;
    emulator->faults.refund_failures--;
    return true;
}

static int show_faults(struct api *api, struct sql_tx *tx)
{
    (void)tx;
    struct faults faults = faults_get(api->emulator);
    member_open(&api->body, NULL, '{');
    for (size_t i = 0; i < SETTING_COUNT; i++)
        member_int(&api->body, settings[i].name, *setting_value(&faults, &settings[i]));
    member_bool(&api->body, "webhook_reorder", faults.webhook_reorder);
    member_text(&api->body, "path", str_from_cstr(faults.path));
    member_close(&api->body, '}');
    return 0;
}

static int take_setting(struct api *api, yyjson_val *name, yyjson_val *value, struct faults *faults)
{
    if (yyjson_equals_str(name, "webhook_reorder") && yyjson_is_bool(value)) {
        faults->webhook_reorder = yyjson_get_bool(value);
        return 0;
    }
    if (yyjson_equals_str(name, "path") && yyjson_is_str(value) && yyjson_get_len(value) < sizeof(faults->path)) {
        snprintf(faults->path, sizeof(faults->path), "%s", yyjson_get_str(value));
        return 0;
    }
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        if (!yyjson_equals_str(name, settings[i].name))
            continue;
        if (!yyjson_is_int(value) || yyjson_get_sint(value) < 0 || yyjson_get_sint(value) > settings[i].max)
            break;
        *setting_value(faults, &settings[i]) = yyjson_get_sint(value);
        return 0;
    }
    return api_refuse(api, 400, "invalid_request_error", "parameter_unknown", yyjson_get_str(name),
                      "There is no such fault, or its value is out of range.");
}

static void doc_cleanup(yyjson_doc **doc)
{
    yyjson_doc_free(*doc);
}

/* Sets what the JSON object names, and leaves the rest. */
static int set_faults(struct api *api, struct sql_tx *tx)
{
    CLEANUP(doc_cleanup) yyjson_doc *doc = yyjson_read(api->http->body.ptr, api->http->body.len, 0);
    if (!yyjson_is_obj(yyjson_doc_get_root(doc)))
        return api_refuse(api, 400, "invalid_request_error", NULL, NULL, "The body must be a JSON object of faults.");
    struct faults faults = faults_get(api->emulator);
    if (faults.hold_ms == 0)
        faults.hold_ms = HOLD_MS_DEFAULT;
    if (faults.error_status == 0)
        faults.error_status = 500;
    size_t index, size;
    yyjson_val *name, *value;
    yyjson_obj_foreach(yyjson_doc_get_root(doc), index, size, name, value) TRY(take_setting(api, name, value, &faults));
    if (faults.error_status < 400)
        return api_refuse(api, 400, "invalid_request_error", NULL, "error_status", "error_status is from 400 to 599.");
    task_mutex_lock(&api->emulator->mutex);
    api->emulator->faults = faults;
    task_mutex_unlock(&api->emulator->mutex);
    return show_faults(api, tx);
}

static int clear_faults(struct api *api, struct sql_tx *tx)
{
    task_mutex_lock(&api->emulator->mutex);
    api->emulator->faults = (struct faults){0};
    task_mutex_unlock(&api->emulator->mutex);
    return show_faults(api, tx);
}

/* None of them writes to the database: as reads they are neither faulted nor remembered under a key. */
API_READ(set_faults)
API_READ(clear_faults)

int get_faults_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    return api_answer(call, request, response, show_faults, false);
}
