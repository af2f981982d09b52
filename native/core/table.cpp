// Tables are made here and nowhere else.
#include "table.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "fallback.hpp"

namespace hotgraft {

namespace {

constexpr std::uint32_t kAlign = 64;
constexpr std::uint32_t kFirstFunction = sizeof(void *); // struct_size and its padding come before

static_assert(sizeof(hotgraft_table) == 32, "the interface struct follows the head directly: guard protocol 1");

bool is_plausible(std::uint32_t bytes) noexcept {
    return bytes >= kFirstFunction && bytes <= Table::kMostBytes && bytes % sizeof(void *) == 0;
}

using Function = hotgraft_status (*)(void *) noexcept;

void fill_with_stubs(unsigned char *interface_bytes, std::uint32_t offered, std::uint32_t padded) noexcept {
    const Function stub = &table_stub;
    for (std::uint32_t at = kFirstFunction; at < padded; at += sizeof(Function)) {
        Function given = nullptr;
        std::memcpy(&given, interface_bytes + at, sizeof given);
        if (at >= offered || given == nullptr) {
            std::memcpy(interface_bytes + at, &stub, sizeof stub);
        }
    }
}

} // namespace

hotgraft_status table_stub(void *self) noexcept {
    return is_fallback(self) ? HOTGRAFT_E_UNAVAILABLE : HOTGRAFT_E_UNSUPPORTED;
}

std::unique_ptr<Table> Table::make(const void *interface_struct, std::uint32_t padded_bytes, std::uint32_t version,
                                   std::uint64_t generation, void *self, std::uint32_t meter,
                                   std::string slot_name) noexcept {
    std::uint32_t offered = 0;
    std::memcpy(&offered, interface_struct, sizeof offered);
    const std::uint32_t padded = std::max(offered, padded_bytes);
    if (!is_plausible(offered) || !is_plausible(padded)) {
        return nullptr;
    }
    std::unique_ptr<Table> table(new (std::nothrow) Table);
    if (table == nullptr) {
        return nullptr;
    }
    void *block = ::operator new (sizeof(hotgraft_table) + padded, std::align_val_t{kAlign}, std::nothrow);
    if (block == nullptr) {
        return nullptr;
    }
    table->head_ = new (block)
        hotgraft_table{static_cast<std::uint32_t>(sizeof(hotgraft_table)), version, generation, self, meter, 0};
    unsigned char *bytes = static_cast<unsigned char *>(block) + sizeof(hotgraft_table);
    std::memset(bytes, 0, padded);
    std::memcpy(bytes, interface_struct, offered);
    fill_with_stubs(bytes, offered, padded);
    table->offered_bytes_ = offered;
    table->padded_bytes_ = padded;
    table->slot_name_ = std::move(slot_name);
    return table;
}

Table::~Table() {
    ::operator delete (head_, std::align_val_t{kAlign});
}

} // namespace hotgraft
