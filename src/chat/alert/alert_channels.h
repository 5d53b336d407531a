/*
 * alert_channels - where people are told: channels, for administrators
 */
#pragma once

struct turn;

/* channels */
void alert_channels_list(struct turn *turn);

/* channel NAME [on|off|test|remove] */
void alert_channels_one(struct turn *turn);
