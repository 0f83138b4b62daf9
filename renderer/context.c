#include "renderer/context.h"

#include <JavaScriptCore/JavaScript.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_NAME "render.js"
#define FUNCTION_NAME "renderPage"
#define CODE_BYTES_MAX "67108864" /* of what is compiled while it runs; else it is interpreted */
#define YOUNG_BYTES "8000000"     /* of garbage before the collector runs: some ten pages */
#define RENDERS_TO_REST 4         /* they leave some 4 MB behind */
#define TEXT_BYTES 4096           /* of an error's message or stack; more is cut */
#define PLACES_MAX 5
#define PLACE_NAME_MAX 40

/* With a lone surrogate, JavaScriptCore's UTF-8 ends there, and says nothing. Taken before the bundle can change it. */
#define MAKE_WELL_FORMED "Function.prototype.call.bind(String.prototype.toWellFormed)"

/* Of what a page leaves behind, nothing lives on: the collection of young objects is enough. It is exported and in no
 * header, so a JavaScriptCore without it may come: it collects by itself then, while it renders. */
void JSSynchronousEdenCollectForDebugging(JSContextRef js) __attribute__((weak));

struct context {
    unsigned renders; /* since the last rest */
    JSGlobalContextRef js;
    JSObjectRef render;
    JSObjectRef make_well_formed;
};

int context_prepare(size_t memory_bytes_max)
{
    char bytes[32];

    /* By this size the collector decides when it has to run, and lets the heap grow to some twice of it: it is no
     * bound, to which the process holds itself. */
    snprintf(bytes, sizeof(bytes), "%zu", memory_bytes_max / 4);
    if (setenv("JSC_forceRAMSize", bytes, 1) != 0)
        return ERR_NO_MEMORY;
    /* By itself it would collect after each 640 kB, more than once a page, as so little of its heap lives on. */
    if (setenv("JSC_smallHeapSize", YOUNG_BYTES, 1) != 0)
        return ERR_NO_MEMORY;
    /* The last of its compilers takes two seconds of the processor and 10 to 30 MB of each context, and makes pages no
     * faster (docs/adr/0014-rendering.md). */
    if (setenv("JSC_useFTLJIT", "0", 1) != 0)
        return ERR_NO_MEMORY;
    return setenv("JSC_jitMemoryReservationSize", CODE_BYTES_MAX, 1) == 0 ? 0 : ERR_NO_MEMORY;
}

/* -- Errors -------------------------------------------------------------------------------------------------------- */

static int refuse(int error, char *ret_message, size_t message_size, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int refuse(int error, char *ret_message, size_t message_size, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(ret_message, message_size, format, arguments);
    va_end(arguments);
    return error;
}

/* As text, cut to size; empty where it has none, or getting it throws. */
static void read_text(JSContextRef js, JSValueRef value, char *ret_text, size_t size)
{
    JSStringRef string = value ? JSValueToStringCopy(js, value, NULL) : NULL;

    ret_text[0] = '\0';
    if (!string)
        return;
    JSStringGetUTF8CString(string, ret_text, size);
    JSStringRelease(string);
}

static void read_property(JSContextRef js, JSValueRef object, const char *name, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    if (!JSValueIsObject(js, object))
        return;
    JSStringRef key = JSStringCreateWithUTF8CString(name);
    JSValueRef value = JSObjectGetProperty(js, JSValueToObject(js, object, NULL), key, NULL);
    JSStringRelease(key);
    if (value && JSValueIsString(js, value))
        read_text(js, value, ret_text, size);
}

/* The language's own names; one of the script's making could be anything. */
static const char *kind_of(const char *name)
{
    static const char *const kinds[] = {"AggregateError", "EvalError", "RangeError", "ReferenceError",
                                        "SyntaxError",    "TypeError", "URIError"};

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(name, kinds[i]) == 0)
            return kinds[i];
    }
    return "Error";
}

/* "render.js:12:34", and nothing else. */
static bool is_place(struct str place)
{
    if (!str_starts_with(place, STR(SOURCE_NAME ":")))
        return false;
    place = str_skip(place, sizeof(SOURCE_NAME));
    for (size_t i = 0; i < place.len; i++) {
        if ((place.ptr[i] < '0' || place.ptr[i] > '9') && place.ptr[i] != ':')
            return false;
    }
    return true;
}

static bool is_name(struct str name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_letter && c != '_' && c != '$' && c != '.')
            return false;
    }
    return name.len > 0 && name.len <= PLACE_NAME_MAX;
}

/* The frames of the stack ("name@render.js:12:34" each) that are in the bundle: " at name (render.js:12:34)". */
static void append_places(struct buf *message, struct str stack)
{
    struct str frame;
    int places = 0;

    while (places < PLACES_MAX && str_next_token(&stack, '\n', &frame)) {
        ptrdiff_t at = str_find_char(frame, '@');
        struct str place = str_skip(frame, (size_t)(at + 1));
        struct str name = at > 0 ? str_slice(frame, 0, (size_t)at) : STR_EMPTY;

        if (!is_place(place))
            continue;
        buf_append_cstr(message, places == 0 ? " at " : ", ");
        if (is_name(name))
            buf_printf(message, "%.*s (%.*s)", STR_FORMAT(name), STR_FORMAT(place));
        else
            buf_append(message, place);
        places++;
    }
}

/* What it says itself is left out: as in "JSON Parse error: Unexpected identifier "Ann"", it may quote the document. */
static void tell_discreetly(JSContextRef js, JSValueRef thrown, char *ret_message, size_t message_size)
{
    char name[PLACE_NAME_MAX], stack[TEXT_BYTES];
    CLEANUP(buf_free) struct buf message = BUF(TEXT_BYTES);

    read_property(js, thrown, "name", name, sizeof(name));
    read_property(js, thrown, "stack", stack, sizeof(stack));
    buf_printf(&message, "the page threw %s", JSValueIsObject(js, thrown) ? kind_of(name) : "what is no object");
    append_places(&message, str_from_cstr(stack));
    snprintf(ret_message, message_size, "%.*s", STR_FORMAT(buf_str(&message)));
}

/* -- The bundle ---------------------------------------------------------------------------------------------------- */

static int evaluate(JSContextRef js, const char *bundle, char *ret_message, size_t message_size)
{
    JSStringRef script = JSStringCreateWithUTF8CString(bundle);
    JSStringRef source = JSStringCreateWithUTF8CString(SOURCE_NAME);
    JSValueRef thrown = NULL;
    char text[TEXT_BYTES], line[24];

    JSEvaluateScript(js, script, NULL, source, 1, &thrown);
    JSStringRelease(source);
    JSStringRelease(script);
    if (!thrown)
        return 0;
    read_text(js, thrown, text, sizeof(text));
    JSStringRef key = JSStringCreateWithUTF8CString("line");
    JSValueRef number =
        JSValueIsObject(js, thrown) ? JSObjectGetProperty(js, JSValueToObject(js, thrown, NULL), key, NULL) : NULL;
    JSStringRelease(key);
    read_text(js, number, line, sizeof(line));
    return refuse(ERR_INVALID, ret_message, message_size, "the bundle threw in line %s: %s", line, text);
}

/* Looked up once: what a document leads the page to do to its globals changes nothing here. */
static JSObjectRef find_function(JSContextRef js)
{
    JSStringRef name = JSStringCreateWithUTF8CString(FUNCTION_NAME);
    JSValueRef value = JSObjectGetProperty(js, JSContextGetGlobalObject(js), name, NULL);

    JSStringRelease(name);
    if (!value || !JSValueIsObject(js, value))
        return NULL;
    JSObjectRef function = JSValueToObject(js, value, NULL);
    return JSObjectIsFunction(js, function) ? function : NULL;
}

/* Kept for as long as the context. */
static JSObjectRef evaluate_function(JSContextRef js, const char *expression)
{
    JSStringRef script = JSStringCreateWithUTF8CString(expression);
    JSValueRef value = JSEvaluateScript(js, script, NULL, NULL, 1, NULL);

    JSStringRelease(script);
    if (!value || !JSValueIsObject(js, value))
        return NULL;
    JSValueProtect(js, value);
    return JSValueToObject(js, value, NULL);
}

int context_new(struct context **ret_context, const char *bundle, char *ret_message, size_t message_size)
{
    struct context *context = calloc(1, sizeof(*context));

    if (!context)
        return refuse(ERR_NO_MEMORY, ret_message, message_size, "no memory for a context");
    context->js = JSGlobalContextCreate(NULL);
    context->make_well_formed = evaluate_function(context->js, MAKE_WELL_FORMED);
    int error = context->make_well_formed
                    ? evaluate(context->js, bundle, ret_message, message_size)
                    : refuse(ERR_INTERNAL, ret_message, message_size, "JavaScriptCore is too old");
    if (!error) {
        context->render = find_function(context->js);
        if (!context->render)
            error = refuse(ERR_INVALID, ret_message, message_size, "the bundle defines no function " FUNCTION_NAME);
    }
    if (error < 0) {
        JSGlobalContextRelease(context->js);
        free(context);
        return error;
    }
    JSValueProtect(context->js, context->render);
    *ret_context = context;
    return 0;
}

/* -- A page -------------------------------------------------------------------------------------------------------- */

static int copy_html(const struct context *context, JSValueRef html, struct buf *ret_html, char *ret_message,
                     size_t message_size)
{
    JSValueRef text = JSObjectCallAsFunction(context->js, context->make_well_formed, NULL, 1, &html, NULL);
    JSStringRef string = text ? JSValueToStringCopy(context->js, text, NULL) : NULL;
    size_t size = string ? JSStringGetMaximumUTF8CStringSize(string) : 0;
    char *to = string ? buf_reserve(ret_html, size) : NULL;

    if (!to) {
        if (string)
            JSStringRelease(string);
        return refuse(ret_html->error ? ret_html->error : ERR_NO_MEMORY, ret_message, message_size,
                      "the HTML is larger than it may be");
    }
    buf_commit(ret_html, JSStringGetUTF8CString(string, to, size) - 1);
    JSStringRelease(string);
    return 0;
}

int context_render(struct context *context, const char *document, struct buf *ret_html, char *ret_message,
                   size_t message_size)
{
    JSStringRef string = JSStringCreateWithUTF8CString(document);
    JSValueRef argument = JSValueMakeString(context->js, string);
    JSValueRef thrown = NULL;

    JSStringRelease(string);
    buf_clear(ret_html);
    context->renders++;
    JSValueRef html = JSObjectCallAsFunction(context->js, context->render, NULL, 1, &argument, &thrown);
    if (thrown) {
        tell_discreetly(context->js, thrown, ret_message, message_size);
        return ERR_INTERNAL;
    }
    if (!html || !JSValueIsString(context->js, html))
        return refuse(ERR_INTERNAL, ret_message, message_size, FUNCTION_NAME " returned no string");
    return copy_html(context, html, ret_html, ret_message, message_size);
}

void context_rest(struct context *context)
{
    if (!JSSynchronousEdenCollectForDebugging || context->renders < RENDERS_TO_REST)
        return;
    JSSynchronousEdenCollectForDebugging(context->js);
    context->renders = 0;
}
