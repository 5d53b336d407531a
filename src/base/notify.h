/*
 * notify - tells systemd how the service is (sd_notify(3))
 *
 * A datagram to $NOTIFY_SOCKET; without one everything here does nothing. Small enough to
 * do without libsystemd, which would cost every agent its memory.
 */
#pragma once

#include <stdint.h>

/* "READY=1", "STOPPING=1", "RELOADING=1", "WATCHDOG=1", "STATUS=..." */
void notify_send(const char *state);

/* How often WATCHDOG=1 is due, in milliseconds: half of what systemd allows; 0: never. */
uint64_t notify_watchdog_ms(void);
