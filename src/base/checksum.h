/*
 * checksum - notices damage, not forgery
 *
 * XXH64 (Yann Collet's, version 2012 to today) with seed 0, as other programs compute it:
 * some ten bytes a nanosecond.
 */
#pragma once

#include <stdint.h>

#include "base/slice.h"

uint64_t checksum_xxh64(struct slice bytes);
