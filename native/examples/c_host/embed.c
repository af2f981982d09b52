/* One core for a C host and the Python inside it.
 *
 *     embed FOLDER IMAGE.so SCRIPT.py
 *
 * Loads the plugin in C, then runs a script in an embedded Python that imports hotgraft. Both must find the same
 * libhotgraft.so.1: exit 0 only if the script's `core` names the file this program's own functions came from.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <hotgraft_core.h>

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static const char *own_core(void) {
    Dl_info info;
    void *address = NULL;
    const char *(*function)(void) = hotgraft_core_version;
    memcpy(&address, &function, sizeof address);
    return dladdr(address, &info) != 0 ? info.dli_fname : "";
}

int main(int argc, char **argv) {
    static const char *const interfaces[] = {"counter/1"};
    hotgraft_core_plugin *plugin = NULL;
    hotgraft_error error = {.struct_size = sizeof error};
    PyObject *core = NULL;
    const char *path = NULL;
    FILE *script = NULL;
    int is_same = 0;
    if (argc != 4) {
        fprintf(stderr, "usage: embed FOLDER IMAGE.so SCRIPT.py\n");
        return 2;
    }
    if (hotgraft_core_open("counter", argv[1], interfaces, 1, &plugin, &error) != HOTGRAFT_CORE_OK ||
        hotgraft_core_load(plugin, argv[2], NULL, UINT64_C(5000000000), NULL, &error) != HOTGRAFT_CORE_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    script = fopen(argv[3], "r");
    if (script == NULL) {
        perror(argv[3]);
        return 2;
    }
    Py_Initialize();
    if (PyRun_SimpleFileEx(script, argv[3], 1) == 0) {
        core = PyObject_GetAttrString(PyImport_AddModule("__main__"), "core");
        path = core != NULL ? PyUnicode_AsUTF8(core) : NULL;
        printf("C: %s\nPython: %s\n", own_core(), path != NULL ? path : "nothing");
        is_same = path != NULL && strcmp(path, own_core()) == 0;
        Py_XDECREF(core);
    }
    Py_Finalize();
    return is_same ? 0 : 1;
}
