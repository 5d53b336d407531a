#include "agent/collect/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    MOUNTS_MAX = 1 << 20, /* bytes of mountinfo */
    QUOTAS_MAX = 256,
    BLOCK_BYTES = 1024, /* of limits, whatever the file system's are */
    CALL_FD = 443,      /* quotactl_fd(2), of Linux 5.14; the same number everywhere */
};

/* --- mounts --- */

/* The field behind `skip` others of a line; its length in *ret_len, 0: not so many. */
static const char *find_field(const char *line, unsigned skip, size_t *ret_len) {
    for (; skip > 0; skip--) {
        line += strcspn(line, " \n");
        line += strspn(line, " ");
    }
    *ret_len = strcspn(line, " \n");
    return line;
}

/* Undoes "\040" and its like; a new string. */
static char *unescape(const char *text, size_t len) {
    char *out = mem_dup(text, len);
    size_t kept = 0;

    for (size_t i = 0; i < len; i++) {
        bool is_escape = text[i] == '\\' && len - i >= 4 && text[i + 1] >= '0' &&
                         text[i + 1] <= '3' && text[i + 2] >= '0' && text[i + 2] <= '7' &&
                         text[i + 3] >= '0' && text[i + 3] <= '7';
        out[kept++] = !is_escape ? text[i]
                                 : (char)((text[i + 1] - '0') << 6 |
                                          (text[i + 2] - '0') << 3 | (text[i + 3] - '0'));
        i += is_escape ? 3 : 0;
    }
    out[kept] = '\0';
    return out;
}

static char *take_field(const char *line, unsigned skip) {
    size_t len;
    const char *field = find_field(line, skip, &len);
    return len > 0 ? unescape(field, len) : NULL;
}

int quota_read_mount(const char *line, struct quota_mount *ret_mount) {
    size_t len = strcspn(line, "\n");
    auto_(mem_freep) char *copy = mem_dup(line, len);
    const char *rest = strstr(copy, " - ");
    struct quota_mount mount = { 0 };

    if (!rest)
        return -EINVAL;
    mount.device = take_field(copy, 2);
    mount.path = take_field(copy, 4);
    mount.type = take_field(rest + 3, 0);
    mount.source = take_field(rest + 3, 1);
    if (!mount.device || !mount.path || !mount.type || !mount.source) {
        quota_mount_done(&mount);
        return -EINVAL;
    }
    *ret_mount = mount;
    return 0;
}

void quota_mount_done(struct quota_mount *mount) {
    free(mount->device);
    free(mount->path);
    free(mount->type);
    free(mount->source);
}

/* --- quotas --- */

/* By a descriptor where the kernel can, else by the device: 0 or -errno. */
static int ask(const struct quota_mount *mount, uid_t uid, struct dqblk *ret_block) {
    /* QCMD() of the C library shifts into the sign. */
    const int command = (int)((unsigned)Q_GETQUOTA << SUBCMDSHIFT | USRQUOTA);
    int fd = open(mount->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);

    if (fd >= 0) {
        long r = syscall(CALL_FD, fd, command, uid, ret_block);
        int error = errno;
        close(fd);
        if (r == 0)
            return 0;
        if (error != ENOSYS && error != EPERM)
            return -error;
    }
    return quotactl(command, mount->source, (int)uid, (char *)ret_block) == 0 ? 0
                                                                              : -errno;
}

static void add(struct quotas *quotas,
                struct quota_mount *mount,
                const struct dqblk *block) {
    char *path = TAKE(mount->path);

    quotas->items = mem_grow(quotas->items, (quotas->count + 1) * sizeof(struct quota));
    quotas->items[quotas->count++] = (struct quota) {
        .mount = path,
        .used_bytes = block->dqb_curspace,
        .soft_bytes = block->dqb_bsoftlimit * BLOCK_BYTES,
        .hard_bytes = block->dqb_bhardlimit * BLOCK_BYTES,
        .used_files = block->dqb_curinodes,
        .soft_files = block->dqb_isoftlimit,
        .hard_files = block->dqb_ihardlimit,
    };
}

/* Those that keep quotas of users, and are on this host. */
static bool has_quotas(const struct quota_mount *mount) {
    static const char *const types[] = { "ext2", "ext3",  "ext4",     "xfs",
                                         "f2fs", "jfs",   "reiserfs", "bcachefs",
                                         "gfs2", "ocfs2", "tmpfs" };

    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(mount->type, types[i]) == 0)
            return true;
    return false;
}

/* Was a mount of the same device met before? */
static bool is_known(struct buf *devices, const char *device) {
    auto_(mem_freep) char *word = mem_printf(" %s ", device);

    if (strstr(buf_text(devices), word))
        return true;
    buf_add_text(devices, word);
    return false;
}

int quota_read(struct quotas *quotas, uid_t uid) {
    struct buf text = { 0 }, devices = { 0 };
    bool is_refused = false;

    *quotas = (struct quotas) { 0 };
    file_read("/proc/self/mountinfo", MOUNTS_MAX, &text);
    for (const char *line = buf_text(&text); *line && quotas->count < QUOTAS_MAX;
         line += strcspn(line, "\n"), line += *line == '\n') {
        struct quota_mount mount;
        struct dqblk block;
        if (quota_read_mount(line, &mount) < 0)
            continue;
        if (has_quotas(&mount) && !is_known(&devices, mount.device)) {
            int r = ask(&mount, uid, &block);
            if (r == 0)
                add(quotas, &mount, &block);
            is_refused |= r == -EPERM;
        }
        quota_mount_done(&mount);
    }
    buf_done(&text);
    buf_done(&devices);
    return quotas->count == 0 && is_refused ? -EPERM : 0;
}

void quota_done(struct quotas *quotas) {
    for (size_t i = 0; i < quotas->count; i++)
        free(quotas->items[i].mount);
    free(quotas->items);
    *quotas = (struct quotas) { 0 };
}
