/*
 * restart - asks the running hub for a planned restart
 */
#pragma once

/*
 * Asks the hub that holds the data folder to hand over to a new process, waits until that
 * serves and says so on standard output. 0, or -errno and *ret_why a text to free.
 */
int restart_ask(const char *data, char **ret_why);
