#include "agent/collect/quota.h"

#include <errno.h>

#include "base/check.h"

/* Lines of real hosts: a disk, a folder mounted again, a name with blanks, an overlay. */
static void mounts_are_read_as_the_kernel_tells_them(void) {
    static const struct {
        const char *line, *device, *path, *type, *source;
    } cases[] = {
        { "29 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n",
          "8:1", "/", "ext4", "/dev/sda1" },
        { "98 29 8:1 /home/ada /srv/with\\040blank rw shared:1 master:2 - ext4 "
          "/dev/sda1 rw\nnext line - xfs x y",
          "8:1", "/srv/with blank", "ext4", "/dev/sda1" },
        { "36 35 253:0 / /data rw,noatime - xfs /dev/mapper/a\\134b rw,usrquota", "253:0",
          "/data", "xfs", "/dev/mapper/a\\b" },
        { "40 1 0:33 / / rw - overlay overlay rw,lowerdir=/a", "0:33", "/", "overlay",
          "overlay" },
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct quota_mount mount;
        CHECK_INT(quota_read_mount(cases[i].line, &mount), 0);
        CHECK_TEXT(mount.device, cases[i].device);
        CHECK_TEXT(mount.path, cases[i].path);
        CHECK_TEXT(mount.type, cases[i].type);
        CHECK_TEXT(mount.source, cases[i].source);
        quota_mount_done(&mount);
    }
}

static void lines_that_are_none_are_refused(void) {
    static const char *const lines[] = {
        "",
        "\n",
        " - ",
        "1 2 3:4 / /x rw -",
        "1 2 3:4 / /x rw - ext4",
        "1 2 - ext4 /dev/x",
        "a\n1 2 3:4 / /x rw - ext4 /dev/x",
    };
    struct quota_mount mount;

    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        if (quota_read_mount(lines[i], &mount) == 0)
            quota_mount_done(&mount); /* whatever it is, it is whole */
    CHECK_INT(quota_read_mount("", &mount), -EINVAL);
    CHECK_INT(quota_read_mount("1 2 3:4 / /x rw - ext4", &mount), -EINVAL);
    CHECK_INT(quota_read_mount("a\n1 2 3:4 / /x rw - ext4 /dev/x", &mount), -EINVAL);
}

/* Escapes that are cut off, and such as the kernel never writes. */
static void broken_escapes_stay_as_they_are(void) {
    struct quota_mount mount;

    CHECK_INT(quota_read_mount("1 2 3:4 / /a\\04 rw - t\\9xx s\\040", &mount), 0);
    CHECK_TEXT(mount.path, "/a\\04");
    CHECK_TEXT(mount.type, "t\\9xx");
    CHECK_TEXT(mount.source, "s ");
    quota_mount_done(&mount);
}

static void this_host_can_be_asked(void) {
    struct quotas quotas;

    int r = quota_read(&quotas, 0);
    CHECK(r == 0 || r == -EPERM);
    quota_done(&quotas);
}

TESTS(TEST(mounts_are_read_as_the_kernel_tells_them),
      TEST(lines_that_are_none_are_refused),
      TEST(broken_escapes_stay_as_they_are),
      TEST(this_host_can_be_asked))
