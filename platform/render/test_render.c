/* Small bundles written by hand, in contexts as the shop has them, in their sandbox where the build has one. */
#include "platform/render/render.h"

#include "platform/base/task.h"
#include "platform/ports/clock/clock.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 60000
#define RENDER_TIME_MS 300
#ifdef SHOPSTREAM_INSTRUMENTED
#define MEMORY_BYTES_MAX ((size_t)768 << 20)
#else
#define MEMORY_BYTES_MAX ((size_t)192 << 20)
#endif
#define HTML_BYTES_MAX ((size_t)1 << 20)

/* What the document asks for, in a bundle that does anything a page should not. */
static const char *const odd_bundle =
    "function deep(n) { return n + deep(n + 1); }\n"
    "function eat() { const all = []; for (;;) all.push(new Array(1000).fill(all.length)); }\n"
    "function render(what, text) {\n"
    "  switch (what) {\n"
    "  case 'echo': return `<p>${text}</p>`;\n"
    "  case 'throw': throw new Error('of ' + text);\n"
    "  case 'throw odd': throw text;\n"
    "  case 'throw named': { const e = new TypeError(text); e.name = text; e.stack = text + '@' + text; throw e; }\n"
    "  case 'throw getter': throw {get name() { throw 1; }, get stack() { for (;;) ; }};\n"
    "  case 'loop': for (;;) ;\n"
    "  case 'regexp': return String(/^(a+)+$/.test('a'.repeat(40) + 'b'));\n"
    "  case 'eat': return eat();\n"
    "  case 'eat buffers': { const all = []; for (;;) { const b = new Uint8Array(1 << 20); b.fill(1); all.push(b); } "
    "}\n"
    "  case 'deep': return String(deep(0));\n"
    "  case 'number': return 42;\n"
    "  case 'nothing': return undefined;\n"
    "  case 'promise': return Promise.resolve('<p></p>');\n"
    "  case 'surrogate': return '<\\ud83d>';\n"
    "  case 'large': return 'x'.repeat(17 * 1024 * 1024);\n"
    "  case 'globals': return ['require', 'process', 'fetch', 'window', 'document', 'setTimeout', 'load', 'print',\n"
    "    'readFile', '$vm', 'XMLHttpRequest', 'Worker'].filter(name => name in globalThis).join(' ');\n"
    "  case 'count': globalThis.count = (globalThis.count || 0) + 1; return String(globalThis.count);\n"
    "  }\n"
    "}\n"
    "function renderPage(document) {\n"
    "  const page = JSON.parse(document);\n"
    "  return render(page.what, page.text);\n"
    "}\n";

struct fixture {
    struct renderer *renderer;
    struct buf html;
    char message[RENDER_MESSAGE_BYTES];
};

static int make(struct fixture *f, const char *bundle, unsigned contexts)
{
    const struct renderer_config config = {.bundle = str_from_cstr(bundle),
                                           .contexts = contexts,
                                           .render_time_ms = RENDER_TIME_MS,
                                           .memory_bytes_max = MEMORY_BYTES_MAX};

    f->message[0] = '\0';
    return renderer_new(&f->renderer, &config, f->message);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    assert_non_null(f);
    f->html = BUF(HTML_BYTES_MAX);
    if (make(f, odd_bundle, 1) < 0)
        fail_msg("%s", f->message);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    renderer_free(f->renderer);
    buf_free(&f->html);
    free(f);
    return 0;
}

static int64_t patience(void)
{
    return clock_monotonic_ns() + PATIENCE_MS * CLOCK_NS_PER_MS;
}

static int render(struct fixture *f, const char *document)
{
    f->message[0] = '\0';
    buf_clear(&f->html);
    return renderer_render(f->renderer, str_from_cstr(document), patience(), &f->html, f->message);
}

static void assert_renders(struct fixture *f, const char *document, const char *html)
{
    if (render(f, document) < 0)
        fail_msg("%s", f->message);
    assert_int_equal(f->html.len, strlen(html));
    assert_memory_equal(f->html.ptr, html, f->html.len);
}

/* It fails so, nothing is appended, and the next one finds a context. */
static void assert_fails(struct fixture *f, const char *document, int error)
{
    assert_int_equal(render(f, document), error);
    assert_int_equal(f->html.len, 0);
    assert_string_not_equal(f->message, "");
    assert_renders(f, "{\"what\":\"echo\",\"text\":\"after\"}", "<p>after</p>");
}

/* -- Pages --------------------------------------------------------------------------------------------------------- */

static void test_render__a_page_is_a_function_of_its_document(void **state)
{
    assert_renders(*state, "{\"what\":\"echo\",\"text\":\"tea\"}", "<p>tea</p>");
    assert_renders(*state, "{\"what\":\"echo\",\"text\":\"coffee\"}", "<p>coffee</p>");
    assert_renders(*state, "{\"what\":\"echo\",\"text\":\"\"}", "<p></p>");
}

static void test_render__text_of_any_script(void **state)
{
    assert_renders(*state, "{\"what\":\"echo\",\"text\":\"Gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001F375 \u202e\"}",
                   "<p>Gr\u00fc\u00dfe \u65e5\u672c\u8a9e \U0001F375 \u202e</p>");
    assert_renders(*state, "{\"what\":\"surrogate\"}", "<\uFFFD>");
    assert_renders(*state, "{\"what\":\"echo\",\"text\":\"\\ud83d\\ude00 \\ud83d\"}", "<p>\U0001F600 \uFFFD</p>");
}

static void test_render__html_is_appended(void **state)
{
    struct fixture *f = *state;

    assert_renders(f, "{\"what\":\"echo\",\"text\":\"a\"}", "<p>a</p>");
    assert_int_equal(
        renderer_render(f->renderer, STR("{\"what\":\"echo\",\"text\":\"b\"}"), patience(), &f->html, f->message), 0);
    assert_int_equal(f->html.len, 16);
    assert_memory_equal(f->html.ptr, "<p>a</p><p>b</p>", 16);
}

static void test_render__a_script_has_nothing_of_the_machine(void **state)
{
    assert_renders(*state, "{\"what\":\"globals\"}", "");
}

/* -- Failures ------------------------------------------------------------------------------------------------------ */

static void test_render__an_error_says_its_kind_and_place(void **state)
{
    struct fixture *f = *state;

    assert_fails(f, "{\"what\":\"deep\"}", ERR_INTERNAL);
    assert_int_equal(render(f, "{\"what\":\"throw\",\"text\":\"a secret\"}"), ERR_INTERNAL);
    assert_string_equal(f->message, "the page threw Error at render (render.js:6:32), renderPage (render.js:27:16)");
    assert_int_equal(render(f, "{\"what\":\"deep\"}"), ERR_INTERNAL);
    assert_non_null(strstr(f->message, "the page threw RangeError at deep (render.js:1:"));
}

/* Whatever the error is made of: its text, its name and its stack may all be the document's. */
static void test_render__an_error_says_nothing_of_the_document(void **state)
{
    static const char *const documents[] = {
        "{\"what\":\"throw\",\"text\":\"ann@example.com\"}",
        "{\"what\":\"throw odd\",\"text\":\"ann@example.com\"}",
        "{\"what\":\"throw named\",\"text\":\"ann@example.com\"}",
        "{\"what\":\"throw named\",\"text\":\"ann@render.js:ann:1\"}",
        "{\"what\": ann@example.com}",
        "ann",
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof(documents) / sizeof(documents[0]); i++) {
        assert_fails(f, documents[i], ERR_INTERNAL);
        assert_int_equal(render(f, documents[i]), ERR_INTERNAL);
        assert_null(strstr(f->message, "ann"));
        assert_non_null(strstr(f->message, "the page threw"));
    }
}

static void test_render__no_document_is_an_error_of_the_page(void **state)
{
    assert_fails(*state, "", ERR_INTERNAL);
    assert_fails(*state, "null", ERR_INTERNAL);
}

static void test_render__what_is_no_string_is_no_html(void **state)
{
    struct fixture *f = *state;

    assert_fails(f, "{\"what\":\"number\"}", ERR_INTERNAL);
    assert_fails(f, "{\"what\":\"nothing\"}", ERR_INTERNAL);
    assert_fails(f, "{\"what\":\"promise\"}", ERR_INTERNAL);
    assert_int_equal(render(f, "{\"what\":\"number\"}"), ERR_INTERNAL);
    assert_string_equal(f->message, "renderPage returned no string");
}

static void test_render__endless_work_ends(void **state)
{
    assert_fails(*state, "{\"what\":\"loop\"}", ERR_DEADLINE);
    assert_fails(*state, "{\"what\":\"regexp\"}", ERR_DEADLINE);
    assert_fails(*state, "{\"what\":\"throw getter\"}", ERR_DEADLINE);
}

/* On a slow machine its time may be up first. */
static void assert_ends_for_memory(struct fixture *f, const char *document)
{
    int error = render(f, document);

    assert_true(error == ERR_NO_MEMORY || error == ERR_DEADLINE);
    assert_renders(f, "{\"what\":\"echo\",\"text\":\"after\"}", "<p>after</p>");
}

static void test_render__memory_has_a_bound(void **state)
{
    struct fixture *f = *state;
    const struct renderer_config patient = {.bundle = str_from_cstr(odd_bundle),
                                            .contexts = 1,
                                            .render_time_ms = PATIENCE_MS,
                                            .memory_bytes_max = MEMORY_BYTES_MAX};

    assert_ends_for_memory(f, "{\"what\":\"eat\"}");
    renderer_free(f->renderer);
    f->renderer = NULL;
    assert_int_equal(renderer_new(&f->renderer, &patient, f->message), 0);
    assert_fails(f, "{\"what\":\"eat\"}", ERR_NO_MEMORY);
    assert_fails(f, "{\"what\":\"eat buffers\"}", ERR_NO_MEMORY);
}

static void test_render__sizes_have_bounds(void **state)
{
    struct fixture *f = *state;
    struct buf small = BUF(10);

    assert_fails(f, "{\"what\":\"large\"}", ERR_TOO_LARGE);
    assert_int_equal(
        renderer_render(f->renderer, STR("{\"what\":\"echo\",\"text\":\"tea\"}"), patience(), &small, f->message), 0);
    assert_int_equal(
        renderer_render(f->renderer, STR("{\"what\":\"echo\",\"text\":\"tea\"}"), patience(), &small, f->message),
        ERR_TOO_LARGE);
    assert_int_equal(small.len, 10);
    assert_int_equal(buf_error(&small), 0);
    buf_free(&small);
    assert_renders(f, "{\"what\":\"echo\",\"text\":\"after\"}", "<p>after</p>");
}

static void test_render__a_document_is_text(void **state)
{
    struct fixture *f = *state;

    assert_fails(f, "{\"what\":\"\xff\"}", ERR_INVALID);
    assert_int_equal(renderer_render(f->renderer, STR("{}\0{}"), patience(), &f->html, f->message), ERR_INVALID);
}

/* A failed context takes its globals along; one that did not fail keeps them. */
static void test_render__a_context_that_failed_is_made_anew(void **state)
{
    struct fixture *f = *state;

    assert_renders(f, "{\"what\":\"count\"}", "1");
    assert_renders(f, "{\"what\":\"count\"}", "2");
    assert_fails(f, "{\"what\":\"throw\"}", ERR_INTERNAL);
    assert_renders(f, "{\"what\":\"count\"}", "1");
}

/* -- Bundles ------------------------------------------------------------------------------------------------------- */

static void assert_refused(const char *bundle, int error, const char *part)
{
    struct fixture f = {0};

    assert_int_equal(make(&f, bundle, 1), error);
    assert_null(f.renderer);
    if (!strstr(f.message, part))
        fail_msg("%s", f.message);
}

static void test_render__a_bundle_that_is_none_is_refused(void **state)
{
    (void)state;
    assert_refused("", ERR_INVALID, "empty");
    assert_refused("var x = 1;", ERR_INVALID, "defines no function renderPage");
    assert_refused("var renderPage = 1;", ERR_INVALID, "defines no function renderPage");
    assert_refused("var renderPage = {};", ERR_INVALID, "defines no function renderPage");
    assert_refused("\n\nfunction (", ERR_INVALID, "in line 3: SyntaxError");
    assert_refused("throw new Error('no good');", ERR_INVALID, "in line 1: Error: no good");
    assert_refused("setTimeout(() => 1, 1);", ERR_INVALID, "setTimeout");
    assert_refused("for (;;) ;", ERR_DEADLINE, "longer");
    assert_refused("\xff", ERR_INVALID, "UTF-8");
}

/* -- Many at once -------------------------------------------------------------------------------------------------- */

#define TASKS 8
#define RENDERS_OF_A_TASK 40

struct crowd {
    struct renderer *renderer;
    _Atomic int next;
    _Atomic int wrong;
};

/* Each tenth one fails; nobody is given another's page. */
static void render_some(void *argument)
{
    struct crowd *crowd = argument;
    char document[100], expected[100], message[RENDER_MESSAGE_BYTES];
    struct buf html = BUF(HTML_BYTES_MAX);

    for (int i = 0; i < RENDERS_OF_A_TASK; i++) {
        int number = crowd->next++;
        bool shall_fail = number % 10 == 0;
        snprintf(document, sizeof(document), "{\"what\":\"%s\",\"text\":\"%d\"}", shall_fail ? "throw" : "echo",
                 number);
        snprintf(expected, sizeof(expected), "<p>%d</p>", number);
        buf_clear(&html);
        int error = renderer_render(crowd->renderer, str_from_cstr(document), patience(), &html, message);
        if (error != (shall_fail ? ERR_INTERNAL : 0) || (!error && !str_equal_cstr(buf_str(&html), expected)))
            crowd->wrong++;
    }
    buf_free(&html);
}

static void test_render__many_tasks_share_the_contexts(void **state)
{
    struct fixture f = {0};
    struct task *tasks[TASKS];

    (void)state;
    assert_int_equal(make(&f, odd_bundle, 3), 0);
    struct crowd crowd = {.renderer = f.renderer};
    for (int i = 0; i < TASKS; i++)
        assert_int_equal(task_start(&tasks[i], "render", render_some, &crowd), 0);
    for (int i = 0; i < TASKS; i++)
        task_join(tasks[i]);
    assert_int_equal(crowd.wrong, 0);
    assert_int_equal(crowd.next, TASKS * RENDERS_OF_A_TASK);
    renderer_free(f.renderer);
}

static void loop(void *argument)
{
    struct fixture *f = argument;
    struct buf html = BUF(HTML_BYTES_MAX);
    char message[RENDER_MESSAGE_BYTES];

    assert_int_equal(renderer_render(f->renderer, STR("{\"what\":\"loop\"}"), patience(), &html, message),
                     ERR_DEADLINE);
    buf_free(&html);
}

static void test_render__who_waits_too_long_is_told(void **state)
{
    struct fixture *f = *state;
    struct task *task;
    int error = 0;

    assert_int_equal(task_start(&task, "render", loop, f), 0);
    int64_t end_ns = clock_monotonic_ns() + RENDER_TIME_MS * CLOCK_NS_PER_MS;
    /* As soon as the other one has the context, there is none. */
    while (error == 0 && clock_monotonic_ns() < end_ns)
        error = renderer_render(f->renderer, STR("{\"what\":\"echo\"}"), clock_monotonic_ns(), &f->html, f->message);
    assert_int_equal(error, ERR_UNAVAILABLE);
    assert_string_equal(f->message, "no context came free in time");
    task_join(task);
    assert_renders(f, "{\"what\":\"echo\",\"text\":\"after\"}", "<p>after</p>");
}

/* -- Processes ----------------------------------------------------------------------------------------------------- */

static pid_t parent_of(pid_t process)
{
    char path[40], text[512] = "";
    int parent = 0;

    snprintf(path, sizeof(path), "/proc/%d/stat", process);
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    if (fgets(text, sizeof(text), file)) {
        const char *after = strrchr(text, ')');
        if (!after || sscanf(after, ") %*c %d", &parent) != 1)
            parent = 0;
    }
    fclose(file);
    return parent;
}

/* Kills each process that was started by this one, or by one of those; returns how many there were. */
static int kill_those_of(int generation)
{
    DIR *folder = opendir("/proc");
    const struct dirent *entry;
    int count = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder))) {
        pid_t process = (pid_t)strtol(entry->d_name, NULL, 10);
        pid_t ancestor = process > 0 ? parent_of(process) : 0;
        if (generation == 2 && ancestor > 0)
            ancestor = parent_of(ancestor);
        if (ancestor == getpid() && kill(process, SIGKILL) == 0)
            count++;
    }
    closedir(folder);
    return count;
}

static void test_render__a_context_that_crashes_is_made_anew(void **state)
{
    struct fixture *f = *state;

    assert_renders(f, "{\"what\":\"count\"}", "1");
    assert_int_equal(kill_those_of(2), 1);
    assert_fails(f, "{\"what\":\"count\"}", ERR_UNAVAILABLE);
    assert_renders(f, "{\"what\":\"count\"}", "1");
}

static void test_render__without_its_program_pages_fail_and_nothing_else(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(kill_those_of(1), 1);
    /* Its contexts end with it; then none can be made. */
    while (render(f, "{\"what\":\"echo\",\"text\":\"last\"}") == 0)
        ;
    assert_int_equal(render(f, "{\"what\":\"echo\",\"text\":\"none\"}"), ERR_UNAVAILABLE);
    renderer_free(f->renderer);
    f->renderer = NULL;
    assert_int_equal(make(f, odd_bundle, 1), 0);
    assert_renders(f, "{\"what\":\"echo\",\"text\":\"again\"}", "<p>again</p>");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_render__a_page_is_a_function_of_its_document),
        TEST(test_render__text_of_any_script),
        TEST(test_render__html_is_appended),
        TEST(test_render__a_script_has_nothing_of_the_machine),
        TEST(test_render__an_error_says_its_kind_and_place),
        TEST(test_render__an_error_says_nothing_of_the_document),
        TEST(test_render__no_document_is_an_error_of_the_page),
        TEST(test_render__what_is_no_string_is_no_html),
        TEST(test_render__endless_work_ends),
        TEST(test_render__memory_has_a_bound),
        TEST(test_render__sizes_have_bounds),
        TEST(test_render__a_document_is_text),
        TEST(test_render__a_context_that_failed_is_made_anew),
        cmocka_unit_test(test_render__a_bundle_that_is_none_is_refused),
        cmocka_unit_test(test_render__many_tasks_share_the_contexts),
        TEST(test_render__who_waits_too_long_is_told),
        TEST(test_render__a_context_that_crashes_is_made_anew),
        TEST(test_render__without_its_program_pages_fail_and_nothing_else),
    };
    char message[RENDER_MESSAGE_BYTES];

    if (render_start(true, message) < 0) {
        fprintf(stderr, "%s\n", message);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
