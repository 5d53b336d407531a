/*
 * alert_silence - not being told for a while: silences and maintenance windows
 */
#pragma once

struct turn;

/* silence NODE|@tag|all|ID DURATION|till HH:MM [REASON] [--rule NAME] */
void alert_silence_put(struct turn *turn);

/* unsilence [ID] */
void alert_silence_remove(struct turn *turn);

/* silences */
void alert_silence_list(struct turn *turn);

/* maintenance NODE|@tag [tomorrow|YYYY-MM-DD] FROM-TO [daily|weekly] [REASON] */
void alert_silence_maintenance(struct turn *turn);
