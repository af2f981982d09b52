// Decides whether this process can load an image: what the image needs against what is there. Every violation is
// found, not the first, so that an author mends them in one build.
//
// Pure: the environment comes in as a value; needs_posix.hpp gathers it. What the loader itself would answer with a
// plain error is refused here too, because its words are misleading ("No such file" for another machine) or stop at
// the first, and because some of it ends the process: a versioned need met by a file without versions exits with 127.
#ifndef HOTGRAFT_CORE_NEEDS_HPP
#define HOTGRAFT_CORE_NEEDS_HPP

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "image.hpp"

namespace hotgraft {

enum class Severity : std::uint8_t { kRefusal, kWarning };

struct Finding {
    Severity severity = Severity::kRefusal;
    std::string rule;    // a stable word: "machine", "needed-file", "symbol", ...
    std::string subject; // what of the image it is about
    std::string found;
    std::string needed;
    std::string advice; // what to do; may be empty
};

// One sentence: subject, found, needed.
[[nodiscard]] std::string describe(const Finding &finding);

// The refusals among `found`, one line each, then a line of what to do for each advice; empty without a refusal.
[[nodiscard]] std::string describe_refusals(const std::vector<Finding> &found);

// What one library offers to others. Owns its strings, so that a large file need not be kept.
class Provider {
public:
    Provider(std::string path, const ImageFacts &facts);

    [[nodiscard]] const std::string &path() const noexcept { return path_; }
    [[nodiscard]] const std::string &soname() const noexcept { return soname_; }
    [[nodiscard]] const std::string &rpath() const noexcept { return rpath_; }
    [[nodiscard]] const std::string &runpath() const noexcept { return runpath_; }
    [[nodiscard]] const std::vector<std::string> &needed() const noexcept { return needed_; }
    [[nodiscard]] const std::vector<std::string> &versions() const noexcept { return versions_; }
    [[nodiscard]] bool has_symbol_versions() const noexcept { return has_symbol_versions_; }
    [[nodiscard]] bool uses_static_tls() const noexcept { return uses_static_tls_; }
    [[nodiscard]] std::uint64_t tls_bytes() const noexcept { return tls_bytes_; }
    [[nodiscard]] bool defines_version(std::string_view version) const noexcept;
    // Whether the loader would bind `name` (with `version`, empty for none) to this library.
    [[nodiscard]] bool offers(std::string_view name, std::string_view version) const noexcept;

private:
    std::string path_;
    std::string soname_;
    std::string rpath_;
    std::string runpath_;
    std::vector<std::string> needed_;
    std::vector<std::string> versions_;
    bool has_symbol_versions_ = false;
    bool uses_static_tls_ = false;
    std::uint64_t tls_bytes_ = 0;
    std::string names_; // the text that the keys below point into; never changes
    std::unordered_multimap<std::string_view, std::string_view> symbols_; // name to version

public:
    Provider(const Provider &) = delete; // symbols_ points into names_
    Provider &operator=(const Provider &) = delete;
};

inline constexpr const char *kNoSuchFile = "no such file";

// One place that was looked in for a needed file, and why it was passed over.
struct SearchedPlace {
    std::string place;
    std::string reason;
};

// A needed file, of the image itself or of a library it needs.
struct Dependency {
    std::string name;
    std::string needed_by;                    // empty: the image itself
    std::shared_ptr<const Provider> provider; // null: not found
    std::vector<SearchedPlace> searched;      // only when not found
};

// A name of the image that something loaded has already, and the path of that.
struct TakenName {
    std::string name;
    std::string path;
};

// A needed file that is loaded from one place, while the image's own search path leads to another file.
struct OtherHelper {
    std::string name;
    std::string loaded;
    std::string found;
};

// What the process offers, and what of it stands in the image's way. `closure` is breadth first, as the loader searches
// it.
struct Environment {
    std::uint16_t machine = 0;
    IsaLevel isa_level = 0;
    std::vector<Dependency> closure;
    std::vector<std::string> resident; // SONAMEs that are loaded already
    // Of the image's imports that no library of the closure offers: those the process offers globally.
    std::vector<std::string> global_symbols;
    std::vector<TakenName> unique_here;      // GNU_UNIQUE symbols of the image that a loaded plugin defines too
    std::vector<TakenName> soname_here;      // the image's SONAME, where a library that is no plugin's has it
    std::vector<OtherHelper> other_helpers;  // of the image's own needs
    std::vector<SearchedPlace> open_folders; // of its RUNPATH or RPATH: where others can put files, and how
};

inline constexpr std::string_view kEntrySymbol = "hotgraft_plugin_v1";

struct NeedsPolicy {
    bool allows_text_relocations = false; // the manifest says so
    bool is_adopted = false;              // a third-party image: no entry and no descriptor are expected
};

// What kind of file it is, machine, class, byte order and type: all that can be asked of one that is not for here.
[[nodiscard]] std::vector<Finding> check_kind(const ImageFacts &facts, const Environment &environment);

// Refusals first, then warnings. Empty: nothing stands against loading it.
[[nodiscard]] std::vector<Finding> check_needs(const ImageFacts &facts, const Environment &environment,
                                               const NeedsPolicy &policy = {});

// The imports of `facts` that neither the image itself nor a library of `closure` offers, weak ones left out.
[[nodiscard]] std::vector<const ImageSymbol *> find_unresolved(const ImageFacts &facts,
                                                               const std::vector<Dependency> &closure);

[[nodiscard]] bool has_refusal(const std::vector<Finding> &found) noexcept;

} // namespace hotgraft

#endif // HOTGRAFT_CORE_NEEDS_HPP
