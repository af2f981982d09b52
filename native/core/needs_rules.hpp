// What the rules of check_needs() share: the question, and the list that the answers go into.
#ifndef HOTGRAFT_CORE_NEEDS_RULES_HPP
#define HOTGRAFT_CORE_NEEDS_RULES_HPP

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "needs.hpp"

namespace hotgraft {

// What the core exports begins with the first, and what it looks for in a plugin of any ABI with the second.
inline constexpr std::string_view kOwnPrefix = "hotgraft_";
inline constexpr std::string_view kEntryPrefix = "hotgraft_plugin_v";

struct Check {
    const ImageFacts &facts;
    const Environment &environment;
    const NeedsPolicy &policy;
    std::vector<Finding> found;

    void refuse(std::string rule, std::string subject, std::string seen, std::string needed, std::string advice = {}) {
        found.push_back({Severity::kRefusal, std::move(rule), std::move(subject), std::move(seen), std::move(needed),
                         std::move(advice)});
    }
    void warn(std::string rule, std::string subject, std::string seen, std::string needed, std::string advice = {}) {
        found.push_back({Severity::kWarning, std::move(rule), std::move(subject), std::move(seen), std::move(needed),
                         std::move(advice)});
    }
};

// Names that the process has already, or that a plugin must not define.
void check_names(Check &check);
// Where the loader would take needed files from.
void check_places(Check &check);

} // namespace hotgraft

#endif // HOTGRAFT_CORE_NEEDS_RULES_HPP
