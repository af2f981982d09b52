/* E13: 1 KiB of initial-exec TLS: the space that the process keeps for it holds one generation, not two. */
#include "plain.h"

static __thread volatile char block[1024] __attribute__((tls_model("initial-exec")));

static int64_t add(void *self, int64_t a, int64_t b) {
    block[0] = (char)a;
    return plain_add(self, a, b);
}

static const plain_v1 functions = {sizeof(plain_v1), add, plain_calls};
static const void *get_interface(hotgraft_instance *instance, const char *id, void **self) {
    *self = instance;
    return strcmp(id, "plain/1") == 0 ? &functions : NULL;
}

static const hotgraft_plugin plugin = {.struct_size = sizeof(hotgraft_plugin),
                                       .abi_minor = HOTGRAFT_ABI_MINOR,
                                       .descriptor = note.text,
                                       .descriptor_len = PLAIN_LEN,
                                       .create = plain_create,
                                       .destroy = plain_destroy,
                                       .get_interface = get_interface};
PLAIN_ENTRY(plugin)
