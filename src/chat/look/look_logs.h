/*
 * look_logs - the last lines of a service, of the kernel, or of the whole journal
 */
#pragma once

struct turn;

/* logs [NODE] [UNIT] [LINES] [--grep TEXT] [--since 1h] [--priority err] [--follow]
 * [--file] */
void look_logs_run(struct turn *turn);
