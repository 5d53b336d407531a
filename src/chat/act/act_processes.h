/*
 * act_processes - signals to processes: kill, pause, resume
 *
 * A process is found by number or name, shown with what the signal does to it, and
 * signalled when that was confirmed: the one that was shown, by number and time of its
 * start, and no later one. Then what became of it is told in the same message.
 */
#pragma once

struct turn;

void act_processes_kill(struct turn *turn);
void act_processes_pause(struct turn *turn);
void act_processes_resume(struct turn *turn);
