/*
 * prometheus - our series in the words of Prometheus
 *
 * "net.rx:eth0" in "By/s" becomes roost_net_rx_by_interface_bytes_per_second with the
 * label interface="eth0"; what was summed up keeps the name without "by", so that nobody
 * adds a sum to its parts. Numbers are counted in the plural ("proc.count" is
 * roost_procs), times in seconds; all else keeps its value: percents are no ratios.
 */
#pragma once

#include <stddef.h>

#include "hub/samples/latest.h"

enum {
    /* "roost_", "_by_", a word for the object and one for the unit; names may double. */
    PROMETHEUS_NAME_LEN = LATEST_NAME_MAX + 128,
    PROMETHEUS_LABEL_LEN = 32,
};

struct prometheus_name {
    char name[PROMETHEUS_NAME_LEN];
    char label[PROMETHEUS_LABEL_LEN]; /* "interface"; "" when it stands for the host */
    const char *object;               /* "eth0"; lent by the series' name; NULL */
    const char *unit;                 /* the name's last word, or NULL; static */
    double factor;                    /* from our values to Prometheus' */
    const char *help;                 /* static */
};

void prometheus_name(const char *series, const char *unit, struct prometheus_name *ret);
