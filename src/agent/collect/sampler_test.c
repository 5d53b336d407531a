#include "agent/collect/sampler.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#include "agent/collect/recorded.h"
#include "base/check.h"
#include "base/metric.h"

#define ABSENT SAMPLER_ABSENT

struct row {
    const char *series;
    int64_t value;
};

static void check_rows(const struct recorded *host,
                       const struct row *rows,
                       size_t count) {
    for (size_t i = 0; i < count; i++) {
        int64_t value = recorded_value(host, rows[i].series);
        if (value != rows[i].value)
            print_message("%s: %lld, not %lld\n", rows[i].series, (long long)value,
                          (long long)rows[i].value);
        CHECK(value == rows[i].value);
    }
}

#define CHECK_ROWS(host, ...)                                                            \
    check_rows(host, (struct row[]) { __VA_ARGS__ },                                     \
               sizeof((struct row[]) { __VA_ARGS__ }) / sizeof(struct row))

static const char stat_later[] =
    "cpu  1100 100 550 8800 220 55 55 120 0 0\n"
    "cpu0 350 25 125 2000 50 12 13 25 0 0\n" /* nothing but 100 of user */
    "cpu1 250 25 125 2100 50 12 13 25 0 0\n"
    "cpu2 250 25 125 2000 50 12 13 25 0 0\n" /* did not move */
    "cpu3 250 25 125 2049 40 13 13 25 0 0\n" /* iowait fell, as it may */
    "intr 1 2 3\nprocs_running 5\nprocs_blocked 0\n";

static void the_first_sample_has_levels_and_no_rates(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    CHECK_INT(sampler_catalogue_id(host.sampler), 0);
    recorded_tick(&host, 0);
    CHECK_INT(sampler_catalogue_id(host.sampler), 1);
    CHECK_ROWS(&host, { "cpu", ABSENT }, { "cpu:0", ABSENT }, { "cpu.count", 4 },
               { "proc.running", 2 }, { "proc.blocked", 1 }, { "load1", 52 },
               { "load5", 158 }, { "load15", 1209 }, { "psi.cpu", 150 },
               { "psi.io_full", 25 }, { "net.rx", ABSENT }, { "disk.read:sda", ABSENT },
               { "uptime", 5000 }, { "cpu.freq", 950000000 });
    CHECK_ROWS(&host, { "mem", 500 }, { "mem.total", 16777216000 },
               { "mem.used", 8388608000 }, { "mem.available", 8388608000 },
               { "mem.cached", 4300800000 }, { "mem.buffers", 102400000 },
               { "swap", 250 }, { "swap.used", 512000000 }, { "swap.total", 2048000000 });
    recorded_done(&host);
}

static void shares_of_the_processor_are_of_what_passed(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(&host, "proc/stat", stat_later);
    recorded_tick(&host, 1000);
    CHECK_ROWS(&host, { "cpu", 180 }, { "cpu.user", 100 }, { "cpu.system", 60 },
               { "cpu.iowait", 20 }, { "cpu.steal", 20 }, { "cpu:0", 1000 },
               { "cpu:1", 0 }, { "cpu:2", ABSENT }, { "cpu:3", 20 },
               { "proc.running", 5 }, { "proc.blocked", 0 });
    CHECK_INT(sampler_catalogue_id(host.sampler), 1);
    recorded_done(&host);
}

static void a_core_that_goes_offline_changes_the_catalogue(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(&host, "proc/stat",
                 "cpu  1100 100 550 8800 220 55 55 120 0 0\n"
                 "cpu0 350 25 125 2000 50 12 13 25 0 0\n"
                 "cpu2 250 25 125 2000 50 12 13 25 0 0\nintr 1\nprocs_running 1\n");
    recorded_tick(&host, 1000);
    recorded_tick(&host, 1000);
    CHECK_INT(sampler_catalogue_id(host.sampler), 2);
    CHECK(recorded_has(&host, "cpu:2") && !recorded_has(&host, "cpu:1"));
    CHECK_ROWS(&host, { "cpu.count", 2 }, { "load1", 52 }); /* slow values are kept */
    recorded_done(&host);
}

static void many_cores_have_no_series_of_their_own(void) {
    struct recorded host;
    struct sampler_config config = { .cores_max = 3 };

    recorded_init(&host, "x86", &config);
    recorded_tick(&host, 0);
    CHECK(!recorded_has(&host, "cpu:0"));
    CHECK_ROWS(&host, { "cpu.count", 4 });
    recorded_done(&host);
}

#define NET_HEAD "Inter-| Receive\n face |bytes\n"

static void real_interfaces_count_once(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(&host, "proc/net/dev",
                 NET_HEAD "    lo: 19999 99 0 0 0 0 0 0 19999 99 0 0 0 0 0 0\n"
                          "  eno1: 1004000 5040 4 10 0 0 0 0 2002000 4010 1 1 0 0 0 0\n"
                          "wlp2s0:50200 502 0 0 0 0 0 0 60000 600 0 0 0 0 0 0\n"
                          "docker0: 900000 900 0 0 0 0 0 0 900000 900 0 0 0 0 0 0\n");
    recorded_tick(&host, 2000);
    CHECK_ROWS(&host, { "net.rx", 2100 }, { "net.rx:eno1", 2000 },
               { "net.rx:wlp2s0", 100 }, { "net.tx", 1000 }, { "net.tx:wlp2s0", 0 },
               { "net.rx_packets", 21 }, { "net.tx_packets:eno1", 5 },
               { "net.errors", 10 }, { "net.drops:eno1", 5 });
    CHECK(!recorded_has(&host, "net.rx:lo") && !recorded_has(&host, "net.rx:docker0"));
    CHECK(!recorded_has(&host, "net.rx:veth12ab") &&
          !recorded_has(&host, "net.rx:br-0c1d"));
    recorded_done(&host);
}

static void a_counter_that_falls_gives_no_rate(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(&host, "proc/net/dev",
                 NET_HEAD "  eno1: 5 5040 4 10 0 0 0 0 2002000 4010 1 1 0 0 0 0\n"
                          "wlp2s0: 50200 502 0 0 0 0 0 0 60000 600 0 0 0 0 0 0\n");
    recorded_put(&host, "proc/diskstats",
                 "8 0 sda 5 10 80000 500 2000 20 160000 1500 0 900 9999\n");
    recorded_tick(&host, 1000);
    CHECK_ROWS(&host, { "net.rx:eno1", ABSENT }, { "net.rx", 200 },
               { "net.tx:eno1", 2000 }, { "disk.read:sda", ABSENT },
               { "disk.read", ABSENT });
    recorded_put(&host, "proc/net/dev",
                 NET_HEAD "  eno1: 1005 5040 4 10 0 0 0 0 2002000 4010 1 1 0 0 0 0\n"
                          "wlp2s0: 50200 502 0 0 0 0 0 0 60000 600 0 0 0 0 0 0\n");
    recorded_tick(&host, 1000);
    CHECK_ROWS(&host, { "net.rx:eno1", 1000 });
    recorded_done(&host);
}

static void an_interface_that_appears_gets_its_series(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(&host, "sys/class/net/usb0/device/vendor", "1");
    recorded_put(&host, "proc/net/dev",
                 NET_HEAD "  eno1: 1000000 1 0 0 0 0 0 0 2000000 1 0 0 0 0 0 0\n"
                          "  usb0: 77 1 0 0 0 0 0 0 88 1 0 0 0 0 0 0\n");
    recorded_tick(&host, 1000);
    CHECK_ROWS(&host, { "net.rx:wlp2s0", ABSENT });
    recorded_tick(&host, 1000);
    CHECK_INT(sampler_catalogue_id(host.sampler), 2);
    CHECK(!recorded_has(&host, "net.rx:wlp2s0"));
    CHECK_ROWS(&host, { "net.rx:usb0", ABSENT }, { "net.rx:eno1", 0 },
               { "swap.total", 2048000000 });
    recorded_put(&host, "proc/net/dev",
                 NET_HEAD "  eno1: 1000000 1 0 0 0 0 0 0 2000000 1 0 0 0 0 0 0\n"
                          "  usb0: 177 1 0 0 0 0 0 0 88 1 0 0 0 0 0 0\n");
    recorded_tick(&host, 1000);
    CHECK_ROWS(&host, { "net.rx:usb0", 100 }, { "net.rx", 100 });
    recorded_done(&host);
}

static void the_choice_of_interfaces_can_be_changed(void) {
    static const struct {
        struct sampler_config config;
        const char *counted, *left_out;
    } rows[] = {
        { { .net_ignore = "docker, veth,br-" }, "net.rx:lo", "net.rx:docker0" },
        { { .net_ignore = "lo" }, "net.rx:veth12ab", "net.rx:lo" },
        { { .net_ignore = "" }, "net.rx:lo", "net.rx:none" },
        { { .interfaces.include = "docker*" }, "net.rx:docker0", "net.rx:veth12ab" },
        { { .interfaces.include = "docker0" }, "net.rx:eno1", "net.rx:veth12ab" },
        { { .interfaces.exclude = "eno*" }, "net.rx:wlp2s0", "net.rx:eno1" },
        { { .interfaces = { .include = "wl*", .exclude = "*" } },
          "net.rx:wlp2s0",
          "net.rx:eno1" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorded host;
        recorded_init(&host, "x86", &rows[i].config);
        recorded_tick(&host, 0);
        CHECK(recorded_has(&host, rows[i].counted));
        CHECK(!recorded_has(&host, rows[i].left_out));
        recorded_done(&host);
    }
}

static void whole_disks_count_once(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(
        &host, "proc/diskstats",
        "   8 0 sda 1010 10 80200 550 2010 20 160100 1650 3 1100 9999 0 0 0 0 0 0\n"
        "   8 1 sda1 1 1 1 1 1 1 1 1 1 1 1\n"
        " 253 0 dm-0 200 10 80000 50 200 20 16000 150 0 90 9999\n"
        " 259 0 nvme0n1 10 10 800 5 30 20 1700 20 0 209 9999 0 0 0 0 0 0\n");
    recorded_tick(&host, 2000);
    CHECK_ROWS(&host, { "disk.read:sda", 51200 }, { "disk.write:sda", 25600 },
               { "disk.read_ops:sda", 5 }, { "disk.write_ops:sda", 5 },
               { "disk.await:sda", 100 }, { "disk.busy:sda", 100 },
               { "disk.await:nvme0n1", 5 }, { "disk.read", 51200 },
               { "disk.write", 51200 }, { "disk.await", 68 }, { "disk.busy", 100 });
    CHECK(!recorded_has(&host, "disk.read:sda1") &&
          !recorded_has(&host, "disk.read:dm-0"));
    CHECK(!recorded_has(&host, "disk.read:loop0") &&
          !recorded_has(&host, "disk.read:sr0"));
    CHECK(!recorded_has(&host, "disk.read:nbd0"));
    recorded_done(&host);
}

/* The measure() of recorded.c fails the test for what must not be asked. */
static void file_systems_count_once_and_as_df_counts(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    CHECK_ROWS(&host, { "disk:/", 632 }, { "disk.used:/", 600000 * INT64_C(4096) },
               { "disk.total:/", 1000000 * INT64_C(4096) }, { "disk.inodes:/", 100 },
               { "disk:/home", 500 }, { "disk.inodes:/home", 750 },
               { "disk:/mnt/my disk", 0 }, { "disk", 464 },
               { "disk.used", 1600000 * INT64_C(4096) },
               { "disk.total", 3500000 * INT64_C(4096) }, { "disk.inodes", 750 });
    CHECK(!recorded_has(&host, "disk.inodes:/mnt/my disk"));
    CHECK(!recorded_has(&host, "disk:/srv/backup") && !recorded_has(&host, "disk:/boot"));
    CHECK(!recorded_has(&host, "disk:/mnt/stick"));
    recorded_done(&host);
}

static void the_choice_of_mounts_can_be_changed(void) {
    struct recorded host;
    struct sampler_config config = {
        .mounts = { .include = "/mnt/stick", .exclude = "/home,/srv/*" },
    };

    recorded_init(&host, "x86", &config);
    recorded_tick(&host, 0);
    CHECK(recorded_has(&host, "disk:/mnt/stick") && !recorded_has(&host, "disk:/home"));
    CHECK(recorded_has(&host, "disk:/"));
    recorded_done(&host);
}

static void a_mount_that_goes_is_gone_after_the_scan(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(&host, "proc/self/mountinfo",
                 "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n");
    recorded_tick(&host, 31000);
    CHECK(!recorded_has(&host, "disk:/home"));
    CHECK_ROWS(&host, { "disk", 632 });
    recorded_done(&host);
}

static void pools_share_their_room(void) {
    struct recorded host;

    recorded_init(&host, "zfs", NULL);
    recorded_tick(&host, 0);
    /* used: 0.6 + 1 + 2 + 0.5; room: 0.35 once for rpool, 1 of tank, 0.5 of btrfs */
    CHECK_ROWS(&host, { "disk.used", 4100000 * INT64_C(4096) }, { "disk", 689 });
    CHECK(recorded_has(&host, "disk:/data") && !recorded_has(&host, "disk:/data2"));
    recorded_done(&host);
}

static void a_container_is_never_below_nothing(void) {
    struct recorded host;

    recorded_init(&host, "lxc", NULL);
    recorded_tick(&host, 0);
    CHECK_ROWS(&host, { "mem", 0 }, { "mem.used", 0 }, { "mem.available", 536870912 },
               { "swap", 0 }, { "disk:/", 632 });
    CHECK(recorded_has(&host, "net.rx:eth0") && !recorded_has(&host, "net.rx:wg0"));
    CHECK(!recorded_has(&host, "disk.read"));
    CHECK(!recorded_has(&host, "temp.cpu") && !recorded_has(&host, "tcp.sockets"));
    recorded_done(&host);
}

static void sockets_are_told_by_state(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    CHECK_ROWS(&host, { "tcp.sockets", 9 }, { "tcp.time_wait", 3 },
               { "tcp.established", 3 }, { "tcp.listen", 3 }, { "tcp.close_wait", 1 },
               { "tcp.fin_wait", 2 }, { "tcp.syn_sent", 1 }, { "tcp.syn_recv", 1 },
               { "tcp.closing", 1 }, { "files.open", 1234 }, { "proc.count", 3 },
               { "proc.zombies", 1 });
    recorded_put(&host, "proc/net/sockstat",
                 "TCP: inuse 6000 orphan 0 tw 3 alloc 9 mem 1");
    recorded_tick(&host, 31000);
    CHECK_ROWS(&host, { "tcp.sockets", 6002 }, { "tcp.listen", ABSENT });
    recorded_done(&host);
}

static void names_and_units_are_those_of_the_table(void) {
    struct recorded host;
    size_t count;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    const struct metric_info *infos = sampler_catalogue(host.sampler, &count);
    for (size_t i = 0; i < count; i++) {
        const struct metric *metric = metric_find(infos[i].name);
        CHECK(metric && metric->scale == infos[i].scale);
        CHECK_TEXT(metric->unit, infos[i].unit);
        for (size_t j = 0; j < i; j++)
            CHECK(strcmp(infos[i].name, infos[j].name) != 0);
    }
    recorded_done(&host);
}

/* Cut anywhere, as a file that the kernel is about to change may be: no crash. */
static void a_file_that_is_cut_does_no_harm(void) {
    static const struct {
        const char *path, *text;
    } rows[] = {
        { "proc/stat", stat_later },
        { "proc/meminfo", "MemTotal: 99 kB\nMemAvailable: 9 kB\nSwapTotal:\n" },
        { "proc/net/dev", NET_HEAD "eno1: 1 2 3 4 5 6 7 8 9 10 11 12 13\nx\n" },
        { "proc/diskstats", "8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n8 x\n" },
        { "proc/self/mountinfo", "27 1 8:1 / / rw shared:1 - ext4 /dev/sd\\040a1 rw\n" },
        { "proc/net/sockstat", "TCP: inuse 7 orphan 0 tw 3 alloc\n" },
        { "proc/loadavg", "0.52 1.58 12.09 2/345 6789\n" },
        { "proc/pressure/io", "some avg10=1.50 avg60\nfull avg10=0\n" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorded host;
        char text[512];
        recorded_init(&host, "x86", NULL);
        recorded_tick(&host, 0);
        for (size_t len = 0; len <= strlen(rows[i].text); len++) {
            snprintf(text, sizeof(text), "%.*s", (int)len, rows[i].text);
            recorded_put(&host, rows[i].path, text);
            recorded_tick(&host, 31000);
        }
        recorded_done(&host);
    }
}

static void a_host_without_proc_is_refused(void) {
    struct sampler_config config = { .proc = "/nonexistent/proc" };
    struct sampler *sampler = sampler_new(&config);
    CHECK(sampler_take(sampler, 1) < 0);
    sampler_free(sampler);
}

/* A folder that stands for the host's "/". */
static int measure_below(const char *path, struct statvfs *ret_size) {
    const char *home = strstr(path, "/home");

    CHECK(strncmp(path, "/tmp/recorded.", 14) == 0);
    *ret_size = (struct statvfs) { .f_frsize = 4096,
                                   .f_blocks = home ? 2000000 : 1000000,
                                   .f_bfree = 1000 };
    return 0;
}

static void a_host_that_is_seen_in_a_folder_is_measured_there(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    struct sampler_config config = { .root = host.root, .measure = measure_below };
    host.sampler = sampler_free(host.sampler);
    host.sampler = sampler_new(&config);
    recorded_tick(&host, 0);
    CHECK_ROWS(&host, { "disk.total:/home", INT64_C(2000000) * 4096 },
               { "disk.total:/", INT64_C(1000000) * 4096 });

    /* Our own mounts are not the host's, which its first process has. */
    recorded_put(&host, "proc/1/mountinfo", "28 27 8:2 / /home rw - ext4 /dev/sda2 rw\n");
    host.sampler = sampler_free(host.sampler);
    host.sampler = sampler_new(&config);
    recorded_tick(&host, 0);
    CHECK(recorded_has(&host, "disk.total:/home"));
    CHECK(!recorded_has(&host, "disk.total:/"));
    recorded_done(&host);
}

TESTS(TEST(the_first_sample_has_levels_and_no_rates),
      TEST(shares_of_the_processor_are_of_what_passed),
      TEST(a_core_that_goes_offline_changes_the_catalogue),
      TEST(many_cores_have_no_series_of_their_own),
      TEST(real_interfaces_count_once),
      TEST(a_counter_that_falls_gives_no_rate),
      TEST(an_interface_that_appears_gets_its_series),
      TEST(the_choice_of_interfaces_can_be_changed),
      TEST(whole_disks_count_once),
      TEST(file_systems_count_once_and_as_df_counts),
      TEST(the_choice_of_mounts_can_be_changed),
      TEST(a_host_that_is_seen_in_a_folder_is_measured_there),
      TEST(a_mount_that_goes_is_gone_after_the_scan),
      TEST(pools_share_their_room),
      TEST(a_container_is_never_below_nothing),
      TEST(sockets_are_told_by_state),
      TEST(names_and_units_are_those_of_the_table),
      TEST(a_file_that_is_cut_does_no_harm),
      TEST(a_host_without_proc_is_refused))
