#include "services/shell/page.h"

#include "platform/wire/wire.h"
#include "services/shell/href.h"
#include "services/shell/web.h"

#include <stdio.h>

static const struct page_row rows[] = {
    {"/", "home", fill_home, .personal = false},
    {"/c/{category}", "listing", fill_category, .personal = false},
    {"/search", "listing", fill_search, .no_index = true},
    {"/products/{slug}", "product", fill_product, .personal = false},
    {"/cart", "cart", fill_cart, .personal = true, .no_index = true},
    {"/checkout", "checkout", fill_checkout, .personal = true, .no_index = true},
    {"/orders", "orders", fill_orders, .personal = true, .needs_signed_in = true, .no_index = true},
    {"/orders/{id}", "order", fill_order, .personal = true, .no_index = true},
    {"/login", "login", fill_access, .personal = true, .no_index = true},
    {"/signup", "signup", fill_access, .personal = true, .no_index = true},
    {"/verify", "verify", fill_access, .personal = true, .no_index = true},
    {"/forgot", "forgot", fill_access, .personal = true, .no_index = true},
    {"/account", "account", fill_account, .personal = true, .needs_signed_in = true, .no_index = true},
};

/* -- Which page ---------------------------------------------------------------------------------------------------- */

/* The parameter stays encoded. */
static bool matches(const struct page_row *row, struct str path, struct str *ret_parameter)
{
    struct str pattern = str_from_cstr(row->path);
    ptrdiff_t brace = str_find_char(pattern, '{');

    *ret_parameter = STR_EMPTY;
    if (brace < 0)
        return str_equal(pattern, path);
    if (!str_starts_with(path, str_slice(pattern, 0, (size_t)brace)))
        return false;
    *ret_parameter = str_skip(path, (size_t)brace);
    return ret_parameter->len > 0 && str_find_char(*ret_parameter, '/') < 0;
}

static int find_row(struct page *page, struct str path)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct str encoded;

        if (!matches(&rows[i], path, &encoded))
            continue;
        page->row = &rows[i];
        int result = http_path_decode(page->call->arena, encoded, &page->parameter);
        if (result == ERR_INVALID)
            return call_fail(page->call, ERR_INVALID, "invalid_path", NULL, "The path is not well-formed.");
        return result;
    }
    return call_fail(page->call, ERR_NOT_FOUND, "no_such_page", NULL, "There is no page at this address.");
}

static void take(struct page_query *query, struct str name, struct str value)
{
    const struct {
        const char *name;
        struct str *place;
    } places[] = {
        {"q", &query->q},       {"category", &query->category}, {"brand", &query->brand},
        {"sort", &query->sort}, {"cursor", &query->cursor},     {"return_to", &query->return_to},
    };

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (str_equal_cstr(name, places[i].name) && !places[i].place->len)
            *places[i].place = value;
    }
    if (str_equal_cstr(name, "placed"))
        query->placed = true;
}

static int read_query(struct page *page, struct str query)
{
    struct str name, value;
    int result;

    while ((result = http_query_next(page->call->arena, &query, &name, &value)) > 0)
        take(&page->query, name, value);
    if (result == ERR_INVALID)
        return call_fail(page->call, ERR_INVALID, "invalid_query", "?", "The query is not well-formed.");
    return result;
}

int page_find(struct call *call, struct str target, Pages__Page *document, struct page *ret_page)
{
    ptrdiff_t question = str_find_char(target, '?');
    struct str path = question < 0 ? target : str_slice(target, 0, (size_t)question);

    *ret_page = (struct page){.call = call, .shell = call->state, .target = target, .document = document};
    if (target.len > PAGE_PATH_MAX)
        return call_fail(call, ERR_NOT_FOUND, "no_such_page", NULL, "No page has an address as long as this.");
    TRY(find_row(ret_page, path));
    return question < 0 ? 0 : read_query(ret_page, str_skip(target, (size_t)question + 1));
}

/* -- Its document -------------------------------------------------------------------------------------------------- */

int page_text(struct page *page, struct str text, char **ret_text)
{
    char *copy = arena_cstr(page->call->arena, text);

    if (!copy)
        return ERR_NO_MEMORY;
    *ret_text = copy;
    return 0;
}

int page_printf(struct page *page, char **ret_text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    char *text = arena_vprintf(page->call->arena, format, arguments);
    va_end(arguments);
    if (!text)
        return ERR_NO_MEMORY;
    *ret_text = text;
    return 0;
}

/* The first words of a text, as a search engine or a preview shows them. */
#define DESCRIPTION_BYTES_MAX 200

static struct str shorten(struct str text)
{
    if (text.len <= DESCRIPTION_BYTES_MAX)
        return text;
    struct str cut = str_slice(text, 0, DESCRIPTION_BYTES_MAX);

    while (cut.len > DESCRIPTION_BYTES_MAX / 2 && cut.ptr[cut.len - 1] != ' ')
        cut.len--;
    while (cut.len > 0 && !str_is_utf8(cut))
        cut.len--;
    return cut;
}

int page_describe(struct page *page, const char *title, const char *description, const char *canonical)
{
    Pages__Meta *meta = page->document->meta;

    TRY(page_printf(page, &meta->title, "%s – %.*s", title, STR_FORMAT(page->shell->name)));
    const char *said = description && *description ? description : title;
    TRY(page_text(page, shorten(str_from_cstr(said)), &meta->description));
    return page_text(page, str_from_cstr(canonical), &meta->canonical);
}

static int add_meta(struct page *page)
{
    Pages__Meta *meta = (void *)wire_message_new(page->call->arena, &pages__meta__descriptor);

    if (!meta)
        return ERR_NO_MEMORY;
    meta->no_index = page->row->no_index;
    meta->has_no_index = meta->no_index;
    page->document->meta = meta;
    return 0;
}

static int check_person(struct page *page)
{
    if (!page->row->needs_signed_in || page->call->who.user_id.len)
        return 0;
    return call_fail(page->call, ERR_UNAUTHENTICATED, "sign_in_required", NULL, "Sign in first: this page is yours.");
}

int page_fill(struct page *page)
{
    Pages__Page *document = page->document;

    TRY(check_person(page));
    TRY(page_text(page, str_from_cstr(page->row->kind), &document->kind));
    TRY(page_text(page, page->target, &document->path));
    TRY(add_meta(page));
    TRY(page_add_site(page));
    if (page->row->personal && page->call->who.user_id.len)
        TRY(page_add_visitor(page));
    return page->row->fill(page);
}

static bool has_gallery(const Pages__Page *document, const char *image_url)
{
    for (size_t i = 0; i < document->n_galleries; i++) {
        if (strcmp(document->galleries[i]->key, image_url) == 0)
            return true;
    }
    return false;
}

int page_add_gallery(struct page *page, const char *image_url, bool whole)
{
    Pages__Page *document = page->document;
    Pages__Gallery *found = image_url ? web_find_gallery(page->shell->web, str_from_cstr(image_url)) : NULL;

    if (!found || has_gallery(document, image_url))
        return 0;
    Pages__Page__GalleriesEntry *entry =
        (void *)wire_message_new(page->call->arena, &pages__page__galleries_entry__descriptor);
    Pages__Gallery *shown = (void *)wire_message_new(page->call->arena, &pages__gallery__descriptor);
    Pages__Page__GalleriesEntry **entries =
        arena_alloc_array(page->call->arena, document->n_galleries + 1, sizeof(entries[0]));
    if (!entry || !shown || !entries)
        return ERR_NO_MEMORY;
    shown->pictures = found->pictures;
    shown->n_pictures = whole || found->n_pictures == 0 ? found->n_pictures : 1;
    entry->key = (char *)(uintptr_t)image_url;
    entry->value = shown;
    if (document->n_galleries)
        memcpy(entries, document->galleries, document->n_galleries * sizeof(entries[0]));
    entries[document->n_galleries++] = entry;
    document->galleries = entries;
    return 0;
}
