#include "platform/wire/api_page.h"

#include "platform/wire/assets.h"

bool api_page_find(struct str name, struct api_page_file *ret_file)
{
    const struct {
        struct str name;
        struct api_page_file file;
    } files[] = {
        {STR(""), {wire_asset_api_html, "text/html; charset=utf-8"}},
        {STR("/"), {wire_asset_api_html, "text/html; charset=utf-8"}},
        {STR("/api.css"), {wire_asset_api_css, "text/css; charset=utf-8"}},
        {STR("/api.js"), {wire_asset_api_js, "text/javascript; charset=utf-8"}},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (str_equal(name, files[i].name)) {
            *ret_file = files[i].file;
            return true;
        }
    }
    return false;
}
