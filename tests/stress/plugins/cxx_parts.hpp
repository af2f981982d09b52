// What the C++ plugins of the stress scene share: the standard library in earnest, so that what C++ leaves behind in a
// process (exceptions, locale, statics with a guard, a map that is destroyed at unload) is part of every cycle.
#ifndef STRESS_CXX_PARTS_HPP
#define STRESS_CXX_PARTS_HPP

#include <hotgraft/call.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#include "stress_plugin.h"

namespace stress {

// Built at the first use in each library and destroyed with it.
inline const std::map<std::string, std::uint64_t> &words() {
    static const std::map<std::string, std::uint64_t> made{{"a word that is too long to be kept in place", 1}};
    return made;
}

// Throws and catches, so that each generation has unwound through its own tables.
inline std::uint64_t serial_of(const hotgraft_str &config) {
    try {
        const std::uint64_t serial = stress_serial(&config);
        if (serial == 0 || words().empty()) {
            throw std::invalid_argument("no serial in " + std::string(config.ptr, config.len));
        }
        throw serial;
    } catch (const std::uint64_t &serial) {
        return serial;
    }
}

template <class Instance>
hotgraft_status make(const hotgraft_host *host, const hotgraft_str *config, hotgraft_error *error,
                     hotgraft_instance **out) noexcept {
    try {
        *out = new Instance{host, serial_of(*config)};
        return HOTGRAFT_OK;
    } catch (const std::exception &why) {
        std::strncpy(error->message, why.what(), sizeof error->message - 1);
        return HOTGRAFT_E_FAILED;
    }
}

inline void poison(std::uint64_t &serial) noexcept {
    *const_cast<volatile std::uint64_t *>(&serial) = STRESS_DEAD;
}

// Call one function of what an import leads to; 0: nothing is bound.
template <class Interface>
std::uint64_t ask(const hotgraft_import &import, std::uint64_t (*Interface::*function)(void *)) {
    const hotgraft::Batch batch(import);
    return batch ? (batch.as<Interface>()->*function)(batch.self()) : 0;
}

} // namespace stress

#endif // STRESS_CXX_PARTS_HPP
