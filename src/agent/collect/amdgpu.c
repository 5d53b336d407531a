#include "agent/collect/amdgpu.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/collect/collector.h"
#include "agent/collect/folder.h"
#include "agent/collect/gpu.h"
#include "base/mem.h"

static void open_at(struct source *source, const char *folder, const char *name) {
    source_init(source, mem_printf("%s/%s", folder, name));
    if (source_open(source) < 0)
        source_done(source);
}

static void open_sensors(struct amdgpu *gpu, const char *device_path) {
    struct folder chips;
    char *folder = mem_printf("%s/hwmon", device_path);

    folder_list(&chips, folder, "hwmon*");
    if (chips.count > 0) {
        char *chip = mem_printf("%s/%s", folder, chips.names[0]);
        open_at(&gpu->temp, chip, "temp1_input");
        open_at(&gpu->power, chip, "power1_average");
        if (!source_is_open(&gpu->power)) /* since RDNA3 */
            open_at(&gpu->power, chip, "power1_input");
        free(chip);
    }
    folder_done(&chips);
    free(folder);
}

/* Reads an attribute; "" when it is not there. */
static void peek_at(const char *folder, const char *name, char *ret_text, size_t cap) {
    char *path = mem_printf("%s/%s", folder, name);
    if (source_peek(path, ret_text, cap) < 0)
        ret_text[0] = '\0';
    free(path);
}

int amdgpu_init(struct amdgpu *gpu, const char *device_path) {
    char vendor[16];

    *gpu = (struct amdgpu) { .load.fd = -1 };
    peek_at(device_path, "vendor", vendor, sizeof(vendor));
    if (strcmp(vendor, "0x1002") != 0)
        return -ENODEV;
    open_at(&gpu->load, device_path, "gpu_busy_percent");
    open_at(&gpu->vram_used, device_path, "mem_info_vram_used");
    open_at(&gpu->vram_total, device_path, "mem_info_vram_total");
    open_at(&gpu->runtime, device_path, "power/runtime_status");
    open_sensors(gpu, device_path);
    if (source_is_open(&gpu->load) || source_is_open(&gpu->vram_total))
        return 0;
    amdgpu_done(gpu);
    return -ENODEV;
}

void amdgpu_done(struct amdgpu *gpu) {
    source_done(&gpu->load);
    source_done(&gpu->vram_used);
    source_done(&gpu->vram_total);
    source_done(&gpu->temp);
    source_done(&gpu->power);
    source_done(&gpu->runtime);
}

static bool is_asleep(struct amdgpu *gpu) {
    char text[16];

    if (!source_is_open(&gpu->runtime))
        return false;
    ssize_t got = pread(gpu->runtime.fd, text, sizeof(text), 0);
    return got >= 9 && memcmp(text, "suspended", 9) == 0;
}

/* The number divided and rounded; absent when it is not told or negative. */
static int64_t read_scaled(struct source *source, int64_t multiply, int64_t divide) {
    int64_t number;

    if (!source_is_open(source) || source_read_number(source, &number) < 0 ||
        number < 0 || number > INT64_MAX / 16)
        return SAMPLER_ABSENT;
    return (number * multiply + divide / 2) / divide;
}

void amdgpu_read(struct amdgpu *gpu, struct gpu_reading *ret_reading) {
    *ret_reading = (struct gpu_reading) { SAMPLER_ABSENT, SAMPLER_ABSENT, SAMPLER_ABSENT,
                                          SAMPLER_ABSENT, SAMPLER_ABSENT };
    if (is_asleep(gpu))
        return;
    ret_reading->load = read_scaled(&gpu->load, 10, 1);
    if (ret_reading->load > 1000)
        ret_reading->load = SAMPLER_ABSENT;
    ret_reading->vram_used = read_scaled(&gpu->vram_used, 1, 1);
    ret_reading->vram_total = read_scaled(&gpu->vram_total, 1, 1);
    ret_reading->temp = read_scaled(&gpu->temp, 1, 100);      /* from thousandths */
    ret_reading->power = read_scaled(&gpu->power, 1, 100000); /* from millionths */
}
