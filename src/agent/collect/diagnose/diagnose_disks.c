#include "agent/collect/diagnose/diagnose_disks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/folder.h"
#include "agent/collect/text.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    SECTOR = 512, /* of sizes in sysfs, whatever the disk has */
    FULL_PERCENT = 90,
    MOUNTS_MAX = 1 << 20,
    FOLDER_MAX = 1024,
};

/* --- block devices --- */

static void add_size(struct diagnose *diagnose, const char *path) {
    long long sectors = diagnose_number(diagnose, 0, "%s/size", path);
    char size[DIAGNOSE_SIZE_LEN];

    diagnose_add(diagnose, "size", "%s",
                 diagnose_size((unsigned long long)sectors * SECTOR, size));
    diagnose_add(diagnose, "bytes", "%lld", sectors * SECTOR);
}

static void add_partitions(struct diagnose *diagnose, const char *name) {
    auto_(mem_freep) char *path = mem_printf("%s/sys/block/%s", diagnose->root, name);
    auto_(mem_freep) char *pattern = mem_printf("%s*", name);
    struct buf text = { 0 };
    struct folder parts;

    folder_list(&parts, path, pattern);
    for (size_t i = 0; i < parts.count; i++) {
        char size[DIAGNOSE_SIZE_LEN];
        long long sectors =
            diagnose_number(diagnose, -1, "/sys/block/%s/%s/size", name, parts.names[i]);
        if (sectors >= 0)
            buf_printf(&text, "%s%s %s", text.len > 0 ? ", " : "", parts.names[i],
                       diagnose_size((unsigned long long)sectors * SECTOR, size));
    }
    diagnose_add(diagnose, "partitions", "%s", buf_text(&text));
    buf_done(&text);
    folder_done(&parts);
}

static void add_health(struct diagnose *diagnose, const char *name) {
    auto_(mem_freep) char *state =
        diagnose_read(diagnose, "/sys/block/%s/device/state", name);
    long long errors =
        diagnose_number(diagnose, -1, "/sys/block/%s/device/ioerr_cnt", name);

    diagnose_add(diagnose, "state", "%s", state);
    if (state[0] && strcmp(state, "running") != 0 && strcmp(state, "live") != 0)
        diagnose_worry(diagnose, "its state is \"%s\"", state);
    if (errors >= 0) /* refused commands are among them, so a number alone says little */
        diagnose_add(diagnose, "failed commands", "%lld", errors);
}

/* "raid1, 2 disks" of md0, and how it does. */
static void add_array(struct diagnose *diagnose, const char *name) {
    auto_(mem_freep) char *level =
        diagnose_read(diagnose, "/sys/block/%s/md/level", name);
    if (!level[0])
        return;
    long long disks = diagnose_number(diagnose, 0, "/sys/block/%s/md/raid_disks", name);
    long long missing = diagnose_number(diagnose, 0, "/sys/block/%s/md/degraded", name);
    long long differ =
        diagnose_number(diagnose, 0, "/sys/block/%s/md/mismatch_cnt", name);

    diagnose_add(diagnose, "array", "%s of %lld", level, disks);
    diagnose_add_file(diagnose, "array state", "/sys/block/%s/md/array_state", name);
    diagnose_add_file(diagnose, "array action", "/sys/block/%s/md/sync_action", name);
    if (missing > 0)
        diagnose_worry(diagnose, "the array is degraded: %lld of %lld disks are missing",
                       missing, disks);
    if (differ > 0)
        diagnose_worry(diagnose, "copies differ in %lld sectors", differ);
}

static void add_disk(struct diagnose *diagnose, const char *name) {
    auto_(mem_freep) char *path = mem_printf("/sys/block/%s", name);

    diagnose_item(diagnose, name);
    diagnose_add_file(diagnose, "vendor", "%s/device/vendor", path);
    diagnose_add_file(diagnose, "model", "%s/device/model", path);
    add_size(diagnose, path);
    long long rotates = diagnose_number(diagnose, -1, "%s/queue/rotational", path);
    if (rotates >= 0)
        diagnose_add(diagnose, "kind", "%s", rotates ? "rotating" : "solid state");
    if (diagnose_number(diagnose, 0, "%s/removable", path) == 1)
        diagnose_add(diagnose, "removable", "yes");
    if (diagnose_number(diagnose, 0, "%s/ro", path) == 1)
        diagnose_add(diagnose, "read-only", "yes");
    add_partitions(diagnose, name);
    add_health(diagnose, name);
    add_array(diagnose, name);
}

static void add_disks(struct diagnose *diagnose) {
    auto_(mem_freep) char *path = mem_printf("%s/sys/block", diagnose->root);
    struct folder names;

    folder_list(&names, path, "*");
    for (size_t i = 0; i < names.count; i++)
        if (!text_list_matches("loop*,ram*,zram*,fd*,nbd*", names.names[i]) &&
            diagnose_number(diagnose, 0, "/sys/block/%s/size", names.names[i]) > 0)
            add_disk(diagnose, names.names[i]);
    folder_done(&names);
}

/* --- file systems --- */

/* Those on disks here: a server far away that does not answer would hold us. */
static const char types[] =
    "ext[234],xfs,btrfs,zfs,bcachefs,f2fs,jfs,reiserfs,nilfs2,vfat,exfat,ntfs,ntfs3,"
    "hfsplus,ufs,udf,ubifs,jffs2";

struct mount {
    char folder[FOLDER_MAX];
    char type[32];
    char source[256];
    char options[256];
};

/* "\040" is a blank, as proc(5) has it. */
static void unescape(char *text) {
    char *to = text;

    for (const char *at = text; *at; to++) {
        bool is_code = at[0] == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] >= '0' &&
                       at[2] <= '7' && at[3] >= '0' && at[3] <= '7';
        *to = is_code ? (char)((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'))
                      : *at;
        at += is_code ? 4 : 1;
    }
    *to = '\0';
}

/* "36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/sda1 rw" */
static bool read_mount(const char *line, struct mount *mount) {
    const char *rest = strstr(line, " - ");
    char root[FOLDER_MAX];

    if (!rest ||
        sscanf(line, "%*u %*u %*s %1023s %1023s %255s", root, mount->folder,
               mount->options) != 3 ||
        sscanf(rest, " - %31s %255s", mount->type, mount->source) != 2)
        return false;
    unescape(mount->folder);
    unescape(mount->source);
    return strcmp(mount->folder, "/") == 0 ||
           (strcmp(root, "/") == 0 && text_list_matches(types, mount->type));
}

static unsigned percent_of(unsigned long long used, unsigned long long free_) {
    /* As df(1): rounded up, of what users may have. */
    return used + free_ == 0
               ? 0
               : (unsigned)((used * 100 + used + free_ - 1) / (used + free_));
}

static void add_usage(struct diagnose *diagnose, const struct statvfs *stat) {
    unsigned long long block = stat->f_frsize;
    unsigned long long used = (stat->f_blocks - stat->f_bfree) * block;
    unsigned long long left = stat->f_bavail * block;
    unsigned percent = percent_of(used, left);
    unsigned inodes = percent_of(stat->f_files - stat->f_ffree, stat->f_favail);
    char size[DIAGNOSE_SIZE_LEN];

    diagnose_add(diagnose, "size", "%s", diagnose_size(stat->f_blocks * block, size));
    diagnose_add(diagnose, "used", "%u %%", percent);
    diagnose_add(diagnose, "used bytes", "%llu", used);
    diagnose_add(diagnose, "free", "%s", diagnose_size(left, size));
    if (percent > FULL_PERCENT)
        diagnose_worry(diagnose, "it is %u %% full, %s are left", percent, size);
    if (stat->f_files > 0)
        diagnose_add(diagnose, "inodes used", "%u %%", inodes);
    if (stat->f_files > 0 && inodes > FULL_PERCENT)
        diagnose_worry(diagnose, "%u %% of its inodes are used", inodes);
}

static void add_mount(struct diagnose *diagnose, const struct mount *mount) {
    auto_(mem_freep) char *path = mem_printf("%s%s", diagnose->root, mount->folder);
    const char *device = strrchr(mount->source, '/');
    struct statvfs stat;

    diagnose_item(diagnose, mount->folder);
    diagnose_add(diagnose, "type", "%s", mount->type);
    diagnose_add(diagnose, "source", "%s", mount->source);
    diagnose_add(diagnose, "options", "%s", mount->options);
    if (statvfs(path, &stat) == 0 && stat.f_blocks > 0)
        add_usage(diagnose, &stat);
    long long errors = !device ? 0
                               : diagnose_number(diagnose, 0, "/sys/fs/ext4/%s/%s",
                                                 device + 1, "errors_count");
    if (errors > 0)
        diagnose_worry(diagnose, "the file system has noted %lld errors", errors);
}

/* Was it shown before? Bind mounts and containers show one device again and again. */
static bool is_known(const struct buf *seen, const struct mount *mount) {
    auto_(mem_freep) char *entry = mem_printf("\n%s\n", mount->source);
    return mount->source[0] == '/' && memmem(seen->data, seen->len, entry, strlen(entry));
}

static void add_mounts(struct diagnose *diagnose) {
    auto_(mem_freep) char *first = mem_printf("%s/proc/1/mountinfo", diagnose->root);
    auto_(mem_freep) char *own = mem_printf("%s/proc/self/mountinfo", diagnose->root);
    bool is_elsewhere = diagnose->root[0] != '\0' && file_exists(first);
    struct buf text = { 0 }, seen = { 0 };
    struct mount mount;
    char *rest = NULL;

    if (file_read(is_elsewhere ? first : own, MOUNTS_MAX, &text) != 0)
        return;
    char *lines = buf_take_text(&text);
    for (char *line = strtok_r(lines, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest)) {
        if (!read_mount(line, &mount) || (seen.len > 0 && is_known(&seen, &mount)))
            continue;
        buf_printf(&seen, "\n%s\n", mount.source);
        add_mount(diagnose, &mount);
    }
    buf_done(&seen);
    free(lines);
}

void diagnose_disks(struct diagnose *diagnose) {
    diagnose_begin(diagnose, "disks");
    add_disks(diagnose);
    add_mounts(diagnose);
}
