#include "hub/metrics/prometheus.h"

#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "base/mem.h"

struct row {
    const char *series, *unit;
    const char *name, *label, *object;
};

static void series_get_prometheus_names(void) {
    static const struct row rows[] = {
        { "cpu", "%", "roost_cpu_percent", "", NULL },
        { "cpu:3", "%", "roost_cpu_by_core_percent", "core", "3" },
        { "mem.used", "By", "roost_mem_used_bytes", "", NULL },
        { "net.rx:eth0", "By/s", "roost_net_rx_by_interface_bytes_per_second",
          "interface", "eth0" },
        { "disk.used:/srv/a b", "By", "roost_disk_used_by_mount_bytes", "mount",
          "/srv/a b" },
        { "load1", "1", "roost_load1", "", NULL },
        { "temp.gpu:0", "Cel", "roost_temp_gpu_by_gpu_celsius", "gpu", "0" },
        { "cpu.count", "1", "roost_cpus", "", NULL },
        { ".count", "1", "roost__count", "", NULL },
        { "disk.await:sda", "ms", "roost_disk_await_by_device_seconds", "device", "sda" },
        { "uptime", "s", "roost_uptime_seconds", "", NULL },
        { "own-metric \xc3\xa4:x", "furlong", "roost_own_metric____by_object", "object",
          "x" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct prometheus_name name;
        prometheus_name(rows[i].series, rows[i].unit, &name);
        CHECK_TEXT(name.name, rows[i].name);
        CHECK_TEXT(name.label, rows[i].label);
        CHECK(!name.object == !rows[i].object);
        if (name.object)
            CHECK_TEXT(name.object, rows[i].object);
        CHECK(name.help && name.help[0]);
        CHECK(name.factor == (strcmp(rows[i].unit, "ms") == 0 ? 1e-3 : 1));
    }
}

static void a_name_of_any_length_stays_whole(void) {
    char *series = mem_new(LATEST_NAME_MAX + 1);
    struct prometheus_name name;

    memset(series, '.', LATEST_NAME_MAX);
    series[LATEST_NAME_MAX - 2] = ':';
    prometheus_name(series, "By/s", &name);
    CHECK(strlen(name.name) < PROMETHEUS_NAME_LEN - 1);
    CHECK(strstr(name.name, "_by_object_bytes_per_second"));
    free(series);
}

TESTS(TEST(series_get_prometheus_names), TEST(a_name_of_any_length_stays_whole))
