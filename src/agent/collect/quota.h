/*
 * quota - how much of each file system a user may use, where that is limited
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct quota {
    char *mount; /* owned */
    uint64_t used_bytes;
    uint64_t soft_bytes; /* 0: none, as of the others */
    uint64_t hard_bytes;
    uint64_t used_files;
    uint64_t soft_files;
    uint64_t hard_files;
};

struct quotas {
    struct quota *items; /* owned */
    size_t count;
};

/* What the kernel keeps for the user, of file systems that have quotas turned on: 0, or
 * -EPERM when those that have do not tell of this user. End it with quota_done(). */
int quota_read(struct quotas *quotas, uid_t uid);
void quota_done(struct quotas *quotas);

/* One line of /proc/self/mountinfo: the device's number, where it is mounted, the type
 * and the source, as new strings; -EINVAL when it is none. */
struct quota_mount {
    char *device; /* owned, as the rest: "8:1" */
    char *path;
    char *type;
    char *source;
};
int quota_read_mount(const char *line, struct quota_mount *ret_mount);
void quota_mount_done(struct quota_mount *mount);
