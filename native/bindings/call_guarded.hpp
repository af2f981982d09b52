// The part of a call between enter and leave.
#ifndef HOTGRAFT_BINDINGS_CALL_GUARDED_HPP
#define HOTGRAFT_BINDINGS_CALL_GUARDED_HPP

#include <cstring>

#include <hotgraft/call.h>

#include "call_errors.hpp"
#include "table.hpp"

namespace hotgraft {

// The function that the table offers for this cell; nullptr: it does not.
inline const void *offered(const hotgraft_table *table, const Cell &cell) {
    const void *function = nullptr;
    std::memcpy(&function, reinterpret_cast<const char *>(table) + cell.table_offset, sizeof(function));
    return __builtin_expect(function == reinterpret_cast<const void *>(&table_stub), 0) ? nullptr : function;
}

} // namespace hotgraft

#endif // HOTGRAFT_BINDINGS_CALL_GUARDED_HPP
