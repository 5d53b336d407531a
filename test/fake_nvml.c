/*
 * fake_nvml - NVIDIA's management library as tests need it
 *
 * The file that FAKE_NVML names holds a line for each GPU: load in percent, memory used
 * and there in bytes, degrees, milliwatts. It is read at each call, so that a test can
 * change it under a running agent; a number of -1 answers "not supported". The file that
 * FAKE_NVML_PROCESSES names holds a line for each process: place of the GPU, number,
 * bytes, percent.
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

struct process_info {
    unsigned pid;
    unsigned long long memory;
    unsigned gpu_instance, compute_instance;
};

struct process_sample {
    unsigned pid;
    unsigned long long time_us;
    unsigned load, memory, encoder, decoder;
};

int nvmlDeviceGetComputeRunningProcesses_v3(void *device,
                                            unsigned *count,
                                            struct process_info *processes);
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device,
                                             unsigned *count,
                                             struct process_info *processes);
int nvmlDeviceGetProcessUtilization(void *device,
                                    struct process_sample *samples,
                                    unsigned *count,
                                    unsigned long long since_us);

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

/* The processes of a GPU: how many, at most cap. */
static unsigned read_processes(void *device, long long (*rows)[3], unsigned cap) {
    const char *path = getenv("FAKE_NVML_PROCESSES");
    FILE *file = path ? fopen(path, "re") : NULL;
    long long place, row[3];
    unsigned count = 0;

    if (!file)
        return 0;
    while (count < cap &&
           fscanf(file, "%lld %lld %lld %lld", &place, &row[0], &row[1], &row[2]) == 4) {
        if (place != (char *)device - gpus)
            continue;
        for (size_t i = 0; i < 3; i++)
            rows[count][i] = row[i];
        count++;
    }
    fclose(file);
    return count;
}

int nvmlDeviceGetComputeRunningProcesses_v3(void *device,
                                            unsigned *count,
                                            struct process_info *processes) {
    long long rows[GPUS_MAX][3];

    *count = read_processes(device, rows, *count < GPUS_MAX ? *count : GPUS_MAX);
    for (unsigned i = 0; i < *count; i++)
        processes[i] = (struct process_info) {
            .pid = (unsigned)rows[i][0],
            .memory = (unsigned long long)rows[i][1],
        };
    return 0;
}

/* The first one draws too. */
int nvmlDeviceGetGraphicsRunningProcesses_v3(void *device,
                                             unsigned *count,
                                             struct process_info *processes) {
    long long rows[1][3];

    *count = read_processes(device, rows, 1);
    if (*count > 0)
        processes[0] = (struct process_info) { .pid = (unsigned)rows[0][0] };
    return 0;
}

int nvmlDeviceGetProcessUtilization(void *device,
                                    struct process_sample *samples,
                                    unsigned *count,
                                    unsigned long long since_us) {
    long long rows[GPUS_MAX][3];
    unsigned found = read_processes(device, rows, GPUS_MAX);
    unsigned used = 0;

    for (unsigned i = 0; i < found && used < *count; i++)
        if (rows[i][2] >= 0)
            samples[used++] = (struct process_sample) {
                .pid = (unsigned)rows[i][0],
                .time_us = since_us + 1,
                .load = (unsigned)rows[i][2],
            };
    *count = used;
    return used > 0 ? 0 : NOT_FOUND;
}
