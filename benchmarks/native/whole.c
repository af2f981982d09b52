/* A whole reload through the C API beside the bare loader. A line per sample, microseconds: bare, core, and both again.
 *
 *     whole FOLDER PROVIDER.so SAMPLES
 *
 * Core: copy, hash, inspect, what was there before, map, create, table, start, publish; and for the generation that was
 * replaced: quiesce, destroy, the look at what it left behind, dlclose, proof; plugin code on control threads. Bare:
 * dlopen, dlsym, one call, dlclose of the same image. FOLDER and the image lie on the file system that is measured.
 */
#include <dlfcn.h>
#include <string.h>

#include "measure.h"

static hotgraft_import provider = HOTGRAFT_IMPORT("provider", "^1", 0);
static hotgraft_core_plugin *plugin;

static double bare_us(void *path) {
    const char *const image = path;
    const int64_t began_ns = now_ns();
    void *const library = dlopen(image, RTLD_NOW | RTLD_LOCAL);
    hotgraft_entry_fn entry = NULL;
    void *symbol = library == NULL ? NULL : dlsym(library, "hotgraft_plugin_v1");
    if (symbol == NULL) {
        fail(dlerror());
    }
    memcpy(&entry, &symbol, sizeof entry);
    if (entry(0) == NULL || dlclose(library) != 0) {
        fail("the image does not answer");
    }
    return (double)(now_ns() - began_ns) / 1e3;
}

static double core_us(void *image) {
    const int64_t began_ns = now_ns();
    (void)load(plugin, image, NULL);
    see_unloaded(plugin);
    return (double)(now_ns() - began_ns) / 1e3;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fail("usage: whole FOLDER PROVIDER.so SAMPLES");
    }
    plugin = bring("provider", argv[1], "provider/1", argv[2], NULL, &provider, NULL);
    take_turns(bare_us, core_us, argv[2], strtol(argv[3], NULL, 10));
    return 0;
}
