/* The head of a page's HTML: what search engines, previews and the browser are told of it. */
#pragma once

#include "services/shell/page.h"

/* From <title> to the scripts; everything between <head> and </head>. */
void head_write(const struct shell_state *shell, const Pages__Page *document, struct buf *buf);

/* The value of a Link header that has the browser fetch styles and scripts before it has read the page (RFC 8288, and
 * preload of HTML); empty when there is nothing to fetch. */
void head_write_links(const struct shell_state *shell, const char *kind, struct buf *buf);

/* seo.c: schema.org's words on the page, as one script of JSON-LD, or nothing. */
void seo_write(const struct shell_state *shell, const Pages__Page *document, struct buf *buf);

/* The address of the picture that stands for the page: of a gallery the largest file that everybody can show; an
 * address of another host as it is. Absolute; false without one. */
bool head_write_image(const struct shell_state *shell, const Pages__Page *document, const char *image_url,
                      struct buf *buf);
