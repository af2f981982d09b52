#include "library_live.hpp"

#include <algorithm>

namespace hotgraft {

LiveLibraries &LiveLibraries::instance() {
    static LiveLibraries *const made = new LiveLibraries(); // never destroyed: libraries outlive the end of main
    return *made;
}

void LiveLibraries::add(const std::string &path, const ImageFacts &facts) {
    std::vector<std::string> names;
    for (const ImageSymbol &symbol : facts.exported) {
        if (symbol.is_unique) {
            names.emplace_back(symbol.name);
        }
    }
    const std::lock_guard<std::mutex> turn(mutex_);
    uniques_[path] = std::move(names);
}

void LiveLibraries::remove(const std::string &path) noexcept {
    const std::lock_guard<std::mutex> turn(mutex_);
    uniques_.erase(path);
}

bool LiveLibraries::has(const std::string &path) const {
    const std::lock_guard<std::mutex> turn(mutex_);
    return uniques_.find(path) != uniques_.end();
}

std::string LiveLibraries::find_unique(std::string_view name) const {
    const std::lock_guard<std::mutex> turn(mutex_);
    const auto found = std::find_if(uniques_.begin(), uniques_.end(), [&](const auto &one) {
        return std::find(one.second.begin(), one.second.end(), name) != one.second.end();
    });
    return found == uniques_.end() ? std::string() : found->first;
}

} // namespace hotgraft
