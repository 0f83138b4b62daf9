/* Landlock, by its system calls: glibc has no functions for them. See landlock(7); the numbers below are the kernel's
 * ABI, which headers older than the running kernel lack. */
#include "platform/base/err.h"
#include "platform/sandbox/sandbox_walls.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/magic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* What later versions of the ABI added. */
#define ACCESS_REFER (UINT64_C(1) << 13)     /* 2 */
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)  /* 3 */
#define ACCESS_IOCTL_DEV (UINT64_C(1) << 15) /* 5 */
#define SCOPE_ABSTRACT_UNIX_SOCKET (UINT64_C(1) << 0)
#define SCOPE_SIGNAL (UINT64_C(1) << 1)
#define VERSION_OF_PORTS 4
#define VERSION_OF_SCOPES 6
#define ACCESS_CONNECT_TCP (UINT64_C(1) << 1)
#define RULE_OF_PORT 2

/* What the first version knows; all of it is forbidden unless a rule allows it. */
#define ACCESS_FIRST ((UINT64_C(1) << 13) - 1)
#define ACCESS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* No devices, pipes or symbolic links, and nothing is run. */
#define ACCESS_WRITE                                                                                                   \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | ACCESS_REFER |         \
     ACCESS_TRUNCATE)
#define ACCESS_OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)

/* As the sixth version has it; an older kernel is given as many members as it knows. */
struct ruleset {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;
    uint64_t scoped;
};

/* What libraries open after the start; those that a machine does not have are left out. */
static const char *const readable[] = {
    /* Certificates. Some are links into the folders behind. */
    "/etc/ssl", "/etc/pki", "/usr/lib/ssl", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
    /* The resolver. resolv.conf is often a link to a file that is replaced: so its folder, too. */
    "/etc/resolv.conf", "/run/systemd/resolve", "/run/NetworkManager/resolv.conf", "/etc/hosts", "/etc/host.conf",
    "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/services",
    /* Time zones. */
    "/etc/localtime", "/usr/share/zoneinfo",
    /* Which boot of the machine this is, for the steady clock. */
    "/proc/sys/kernel/random/boot_id",
    /* What libuv puts in place of a descriptor; SQLite's seed; the kernel's word on overcommitment, for malloc. */
    "/dev/null", "/dev/urandom", "/proc/sys/vm/overcommit_memory",
    /* What the metrics tell of the process. */
    "/proc/self"};

/* JavaScriptCore's seed; it crashes without. */
#define READABLE_OF_RENDERER "/dev/urandom"

static int create_ruleset(const struct ruleset *ruleset, size_t size, unsigned flags)
{
    return (int)syscall(SYS_landlock_create_ruleset, ruleset, size, flags);
}

/* Everything that the kernel can forbid. */
static struct ruleset all_of(int version, bool limits_connections)
{
    struct ruleset ruleset = {.handled_access_fs = ACCESS_FIRST};

    if (version >= 2)
        ruleset.handled_access_fs |= ACCESS_REFER;
    if (version >= 3)
        ruleset.handled_access_fs |= ACCESS_TRUNCATE;
    if (version >= 5)
        ruleset.handled_access_fs |= ACCESS_IOCTL_DEV;
    if (version >= VERSION_OF_PORTS && limits_connections)
        ruleset.handled_access_net = ACCESS_CONNECT_TCP;
    if (version >= VERSION_OF_SCOPES)
        ruleset.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
    return ruleset;
}

static size_t size_for(int version)
{
    return version >= VERSION_OF_SCOPES  ? sizeof(struct ruleset)
           : version >= VERSION_OF_PORTS ? offsetof(struct ruleset, scoped)
                                         : offsetof(struct ruleset, handled_access_net);
}

static bool is_of_proc(int file)
{
    struct statfs status;

    return fstatfs(file, &status) == 0 && status.f_type == PROC_SUPER_MAGIC;
}

/* A rule is bound to the inode. procfs makes a new one whenever it has forgotten the old, so there the descriptor stays
 * open, which keeps it. */
static int allow(int ruleset, const char *path, uint64_t access)
{
    int file = open(path, O_PATH | O_CLOEXEC);
    struct stat status;

    if (file < 0)
        return ERR_NOT_FOUND;
    if (fstat(file, &status) == 0 && !S_ISDIR(status.st_mode))
        access &= ACCESS_OF_FILES;
    const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = file};
    long result = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    if (!is_of_proc(file))
        close(file);
    return result == 0 ? 0 : ERR_UNAVAILABLE;
}

/* Other files of /etc are replaced by new ones, which a rule for the old one does not cover, while a shop runs: a new
 * lease brings a new resolv.conf. A user who is not root may read the whole folder: what is secret in it is closed to
 * them by its mode. As root, which is for containers, whose files are mounted one by one, only the files above. */
static int allow_etc(int ruleset)
{
    return geteuid() == 0 ? 0 : allow(ruleset, "/etc", ACCESS_READ);
}

static int add_rules(int ruleset, const struct sandbox_limits *limits, uint64_t handled)
{
    TRY(allow(ruleset, limits->data_path, (ACCESS_READ | ACCESS_WRITE) & handled));
    for (size_t i = 0; i < limits->readable_count; i++) {
        if (allow(ruleset, limits->readable[i], ACCESS_READ) == ERR_UNAVAILABLE)
            return ERR_UNAVAILABLE;
    }
    for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++) {
        if (allow(ruleset, readable[i], ACCESS_READ) == ERR_UNAVAILABLE)
            return ERR_UNAVAILABLE;
    }
    return allow_etc(ruleset) == ERR_UNAVAILABLE ? ERR_UNAVAILABLE : 0;
}

/* As linux/landlock.h has it from the fourth version on. */
struct port_rule {
    uint64_t allowed_access;
    uint64_t port; /* in the host's order */
};

static int add_ports(int ruleset, const struct sandbox_limits *limits)
{
    for (size_t i = 0; i < limits->port_count; i++) {
        const struct port_rule rule = {.allowed_access = ACCESS_CONNECT_TCP, .port = limits->ports[i]};
        if (syscall(SYS_landlock_add_rule, ruleset, RULE_OF_PORT, &rule, 0) != 0)
            return ERR_UNAVAILABLE;
    }
    return 0;
}

int sandbox_limit_files(const struct sandbox_limits *limits, bool *ret_has_open_ports)
{
    int version = create_ruleset(NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1)
        return ERR_UNAVAILABLE;
    bool is_shop = limits->role == SANDBOX_SHOP;
    const struct ruleset wanted = all_of(version, !is_shop || limits->limits_connections);
    int ruleset = create_ruleset(&wanted, size_for(version), 0);
    if (ruleset < 0)
        return ERR_UNAVAILABLE;
    int error = is_shop ? add_rules(ruleset, limits, wanted.handled_access_fs)
                        : allow(ruleset, READABLE_OF_RENDERER, LANDLOCK_ACCESS_FS_READ_FILE);
    if (!error && wanted.handled_access_net)
        error = add_ports(ruleset, limits);
    *ret_has_open_ports = is_shop && limits->limits_connections && !wanted.handled_access_net;
    if (!error && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
        error = ERR_UNAVAILABLE;
    close(ruleset);
    return error;
}
