/*
 * forked COUNT - so many processes that do nothing, for tests and measurements
 *
 * Says "COUNT ready" when they are there, and ends them all when its standard input ends.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

int main(int argc, char **argv) {
    long count = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    char byte;

    setpgid(0, 0);
    for (long i = 0; i < count; i++) {
        pid_t pid = fork();
        if (pid < 0) {
            printf("%ld only\n", i);
            fflush(stdout);
            kill(0, SIGKILL);
        }
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (;;)
                pause();
        }
    }
    printf("%ld ready\n", count);
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    kill(0, SIGKILL);
    return 0;
}
