/*
 * descriptors - our .proto files as a serialised FileDescriptorSet
 *
 * Made at build time; what reflection serves.
 */
#pragma once

#include <stddef.h>

extern const unsigned char descriptors_data[];
extern const size_t descriptors_len;
