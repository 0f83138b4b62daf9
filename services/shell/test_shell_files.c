/* Proves that the files of the build come in the form that the client takes, with their types and how long they hold;
 * that nothing else of the machine does; and that a shop without them starts. */
#include "platform/service/test_host.h"
#include "services/catalog/test_catalog.h"
#include "services/services.h"
#include "services/shell/test_shell_web.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define SCRIPT "/assets/shell/main.1a2b3c.js"

static struct test_host fixture;
static char web[TEST_FOLDER_BYTES];

static void start(struct test_host *test, const char *folder)
{
    static const struct service *const services[] = {&catalog_service, &shell_service, NULL};
    char setting[TEST_FOLDER_BYTES + 40];
    char *environment[] = {setting, NULL};

    snprintf(setting, sizeof(setting), "SHOPSTREAM_WEB=%s", folder);
    test_host_start(test, services, environment);
}

static int begin(void **state)
{
    (void)state;
    log_configure(2, LOG_LEVEL_NONE, LOG_FORMAT_AUTOMATIC);
    test_folder_make(web);
    test_web_fill(web);
    start(&fixture, web);
    return 0;
}

static int end(void **state)
{
    (void)state;
    test_host_end(&fixture);
    test_folder_remove(web);
    return 0;
}

static struct test_answer get_with(const char *path, const char *name, const char *value)
{
    const char *headers[] = {name, value, NULL};

    return test_host_http(&fixture, HTTP_GET, path, headers, NULL);
}

static struct test_answer get(const char *path)
{
    return get_with(path, NULL, NULL);
}

static const char *header(struct test_answer answer, const char *name)
{
    return test_host_header(&fixture, &answer, name);
}

static void test_assets__come_as_the_client_takes_them(void **state)
{
    (void)state;
    static const struct {
        const char *accepted, *body, *coding;
    } cases[] = {
        {NULL, "the script", NULL},
        {"identity", "the script", NULL},
        {"gzip, deflate, br", "by brotli", "br"},
        {"gzip;q=1.0", "by gzip", "gzip"},
        {"br;q=0, gzip", "by gzip", "gzip"},
        {"br;q=0.000, gzip;q=0", "the script", NULL},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct test_answer answer = get_with(SCRIPT, cases[i].accepted ? "accept-encoding" : NULL, cases[i].accepted);

        assert_int_equal(answer.status, 200);
        assert_true(str_equal_cstr(answer.body, cases[i].body));
        if (cases[i].coding)
            assert_string_equal(header(answer, "Content-Encoding"), cases[i].coding);
        else
            assert_null(header(answer, "Content-Encoding"));
        assert_string_equal(header(answer, "Vary"), "Accept-Encoding");
        assert_string_equal(header(answer, "Content-Type"), "text/javascript; charset=utf-8");
        assert_string_equal(header(answer, "Cache-Control"), "public, max-age=31536000, immutable");
        assert_string_equal(header(answer, "X-Content-Type-Options"), "nosniff");
        assert_int_equal(get_with(SCRIPT, "if-none-match", header(answer, "ETag")).status, cases[i].coding ? 200 : 304);
    }
    assert_string_equal(header(get("/assets/shell/favicon.svg"), "Cache-Control"), "public, max-age=3600");
    assert_string_equal(header(get("/favicon.ico"), "Content-Type"), "image/svg+xml; charset=utf-8");
}

static void test_pictures__are_read_from_their_folder(void **state)
{
    (void)state;
    struct test_answer answer = get("/pictures/kettle-320.webp");

    assert_int_equal(answer.status, 200);
    assert_true(str_equal_cstr(answer.body, "a picture"));
    assert_string_equal(header(answer, "Content-Type"), "image/webp");
    assert_string_equal(header(answer, "Cache-Control"), "public, max-age=604800");
    assert_int_equal(get_with("/pictures/kettle-320.webp", "if-none-match", header(answer, "ETag")).status, 304);
}

/* By no spelling of a path out of its folder. */
static void test_files__nothing_else_is_served(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/assets/shell/main.1a2b3c.js.map",
        "/assets/shell/main.1a2b3c.js.gz",
        "/assets/shell/",
        "/assets/shell/..%2f..%2fsecret.js",
        "/assets/../secret.txt",
        "/assets/%2e%2e/secret.js",
        "/assets/shell/%2e%2e/secret.js",
        "/pictures/pictures.json",
        "/pictures/..%2fsecret.txt",
        "/pictures/../secret.txt",
        "/pictures/%2e%2e%2fsecret.txt",
        "/pictures/.",
        "/pictures/..",
        "/pictures/kettle-320.webp%00",
        "/pictures//etc/passwd",
        "/pictures/none-320.webp",
    };

    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        assert_int_equal(get(paths[i]).status, 404);
    if (symlink("../secret.txt", arena_printf(fixture.arena, "%s/pictures/link.webp", web)) == 0)
        assert_int_not_equal(get("/pictures/link.webp").status, 200);
}

static void add_product(const char *title, const char *code, char *image_url)
{
    Catalog__UpdateProductRequest in = CATALOG__UPDATE_PRODUCT_REQUEST__INIT;
    Catalog__Product out = CATALOG__PRODUCT__INIT;
    Catalog__Product *product = test_catalog_create(
        &fixture, &(struct test_product){.title = title, .code = code, .amount = 100, .available = 1});

    in.id = product->id;
    in.image_url = image_url;
    assert_int_equal(catalog_update_product(test_host_call(&fixture, "catalog"), &in, &out), 0);
}

static void test_web__a_product_has_its_gallery(void **state)
{
    (void)state;
    add_product("Kettle", "K-1", (char[]){"/pictures/kettle"});
    struct test_answer page = get("/products/kettle"), list = get("/search?q=kettle");
    assert_true(str_find(page.body, STR("\"galleries\":{\"/pictures/kettle\":{\"pictures\":[{\"src\"")) > 0);
    assert_true(str_find(page.body, STR("/pictures/kettle-side")) > 0);
    assert_true(str_find(page.body, STR("og:image\" content=\"http://localhost:3000/pictures/kettle-320.webp\"")) > 0);
    assert_true(str_find(list.body, STR("/pictures/kettle\"")) > 0);
    assert_true(str_find(list.body, STR("/pictures/kettle-side")) < 0);
}

static void test_web__pictures_that_cannot_be_read_are_one_products_alone(void **state)
{
    (void)state;
    add_product("Pot", "P-1", (char[]){"/pictures/pot"});
    for (int i = 0; i < 2; i++) {
        struct test_answer page = get("/api/shell/v1/pages?path=/products/pot");

        assert_int_equal(page.status, 200);
        assert_true(str_find(page.body, STR("\"image_url\":\"/pictures/pot\"")) > 0);
        assert_true(str_find(page.body, STR("\"/pictures/pot\":")) < 0);
    }
}

static void test_web__a_shop_without_it_starts_and_says_so(void **state)
{
    (void)state;
    struct test_host bare = {.host = NULL};
    const char *const headers[] = {"accept", "text/html", NULL};

    start(&bare, "/nonexistent/folder");
    struct test_answer page = test_host_http(&bare, HTTP_GET, "/", headers, NULL);
    assert_int_equal(page.status, 404);
    assert_true(str_find(page.body, STR("not built")) > 0);
    assert_int_equal(test_host_http(&bare, HTTP_GET, "/nothing", headers, NULL).status, 404);
    assert_int_equal(test_host_http(&bare, HTTP_GET, "/pictures/kettle-320.webp", NULL, NULL).status, 404);
    assert_int_equal(test_host_http(&bare, HTTP_GET, "/api/openapi.json", NULL, NULL).status, 200);
    test_host_end(&bare);
}

/* What is not as the build makes it is told in the log, and does not keep the shop from its other pages. */
static void test_web__a_broken_manifest_is_no_pages(void **state)
{
    (void)state;
    static const char *const manifests[] = {"",
                                            "{",
                                            "[]",
                                            "{\"apps\":{}}",
                                            "{\"apps\":{\"shell\":{\"scripts\":[\"/assets/shell/none.js\"]}}}",
                                            "{\"apps\":{\"shell\":{\"scripts\":[1]}}}",
                                            "{\"apps\":{\"shell\":{\"scripts\":[\"https://evil.example/x.js\"]}}}"};

    for (size_t i = 0; i < sizeof(manifests) / sizeof(manifests[0]); i++) {
        struct test_host broken = {.host = NULL};
        char folder[TEST_FOLDER_BYTES];

        test_folder_make(folder);
        test_web_fill(folder);
        test_web_put(folder, "frontend/manifest.json", manifests[i]);
        test_web_put(folder, "pictures/pictures.json", "{\"/pictures/kettle\":{\"pictures\":[{\"unknown\":1}]}}");
        start(&broken, folder);
        assert_int_equal(test_host_http(&broken, HTTP_GET, "/", NULL, NULL).status, 404);
        assert_int_equal(test_host_http(&broken, HTTP_GET, "/pictures/kettle-320.webp", NULL, NULL).status, 200);
        test_host_end(&broken);
        test_folder_remove(folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_assets__come_as_the_client_takes_them),
        cmocka_unit_test(test_pictures__are_read_from_their_folder),
        cmocka_unit_test(test_files__nothing_else_is_served),
        cmocka_unit_test(test_web__a_product_has_its_gallery),
        cmocka_unit_test(test_web__pictures_that_cannot_be_read_are_one_products_alone),
        cmocka_unit_test(test_web__a_shop_without_it_starts_and_says_so),
        cmocka_unit_test(test_web__a_broken_manifest_is_no_pages),
    };

    return cmocka_run_group_tests_name("shell files", tests, begin, end);
}
