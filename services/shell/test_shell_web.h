/* A folder as the build makes it, small: an app with a script in three forms and a style, pictures of a kettle, and
 * such of a pot as nobody can read. */
#pragma once

#include "platform/base/test_folder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static inline void test_web_put(const char *folder, const char *name, const char *text)
{
    char path[TEST_FOLDER_BYTES + 200];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
}

static inline void test_web_fill(const char *folder)
{
    static const char *const folders[] = {"frontend", "frontend/assets", "frontend/assets/shell", "frontend/server",
                                          "pictures"};
    char path[TEST_FOLDER_BYTES + 200];

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
        if (mkdir(path, 0700) != 0)
            abort();
    }
    test_web_put(folder, "secret.txt", "not for anybody");
    test_web_put(folder, "frontend/secret.js", "not for anybody");
    test_web_put(folder, "frontend/assets/shell/main.1a2b3c.js", "the script");
    test_web_put(folder, "frontend/assets/shell/main.1a2b3c.js.gz", "by gzip");
    test_web_put(folder, "frontend/assets/shell/main.1a2b3c.js.br", "by brotli");
    test_web_put(folder, "frontend/assets/shell/main.1a2b3c.js.map", "the map");
    test_web_put(folder, "frontend/assets/shell/main.4d5e6f.css", "the style");
    test_web_put(folder, "frontend/assets/shell/favicon.svg", "<svg/>");
    test_web_put(folder, "frontend/manifest.json",
                 "{\"apps\":{\"shell\":{\"scripts\":[\"/assets/shell/main.1a2b3c.js\"],"
                 "\"styles\":[\"/assets/shell/main.4d5e6f.css\"]}},"
                 "\"kinds\":{\"product\":{\"preloads\":[\"/assets/shell/main.1a2b3c.js\"]}}}");
    test_web_put(folder, "pictures/kettle-320.webp", "a picture");
    test_web_put(folder, "pictures/pictures.json",
                 "{\"/pictures/kettle\":{\"pictures\":["
                 "{\"src\":\"/pictures/kettle\",\"widths\":[320],\"formats\":[\"webp\"],\"width\":320,\"height\":320,"
                 "\"alt\":\"A kettle\"},"
                 "{\"src\":\"/pictures/kettle-side\",\"widths\":[320],\"formats\":[\"webp\"],\"width\":320,"
                 "\"height\":320}]},"
                 "\"/pictures/pot\":{\"pictures\":[{\"unknown\":1}]}}");
}
