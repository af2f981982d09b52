#include "library_residents_posix.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <string_view>

namespace hotgraft {

namespace {

struct Resident {
    const char *soname;
    std::atomic<bool> is_there{false};
};

// Process-wide, because what they say is: a library is resident for all or for none.
Resident *residents() noexcept {
    static Resident all[] = {{"libstdc++.so.6"}, {"libgomp.so.1"}, {nullptr}};
    return all;
}

Status make_resident(Resident &resident) {
    if (resident.is_there.load(std::memory_order_relaxed)) {
        return {};
    }
    // NODELETE besides the handle that nobody closes: a host that counts handles cannot take it away.
    if (::dlopen(resident.soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) == nullptr) {
        const char *const reason = ::dlerror();
        return {Code::kRefused, std::string("cannot make ") + resident.soname +
                                    " resident: " + (reason == nullptr ? "no reason given" : reason)};
    }
    resident.is_there.store(true, std::memory_order_relaxed);
    return {};
}

} // namespace

Status make_residents(const ImageFacts &facts) {
    for (Resident *resident = residents(); resident->soname != nullptr; ++resident) {
        const auto found = std::find(facts.needed.begin(), facts.needed.end(), std::string_view(resident->soname));
        if (found != facts.needed.end()) {
            if (Status status = make_resident(*resident); !status.is_ok()) {
                return status;
            }
        }
    }
    return {};
}

} // namespace hotgraft
