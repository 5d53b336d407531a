/*
 * people_self - commands about whoever speaks: coming in, help, settings
 */
#pragma once

struct turn;

void people_self_start(struct turn *turn);
void people_self_help(struct turn *turn);
void people_self_settings(struct turn *turn);
void people_self_language(struct turn *turn);
void people_self_log_out(struct turn *turn);
