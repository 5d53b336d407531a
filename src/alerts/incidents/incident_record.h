/*
 * incident_record - an incident as it is kept
 */
#pragma once

#include "base/buf.h"
#include "base/slice.h"

struct incident;

void incident_record_write(const struct incident *incident, struct buf *out);

/* NULL when it is damaged. */
struct incident *incident_record_read(struct slice bytes);
