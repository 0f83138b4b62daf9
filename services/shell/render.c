/* The HTML of a page's root. */
#include "services/shell/page.h"

void page_render(struct page *page, struct str json, struct buf *html)
{
    (void)page;
    (void)json;
    (void)html;
}
