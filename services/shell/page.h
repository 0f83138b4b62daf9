/* A page on its way to its document: what was asked for, and what is shown.
 *
 * Each kind of page is a row of a table (page.c): the path, who may keep it, and the function that fills its part of
 * the document from the services. The same row serves the page as HTML and as JSON. Whatever is read is read by the
 * services' clients: for a page that is the same for everybody as a service, for a page of a person on their behalf.
 * Everything lies in the call's arena. */
#pragma once

#include "services/shell/shell.h"

#include <stdbool.h>

#define PAGE_PATH_MAX 2000

/* What a page may be told by its address; empty where it is not, and what else stands there is passed over. */
struct page_query {
    struct str q, category, brand, sort, cursor, return_to;
    bool placed; /* the order was just placed */
};

struct page;

struct page_row {
    const char *path; /* "/products/{slug}": one parameter at the most, at the end */
    const char *kind; /* of the document */
    int (*fill)(struct page *page);
    bool personal;        /* filled on behalf of who asks, and kept by nobody */
    bool needs_signed_in; /* who is not is sent to sign in */
    bool no_index;        /* not for search engines */
};

struct page {
    struct call *call;
    const struct shell_state *shell;
    const struct page_row *row;
    struct str target;    /* path and query, as asked for */
    struct str parameter; /* of the path, decoded; empty without */
    struct page_query query;
    Pages__Page *document;
    bool is_makeshift; /* what is shown is not what another time may be: nobody keeps it */
};

/* Finds the row of a target ("/search?q=x") and reads its query. ERR_NOT_FOUND, ERR_INVALID with the call's problem. */
int page_find(struct call *call, struct str target, Pages__Page *document, struct page *ret_page);

/* Fills the whole document: site, the page's part, meta, galleries and, of a personal page, the visitor.
 * ERR_UNAUTHENTICATED where somebody has to sign in first. */
int page_fill(struct page *page);

/* -- For the functions that fill ----------------------------------------------------------------------------------- */

/* A copy in the arena, NUL-terminated. ERR_NO_MEMORY. */
int page_text(struct page *page, struct str text, char **ret_text);
int page_printf(struct page *page, char **ret_text, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Adds the pictures that stand for an image_url: all of them, or the first. An address of another host has none. */
int page_add_gallery(struct page *page, const char *image_url, bool whole);

/* product_card.c: what a list shows of products, with the first picture of each. */
int page_add_card(struct page *page, const Catalog__Product *product, Pages__ProductCard **ret_card);
int page_add_cards(struct page *page, Catalog__Product *const *products, size_t count, size_t *ret_count,
                   Pages__ProductCard ***ret_cards);

/* Title, description and canonical address; the title stands for a description that is NULL or empty. */
int page_describe(struct page *page, const char *title, const char *description, const char *canonical);

/* document_catalog.c */
int fill_home(struct page *page);
int fill_category(struct page *page);
int fill_search(struct page *page);
int fill_product(struct page *page);

/* document_orders.c */
int fill_cart(struct page *page);
int fill_checkout(struct page *page);
int fill_order(struct page *page);
int fill_orders(struct page *page);

/* card_field.c */
int page_add_card_field(struct page *page, Pages__CheckoutPage *shown);

/* document_account.c */
int fill_access(struct page *page);
int fill_account(struct page *page);
int page_add_visitor(struct page *page);

/* site.c */
int page_add_site(struct page *page);
int page_name_site(struct page *page); /* without what the catalog knows: categories */
const Catalog__Category *page_find_category(const struct page *page, const char *slug);

/* -- Around it ----------------------------------------------------------------------------------------------------- */

/* problem_page.c: the document that says why there is no page: of the call's problem. What else it shows (categories)
 * is left out where that fails too. */
int page_fill_problem(struct page *page);

/* markup.c: the whole HTML of a document, with the status that response has. Fails as long as nothing can be shown: the
 * pages are not built, or memory is out. */
int page_write(struct page *page, struct http_response *response);

/* render.c: appends the HTML of the page's root, rendered from the document's JSON. False, and nothing at all, when
 * that cannot be had, which is logged: the browser renders it then. Where the document is not to blame, the page is
 * makeshift. */
bool page_render(struct page *page, struct str json, struct buf *html);
