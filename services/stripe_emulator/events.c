/* Events and the endpoints that are told of them, https://docs.stripe.com/api/events. */
#include "services/stripe_emulator/emulator.h"

#include "platform/ports/clock/clock.h"
#include "services/stripe_emulator/sql/delivery.sql.h"

#define URL_BYTES_MAX 500
#define TYPES_BYTES_MAX 2000

static bool listens(struct str enabled_events, const char *type)
{
    struct str rest = enabled_events, name;
    while (str_next_token(&rest, ',', &name)) {
        if (str_equal_cstr(name, type) || str_equal(name, STR("*")))
            return true;
    }
    return false;
}

/* The endpoints that listen to the type; at most EMULATOR_ENDPOINTS_MAX. */
static int find_listeners(struct api *api, struct sql_tx *tx, const char *type, struct str *ret_ids, size_t *ret_count)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &stripe_emulator_sql_list_listeners, SQL_ARGS(sql_int(EMULATOR_ENDPOINTS_MAX)), &rows));
    size_t count = 0;
    int more;
    while ((more = sql_next(rows)) == 1) {
        if (!listens(sql_get_text(rows, 1), type))
            continue;
        ret_ids[count] = arena_copy(api->arena, sql_get_text(rows, 0));
        if (!ret_ids[count++].ptr)
            return ERR_NO_MEMORY;
    }
    *ret_count = count;
    return more;
}

int tell(struct api *api, struct sql_tx *tx, const char *type, struct str object_json, struct str traceparent)
{
    struct str listeners[EMULATOR_ENDPOINTS_MAX];
    size_t count = 0;
    TRY(find_listeners(api, tx, type, listeners, &count));
    struct str id = api_new_id(api, "evt_1");
    CLEANUP(buf_free) struct buf json = BUF(EMULATOR_BODY_BYTES_MAX);
    member_open(&json, NULL, '{');
    member_text(&json, "id", id);
    member_text(&json, "object", STR("event"));
    member_text(&json, "api_version", STR(EMULATOR_API_VERSION));
    member_int(&json, "created", api->now_ms / CLOCK_MS_PER_S);
    member_open(&json, "data", '{');
    member_raw(&json, "object", object_json);
    member_close(&json, '}');
    member_bool(&json, "livemode", false);
    member_int(&json, "pending_webhooks", (int64_t)count);
    member_open(&json, "request", '{');
    member_text(&json, "id", api->request_id);
    member_text(&json, "idempotency_key", api->key);
    member_close(&json, '}');
    member_text(&json, "type", str_from_cstr(type));
    member_close(&json, '}');
    TRY(buf_error(&json));
    TRY(sql_exec(tx, &stripe_emulator_sql_insert_event,
                 SQL_ARGS(sql_text(id), sql_cstr(type), sql_text(buf_str(&json)), sql_int(clock_latest_ms()),
                          sql_text(traceparent)),
                 NULL));
    int64_t due_ms = clock_steady_ms() + faults_get(api->emulator).webhook_delay_ms;
    for (size_t i = 0; i < count; i++)
        TRY(sql_exec(tx, &stripe_emulator_sql_insert_delivery,
                     SQL_ARGS(sql_text(id), sql_text(listeners[i]), sql_int(due_ms)), NULL));
    api->told |= count > 0;
    return 0;
}

static int retrieve_event(struct api *api, struct sql_tx *tx)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stripe_emulator_sql_find_event, SQL_ARGS(sql_text(api->id)), &rows);
    if (found < 0)
        return found;
    if (found == 0)
        return api_refuse_missing(api, "event", api->id, "id");
    buf_append(&api->body, sql_get_text(rows, 0));
    return 0;
}
API_READ(retrieve_event)

static int list_events(struct api *api, struct sql_tx *tx)
{
    struct list_range range;
    TRY(api_list_range(api, tx, &stripe_emulator_sql_find_event_position, &range));
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &stripe_emulator_sql_list_events,
                  SQL_ARGS(sql_int(range.from_ms), sql_int(range.to_ms), sql_int(range.before_ms),
                           sql_text(range.before_id), sql_int(range.limit + 1),
                           sql_text(form_find(&api->form, "type"))),
                  &rows));
    api_list_open(api);
    int64_t count = 0;
    int more;
    while ((more = sql_next(rows)) == 1 && count++ < range.limit) {
        if (count > 1)
            buf_append_char(&api->body, ',');
        buf_append(&api->body, sql_get_text(rows, 0));
    }
    if (more < 0)
        return more;
    api_list_close(api, more == 1);
    return 0;
}
API_READ(list_events)

/* The emulator posts to the same machine only: it is for tests, and no stepping stone. */
static bool is_loopback_url(struct str url)
{
    static const char *const prefixes[] = {"http://127.0.0.1:", "http://localhost:", "http://[::1]:"};
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (str_starts_with(url, str_from_cstr(prefixes[i])))
            return url.len <= URL_BYTES_MAX && str_find_char(url, '@') < 0;
    }
    return false;
}

/* One more than are told would never hear of anything. */
static int check_room_for_endpoint(struct api *api, struct sql_tx *tx)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    int found = sql_query_row(tx, &stripe_emulator_sql_count_endpoints, SQL_NO_ARGS, &rows);
    if (found < 0)
        return found;
    if (sql_get_int(rows, 0) >= EMULATOR_ENDPOINTS_MAX)
        return api_refuse(api, 400, "invalid_request_error", "resource_limit_exceeded", NULL,
                          "You have reached the maximum of %d webhook endpoints.", EMULATOR_ENDPOINTS_MAX);
    return 0;
}

static int create_endpoint(struct api *api, struct sql_tx *tx)
{
    struct endpoint_row endpoint = {
        .id = api_new_id(api, "we_1"),
        .url = form_find(&api->form, "url"),
        .secret = api_new_secret(api, "whsec_"),
        .created_ms = api->now_ms,
    };
    if (!is_loopback_url(endpoint.url))
        return api_refuse(api, 400, "invalid_request_error", "url_invalid", "url",
                          "The emulator delivers to http://127.0.0.1, localhost or [::1], with a port.");
    CLEANUP(buf_free) struct buf types = BUF(TYPES_BYTES_MAX);
    size_t position = 0;
    struct str key, type;
    while (form_next_key(&api->form, "enabled_events", &position, &key, &type)) {
        if (types.len > 0)
            buf_append_char(&types, ',');
        buf_append(&types, type);
    }
    if (types.len == 0 || buf_error(&types))
        return api_refuse(api, 400, "invalid_request_error", "parameter_missing", "enabled_events",
                          "Missing required param: enabled_events.");
    endpoint.enabled_events = buf_str(&types);
    TRY(check_room_for_endpoint(api, tx));
    TRY(sql_exec(tx, &stripe_emulator_sql_insert_endpoint,
                 SQL_ARGS(sql_text(endpoint.id), sql_text(endpoint.url), sql_text(endpoint.secret),
                          sql_text(endpoint.enabled_events), sql_int(endpoint.created_ms)),
                 NULL));
    render_endpoint(&api->body, &endpoint, true);
    return 0;
}
API_WRITE(create_endpoint)

static int list_endpoints(struct api *api, struct sql_tx *tx)
{
    CLEANUP(sql_finish_cleanup) struct sql_rows *rows = NULL;
    TRY(sql_query(tx, &stripe_emulator_sql_list_endpoints, SQL_ARGS(sql_int(EMULATOR_ENDPOINTS_MAX)), &rows));
    api_list_open(api);
    size_t count = 0;
    int more;
    while ((more = sql_next(rows)) == 1) {
        struct endpoint_row endpoint;
        TRY(read_endpoint_row(rows, api->arena, &endpoint));
        if (count++ > 0)
            buf_append_char(&api->body, ',');
        render_endpoint(&api->body, &endpoint, false);
    }
    api_list_close(api, false);
    return more;
}
API_READ(list_endpoints)

static int delete_endpoint(struct api *api, struct sql_tx *tx)
{
    int64_t changed = 0;
    TRY(sql_exec(tx, &stripe_emulator_sql_delete_endpoint, SQL_ARGS(sql_text(api->id)), &changed));
    if (changed == 0)
        return api_refuse_missing(api, "webhook_endpoint", api->id, "id");
    member_open(&api->body, NULL, '{');
    member_text(&api->body, "id", api->id);
    member_text(&api->body, "object", STR("webhook_endpoint"));
    member_bool(&api->body, "deleted", true);
    member_close(&api->body, '}');
    return 0;
}
API_WRITE(delete_endpoint)
