// The edge of the C API: arguments are checked before anything is done, what failed is written into the caller's
// memory, and no C++ exception gets past.
#ifndef HOTGRAFT_CORE_CAPI_BOUNDARY_HPP
#define HOTGRAFT_CORE_CAPI_BOUNDARY_HPP

#include <hotgraft_core.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <new>
#include <string>
#include <string_view>

#include "control.hpp"
#include "guard.hpp"
#include "status.hpp"

namespace hotgraft {

inline void copy_text(std::string_view text, char *out, std::size_t out_bytes) {
    const std::size_t bytes = std::min(text.size(), out_bytes - 1);
    std::memcpy(out, text.data(), bytes);
    out[bytes] = '\0';
}

inline hotgraft_core_code answer(const Status &status, hotgraft_error *error) {
    if (!status.is_ok() && error != nullptr) {
        error->code = static_cast<std::int32_t>(status.code());
        copy_text("hotgraft", error->domain, sizeof(error->domain));
        copy_text(status.message(), error->message, sizeof(error->message));
    }
    return static_cast<hotgraft_core_code>(status.code());
}

// A struct of the caller's may be left out, but not be smaller than its first version, `least` bytes; nothing is
// touched at or past its struct_size.
template <class Struct> Status check_size(const char *name, const Struct *given, std::size_t least = sizeof(Struct)) {
    if (given == nullptr || given->struct_size >= least) {
        return {};
    }
    return {Code::kInvalid, std::string(name) + "->struct_size is " + std::to_string(given->struct_size) +
                                ": set it to sizeof(*" + name + "), at least " + std::to_string(least)};
}

inline Status check_there(const char *name, const void *given) {
    return given != nullptr ? Status() : Status(Code::kInvalid, std::string(name) + " is NULL");
}

// The first of `checks` that found something.
inline Status first_of(std::initializer_list<Status> checks) {
    for (const Status &status : checks) {
        if (!status.is_ok()) {
            return status;
        }
    }
    return {};
}

// Run `work` if its arguments are sound, and keep C++ exceptions on this side: memory is the only thing that can run
// out in here.
template <class Check, class Work> hotgraft_core_code guarded(hotgraft_error *error, Check check, Work work) noexcept {
    try {
        if (!check_size("error", error).is_ok()) {
            return HOTGRAFT_CORE_INVALID; // and no place to say so
        }
        if (const Status status = check(); !status.is_ok()) {
            return answer(status, error);
        }
        if (Guards::instance().is_forked_child()) {
            return answer({Code::kForked, "control functions are off in a forked child; calls go on"}, error);
        }
        return answer(work(), error);
    } catch (const std::bad_alloc &) {
        return answer({Code::kNoMemory, "no memory left"}, error); // short: it needs none itself
    }
}

// A wait of `ns` from now, as the absolute time all of the core takes; "for ever" stays in the future.
inline std::int64_t after(std::uint64_t ns) {
    const std::int64_t now_ns = monotonic_ns();
    const auto longest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - now_ns) / 2;
    return now_ns + static_cast<std::int64_t>(std::min(ns, longest));
}

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CAPI_BOUNDARY_HPP
