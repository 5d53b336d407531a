/*
 * alert_text - small texts about incidents and rules: marks, subjects, values, lengths
 *
 * Needs no turn, so that the hub can make cards by itself.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "chat/words/words.h"
#include "roost/v1/alerts.pb-c.h"

enum { ALERT_TEXT_LEN = 64 };

/* The mark of a severity, of an incident (one that is over has another). */
const char *alert_text_severity_mark(Roost__V1__Severity severity);
const char *alert_text_mark(const Roost__V1__Incident *incident);

/* "critical" in the language. */
const char *alert_text_severity(enum words_language language,
                                Roost__V1__Severity severity);

/* "nas: disk:/home", "nas: nginx.service has failed", "5 hosts: not online". */
void alert_text_subject(enum words_language language,
                        const Roost__V1__Incident *incident,
                        struct buf *out);

/* "93.1 %", "1.2 GiB", "80 °C". */
void alert_text_value(struct buf *out, double value, const char *unit);

/* The unit that goes on behind "unit " in the series; NULL: it is about none. */
const char *alert_text_unit(const Roost__V1__Incident *incident);

/* Is it about a metric, of which a chart can be drawn? */
bool alert_text_has_chart(const Roost__V1__Incident *incident);

/* "12 min": how long it lasts or lasted. */
void alert_text_length(enum words_language language,
                       const Roost__V1__Incident *incident,
                       int64_t now_ms,
                       char ret_text[static ALERT_TEXT_LEN]);

/* "1h", "30 min" and so on, as people write lengths of time: false, it is none up to
 * max_ms. Lengths of the conditions' words and of clock.h. */
bool alert_text_parse_length(const char *text, uint64_t max_ms, uint64_t *ret_ms);

/* The next time of day HH:MM behind now_ms, in the hub's time zone; 0: no time of day. */
int64_t alert_text_parse_time(const char *text, int64_t now_ms);
