#include "converters.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <mutex>
#include <set>

#include "control.hpp"
#include "gate.hpp"
#include "generation.hpp"
#include "library_posix.hpp"

namespace hotgraft {

namespace {

// Of the first release. NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer is meant
constexpr std::uint32_t kRowBytes = offsetof(hotgraft_converter, convert) + sizeof(hotgraft_converter::convert);
// NOLINTNEXTLINE(bugprone-sizeof-expression): as above
constexpr std::uint32_t kTableBytes = offsetof(hotgraft_ext_convert, converters) + sizeof(void *);

void add(std::string *found, const std::string &text) {
    *found += (found->empty() ? "" : "; ") + text;
}

void check_row(const Library &library, std::uint32_t index, const hotgraft_converter &row, std::uint32_t row_bytes,
               std::set<std::pair<std::uint32_t, std::uint32_t>> *steps, std::string *found) {
    const std::string name = "converter " + std::to_string(index);
    if (row.struct_size != row_bytes) {
        add(found, name + ": struct_size is " + std::to_string(row.struct_size) + ", and " + std::to_string(row_bytes) +
                       " in converter 0");
    }
    const std::string step = std::to_string(row.from_schema) + "→" + std::to_string(row.to_schema);
    if (row.from_schema == 0 || row.to_schema == 0 || row.from_schema == row.to_schema) {
        add(found, name + ": " + step + " is no step from one schema to another; they start at 1");
    }
    if (!steps->emplace(row.from_schema, row.to_schema).second) {
        add(found, name + ": there is one for " + step + " before it");
    }
    const auto address = reinterpret_cast<std::uintptr_t>(row.convert);
    if (address == 0 || !library.holds_code(address)) {
        add(found, name + ": convert " + (address == 0 ? "is NULL" : "points outside the plugin's own code"));
    }
}

Status refused(const std::string &found) {
    return {Code::kRefused, std::string(HOTGRAFT_EXT_CONVERT) + ": " + found};
}

// The steps of one way, their thread, and what the thread is inside of.
//
// Invariants
//   (1) Once given up, no further converter is begun.
struct NativeChain {
    explicit NativeChain(std::vector<ConverterStep> with) : steps(std::move(with)) {}

    Status walk(LooseState from, std::uint64_t swap, LooseState *to);
    bool enter(const ConverterStep *step);
    std::string give_up(); // answers what it was inside of

    const std::vector<ConverterStep> steps;
    ControlThread control; // of the swap's own thread
    std::mutex mutex;
    const ConverterStep *inside = nullptr;
    bool is_given_up = false;
};

// nullptr: it is inside of none.
bool NativeChain::enter(const ConverterStep *step) {
    const std::lock_guard<std::mutex> lock(mutex);
    inside = step;
    return !is_given_up;
}

std::string NativeChain::give_up() {
    const std::lock_guard<std::mutex> lock(mutex);
    is_given_up = true;
    if (inside == nullptr) {
        return {};
    }
    inside->generation->mark_abandoned("a converter");
    return title_of({inside->from_schema, inside->to_schema, nullptr}) + ": ";
}

Status NativeChain::walk(LooseState from, std::uint64_t swap, LooseState *to) {
    const CarriesOut mark(swap); // at its gates it gets an answer instead of waiting for itself
    for (const ConverterStep &step : steps) {
        KeyedState next;
        if (!enter(&step)) {
            return {Code::kAbandoned, "given up"};
        }
        Status status = step.generation->convert(step.from_schema, step.to_schema, from.values, &next);
        (void)enter(nullptr);
        if (!status.is_ok()) {
            return status;
        }
        from.values = std::move(next);
    }
    *to = std::move(from);
    return {};
}

} // namespace

std::string title_of(const ConverterRow &row) {
    return "converter " + std::to_string(row.from_schema) + "→" + std::to_string(row.to_schema);
}

Status read_converters(const Library &library, const void *answer, std::vector<ConverterRow> *out) {
    hotgraft_ext_convert table{};
    if (!library.holds(answer, sizeof table.struct_size)) {
        return refused("its table does not lie in the plugin");
    }
    std::memcpy(&table.struct_size, answer, sizeof table.struct_size);
    if (table.struct_size < kTableBytes || !library.holds(answer, table.struct_size)) {
        return refused("its struct_size lies");
    }
    std::memcpy(&table, answer, std::min<std::size_t>(table.struct_size, sizeof table));
    if (table.count == 0 || table.count > kConvertersMax) {
        return refused("it has " + std::to_string(table.count) + " converters; 1 to " + std::to_string(kConvertersMax) +
                       " are read");
    }
    const auto *const first = reinterpret_cast<const unsigned char *>(table.converters);
    std::uint32_t row_bytes = 0;
    if (!library.holds(first, sizeof row_bytes)) {
        return refused("its converters do not lie in the plugin");
    }
    std::memcpy(&row_bytes, first, sizeof row_bytes);
    if (row_bytes < kRowBytes || row_bytes % alignof(hotgraft_converter) != 0 ||
        !library.holds(first, std::uint64_t{row_bytes} * table.count)) {
        return refused("its converters do not lie in the plugin, or the struct_size of the first lies");
    }
    std::set<std::pair<std::uint32_t, std::uint32_t>> steps;
    std::vector<ConverterRow> rows;
    std::string found;
    for (std::uint32_t i = 0; i < table.count; ++i) {
        hotgraft_converter row{};
        std::memcpy(&row, first + std::size_t{i} * row_bytes, kRowBytes);
        check_row(library, i, row, row_bytes, &steps, &found);
        rows.push_back({row.from_schema, row.to_schema, row.convert});
    }
    if (!found.empty()) {
        return refused(found);
    }
    *out = std::move(rows);
    return {};
}

std::shared_ptr<StateConverters> native_converters(std::vector<ConverterStep> steps) {
    auto made = std::make_shared<StateConverters>();
    made->to_schema = steps.back().to_schema;
    const auto chain = std::make_shared<NativeChain>(std::move(steps));
    // A thread takes some 40 us to come up: now, so that no caller waits for it. Without one the step itself says so.
    (void)chain->control.run(
        "a converter", [] { return Status(); }, monotonic_ns() + kReturnNs);
    made->run = [chain](LooseState from, std::int64_t deadline_ns, std::uint64_t swap, LooseState *to) {
        const auto given = std::make_shared<LooseState>(std::move(from));
        const auto made_of_it = std::make_shared<LooseState>();
        Status status = chain->control.run(
            "a converter",
            [chain, given, made_of_it, swap] { return chain->walk(std::move(*given), swap, made_of_it.get()); },
            deadline_ns + kReturnNs);
        if (status.code() == Code::kAbandoned) {
            return Status(Code::kAbandoned, chain->give_up() + status.message());
        }
        if (status.is_ok()) {
            *to = std::move(*made_of_it);
        }
        return status;
    };
    return made;
}

} // namespace hotgraft
