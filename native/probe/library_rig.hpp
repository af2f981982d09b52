// One library in a probe: its generation, and the steps that bring an instance up and down again.
#ifndef HOTGRAFT_PROBE_LIBRARY_RIG_HPP
#define HOTGRAFT_PROBE_LIBRARY_RIG_HPP

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "generation.hpp"
#include "request.hpp"
#include "slot.hpp"
#include "status.hpp"

namespace hotgraft {

// Where interfaces are published, by name. A place that nobody fills holds no table. They stay to the end of the
// process.
class ProbePlaces {
public:
    [[nodiscard]] Slot *at(const std::string &name);

private:
    std::map<std::string, std::unique_ptr<Slot>> slots_;
};

// Thread safety: one thread at a time.
class LibraryRig {
public:
    LibraryRig(const ProbeLibrary &wish, ProbePlaces &places) : wish_(wish), places_(places) {}

    // Read the staged copy; none of its code runs.
    [[nodiscard]] Status open();
    // Lead its imports to their places. After the generation has read its tables.
    [[nodiscard]] Status bind_imports();
    [[nodiscard]] Status create(std::size_t index);
    [[nodiscard]] Status make_tables(std::size_t index);
    // Give the instance the copy of the live state that came along; nothing to do where none did.
    [[nodiscard]] Status give_state(std::size_t index);
    // The first byte of the blocks, one after another, that is not as it was given; -1: none, or there was no block.
    [[nodiscard]] std::int64_t find_written_byte(std::size_t index) const;
    // Publish its tables: what it offers can be called from here on.
    [[nodiscard]] Status publish(std::size_t index);
    // Until it holds still, asked again while it is busy; *is_still: it did by deadline_ns.
    [[nodiscard]] Status quiesce(std::size_t index, std::int64_t deadline_ns, bool *is_still);
    // All of it up to publish, of every instance.
    [[nodiscard]] Status bring_up();

    [[nodiscard]] Generation &generation() noexcept { return *generation_; }
    [[nodiscard]] const ProbeLibrary &wish() const noexcept { return wish_; }

private:
    [[nodiscard]] Status take_block(std::size_t index);
    [[nodiscard]] Status restore_values(std::size_t index);

    struct Made {
        Slot *slot;
        const hotgraft_table *table;
    };
    const ProbeLibrary &wish_;
    ProbePlaces &places_;
    std::shared_ptr<Generation> generation_;
    std::vector<std::vector<Made>> tables_;   // by instance
    std::vector<std::vector<void *>> blocks_; // by instance: its own, then those that it leads to; none was given: none
};

} // namespace hotgraft

#endif // HOTGRAFT_PROBE_LIBRARY_RIG_HPP
