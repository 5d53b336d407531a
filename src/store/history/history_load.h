/*
 * history_load - find again what was durable
 */
#pragma once

struct history;

/* Opens the readers, loads nodes, and the rows that only the journal has: 0, -errno or
 * STORE_E_*, and then *ret_why is a text to free. */
int history_load(struct history *history, char **ret_why);
