/*
 * Sensors, throttling, graphics processors and power: what differs from board to board.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/collect/recorded.h"
#include "agent/host/host_facts.h"
#include "base/check.h"

#define ABSENT SAMPLER_ABSENT

static void check(const struct recorded *host, const char *series, int64_t wanted) {
    int64_t value = recorded_value(host, series);
    if (value != wanted)
        print_message("%s: %lld, not %lld\n", series, (long long)value,
                      (long long)wanted);
    CHECK(value == wanted);
}

static void the_processor_of_a_pc_is_its_package(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    check(&host, "temp.cpu", 510);
    check(&host, "temp:coretemp.package_id_0", 510);
    check(&host, "temp:nvme.composite", 389);
    check(&host, "temp:acpitz", 278);
    check(&host, "temp:nct6775.systin", ABSENT); /* -128 degrees */
    check(&host, "fan:nct6775", 812);
    check(&host, "fan:nct6775-2", 0);
    CHECK(!recorded_has(&host, "temp:coretemp.core_0"));
    CHECK(!recorded_has(&host, "temp:acpitz-2"));
    recorded_put(&host, "sys/class/hwmon/hwmon2/temp1_input", "99000\n");
    recorded_put(&host, "sys/class/hwmon/hwmon0/temp1_input", "30000\n");
    recorded_tick(&host, 1000);
    check(&host, "temp.cpu", 990);
    check(&host, "temp:acpitz", 278); /* read every 10 s */
    recorded_tick(&host, 9000);
    check(&host, "temp:acpitz", 300);
    recorded_done(&host);
}

static void a_sensor_that_goes_is_gone_after_the_scan(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    recorded_put(&host, "sys/class/hwmon/hwmon1", NULL);
    recorded_tick(&host, 31000);
    CHECK(!recorded_has(&host, "temp:nvme.composite"));
    check(&host, "temp.cpu", 510);
    recorded_done(&host);
}

static void thermal_events_of_x86_are_counted(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    check(&host, "throttle", 0);
    recorded_put(&host,
                 "sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count",
                 "10\n");
    recorded_tick(&host, 1000);
    check(&host, "throttle", 1);
    check(&host, "throttle.events", 3);
    recorded_tick(&host, 1000);
    check(&host, "throttle", 0);
    check(&host, "throttle.events", 0);
    CHECK(!recorded_has(&host, "throttle.undervoltage"));
    recorded_done(&host);
}

static void a_throttle_bit_shows_in_the_next_sample(void) {
    static const struct {
        const char *text;
        int any, undervoltage, capped, throttled, limit, undervoltage_seen, limit_seen;
    } rows[] = {
        { "1\n", 1, 1, 0, 0, 0, 0, 0 },
        { "50005\n", 1, 1, 0, 1, 0, 1, 0 },
        { "50000\n", 0, 0, 0, 0, 0, 1, 0 },
        { "80008\n", 1, 0, 0, 0, 1, 0, 1 },
        { "throttled=0x2\n", 1, 0, 1, 0, 0, 0, 0 },
        { "0\n", 0, 0, 0, 0, 0, 0, 0 },
    };
    struct recorded host;

    recorded_init(&host, "rpi4", NULL);
    recorded_tick(&host, 0);
    check(&host, "throttle", 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        recorded_put(&host, "sys/devices/platform/soc/soc:firmware/get_throttled",
                     rows[i].text);
        recorded_tick(&host, 1000);
        check(&host, "throttle", rows[i].any);
        check(&host, "throttle.undervoltage", rows[i].undervoltage);
        check(&host, "throttle.freq_capped", rows[i].capped);
        check(&host, "throttle.throttled", rows[i].throttled);
        check(&host, "throttle.temp_limit", rows[i].limit);
        check(&host, "throttle.undervoltage_seen", rows[i].undervoltage_seen);
        check(&host, "throttle.temp_limit_seen", rows[i].limit_seen);
    }
    CHECK_INT(sampler_catalogue_id(host.sampler), 1);
    recorded_done(&host);
}

static void a_raspberry_pi_4_is_read(void) {
    struct recorded host;

    recorded_init(&host, "rpi4", NULL);
    recorded_tick(&host, 0);
    check(&host, "temp.cpu", 487);
    check(&host, "temp:cpu_thermal", 487);
    check(&host, "cpu.freq", 1500000000);
    CHECK(!recorded_has(&host, "temp:cpu_thermal-2")); /* its zone is the same */
    CHECK(!recorded_has(&host, "disk:/boot/firmware"));
    CHECK(recorded_has(&host, "net.rx:wlan0") &&
          recorded_has(&host, "disk.read:mmcblk0"));
    CHECK(!recorded_has(&host, "disk.read:mmcblk0boot0"));
    recorded_done(&host);
}

static void a_raspberry_pi_5_tells_low_voltage_by_its_alarm(void) {
    struct recorded host;

    recorded_init(&host, "rpi5", NULL);
    recorded_tick(&host, 0);
    check(&host, "fan:pwmfan", 2903);
    check(&host, "temp:rp1_adc", 452);
    check(&host, "throttle", 0);
    CHECK(!recorded_has(&host, "throttle.throttled"));
    recorded_put(&host, "sys/class/hwmon/hwmon3/in0_lcrit_alarm", "1\n");
    recorded_tick(&host, 1000);
    check(&host, "throttle", 1);
    check(&host, "throttle.undervoltage", 1);
    recorded_done(&host);
}

static void a_raspberry_pi_5_with_the_firmware_file_tells_all(void) {
    struct recorded host;

    recorded_init(&host, "rpi5", NULL);
    recorded_put(&host,
                 "sys/devices/platform/soc@107c000000/soc@107c000000:firmware/"
                 "get_throttled",
                 "4\n");
    recorded_tick(&host, 0);
    check(&host, "throttle.throttled", 1);
    recorded_done(&host);
}

static void amd_is_read_from_sysfs(void) {
    struct recorded host;

    recorded_init(&host, "amdgpu", NULL);
    recorded_tick(&host, 0);
    check(&host, "gpu", 370);
    check(&host, "gpu:0", 370);
    check(&host, "vram.used", 4294967296);
    check(&host, "vram.total:0", 17163091968);
    check(&host, "vram", 250);
    check(&host, "temp.gpu", 610);
    check(&host, "gpu.power", 1235);
    check(&host, "temp.cpu", 554);
    CHECK(!recorded_has(&host, "gpu:1"));
    recorded_put(&host, "sys/class/drm/card0/device/power/runtime_status", "suspended\n");
    recorded_tick(&host, 1000);
    check(&host, "gpu", ABSENT);
    recorded_done(&host);
}

static void write_gpus(const char *path, const char *text) {
    FILE *file = fopen(path, "we");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

/* FAKE_NVML_LIBRARY is the library of test/fake_nvml.c. */
static void nvidia_is_read_by_its_library(void) {
    struct recorded host;
    struct sampler_config config = { .nvml_path = getenv("FAKE_NVML_LIBRARY") };
    char path[] = "/tmp/fake_nvml.XXXXXX";

    int fd = mkstemp(path);
    CHECK(config.nvml_path && fd >= 0);
    close(fd);
    setenv("FAKE_NVML", path, 1);
    write_gpus(path, "40 3221225472 12884901888 65 120450\n60 0 12884901888 50 -1\n");
    recorded_init(&host, "nvidia", &config);
    recorded_tick(&host, 0);
    check(&host, "gpu", 500);
    check(&host, "gpu:0", 400);
    check(&host, "vram:0", 250);
    check(&host, "vram", 125);
    check(&host, "vram.total", 25769803776);
    check(&host, "temp.gpu", 650);
    check(&host, "temp.gpu:1", 500);
    check(&host, "gpu.power", 1205);
    check(&host, "gpu.power:1", ABSENT);
    write_gpus(path, "41 -1 -1 66 0\n");
    recorded_tick(&host, 1000);
    check(&host, "gpu", 410); /* the second one fell off the bus */
    check(&host, "gpu:1", ABSENT);
    check(&host, "vram", ABSENT);
    recorded_done(&host);
    remove(path);
}

static void without_the_driver_no_library_is_loaded(void) {
    struct recorded host;

    recorded_init(&host, "x86", NULL);
    recorded_tick(&host, 0);
    CHECK(!recorded_has(&host, "gpu"));
    recorded_done(&host);
    recorded_init(&host, "nvidia", NULL); /* a driver, and no library on this host */
    recorded_tick(&host, 0);
    recorded_done(&host);
}

static void a_laptop_tells_battery_and_mains(void) {
    struct recorded host;

    recorded_init(&host, "laptop", NULL);
    recorded_tick(&host, 0);
    check(&host, "battery", 83);
    check(&host, "battery.charging", 1);
    check(&host, "power.mains", 1);
    check(&host, "temp.cpu", 440);
    CHECK(!recorded_has(&host, "battery:BAT0"));
    recorded_put(&host, "sys/class/power_supply/AC/online", "0\n");
    recorded_put(&host, "sys/class/power_supply/BAT0/status", "Discharging\n");
    recorded_tick(&host, 5000);
    check(&host, "power.mains", 0);
    recorded_tick(&host, 26000);
    check(&host, "battery.charging", 0);
    recorded_done(&host);
}

static void facts_are_told(void) {
    static const struct {
        const char *tree, *cpu, *hardware, *gpu;
        unsigned cores;
    } rows[] = {
        { "x86", "Intel(R) Core(TM) i5-8500 CPU @ 3.00GHz", "LENOVO 10T7004QGE", NULL,
          4 },
        { "rpi4", "Cortex-A72", "Raspberry Pi 4 Model B Rev 1.4", NULL, 4 },
        { "rpi5", "Cortex-A76", "Raspberry Pi 5 Model B Rev 1.0", NULL, 4 },
        { "amdgpu", "", "", "Radeon RX 6900 XT", 0 },
        { "nvidia", "", "", "NVIDIA GeForce RTX 3060", 0 },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorded host;
        struct host_facts facts;
        recorded_init(&host, rows[i].tree, NULL);
        host_facts_read(&facts, host.root);
        CHECK_TEXT(facts.cpu_model, rows[i].cpu);
        CHECK_TEXT(facts.hardware, rows[i].hardware);
        CHECK_TEXT(facts.virtualization, "none");
        CHECK(!rows[i].cores || facts.cpu_count == rows[i].cores);
        if (rows[i].gpu)
            CHECK_TEXT(facts.gpus[0], rows[i].gpu);
        host_facts_done(&facts);
        recorded_done(&host);
    }
}

static void a_machine_in_a_machine_is_told(void) {
    static const struct {
        const char *path, *text, *word;
    } rows[] = {
        { ".dockerenv", "", "docker" },
        { "run/.containerenv", "", "podman" },
        { "run/systemd/container", "lxc\n", "lxc" },
        { "sys/class/dmi/id/sys_vendor", "QEMU\n", "kvm" },
        { "sys/class/dmi/id/product_name", "VMware Virtual Platform\n", "vmware" },
        { "sys/devices/system/clocksource/clocksource0/current_clocksource",
          "kvm-clock\n", "kvm" },
        { "proc/cpuinfo", "flags\t: fpu hypervisor\n", "vm" },
        { "proc/sys/kernel/osrelease", "5.15.90-microsoft-standard-WSL2\n", "wsl" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct recorded host;
        struct host_facts facts;
        recorded_init(&host, "x86", NULL);
        recorded_put(&host, rows[i].path, rows[i].text);
        host_facts_read(&facts, host.root);
        CHECK_TEXT(facts.virtualization, rows[i].word);
        CHECK_TEXT(facts.os_release, "Debian GNU/Linux 12 (bookworm)");
        host_facts_done(&facts);
        recorded_done(&host);
    }
}

TESTS(TEST(the_processor_of_a_pc_is_its_package),
      TEST(a_sensor_that_goes_is_gone_after_the_scan),
      TEST(thermal_events_of_x86_are_counted),
      TEST(a_throttle_bit_shows_in_the_next_sample),
      TEST(a_raspberry_pi_4_is_read),
      TEST(a_raspberry_pi_5_tells_low_voltage_by_its_alarm),
      TEST(a_raspberry_pi_5_with_the_firmware_file_tells_all),
      TEST(amd_is_read_from_sysfs),
      TEST(nvidia_is_read_by_its_library),
      TEST(without_the_driver_no_library_is_loaded),
      TEST(a_laptop_tells_battery_and_mains),
      TEST(facts_are_told),
      TEST(a_machine_in_a_machine_is_told))
