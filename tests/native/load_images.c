// Loads each image named on standard input in a child of its own and says how the child ended:
//   <path> TAB ok | error <message> | signal <number> | exit <code>
// A child that is still there after 10 seconds gets SIGALRM. Libraries named as arguments are loaded first, once.
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LOADED = 40, REFUSED = 41, DEADLINE_S = 10 };

static void load(const char *path, int answer) {
    const int quiet = open("/dev/null", O_WRONLY);
    dup2(quiet, STDOUT_FILENO);
    dup2(quiet, STDERR_FILENO);
    alarm(DEADLINE_S);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library != NULL && dlsym(library, "hotgraft_plugin_v1") != NULL) {
        _exit(LOADED);
    }
    const char *message = dlerror();
    if (message != NULL && write(answer, message, strnlen(message, 500)) < 0) {
        _exit(1);
    }
    _exit(REFUSED);
}

static void report(const char *path, int status, const char *message) {
    if (WIFSIGNALED(status)) {
        printf("%s\tsignal %d\n", path, WTERMSIG(status));
    } else if (WEXITSTATUS(status) == LOADED) {
        printf("%s\tok\n", path);
    } else if (WEXITSTATUS(status) == REFUSED) {
        printf("%s\terror %s\n", path, message);
    } else {
        printf("%s\texit %d\n", path, WEXITSTATUS(status));
    }
    fflush(stdout);
}

static void load_in_child(const char *path) {
    int answer[2];
    if (pipe(answer) != 0) {
        exit(2);
    }
    const pid_t child = fork();
    if (child == 0) {
        load(path, answer[1]);
    }
    close(answer[1]);
    char message[512] = "";
    const ssize_t size = read(answer[0], message, sizeof(message) - 1);
    message[size > 0 ? size : 0] = '\0';
    for (char *c = message; *c != '\0'; ++c) {
        *c = *c < ' ' || *c > '~' ? '?' : *c;
    }
    close(answer[0]);
    int status = 0;
    waitpid(child, &status, 0);
    report(path, status, message);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; ++i) {
        dlopen(argv[i], RTLD_NOW | RTLD_LOCAL);
    }
    static char path[4096];
    while (fgets(path, sizeof(path), stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        load_in_child(path);
    }
    return 0;
}
