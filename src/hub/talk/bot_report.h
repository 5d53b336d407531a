/*
 * bot_report - how it goes with a bot, for people: what is wrong, and what can be done
 *
 * From what the carrier knows of itself. It reads no clock and asks nobody.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "roost/v1/admin.pb-c.h"

struct telegram_status;

/* What the report needs besides the carrier's own word. */
struct bot_report_facts {
    const char *mistake; /* of the settings; NULL: none */
    bool is_webhook;
    uint64_t loop_ms; /* now, by the clock of the status */
    int64_t wall_ms;  /* now */
};

/* False: there is no bot, and none is meant to be there. Texts are lent by the status and
 * the facts. */
bool bot_report_write(const struct telegram_status *status,
                      const struct bot_report_facts *facts,
                      Roost__V1__Bot *ret_bot);
