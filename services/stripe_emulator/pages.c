/* The pages that people see: the card field, so that no card number reaches the shop, and the challenge that stands for
 * a bank's 3-D Secure page. Both work without JavaScript; the field's script lets a page of the shop embed it.
 *
 * Where a page sends people afterwards, and whom the field tells of the card, is a page of this machine only. */
#include "services/stripe_emulator/emulator.h"

#include "platform/base/iso_code.h"
#include "platform/ports/clock/clock.h"

#define PAGE_BYTES_MAX ((size_t)32 << 10)
#define ADDRESS_BYTES_MAX 500

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1a1a1a;--soft:#5b5b5b;--line:#8a8a8a;--paper:#fff;--accent:#1d4ed8;"
    "--on-accent:#fff;--bad:#b3261e}"
    "@media(prefers-color-scheme:dark){:root{--ink:#f2f2f2;--soft:#b8b8b8;--line:#8c8c8c;--paper:#161616;"
    "--accent:#8ab4f8;--on-accent:#10151f;--bad:#f2b8b5}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/24px "
    "system-ui,sans-serif}"
    "main{max-width:448px;margin:0 auto;padding:24px 16px}h1{font-size:20px;line-height:32px;margin:0 0 8px}"
    "p{margin:0 0 16px}.soft{color:var(--soft);font-size:14px}label{display:block;font-size:14px;margin:0 0 4px}"
    "input{width:100%;min-height:48px;padding:8px 12px;font:inherit;color:inherit;background:transparent;"
    "border:1px solid var(--line);border-radius:4px}"
    "input[aria-invalid=true]{border-color:var(--bad)}.row{display:flex;gap:16px}.field{flex:1;margin:0 0 16px}"
    "button{width:100%;min-height:48px;padding:8px 16px;font:inherit;font-weight:600;border-radius:4px;cursor:pointer;"
    "border:1px solid var(--accent);background:var(--accent);color:var(--on-accent);margin:0 0 16px}"
    "button.second{background:transparent;color:var(--ink);border-color:var(--line)}"
    ":focus-visible{outline:3px solid var(--accent);outline-offset:2px}.bad{color:var(--bad);font-size:14px}"
    "dl{display:grid;grid-template-columns:auto 1fr;gap:8px 16px;margin:0 0 24px}dt{color:var(--soft)}dd{margin:0}";

/* The field in an embedded page: sends the card here, and tells the page that embeds it the payment method's id. */
static const char script[] =
    "(function(){'use strict';"
    "var form=document.querySelector('form'),error=document.getElementById('error'),"
    "button=form.querySelector('button'),origin=form.dataset.origin,host=window.opener||"
    "(window.parent!==window?window.parent:null);"
    "if(!host||!origin)return;"
    "function say(message){host.postMessage(message,origin);}"
    "function send(){button.disabled=true;error.textContent='';"
    "fetch(form.action,{method:'POST',headers:{Accept:'application/json'},body:new URLSearchParams(new "
    "FormData(form))})"
    ".then(function(answer){return answer.json();}).then(function(body){"
    "if(body.error){error.textContent=body.error.message;"
    "form.querySelectorAll('input').forEach(function(input){"
    "input.setAttribute('aria-invalid',String(input.name==='card['+body.error.param+']'));});"
    "say({type:'shopstream.card.error',message:body.error.message});}"
    "else{form.reset();say({type:'shopstream.card',payment_method:body.id,brand:body.card.brand,"
    "last4:body.card.last4});}})"
    ".catch(function(){error.textContent='The payment provider cannot be reached. Nothing was charged. Try again.';"
    "say({type:'shopstream.card.error',message:error.textContent});})"
    ".finally(function(){button.disabled=false;});}"
    "form.addEventListener('submit',function(event){event.preventDefault();send();});"
    "window.addEventListener('message',function(event){"
    "if(event.origin===origin&&event.source===host&&event.data&&event.data.type==='shopstream.card.submit')"
    "{if(form.reportValidity())send();}});"
    "say({type:'shopstream.card.ready'});})();";

/* -- Text ---------------------------------------------------------------------------------------------------------- */

static void append_html(struct buf *page, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.ptr[i]) {
        case '&':
            buf_append(page, STR("&amp;"));
            break;
        case '<':
            buf_append(page, STR("&lt;"));
            break;
        case '>':
            buf_append(page, STR("&gt;"));
            break;
        case '"':
            buf_append(page, STR("&quot;"));
            break;
        default:
            buf_append_char(page, text.ptr[i]);
        }
    }
}

static void open_page(struct buf *page, const char *title)
{
    buf_printf(page,
               "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
               "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>%s</title>"
               "<link rel=\"stylesheet\" href=\"/pages.css\"></head><body><main>",
               title);
}

static void close_page(struct buf *page)
{
    buf_append_cstr(page, "</main></body></html>");
}

/* -- Addresses ----------------------------------------------------------------------------------------------------- */

/* "http://localhost:3000" of "http://localhost:3000/checkout?x": a page of this machine, or empty. */
static struct str local_origin(struct str url)
{
    static const char *const heads[] = {"http://localhost",  "http://127.0.0.1",  "http://[::1]",
                                        "https://localhost", "https://127.0.0.1", "https://[::1]"};
    if (url.len > ADDRESS_BYTES_MAX)
        return STR_EMPTY;
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        struct str head = str_from_cstr(heads[i]);
        if (!str_starts_with(url, head))
            continue;
        size_t end = head.len;
        if (end < url.len && url.ptr[end] == ':') {
            end++;
            while (end < url.len && url.ptr[end] >= '0' && url.ptr[end] <= '9')
                end++;
        }
        if (end == url.len || url.ptr[end] == '/' || url.ptr[end] == '?')
            return str_slice(url, 0, end);
    }
    return STR_EMPTY;
}

/* Whether the address may stand in a header line. */
static bool is_clean(struct str url)
{
    for (size_t i = 0; i < url.len; i++) {
        unsigned char c = (unsigned char)url.ptr[i];
        if (c <= ' ' || c >= 0x7f || c == '"' || c == ';' || c == ',')
            return false;
    }
    return true;
}

static int answer_page(struct call *call, struct http_response *response, int status, struct buf *page,
                       struct str origin)
{
    TRY(buf_error(page));
    response->body = arena_copy(call->arena, buf_str(page));
    /* Browsers check the redirect after a form against form-action too: so the shop's origin stands in it. */
    const char *policy = arena_printf(call->arena,
                                      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
                                      "base-uri 'none'; form-action 'self' %.*s; frame-ancestors 'self' %.*s",
                                      STR_FORMAT(origin), STR_FORMAT(origin));
    if (!response->body.ptr || !policy)
        return ERR_NO_MEMORY;
    response->status = status;
    http_response_header(response, STR("Content-Type"), STR("text/html; charset=utf-8"));
    http_response_header(response, STR("Content-Security-Policy"), str_from_cstr(policy));
    http_response_header(response, STR("Referrer-Policy"), STR("no-referrer"));
    http_response_header(response, STR("Cache-Control"), STR("no-store"));
    return 0;
}

static int answer_message(struct call *call, struct http_response *response, int status, const char *title,
                          const char *message)
{
    CLEANUP(buf_free) struct buf page = BUF(PAGE_BYTES_MAX);
    open_page(&page, title);
    buf_printf(&page, "<h1>%s</h1><p>%s</p>", title, message);
    close_page(&page);
    return answer_page(call, response, status, &page, STR_EMPTY);
}

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

static int answer_asset(struct http_response *response, struct str body, struct str type)
{
    response->status = 200;
    response->body = body;
    http_response_header(response, STR("Content-Type"), type);
    http_response_header(response, STR("Cache-Control"), STR("max-age=3600"));
    return 0;
}

int style_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)call;
    (void)request;
    return answer_asset(response, STR(style), STR("text/css; charset=utf-8"));
}

int card_script_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    (void)call;
    (void)request;
    return answer_asset(response, STR(script), STR("text/javascript; charset=utf-8"));
}

/* -- The card field ------------------------------------------------------------------------------------------------ */

static void append_field(struct buf *page, const char *name, const char *label, const char *autocomplete,
                         const char *placeholder, bool is_wrong)
{
    buf_printf(page,
               "<div class=\"field\"><label for=\"%s\">%s</label><input id=\"%s\" name=\"card[%s]\" "
               "inputmode=\"numeric\" autocomplete=\"%s\" placeholder=\"%s\" required%s></div>",
               name, label, name, name, autocomplete, placeholder,
               is_wrong ? " aria-invalid=\"true\" aria-describedby=\"error\" autofocus" : "");
}

static int answer_card_page(struct call *call, struct http_response *response, int status, struct str return_url,
                            struct str origin, struct str error, struct str wrong_field)
{
    CLEANUP(buf_free) struct buf page = BUF(PAGE_BYTES_MAX);
    open_page(&page, "Card details");
    buf_append_cstr(&page, "<h1>Card details</h1><form method=\"post\" action=\"/card\" data-origin=\"");
    append_html(&page, origin);
    buf_append_cstr(&page, "\"><input type=\"hidden\" name=\"return_url\" value=\"");
    append_html(&page, return_url);
    buf_append_cstr(&page, "\"><input type=\"hidden\" name=\"origin\" value=\"");
    append_html(&page, origin);
    buf_append_cstr(&page, "\">");
    append_field(&page, "number", "Card number", "cc-number", "4242 4242 4242 4242",
                 str_equal(wrong_field, STR("number")));
    buf_append_cstr(&page, "<div class=\"row\">");
    append_field(&page, "exp_month", "Month", "cc-exp-month", "12", str_equal(wrong_field, STR("exp_month")));
    append_field(&page, "exp_year", "Year", "cc-exp-year", "2034", str_equal(wrong_field, STR("exp_year")));
    append_field(&page, "cvc", "Security code", "cc-csc", "123", str_equal(wrong_field, STR("cvc")));
    buf_append_cstr(&page, "</div><p id=\"error\" class=\"bad\" role=\"alert\">");
    append_html(&page, error);
    buf_append_cstr(&page, "</p><button type=\"submit\">Use this card</button></form>"
                           "<p class=\"soft\">Test mode: no real card is accepted, and nothing is charged.</p>"
                           "<script src=\"/card.js\"></script>");
    close_page(&page);
    return answer_page(call, response, status, &page, origin);
}

/* The shop's origin, of "origin" or of "return_url"; empty when neither is a page of this machine. */
static struct str shop_origin(const struct form *form)
{
    struct str origin = local_origin(form_find(form, "origin"));
    return origin.len > 0 ? origin : local_origin(form_find(form, "return_url"));
}

int card_page_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct form form;
    TRY(form_parse(call->arena, request->query, &form));
    struct str return_url = form_find(&form, "return_url");
    struct str origin = shop_origin(&form);
    if (origin.len == 0 || (return_url.len > 0 && local_origin(return_url).len == 0) || !is_clean(return_url))
        return answer_message(call, response, 400, "This link is not complete",
                              "The card field needs <code>origin</code> or <code>return_url</code>, a page of the shop "
                              "on this machine. Go back to the shop and try again.");
    return answer_card_page(call, response, 200, return_url, origin, STR_EMPTY, STR_EMPTY);
}

struct card_submission {
    struct api api;
    struct method_row method;
};

static int submit_card(struct sql_tx *tx, void *argument)
{
    struct card_submission *submission = argument;
    buf_clear(&submission->api.body);
    submission->api.lacks_id = false;
    TRY(create_method_from_card(&submission->api, tx, &submission->method));
    return submission->api.lacks_id ? ERR_NO_MEMORY : 0;
}

/* Answers the script with JSON, a plain form with a page or a redirect. */
static int answer_submission(struct call *call, struct http_response *response, struct card_submission *submission,
                             bool wants_json, bool accepted)
{
    struct api *api = &submission->api;
    if (wants_json) {
        if (accepted)
            render_method(&api->body, &submission->method);
        response->status = accepted ? 200 : api->status;
        response->body = arena_copy(call->arena, buf_str(&api->body));
        http_response_header(response, STR("Content-Type"), STR("application/json"));
        return response->body.ptr ? 0 : ERR_NO_MEMORY;
    }
    struct str return_url = form_find(&api->form, "return_url");
    if (!accepted) {
        /* One message fits all that a person can have mistyped; the script's form names the field. */
        return answer_card_page(call, response, 402, return_url, shop_origin(&api->form),
                                STR("This card was not accepted. Check its number, date and security code."),
                                STR("number"));
    }
    if (return_url.len == 0)
        return answer_message(call, response, 200, "Card accepted", "You can close this page.");
    const char *parameters = arena_printf(call->arena, "payment_method=%.*s", STR_FORMAT(submission->method.id));
    return parameters ? redirect(call, response, return_url, parameters) : ERR_NO_MEMORY;
}

int card_submit_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct card_submission submission = {.api = {.emulator = emulator_of(call),
                                                 .arena = call->arena,
                                                 .http = request,
                                                 .now_ms = clock_wall_ms(),
                                                 .body = BUF(EMULATOR_BODY_BYTES_MAX)}};
    struct api *api = &submission.api;
    TRY(form_parse(call->arena, request->body, &api->form));
    struct str return_url = form_find(&api->form, "return_url");
    if (shop_origin(&api->form).len == 0 || (return_url.len > 0 && local_origin(return_url).len == 0) ||
        !is_clean(return_url))
        return answer_message(call, response, 400, "This link is not complete", "Go back to the shop and try again.");
    int error = sql_write(call->db, submit_card, &submission);
    if (error == 0 || (error == ERR_INVALID && api->body.len > 0)) {
        bool wants_json = str_find(http_header_find(request, "accept"), STR("application/json")) >= 0;
        error = answer_submission(call, response, &submission, wants_json, error == 0);
    }
    buf_free(&api->body);
    return error;
}

/* -- The challenge ------------------------------------------------------------------------------------------------- */

struct challenge {
    struct api api;
    struct intent_row intent;
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
    return 0;
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
                                                .now_ms = clock_wall_ms(),
                                                .base_url = str_from_cstr(emulator_of(call)->base_url),
                                                .body = BUF(EMULATOR_BODY_BYTES_MAX)}};
    return form_parse(call->arena, parameters, &ret_challenge->api.form);
}

static int answer_unknown_challenge(struct call *call, struct http_response *response)
{
    return answer_message(call, response, 404, "There is no such payment",
                          "The link may be old. Go back to the shop and look at your order.");
}

static bool has_return_url(const struct intent_row *intent)
{
    return local_origin(intent->return_url).len > 0 && is_clean(intent->return_url);
}

static int redirect_back(struct call *call, struct http_response *response, const struct intent_row *intent)
{
    bool paid = str_equal(intent->status, STR("requires_capture")) || str_equal(intent->status, STR("succeeded"));
    if (!has_return_url(intent))
        return answer_message(call, response, 200, paid ? "Payment approved" : "Payment not approved",
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

static void append_challenge(struct buf *page, const struct intent_row *intent)
{
    buf_append_cstr(page, "<h1>Approve this payment</h1><p>Your bank asks whether it is you who pays.</p>"
                          "<dl><dt>Amount</dt><dd>");
    append_money(page, intent->amount, intent->currency);
    buf_append_cstr(page, "</dd><dt>Payment</dt><dd>");
    append_html(page, intent->id);
    buf_printf(page, "</dd></dl><form method=\"post\" action=\"/challenge/%.*s\">", STR_FORMAT(intent->id));
    buf_append_cstr(page, "<input type=\"hidden\" name=\"payment_intent_client_secret\" value=\"");
    append_html(page, intent->client_secret);
    buf_append_cstr(page, "\"><button name=\"decision\" value=\"approve\">Approve payment</button>"
                          "<button class=\"second\" name=\"decision\" value=\"refuse\">Refuse payment</button></form>"
                          "<p class=\"soft\">Test mode: nothing is charged.</p>");
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
    open_page(&page, "Approve this payment");
    append_challenge(&page, &challenge.intent);
    close_page(&page);
    return answer_page(call, response, 200, &page, local_origin(challenge.intent.return_url));
}

int challenge_submit_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct challenge challenge;
    TRY(prepare_challenge(call, request, request->body, &challenge));
    struct str decision = form_find(&challenge.api.form, "decision");
    challenge.approve = str_equal(decision, STR("approve"));
    if (!challenge.approve && !str_equal(decision, STR("refuse")))
        return answer_message(call, response, 400, "Nothing was decided", "Go back and approve or refuse.");
    int error = sql_write(call->db, decide_challenge, &challenge);
    buf_free(&challenge.api.body);
    if (error == ERR_NOT_FOUND)
        return answer_unknown_challenge(call, response);
    TRY(error);
    if (challenge.api.told)
        deliverer_wake(emulator_of(call)->deliverer);
    return redirect_back(call, response, &challenge.intent);
}
