#include "base/program.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/settings_common.h"
#include "base/settings_show.h"
#include "base/version.h"

static void print(struct buf *out) {
    fwrite(out->data, 1, out->len, stdout);
    buf_done(out);
}

static void print_help(const struct program *program) {
    struct buf out = { 0 };

    buf_printf(&out, "usage: %s\n", program->usage);
    for (size_t i = 0; i < program->command_count; i++)
        buf_printf(&out, "%s%-10s %s\n", program->indent, program->commands[i].name,
                   program->commands[i].help);
    buf_add_text(&out, "\nflags:\n");
    settings_show_help(program->table, NULL, &out);
    buf_printf(&out, "\nexamples:\n%s", program->examples);
    print(&out);
}

int program_misused(const struct settings *settings, const char *format, ...) {
    const char *name = settings_table(settings)->program;
    va_list args;

    fprintf(stderr, "%s: ", name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\ntry: %s --help\n", name);
    return PROGRAM_EXIT_USAGE;
}

int program_show_config(void *config, const struct settings *settings) {
    const struct settings_list *words = settings_words(settings);
    struct buf out = { 0 };

    if (words->count > 1 && strcmp(words->items[1], "show") != 0)
        return program_misused(settings, "config: show");
    settings_show_values(settings, &out);
    print(&out);
    return EXIT_SUCCESS;
}

static int dispatch(const struct program *program,
                    void *config,
                    const struct settings *settings) {
    const struct settings_list *words = settings_words(settings);

    if (words->count == 0)
        return program->run(config, settings);
    for (size_t i = 0; i < program->command_count; i++) {
        const struct program_command *command = &program->commands[i];
        if (strcmp(command->name, words->items[0]) != 0)
            continue;
        if (words->count > command->words_max)
            return program_misused(settings, "%s: too many words", command->name);
        return command->run(config, settings);
    }
    return program_misused(settings, "%s: no such command", words->items[0]);
}

int program_run(const struct program *program,
                void *config,
                const struct settings *settings) {
    const struct settings_common *common = config;

    settings_common_apply_log(common);
    if (common->help)
        print_help(program);
    else if (common->version)
        printf("%s %s\n", program->table->program, ROOST_VERSION);
    else
        return dispatch(program, config, settings);
    return EXIT_SUCCESS;
}
