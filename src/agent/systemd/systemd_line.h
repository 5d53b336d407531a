/*
 * systemd_line - one line of the journal, as it is told
 */
#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "roost/v1/units.pb-c.h"

struct sd_journal;
struct systemd_library;

/* The line that the journal stands on, to be freed with pb_free(). */
Roost__V1__LogLine *systemd_line_read(const struct systemd_library *library,
                                      struct sd_journal *journal,
                                      bool is_user);

/* Text as a protobuf string may hold it: no NUL, and what is no UTF-8 is '?'. To be
 * freed. */
char *systemd_line_clean(struct slice text);
