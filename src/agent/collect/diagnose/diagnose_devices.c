#include "agent/collect/diagnose/diagnose_devices.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/collect/diagnose/diagnose.h"
#include "agent/collect/folder.h"
#include "base/mem.h"

enum { LINE_MAX_LEN = 512, NAME_CAP = 128 };

/* A device, and what the list of names calls it. */
struct device {
    unsigned vendor;
    unsigned product;
    char vendor_name[NAME_CAP];
    char product_name[NAME_CAP];
};

/* --- pci.ids and usb.ids: "1234  Vendor", below it "\t5678  Product" --- */

static void copy_name(char ret_name[static NAME_CAP], const char *text) {
    size_t len = strcspn(text, "\n");

    snprintf(ret_name, NAME_CAP, "%.*s", (int)(len < NAME_CAP ? len : NAME_CAP - 1),
             text);
}

/* "1234  Name": false when the line begins otherwise. */
static bool take_id(const char *line, unsigned *ret_id, const char **ret_name) {
    for (int i = 0; i < 4; i++)
        if (!isxdigit((unsigned char)line[i]))
            return false;
    if (line[4] != ' ')
        return false;
    *ret_id = (unsigned)strtoul(line, NULL, 16);
    *ret_name = line + 4 + strspn(line + 4, " ");
    return true;
}

static void name_devices(struct device *devices, size_t count, FILE *file) {
    char line[LINE_MAX_LEN];
    unsigned vendor = 0, id;
    const char *name;

    while (fgets(line, sizeof(line), file)) {
        if (line[0] == 'C' && line[1] == ' ')
            return; /* classes follow */
        if (take_id(line, &id, &name)) {
            vendor = id;
            for (size_t i = 0; i < count; i++)
                if (devices[i].vendor == vendor)
                    copy_name(devices[i].vendor_name, name);
        } else if (line[0] == '\t' && take_id(line + 1, &id, &name)) {
            for (size_t i = 0; i < count; i++)
                if (devices[i].vendor == vendor && devices[i].product == id)
                    copy_name(devices[i].product_name, name);
        }
    }
}

/* From the host's own list, where it has one. */
static void find_names(const struct diagnose *diagnose,
                       const char *list,
                       struct device *devices,
                       size_t count) {
    static const char *const folders[] = { "/usr/share/misc", "/usr/share/hwdata",
                                           "/var/lib" };

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]) && count > 0; i++) {
        auto_(mem_freep) char *path =
            mem_printf("%s%s/%s", diagnose->root, folders[i], list);
        FILE *file = fopen(path, "re");
        if (!file)
            continue;
        name_devices(devices, count, file);
        fclose(file);
        return;
    }
}

/* --- PCI --- */

static const char *class_name(unsigned class) {
    static const char *const names[] = {
        "unclassified", "storage",    "network",
        "display",      "multimedia", "memory",
        "bridge",       "serial",     "system",
        "input",        "docking",    "processor",
        "bus",          "wireless",   "intelligent",
        "satellite",    "encryption", "signal processing",
        "accelerator",
    };
    return class < sizeof(names) / sizeof(names[0]) ? names[class] : "other";
}

/* "TOTAL_ERR_FATAL 0" stands in the last line. */
static void add_link_errors(struct diagnose *diagnose,
                            const char *name,
                            const char *kind) {
    auto_(mem_freep) char *text =
        diagnose_read(diagnose, "/sys/bus/pci/devices/%s/aer_dev_%s", name, kind);
    const char *total = strstr(text, "TOTAL_ERR_");
    unsigned long count = total ? strtoul(total + strcspn(total, " "), NULL, 10) : 0;

    if (count > 0)
        diagnose_worry(diagnose, "%lu errors (%s) on its link", count, kind);
}

static void add_pci(struct diagnose *diagnose,
                    const char *name,
                    const struct device *device) {
    auto_(mem_freep) char *driver =
        diagnose_link(diagnose, "/sys/bus/pci/devices/%s/driver", name);
    long long class = diagnose_number(diagnose, 0, "/sys/bus/pci/devices/%s/class", name);

    diagnose_item(diagnose, name);
    diagnose_add(diagnose, "class", "%s", class_name((unsigned)(class >> 16) & 0xff));
    diagnose_add(diagnose, "id", "%04x:%04x", device->vendor, device->product);
    diagnose_add(diagnose, "vendor", "%s", device->vendor_name);
    diagnose_add(diagnose, "device", "%s", device->product_name);
    diagnose_add(diagnose, "driver", "%s", driver);
    add_link_errors(diagnose, name, "fatal");
    add_link_errors(diagnose, name, "nonfatal");
}

void diagnose_devices_pci(struct diagnose *diagnose) {
    auto_(mem_freep) char *path = mem_printf("%s/sys/bus/pci/devices", diagnose->root);
    struct folder names;

    diagnose_begin(diagnose, "pci");
    folder_list(&names, path, "*:*");
    auto_(mem_freep) void *memory = mem_new_array(names.count + 1, sizeof(struct device));
    struct device *devices = memory;
    for (size_t i = 0; i < names.count; i++) {
        devices[i].vendor = (unsigned)diagnose_number(
            diagnose, 0, "/sys/bus/pci/devices/%s/vendor", names.names[i]);
        devices[i].product = (unsigned)diagnose_number(
            diagnose, 0, "/sys/bus/pci/devices/%s/device", names.names[i]);
    }
    find_names(diagnose, "pci.ids", devices, names.count);
    for (size_t i = 0; i < names.count; i++)
        add_pci(diagnose, names.names[i], &devices[i]);
    folder_done(&names);
}

/* --- USB --- */

/* The files have hex digits without 0x. */
static unsigned read_hex(const struct diagnose *diagnose,
                         const char *name,
                         const char *file) {
    auto_(mem_freep) char *text =
        diagnose_read(diagnose, "/sys/bus/usb/devices/%s/%s", name, file);
    return (unsigned)strtoul(text, NULL, 16);
}

static void add_usb(struct diagnose *diagnose,
                    const char *name,
                    const struct device *device) {
    diagnose_item(diagnose, name);
    diagnose_add(diagnose, "id", "%04x:%04x", device->vendor, device->product);
    if (device->vendor_name[0])
        diagnose_add(diagnose, "vendor", "%s", device->vendor_name);
    else
        diagnose_add_file(diagnose, "vendor", "/sys/bus/usb/devices/%s/manufacturer",
                          name);
    if (device->product_name[0])
        diagnose_add(diagnose, "device", "%s", device->product_name);
    else
        diagnose_add_file(diagnose, "device", "/sys/bus/usb/devices/%s/product", name);
    diagnose_add_file(diagnose, "Mbit/s", "/sys/bus/usb/devices/%s/speed", name);
    diagnose_add_file(diagnose, "USB", "/sys/bus/usb/devices/%s/version", name);
}

/* Names with a colon are interfaces of a device. */
void diagnose_devices_usb(struct diagnose *diagnose) {
    auto_(mem_freep) char *path = mem_printf("%s/sys/bus/usb/devices", diagnose->root);
    struct folder names;

    diagnose_begin(diagnose, "usb");
    folder_list(&names, path, "*");
    auto_(mem_freep) void *memory = mem_new_array(names.count + 1, sizeof(struct device));
    struct device *devices = memory;
    for (size_t i = 0; i < names.count; i++) {
        devices[i].vendor = read_hex(diagnose, names.names[i], "idVendor");
        devices[i].product = read_hex(diagnose, names.names[i], "idProduct");
    }
    find_names(diagnose, "usb.ids", devices, names.count);
    for (size_t i = 0; i < names.count; i++)
        if (!strchr(names.names[i], ':'))
            add_usb(diagnose, names.names[i], &devices[i]);
    folder_done(&names);
}
