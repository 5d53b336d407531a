/*
 * act_power - restarting hosts and turning them off
 */
#pragma once

struct turn;

/* power NODE: the screen. */
void act_power_screen(struct turn *turn);

/* reboot NODE [now | in 5m | cancel], shutdown likewise. */
void act_power_reboot(struct turn *turn);
void act_power_shutdown(struct turn *turn);
