/*
 * look_folders - what lies in a folder of a host, counted while one watches
 */
#pragma once

struct turn;

/* usage NODE folders [PATH]: the largest things right in it, each folder a button. */
void look_folders_run(struct turn *turn, const char *path);
