/* Bugs to plant between the shop and SQLite: what the suites of tests/crash must find, or they find nothing.
 *
 *   early-answer   the commit of an order with its key is said to be done COMMIT_DELAY_US before it is
 *   early-webhook  the same, of what the provider told
 *   lost-key       the record of an idempotency key is stored where nobody looks for it
 *   sync-off       PRAGMA synchronous = OFF instead of FULL
 *   sync-normal    PRAGMA synchronous = NORMAL instead of FULL
 *   skipped-sync   one sync of one file is said to be done and is not: PLANTED_SYNC names a file that holds which, a
 *                  struct skipped_sync, and may change while the shop runs */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMIT_DELAY_US 100000 /* longer than an answer takes to leave a busy machine */
#define HANDLES_MAX 16
#define FULL "PRAGMA synchronous = FULL"

static bool is_planted(const char *bug)
{
    const char *planted = getenv("PLANTED_BUG");
    return planted && strcmp(planted, bug) == 0;
}

/* dlsym gives an object's address; what it points to is a function of the type that the caller knows. */
static void *next_of(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);
    if (!found)
        abort();
    return found;
}

/* -- early-answer, early-webhook ----------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static sqlite3 *pending; /* whose commit is still to come */
static __thread bool is_committing;
static __thread bool has_key;  /* an idempotency key was recorded in this task's transaction */
static __thread bool has_news; /* what the provider told was */

static int (*real_step)(sqlite3_stmt *statement);

/* The mutex is held. */
static void commit_pending(void)
{
    if (!pending)
        return;
    is_committing = true;
    sqlite3_exec(pending, "COMMIT", NULL, NULL, NULL);
    is_committing = false;
    pending = NULL;
}

static void *commit_late(void *argument)
{
    (void)argument;
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (!pending)
            pthread_cond_wait(&filled, &mutex);
        pthread_mutex_unlock(&mutex);
        usleep(COMMIT_DELAY_US);
        pthread_mutex_lock(&mutex);
        commit_pending();
    }
    return NULL;
}

__attribute__((constructor)) static void start(void)
{
    pthread_t thread;
    *(void **)&real_step = next_of("sqlite3_step");
    if (!is_planted("early-answer") && !is_planted("early-webhook"))
        return;
    if (pthread_create(&thread, NULL, commit_late, NULL) != 0)
        abort();
    /* It writes what the writer of that database left, and is swept with it. */
    pthread_setname_np(thread, is_planted("early-answer") ? "sql:orders" : "sql:payments");
    pthread_detach(thread);
}

static bool is_database(sqlite3 *handle, const char *file)
{
    const char *name = sqlite3_db_filename(handle, "main");
    const char *last = name ? strrchr(name, '/') : NULL;
    return last && strcmp(last + 1, file) == 0;
}

static bool starts_with(const char *text, const char *words)
{
    return strncmp(text, words, strlen(words)) == 0;
}

int sqlite3_step(sqlite3_stmt *statement)
{
    const char *text = is_committing ? NULL : sqlite3_sql(statement);
    sqlite3 *handle = sqlite3_db_handle(statement);
    bool is_answer = is_planted("early-answer") && is_database(handle, "orders.db");
    bool is_webhook = is_planted("early-webhook") && is_database(handle, "payments.db");
    if (!text || (!is_answer && !is_webhook))
        return real_step(statement);
    if (starts_with(text, "BEGIN IMMEDIATE")) {
        has_key = has_news = false;
        pthread_mutex_lock(&mutex);
        commit_pending();
        pthread_mutex_unlock(&mutex);
    } else if (starts_with(text, "INSERT INTO provider_events")) {
        has_news = true;
    } else if ((is_answer ? has_key : has_news) && starts_with(text, "COMMIT")) {
        pthread_mutex_lock(&mutex);
        pending = handle;
        pthread_cond_signal(&filled);
        pthread_mutex_unlock(&mutex);
        return SQLITE_DONE;
    }
    return real_step(statement);
}

int sqlite3_get_autocommit(sqlite3 *handle)
{
    int (*real)(sqlite3 * handle);
    *(void **)&real = next_of("sqlite3_get_autocommit");
    pthread_mutex_lock(&mutex);
    bool is_over = pending == handle;
    pthread_mutex_unlock(&mutex);
    return is_over || real(handle);
}

/* -- skipped-sync -------------------------------------------------------------------------------------------------- */

struct skipped_sync {
    uint64_t inode;         /* of the file, or folder */
    _Atomic int64_t number; /* of its syncs from now on, the first is 1; it counts down, and is none below that */
};

static struct skipped_sync *skipped_sync;

__attribute__((constructor)) static void open_skipped_sync(void)
{
    const char *path = getenv("PLANTED_SYNC");
    if (!is_planted("skipped-sync") || !path)
        return;
    int file = open(path, O_RDWR | O_CLOEXEC);
    void *mapped = mmap(NULL, sizeof(*skipped_sync), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED)
        abort();
    skipped_sync = mapped;
    close(file);
}

static bool is_skipped(int file)
{
    struct stat status;
    return skipped_sync && fstat(file, &status) == 0 && status.st_ino == skipped_sync->inode &&
           atomic_fetch_sub(&skipped_sync->number, 1) == 1;
}

int fdatasync(int file)
{
    int (*real)(int);
    *(void **)&real = next_of("fdatasync");
    return is_skipped(file) ? 0 : real(file);
}

int fsync(int file)
{
    int (*real)(int);
    *(void **)&real = next_of("fsync");
    return is_skipped(file) ? 0 : real(file);
}

/* -- lost-key ------------------------------------------------------------------------------------------------------ */

int sqlite3_bind_text64(sqlite3_stmt *statement, int parameter, const char *text, sqlite3_uint64 length,
                        void (*lifetime)(void *), unsigned char encoding)
{
    static const char space[] = "idempotency";
    int (*real)(sqlite3_stmt *, int, const char *, sqlite3_uint64, void (*)(void *), unsigned char);
    *(void **)&real = next_of("sqlite3_bind_text64");
    bool is_record = length == sizeof(space) - 1 && memcmp(text, space, length) == 0 &&
                     strncmp(sqlite3_sql(statement), "INSERT INTO kv_row", 18) == 0;
    has_key = has_key || is_record;
    if (is_record && is_planted("lost-key"))
        return real(statement, parameter, "elsewhere", 9, SQLITE_STATIC, encoding);
    return real(statement, parameter, text, length, lifetime, encoding);
}

/* -- sync-off, sync-normal ----------------------------------------------------------------------------------------- */

int sqlite3_prepare_v3(sqlite3 *handle, const char *text, int length, unsigned flags, sqlite3_stmt **ret_statement,
                       const char **ret_tail)
{
    int (*real)(sqlite3 *, const char *, int, unsigned, sqlite3_stmt **, const char **);
    *(void **)&real = next_of("sqlite3_prepare_v3");
    bool is_full = text && strstr(text, FULL) != NULL;
    if (is_full && is_planted("sync-off"))
        text = "PRAGMA synchronous = OFF;";
    else if (is_full && is_planted("sync-normal"))
        text = "PRAGMA synchronous = NORMAL;";
    return real(handle, text, length, flags, ret_statement, ret_tail);
}
