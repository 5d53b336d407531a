/*
 * sampler - all figures of this host, read once per tick
 *
 * Runs the collectors: each turns a few files of /proc and /sys into series. Files stay
 * open and are read with pread; what is slow (file systems, sensors, the list of
 * devices) has a slower schedule of its own. A source that is not there costs nothing.
 * In the steady state a tick allocates nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct sampler;
struct statvfs;

/* A value that is not there; the same number as SAMPLE_ABSENT of wire/sample.h. */
#define SAMPLER_ABSENT INT64_MIN

/* Which of the things of one kind count: lists of patterns (fnmatch), parted by commas.
 */
struct sampler_choice {
    const char *include; /* these count whatever they are; NULL: none */
    const char *exclude; /* these do not count unless they are included; NULL: none */
};

/* What may differ from the usual; all zero is the usual. Texts are copied. */
struct sampler_config {
    const char *root; /* where the host's "/" is seen; NULL: "" */
    const char *proc; /* NULL: ROOT/proc */
    const char *sys;  /* NULL: ROOT/sys */
    struct sampler_choice interfaces;
    struct sampler_choice mounts; /* matched with the folder */
    struct sampler_choice disks;  /* whole block devices */
    const char *net_ignore;       /* replaces the default choice of interfaces: all but
                                     those whose name contains one of these words */
    const char *nvml_path;        /* NULL: "libnvidia-ml.so.1", if the driver is there */
    unsigned cores_max;           /* cores with series of their own; more: none. 0: 16 */
    int (*measure)(const char *path, struct statvfs *ret); /* NULL: statvfs() */
};

/* One series of the catalogue. */
struct metric_info {
    char *name;       /* owned by the sampler */
    const char *unit; /* borrowed: the table of base/metric.h */
    uint8_t scale;    /* the value is an integer times 10^-scale */
};

struct sampler *sampler_new(const struct sampler_config *config);

/* Frees the sampler; NULL is fine. Always returns NULL. */
struct sampler *sampler_free(struct sampler *sampler);

/*
 * Reads everything that is due. Time is CLOCK_BOOTTIME and must not go back. Rates are
 * absent in the first sample and need two. 0, or -errno when not even /proc is there.
 */
int sampler_take(struct sampler *sampler, uint64_t now_boottime_ns);

/* The series in the order of the values; lent until the next sampler_take(). */
const struct metric_info *sampler_catalogue(const struct sampler *sampler,
                                            size_t *ret_count);

/* The values of the last sample, SAMPLER_ABSENT where there is none; lent likewise. */
const int64_t *sampler_values(const struct sampler *sampler);

/* Counts up when the series change; 0 before the first sample. */
uint32_t sampler_catalogue_id(const struct sampler *sampler);
