#include "base/metric.h"

#include <string.h>

/* The one list: catalogue, command line, alert rules and docs/metrics.md read it. */
static const struct metric metrics[] = {
    { "cpu", "%", 1, METRIC_GAUGE, "core", NULL,
      "Time that all cores were busy; of one core with its number" },
    { "cpu.user", "%", 1, METRIC_GAUGE, NULL, NULL, "Time in programs (user and nice)" },
    { "cpu.system", "%", 1, METRIC_GAUGE, NULL, NULL,
      "Time in the kernel, interrupts included" },
    { "cpu.iowait", "%", 1, METRIC_GAUGE, NULL, NULL,
      "Idle time while a disk was waited for" },
    { "cpu.steal", "%", 1, METRIC_GAUGE, NULL, NULL,
      "Time that the hypervisor gave to others" },
    { "cpu.count", "1", 0, METRIC_FACT, NULL, NULL, "Cores that are online" },
    { "cpu.freq", "Hz", 0, METRIC_GAUGE, NULL, NULL, "Mean clock of the cores" },
    { "load1", "1", 2, METRIC_GAUGE, NULL, "load", "Load average of 1 minute" },
    { "load5", "1", 2, METRIC_GAUGE, NULL, NULL, "Load average of 5 minutes" },
    { "load15", "1", 2, METRIC_GAUGE, NULL, NULL, "Load average of 15 minutes" },
    { "psi.cpu", "%", 2, METRIC_GAUGE, NULL, NULL,
      "Time that some task waited for a core, mean of 10 s" },
    { "psi.mem", "%", 2, METRIC_GAUGE, NULL, NULL,
      "Time that some task waited for memory, mean of 10 s" },
    { "psi.mem_full", "%", 2, METRIC_GAUGE, NULL, NULL,
      "Time that all tasks waited for memory, mean of 10 s" },
    { "psi.io", "%", 2, METRIC_GAUGE, NULL, NULL,
      "Time that some task waited for a disk, mean of 10 s" },
    { "psi.io_full", "%", 2, METRIC_GAUGE, NULL, NULL,
      "Time that all tasks waited for a disk, mean of 10 s" },
    { "mem", "%", 1, METRIC_GAUGE, NULL, "ram memory",
      "Memory in use: what is not available, of all" },
    { "mem.used", "By", 0, METRIC_GAUGE, NULL, "ram_used", "Total less available" },
    { "mem.available", "By", 0, METRIC_GAUGE, NULL, "ram_available",
      "What programs can get without swapping" },
    { "mem.cached", "By", 0, METRIC_GAUGE, NULL, NULL,
      "Page cache and reclaimable slabs" },
    { "mem.buffers", "By", 0, METRIC_GAUGE, NULL, NULL, "Raw block buffers" },
    { "mem.total", "By", 0, METRIC_FACT, NULL, "ram_total", "Memory that is there" },
    { "swap", "%", 1, METRIC_GAUGE, NULL, NULL, "Swap in use" },
    { "swap.used", "By", 0, METRIC_GAUGE, NULL, "swap_used", "Swap in use" },
    { "swap.total", "By", 0, METRIC_FACT, NULL, "swap_total", "Swap that is there" },
    { "net.rx", "By/s", 0, METRIC_RATE, "interface", "net_down", "Bytes received" },
    { "net.tx", "By/s", 0, METRIC_RATE, "interface", "net_up", "Bytes sent" },
    { "net.rx_packets", "/s", 0, METRIC_RATE, "interface", NULL, "Packets received" },
    { "net.tx_packets", "/s", 0, METRIC_RATE, "interface", NULL, "Packets sent" },
    { "net.errors", "/s", 1, METRIC_RATE, "interface", NULL,
      "Packets with errors, both ways" },
    { "net.drops", "/s", 1, METRIC_RATE, "interface", NULL,
      "Packets dropped, both ways" },
    { "disk", "%", 1, METRIC_GAUGE, "mount", NULL,
      "Space in use, of what users may fill (as df counts)" },
    { "disk.used", "By", 0, METRIC_GAUGE, "mount", "disk_used", "Space in use" },
    { "disk.total", "By", 0, METRIC_FACT, "mount", "disk_total", "Size of file systems" },
    { "disk.inodes", "%", 1, METRIC_GAUGE, "mount", NULL,
      "Inodes in use; without a mount the fullest" },
    { "disk.read", "By/s", 0, METRIC_RATE, "device", "disk_read", "Bytes read" },
    { "disk.write", "By/s", 0, METRIC_RATE, "device", "disk_write", "Bytes written" },
    { "disk.read_ops", "/s", 0, METRIC_RATE, "device", NULL, "Reads completed" },
    { "disk.write_ops", "/s", 0, METRIC_RATE, "device", NULL, "Writes completed" },
    { "disk.await", "ms", 1, METRIC_GAUGE, "device", NULL,
      "Mean time of one read or write, waiting included; 0 without any" },
    { "disk.busy", "%", 1, METRIC_GAUGE, "device", NULL,
      "Time with requests in flight; without a device the busiest" },
    { "temp.cpu", "Cel", 1, METRIC_GAUGE, NULL, "cpu_temp",
      "The processor: package, die or its thermal zone, the hottest" },
    { "temp", "Cel", 1, METRIC_GAUGE, "sensor", NULL, "One sensor" },
    { "fan", "RPM", 0, METRIC_GAUGE, "fan", NULL, "One fan" },
    { "throttle", "1", 0, METRIC_STATE, NULL, NULL,
      "1: the processor is slowed by heat or low voltage now" },
    { "throttle.undervoltage", "1", 0, METRIC_STATE, NULL, NULL,
      "1: the supply voltage is too low now (Raspberry Pi)" },
    { "throttle.freq_capped", "1", 0, METRIC_STATE, NULL, NULL,
      "1: the clock is capped now (Raspberry Pi)" },
    { "throttle.throttled", "1", 0, METRIC_STATE, NULL, NULL,
      "1: the clock is throttled now (Raspberry Pi)" },
    { "throttle.temp_limit", "1", 0, METRIC_STATE, NULL, NULL,
      "1: the soft temperature limit is reached now (Raspberry Pi)" },
    { "throttle.undervoltage_seen", "1", 0, METRIC_STATE, NULL, NULL,
      "1: too low a voltage since boot (Raspberry Pi)" },
    { "throttle.freq_capped_seen", "1", 0, METRIC_STATE, NULL, NULL,
      "1: capped since boot (Raspberry Pi)" },
    { "throttle.throttled_seen", "1", 0, METRIC_STATE, NULL, NULL,
      "1: throttled since boot (Raspberry Pi)" },
    { "throttle.temp_limit_seen", "1", 0, METRIC_STATE, NULL, NULL,
      "1: soft temperature limit since boot (Raspberry Pi)" },
    { "throttle.events", "1", 0, METRIC_GAUGE, NULL, NULL,
      "Thermal throttle events since the sample before (x86)" },
    { "gpu", "%", 1, METRIC_GAUGE, "GPU", NULL,
      "Time that the GPU was busy; without a number the mean" },
    { "vram", "%", 1, METRIC_GAUGE, "GPU", NULL, "Memory of the GPU in use" },
    { "vram.used", "By", 0, METRIC_GAUGE, "GPU", "vram_used",
      "Memory of the GPU in use" },
    { "vram.total", "By", 0, METRIC_FACT, "GPU", "vram_total", "Memory of the GPU" },
    { "temp.gpu", "Cel", 1, METRIC_GAUGE, "GPU", "gpu_temp",
      "The GPU; without a number the hottest" },
    { "gpu.power", "W", 1, METRIC_GAUGE, "GPU", NULL, "Power that the GPU draws" },
    { "battery", "%", 0, METRIC_GAUGE, "battery", NULL,
      "Charge; without a name the mean" },
    { "battery.charging", "1", 0, METRIC_STATE, NULL, NULL, "1: a battery is charging" },
    { "power.mains", "1", 0, METRIC_STATE, NULL, NULL, "1: fed from the mains" },
    { "proc.count", "1", 0, METRIC_GAUGE, NULL, NULL, "Processes" },
    { "proc.running", "1", 0, METRIC_GAUGE, NULL, NULL, "Tasks that run or want to" },
    { "proc.blocked", "1", 0, METRIC_GAUGE, NULL, NULL, "Tasks that wait for a disk" },
    { "proc.zombies", "1", 0, METRIC_GAUGE, NULL, NULL,
      "Ended processes that nobody collected" },
    { "tcp.sockets", "1", 0, METRIC_GAUGE, NULL, NULL,
      "TCP sockets in use, IPv4 and IPv6, without TIME_WAIT" },
    { "tcp.established", "1", 0, METRIC_GAUGE, NULL, NULL, "In state ESTABLISHED" },
    { "tcp.listen", "1", 0, METRIC_GAUGE, NULL, NULL, "In state LISTEN" },
    { "tcp.syn_sent", "1", 0, METRIC_GAUGE, NULL, NULL, "In state SYN_SENT" },
    { "tcp.syn_recv", "1", 0, METRIC_GAUGE, NULL, NULL, "In state SYN_RECV" },
    { "tcp.fin_wait", "1", 0, METRIC_GAUGE, NULL, NULL, "In FIN_WAIT1 or FIN_WAIT2" },
    { "tcp.time_wait", "1", 0, METRIC_GAUGE, NULL, NULL, "In state TIME_WAIT" },
    { "tcp.close_wait", "1", 0, METRIC_GAUGE, NULL, NULL, "In state CLOSE_WAIT" },
    { "tcp.closing", "1", 0, METRIC_GAUGE, NULL, NULL, "In LAST_ACK, CLOSING or CLOSE" },
    { "files.open", "1", 0, METRIC_GAUGE, NULL, NULL, "Open file handles of all" },
    { "uptime", "s", 0, METRIC_GAUGE, NULL, NULL,
      "Time since boot, suspension included" },
};

enum { METRIC_COUNT = sizeof(metrics) / sizeof(metrics[0]) };

const struct metric *metric_at(size_t place) {
    return place < METRIC_COUNT ? &metrics[place] : NULL;
}

const struct metric *metric_find(const char *series) {
    size_t len = strcspn(series, ":");

    for (size_t i = 0; i < METRIC_COUNT; i++)
        if (strncmp(metrics[i].name, series, len) == 0 && metrics[i].name[len] == '\0')
            return series[len] && !metrics[i].object ? NULL : &metrics[i];
    return NULL;
}

/* Is this one of the words of a list that spaces part? */
static int has_word(const char *words, const char *word) {
    size_t len = strlen(word);

    while (words && *words) {
        size_t step = strcspn(words, " ");
        if (step == len && strncmp(words, word, len) == 0)
            return 1;
        words += step + strspn(words + step, " ");
    }
    return 0;
}

const char *metric_resolve(const char *typed) {
    for (size_t i = 0; i < METRIC_COUNT; i++)
        if (has_word(metrics[i].older, typed))
            return metrics[i].name;
    return typed;
}

const char *metric_kind_word(uint8_t kind) {
    static const char *const words[] = { "level", "rate", "fact", "state" };
    return kind < sizeof(words) / sizeof(words[0]) ? words[kind] : "?";
}
