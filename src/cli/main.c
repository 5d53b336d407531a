/* main - the program roost; everything is in cli.c and the commands. */
#include "cli/cli.h"

int main(int argc, char **argv) {
    return cli_main(argc, argv);
}
