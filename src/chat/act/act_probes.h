/*
 * act_probes - what a host can reach: ping, TCP, HTTP and DNS, to a target of one's own
 */
#pragma once

struct turn;

/* ping NODE HOST [COUNT] */
void act_probes_ping(struct turn *turn);

/* tcp NODE HOST:PORT, or HOST PORT */
void act_probes_tcp(struct turn *turn);

/* http NODE URL */
void act_probes_http(struct turn *turn);

/* dns NODE NAME [TYPE] [--server HOST] */
void act_probes_dns(struct turn *turn);
