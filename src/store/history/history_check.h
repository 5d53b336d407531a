/*
 * history_check - look at every sample that is kept
 */
#pragma once

struct history_backend;
struct store_database;

/*
 * Reads all catalogues, journal rows and chunks, with all their columns: 0, -errno, or
 * STORE_E_DAMAGED and *ret_why, a text to free.
 */
int history_check_run(const struct history_backend *backend,
                      struct store_database *reader,
                      char **ret_why);
