// The cells that hold the slots of call-backs: numbers that lead to them, and how a cell comes to be used again.
#ifndef HOTGRAFT_CORE_CALLBACK_CELLS_HPP
#define HOTGRAFT_CORE_CALLBACK_CELLS_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "slot.hpp"

namespace hotgraft {

// Whose a number is, in all versions of a plugin. A plugin is known by its name and the folder its copies lie in, which
// is one host's.
struct CallbackKey {
    std::string folder;
    std::string plugin;
    std::string instance;
    std::string key;
};

struct CallbackCell {
    Slot slot{"call-back"};
    std::atomic<std::uint32_t> serial{1}; // of its use
    std::atomic<std::uint32_t> coming{0}; // offers in it of generations that do not serve yet
    std::uint32_t offers = 0;             // in it; under the lock of all cells
};

// All cells of the process. Never destroyed: a plugin's thread may call back while the process ends.
//
// Thread safety: any thread; find() takes no lock.
//
// Invariants
//   (1) A cell's serial grows before the cell is used again, and a table is published in it only after that.
//   (2) A cell without an offer is in free_ and its slot holds no table.
class CallbackCells {
public:
    static CallbackCells &instance() noexcept;

    // nullptr: the number is of another use of its cell, or none.
    [[nodiscard]] CallbackCell *find(std::uint64_t number) const noexcept {
        const std::uint64_t place = (number & 0xffffffff) - 1;
        CallbackCell *const cell =
            place < kMost ? cells_[place].load(std::memory_order_acquire) : nullptr; // pairs with add()
        return cell != nullptr && is_of(*cell, number) ? cell : nullptr;
    }

    static bool is_of(const CallbackCell &cell, std::uint64_t number) noexcept {
        return cell.serial.load(std::memory_order_seq_cst) == number >> 32; // pairs with release()
    }

    // The number of a key, with one offer more in it; 0: too many. Throws where there is no memory.
    [[nodiscard]] std::uint64_t take(const CallbackKey &key);
    // One offer less.
    void release(std::uint64_t number) noexcept;

private:
    static constexpr std::size_t kMost = 16'384;
    struct IsBefore {
        bool operator()(const CallbackKey &a, const CallbackKey &b) const;
    };

    [[nodiscard]] CallbackCell &cell_of(std::uint64_t number) const noexcept;
    std::uint64_t add(const CallbackKey &key);

    std::atomic<CallbackCell *> cells_[kMost] = {};
    std::mutex mutex_; // everything below, and the cells' counts of offers
    std::map<CallbackKey, std::uint64_t, IsBefore> numbers_;
    std::vector<std::uint32_t> free_; // places, from 1; there is room for all
    std::size_t count_ = 0;
};

} // namespace hotgraft

#endif // HOTGRAFT_CORE_CALLBACK_CELLS_HPP
