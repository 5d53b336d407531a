/*
 * settings_args - the flags of a command line
 *
 * "--flag VALUE", "--flag=VALUE", "-x VALUE"; flags of yes or no stand alone. Flags and
 * words may be mixed; after "--" everything is a word, and so is "-".
 */
#pragma once

struct settings;

/* Reads argv[1] to argv[argc - 1]; words go to settings_words(). 0 or SETTINGS_E_BAD. */
int settings_args_read(struct settings *settings, int argc, char *const *argv);

/*
 * Refuses flags that belong to other subcommands; command "" is the program without one.
 */
int settings_args_check(struct settings *settings, const char *command);
