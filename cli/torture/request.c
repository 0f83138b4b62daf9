/* What a client, an administrator and the provider's customer ask. */
#include "cli/shop.h"
#include "cli/torture/torture.h"
#include "platform/ports/clock/clock.h"
#include "platform/service/admin_socket.h"
#include "platform/service/invoke.h"
#include "platform/service/tenants.h"

#include <yyjson.h>

#define ANSWER_BYTES_MAX ((size_t)8 << 20)
#define REQUEST_TIMEOUT_MS (20 * CLOCK_MS_PER_S)

int torture_ask(struct torture *torture, struct arena *arena, const struct torture_request *request, int *ret_status,
                struct str *ret_body)
{
    struct http_header headers[4];
    size_t count = 0;
    const char *url =
        arena_printf(arena, "http://127.0.0.1:%d%s", torture->port + request->port_distance, request->path);

    if (!url)
        return ERR_NO_MEMORY;
    if (request->body.len)
        headers[count++] = (struct http_header){STR("Content-Type"), STR("application/json")};
    if (request->key)
        headers[count++] = (struct http_header){STR("Idempotency-Key"), str_from_cstr(request->key)};
    if (request->guest_token)
        headers[count++] = (struct http_header){STR("X-Guest-Token"), str_from_cstr(request->guest_token)};
    if (request->port_distance == TORTURE_PROVIDER)
        headers[count++] = (struct http_header){STR("Authorization"), STR("Bearer sk_test_torture")};
    const struct http_client_request fetched = {.method = request->method,
                                                .url = str_from_cstr(url),
                                                .headers = headers,
                                                .header_count = count,
                                                .body = request->body,
                                                .timeout_ms = REQUEST_TIMEOUT_MS,
                                                .body_bytes_max = ANSWER_BYTES_MAX};
    struct http_client_response response;

    TRY(http_client_fetch(torture->client, arena, &fetched, &response));
    *ret_status = response.status;
    *ret_body = response.body;
    return 0;
}

int torture_ask_admin(struct torture *torture, const char *service, const char *method, const char *json,
                      struct str *ret_reply)
{
    const struct json_call call = {.service = str_from_cstr(service),
                                   .method = str_from_cstr(method),
                                   .tenant = STR(TENANT_DEFAULT),
                                   .json = str_from_cstr(json)};
    int error = 0;

    TRY(admin_socket_call(torture->socket_path, torture->arena, &call, &error, ret_reply));
    return error;
}

int torture_ask_stock(struct torture *torture, struct arena *arena, const char *sku_id, struct torture_stock *ret_stock)
{
    const char *path = arena_printf(arena, "/api/catalog/v1/skus/%s/stock", sku_id);
    const struct torture_request request = {.method = HTTP_GET, .path = path};
    struct str body;
    int status = 0;

    if (!path)
        return ERR_NO_MEMORY;
    TRY(torture_ask(torture, arena, &request, &status, &body));
    CLEANUP(json_free) struct yyjson_doc *document = status == 200 ? json_read(body) : NULL;
    yyjson_val *root = yyjson_doc_get_root(document);

    if (!root)
        return ERR_UNAVAILABLE;
    ret_stock->on_hand = yyjson_get_sint(yyjson_obj_get(root, "on_hand"));
    ret_stock->reserved = yyjson_get_sint(yyjson_obj_get(root, "reserved"));
    ret_stock->available = yyjson_get_sint(yyjson_obj_get(root, "available"));
    return 0;
}
