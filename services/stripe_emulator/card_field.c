/* The card field: a page that stands in a frame of the shop's checkout. Its script (assets/card_field.js) makes the
 * payment method here, with the publishable key, and tells the shop's page its name. */
#include "platform/base/encode.h"
#include "services/stripe_emulator/pages.h"

struct field {
    const char *id, *label, *autocomplete, *placeholder, *class_name, *inside;
};

static const struct field fields[] = {
    {"number", "Card number", "cc-number", "1234 1234 1234 1234", "wide",
     "<span id=\"brand\" class=\"brand\" aria-live=\"polite\"></span>"},
    {"expiry", "Expiry date", "cc-exp", "MM / YY", "half", ""},
    {"cvc", "Security code", "cc-csc", "CVC", "half", ""},
};

static void append_field(struct buf *page, const struct field *field)
{
    buf_printf(page,
               "<div class=\"%s\"><label for=\"%s\">%s</label><div class=\"box\"><input id=\"%s\" type=\"text\" "
               "inputmode=\"numeric\" autocomplete=\"%s\" placeholder=\"%s\" spellcheck=\"false\" required "
               "aria-describedby=\"%s-error\">%s</div><p id=\"%s-error\" class=\"bad\" aria-live=\"polite\"></p></div>",
               field->class_name, field->id, field->label, field->id, field->autocomplete, field->placeholder,
               field->id, field->inside, field->id);
}

static void append_form(struct buf *page, struct str origin, struct str key)
{
    buf_append_cstr(page, "<form novalidate data-origin=\"");
    encode_html(page, origin);
    buf_append_cstr(page, "\" data-key=\"");
    encode_html(page, key);
    buf_append_cstr(page, "\">");
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        append_field(page, &fields[i]);
    buf_append_cstr(page,
                    "<p id=\"form-error\" class=\"bad wide\" role=\"alert\"></p>"
                    "<p class=\"soft wide\">Test mode: no real card is accepted. Try 4242 4242 4242 4242 with any "
                    "date to come and any code.</p></form>"
                    "<noscript><p class=\"bad\">The card field needs JavaScript.</p></noscript>");
}

int card_field_route(struct call *call, const struct http_request *request, struct http_response *response)
{
    struct form form;
    int error = form_parse(call->arena, request->query, &form);
    if (error == ERR_NO_MEMORY)
        return error;
    struct str asked = error ? STR_EMPTY : form_find(&form, "origin");
    struct str origin = page_shop_origin(call, asked);
    if (origin.len == 0 || origin.len != asked.len)
        return emulator_page_answer_message(
            call, response, 400, "This address is not complete",
            "The card field needs <code>origin</code>, where the shop is: its public address, or "
            "one of this machine.");
    CLEANUP(buf_free) struct buf page = BUF(PAGE_BYTES_MAX);
    emulator_page_open(&page, "Card details", "card-field");
    append_form(&page, origin, str_from_cstr(emulator_of(call)->publishable_key));
    page_close(&page, "/card_field.js");
    return emulator_page_answer(call, response, 200, &page, origin, STR_EMPTY);
}
