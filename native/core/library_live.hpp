// Which libraries of plugins are mapped now. The loader knows them only as paths among all others; two questions need
// more: whether a SONAME is a plugin's own older generation's, and who defines a GNU_UNIQUE symbol already.
#ifndef HOTGRAFT_CORE_LIBRARY_LIVE_HPP
#define HOTGRAFT_CORE_LIBRARY_LIVE_HPP

#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "image.hpp"

namespace hotgraft {

// Thread safety
//   Any thread; no call of it takes another lock.
//
// Invariants
//   (1) A path is listed from its mapping until its unloading was proven: one that stays mapped stays listed.
class LiveLibraries {
public:
    [[nodiscard]] static LiveLibraries &instance();

    void add(const std::string &path, const ImageFacts &facts);
    void remove(const std::string &path) noexcept;

    [[nodiscard]] bool has(const std::string &path) const;
    // The path of one that defines `name` as GNU_UNIQUE; empty: none.
    [[nodiscard]] std::string find_unique(std::string_view name) const;

private:
    mutable std::mutex mutex_;
    std::unordered_map<std::string, std::vector<std::string>> uniques_; // by path
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_LIBRARY_LIVE_HPP
