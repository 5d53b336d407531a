#include "agent/host/host_facts.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/collect/folder.h"
#include "agent/host/virtualization.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum {
    FILE_MAX = 1 << 20, /* /proc/cpuinfo of a host with many cores */
    MODEL_MAX = 200,    /* characters of any fact: these files belong to firmware */
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

/* Parts of Arm's own cores by their number in /proc/cpuinfo. */
static const struct {
    unsigned long part;
    const char *name;
} arm_parts[] = {
    { 0xb76, "ARM1176" },     { 0xc07, "Cortex-A7" },   { 0xc09, "Cortex-A9" },
    { 0xc0f, "Cortex-A15" },  { 0xd03, "Cortex-A53" },  { 0xd04, "Cortex-A35" },
    { 0xd05, "Cortex-A55" },  { 0xd07, "Cortex-A57" },  { 0xd08, "Cortex-A72" },
    { 0xd09, "Cortex-A73" },  { 0xd0a, "Cortex-A75" },  { 0xd0b, "Cortex-A76" },
    { 0xd0c, "Neoverse-N1" }, { 0xd0d, "Cortex-A77" },  { 0xd40, "Neoverse-V1" },
    { 0xd41, "Cortex-A78" },  { 0xd49, "Neoverse-N2" }, { 0xd4f, "Neoverse-V2" },
};

/* "" when it is none of them. */
static char *read_arm_part(const char *root) {
    char *text = file_value(root, "/proc/cpuinfo", "CPU part", ':');
    unsigned long part = strtoul(text, NULL, 16);

    free(text);
    for (size_t i = 0; i < sizeof(arm_parts) / sizeof(arm_parts[0]); i++)
        if (arm_parts[i].part == part)
            return mem_strdup(arm_parts[i].name);
    return mem_strdup("");
}

/* x86 has "model name"; 64-bit Arm only the number of the part, or the board's model. */
static char *read_cpu_model(const char *root) {
    static const char *const keys[] = { "model name", "cpu model", "uarch", "Model" };
    char *model = read_arm_part(root);

    for (size_t i = 0; model[0] == '\0' && i < sizeof(keys) / sizeof(keys[0]); i++) {
        free(model);
        model = file_value(root, "/proc/cpuinfo", keys[i], ':');
    }
    return model;
}

/* Those that are online: nobody has a core that is switched off. */
static uint32_t count_cpus(const char *root) {
    struct buf text = read_text(root, "/proc/cpuinfo");
    const char *at = buf_text(&text);
    uint32_t count = 0;

    while ((at = strstr(at, "processor\t"))) {
        count += at == (const char *)text.data || at[-1] == '\n';
        at++;
    }
    buf_done(&text);
    return count > 0 ? count : (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
}

/* Makers that did not fill in the form. */
static bool is_placeholder(const char *text) {
    static const char *const empty[] = { "",
                                         "To Be Filled By O.E.M.",
                                         "To be filled by O.E.M.",
                                         "System manufacturer",
                                         "System Product Name",
                                         "Default string",
                                         "Not Specified",
                                         "None",
                                         "O.E.M." };

    for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
        if (strcmp(text, empty[i]) == 0)
            return true;
    return false;
}

/* "VENDOR NAME" of two files of DMI; "" when the name says nothing. */
static char *join_dmi(const char *root, const char *vendor_file, const char *name_file) {
    char *vendor = first_line(root, vendor_file);
    char *name = first_line(root, name_file);
    bool is_vendor_told = !is_placeholder(vendor) && !strstr(name, vendor);
    char *both = is_placeholder(name) ? mem_strdup("")
                                      : mem_printf("%s%s%s", is_vendor_told ? vendor : "",
                                                   is_vendor_told ? " " : "", name);

    free(vendor);
    free(name);
    return both;
}

static char *read_hardware(const char *root) {
    char *model = first_line(root, "/proc/device-tree/model");

    if (model[0] == '\0') {
        free(model);
        model = join_dmi(root, "/sys/class/dmi/id/sys_vendor",
                         "/sys/class/dmi/id/product_name");
    }
    if (model[0] == '\0') {
        free(model);
        model = join_dmi(root, "/sys/class/dmi/id/board_vendor",
                         "/sys/class/dmi/id/board_name");
    }
    return model;
}

/* Takes a name unless it is empty. */
static void add_gpu(struct host_facts *facts, char *name) {
    if (name[0] != '\0' && facts->gpu_count < HOST_FACTS_GPUS_MAX)
        facts->gpus[facts->gpu_count++] = name;
    else
        free(name);
}

/* NVIDIA's driver tells its models in a folder for each card. */
static void read_nvidia(struct host_facts *facts, const char *root) {
    char *folder = mem_printf("%s/proc/driver/nvidia/gpus", root);
    struct folder cards;

    folder_list(&cards, folder, "*");
    for (size_t i = 0; i < cards.count; i++) {
        char *path =
            mem_printf("/proc/driver/nvidia/gpus/%s/information", cards.names[i]);
        add_gpu(facts, file_value(root, path, "Model", ':'));
        free(path);
    }
    folder_done(&cards);
    free(folder);
}

/* Other cards: the model where the driver tells it, else the driver. */
static char *name_card(const char *root, const char *card) {
    char *uevent = mem_printf("/sys/class/drm/%s/device/uevent", card);
    char *product = mem_printf("/sys/class/drm/%s/device/product_name", card);
    char *driver = file_value(root, uevent, "DRIVER", '=');
    char *name = first_line(root, product);

    if (name[0] == '\0') {
        free(name);
        name = mem_strdup(strcmp(driver, "nvidia") == 0 ? "" : driver);
    }
    free(uevent);
    free(product);
    free(driver);
    return name;
}

static void read_gpus(struct host_facts *facts, const char *root) {
    char *path = mem_printf("%s/sys/class/drm", root);
    struct folder cards;

    read_nvidia(facts, root);
    folder_list(&cards, path, "card[0-9]*");
    for (size_t i = 0; i < cards.count; i++)
        if (!strchr(cards.names[i], '-')) /* card0-HDMI-A-1 is a socket */
            add_gpu(facts, name_card(root, cards.names[i]));
    folder_done(&cards);
    free(path);
}

/* By /etc/passwd alone: asking the system's name services loads libraries. */
static char *read_user(const char *root) {
    struct buf text = read_text(root, "/etc/passwd");
    const char *at = buf_text(&text);
    char *user = NULL;

    for (; *at && !user; at += *at == '\n') {
        size_t name = strcspn(at, ":\n"), line = strcspn(at, "\n");
        const char *id = at[name] == ':' ? strchr(at + name + 1, ':') : NULL;
        if (id && id < at + line && strtoul(id + 1, NULL, 10) == geteuid())
            user = clean(at, name);
        at += line;
    }
    buf_done(&text);
    if (user)
        return user;
    /* systemd tells a service the name of a user that exists while it runs. */
    const char *name = getenv("USER");
    return name && *name ? clean(name, strlen(name))
                         : mem_printf("%u", (unsigned)geteuid());
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
        .virtualization = mem_strdup(virtualization_find(root)),
        .user = read_user(root),
        .cpu_count = count_cpus(root),
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
