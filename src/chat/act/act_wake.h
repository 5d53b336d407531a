/*
 * act_wake - turning a sleeping host on, by another one in its network
 */
#pragma once

struct turn;

/* wake NODE [--via NODE] [--mac ADDRESS] */
void act_wake_run(struct turn *turn);
