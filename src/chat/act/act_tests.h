/*
 * act_tests - the screen of a node's tests, the speed test and the diagnosis
 */
#pragma once

struct turn;

/* tests NODE */
void act_tests_screen(struct turn *turn);

/* speedtest NODE [SECONDS] [--url URL] */
void act_tests_speed(struct turn *turn);

/* diag NODE */
void act_tests_diagnose(struct turn *turn);
