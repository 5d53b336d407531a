#include "agent/host/virtualization.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { FILE_MAX = 4 << 20 };

#define CLOCK_SOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

/* One thing to look for: this text in this file means that. "" means any content. */
struct sign {
    const char *file, *text, *meaning;
};

static const struct sign signs[] = {
    { "/.dockerenv", "", "docker" },
    { "/run/.containerenv", "", "podman" },
    { "/run/systemd/container", "lxc", "lxc" },
    { "/run/systemd/container", "docker", "docker" },
    { "/run/systemd/container", "podman", "podman" },
    { "/run/systemd/container", "systemd-nspawn", "systemd-nspawn" },
    { "/run/systemd/container", "", "container" },
    { "/proc/1/environ", "container=lxc", "lxc" },
    { "/proc/1/environ", "container=", "container" },
    { "/proc/1/cgroup", "/docker/", "docker" },
    { "/proc/1/cgroup", "/lxc/", "lxc" },
    { "/proc/sys/kernel/osrelease", "microsoft", "wsl" },
    { "/sys/hypervisor/type", "xen", "xen" },
    { "/sys/class/dmi/id/product_name", "KVM", "kvm" },
    { "/sys/class/dmi/id/product_name", "Google Compute Engine", "google" },
    { "/sys/class/dmi/id/product_name", "VirtualBox", "oracle" },
    { "/sys/class/dmi/id/product_name", "VMware", "vmware" },
    { "/sys/class/dmi/id/product_name", "OpenStack", "kvm" },
    { "/sys/class/dmi/id/product_name", "Virtual Machine", "microsoft" },
    { "/sys/class/dmi/id/sys_vendor", "Amazon EC2", "amazon" },
    { "/sys/class/dmi/id/sys_vendor", "QEMU", "kvm" },
    { "/sys/class/dmi/id/sys_vendor", "VMware", "vmware" },
    { "/sys/class/dmi/id/sys_vendor", "innotek", "oracle" },
    { "/sys/class/dmi/id/sys_vendor", "Xen", "xen" },
    { "/sys/class/dmi/id/sys_vendor", "Parallels", "parallels" },
    { "/sys/class/dmi/id/sys_vendor", "BHYVE", "bhyve" },
    { "/sys/class/dmi/id/sys_vendor", "Hetzner", "kvm" },
    { "/sys/class/dmi/id/sys_vendor", "DigitalOcean", "kvm" },
    { CLOCK_SOURCE, "kvm-clock", "kvm" },
    { CLOCK_SOURCE, "hyperv", "microsoft" },
    { CLOCK_SOURCE, "xen", "xen" },
    { "/proc/device-tree/hypervisor/compatible", "kvm", "kvm" },
    { "/proc/cpuinfo", " hypervisor", "vm" },
};

/* Bytes may hold NULs (environ does): they count as ends of words. */
static bool has_text(struct buf *bytes, const char *text) {
    for (size_t i = 0; i < bytes->len; i++)
        if (bytes->data[i] == '\0')
            bytes->data[i] = '\n';
    return strcasestr(buf_text(bytes), text) != NULL;
}

static bool is_seen(const char *root, const struct sign *sign) {
    struct buf bytes = { 0 };
    char *path = mem_printf("%s%s", root, sign->file);
    bool is_there = sign->text[0] == '\0' ? access(path, F_OK) == 0
                                          : file_read(path, FILE_MAX, &bytes) == 0 &&
                                                has_text(&bytes, sign->text);

    buf_done(&bytes);
    free(path);
    return is_there;
}

const char *virtualization_find(const char *root) {
    for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
        if (is_seen(root, &signs[i]))
            return signs[i].meaning;
    return "none";
}
