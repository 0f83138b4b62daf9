/* The challenge: it stands for a bank's 3-D Secure page, and asks whether a payment is to be made. It works without a
 * script, and leads back to the intent's return_url. */
#include "services/stripe_emulator/pages.h"

#include "platform/base/encode.h"
#include "platform/base/iso_code.h"
#include "platform/ports/clock/clock.h"

/* Sends the browser to the address with parameters added. */
static int redirect(struct call *call, struct http_response *response, struct str url, const char *parameters)
{
    const char *location =
        arena_printf(call->arena, "%.*s%c%s", STR_FORMAT(url), str_find_char(url, '?') < 0 ? '?' : '&', parameters);
    if (!location)
        return ERR_NO_MEMORY;
    response->status = 303;
    http_response_header(response, STR("Location"), str_from_cstr(location));
    http_response_header(response, STR("Referrer-Policy"), STR("no-referrer"));
    http_response_header(response, STR("Cache-Control"), STR("no-store"));
    return 0;
}

struct challenge {
    struct api api;
    struct intent_row intent;
    struct method_row method; /* that it is asked of; without a card once that is over */
    bool approve;
    bool decided; /* already, before this request */
};

/* The intent's id from the path, if the client's secret is the intent's. */
static int load_challenged(struct challenge *challenge, struct sql_tx *tx)
{
    struct api *api = &challenge->api;
    struct str id = STR_EMPTY, rest = api->http->path;
    while (str_next_token(&rest, '/', &id)) {
    }
    TRY(load_intent(tx, api->arena, id, &challenge->intent));
    struct str secret = form_find(&api->form, "payment_intent_client_secret");
    if (!str_equal_constant_time(secret, challenge->intent.client_secret))
        return ERR_NOT_FOUND;
    challenge->decided = !str_equal(challenge->intent.status, STR("requires_action"));
    return challenge->decided ? 0 : load_method(tx, api->arena, challenge->intent.payment_method, &challenge->method);
}

static int read_challenge(struct sql_tx *tx, void *argument)
{
    return load_challenged(argument, tx);
}

static int decide_challenge(struct sql_tx *tx, void *argument)
{
    struct challenge *challenge = argument;
    struct api *api = &challenge->api;
    buf_clear(&api->body);
    api->told = api->lacks_id = false;
    TRY(load_challenged(challenge, tx));
    if (challenge->decided)
        return 0;
    TRY(challenge->approve ? charge_intent(api, tx, &challenge->intent, true)
                           : fail_authentication(api, tx, &challenge->intent));
    return api->lacks_id ? ERR_NO_MEMORY : 0;
}

static int prepare_challenge(struct call *call, const struct http_request *request, struct str parameters,
                             struct challenge *ret_challenge)
{
    *ret_challenge = (struct challenge){.api = {.emulator = emulator_of(call),
                                                .arena = call->arena,
                                                .http = request,
                                                .now_ms = clock_steady_ms(),
                                                .base_url = str_from_cstr(emulator_of(call)->base_url),
                                                .body = BUF(EMULATOR_BODY_BYTES_MAX)}};
    return form_parse(call->arena, parameters, &ret_challenge->api.form);
}

static int answer_unknown_challenge(struct call *call, struct http_response *response)
{
    return emulator_page_answer_message(call, response, 404, "There is no such payment",
                                        "The link may be old. Go back to the shop and look at your order.");
}

static int redirect_back(struct call *call, struct http_response *response, const struct intent_row *intent)
{
    bool paid = str_equal(intent->status, STR("requires_capture")) || str_equal(intent->status, STR("succeeded"));
    if (page_shop_origin(call, intent->return_url).len == 0)
        return emulator_page_answer_message(call, response, 200, paid ? "Payment approved" : "Payment not approved",
                                            "You can close this page and go back to the shop.");
    const char *parameters =
        arena_printf(call->arena, "payment_intent=%.*s&payment_intent_client_secret=%.*s&redirect_status=%s",
                     STR_FORMAT(intent->id), STR_FORMAT(intent->client_secret), paid ? "succeeded" : "failed");
    return parameters ? redirect(call, response, intent->return_url, parameters) : ERR_NO_MEMORY;
}

/* Stripe's currencies are in lower case. */
static void append_money(struct buf *page, int64_t amount, struct str currency)
{
    char upper[4] = "", text[ISO_MONEY_BYTES];

    for (size_t i = 0; i < 3 && i < currency.len; i++)
        upper[i] = (char)(currency.ptr[i] & ~0x20);
    iso_money_format(amount, str_from_cstr(upper), text);
    buf_append_cstr(page, text);
}

static void append_challenge(struct buf *page, const struct intent_row *intent, const struct method_row *method)
{
    const struct test_card *card = card_by_name(method->card);
    buf_append_cstr(page, "<p class=\"badge\">Test bank</p><h1>Is it you who pays?</h1>"
                          "<p class=\"soft\">Your bank asks before the shop gets its money.</p>"
                          "<dl><dt>Amount</dt><dd class=\"amount\">");
    append_money(page, intent->amount, intent->currency);
    if (card)
        buf_printf(page, "</dd><dt>Card</dt><dd>%c%s ending in %.*s", card->brand[0] & ~0x20, card->brand + 1,
                   STR_FORMAT(card_last4(card)));
    buf_append_cstr(page, "</dd><dt>Payment</dt><dd>");
    encode_html(page, intent->id);
    buf_printf(page, "</dd></dl><form method=\"post\" action=\"/challenge/%.*s\">", STR_FORMAT(intent->id));
    buf_append_cstr(page, "<input type=\"hidden\" name=\"payment_intent_client_secret\" value=\"");
    encode_html(page, intent->client_secret);
    buf_append_cstr(page, "\"><button name=\"decision\" value=\"approve\">Approve payment</button>"
                          "<button class=\"second\" name=\"decision\" value=\"refuse\">Refuse payment</button></form>"
                          "<p class=\"soft\">Test mode: nothing is charged, whatever you choose.</p>");
}

int challenge_page_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct challenge challenge;
    TRY(prepare_challenge(call, request, request->query, &challenge));
    int error = sql_read(call->db, read_challenge, &challenge);
    if (error == ERR_NOT_FOUND)
        return answer_unknown_challenge(call, response);
    TRY(error);
    if (challenge.decided) /* Back, or a link opened again. */
        return redirect_back(call, response, &challenge.intent);
    CLEANUP(buf_free) struct buf page = BUF(PAGE_BYTES_MAX);
    emulator_page_open(&page, "Approve this payment", "page");
    append_challenge(&page, &challenge.intent, &challenge.method);
    page_close(&page, NULL);
    return emulator_page_answer(call, response, 200, &page, STR_EMPTY,
                                page_shop_origin(call, challenge.intent.return_url));
}

int challenge_submit_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct challenge challenge;
    TRY(prepare_challenge(call, request, request->body, &challenge));
    struct str decision = form_find(&challenge.api.form, "decision");
    challenge.approve = str_equal(decision, STR("approve"));
    if (!challenge.approve && !str_equal(decision, STR("refuse")))
        return emulator_page_answer_message(call, response, 400, "Nothing was decided",
                                            "Go back and approve or refuse.");
    int error = sql_write(call->db, decide_challenge, &challenge);
    buf_free(&challenge.api.body);
    if (error == ERR_NOT_FOUND)
        return answer_unknown_challenge(call, response);
    TRY(error);
    if (challenge.api.told)
        deliverer_wake(emulator_of(call)->deliverer);
    return redirect_back(call, response, &challenge.intent);
}
