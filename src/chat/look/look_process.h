/*
 * look_process - one process closely
 */
#pragma once

struct turn;

/* process NODE PID [START]: all that is known of it, and what can be done with it. */
void look_process_run(struct turn *turn);
