// I04: an exception gets out of a constructor of the library, or with IN_CREATE out of create.
#include <stdexcept>

extern "C" {
#include "plain.h"
}

__attribute__((noinline)) static int open_device() {
    throw std::runtime_error("no device");
}

#ifndef IN_CREATE
static const int device = open_device();
#endif

static hotgraft_status create(const hotgraft_host *host, const hotgraft_str *config, hotgraft_instance **instance,
                              hotgraft_error *error) noexcept {
#ifdef IN_CREATE
    open_device();
#endif
    return plain_create(host, config, instance, error);
}

static const hotgraft_plugin plugin = {
    sizeof(hotgraft_plugin), HOTGRAFT_ABI_MINOR, note.text, PLAIN_LEN, nullptr, 0, create, nullptr, nullptr, nullptr,
    plain_destroy,           plain_interface,    nullptr};
PLAIN_ENTRY(plugin)
