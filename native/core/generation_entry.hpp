// The plugin's own tables, read once with suspicion: sizes and pointers may lie (FAULTS C01 to C06).
//
// Every pointer must lie in the plugin's own library, every function in its code; what is older than this host's
// headers is filled up with nullptr, so that the rest of the core reads one layout.
#ifndef HOTGRAFT_CORE_GENERATION_ENTRY_HPP
#define HOTGRAFT_CORE_GENERATION_ENTRY_HPP

#include <cstdint>
#include <string>
#include <vector>

#include <hotgraft/hotgraft.h>

#include "library.hpp"
#include "status.hpp"

namespace hotgraft {

// A copy of the plugin's table; functions it does not offer are nullptr.
struct EntryTable {
    hotgraft_plugin functions{};
    std::uint64_t import_count = 0;
    std::uint32_t import_bytes = 0; // of one: as far as the plugin's headers knew it, which may be less than ours do

    // One of its imports, in the plugin's memory: bound there. No member behind `host` need be there.
    [[nodiscard]] hotgraft_import &import(std::uint64_t index) const noexcept {
        return *reinterpret_cast<hotgraft_import *>(reinterpret_cast<unsigned char *>(functions.imports) +
                                                    index * import_bytes);
    }
};

// A copy of its state extension; all nullptr when it has none.
struct StateFunctions {
    std::uint32_t schema = 0;
    std::uint64_t layout_id = 0;
    decltype(hotgraft_ext_state::save) save = nullptr;
    decltype(hotgraft_ext_state::restore) restore = nullptr;
    decltype(hotgraft_ext_state::take) take = nullptr;
    decltype(hotgraft_ext_state::surrender) surrender = nullptr;
};

// A copy of its extension for sessions; all nullptr when it has none.
struct SessionFunctions {
    std::uint32_t schema = 0;
    std::uint64_t layout_id = 0;
    decltype(hotgraft_ext_session::create_session) create = nullptr;
    decltype(hotgraft_ext_session::destroy_session) destroy = nullptr;
    decltype(hotgraft_ext_session::save) save = nullptr;
    decltype(hotgraft_ext_session::restore) restore = nullptr;
    decltype(hotgraft_ext_session::take) take = nullptr;
    decltype(hotgraft_ext_session::surrender) surrender = nullptr;
};

// A copy of its extension for shared state; attach is nullptr when it has none.
struct SharedFunctions {
    std::uint32_t schema = 0;
    std::uint64_t layout_id = 0;
    std::uint64_t bytes = 0;
    std::uint64_t align = 0;
    decltype(hotgraft_ext_shared::init) init = nullptr;
    decltype(hotgraft_ext_shared::attach) attach = nullptr;
};

// Of its health extension.
using HealthCheck = decltype(hotgraft_ext_health::check);

// Check what the entry symbol answered. kRefused lists every violation. Runs no plugin code.
[[nodiscard]] Status read_entry_table(const Library &library, const void *answer, EntryTable *out);

// Check what get_extension(HOTGRAFT_EXT_STATE) answered. Runs no plugin code.
[[nodiscard]] Status read_state_functions(const Library &library, const void *answer, StateFunctions *out);

// Check what get_extension(HOTGRAFT_EXT_SHARED) answered, beside `state`, which it may offer too. Runs no plugin code.
[[nodiscard]] Status read_shared_functions(const Library &library, const void *answer, const StateFunctions &state,
                                           SharedFunctions *out);

// Check what get_extension(HOTGRAFT_EXT_SESSION) answered; `has_state`: it offers another kind of state too. Runs no
// plugin code.
[[nodiscard]] Status read_session_functions(const Library &library, const void *answer, bool has_state,
                                            SessionFunctions *out);

// Check what get_extension(HOTGRAFT_EXT_HEALTH) answered. Runs no plugin code.
[[nodiscard]] Status read_health_check(const Library &library, const void *answer, HealthCheck *out);

// Check an interface struct: size, and every function up to `declared_bytes` (0: up to its own size) there and in the
// plugin's code. Runs no plugin code.
[[nodiscard]] Status check_interface(const Library &library, const std::string &id, const void *answer,
                                     std::uint32_t declared_bytes);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_GENERATION_ENTRY_HPP
