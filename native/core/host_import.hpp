// An import for the host's own callers: the same guard that plugins use to call plugins.
#ifndef HOTGRAFT_CORE_HOST_IMPORT_HPP
#define HOTGRAFT_CORE_HOST_IMPORT_HPP

#include <hotgraft/plugin.h>

#include "slot.hpp"

namespace hotgraft {

// Fill what a host fills of an import, so that it leads to `slot`. The slot must outlive every use. Any thread.
void fill_host_import(Slot &slot, hotgraft_import *import) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_HOST_IMPORT_HPP
