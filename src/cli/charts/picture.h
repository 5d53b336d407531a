/*
 * picture - a picture that a hub has drawn, as a file
 */
#pragma once

#include "base/slice.h"

/* Writes it to the path, "-": standard output. 0, or the exit status after telling. */
int picture_put(const char *path, struct slice bytes);
