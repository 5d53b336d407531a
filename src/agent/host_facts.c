#include "agent/host_facts.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    FILE_MAX = 1 << 20, /* /proc/cpuinfo of a host with many cores */
    MODEL_MAX = 200,    /* characters of any fact: these files belong to firmware */
    GPU_CARDS_MAX = 64,
};

/* The file as text; empty when it cannot be read. End it with buf_done(). */
static struct buf read_text(const char *root, const char *path) {
    char *full = mem_printf("%s%s", root, path);
    struct buf text = { 0 };

    file_read(full, FILE_MAX, &text);
    free(full);
    buf_text(&text);
    return text;
}

/* A copy of len characters without what no line should hold. */
static char *clean(const char *text, size_t len) {
    if (len > MODEL_MAX)
        len = MODEL_MAX;
    char *copy = mem_dup(text, len);
    size_t kept = 0;
    for (size_t i = 0; i < len && copy[i] != '\0'; i++)
        if ((unsigned char)copy[i] >= 0x20 && copy[i] != 0x7f)
            copy[kept++] = copy[i];
    while (kept > 0 && copy[kept - 1] == ' ')
        kept--;
    copy[kept] = '\0';
    return copy;
}

static char *first_line(const char *root, const char *path) {
    struct buf text = read_text(root, path);
    char *line = clean((const char *)text.data, strcspn((const char *)text.data, "\n"));

    buf_done(&text);
    return line;
}

/* What follows "key" and its separator on the line that begins with it; "" without one.
 */
static char *value_of(const struct buf *text, const char *key, char separator) {
    const char *at = (const char *)text->data;
    size_t len = strlen(key);

    while (at && *at) {
        const char *end = at + strcspn(at, "\n");
        const char *mark = memchr(at, separator, (size_t)(end - at));
        if (strncmp(at, key, len) == 0 && mark) {
            const char *value = mark + 1;
            value += strspn(value, " \t\"");
            while (end > value && end[-1] == '"')
                end--;
            return clean(value, (size_t)(end - value));
        }
        at = *end ? end + 1 : NULL;
    }
    return mem_strdup("");
}

static char *file_value(const char *root,
                        const char *path,
                        const char *key,
                        char separator) {
    struct buf text = read_text(root, path);
    char *value = value_of(&text, key, separator);

    buf_done(&text);
    return value;
}

/* x86 has "model name"; Arm boards often only "Model". */
static char *read_cpu_model(const char *root) {
    char *model = file_value(root, "/proc/cpuinfo", "model name", ':');

    if (model[0] != '\0')
        return model;
    free(model);
    return file_value(root, "/proc/cpuinfo", "Model", ':');
}

static char *read_hardware(const char *root) {
    char *model = first_line(root, "/proc/device-tree/model");

    if (model[0] != '\0')
        return model;
    free(model);
    char *vendor = first_line(root, "/sys/class/dmi/id/sys_vendor");
    char *product = first_line(root, "/sys/class/dmi/id/product_name");
    model = mem_printf("%s%s%s", vendor, vendor[0] && product[0] ? " " : "", product);
    free(vendor);
    free(product);
    return model;
}

static bool has_file(const char *root, const char *path) {
    char *full = mem_printf("%s%s", root, path);
    bool has = file_exists(full);

    free(full);
    return has;
}

static const struct {
    const char *vendor; /* how DMI's sys_vendor or product_name begins */
    const char *word;
} hypervisors[] = {
    { "QEMU", "kvm" },
    { "KVM", "kvm" },
    { "VMware", "vmware" },
    { "innotek", "oracle" },
    { "VirtualBox", "oracle" },
    { "Xen", "xen" },
    { "Microsoft", "microsoft" },
    { "Amazon EC2", "amazon" },
    { "Google", "google" },
    { "Parallels", "parallels" },
};

/* Containers first, by the files and variables that their managers leave; then DMI. */
static char *read_virtualization(const char *root) {
    if (has_file(root, "/.dockerenv"))
        return mem_strdup("docker");
    if (has_file(root, "/run/.containerenv"))
        return mem_strdup("podman");
    char *container = first_line(root, "/run/systemd/container");
    if (container[0] != '\0')
        return container;
    free(container);

    char *vendor = first_line(root, "/sys/class/dmi/id/sys_vendor");
    const char *word = NULL;
    for (size_t i = 0; i < sizeof(hypervisors) / sizeof(hypervisors[0]) && !word; i++)
        if (strncmp(vendor, hypervisors[i].vendor, strlen(hypervisors[i].vendor)) == 0)
            word = hypervisors[i].word;
    free(vendor);
    if (word)
        return mem_strdup(word);
    struct buf cpu = read_text(root, "/proc/cpuinfo");
    bool hypervised = strstr((const char *)cpu.data, " hypervisor") != NULL;
    buf_done(&cpu);
    return mem_strdup(hypervised ? "vm" : "none");
}

/* Cards by PCI: NVIDIA's driver tells the model, others their kernel driver. */
static void read_gpus(struct host_facts *facts, const char *root) {
    for (unsigned i = 0; i < GPU_CARDS_MAX && facts->gpu_count < HOST_FACTS_GPUS_MAX;
         i++) {
        char *path = mem_printf("/sys/class/drm/card%u/device/uevent", i);
        char *driver = file_value(root, path, "DRIVER", '=');
        free(path);
        if (driver[0] != '\0')
            facts->gpus[facts->gpu_count++] = driver;
        else
            free(driver);
    }
}

static char *read_user(void) {
    const struct passwd *entry = getpwuid(geteuid());
    return entry ? mem_strdup(entry->pw_name) : mem_printf("%u", (unsigned)geteuid());
}

static uint64_t read_memory(const char *root) {
    char *text = file_value(root, "/proc/meminfo", "MemTotal", ':');
    uint64_t kibibytes = strtoull(text, NULL, 10);

    free(text);
    return kibibytes * 1024;
}

void host_facts_read(struct host_facts *facts, const char *root) {
    struct utsname name = { 0 };

    uname(&name);
    *facts = (struct host_facts) {
        .hostname = mem_strdup(name.nodename),
        .os_release = file_value(root, "/etc/os-release", "PRETTY_NAME", '='),
        .kernel = mem_strdup(name.release),
        .architecture = mem_strdup(name.machine),
        .cpu_model = read_cpu_model(root),
        .hardware = read_hardware(root),
        .virtualization = read_virtualization(root),
        .user = read_user(),
        .cpu_count = (uint32_t)sysconf(_SC_NPROCESSORS_CONF),
        .memory_bytes = read_memory(root),
        .boot_time_ms = clock_wall_ms() - (int64_t)clock_boot_ms(),
    };
    read_gpus(facts, root);
}

void host_facts_done(struct host_facts *facts) {
    free(facts->hostname);
    free(facts->os_release);
    free(facts->kernel);
    free(facts->architecture);
    free(facts->cpu_model);
    free(facts->hardware);
    free(facts->virtualization);
    free(facts->user);
    for (size_t i = 0; i < facts->gpu_count; i++)
        free(facts->gpus[i]);
    *facts = (struct host_facts) { 0 };
}
