/*
 * boot_id - which boot of this machine this is
 */
#pragma once

#include <stdint.h>

enum { BOOT_ID_LEN = 16 };

/* The kernel's random id of this boot; one of our own where there is none. */
void boot_id_read(uint8_t ret_id[static BOOT_ID_LEN]);
