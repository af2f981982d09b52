/* One node of a graph of plugins of any size: the tests write its name, its descriptor, whom it needs and its stamp
 * into the bytes of the image (`_` is what is replaced), so that a thousand nodes cost a handful of runs of the
 * compiler (tests/many_images.py).
 *
 *   MANY_NEEDS  how many providers it calls, 0 … 3
 *   MANY_STATE  its count is handed over; without, there is no state
 *
 * A control function fails where the config says so: {"fail": "take"}.
 */
#include <hotgraft/call.h>
#include <hotgraft/hotgraft.h>

#include <stdlib.h>
#include <string.h>

#define MANY_STAMP UINT64_C(0x5afe57a3c0de57a3) /* what is replaced in the image's bytes */
#define MANY_BYTES 4096                         /* of the descriptor, with the blanks behind it */

static const char own_id[] = "node___/_";

__attribute__((used, aligned(4), section(".note.hotgraft"))) static const struct {
    uint32_t name_bytes, text_bytes, type;
    char name[12];
    unsigned char text[MANY_BYTES];
} note = {9, MANY_BYTES, 1, "hotgraft", "MANY_DESCRIPTOR"};

typedef struct many_v1 {
    uint32_t struct_size;
    int64_t (*add)(void *self, int64_t by);
    int64_t (*stamp)(void *self);
    int64_t (*ask)(void *self, int64_t *seen, uint64_t n);
} many_v1;

struct hotgraft_instance {
    const hotgraft_host *host;
    int64_t *count;
    char config[128];
};

#if MANY_NEEDS > 0
static hotgraft_import needs[MANY_NEEDS] = {
    HOTGRAFT_IMPORT("need_0_", "^_.0", 0),
#if MANY_NEEDS > 1
    HOTGRAFT_IMPORT("need_1_", "^_.1", 0),
#endif
#if MANY_NEEDS > 2
    HOTGRAFT_IMPORT("need_2_", "^_.2", 0),
#endif
};
#endif

static int64_t add(void *self, int64_t by) {
    return __atomic_add_fetch(((hotgraft_instance *)self)->count, by, __ATOMIC_RELAXED);
}

__attribute__((noinline)) static int64_t stamp(void *self) {
    (void)self;
    return (int64_t)MANY_STAMP;
}

/* The stamps of everything below, in the order of the calls: its own as it is entered, and as it is left with the sign
 * turned. Returns how many. */
static int64_t ask(void *self, int64_t *seen, uint64_t n) {
    uint64_t count = 0;
    if (n < 2) {
        return 0;
    }
    seen[count++] = stamp(self);
#if MANY_NEEDS > 0
    for (int at = 0; at < MANY_NEEDS; ++at) {
        hotgraft_guard guard;
        const hotgraft_table *table = hotgraft_enter(&needs[at], &guard);
        if (table != NULL) {
            count += (uint64_t)HOTGRAFT_INTERFACE(many_v1, table)->ask(table->self, seen + count, n - count - 1);
            hotgraft_leave(&guard);
        }
    }
#endif
    seen[count++] = -stamp(self);
    return (int64_t)count;
}

static const many_v1 functions = {sizeof(many_v1), add, stamp, ask};

static hotgraft_status act(const hotgraft_instance *node, const char *function, hotgraft_error *error) {
    const char *const told = strstr(node->config, "\"fail\"");
    if (told == NULL || strstr(told, function) == NULL) {
        return HOTGRAFT_OK;
    }
    strcpy(error->message, "told to fail in ");
    strcat(error->message, function);
    return HOTGRAFT_E_FAILED;
}

static void destroy(hotgraft_instance *node) {
    (void)node->host->realloc(node->host->ctx, node->count, 0, 0);
    free(node);
}

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **out,
                              hotgraft_error *error) {
    hotgraft_instance *node = calloc(1, sizeof *node);
    node->host = host;
    memcpy(node->config, config->ptr, config->len < sizeof node->config ? config->len : sizeof node->config - 1);
    node->count = host->realloc(host->ctx, NULL, sizeof *node->count, 0);
    *node->count = 0;
    if (act(node, "create", error) != HOTGRAFT_OK) {
        destroy(node);
        return HOTGRAFT_E_FAILED;
    }
    *out = node;
    return HOTGRAFT_OK;
}

static hotgraft_status start(hotgraft_instance *node, hotgraft_error *error) {
    return act(node, "start", error);
}

static hotgraft_status quiesce(hotgraft_instance *node, uint64_t budget_ns, hotgraft_error *error) {
    (void)budget_ns;
    return act(node, "quiesce", error);
}

static hotgraft_status resume(hotgraft_instance *node, hotgraft_error *error) {
    (void)node;
    (void)error;
    return HOTGRAFT_OK;
}

#ifdef MANY_STATE
#define MANY_LAYOUT 41

static hotgraft_status take(hotgraft_instance *node, void *block, uint64_t bytes, uint64_t layout_id,
                            hotgraft_error *error) {
    const hotgraft_status status = act(node, "take", error);
    if (status != HOTGRAFT_OK || bytes != sizeof *node->count || layout_id != MANY_LAYOUT) {
        return status != HOTGRAFT_OK ? status : HOTGRAFT_E_INVALID;
    }
    (void)node->host->realloc(node->host->ctx, node->count, 0, 0);
    node->count = block;
    return HOTGRAFT_OK;
}

static hotgraft_status surrender(hotgraft_instance *node, void **block, uint64_t *bytes, hotgraft_error *error) {
    const hotgraft_status status = act(node, "surrender", error);
    if (status == HOTGRAFT_OK) {
        *block = node->count;
        *bytes = sizeof *node->count;
        node->count = NULL;
    }
    return status;
}

static const hotgraft_ext_state state = {sizeof(hotgraft_ext_state), 1, MANY_LAYOUT, NULL, NULL, take, surrender};
#endif

static const void *get_interface(hotgraft_instance *node, const char *id, void **self) {
    *self = node;
    return strcmp(id, own_id) == 0 ? &functions : NULL;
}

static const void *get_extension(const char *id) {
#ifdef MANY_STATE
    return strcmp(id, HOTGRAFT_EXT_STATE) == 0 ? &state : NULL;
#else
    (void)id;
    return NULL;
#endif
}

static const hotgraft_plugin plugin = {
    .struct_size = sizeof(hotgraft_plugin),
    .abi_minor = HOTGRAFT_ABI_MINOR,
    .descriptor = (const char *)note.text,
    .descriptor_len = MANY_BYTES,
#if MANY_NEEDS > 0
    .imports = needs,
    .import_count = MANY_NEEDS,
#endif
    .create = create,
    .start = start,
    .quiesce = quiesce,
    .resume = resume,
    .destroy = destroy,
    .get_interface = get_interface,
    .get_extension = get_extension,
};

HOTGRAFT_EXPORT const hotgraft_plugin *hotgraft_plugin_v1(uint32_t host_abi_minor) {
    (void)host_abi_minor;
    return &plugin;
}
