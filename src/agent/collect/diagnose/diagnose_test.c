#include "agent/collect/diagnose/diagnose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/collect/diagnose/diagnose_run.h"
#include "agent/collect/recorded.h"
#include "base/check.h"
#include "base/mem.h"

static const struct diagnose_section *find_section(const struct diagnose *diagnose,
                                                   const char *name) {
    for (size_t i = 0; i < diagnose->count; i++)
        if (strcmp(diagnose->sections[i].name, name) == 0)
            return &diagnose->sections[i];
    fail_msg("no section %s", name);
    return NULL;
}

static const struct diagnose_item *find_item(const struct diagnose *diagnose,
                                             const char *section_name,
                                             const char *name) {
    const struct diagnose_section *section = find_section(diagnose, section_name);

    for (size_t i = 0; i < section->count; i++)
        if (strcmp(section->items[i].name, name) == 0)
            return &section->items[i];
    fail_msg("no item %s in %s", name, section_name);
    return NULL;
}

static const char *value_of(const struct diagnose_item *item, const char *name) {
    for (size_t i = 0; i < item->count; i++)
        if (strcmp(item->fields[i].name, name) == 0)
            return item->fields[i].value;
    return "";
}

/* The concern of an item, "" for none. */
static const char *concern_of(const struct diagnose *diagnose,
                              const char *section,
                              const char *name) {
    const char *concern = find_item(diagnose, section, name)->concern;
    return concern ? concern : "";
}

static void the_board_of_a_pi_and_its_trouble_are_told(void) {
    struct diagnose diagnose = { 0 };
    struct recorded host;

    recorded_init(&host, "rpi4", NULL);
    recorded_put(&host, "sys/devices/platform/soc/soc:firmware/get_throttled", "50005\n");
    diagnose_run(&diagnose, host.root);
    CHECK(strstr(value_of(find_item(&diagnose, "system", "hardware"), "name"),
                 "Raspberry"));
    const char *concern = concern_of(&diagnose, "cpu", "processor");
    CHECK(strstr(concern, "too little voltage now"));
    CHECK(strstr(concern, "throttled now"));
    diagnose_done(&diagnose);
    recorded_done(&host);
}

static void a_degraded_array_is_a_concern(void) {
    struct diagnose diagnose = { 0 };
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_put(&host, "sys/block/md0/size", "2048\n");
    recorded_put(&host, "sys/block/md0/md/level", "raid1\n");
    recorded_put(&host, "sys/block/md0/md/raid_disks", "2\n");
    recorded_put(&host, "sys/block/md0/md/degraded", "1\n");
    recorded_put(&host, "sys/block/sdz/size", "4096\n");
    recorded_put(&host, "sys/block/sdz/device/state", "offline\n");
    recorded_put(&host, "sys/block/sdz/device/model", "Disk\x1b[31m \xff Model\n");
    recorded_put(&host, "sys/block/sdz/sdz1/size", "2048\n");
    diagnose_run(&diagnose, host.root);
    CHECK_TEXT(concern_of(&diagnose, "disks", "md0"),
               "the array is degraded: 1 of 2 disks are missing");
    const struct diagnose_item *disk = find_item(&diagnose, "disks", "sdz");
    CHECK_TEXT(disk->concern, "its state is \"offline\"");
    CHECK_TEXT(value_of(disk, "model"), "Disk?[31m ? Model");
    CHECK_TEXT(value_of(disk, "bytes"), "2097152");
    CHECK_TEXT(value_of(disk, "partitions"), "sdz1 1.0 MB");
    diagnose_done(&diagnose);
    recorded_done(&host);
}

static void errors_of_memory_are_counted(void) {
    struct diagnose diagnose = { 0 };
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_put(&host, "sys/devices/system/edac/mc/mc0/ce_count", "3\n");
    recorded_put(&host, "sys/devices/system/edac/mc/mc0/ue_count", "1\n");
    recorded_put(&host, "proc/vmstat", "nr_free_pages 1\noom_kill 2\n");
    diagnose_run(&diagnose, host.root);
    CHECK_TEXT(concern_of(&diagnose, "memory", "mc0"),
               "1 errors of memory could not be corrected; 3 errors of memory were "
               "corrected");
    CHECK_TEXT(concern_of(&diagnose, "memory", "memory"),
               "2 times a process was killed for want of memory");
    diagnose_done(&diagnose);
    recorded_done(&host);
}

static void devices_have_the_names_of_the_hosts_lists(void) {
    struct diagnose diagnose = { 0 };
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_put(&host, "usr/share/misc/pci.ids",
                 "# a comment\n8086  Intel Corporation\n\t1533  I210 Ethernet\n"
                 "\t\t8086 0001  A board\n10de  NVIDIA\n\t1533  Something else\n"
                 "C 02  Network controller\n\t1533  not this\n");
    recorded_put(&host, "sys/bus/pci/devices/0000:01:00.0/vendor", "0x8086\n");
    recorded_put(&host, "sys/bus/pci/devices/0000:01:00.0/device", "0x1533\n");
    recorded_put(&host, "sys/bus/pci/devices/0000:01:00.0/class", "0x020000\n");
    recorded_put(&host, "sys/bus/pci/devices/0000:01:00.0/aer_dev_fatal",
                 "DLP 0\nTOTAL_ERR_FATAL 7\n");
    recorded_put(&host, "sys/bus/usb/devices/1-2/idVendor", "0bda\n");
    recorded_put(&host, "sys/bus/usb/devices/1-2/idProduct", "8153\n");
    recorded_put(&host, "sys/bus/usb/devices/1-2/product", "USB LAN\n");
    recorded_put(&host, "sys/bus/usb/devices/1-2:1.0/x", "an interface\n");
    diagnose_run(&diagnose, host.root);
    const struct diagnose_item *card = find_item(&diagnose, "pci", "0000:01:00.0");
    CHECK_TEXT(value_of(card, "class"), "network");
    CHECK_TEXT(value_of(card, "vendor"), "Intel Corporation");
    CHECK_TEXT(value_of(card, "device"), "I210 Ethernet");
    CHECK_TEXT(card->concern, "7 errors (fatal) on its link");
    const struct diagnose_item *stick = find_item(&diagnose, "usb", "1-2");
    CHECK_TEXT(value_of(stick, "id"), "0bda:8153");
    CHECK_TEXT(value_of(stick, "device"), "USB LAN");
    CHECK_INT(find_section(&diagnose, "usb")->count, 1);
    diagnose_done(&diagnose);
    recorded_done(&host);
}

static void complaints_of_the_kernel_are_counted(void) {
    struct diagnose diagnose = { 0 };
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_put(&host, "proc/sys/kernel/tainted", "4609\n");
    recorded_put(&host, "dev/kmsg",
                 "6,1,100,-;all is well\n"
                 "3,2,2000000,-;blk_update_request: I/O error, dev sda, sector 8\n"
                 " SUBSYSTEM=block\n"
                 "3,3,3000000,-;blk_update_request: I/O error, dev sda, sector 8\n"
                 "4,4,4000000,-;something odd\n"
                 "11,5,5,-;a program writes here too\n"
                 "garbage\n;\n4\n4,x,y,-;z\n");
    diagnose_run(&diagnose, host.root);
    const struct diagnose_item *kernel = find_item(&diagnose, "kernel", "kernel");
    CHECK_TEXT(value_of(kernel, "errors"), "2");
    CHECK_TEXT(value_of(kernel, "warnings"), "1");
    CHECK_TEXT(kernel->concern, "the kernel has warned of a fault");
    CHECK_TEXT(concern_of(&diagnose, "kernel",
                          "blk_update_request: I/O error, dev sda, sector 8"),
               "the kernel complained 2 times");
    CHECK_TEXT(concern_of(&diagnose, "kernel", "something odd"), "");
    CHECK_INT(find_section(&diagnose, "kernel")->count, 3);
    diagnose_done(&diagnose);
    recorded_done(&host);
}

/* Puts a program in the place of smartctl. */
static void put_smartctl(struct recorded *host, const char *script) {
    auto_(mem_freep) char *path = mem_printf("%s/usr/sbin/smartctl", host->root);

    recorded_put(host, "usr/sbin/smartctl", script);
    CHECK_INT(chmod(path, 0755), 0);
    recorded_put(host, "sys/block/sdz/size", "4096\n");
}

static void a_disk_says_how_it_is(void) {
    static const struct {
        const char *script, *concern;
    } rows[] = {
        { "#!/bin/sh\n[ \"$5\" = /dev/sdz ] && echo "
          "'{\"model_name\":\"M\",\"smart_status\":"
          "{\"passed\":false},\"ata_smart_attributes\":{\"revision\":1,\"table\":[{"
          "\"id\":"
          "5,\"name\":\"x\",\"raw\":{\"value\":8,\"string\":\"8\"}},{\"id\":9,\"raw\":{"
          "\"value\":99}},{\"id\":197,\"raw\":{\"value\":2}}]}}'\n",
          "the disk says that it is failing; 8 sectors were replaced; 2 sectors cannot "
          "be "
          "read" },
        { "#!/bin/sh\necho '{\"smart_status\":{\"passed\":true},\"nvme_smart_health_"
          "information_log\":{\"critical_warning\":4,\"percentage_used\":95,"
          "\"media_errors\":3}}'\n",
          "critical warning 0x4; 3 errors of its media; 95 % of its life are used" },
        { "#!/bin/sh\necho '{\"smart_status\":{\"passed\":true}}'\n", "" },
        { "#!/bin/sh\necho '[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]'\n",
          "" },
        { "#!/bin/sh\necho 'no json'\n", "" },
        { "#!/bin/sh\nexit 1\n", "" },
        { "#!/no/such/interpreter\n", "" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct diagnose diagnose = { 0 };
        struct recorded host;

        recorded_init(&host, "x86", NULL);
        put_smartctl(&host, rows[i].script);
        diagnose_run(&diagnose, host.root);
        CHECK_TEXT(concern_of(&diagnose, "smart", "sdz"), rows[i].concern);
        diagnose_done(&diagnose);
        recorded_done(&host);
    }
}

/* An agent that stops does not wait for a disk. */
static void a_program_that_hangs_is_ended(void) {
    struct diagnose diagnose = { 0 };
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    put_smartctl(&host, "#!/bin/sh\nsleep 100 & wait\n");
    diagnose.is_cancelled = true;
    diagnose_run(&diagnose, host.root);
    CHECK(strstr(value_of(find_item(&diagnose, "smart", "sdz"), "trouble"), "smartctl"));
    diagnose_done(&diagnose);
    recorded_done(&host);
}

static void a_report_is_bounded_and_readable(void) {
    struct diagnose diagnose = { 0 };
    struct buf text = { 0 };

    diagnose_begin(&diagnose, "test");
    for (int i = 0; i < 2 * DIAGNOSE_ITEMS_MAX; i++) {
        diagnose_item(&diagnose, "an item");
        for (int at = 0; at < 2 * DIAGNOSE_FIELDS_MAX; at++)
            diagnose_add(&diagnose, "name", "%s", "value\nof two lines");
        for (int at = 0; at < 100; at++)
            diagnose_worry(&diagnose, "%s", "something is wrong with it");
    }
    CHECK_INT(diagnose.sections[0].count, DIAGNOSE_ITEMS_MAX);
    CHECK_INT(diagnose.sections[0].items[7].count, DIAGNOSE_FIELDS_MAX);
    CHECK(strlen(diagnose.sections[0].items[7].concern) < 2 * DIAGNOSE_VALUE_MAX);
    CHECK_TEXT(diagnose.sections[0].items[7].fields[0].value, "value of two lines");
    diagnose_print(&diagnose, &text);
    CHECK(strstr(buf_text(&text), "CONCERNS\n  test, an item: something is wrong"));
    buf_done(&text);
    diagnose_done(&diagnose);
}

static void a_host_without_anything_is_told_as_such(void) {
    struct diagnose diagnose = { 0 };
    struct buf text = { 0 };

    diagnose_run(&diagnose, "/no/such/folder");
    CHECK_INT(diagnose.count, DIAGNOSE_SECTIONS);
    diagnose_print(&diagnose, &text);
    CHECK(strstr(buf_text(&text), "Nothing is wrong"));
    buf_done(&text);
    diagnose_done(&diagnose);
}

TESTS(TEST(the_board_of_a_pi_and_its_trouble_are_told),
      TEST(a_degraded_array_is_a_concern),
      TEST(errors_of_memory_are_counted),
      TEST(devices_have_the_names_of_the_hosts_lists),
      TEST(complaints_of_the_kernel_are_counted),
      TEST(a_disk_says_how_it_is),
      TEST(a_program_that_hangs_is_ended),
      TEST(a_report_is_bounded_and_readable),
      TEST(a_host_without_anything_is_told_as_such))
