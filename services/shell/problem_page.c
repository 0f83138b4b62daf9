/* The page in place of a page: what happened, in the shop's own clothes. */
#include "platform/wire/wire.h"
#include "services/shell/page.h"

#include <stdio.h>

static const struct page_row error_row = {.path = "", .kind = "error", .personal = true, .no_index = true};

static const struct {
    int status;
    const char *title, *detail;
} words[] = {
    {400, "This address does not make sense", "Something in it is not as it should be."},
    {401, "Sign in first", "This page is for who is signed in."},
    {403, "This is not yours to see", "Your account may not open this page."},
    {404, "There is nothing here", "The page may have moved, or the product is no longer for sale."},
    {429, "That was a lot at once", "Wait a moment, then try again."},
    {503, "The shop needs a moment", "A part of it does not answer right now. Nothing was lost: try again soon."},
    {504, "That took too long", "Nothing was done. Try again in a moment."},
    {500, "Something went wrong", "It is our fault, and we were told of it. Try again in a moment."},
};

static size_t find_words(int status)
{
    size_t i = 0;

    while (i + 1 < sizeof(words) / sizeof(words[0]) && words[i].status != status)
        i++;
    return i;
}

/* Who asks for a shop that there is not sees nothing of another one. */
static bool has_shop(const struct call *call)
{
    struct str code = str_from_cstr(call->problem.code);

    return call->tenant.len && !str_equal(code, STR("no_such_host")) && !str_equal(code, STR("no_such_tenant"));
}

/* The catalog may be what failed: then there are no categories. */
static int add_site(struct page *page)
{
    if (has_shop(page->call) && page_add_site(page) >= 0)
        return 0;
    return page_name_site(page);
}

int page_fill_problem(struct page *page)
{
    struct call *call = page->call;
    int status = error_http_status(call->problem.error);
    size_t found = find_words(status);
    Pages__Page *document = page->document;
    Pages__ErrorPage *error = (void *)wire_message_new(call->arena, &pages__error_page__descriptor);
    Pages__Meta *meta = (void *)wire_message_new(call->arena, &pages__meta__descriptor);

    if (!error || !meta)
        return ERR_NO_MEMORY;
    document->meta = meta;
    document->error = error;
    meta->has_no_index = meta->no_index = true;
    error->has_status = true;
    error->status = status;
    TRY(page_text(page, str_from_cstr(error_row.kind), &document->kind));
    if (page->target.len <= PAGE_PATH_MAX && str_is_utf8(page->target))
        TRY(page_text(page, page->target, &document->path));
    TRY(page_text(page, str_from_cstr(words[found].title), &error->title));
    TRY(page_text(page, str_from_cstr(words[found].detail), &error->detail));
    TRY(page_text(page, call->log.trace_id, &error->trace_id));
    TRY(add_site(page));
    return page_printf(page, &meta->title, "%s – %.*s", words[found].title, STR_FORMAT(page->shell->name));
}

int show_problem_page(struct call *call, const struct http_request *request, struct http_response *response)
{
    Pages__Page document = PAGES__PAGE__INIT;
    struct page page = {
        .call = call, .shell = call->state, .row = &error_row, .target = request->target, .document = &document};

    TRY(page_fill_problem(&page));
    return page_write(&page, response);
}
