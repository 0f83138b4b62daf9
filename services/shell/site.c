/* What stands around every page: the shop's name, its money, its categories. */
#include "services/shell/page.h"

#include "platform/service/host.h"
#include "platform/wire/wire.h"

static int add_categories(struct page *page, Pages__Site *site)
{
    Catalog__ListCategoriesRequest in = CATALOG__LIST_CATEGORIES_REQUEST__INIT;
    Catalog__ListCategoriesReply out = CATALOG__LIST_CATEGORIES_REPLY__INIT;

    TRY(catalog_list_categories(page->call, &in, &out));
    site->n_categories = out.n_categories;
    site->categories = out.categories;
    return 0;
}

int page_name_site(struct page *page)
{
    const struct shell_state *shell = page->shell;
    Pages__Site *site = (void *)wire_message_new(page->call->arena, &pages__site__descriptor);

    if (!site)
        return ERR_NO_MEMORY;
    page->document->site = site;
    TRY(page_text(page, shell->name, &site->name));
    TRY(page_text(page, shell->locale, &site->locale));
    TRY(page_text(page, shell->currency, &site->currency));
    TRY(page_text(page, shell->country, &site->country));
    return page_text(page, host_public_url(page->call->host), &site->url);
}

int page_add_site(struct page *page)
{
    TRY(page_name_site(page));
    return add_categories(page, page->document->site);
}

const Catalog__Category *page_find_category(const struct page *page, const char *slug)
{
    const Pages__Site *site = page->document->site;

    for (size_t i = 0; slug && i < site->n_categories; i++) {
        if (strcmp(site->categories[i]->slug, slug) == 0)
            return site->categories[i];
    }
    return NULL;
}
