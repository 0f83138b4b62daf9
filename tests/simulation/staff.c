/* Staff, one a shop: fulfils, gives money back in part or whole, cancels, edits prices by If-Match, counts stock, and
 * reads what only staff may. */
#include "shopstream/admin/v1/admin.rpc.h"
#include "tests/simulation/books.h"
#include "tests/simulation/people.h"

#include <inttypes.h>
#include <stdio.h>
#include <yyjson.h>

#define TRIES_MAX 200
#define ARENA_BYTES ((size_t)2 << 20)
#define EDITS_MAX 128
#define CHANGES_MAX 40 /* of prices and of stock, a shop and seed */
#define ORDERS_PATH "/api/orders/v1/orders"

struct desk {
    int tenant;
    enum http_method method;
    char target[PATH_BYTES], body[PATH_BYTES], key[ID_BYTES];
    int64_t if_match;

    int status;
    char code[ID_BYTES], state[ID_BYTES]; /* its "status" */
    int64_t version;
};

static int changes[TENANTS];

/* -- Asking -------------------------------------------------------------------------------------------------------- */

/* Until there is an answer for good. read (may be NULL) is given it. */
static void ask(struct desk *desk, void (*read)(const struct desk *desk, const struct shop_request *request))
{
    random_key(desk->key);
    for (int i = 0; i < TRIES_MAX; i++) {
        CLEANUP(arena_cleanup) struct arena *arena = arena_new(ARENA_BYTES);
        ASSERT(arena);
        struct shop_request request = {
            .method = desk->method,
            .target = desk->target,
            .tenant = desk->tenant,
            .token = person_token(&simulation.staff[desk->tenant]),
            .key = desk->method == HTTP_GET ? NULL : desk->key,
            .if_match = desk->if_match,
            .body = str_from_cstr(desk->body),
            .arena = arena,
        };
        bool is_answered = shop_ask(&request) && request.status < 500;
        if (is_answered && request.status == 401)
            person_refused(&simulation.staff[desk->tenant]);
        if (is_answered && request.status != 401 && !answer_has_code(&request, "still_running")) {
            desk->status = request.status;
            desk->version = answer_number(&request, "version");
            answer_text(&request, "code", desk->code, sizeof(desk->code));
            answer_text(&request, "status", desk->state, sizeof(desk->state));
            if (read)
                read(desk, &request);
            return;
        }
        sleep_between_ms(50, 2000);
    }
    violated("staff is answered in the end", "%s after %d tries", desk->target, TRIES_MAX);
}

/* -- Orders -------------------------------------------------------------------------------------------------------- */

static struct purchase *pick_purchase(int tenant)
{
    size_t count = simulation.purchase_count;
    struct purchase *purchase = count ? &simulation.purchases[simulator_random_below(count)] : NULL;
    return purchase && purchase->tenant == tenant && purchase->order_id[0] ? purchase : NULL;
}

static void fulfil(int tenant)
{
    struct purchase *purchase = pick_purchase(tenant);
    struct desk desk = {.tenant = tenant, .method = HTTP_POST};
    if (!purchase || strcmp(purchase->status, "confirmed") != 0)
        return;
    snprintf(desk.target, sizeof(desk.target), ORDERS_PATH "/%s/fulfil", purchase->order_id);
    ask(&desk, NULL);
    note("staff fulfils order %s: %d %s", purchase->order_id, desk.status, desk.code);
    if (desk.status != 200 && desk.status != 409)
        violated("a confirmed order can be fulfilled", "order %s: %d %s", purchase->order_id, desk.status, desk.code);
    if (desk.status == 200)
        book_acknowledged(purchase, "fulfilled");
}

static void cancel(int tenant)
{
    struct purchase *purchase = pick_purchase(tenant);
    struct desk desk = {.tenant = tenant, .method = HTTP_POST};
    if (!purchase || !random_permille(300))
        return;
    snprintf(desk.target, sizeof(desk.target), ORDERS_PATH "/%s/cancel", purchase->order_id);
    ask(&desk, NULL);
    if (desk.status != 200 && desk.status != 409)
        violated("staff can cancel", "order %s: %d %s", purchase->order_id, desk.status, desk.code);
}

static void refund(int tenant)
{
    struct purchase *purchase = pick_purchase(tenant);
    struct desk desk = {.tenant = tenant, .method = HTTP_POST};
    bool has_money =
        purchase && (strcmp(purchase->status, "confirmed") == 0 || strcmp(purchase->status, "fulfilled") == 0);
    if (!has_money || !purchase->payment_id[0] || purchase->refund_count == REFUNDS_MAX)
        return;
    struct refund *refund = &purchase->refunds[purchase->refund_count++];
    memcpy(refund->order_id, purchase->order_id, ID_BYTES);
    refund->amount = random_permille(600) ? random_between(1, SKU_PRICE) : 0;
    snprintf(desk.target, sizeof(desk.target), "/api/payments/v1/payments/%s/refunds", purchase->payment_id);
    snprintf(desk.body, sizeof(desk.body), refund->amount ? "{\"amount\":%" PRId64 "}" : "{}", refund->amount);
    ask(&desk, NULL);
    note("staff gives back %" PRId64 " of order %s: %d %s", refund->amount, purchase->order_id, desk.status, desk.code);
    refund->is_refused = desk.status != 201 || strcmp(desk.state, "failed") == 0;
    refund->is_pending = desk.status == 201 && strcmp(desk.state, "pending") == 0;
    /* The request may have been repeated on its way, refused at first and done later. */
    refund->is_unknown =
        strcmp(desk.code, "refund_unknown") == 0 || (strcmp(desk.state, "failed") == 0 && simulation.refund_faults > 0);
    if (desk.status != 201 && desk.status != 409)
        violated("a paid order can be refunded", "order %s: %d %s", purchase->order_id, desk.status, desk.code);
}

static void read_orders(const struct desk *desk, const struct shop_request *request)
{
    yyjson_doc *doc = yyjson_read(request->answer.ptr, request->answer.len, 0);
    yyjson_val *orders = yyjson_obj_get(yyjson_doc_get_root(doc), "orders"), *order;
    size_t index, count;
    yyjson_arr_foreach(orders, index, count, order)
    {
        const char *id = yyjson_get_str(yyjson_obj_get(order, "id"));
        const struct book_order *book = id ? book_await(id) : NULL;
        if (book ? strcmp(book->tenant, tenant_name(desk->tenant)) != 0 : watch_is_current("orders"))
            violated("staff sees the orders of its own shop", "%s", id ? id : "none");
    }
    yyjson_doc_free(doc);
    simulation.observations++;
}

static void read_lists(int tenant)
{
    struct desk desk = {.tenant = tenant, .method = HTTP_GET, .target = ORDERS_PATH "?limit=100"};
    ask(&desk, read_orders);
    snprintf(desk.target, sizeof(desk.target), "/api/payments/v1/ledger?limit=100");
    ask(&desk, NULL);
    if (desk.status != 200)
        violated("an administrator reads the books", "%d %s", desk.status, desk.code);
}

/* -- Goods --------------------------------------------------------------------------------------------------------- */

/* Of the edits that name one version, one wins. */
static void note_win(const struct desk *desk)
{
    static struct desk won[EDITS_MAX];
    static size_t count;
    for (size_t i = 0; i < count; i++) {
        if (won[i].tenant == desk->tenant && won[i].if_match == desk->if_match && strcmp(won[i].key, desk->key) != 0)
            violated("one edit of a version wins", "version %" PRId64 " was edited twice", desk->if_match);
    }
    ASSERT(count < EDITS_MAX);
    won[count++] = *desk;
}

static void edit(void *argument)
{
    struct desk *desk = argument;
    static int64_t number = 2; /* no price is asked for twice: an edit that changes nothing is no new version */
    int64_t price = SKU_PRICE + (random_permille(500) ? number : -number) + 1;
    number++;
    book_asked_price(desk->tenant, price);
    snprintf(desk->body, sizeof(desk->body), "{\"price\":{\"amount\":%" PRId64 ",\"currency\":\"EUR\"}}", price);
    desk->method = HTTP_PATCH;
    ask(desk, NULL);
    if (desk->status == 200) {
        note_win(desk);
        book_edit_acknowledged(desk->tenant, desk->version, price);
    } else if (desk->status != 412) {
        violated("a price can be edited", "%d %s", desk->status, desk->code);
    }
}

/* By one of the staff, or by two who have read the same. */
static void edit_price(int tenant)
{
    struct desk desk = {.tenant = tenant, .method = HTTP_GET}, other;
    struct task *task = NULL;
    if (changes[tenant] + 2 > CHANGES_MAX)
        return;
    changes[tenant] += 2;
    snprintf(desk.target, sizeof(desk.target), "/api/catalog/v1/products/%s", simulation.goods[tenant].product_id);
    ask(&desk, NULL);
    if (desk.status != 200)
        violated("a product is there", "%d %s", desk.status, desk.code);
    desk.if_match = desk.version;
    other = desk;
    if (random_permille(400))
        ASSERT(task_start(&task, "staff-too", edit, &other) == 0);
    edit(&desk);
    task_join(task);
}

static void count_stock(int tenant)
{
    struct desk desk = {.tenant = tenant, .method = HTTP_PUT};
    int sku = (int)random_between(0, SKUS - 1);
    int64_t on_hand = random_between(0, 10);
    size_t since = book_stock_now(tenant, sku);
    if (changes[tenant] + 1 > CHANGES_MAX)
        return;
    changes[tenant]++;
    book_asked_stock(tenant, sku, on_hand);
    snprintf(desk.target, sizeof(desk.target), "/api/catalog/v1/skus/%s/stock", simulation.goods[tenant].sku_ids[sku]);
    snprintf(desk.body, sizeof(desk.body), "{\"on_hand\":%" PRId64 "}", on_hand);
    ask(&desk, NULL);
    if (desk.status != 200 && desk.status != 409)
        violated("stock can be counted, but not below what is reserved", "%d %s", desk.status, desk.code);
    if (desk.status == 200)
        book_stock_acknowledged(tenant, sku, on_hand, since);
}

/* -- What the command line asks ------------------------------------------------------------------------------------ */

static int look(struct call *call, void *argument)
{
    Admin__ListWorkflowsRequest asked = ADMIN__LIST_WORKFLOWS_REQUEST__INIT;
    Admin__ListWorkflowsReply workflows = ADMIN__LIST_WORKFLOWS_REPLY__INIT;
    Admin__ListQuarantineRequest all = ADMIN__LIST_QUARANTINE_REQUEST__INIT;
    Admin__ListQuarantineReply quarantine = ADMIN__LIST_QUARANTINE_REPLY__INIT;
    (void)argument;
    TRY(admin_list_workflows(call, &asked, &workflows));
    return admin_list_quarantine(call, &all, &quarantine);
}

static int check(struct call *call, void *argument)
{
    Common__Empty nothing = COMMON__EMPTY__INIT;
    Admin__CheckReply reply = ADMIN__CHECK_REPLY__INIT;
    (void)argument;
    TRY(admin_check(call, &nothing, &reply));
    for (size_t i = 0; i < reply.n_results; i++) {
        if (!reply.results[i]->ok && !simulation.is_faulty)
            violated("the stores are whole", "%s", reply.results[i]->name);
    }
    return 0;
}

static void administer(int tenant)
{
    shop_call("admin", tenant, random_permille(800) ? look : check, NULL);
}

/* -- The day's work ------------------------------------------------------------------------------------------------ */

static void work(void *argument)
{
    int tenant = (int)((struct person *)argument - simulation.staff);
    void (*const deeds[])(int) = {fulfil, fulfil,     fulfil,      fulfil,     refund,    refund,
                                  cancel, edit_price, count_stock, read_lists, administer};
    while (simulation.busy_actors > 0 || simulation.is_chaotic) {
        sleep_between_ms(200, 3000);
        deeds[simulator_random_below(sizeof(deeds) / sizeof(deeds[0]))](tenant);
    }
    simulation.working--;
}

void staff_start(struct simulation *sim)
{
    for (int tenant = 0; tenant < TENANTS; tenant++) {
        struct task *task;
        ASSERT(task_start(&task, "staff", work, &sim->staff[tenant]) == 0);
        sim->working++;
    }
}
