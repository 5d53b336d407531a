/*
 * alert_list - incidents: the list, one of them, and looking after them
 */
#pragma once

struct turn;

/* alerts [all] [NODE|@tag] [--page N] */
void alert_list_run(struct turn *turn);

/* alert ID */
void alert_list_one(struct turn *turn);

/* ack ID|all [--undo] [--sleeps] */
void alert_list_acknowledge(struct turn *turn);
