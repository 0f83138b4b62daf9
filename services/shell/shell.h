/* What the files of this service share: the shop as it was configured, and what the build made for browsers. */
#pragma once

#include "platform/base/task.h"
#include "platform/service/call.h"
#include "shopstream/catalog/v1/catalog.rpc.h"
#include "shopstream/identity/v1/identity.rpc.h"
#include "shopstream/orders/v1/orders.rpc.h"
#include "shopstream/shell/v1/pages.rpc.h"

struct web;
struct page_renderer;

struct shell_state {
    struct task_mutex mutex; /* of openapi, which is NULL until it is asked for */
    struct http_blob *openapi;
    struct web *web;                /* the built files; never NULL, but perhaps without any */
    struct page_renderer *renderer; /* NULL: the browser renders */
    struct str name, locale, country, currency;
};

/* render.c: begins to start the renderer, and returns. Without the bundle, or where it does not evaluate, there will be
 * none, which is logged. ERR_NO_MEMORY alone; stopped also then. */
int shell_start_renderer(struct shell_state *shell);
void shell_stop_renderer(struct shell_state *shell);

/* -- service.c: the rows that are no pages ------------------------------------------------------------------------- */

shell_get_page_fn get_page;
shell_get_visitor_fn get_visitor;

raw_handler show_page, show_asset, show_favicon, show_picture, show_robots, show_sitemap, show_sitemap_part;

/* The page that says why there is none (service.h). */
raw_handler show_problem_page;
