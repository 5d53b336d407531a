/*
 * fake_nvml - NVIDIA's management library as tests need it
 *
 * The file that FAKE_NVML names holds a line for each GPU: load in percent, memory used
 * and there in bytes, degrees, milliwatts. It is read at each call, so that a test can
 * change it under a running agent; a number of -1 answers "not supported".
 */
#include <stdio.h>
#include <stdlib.h>

enum {
    NOT_SUPPORTED = 3,
    NOT_FOUND = 6,
    GPUS_MAX = 8,
    LOAD = 0,
    USED,
    TOTAL,
    TEMP,
    POWER
};

struct utilization {
    unsigned gpu, memory;
};

struct memory_info {
    unsigned long long total, free, used;
};

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned place, void **device);
int nvmlDeviceGetUtilizationRates(void *device, struct utilization *load);
int nvmlDeviceGetMemoryInfo(void *device, struct memory_info *memory);
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius);
int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatt);

static char gpus[GPUS_MAX]; /* whose addresses are the handles */

/* Reads the line of one GPU; returns whether it is there. */
static int read_line(size_t place, long long ret_numbers[static 5]) {
    const char *path = getenv("FAKE_NVML");
    FILE *file = path ? fopen(path, "re") : NULL;
    char line[128], *at = NULL;

    if (!file)
        return 0;
    for (size_t i = 0; i <= place; i++)
        at = fgets(line, sizeof(line), file);
    fclose(file);
    for (size_t i = 0; i < 5 && at; i++)
        ret_numbers[i] = strtoll(at, &at, 10);
    return at != NULL;
}

static int read_number(void *device, int which, long long *ret_number) {
    long long numbers[5];

    if (!read_line((size_t)((char *)device - gpus), numbers))
        return NOT_FOUND;
    *ret_number = numbers[which];
    return numbers[which] < 0 ? NOT_SUPPORTED : 0;
}

int nvmlInit_v2(void) {
    return getenv("FAKE_NVML") ? 0 : NOT_FOUND;
}

int nvmlShutdown(void) {
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned *count) {
    long long numbers[5];

    for (*count = 0; *count < GPUS_MAX && read_line(*count, numbers); (*count)++)
        continue;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned place, void **device) {
    if (place >= GPUS_MAX)
        return NOT_FOUND;
    *device = &gpus[place];
    return 0;
}

int nvmlDeviceGetUtilizationRates(void *device, struct utilization *load) {
    long long number;
    int r = read_number(device, LOAD, &number);

    if (r == 0)
        *load = (struct utilization) { .gpu = (unsigned)number };
    return r;
}

int nvmlDeviceGetMemoryInfo(void *device, struct memory_info *memory) {
    long long used, total;
    int r = read_number(device, USED, &used);

    if (r == 0)
        r = read_number(device, TOTAL, &total);
    if (r == 0)
        *memory = (struct memory_info) { .total = (unsigned long long)total,
                                         .free = (unsigned long long)(total - used),
                                         .used = (unsigned long long)used };
    return r;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
    long long number;
    int r = read_number(device, TEMP, &number);

    if (r == 0)
        *celsius = (unsigned)number;
    return r;
}

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatt) {
    long long number;
    int r = read_number(device, POWER, &number);

    if (r == 0)
        *milliwatt = (unsigned)number;
    return r;
}
