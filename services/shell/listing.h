/* A list of products with the links around it: facets, orders, pages. All of them are plain links, put together here.
 */
#pragma once

#include "services/shell/page.h"

#define LISTING_PRODUCTS 24

/* Fills the list by the page's query: of a category (its slug), or of a search, where category is NULL. The links stay
 * on path. */
int listing_fill(struct page *page, const char *path, const char *category, Pages__ListingPage *listing);
