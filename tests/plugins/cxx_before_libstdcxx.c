/* A C program without libstdc++ that loads and closes a C++ library (argv[1]) and tells whether it left: exit 0 gone,
 * 3 still mapped. With a second argument it makes libstdc++ resident first. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static int is_mapped(const char *path) {
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        found |= strstr(line, path) != NULL;
    }
    if (maps != NULL) {
        fclose(maps);
    }
    return found;
}

int main(int argc, char **argv) {
    void *library;
    int (*touch)(void);
    if (argc < 2 || is_mapped("libstdc++")) {
        return 4;
    }
    if (argc > 2 && dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL) == NULL) {
        return 5;
    }
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 6;
    }
    *(void **)&touch = dlsym(library, "touch");
    touch();
    dlclose(library);
    return is_mapped(argv[1]) ? 3 : 0;
}
